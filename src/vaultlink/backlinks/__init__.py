"""What the sections that vaultlink keeps should hold, how that is worded, and how far a section is from it.

An index, the settings of sections and a section's text enter; entries and differences leave. No text of another note is
needed here, so checks can ask.
"""
