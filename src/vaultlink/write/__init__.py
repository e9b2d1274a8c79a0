"""Everything that writes: notes (journalled, compared, replaced atomically), undo, the write lock, and vaultlink's own files."""
