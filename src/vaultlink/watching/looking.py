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

from vaultlink.files import Stamp, list_files, stamp_of
from vaultlink.loading import is_source
from vaultlink.resolve import is_note
from vaultlink.survey import RECENT, Survey
from vaultlink.watching.inbox import Hints

Follow = Callable[[Mapping[str, str]], bool]
"""Has the folders of a vault watched; tells whether one of them came in."""


class Look(NamedTuple):
    """What was seen: the survey as it is now, the files that came, went, or hold something else by size and time, and those
    of which size and time are the same but may hide a change."""

    seen: Survey
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    saved: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether files came or went."""
        return bool(self.came or self.went)

    def alike(self, other: "Look") -> bool:
        """Whether another look saw the same: nothing has changed in between."""
        files, others = self.seen.listing.files, other.seen.listing.files
        return self[1:] == other[1:] and all(
            files.get(path) == others.get(path) for path in self.paths
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths at which something is, or may be, otherwise."""
        return (*self.came, *self.went, *self.saved, *self.doubtful)


def whereabouts(root: Path) -> tuple[int, int] | None:
    """What tells a folder from any other that might come to stand in its place; None if there is none."""
    try:
        status = os.stat(root)  # noqa: PTH116 - asked at every batch
    except OSError:
        return None
    return status.st_dev, status.st_ino


def look(seen: Survey, hints: Hints, follow: Follow) -> Look:
    """See what is otherwise. If everything is looked at, new folders are watched before what is in them is listed."""
    started = time.time_ns()
    files = None if hints.everything else _files(seen, hints)
    if files is None:
        listing = list_files(seen.root)
        while follow(listing.folders):
            listing = list_files(seen.root)
        paths: Iterable[str] = [
            *listing.files,
            *(path for path in seen.listing.files if path not in listing.files),
        ]
    else:
        listing, paths = replace(seen.listing, files=files), hints.paths
    after = replace(seen, listing=listing, started=started)
    return Look(after, *_compared(seen, after, paths))


def _files(seen: Survey, hints: Hints) -> dict[str, Stamp] | None:
    """The files, those hinted at looked at anew; None if that does not tell all, and everything has to be looked at: where
    folders come or go behind symbolic links, where git is told to ignore something, and where systems may name files otherwise
    than they are listed."""
    root, before = os.fspath(seen.root), seen.listing
    if sys.platform != "linux" and not hints.paths <= before.files.keys():
        return None
    files = dict(before.files)
    for path in hints.paths:
        stamp = stamp_of(root, path)
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


def _compared(seen: Survey, after: Survey, paths: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The paths that came, went, hold something else, and that may do so unseen."""
    before, now, trusted = seen.listing.files, after.listing.files, seen.started - RECENT
    came, went, saved, doubtful = [], [], [], []
    for path in paths:
        old, new = before.get(path), now.get(path)
        if old is None or new is None:
            if new:
                came.append(path)
            elif old:
                went.append(path)
        elif is_source(path):
            if old[:2] != new[:2]:
                saved.append(path)
            elif old != new or old.changed > trusted:
                doubtful.append(path)
    return tuple(sorted(came)), tuple(sorted(went)), tuple(sorted(saved)), tuple(sorted(doubtful))


def empty(seen: Survey) -> bool:
    """Whether a vault holds no note, as a folder does on which nothing is mounted."""
    return not any(is_note(path) for path in seen.listing.files)
