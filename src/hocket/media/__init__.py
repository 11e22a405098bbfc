"""The media plane as the rest of the program sees it: `engine.MediaEngine`, its options, events and errors."""
