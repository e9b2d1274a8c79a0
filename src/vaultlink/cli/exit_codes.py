"""Exit codes of all commands."""

EXIT_CLEAN, EXIT_FINDINGS, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130

EXIT_REFUSED, EXIT_GUARD_FAILED = 2, 1
"""Exit codes of `guard`: its own failure must not stop a tool."""
