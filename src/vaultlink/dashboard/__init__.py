"""The facts of `vaultlink report`, and the page, JSON and Markdown that show them."""
