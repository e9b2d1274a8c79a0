"""Show vault paths relative to the current folder, so that editors open them."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path


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
