"""Managed backlinks sections: expected entries, their text, and differences.

The functions take an index, the settings of sections and a section's text. Only excerpts need the
text of other notes, so checks can use all the rest.
"""
