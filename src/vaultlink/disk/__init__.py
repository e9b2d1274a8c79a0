"""Read a vault from disk: scan it, read its notes and settings, load its cached state."""
