"""Sources of settings: configuration files and the command line."""

from collections.abc import Mapping
from typing import Any

import msgspec

from vaultlink.errors import ConfigError

CONFIG_NAMES = (".vaultlink.toml", "vaultlink.toml", "pyproject.toml")
"""Names of configuration files in a folder, by precedence."""

RUN_LIMIT_DEFAULTS: Mapping[str, str] = {"keep-runs": "90 days", "keep-runs-size": "200 MB"}
"""The limits of the kept runs, and their defaults."""

COMMAND_LINE = "command line"
"""The source of the layer of command line options. Messages name its keys as options."""


class Layer(msgspec.Struct, frozen=True):
    """One source of settings, as a TOML mapping.

    `source` names it in messages and in `Config.sources`.
    """

    source: str
    values: Mapping[str, Any]

    def format_key(self, key: str) -> str:
        """Return the place of a setting as messages name it."""
        return f"--{key}" if self.source == COMMAND_LINE else f"{self.source}: {key}"

    def make_error(self, key: str, problem: str) -> ConfigError:
        """Return the error for a setting; the problem is the rest of a sentence."""
        return ConfigError(f"{self.format_key(key)}: {problem}")
