"""End-to-end tests: a real server, real clients, and tones that tell who is heard by whom."""
