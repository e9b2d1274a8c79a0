"""Find the repository of a vault, without git, and limit what is read of it."""

import os
import stat as modes
from pathlib import Path

from vaultlink.files import path_exists, read_regular

MAX_GIT_FILE_BYTES = 64_000_000
"""Bytes of the largest file of git that is read, such as its list of references."""

_GIT_FILES = (
    *("HEAD", "commondir", "config", "config.worktree", "index", "packed-refs", "shallow"),
    *("info/attributes", "info/exclude", "info/grafts", "info/sparse-checkout"),
    "objects/info/alternates",
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
    return next((folder for folder in (root, *root.parents) if path_exists(folder / ".git")), None)


def is_in_bare_repository(root: Path) -> bool:
    """Return True if git would take a folder of a clone for a bare repository."""
    start = root.absolute()
    for folder in (start, *start.parents):
        if path_exists(folder / ".git"):
            return False
        if all(path_exists(folder / name) for name in ("HEAD", "objects", "refs")):
            return True
    return False


def find_blocking_file(root: Path) -> Path | None:
    """Return a file, in or above a vault, that git would read for very long, or None."""
    git_dir = find_git_dir(root)
    if git_dir is None:
        return None
    common_dir = find_common_dir(git_dir)
    files = [folder / name for folder in {git_dir, common_dir} for name in _GIT_FILES]
    for folder in (root, *root.parents):
        files += [folder / name for name in _ATTRIBUTE_FILES]
        if path_exists(folder / ".git"):
            break
    return next(filter(_is_blocking, files), None)


_BLOCK = 512
"""Bytes of a block in which systems tell what a file takes on disk."""


def weigh_packs(root: Path) -> int:
    """Return the bytes on disk of the packs and the index of a vault's repository.

    They are 0 without one. What is read of an honest repository is in proportion to it.
    """
    git_dir = find_git_dir(root)
    if git_dir is None:
        return 0
    packs = find_common_dir(git_dir) / "objects" / "pack"
    return sum(map(_weigh, _list_entries(packs))) + _weigh(git_dir / "index")


def weigh_loose_objects(root: Path) -> int:
    """Return the bytes on disk of the objects that are in no pack."""
    git_dir = find_git_dir(root)
    if git_dir is None:
        return 0
    folders = _list_entries(find_common_dir(git_dir) / "objects")
    return sum(
        _weigh(file)
        for folder in folders
        if len(os.path.basename(folder)) == _FANOUT_LENGTH  # noqa: PTH119 - faster
        for file in _list_entries(folder)
    )


_FANOUT_LENGTH = 2
"""Characters in the names of the folders of loose objects."""


def find_common_dir(git_dir: Path) -> Path:
    return git_dir / (read_git_file(git_dir / "commondir").strip() or ".")


def _list_entries(folder: str | os.PathLike[str]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries]
    except (OSError, ValueError):
        return []


def _weigh(file: str | os.PathLike[str]) -> int:
    """Return the bytes that a file takes on disk, which are fewer if it is sparse."""
    try:
        found = os.lstat(file)
    except (OSError, ValueError):
        return 0
    return min(found.st_size, getattr(found, "st_blocks", found.st_size) * _BLOCK)


def _is_blocking(file: Path) -> bool:
    try:
        found = os.stat(file)  # noqa: PTH116 - faster
    except (OSError, ValueError):
        return False
    if modes.S_ISREG(found.st_mode):
        # Git does not read all of the index.
        return found.st_size > MAX_GIT_FILE_BYTES and file.name != "index"
    return not modes.S_ISDIR(found.st_mode)


def read_git_file(file: Path) -> str:
    """Return the text of a file of git; "" if it can't be read."""
    try:
        return read_regular(file, MAX_GIT_FILE_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


# -- limit what is read of a repository, in proportion to what it weighs on disk -------------------
# A few kilobytes of a repository can stand for gigabytes. What is beyond the budget is treated as
# what git can't read.


MAX_BLOB = 4_000_000
"""Bytes of the largest old text that is read to find out what became of it."""

_PER_BYTE = 4
"""Bytes to read for each byte on disk: about what texts are compressed to."""

_MAX_FAILURES = 5
"""Times that git may fail on an object before no others are asked for."""


class ReadBudget:
    """The bytes of a repository that may still be read, and the failures left.

    `left` may lack those for the weight of the repository.
    """

    def __init__(self, root: Path, size: int):
        """Allow to read `size` bytes, and more of a repository that weighs more."""
        self._root, self._is_weighed = root, False
        self.left, self.failures_left = size, _MAX_FAILURES

    @property
    def can_go_on(self) -> bool:
        """False if everything is used up."""
        return self.left > 0 and self.failures_left > 0

    def take(self, size: int) -> bool:
        """Use up this many bytes. Return False, and use none, if there are fewer."""
        if size > self.left and size > self.weigh():
            return False
        self.left -= size
        return True

    def weigh(self) -> int:
        """Return the bytes that are left, with those for the weight of the repository.

        This is only found out when it is needed: it takes a look at each file.
        """
        if not self._is_weighed:
            self._is_weighed = True
            weight = weigh_packs(self._root) + weigh_loose_objects(self._root)
            self.left += weight * _PER_BYTE
        return self.left
