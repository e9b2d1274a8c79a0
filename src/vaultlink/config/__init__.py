"""From TOML mappings to one checked `Config`: which rules run, how severely, with which options, on which paths.

Mappings and the rule catalog enter, a value leaves. What is wrong raises `ConfigError` and names the place. Nothing
here reads a file or knows where settings come from beyond the name they carry.
"""
