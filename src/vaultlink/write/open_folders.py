"""Keep folders of a vault open while files in them are written."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from vaultlink.disk.scan import parse_leftover_name

OUTSIDE_VAULT = "it is outside the vault, behind a symbolic link"
CHANGED_SINCE_READ = "it changed since it was read"
READ_ONLY = "it is read-only"
FOLDER_NOT_WRITABLE = "its folder is not writable"
HARD_LINKED = "it has a second hard link, which would keep the old text"


def make_barrier_finder(root: str) -> Callable[[str, os.stat_result], str | None]:
    """Return a function from a file's path and status to why it can't be written."""

    @cache
    def is_inside(folder: str) -> bool:
        real = os.path.realpath(folder)
        return real == root or real.startswith(f"{root}{os.sep}")

    def find_barrier(file: str, status: os.stat_result) -> str | None:
        folder = file[: file.rfind("/")]
        if not is_inside(folder):
            return OUTSIDE_VAULT
        return HARD_LINKED if has_other_link(folder, status) else None

    return find_barrier


def has_other_link(folder: str, status: os.stat_result) -> bool:
    """Return True if a file has a hard link that is no temporary file of a run."""
    if status.st_nlink < 2:
        return False
    leftovers = 0
    with suppress(OSError), os.scandir(folder) as entries:
        leftovers = sum(
            entry.inode() == status.st_ino for entry in entries if parse_leftover_name(entry.name)
        )
    return status.st_nlink > 1 + leftovers


def make_lock_test(root: str, is_protected: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return a test for vault paths that can't be written or are protected."""
    find_barrier = make_barrier_finder(root)

    def is_locked(path: str) -> bool:
        file = f"{root}/{path}"
        try:
            return is_protected(path) or find_barrier(file, os.stat(file)) is not None
        except OSError:
            return False  # writing reports it

    return is_locked


# -- keep folders of a vault open while files in them are written ----------------------------------
# No other folder can take the place of an open one. A folder outside the vault is refused.


FOLDER_GONE = "its folder no longer exists"
NOT_A_FOLDER = "a file has the name of its folder"


class CannotWrite(Exception):  # noqa: N818 - it skips one file
    """Reason why a file can't be written, as a clause."""


class OpenFolder(NamedTuple):
    """An open folder; `handle` is None on systems that can't open folders."""

    handle: int | None
    path: str

    def path_of(self, name: str) -> str:
        return name if self.handle is not None else os.path.join(self.path, name)


class OpenFolders(msgspec.Struct):
    """The open folders of a vault, by vault path, and those that were created."""

    root: str
    by_path: dict[str, OpenFolder] = msgspec.field(default_factory=dict)
    created: list[str] = msgspec.field(default_factory=list)


def prepare_folders(root: Path) -> OpenFolders:
    return OpenFolders(os.path.realpath(root))


def split_path(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def open_folder(folders: OpenFolders, path: str, *, create: bool = False) -> OpenFolder:
    """Open a folder, or create it. Raises CannotWrite if it is a file or elsewhere."""
    if path in folders.by_path:
        return folders.by_path[path]
    _, missing = find_folder(folders, path, create=create)
    for name in missing:
        with suppress(FileExistsError):
            os.mkdir(os.path.join(folders.root, name))
            folders.created.append(name)
    real = _resolve_inside(folders, path)
    handle = None
    if sys.platform != "win32":
        handle = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    folder = folders.by_path[path] = OpenFolder(handle, real)
    return folder


def open_parent(folders: OpenFolders, path: str, *, create: bool = False) -> tuple[OpenFolder, str]:
    """Open the folder of a file as `open_folder` does; return also the file's name."""
    parent, name = split_path(path)
    return open_folder(folders, parent, create=create), name


def find_folder(
    folders: OpenFolders, path: str, *, create: bool = False
) -> tuple[str, Sequence[str]]:
    """Return the innermost existing folder on disk, and the missing vault paths below."""
    missing = _find_missing(folders.root, path)
    outer = _resolve_inside(folders, split_path(missing[0])[0] if missing else path)
    if not os.path.isdir(outer):
        raise CannotWrite(NOT_A_FOLDER if os.path.exists(outer) else FOLDER_GONE)
    if missing and not create:
        raise CannotWrite(FOLDER_GONE)
    return outer, missing


def close_folders(folders: OpenFolders, keep: str | None = None) -> None:
    """Write the folders' entries to disk, and close all folders except `keep`."""
    for path, folder in list(folders.by_path.items()):
        if path != keep:
            del folders.by_path[path]
            if folder.handle is not None:
                with suppress(OSError):  # not possible, and not needed, on some file systems
                    os.fsync(folder.handle)
                os.close(folder.handle)


def find_missing_folders(root: Path, paths: Sequence[str]) -> list[str]:
    """Return the folders to create for files at these vault paths, outer ones first."""
    missing: dict[str, None] = {}
    for path in sorted({split_path(path)[0] for path in paths}):
        missing.update(dict.fromkeys(_find_missing(os.fspath(root), path)))
    return list(missing)


def remove_empty_folders(root: Path, paths: Sequence[str]) -> None:
    folders = prepare_folders(root)
    for path in sorted(set(paths), key=len, reverse=True):
        for _ in range(2):  # a disk may fail once
            with suppress(OSError, CannotWrite):
                folder, name = open_parent(folders, path)
                os.rmdir(folder.path_of(name), dir_fd=folder.handle)
                break
        close_folders(folders)


def _find_missing(root: str, path: str) -> list[str]:
    missing = []
    while path and not os.path.lexists(os.path.join(root, path)):
        missing.append(path)
        path = split_path(path)[0]
    return missing[::-1]


def _resolve_inside(folders: OpenFolders, path: str) -> str:
    real = os.path.realpath(os.path.join(folders.root, path))
    if real != folders.root and not real.startswith(os.path.join(folders.root, "")):
        raise CannotWrite(OUTSIDE_VAULT)
    return real
