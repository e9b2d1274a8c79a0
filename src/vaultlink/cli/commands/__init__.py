"""The commands, one module each. `vaultlink.cli.dispatch` imports the module of the command that is run."""
