"""Rename files and folders of a vault. No other module does."""

import os
import stat as modes
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

import msgspec

from vaultlink.files import LEFTOVER_PREFIX, NO_FOLLOW, identify_file, open_regular, read_regular
from vaultlink.index.resolve import list_outer_folders
from vaultlink.model import SkippedNote
from vaultlink.text import blake2b, fold_letters
from vaultlink.write.open_folders import (
    FOLDER_NOT_WRITABLE,
    NOT_A_FOLDER,
    OUTSIDE_VAULT,
    CannotWrite,
    OpenFolder,
    OpenFolders,
    close_folders,
    open_parent,
    prepare_folders,
    remove_empty_folders,
    split_path,
)
from vaultlink.write.write_notes import IS_SYMLINK, NAME_TAKEN, OTHER_DEVICE, describe_os_error

# -- order the moves of a run so that each new name is free when it is needed ----------------------
# Nothing is read from disk here. A move that blocks itself, as in an exchange of two names, goes
# through a temporary name. Names that differ only in case or Unicode form count as one, as on some
# disks.

_TEMPORARY_PREFIX = ".moving-vaultlink-"
"""Begins the temporary names of moved files. They are not removed as leftovers: they hold notes."""

Move = tuple[str, str]
"""The old and the new vault path of a file or folder, without a slash at the end."""

_Blockers = list[dict[int, bool]]
"""The moves to make before each move, by number.

The value is True if the other one must have reached its new path, False if it is enough that it has
left its old path.
"""


class MoveStep(NamedTuple):
    """An elementary rename, with the number of the move that it belongs to."""

    number: int
    source: str
    target: str


def order_moves(moves: Sequence[Move], temporary_paths: Sequence[str]) -> list[MoveStep]:
    """Return the elementary renames in order; cycles use temporary paths."""
    blockers = _find_blockers(moves)
    blocked: list[list[int]] = [[] for _ in moves]
    for number, others in enumerate(blockers):
        for other in others:
            blocked[other].append(number)
    steps: list[MoveStep] = []
    waiting = dict.fromkeys(range(len(moves)))
    parked: set[int] = set()
    free = deque(number for number in waiting if not blockers[number])
    while waiting:
        if free:
            number = free.popleft()
            del waiting[number]
            source = temporary_paths[number] if number in parked else moves[number][0]
            steps.append(MoveStep(number, source, moves[number][1]))
        else:
            number = _find_in_cycle(blockers, next(iter(waiting)))
            parked.add(number)
            steps.append(MoveStep(number, moves[number][0], temporary_paths[number]))
        for other in blocked[number]:
            if number in blockers[other] and (number not in waiting or not blockers[other][number]):
                del blockers[other][number]
                if not blockers[other]:
                    free.append(other)
    return steps


def list_temporary_paths(moves: Sequence[Move], token: str) -> list[str]:
    """Return a hidden path beside each old path, but never in a moved folder."""
    olds = {old for old, _ in moves}
    paths = []
    for number, (old, _) in enumerate(moves):
        outermost = [path for path in list_outer_folders(old) if path in olds] or [old]
        folder, slash, _ = outermost[-1].rpartition("/")
        paths.append(f"{folder}{slash}{_TEMPORARY_PREFIX}{token}-{number}")
    return paths


def is_temporary_path(path: str) -> bool:
    return split_path(path)[1].startswith(_TEMPORARY_PREFIX)


def map_path(path: str, moves: Mapping[str, str]) -> str:
    """Return where a file is after the moves, which may move it or a folder above it."""
    for prefix in (path, *list_outer_folders(path)):
        if prefix in moves:
            return moves[prefix] + path[len(prefix) :]
    return path


def _find_blockers(moves: Sequence[Move]) -> _Blockers:
    olds = {fold_letters(old): number for number, (old, _) in enumerate(moves)}
    news = {fold_letters(new): number for number, (_, new) in enumerate(moves)}
    inner_olds: dict[str, list[int]] = {}
    for old, number in olds.items():
        for folder in list_outer_folders(old):
            inner_olds.setdefault(folder, []).append(number)
    blockers: _Blockers = []
    for number, (old_path, new_path) in enumerate(moves):
        old, new = fold_letters(old_path), fold_letters(new_path)
        leaving = [*inner_olds.get(new, ()), *inner_olds.get(old, ())]
        if olds.get(new, number) != number:
            leaving.append(olds[new])
        leaving += [olds[folder] for folder in list_outer_folders(new) if folder in olds]
        arriving = [news[folder] for folder in list_outer_folders(new) if folder in news]
        blockers.append(dict.fromkeys(leaving, False) | dict.fromkeys(arriving, True))
    return blockers


def _find_in_cycle(blockers: _Blockers, start: int) -> int:
    """Return a move of a cycle whose old path blocks another move of the cycle.

    There is one: moves that only wait for others to arrive have ever shorter new paths.
    """
    order = {start: 0}
    current = start
    while True:
        current = next(iter(blockers[current]))
        if current in order:
            break
        order[current] = len(order)
    cycle = [*order][order[current] :]
    return next(
        blocker
        for number, blocker in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        if not blockers[number][blocker]
    )


# -- rename files and folders of a vault. No other module does -------------------------------------
# Nothing is overwritten, and no symbolic link is renamed. At any time, a file is at its old path,
# at its new one, or at a hidden one beside the old one.


_MAX_OPEN_FOLDERS = 64
"""Number of open folders above which they are closed, to stay below the limits of systems."""


class MovePlan(NamedTuple):
    """The moves of a run, with a free hidden path for each of them."""

    moves: Sequence[Move]
    temporary_paths: Sequence[str]


def make_moves(
    root: Path, plan: MovePlan, obsolete: Collection[str] = (), *, stop: bool = False
) -> dict[int, str]:
    """Rename files; return reasons by number. `obsolete` folders go once empty."""
    folders = prepare_folders(root)
    reasons: dict[int, str] = {}
    try:
        for step in order_moves(plan.moves, plan.temporary_paths):
            if step.number in reasons:
                continue
            reason = _attempt_step(folders, plan, step)
            if reason:
                reasons[step.number] = reason
                if stop:
                    break
            else:
                _remove_emptied(root, folders, step.source, obsolete)
    finally:
        close_folders(folders)
        remove_empty_folders(root, folders.created)
    return reasons


def _attempt_step(folders: OpenFolders, plan: MovePlan, step: MoveStep) -> str | None:
    """Make a step; return why it failed. A file at its temporary path goes back then."""
    old, temporary = plan.moves[step.number][0], plan.temporary_paths[step.number]
    try:
        _rename(folders, step.source, step.target, temporary)
    except (OSError, CannotWrite) as error:
        if step.source == temporary != old:
            with suppress(OSError, CannotWrite):
                _rename(folders, temporary, old, temporary)
        return describe_os_error(error)
    return None


def _rename(folders: OpenFolders, source: str, target: str, temporary: str) -> None:
    """Rename a file or folder to a free path."""
    if len(folders.by_path) > _MAX_OPEN_FOLDERS:
        close_folders(folders)
    source_folder, source_name = open_parent(folders, source)
    status = os.stat(
        source_folder.path_of(source_name), dir_fd=source_folder.handle, follow_symlinks=False
    )
    if modes.S_ISLNK(status.st_mode):
        raise CannotWrite(IS_SYMLINK)
    target_folder, target_name = open_parent(folders, target, create=True)
    from vaultlink.write.system_calls import rename_to_free_name  # noqa: PLC0415 - has ctypes

    try:
        rename_to_free_name(source_folder, source_name, target_folder, target_name)
    except FileExistsError:
        if not _is_same_file(source, target, target_folder):
            raise CannotWrite(NAME_TAKEN) from None
        _change_spelling(folders, source, target, temporary)
    if modes.S_ISDIR(status.st_mode):
        close_folders(folders)  # paths may lead to other folders now


def _list_names(folder: OpenFolder) -> list[str]:
    return os.listdir(folder.path if folder.handle is None else folder.handle)


def _is_same_file(source: str, target: str, folder: OpenFolder) -> bool:
    """Return True if a disk that ignores case or Unicode form takes both for one file."""
    if fold_letters(source) != fold_letters(target):
        return False
    folded = fold_letters(split_path(target)[1])
    return [fold_letters(name) for name in _list_names(folder)].count(folded) == 1


def _change_spelling(folders: OpenFolders, source: str, target: str, temporary: str) -> None:
    """Rename a file to another spelling, in two steps where one has no effect."""
    from vaultlink.write.system_calls import rename_to_free_name  # noqa: PLC0415 - has ctypes

    source_folder, source_name = open_parent(folders, source)
    target_folder, target_name = open_parent(folders, target)
    if target_name in _list_names(target_folder):
        return
    with suppress(OSError):
        os.rename(
            source_folder.path_of(source_name),
            target_folder.path_of(target_name),
            src_dir_fd=source_folder.handle,
            dst_dir_fd=target_folder.handle,
        )
    if target_name in _list_names(target_folder):
        return
    hidden_folder, hidden_name = open_parent(folders, temporary)
    rename_to_free_name(source_folder, source_name, hidden_folder, hidden_name)
    try:
        rename_to_free_name(hidden_folder, hidden_name, target_folder, target_name)
    except OSError:
        rename_to_free_name(hidden_folder, hidden_name, source_folder, source_name)
        raise


def _remove_emptied(
    root: Path, folders: OpenFolders, source: str, obsolete: Collection[str]
) -> None:
    path = split_path(source)[0]
    while path and path in obsolete:
        with suppress(OSError), os.scandir(root / path) as entries:
            if next(entries, None):
                return
        close_folders(folders)
        remove_empty_folders(root, [path])
        path = split_path(path)[0]


# -- find where the files of moves are, and what is in their way. Write nothing --------------------


_SAMPLE_BYTES = 1 << 16
"""Bytes at the beginning and at the end of a file by which its content is known."""

_MAX_LISTED_FILES = 10_000
"""Files by which the content of a folder is known."""


class FileIdentity(msgspec.Struct, frozen=True, array_like=True):
    """The marks by which a file or folder is known again after a rename.

    `device` and `inode` stay on most disks, unless the vault is copied or restored from a backup.
    `content` is a digest of what is in it that a run does not change; versions before 0.6.0
    recorded none.
    """

    device: int
    inode: int
    content: bytes = b""

    def is_same_file(self, other: "FileIdentity") -> bool:
        return (self.device, self.inode) == (other.device, other.inode)

    def has_same_content(self, other: "FileIdentity") -> bool:
        return self.content == other.content != b""


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


Identifier = Callable[[str, str], FileIdentity | None]
"""Returns what is at the second path: the first is the old one of a file that may be there."""


def make_identifier(root: Path, digests: Mapping[str, Collection[bytes]]) -> Identifier:
    """Return a function that identifies the moved files of a run.

    `digests` are those of each note that the run changes, before and after, by its old path: both
    texts count as the same content, so it does not matter what was written or reverted. The
    function returns None for a file that does not exist.
    """

    def identify(old: str, place: str) -> FileIdentity | None:
        file = os.path.join(root, place)
        try:
            status = os.lstat(file)
        except (OSError, ValueError):
            return None
        content = b""
        with suppress(OSError):
            if modes.S_ISDIR(status.st_mode):
                content = _digest_folder(file, old, digests)
            elif modes.S_ISREG(status.st_mode):
                content = _digest_file(file, status.st_size, digests.get(old, ()))
        return FileIdentity(status.st_dev, status.st_ino, content)

    return identify


def _digest_file(file: str, size: int, digests: Collection[bytes]) -> bytes:
    """Return a digest of a file's size and ends; the same for each of these contents."""
    if digests:
        found = blake2b(read_regular(file, flags=NO_FOLLOW), digest_size=20).digest()
        return blake2b(b"".join(sorted(digests))).digest() if found in digests else found
    digest = blake2b(str(size).encode(), digest_size=20)
    with open(open_regular(file, NO_FOLLOW), "rb") as stream:
        digest.update(stream.read(_SAMPLE_BYTES))
        stream.seek(max(stream.tell(), size - _SAMPLE_BYTES))
        digest.update(stream.read(_SAMPLE_BYTES))
    return digest.digest()


def _digest_folder(folder: str, old: str, changed: Collection[str]) -> bytes:
    """Return a digest of the names in a folder, and of sizes that a run keeps."""
    names = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.relpath(os.path.join(place, name), folder)
            if not name.startswith((LEFTOVER_PREFIX, _TEMPORARY_PREFIX)):
                is_changed = f"{old}/{path}" in changed
                names.append((path, None if is_changed else os.lstat(f"{place}/{name}").st_size))
        if len(names) > _MAX_LISTED_FILES:
            break
    return blake2b(repr(names).encode("utf-8", "surrogateescape"), digest_size=20).digest()


def find_move_barriers(
    root: Path, moves: Mapping[str, str], obsolete: Collection[str] = ()
) -> tuple[SkippedNote, ...]:
    """Return the moves that can't be made now, by old path, with the reasons."""
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
        self._leaving = {*map(self._stat, leaving)} - {None}
        self._leaving_names = {*map(fold_letters, leaving)}
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
        if barrier or self._stat(target_folder) in self._leaving:  # such a folder is created again
            return barrier
        barrier = self._find_folder_barrier(target_folder)
        if barrier:
            return _NEW_FOLDER_NOT_WRITABLE if barrier == FOLDER_NOT_WRITABLE else barrier
        devices = {(self._root / folder).stat().st_dev for folder in (source_folder, target_folder)}
        if modes.S_ISDIR(status.st_mode):
            devices.add(status.st_dev)
            if source_folder != target_folder and not os.access(self._root / old, os.W_OK):
                return "it is not writable"
        return None if len(devices) == 1 else OTHER_DEVICE

    def _stat(self, path: str) -> tuple[int, int] | None:
        return identify_file(self._root / path)

    def _is_taken(self, path: str) -> bool:
        """Return True if a path is that of a file that stays there."""
        target = self._stat(path)
        if target is None or target in self._leaving:
            return False
        is_leaving = fold_letters(path) in self._leaving_names  # the disk may ignore case
        return not is_leaving or self._names.has(path)

    def _examine_folder(self, folder: str) -> str | None:
        """Return why files in a folder can't be moved, as a clause."""
        real = (self._root / folder).resolve()
        if not real.is_dir():
            return NOT_A_FOLDER
        if not real.is_relative_to(self._real_root):
            return OUTSIDE_VAULT
        return None if os.access(real, os.W_OK | os.X_OK) else FOLDER_NOT_WRITABLE


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


class LocatedFile(NamedTuple):
    """The place of a moved file, None if gone; not `is_certain` if by its name alone."""

    place: str | None
    is_certain: bool = False


def locate_files(
    root: Path,
    moves: Sequence[Move],
    places: Sequence[Sequence[str]],
    identities: Sequence[FileIdentity | None],
    identify: Identifier,
) -> list[LocatedFile]:
    """Return where the files of moves are now.

    `places` are the paths where each of them may be, the likeliest first; `identities` those from
    before the first move. The content of a file decides, as a vault can be copied or restored from
    a backup. A file that another program has replaced since has another content and identity; it
    counts as the same file if it is in one of its places.
    """
    located = [LocatedFile(None)] * len(moves)
    taken: set[str] = set()
    names = NameLookup(root)
    identify = cache(identify)
    for is_match in _MATCHES:
        for number, identity in enumerate(identities):
            if located[number].place is not None or identity is None:
                continue
            for place in places[number]:
                is_free = place not in taken and names.has(place)
                found = identify(moves[number][0], place) if is_free else None
                if found is not None and is_match(identity, found):
                    located[number] = LocatedFile(place, is_match is not _MATCHES[-1])
                    taken.add(place)
                    break
    return located


_MATCHES: Sequence[Callable[[FileIdentity, FileIdentity], bool]] = (
    lambda one, other: one.is_same_file(other) and one.has_same_content(other),
    FileIdentity.has_same_content,
    FileIdentity.is_same_file,
    lambda _one, _other: True,
)
"""Tests by which a moved file is known again, the strictest first."""
