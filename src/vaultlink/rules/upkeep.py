"""Checks on "Add backlinks" sections that vaultlink keeps: whether they hold what they should."""
