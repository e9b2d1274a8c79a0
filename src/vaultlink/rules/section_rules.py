"""The names of the rules about managed sections."""

SECTION_RULES = ("missing-section", "stale-section")
"""The rules of `vaultlink.rules.managed_sections`. `vaultlink backlinks` runs only these."""

MISSING_SECTION, STALE_SECTION = SECTION_RULES
"""Rules that also report passages and mentions; these are compared only when writing sections."""
