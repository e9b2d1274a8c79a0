"""What a watcher asks of git: whether it is at work in the vault, and whether it ignores files that came."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vaultlink.survey import Survey

_STALE = 60.0
"""Seconds after which git's lock was left by a git that is no more."""

_SECONDS = 20


def at_work(folder: Path | None) -> bool:
    """Whether git is changing the files of the working tree that belongs to its folder: a checkout or pull of thousands of
    files is waited for, and seen as one."""
    if folder is None:
        return False
    try:
        return time.time() - os.stat(folder / "index.lock").st_mtime < _STALE  # noqa: PTH116 - asked twenty times a second
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Ignored:
    """Tells which vault paths git ignores: those it named when it was last asked about all, and of those that came since."""

    known: Callable[[str], bool] | None
    since: frozenset[str]

    def __call__(self, path: str) -> bool:
        return path in self.since or bool(self.known and self.known(path))


def with_ignored(seen: Survey, came: Sequence[str], folder: Path | None) -> Survey:
    """A survey that knows which of the files that came git ignores, `folder` being the one in which git keeps its own."""
    fresh = _ignored_among(seen.root, came) if came and folder else frozenset()
    before = seen.ignored if isinstance(seen.ignored, Ignored) else Ignored(seen.ignored, frozenset())
    fresh = frozenset(path for path in fresh if not before(path))
    if not fresh:
        return seen
    return replace(seen, ignored=Ignored(before.known, fresh.union(before.since & seen.listing.files.keys())))


def _ignored_among(root: Path, paths: Sequence[str]) -> frozenset[str]:
    command = ["git", "-C", os.fspath(root), "check-ignore", "-z", "--stdin"]
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    try:
        done = subprocess.run(command, input=asked, capture_output=True, check=False, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(os.fsdecode(done.stdout).split("\0")[:-1])
