"""Find where the files of moves are, and what is in their way. Write nothing."""

import os
import stat as modes
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from unicodedata import normalize

from vaultlink.model import SkippedNote
from vaultlink.write.move_order import fold_path, map_path, order_moves
from vaultlink.write.moves import MovePlan
from vaultlink.write.open_folders import NOT_A_FOLDER, split_path
from vaultlink.write.protection import OUTSIDE_VAULT
from vaultlink.write.replace import IS_SYMLINK, NAME_TAKEN, OTHER_DEVICE, describe_os_error

FileIdentity = tuple[int, int]
"""Device and inode of a file or folder. A rename keeps them on most disks."""

_NOT_WRITABLE = "its folder is not writable"
_NEW_FOLDER_NOT_WRITABLE = "its new folder is not writable"


class NameLookup:
    """Looks up names exactly, except for Unicode form, on disks that ignore case too."""

    def __init__(self, root: Path):
        self._root = root
        self._names: dict[str, frozenset[str]] = {}

    def has(self, path: str) -> bool:
        folder, name = split_path(path)
        if folder not in self._names:
            try:
                found = os.listdir(self._root / folder)
            except (OSError, ValueError):
                found = []
            self._names[folder] = frozenset([normalize("NFC", name) for name in found])
        return normalize("NFC", name) in self._names[folder]


def identify_files(root: Path, paths: Sequence[str]) -> list[FileIdentity | None]:
    """Return the identities of files or folders; None for those that are missing."""
    identities: list[FileIdentity | None] = []
    for path in paths:
        try:
            status = os.lstat(root / path)
        except (OSError, ValueError):
            identities.append(None)
        else:
            identities.append((status.st_dev, status.st_ino))
    return identities


def find_move_barriers(
    root: Path, moves: Mapping[str, str], obsolete: Collection[str] = ()
) -> tuple[SkippedNote, ...]:
    """Return the moves that can't be made now, by old path, with the reasons.

    `obsolete` are folders that are removed when the moves leave them empty.
    """
    finder = _BarrierFinder(root, [*moves, *obsolete])
    found = []
    for old, new in moves.items():
        try:
            reason = finder.find_barrier(old, new)
        except (OSError, ValueError) as error:
            reason = describe_os_error(error)
        if reason:
            found.append(SkippedNote(old, reason))
    return tuple(found)


class _BarrierFinder:
    """Finds what is in the way of moves; `leaving` are the paths that they make free."""

    def __init__(self, root: Path, leaving: Sequence[str]):
        self._root, self._real_root = root, root.resolve()
        self._leaving = {*identify_files(root, leaving)} - {None}
        self._leaving_names = {*map(fold_path, leaving)}
        self._names = NameLookup(root)
        self._find_folder_barrier = cache(self._examine_folder)

    def find_barrier(self, old: str, new: str) -> str | None:
        """Return why a move can't be made, as a clause."""
        status = os.lstat(self._root / old)
        if modes.S_ISLNK(status.st_mode):
            return IS_SYMLINK
        if self._is_taken(new):
            return NAME_TAKEN
        source_folder, target_folder = split_path(old)[0], split_path(new)[0]
        while target_folder and not os.path.lexists(self._root / target_folder):
            target_folder = split_path(target_folder)[0]
        barrier = self._find_folder_barrier(source_folder)
        [target] = identify_files(self._root, [target_folder])
        if barrier or target in self._leaving:  # such a folder is created again
            return barrier
        barrier = self._find_folder_barrier(target_folder)
        if barrier:
            return _NEW_FOLDER_NOT_WRITABLE if barrier == _NOT_WRITABLE else barrier
        devices = {(self._root / folder).stat().st_dev for folder in (source_folder, target_folder)}
        if modes.S_ISDIR(status.st_mode):
            devices.add(status.st_dev)
            if source_folder != target_folder and not os.access(self._root / old, os.W_OK):
                return "it is not writable"
        return None if len(devices) == 1 else OTHER_DEVICE

    def _is_taken(self, path: str) -> bool:
        """Return True if a path is that of a file that stays there."""
        [target] = identify_files(self._root, [path])
        if target is None or target in self._leaving:
            return False
        is_leaving = fold_path(path) in self._leaving_names  # the disk may ignore case
        return not is_leaving or self._names.has(path)

    def _examine_folder(self, folder: str) -> str | None:
        """Return why files in a folder can't be moved, as a clause."""
        real = (self._root / folder).resolve()
        if not real.is_dir():
            return NOT_A_FOLDER
        if not real.is_relative_to(self._real_root):
            return OUTSIDE_VAULT
        return None if os.access(real, os.W_OK | os.X_OK) else _NOT_WRITABLE


def find_folders_to_create(root: Path, moves: Mapping[str, str]) -> list[str]:
    """Return the folders that moves create for their new paths, outer ones first."""
    old_paths = {new: old for old, new in moves.items()}
    missing: dict[str, None] = {}
    for new in moves.values():
        folder, created = split_path(new)[0], list[str]()
        while folder and not _exists_afterwards(root, folder, moves, old_paths):
            created.append(folder)
            folder = split_path(folder)[0]
        missing.update(dict.fromkeys(reversed(created)))
    return list(missing)


def _exists_afterwards(
    root: Path, folder: str, moves: Mapping[str, str], old_paths: Mapping[str, str]
) -> bool:
    """Return True if a folder exists after the moves even if they create none."""
    origin = map_path(folder, old_paths)
    is_moved_here = origin != folder or folder in old_paths
    if not is_moved_here and map_path(folder, moves) != folder:
        return False
    return os.path.lexists(root / origin)


def expand_moves(root: Path, moves: Mapping[str, str]) -> dict[str, str]:
    """Return the moves with each folder replaced by all files in it, hidden ones too."""
    files: dict[str, str] = {}
    for old, new in moves.items():
        if not (root / old).is_dir():
            files[old] = new
            continue
        for folder, _, names in os.walk(root / old):
            inner = Path(folder).relative_to(root / old)
            for name in sorted(names):
                path = (inner / name).as_posix()
                files[f"{old}/{path}"] = f"{new}/{path}"
    return files


def locate_files(
    root: Path, plan: MovePlan, identities: Sequence[FileIdentity | None]
) -> list[str | None]:
    """Return where the files of interrupted moves are now; None for those gone.

    `identities` are those from before the first move. A file that another program has replaced
    since has another one; it counts as the same file if it is in one of its places.
    """
    numbers = dict.fromkeys(step.number for step in order_moves(*plan))
    located: list[str | None] = [None] * len(plan.moves)
    taken: set[str] = set()
    names = NameLookup(root)
    for is_exact in (True, False):
        for number in numbers:
            if located[number] is not None or identities[number] is None:
                continue
            old, new = plan.moves[number]
            places = [
                path
                for path in (plan.temporary_paths[number], new, old)
                if path not in taken and names.has(path)
            ]
            for place, identity in zip(places, identify_files(root, places), strict=True):
                if identity is not None and (not is_exact or identity == identities[number]):
                    located[number] = place
                    taken.add(place)
                    break
    return located
