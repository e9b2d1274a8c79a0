"""Write options and paths as the commands repeat them that a command proposes."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaultlink.cli.opening import (
    RULE_OPTIONS,
    make_path_formatter,
    name_vault,
    to_vault_paths,
)
from vaultlink.cli.options import OpenOptions, PathsOptions, ReportOptions
from vaultlink.index.resolve import cover_files
from vaultlink.text import quote_name

if TYPE_CHECKING:
    from vaultlink.api import Vault

_SETTINGS_OPTIONS = ("config", "isolated", "no_history")
"""Options that decide what a command finds in a vault, in all commands that open one."""

_MAX_PATHS = 5
"""Paths that a proposed command repeats as they are, and folders that take the place of more."""

_MAX_COLUMNS = 60
"""Columns of these folders. More would leave no room for the description of a command."""

_ELLIPSIS = "…"
"""The word that stands for the paths of a command in the commands that it proposes."""


def format_command_options(options: ReportOptions, vault: "Vault") -> str:
    """Return the options that decide what a command finds and fixes, and its paths.

    Another command that repeats them finds and fixes the same.
    """
    names = ("vault", *_SETTINGS_OPTIONS, *RULE_OPTIONS, "changed_since", "no_baseline")
    paths = (options.stdin_filename,) if options.stdin_filename else options.paths
    return _join_words(_list_words(options, names)) + _format_paths(paths, vault)


def format_part(options: PathsOptions, vault: "Vault") -> str:
    """Return the options that name the vault and its settings, and the paths."""
    if not options.paths:
        return format_vault_option(options, vault.root)
    words = _list_words(options, ("vault", *_SETTINGS_OPTIONS))
    return _join_words(words) + _format_paths(options.paths, vault)


def describe_shortened(options: ReportOptions | PathsOptions, vault: "Vault") -> str:
    """Return a sentence on the paths that proposed commands do not repeat; else ""."""
    is_short = _format_paths(options.paths, vault) == f" {_ELLIPSIS}"
    if not is_short:
        return ""
    count = f"{len(options.paths):,}"
    return f"Replace {quote_name(_ELLIPSIS)} by the {count} paths that this command got."


def _format_paths(paths: Sequence[Path], vault: "Vault") -> str:
    """Return paths as words; many as the folders that hold only them, or as one word."""
    if len(paths) <= _MAX_PATHS:
        return _join_words(_list_path_words(paths))
    short = cover_files(to_vault_paths(vault.root, paths), vault.index.files, _MAX_PATHS)
    show = make_path_formatter(vault.root)
    words = _join_words(_list_path_words(filter(None, (show(path).rstrip("/") for path in short))))
    return words if short and len(words) <= _MAX_COLUMNS else f" {_ELLIPSIS}"


def _list_path_words(paths: Iterable[Path | str]) -> list[str]:
    words = [str(path) for path in paths]
    return ["--", *words] if any(word.startswith("-") for word in words) else words


def format_vault_option(options: OpenOptions, root: Path) -> str:
    """Return the options that name the vault and its settings.

    The vault is left out if a command without paths finds it from the current folder.
    """
    settings = _list_words(options, _SETTINGS_OPTIONS)
    return name_vault(options.vault, root) + _join_words(settings)


def _list_words(options: OpenOptions, names: Iterable[str]) -> list[str]:
    words = []
    for name in names:
        value, word = getattr(options, name), f"--{name.replace('_', '-')}"
        if isinstance(value, tuple):
            words += [word, ",".join(value)] if value else []
        elif value:
            words += [word] if value is True else [word, str(value)]
    return words


def _join_words(words: Sequence[str]) -> str:
    return f" {shlex.join(words)}" if words else ""
