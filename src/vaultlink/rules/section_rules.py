"""The names of the rules about backlinks sections."""

SECTION_RULES = ("missing-section", "stale-section")
"""The rules of `vaultlink.rules.managed_sections`. `vaultlink backlinks` runs only these."""

MISSING_SECTION, STALE_SECTION = SECTION_RULES
"""Rules that also report passages and mentions; these are compared only when writing sections."""

ALL_SECTION_RULES = (*SECTION_RULES, "broken-section-entry", "repeated-section")
"""The rules above, and those about the author's sections."""
