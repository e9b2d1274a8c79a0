"""The index of a vault: its updates, name resolution and suggestions. Pure."""
