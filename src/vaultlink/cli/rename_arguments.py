"""Read the arguments of `rename` and `move` for a vault on disk."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vaultlink.errors import UsageError
from vaultlink.files import read_regular
from vaultlink.fix.plan import Rename
from vaultlink.model import Heading
from vaultlink.refactor.arguments import (
    FILE_KINDS,
    find_source,
    read_extract,
    read_merge,
    read_move,
    read_plan_file,
    read_rename,
    read_renames,
)
from vaultlink.refactor.subpaths import find_named_anchor
from vaultlink.report.layout import escape_controls

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.refactor.arguments import FindPath

_MAX_PLAN_BYTES = 10_000_000
"""Bytes of the largest plan file that is read."""

_QUOTES = "Put names with # or spaces in quotes, as in"


def read_rename_words(vault: "Vault", old: str | None, new: str | None) -> tuple[Rename, ...]:
    """Return the rename of a command line. Raises UsageError."""
    if not old or not new:
        missing = "an old and a new name" if not old else f'a new name for "{old}"'
        raise UsageError(
            f"rename requires {missing}, or --from-file FILE. "
            f"{_QUOTES} `vaultlink rename '#old' '#new'`."
        )
    old, find = _to_vault_word(vault, old), make_path_finder(vault)
    if "#" not in old or find_source(vault.index, old, find).kind in FILE_KINDS:
        new = _to_vault_word(vault, new)
    return (read_rename(vault.index, old, new, find),)


def read_rename_file(vault: "Vault", file: Path, content: str) -> tuple[Rename, ...]:
    """Return the renames of a plan file. Raises UsageError."""
    try:
        return read_renames(vault.index, read_plan_file(content), make_path_finder(vault))
    except UsageError as error:
        raise UsageError(f"--from-file: {file}: {error}") from None


def load_plan_text(file: Path) -> str:
    """Return the text of a plan file, or of standard input for `-`. Raises UsageError."""
    if str(file) == "-" and sys.stdin is None:  # closed by the parent process
        raise UsageError("--from-file: can't read the plan, because standard input is closed.")
    try:
        data = (
            sys.stdin.buffer.read(_MAX_PLAN_BYTES)
            if str(file) == "-"
            else read_regular(file, _MAX_PLAN_BYTES)
        )
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--from-file: {file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"--from-file: {file} is not UTF-8.") from None


def read_move_words(vault: "Vault", words: tuple[str, ...]) -> tuple[Rename, ...]:
    """Return the renames of a command line of `move`: sources, then a folder."""
    if len(words) < 2:
        raise UsageError(
            "move requires notes, attachments or folders, and then the folder to move them into. "
            f"{_QUOTES} `vaultlink move 'My note' Folder`."
        )
    *sources, folder = [_to_vault_word(vault, word) for word in words]
    return read_move(vault.index, sources, folder, make_path_finder(vault))


def read_extract_words(vault: "Vault", old: str | None, new: str | None) -> tuple[str, str, str]:
    """Return path and subpath of a section, and the path of the note that it becomes."""
    from vaultlink.refactor.extract import default_extract_path  # noqa: PLC0415 - only for extract

    if not old:
        raise UsageError(
            f"extract requires a heading. {_QUOTES} `vaultlink extract 'Note#Heading'`."
        )
    word = None if new is None else _to_vault_word(vault, new)
    find = make_path_finder(vault)
    path, subpath, new_path = read_extract(vault.index, _to_vault_word(vault, old), word, find)
    heading = find_named_anchor(vault.index.notes[path], subpath)
    if new_path is None and isinstance(heading, Heading):
        new_path = default_extract_path(path, heading.text)
    assert new_path is not None
    return path, subpath, new_path


def read_merge_words(vault: "Vault", note: str | None, into: str | None) -> tuple[str, str]:
    if not note or not into:
        raise UsageError(
            "merge requires two notes: the one to append, and the one to append it to. "
            f"{_QUOTES} `vaultlink merge 'My note' Other`."
        )
    words = _to_vault_word(vault, note), _to_vault_word(vault, into)
    return read_merge(vault.index, *words, make_path_finder(vault))


def make_path_finder(vault: "Vault") -> "FindPath":
    """Return a function from a path on disk to a vault path.

    The path of a folder ends with a slash. The function returns None if the path does not lead to a
    file or folder of the vault.
    """
    root, files = os.fspath(vault.root), vault.index.files

    def find(text: str) -> str | None:
        try:
            absolute = os.path.abspath(text)  # noqa: PTH100 - keeps symbolic links
            for path in (absolute, os.path.realpath(absolute)):
                inside = path == root or path.startswith(os.path.join(root, ""))  # noqa: PTH118
                name = path[len(root) :].strip(os.sep).replace(os.sep, "/")
                if inside and name in files:
                    return name
                if inside and os.path.isdir(path):  # noqa: PTH112
                    return f"{name}/"
        except (OSError, ValueError):
            return None
        return None

    return find


def _to_vault_word(vault: "Vault", text: str) -> str:
    """Return a word; an absolute path in the vault becomes a vault path.

    Raises UsageError for an absolute path outside the vault, unless it may be a vault path.
    """
    if os.sep != "/":
        text = text.replace(os.sep, "/")
    root = vault.root.as_posix()
    if text == root or text.startswith(f"{root}/"):
        return text[len(root) :] or "/"
    if not text.startswith("/") or not text.strip("/"):
        return text
    first = text.strip("/").split("/")[0]
    is_known = (vault.root / first).exists() or (vault.root / f"{first}.md").exists()
    if not is_known and Path(f"/{first}").exists():
        raise UsageError(
            f"{escape_controls(text)} is outside the vault {vault.root}. "
            "A path in the vault needs no slash in front."
        )
    return text
