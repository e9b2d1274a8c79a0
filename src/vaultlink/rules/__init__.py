"""The rules: one module of checks for each kind of element, the context they receive, and the registry."""
