"""Where files went that are no longer where links name them: what git tells, and what the last run remembers.

A vault and its files enter, a mapping of old vault paths to new ones leaves. Only what is sure counts: the old path is gone,
the new one is there, and nothing else comes as near.
"""
