"""From findings to changed texts: fixes are chosen, applied, checked by another step, and repeated until none applies."""
