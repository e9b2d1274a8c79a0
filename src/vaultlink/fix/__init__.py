"""From findings to changed texts: select fixes, apply them in rounds, and verify the result. Pure."""
