"""Folders of a vault, held open while files in them are written, so that no other can take their place meanwhile.

Vault paths enter, open folders leave; a folder that lies elsewhere, behind a symbolic link, is refused.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

OUTSIDE_VAULT = "it lies outside the vault, behind a symbolic link"
FOLDER_GONE = "its folder is gone"
NOT_A_FOLDER = "a file stands where its folder would be"


class CannotWrite(Exception):  # noqa: N818 - it is said of one file, and the rest goes on
    """Why a file can't be written, as a clause."""


class OpenFolder(NamedTuple):
    """An open folder. Where the system has no handles for folders, its path stands in for one."""

    handle: int | None
    path: str

    def path_of(self, name: str) -> str:
        """A file in it, to be named together with the handle."""
        return name if self.handle is not None else os.path.join(self.path, name)


@dataclass(slots=True)
class OpenFolders:
    """The folders of a vault that are open, by vault path, and those that were made."""

    root: str
    by_path: dict[str, OpenFolder] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)


def prepare_folders(root: Path) -> OpenFolders:
    """A vault's folders, none of them open yet."""
    return OpenFolders(os.path.realpath(root))


def split_path(path: str) -> tuple[str, str]:
    """The folder and the name in a vault path."""
    folder, _, name = path.rpartition("/")
    return folder, name


def open_folder(known: OpenFolders, path: str, *, make: bool = False) -> OpenFolder:
    """Open a folder; with `make`, one that is not there is made."""
    if path in known.by_path:
        return known.by_path[path]
    missing = _find_missing(known.root, path)
    outer = _resolve_inside(known, split_path(missing[0])[0] if missing else path)
    if not os.path.isdir(outer):
        raise CannotWrite(NOT_A_FOLDER if os.path.exists(outer) else FOLDER_GONE)
    if missing and not make:
        raise CannotWrite(FOLDER_GONE)
    for name in missing:
        with suppress(FileExistsError):
            os.mkdir(os.path.join(known.root, name))
            known.created.append(name)
    real = _resolve_inside(known, path)
    handle = None
    if sys.platform != "win32":
        handle = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    folder = known.by_path[path] = OpenFolder(handle, real)
    return folder


def close_folders(known: OpenFolders, keep: str | None = None) -> None:
    """Close all folders but one, once the names in them have reached the disk."""
    for path, folder in list(known.by_path.items()):
        if path != keep:
            del known.by_path[path]
            if folder.handle is not None:
                with suppress(OSError):  # some file systems can't, and need not
                    os.fsync(folder.handle)
                os.close(folder.handle)


def find_missing_folders(root: Path, paths: Sequence[str]) -> list[str]:
    """The folders that would have to be made for files at these vault paths, outer ones first."""
    found: dict[str, None] = {}
    for path in sorted({split_path(path)[0] for path in paths}):
        found.update(dict.fromkeys(_find_missing(os.fspath(root), path)))
    return list(found)


def remove_empty_folders(root: Path, paths: Sequence[str]) -> None:
    """Remove those of these folders that are empty."""
    known = prepare_folders(root)
    for path in sorted(set(paths), key=len, reverse=True):
        parent, name = split_path(path)
        with suppress(OSError, CannotWrite):
            folder = open_folder(known, parent)
            os.rmdir(folder.path_of(name), dir_fd=folder.handle)
        close_folders(known)


def _find_missing(root: str, path: str) -> list[str]:
    missing = []
    while path and not os.path.lexists(os.path.join(root, path)):
        missing.append(path)
        path = split_path(path)[0]
    return missing[::-1]


def _resolve_inside(known: OpenFolders, path: str) -> str:
    """Where a folder really is; it must be in the vault."""
    real = os.path.realpath(os.path.join(known.root, path))
    if real != known.root and not real.startswith(os.path.join(known.root, "")):
        raise CannotWrite(OUTSIDE_VAULT)
    return real
