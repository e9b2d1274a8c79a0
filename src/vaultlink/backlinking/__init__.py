"""What the sections that vaultlink keeps should hold, how that is worded, and how far a section is from it.

An index, the settings of sections and a section's text enter; entries and differences leave. No text of another note is
needed here, so checks can ask.
"""

from vaultlink.backlinking.difference import Difference, difference, entry_of, fits
from vaultlink.backlinking.holding import Wanted, takes_section, wanted
from vaultlink.backlinking.reading import Named, Piece, Reading, is_kept, read_section
from vaultlink.backlinking.wording import Listed, Look, entry_text, look, loosely

__all__ = [
    "Difference",
    "Listed",
    "Look",
    "Named",
    "Piece",
    "Reading",
    "Wanted",
    "difference",
    "entry_of",
    "entry_text",
    "fits",
    "is_kept",
    "look",
    "loosely",
    "read_section",
    "takes_section",
    "wanted",
]
