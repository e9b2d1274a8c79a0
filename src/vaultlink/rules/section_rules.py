"""The names of the rules about managed sections."""

SECTION_RULES = ("missing-section", "stale-section")
"""The rules of `vaultlink.rules.managed_sections`. `vaultlink backlinks` runs only these."""

STALE_SECTION = SECTION_RULES[1]
"""Rule that also reports outdated passages; they are found only when sections are written."""
