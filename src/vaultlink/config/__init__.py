"""From TOML mappings to one checked `Config`: rules, severities, options, paths.

Errors raise `ConfigError` and name the place. Nothing here reads a file or knows where settings
come from, except for the name that each layer has.
"""
