"""Everything that vaultlink asks git, and the one place that starts it.

Without git, or where git fails, the functions return None or an empty result; they raise nothing.
"""
