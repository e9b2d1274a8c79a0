"""From TOML mappings to one checked `Config`: which rules run, how severely, with which options, on which paths.

Mappings and the rule catalog enter, a value leaves. What is wrong raises `ConfigError` and names the place. Nothing
here reads a file or knows where settings come from beyond the name they carry.
"""

from vaultlink.config.checks import COMMAND_LINE, Layer
from vaultlink.config.patterns import compile_globs, compile_obsidian_filters
from vaultlink.config.settings import BACKLINKS_CHOICES, DEFAULT_SOURCE, Config, merge_layers
from vaultlink.errors import ConfigError

__all__ = [
    "BACKLINKS_CHOICES",
    "COMMAND_LINE",
    "DEFAULT_SOURCE",
    "Config",
    "ConfigError",
    "Layer",
    "compile_globs",
    "compile_obsidian_filters",
    "merge_layers",
]
