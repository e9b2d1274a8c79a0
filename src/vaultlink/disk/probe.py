"""Look up what the refusals of renames need to know of a disk."""

import os
from functools import cache
from pathlib import Path

from vaultlink.disk.scan import is_vault_path
from vaultlink.index.resolve import normalize_name
from vaultlink.refactor.refusals import DiskProbe


def probe_disk(root: Path) -> DiskProbe:
    """Return the answers about the files of a vault, hidden ones included."""
    top = os.path.realpath(root)

    def exists(path: str) -> bool:
        try:
            return os.path.lexists(f"{top}/{path}")
        except ValueError:  # a NUL character
            return False

    def is_same(path: str, other: str) -> bool:
        try:
            if os.path.samestat(os.lstat(f"{top}/{path}"), os.lstat(f"{top}/{other}")):
                return True
        except (OSError, ValueError):
            return False
        # Not every disk that ignores case shows it by the inodes: exFAT has one for each spelling.
        is_respelt = normalize_name(path) == normalize_name(other)
        return is_respelt and not (_is_spelt(top, path) and _is_spelt(top, other))

    @cache
    def is_outside(folder: str) -> bool:
        try:
            while folder and not os.path.lexists(f"{top}/{folder}"):
                folder = folder.rpartition("/")[0]
            real = os.path.realpath(f"{top}/{folder}")
        except ValueError:
            return False
        return real != top and not real.startswith(os.path.join(top, ""))  # noqa: PTH118

    return DiskProbe(
        exists,
        is_same,
        lambda path: os.path.isdir(f"{top}/{path}"),  # noqa: PTH112 - vault paths are text
        lambda path: os.path.islink(f"{top}/{path}"),  # noqa: PTH114
        is_outside,
        is_vault_path,
    )


def _is_spelt(top: str, path: str) -> bool:
    """Return True if the disk lists all names of a path as they are spelt in it."""
    folder = top
    for name in path.split("/"):
        if name not in os.listdir(folder):  # noqa: PTH208 - vault paths are text
            return False
        folder = f"{folder}/{name}"
    return True
