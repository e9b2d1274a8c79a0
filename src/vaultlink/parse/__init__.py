"""From a text to a note. Pure: one text enters, one immutable note leaves, and nothing ever fails."""

from vaultlink.parse.notes import parse_canvas, parse_note

__all__ = ["parse_canvas", "parse_note"]
