"""Check hinted files on disk and compare with the last scan. No note is read here."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.disk.scan import RACY_WINDOW_NS, VaultScan, is_source_file, list_files, read_stamp
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import filter_ignored
from vaultlink.index.resolve import is_note
from vaultlink.model import FileStamp
from vaultlink.watch.events import ChangeHints

WatchFolders = Callable[[Mapping[str, str]], bool]
"""Starts to watch the folders of a vault; returns True if one was added."""


class Rescan(NamedTuple):
    """The new scan, and the paths that differ from the last one.

    `modified` files have another size or time; `maybe_modified` ones may have changed all the same.
    """

    scan: VaultScan
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    maybe_modified: tuple[str, ...] = ()

    @property
    def has_added_or_removed(self) -> bool:
        return bool(self.added or self.removed)

    def is_same(self, other: "Rescan") -> bool:
        files, others = self.scan.listing.files, other.scan.listing.files
        return self[1:] == other[1:] and all(
            files.get(path) == others.get(path) for path in self.paths
        )

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.added, *self.removed, *self.modified, *self.maybe_modified)


def folder_identity(root: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder, which identify it; None if there is none."""
    try:
        status = os.stat(root)  # noqa: PTH116 - faster, runs for every batch
    except OSError:
        return None
    return status.st_dev, status.st_ino


def rescan(scan: VaultScan, hints: ChangeHints, watch_folders: WatchFolders) -> Rescan:
    """Compare the files on disk with a scan.

    In a full rescan new folders are watched (`watch_folders`) before their content is listed, so
    that no change is missed.
    """
    started = time.time_ns()
    files = None if hints.full_rescan else _update_files(scan, hints)
    if files is None:
        listing = list_files(scan.root)
        while watch_folders(listing.folders):
            listing = list_files(scan.root)
        paths: Iterable[str] = [
            *listing.files,
            *(path for path in scan.listing.files if path not in listing.files),
        ]
    else:
        listing, paths = replace(scan.listing, files=files), hints.paths
    after = replace(scan, listing=listing, started=started)
    return Rescan(after, *_compare_scans(scan, after, paths))


def _update_files(scan: VaultScan, hints: ChangeHints) -> dict[str, FileStamp] | None:
    """Return the files of `scan` with hinted paths read again; None for a full rescan.

    A full rescan is needed where folders behind symbolic links are added or removed, where a
    .gitignore changes, and on systems that may report file names in another spelling than they list
    them.
    """
    root, before = os.fspath(scan.root), scan.listing
    if sys.platform != "linux" and not hints.paths <= before.files.keys():
        return None
    files = dict(before.files)
    for path in hints.paths:
        stamp = read_stamp(root, path)
        if stamp:
            files[path] = stamp
        elif (
            path.endswith(".gitignore")
            or path in before.folders
            or os.path.islink(f"{root}/{path}")  # noqa: PTH114 - faster, runs for every file
        ):
            return None
        else:
            files.pop(path, None)
    return files


def _compare_scans(
    scan: VaultScan, after: VaultScan, paths: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    before, now, trusted = scan.listing.files, after.listing.files, scan.started - RACY_WINDOW_NS
    added, removed, modified, maybe_modified = [], [], [], []
    for path in sorted(paths):
        old, new = before.get(path), now.get(path)
        if old is None or new is None:
            if new:
                added.append(path)
            elif old:
                removed.append(path)
        elif is_source_file(path):
            if old[:2] != new[:2]:
                modified.append(path)
            elif old != new or old.changed > trusted:
                maybe_modified.append(path)
    return tuple(added), tuple(removed), tuple(modified), tuple(maybe_modified)


def has_no_notes(scan: VaultScan) -> bool:
    """Return True if a vault has no notes, like an empty mount point."""
    return not any(is_note(path) for path in scan.listing.files)


class _IgnoredPaths(msgspec.Struct, frozen=True):
    """Tells which vault paths git ignores.

    `is_known_ignored` answers for the files of the last full query, `ignored_since` holds the
    ignored files that were added since.
    """

    is_known_ignored: Callable[[str], bool] | None
    ignored_since: frozenset[str]

    def __call__(self, path: str) -> bool:
        return path in self.ignored_since or bool(
            self.is_known_ignored and self.is_known_ignored(path)
        )


def update_ignored(scan: VaultScan, added: Sequence[str]) -> VaultScan:
    """Return the scan with git's answer on the added files."""
    ignored = filter_ignored(scan.root, added) if added and find_git_dir(scan.root) else frozenset()
    before = (
        scan.is_git_ignored
        if isinstance(scan.is_git_ignored, _IgnoredPaths)
        else _IgnoredPaths(scan.is_git_ignored, frozenset())
    )
    ignored = frozenset(path for path in ignored if not before(path))
    if not ignored:
        return scan
    since = ignored.union(before.ignored_since & scan.listing.files.keys())
    return replace(scan, is_git_ignored=_IgnoredPaths(before.is_known_ignored, since))
