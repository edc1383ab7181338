"""Template tags and filters that every screen uses."""
