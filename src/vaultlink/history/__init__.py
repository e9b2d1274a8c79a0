"""Find where moved files went, from git and from the cache of the last run.

The functions return mappings of old vault paths to new ones. A move counts only if it is certain:
the old path no longer exists, the new one exists, and no other file is nearly as similar.
"""
