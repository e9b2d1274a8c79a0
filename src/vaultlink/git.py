"""What is asked of git about a vault: where it keeps what it knows, what it ignores, whether it is at work. The one place that
runs it.

A vault enters, paths and signs leave. Without git, or with a repository that can't be asked, there is nothing to know, and no
error.
"""

import os
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_TIMEOUT_SECONDS = 60

_STALE_LOCK_SECONDS = 60.0
"""Seconds after which git's lock was left by a git that is no more."""

_MAX_CONFLICT_COUNT, _UNKNOWN_OPTION = 127, 129
"""The highest exit code of `git merge-file` that counts conflicts, and the one for an option that it does not know."""

_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
"""What git tells its hooks of the repository they are run for, seen from the folder they are run in: a vault may lie in another
folder, or in another repository."""

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""On Windows a program without a window would have git open one for a moment."""


def run_git(
    root: Path, *command: str, given: bytes | None = None, good: Collection[int] = (0,)
) -> bytes | None:
    """What git prints; None if it can't be asked, or ends with another exit code than these."""
    done = _run(root, *command, given=given)
    return done.stdout if done and done.returncode in good else None


def _run(
    root: Path, *command: str, given: bytes | None = None
) -> subprocess.CompletedProcess[bytes] | None:
    try:
        return subprocess.run(
            ["git", "-C", os.fspath(root), *command],
            input=given,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
            stdin=None if given is not None else subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES},
            creationflags=_NO_WINDOW,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def find_git_dir(root: Path) -> Path | None:
    """The folder in which git keeps what it knows of a vault; None outside a repository."""
    for folder in (root, *root.parents):
        there = folder / ".git"
        if there.is_dir():
            return there
        if there.is_file():
            with suppress(OSError, ValueError):
                _, _, path = there.read_text(encoding="utf-8").partition("gitdir:")
                return (folder / path.strip()).resolve()
            return None
    return None


def read_git_state(root: Path) -> str:
    """What tells one state of a vault's repository from another, as far as moves go: the last commit, and the times of git's
    index. "" outside a repository."""
    folder = find_git_dir(root)
    if folder is None:
        return ""
    head = _read(folder / "HEAD")
    name = head.removeprefix("ref:").strip()
    common = (folder / (_read(folder / "commondir").strip() or ".")).resolve()
    at = (
        head
        if name == head.strip()
        else _read(folder / name) or _read(common / name) or _read(common / "packed-refs")
    )
    with suppress(OSError):
        index = (folder / "index").stat()
        return f"{at} {index.st_size} {index.st_mtime_ns}"
    return at


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def is_git_busy(folder: Path | None) -> bool:
    """Whether git is changing the files of the working tree that belongs to its folder: a checkout or pull of thousands of
    files is waited for, and seen as one."""
    if folder is None:
        return False
    try:
        return time.time() - os.stat(folder / "index.lock").st_mtime < _STALE_LOCK_SECONDS  # noqa: PTH116 - asked twenty times a second
    except OSError:
        return False


def load_ignore_filter(vault: Path) -> Callable[[str], bool] | None:
    """Which vault paths git ignores; None outside a repository or without git."""
    here = vault.resolve()
    told = (
        run_git(
            here, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"
        )
        if find_git_dir(here)
        else None
    )
    paths = os.fsdecode(told or b"").split("\0")[:-1]
    files, folders = frozenset(paths), tuple(path for path in paths if path.endswith("/"))
    return (lambda path: path in files or path.startswith(folders)) if paths else None


def filter_ignored(root: Path, paths: Sequence[str]) -> frozenset[str]:
    """Those of these vault paths that git ignores."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    told = run_git(root, "check-ignore", "-z", "--stdin", given=asked, good=(0, 1))
    return frozenset(os.fsdecode(told or b"").split("\0")[:-1])


# -- what git has of files ------------------------------------------------------------------------------------------------


class RawDiffEntry(NamedTuple):
    """A change as git tells it: a letter, the file's mode and blob before, whether the text stayed, the path before, the path
    after (of a rename), and in which of the commits told of, counted from 0."""

    status: str
    mode: str
    blob: str
    identical: bool
    old: str
    new: str
    commit_number: int


def parse_raw_diff(raw: bytes) -> Iterator[RawDiffEntry]:
    """The changes in git's raw form: `:modes blobs letter`, then one path, or two of a rename; between them the commits."""
    fields, commit = iter(os.fsdecode(raw).split("\0")), 0
    for field in fields:
        words = field.lstrip("\n").split(" ")
        if not words[0].startswith(":") or len(words) != 5:
            commit += 1
            continue
        kind, old = words[4][:1], next(fields, "")
        new = next(fields, "") if kind in "RC" else ""
        yield RawDiffEntry(kind, words[0][1:], words[2], words[4][1:] == "100", old, new, commit)


def read_blobs(root: Path, names: Sequence[str]) -> list[bytes | None]:
    """The bytes that git keeps under names, in their order; None where it has none."""
    told = (
        run_git(root, "cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode())
        or b""
    )
    found: list[bytes | None] = []
    at = 0
    for _ in names:
        head, _, _ = told[at : at + 200].partition(b"\n")
        words = head.split()
        at += len(head) + 1
        if len(words) != 3 or not words[2].isdigit():
            found.append(None)
            continue
        size = int(words[2])
        found.append(told[at : at + size])
        at += size + 1
    return found


def read_filtered_blobs(root: Path, files: Sequence[tuple[str, str]]) -> list[bytes | None]:
    """The bytes of files, given by vault path and the name that git keeps them under, as a checkout would write them: where a
    filter encrypts them or keeps them elsewhere, git's own bytes say nothing."""
    kept, filtered = (
        read_blobs(root, [name for _, name in files]),
        _find_filtered_paths(root, [path for path, _ in files]),
    )
    if not filtered:
        return kept
    above = os.fsdecode(run_git(root, "rev-parse", "--show-prefix") or b"").removesuffix("\n")
    return [
        run_git(root, "cat-file", "--filters", f"--path={above}{path}", name)
        if path in filtered
        else data
        for (path, name), data in zip(files, kept, strict=True)
    ]


def _find_filtered_paths(root: Path, paths: Sequence[str]) -> frozenset[str]:
    """Those of these vault paths whose bytes a filter of git's, or an encoding, changes."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    told = os.fsdecode(
        run_git(root, "check-attr", "-z", "--stdin", "filter", "working-tree-encoding", given=asked)
        or b""
    )
    words = told.split("\0")[:-1]
    return frozenset(
        path
        for path, value in zip(words[::3], words[2::3], strict=True)
        if value not in ("unspecified", "unset")
    )


def list_untracked(root: Path) -> list[str]:
    """The vault paths that git neither keeps nor ignores."""
    told = run_git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return os.fsdecode(told or b"").split("\0")[:-1]


def merge_files(
    files: Sequence[Path], labels: Sequence[str], size: int
) -> tuple[bytes, bool] | None:
    """What git makes of three files, of ours, the base and theirs, and whether conflicts are left in it, with marks of a size;
    None if it makes nothing of them. It is what `git merge` makes of them, in the style of conflicts that the user has set."""
    given = [*(word for label in labels for word in ("-L", label)), "--", *map(os.fspath, files)]
    for extra in (
        ["--diff-algorithm=histogram"],
        [],
    ):  # as `git merge` has it; before 2.44 there is no choice
        done = _run(Path(), "merge-file", "-p", "-q", f"--marker-size={size}", *extra, *given)
        if done is None or done.returncode != _UNKNOWN_OPTION:
            return (
                (done.stdout, done.returncode > 0)
                if done and 0 <= done.returncode <= _MAX_CONFLICT_COUNT
                else None
            )
    return None


def find_work_tree(root: Path) -> Path | None:
    """The folder whose files git keeps, the vault among them; None outside a repository."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
