"""Three versions of a note become one: sections that vaultlink keeps are merged as sets of entries, all else by git.

Texts enter, a text leaves. Git itself is given to this package as a function. Whatever is not understood beyond doubt raises
`Unsure`, and the whole note is git's to merge.
"""

from vaultlink.merging.notes import Merged, merged_note
from vaultlink.merging.threes import Three, Unsure

__all__ = ["Merged", "Three", "Unsure", "merged_note"]
