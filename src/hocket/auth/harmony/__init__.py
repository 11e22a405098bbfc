"""Users of Harmony homeservers. To them we are a foreign server: they log in with what their homeserver has signed."""
