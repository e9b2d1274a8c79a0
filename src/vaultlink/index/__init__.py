"""What a vault's names mean and who mentions them: the index, its updates, name resolution and suggestions. Pure."""
