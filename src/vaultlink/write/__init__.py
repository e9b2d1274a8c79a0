"""Write notes, undo runs, hold the write lock, and write vaultlink's own files."""
