"""Find where files, sections and blocks went, from git and from earlier runs.

One matcher compares the texts before and after, whoever remembers them. A move counts only if it is
certain: the old path no longer exists, the new one exists, and no other file has nearly as much of
the text. A file counts as deleted only if no other file can be the moved one.
"""
