"""Looking at the disk where hints say so: what is there now, and what is otherwise than it was last seen.

A survey and hints enter, the survey as it is now leaves. No note is read here.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vaultlink.disk.load import is_source_file
from vaultlink.disk.scan import RACY_WINDOW_NS, VaultScan, list_files, read_stamp
from vaultlink.index.resolve import is_note
from vaultlink.model import FileStamp
from vaultlink.watch.events import ChangeHints

WatchFolders = Callable[[Mapping[str, str]], bool]
"""Has the folders of a vault watched; tells whether one of them came in."""


class Rescan(NamedTuple):
    """What was seen: the survey as it is now, the files that came, went, or hold something else by size and time, and those
    of which size and time are the same but may hide a change."""

    scan: VaultScan
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    maybe_modified: tuple[str, ...] = ()

    @property
    def has_added_or_removed(self) -> bool:
        """Whether files came or went."""
        return bool(self.added or self.removed)

    def is_same(self, other: "Rescan") -> bool:
        """Whether another look saw the same: nothing has changed in between."""
        files, others = self.scan.listing.files, other.scan.listing.files
        return self[1:] == other[1:] and all(
            files.get(path) == others.get(path) for path in self.paths
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths at which something is, or may be, otherwise."""
        return (*self.added, *self.removed, *self.modified, *self.maybe_modified)


def folder_identity(root: Path) -> tuple[int, int] | None:
    """What tells a folder from any other that might come to stand in its place; None if there is none."""
    try:
        status = os.stat(root)  # noqa: PTH116 - asked at every batch
    except OSError:
        return None
    return status.st_dev, status.st_ino


def rescan(scan: VaultScan, hints: ChangeHints, follow: WatchFolders) -> Rescan:
    """See what is otherwise. If everything is looked at, new folders are watched before what is in them is listed."""
    started = time.time_ns()
    files = None if hints.full_rescan else _update_files(scan, hints)
    if files is None:
        listing = list_files(scan.root)
        while follow(listing.folders):
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
    """The files, those hinted at looked at anew; None if that does not tell all, and everything has to be looked at: where
    folders come or go behind symbolic links, where git is told to ignore something, and where systems may name files otherwise
    than they are listed."""
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
            or os.path.islink(f"{root}/{path}")  # noqa: PTH114 - asked of every file
        ):
            return None
        else:
            files.pop(path, None)
    return files


def _compare_scans(
    scan: VaultScan, after: VaultScan, paths: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    """The paths that came, went, hold something else, and that may do so unseen."""
    before, now, trusted = scan.listing.files, after.listing.files, scan.started - RACY_WINDOW_NS
    came, went, saved, doubtful = [], [], [], []
    for path in paths:
        old, new = before.get(path), now.get(path)
        if old is None or new is None:
            if new:
                came.append(path)
            elif old:
                went.append(path)
        elif is_source_file(path):
            if old[:2] != new[:2]:
                saved.append(path)
            elif old != new or old.changed > trusted:
                doubtful.append(path)
    return tuple(sorted(came)), tuple(sorted(went)), tuple(sorted(saved)), tuple(sorted(doubtful))


def has_no_notes(scan: VaultScan) -> bool:
    """Whether a vault holds no note, as a folder does on which nothing is mounted."""
    return not any(is_note(path) for path in scan.listing.files)
