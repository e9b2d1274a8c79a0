"""Rename, move, extract and merge; every link keeps its meaning.

Everything here is pure: a plan is computed from an index and texts, and `write/` carries it out.
"""
