"""Unlinked mentions: find where a note's text names another note, and link it."""
