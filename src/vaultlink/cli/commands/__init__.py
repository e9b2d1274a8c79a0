"""The commands, one module each.

`vaultlink.cli.dispatch` imports only the module of the command that is run.
"""
