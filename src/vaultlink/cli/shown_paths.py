"""Vault paths as editors open them, and options as other commands repeat them."""

import os
import shlex
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from vaultlink.cli.options import ReportOptions


def make_path_formatter(root: Path) -> Callable[[str], str]:
    """Return a function from a vault path to the path to show.

    It is relative to the current folder, or absolute if that has nothing in common with the vault.
    """
    prefix = find_path_prefix(root)
    if prefix is not None:
        return lambda path: prefix + path
    folder = _current_folder()
    return cache(lambda path: os.path.relpath(root / path, folder).replace(os.sep, "/"))


def find_path_prefix(root: Path) -> str | None:
    """Return what precedes vault paths, such as `notes/`.

    None if the current folder is below the vault, so that paths have nothing in common.
    """
    folder = _current_folder()
    if folder == root or folder is None:
        return ""
    if folder.is_relative_to(root):
        return None
    shared = os.path.commonpath((root, folder)) if root.drive == folder.drive else root.anchor
    shown = root if shared == root.anchor else Path(os.path.relpath(root, folder))
    return f"{shown.as_posix()}/"


def describe_folder(root: Path) -> str:
    """Return what shown paths depend on: their prefix, or the current folder."""
    prefix = find_path_prefix(root)
    return f"{_current_folder()}" if prefix is None else f"{prefix}:"


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was deleted
        return None


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
