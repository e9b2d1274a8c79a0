"""The vault and paths of a command, as messages repeat them in other commands."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from vaultlink.cli.options import ReportOptions
from vaultlink.cli.shown_paths import find_path_prefix


def format_command_options(options: ReportOptions) -> str:
    """Return the vault and the paths of a command, as another one repeats them."""
    vault = ["--vault", str(options.vault)] if options.vault else []
    return _join_words([*vault, *map(str, options.paths)])


def format_vault_option(vault: Path | None, root: Path) -> str:
    """Return the option that names the vault, if it is not that of the current folder."""
    if vault:
        return _join_words(["--vault", str(vault)])
    prefix = find_path_prefix(root)
    return _join_words(["--vault", prefix.rstrip("/")]) if prefix else ""


def _join_words(words: Sequence[str]) -> str:
    return f" {shlex.join(words)}" if words else ""
