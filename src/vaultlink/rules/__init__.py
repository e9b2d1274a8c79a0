"""Rules: modules of checks, the context that checks receive, and the registry."""
