"""Find the notes that can't be written even without their write protection."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from vaultlink.disk.scan import parse_stray_name

OUTSIDE_VAULT = "it is outside the vault, behind a symbolic link"
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
    strays = 0
    with suppress(OSError), os.scandir(folder) as entries:
        strays = sum(
            entry.inode() == status.st_ino for entry in entries if parse_stray_name(entry.name)
        )
    return status.st_nlink > 1 + strays


def make_lock_test(root: str) -> Callable[[str], bool]:
    """Return a function that tells if the file at a vault path can't be written."""
    find_barrier = make_barrier_finder(root)

    def is_locked(path: str) -> bool:
        file = f"{root}/{path}"
        try:
            return find_barrier(file, os.stat(file)) is not None  # noqa: PTH116 - many files
        except OSError:
            return False  # writing reports it

    return is_locked
