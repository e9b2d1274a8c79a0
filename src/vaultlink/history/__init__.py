"""Find where files went, from git and from the cache of the last run.

A move counts only if it is certain: the old path no longer exists, the new one exists, and no other
file is nearly as similar. A file counts as deleted only if no other file can be the moved one.
"""
