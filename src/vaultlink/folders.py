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

OUTSIDE = "it lies outside the vault, behind a symbolic link"
FOLDER_GONE = "its folder is gone"
NO_FOLDER = "a file stands where its folder would be"


class Refused(Exception):  # noqa: N818 - it is said of one file, and the rest goes on
    """Why a file can't be written, as a clause."""


class Folder(NamedTuple):
    """An open folder. Where the system has no handles for folders, its path stands in for one."""

    handle: int | None
    path: str

    def at(self, name: str) -> str:
        """A file in it, to be named together with the handle."""
        return name if self.handle is not None else os.path.join(self.path, name)


@dataclass(slots=True)
class Folders:
    """The folders of a vault that are open, by vault path, and those that were made."""

    root: str
    open: dict[str, Folder] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)


def folders(root: Path) -> Folders:
    """A vault's folders, none of them open yet."""
    return Folders(os.path.realpath(root))


def split(path: str) -> tuple[str, str]:
    """The folder and the name in a vault path."""
    folder, _, name = path.rpartition("/")
    return folder, name


def enter(known: Folders, path: str, *, make: bool = False) -> Folder:
    """Open a folder; with `make`, one that is not there is made."""
    if path in known.open:
        return known.open[path]
    missing = _missing(known.root, path)
    outer = _real(known, split(missing[0])[0] if missing else path)
    if not os.path.isdir(outer):
        raise Refused(NO_FOLDER if os.path.exists(outer) else FOLDER_GONE)
    if missing and not make:
        raise Refused(FOLDER_GONE)
    for name in missing:
        with suppress(FileExistsError):
            os.mkdir(os.path.join(known.root, name))
            known.made.append(name)
    real = _real(known, path)
    handle = None
    if sys.platform != "win32":
        handle = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    folder = known.open[path] = Folder(handle, real)
    return folder


def leave(known: Folders, keep: str | None = None) -> None:
    """Close all folders but one, once the names in them have reached the disk."""
    for path, folder in list(known.open.items()):
        if path != keep:
            del known.open[path]
            if folder.handle is not None:
                with suppress(OSError):  # some file systems can't, and need not
                    os.fsync(folder.handle)
                os.close(folder.handle)


def missing_folders(root: Path, paths: Sequence[str]) -> list[str]:
    """The folders that would have to be made for files at these vault paths, outer ones first."""
    found: dict[str, None] = {}
    for path in sorted({split(path)[0] for path in paths}):
        found.update(dict.fromkeys(_missing(os.fspath(root), path)))
    return list(found)


def remove_empty(root: Path, paths: Sequence[str]) -> None:
    """Remove those of these folders that are empty."""
    known = folders(root)
    for path in sorted(set(paths), key=len, reverse=True):
        parent, name = split(path)
        with suppress(OSError, Refused):
            folder = enter(known, parent)
            os.rmdir(folder.at(name), dir_fd=folder.handle)
        leave(known)


def _missing(root: str, path: str) -> list[str]:
    missing = []
    while path and not os.path.lexists(os.path.join(root, path)):
        missing.append(path)
        path = split(path)[0]
    return missing[::-1]


def _real(known: Folders, path: str) -> str:
    """Where a folder really is; it must be in the vault."""
    real = os.path.realpath(os.path.join(known.root, path))
    if real != known.root and not real.startswith(os.path.join(known.root, "")):
        raise Refused(OUTSIDE)
    return real
