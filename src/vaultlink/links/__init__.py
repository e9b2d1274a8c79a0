"""Format link targets and rewrite links in a text. Pure."""
