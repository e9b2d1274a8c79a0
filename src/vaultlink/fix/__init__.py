"""From findings to changed texts: select fixes, apply them in rounds, verify the result. Pure."""
