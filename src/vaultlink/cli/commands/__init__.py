"""The commands, by family.

`vaultlink.cli.command_table` names them, and imports a module when one of its commands runs.
"""
