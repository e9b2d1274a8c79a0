"""Look up what the refusals of renames need to know of a disk."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from vaultlink.disk.scan import is_vault_path
from vaultlink.fix.plan import Plan
from vaultlink.index.resolve import normalize_name
from vaultlink.refactor.refusals import DiskProbe


def probe_disk(root: Path, plan: Plan | None = None) -> DiskProbe:
    """Return the answers about the files of a vault, hidden ones included.

    With a plan, they are about the files after it.
    """
    disk = _probe(root)
    if plan is None:
        return disk
    files, old = plan.after.index.files, plan.find_old_path

    def exists(path: str) -> bool:
        if path in files:
            return True
        first = old(path)
        if plan.texts.get(first, ("", ""))[1] is None:
            return False
        is_gone = plan.find_new_path(path) != path or path in plan.emptied
        return disk.exists(first) and not (first == path and is_gone)

    return DiskProbe(
        exists,
        lambda path, other: disk.is_same(old(path), old(other)),
        lambda path: disk.is_folder(old(path)),
        lambda path: disk.is_link(old(path)),
        lambda folder: disk.is_outside(old(folder)),
        disk.is_listed,
    )


def _probe(root: Path) -> DiskProbe:
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


def find_unlisted_link(
    root: Path, text: str, is_listed: Callable[[str], bool]
) -> tuple[str, str] | None:
    """Return the first symbolic link in a path on disk that a vault does not list.

    It is the name of the link, and the vault path to which the whole path leads; "" if that is
    outside. Links in folders above the vault's root do not count.
    """
    try:
        path = Path(os.path.abspath(text))  # noqa: PTH100 - keeps symbolic links
        link = _find_link(root, path, is_listed) if os.path.lexists(path) else None
        return (link.name, _find_vault_path(root, path) or "") if link else None
    except (OSError, ValueError):
        return None


def _find_link(root: Path, path: Path, is_listed: Callable[[str], bool]) -> Path | None:
    name: str | None = None  # the vault path of the place, if it is in the vault
    for place in (*reversed(path.parents), path):
        if name is not None:
            name = f"{name}/{place.name}".removeprefix("/")
            if not is_listed(name) and place.is_symlink():
                return place
        else:
            name = _find_vault_path(root, place)
            if name and place == path and place.is_symlink():
                return place
    return None


def _find_vault_path(root: Path, place: Path) -> str | None:
    real = Path(os.path.realpath(place))
    if not real.is_relative_to(root):
        return None
    return real.relative_to(root).as_posix().removeprefix(".")
