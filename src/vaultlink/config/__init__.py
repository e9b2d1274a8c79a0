"""Build a checked `Config` from TOML mappings: rules, severities, options, paths.

Errors raise `ConfigError` and name the place. Nothing here reads a file. The source of a setting
is known only by the name of its layer.
"""
