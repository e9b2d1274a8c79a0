"""The checks of all rules, and the registry that reads their declarations."""
