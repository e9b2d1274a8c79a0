"""Find the repository of a vault, its state, and the files that git ignores."""

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from vaultlink.git.location import find_common_dir, find_git_dir, find_work_tree, read_git_file

_STALE_LOCK_SECONDS = 60.0
"""Age in seconds from which git's lock counts as abandoned."""


def read_git_state(root: Path) -> str:
    """Return the commit of HEAD, and the size and time of the index; "" without git."""
    git_dir = find_git_dir(root)
    if git_dir is None:
        return ""
    head = read_git_file(git_dir / "HEAD")
    ref = head.removeprefix("ref:").strip()
    common_dir = find_common_dir(git_dir).resolve()
    commit = head
    if ref != head.strip():
        files = (git_dir / ref, common_dir / ref, common_dir / "packed-refs")
        commit = next(filter(None, map(read_git_file, files)), "")
    with suppress(OSError):
        index = (git_dir / "index").stat()
        return f"{commit} {index.st_size} {index.st_mtime_ns}"
    return commit


def is_git_busy(folder: Path | None) -> bool:
    """Return True while git's `index.lock` is younger than 60 seconds: wait for it."""
    if folder is None:
        return False
    try:
        return time.time() - os.stat(folder / "index.lock").st_mtime < _STALE_LOCK_SECONDS  # noqa: PTH116 - called twenty times a second
    except OSError:
        return False


def load_ignore_filter(vault: Path) -> Callable[[str], bool] | None:
    """Return a predicate of ignored vault paths; None if git ignores nothing."""
    root = vault.resolve()
    if not find_git_dir(root):
        return None
    options = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
    paths = os.fsdecode(_run(root, "ls-files", *options) or b"").split("\0")[:-1]
    files, folders = frozenset(paths), tuple(path for path in paths if path.endswith("/"))
    return (lambda path: path in files or path.startswith(folders)) if paths else None


def read_ignore_patterns(vault: Path, files: Iterable[str]) -> list[str]:
    """Return the patterns of `.gitignore` files from the vault's root, the decisive one last.

    `files` are those in the vault; those above it in the repository are read, too. Outside a
    repository, there are none.
    """
    tree = find_work_tree(vault)
    if tree is None:
        return []
    above = [folder for folder in reversed(vault.parents) if folder.is_relative_to(tree)]
    found = [
        _anchor_below(line, f"{vault.relative_to(folder).as_posix()}/")
        for folder in above
        for line in _read_patterns(folder / ".gitignore")
    ]
    for path in sorted(files, key=lambda path: path.count("/")):
        folder = path.removesuffix(".gitignore")
        found += [_anchor(line, folder) for line in _read_patterns(vault / path)]
    return list(filter(None, found))


def _read_patterns(file: Path) -> list[str]:
    """Return the patterns in a `.gitignore`; those with escapes are left out."""
    lines = map(str.strip, read_git_file(file).splitlines())
    return [line for line in lines if line.strip("!/") and line[0] != "#" and "\\" not in line]


def _anchor(pattern: str, folder: str) -> str:
    """Return a pattern of a folder, which has a slash behind it, from the root."""
    if not folder:
        return pattern
    sign, body = ("!", pattern[1:]) if pattern[0] == "!" else ("", pattern)
    is_anchored = "/" in body.rstrip("/")
    return f"{sign}{folder}{'' if is_anchored else '**/'}{body.removeprefix('/')}"


def _anchor_below(pattern: str, vault: str) -> str:
    """Return a pattern of a folder from `vault` in it; "" if it is about no file there."""
    sign, body = ("!", pattern[1:]) if pattern[0] == "!" else ("", pattern)
    if "/" not in body.rstrip("/") or body.startswith("**/"):
        return pattern
    body = body.removeprefix("/")
    return f"{sign}/{body.removeprefix(vault)}" if body.startswith(vault) else ""


def find_git_settings(root: Path) -> list[Path]:
    """Return the files with settings of git, which name those that it ignores."""
    if not find_git_dir(root):
        return []
    output = _run(root, "config", "--list", "--show-origin", "-z") or b""
    origins = os.fsdecode(output).split("\0")[::2]
    read = {origin[5:] for origin in origins if origin.startswith("file:")}
    named = _run(root, "config", "--path", "core.excludesFile", ok_codes=(0, 1)) or b""
    home = os.environ.get("HOME", "")
    user = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    usual = (f"{user}/git/ignore", f"{user}/git/config", f"{home}/.gitconfig")
    names = {*read, os.fsdecode(named).strip(), *usual} - {""}
    return [root / name for name in names]


def filter_ignored(root: Path, paths: Sequence[str]) -> frozenset[str]:
    """Return those of these vault paths that git ignores."""
    request = b"".join(os.fsencode(path) + b"\0" for path in paths)
    output = _run(root, "check-ignore", "-z", "--stdin", stdin=request, ok_codes=(0, 1))
    return frozenset(os.fsdecode(output or b"").split("\0")[:-1])


def list_untracked(root: Path) -> Callable[[], list[str]]:
    """Return a function that lists untracked vault paths once; git starts now."""
    from vaultlink.git.program import RunningGit  # noqa: PLC0415 - only in a repository

    git = RunningGit(root, "ls-files", "--others", "--exclude-standard", "-z")
    return lambda: os.fsdecode(git.read() or b"").split("\0")[:-1]


def _run(
    root: Path, *arguments: str, stdin: bytes | None = None, ok_codes: Collection[int] = (0,)
) -> bytes | None:
    from vaultlink.git.program import run_git  # noqa: PLC0415 - only in a repository

    return run_git(root, *arguments, stdin=stdin, ok_codes=ok_codes)
