"""Three versions of a note become one: sections that vaultlink keeps are merged as sets of entries, all else by git.

Texts enter, a text leaves. Git itself is given to this package as a function. Whatever is not understood beyond doubt raises
`CannotMerge`, and the whole note is git's to merge.
"""
