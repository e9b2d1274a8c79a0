"""From a text to a note. Pure: one text enters, one immutable note leaves, and nothing ever fails."""
