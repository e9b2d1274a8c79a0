"""Find where files, sections and blocks went, from git and from earlier runs.

A move counts only if it is certain: the old path no longer exists, the new one exists, and no other
file has nearly as much of the text. A file counts as deleted only if none can be the moved one.
"""
