"""Find the repository that a vault lies in, without git."""

import os
import stat as modes
from pathlib import Path

from vaultlink.files import read_regular

_MAX_BYTES = 64_000_000
"""Bytes of the largest file of git that is read, such as its list of references."""

_GIT_FILES = (
    *("HEAD", "commondir", "config", "config.worktree", "index", "packed-refs", "shallow"),
    *("info/attributes", "info/exclude", "info/grafts", "info/sparse-checkout"),
)
"""Files in the git directory that most commands of git read."""

_ATTRIBUTE_FILES = (".gitattributes", ".gitignore", ".gitmodules")


def find_git_dir(root: Path) -> Path | None:
    """Return the git directory of the repository that a vault lies in, or None."""
    for folder in (root, *root.parents):
        git_path = folder / ".git"
        if os.path.isdir(git_path):  # noqa: PTH112 - no error if the folder is unreadable
            return git_path
        if os.path.isfile(git_path):  # noqa: PTH113
            _, _, path = read_git_file(git_path).partition("gitdir:")
            try:
                return (folder / path.strip()).resolve() if path.strip() else None
            except (OSError, ValueError):
                return None
    return None


def find_work_tree(root: Path) -> Path | None:
    """Return the root of the working tree that a vault lies in, or None."""
    return next((folder for folder in (root, *root.parents) if _exists(folder / ".git")), None)


def is_in_bare_repository(root: Path) -> bool:
    """Return True if git would take a folder of a clone for a bare repository.

    Such a folder can have a configuration of its own.
    """
    start = root.absolute()
    for folder in (start, *start.parents):
        if _exists(folder / ".git"):
            return False
        if all(_exists(folder / name) for name in ("HEAD", "objects", "refs")):
            return True
    return False


def find_blocking_file(root: Path) -> Path | None:
    """Return a FIFO that git would wait for ever to read; None if there is none.

    It looks at the files of the repository, and at those in the vault's folder and above it.
    """
    git_dir = find_git_dir(root)
    if git_dir is None:
        return None
    common_dir = git_dir / (read_git_file(git_dir / "commondir").strip() or ".")
    files = [folder / name for folder in {git_dir, common_dir} for name in _GIT_FILES]
    for folder in (root, *root.parents):
        files += [folder / name for name in _ATTRIBUTE_FILES]
        if _exists(folder / ".git"):
            break
    return next(filter(_is_fifo, files), None)


def _exists(file: Path) -> bool:
    return os.path.exists(file)  # noqa: PTH110 - no error if the folder is unreadable


def _is_fifo(file: Path) -> bool:
    try:
        return modes.S_ISFIFO(os.stat(file).st_mode)  # noqa: PTH116 - faster
    except (OSError, ValueError):
        return False


def read_git_file(file: Path) -> str:
    """Return the text of a file of git; "" if it can't be read."""
    try:
        return read_regular(file, _MAX_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
