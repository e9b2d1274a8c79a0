"""Read a vault from disk.

The modules scan a vault, read its notes and settings, and load its cached state.
"""
