"""Three versions of a note become one: sections that vaultlink keeps are merged as sets of entries, all else by git.

Texts enter, a text leaves. Git itself is given to this package as a function. Whatever is not understood beyond doubt raises
`CannotMerge`, and the whole note is git's to merge.
"""

from vaultlink.merging.notes import MergeResult, merge_note
from vaultlink.merging.threes import CannotMerge, ThreeWay

__all__ = ["CannotMerge", "MergeResult", "ThreeWay", "merge_note"]
