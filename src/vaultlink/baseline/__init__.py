"""Known findings, from a baseline file or an earlier revision, and new ones."""
