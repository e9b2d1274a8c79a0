"""Look up what the refusals of renames need to know of a disk."""

import os
from functools import cache
from pathlib import Path

from vaultlink.disk.scan import is_vault_path
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
            return os.path.samestat(os.lstat(f"{top}/{path}"), os.lstat(f"{top}/{other}"))
        except (OSError, ValueError):
            return False

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
