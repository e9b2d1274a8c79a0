"""Merge three versions of a note.

Managed sections are merged as sets of entries, the rest by git. Git's merge is passed in as a
function. If a section can't be merged safely, `CannotMerge` is raised, and git merges the whole
note.
"""
