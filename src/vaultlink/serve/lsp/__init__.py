"""The language server: the warm vault in every editor. Only here pygls is used."""
