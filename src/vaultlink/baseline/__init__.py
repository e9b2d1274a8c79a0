"""What a change is held to: which findings are new, and which were known before, from a baseline or an earlier revision."""
