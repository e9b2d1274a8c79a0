"""Decide where deleted files go, and copy them to the trash of the system.

In the vault, `.trash` takes files and folders as they are: they are moved. The trash of the system
is outside the vault: a copy goes there, and the journal has the bytes for undo. No other module
writes there.
"""

import os
import shutil
import stat as modes
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from vaultlink.errors import UsageError
from vaultlink.files import NO_FOLLOW, read_regular
from vaultlink.fix.plan import Plan, VaultChanges
from vaultlink.obsidian import TRASH_FOLDER
from vaultlink.refactor.delete import Disposal
from vaultlink.text import fold_letters
from vaultlink.write.journal_files import is_journal_path
from vaultlink.write.moves import expand_moves

_MAX_RECORDED_BYTES = 100_000_000
"""Bytes of deleted files that the journal takes, at most: half of what it keeps in all."""


def plan_trash(
    root: Path, names: Mapping[str, str], option: str, earlier: Mapping[str, str | None] = {}
) -> Disposal:
    """Return where files and folders go, given Obsidian's `trashOption`.

    `names` are their names by path, `earlier` the paths in `.trash` to which the same run moves
    other files.
    """
    paths, taken = [*names], {path for path in earlier.values() if path}
    system = _find_system_trash() if option == "system" else None
    if option not in ("local", "none") and system is None:
        return _plan_local(root, names, taken, "the trash of the system can't be used")
    if option == "local":
        return _plan_local(root, names, taken)
    folders: list[str] = []
    contents: dict[str, bytes] = {}
    size = 0
    try:
        for path in _list_files(root, paths, folders):
            size += (root / path).lstat().st_size
            if size > _MAX_RECORDED_BYTES:
                reason = f"they are more than {_MAX_RECORDED_BYTES // 10**6} MB"
                return _plan_local(root, names, taken, reason)
            contents[path] = read_regular(root / path, flags=NO_FOLLOW)
    except OSError:
        reason = "not all of them are files that undo can create again"
        return _plan_local(root, names, taken, reason)
    return Disposal(contents=contents, folders=folders, system=str(system or ""))


def _plan_local(
    root: Path, names: Mapping[str, str], earlier: Iterable[str], reason: str = ""
) -> Disposal:
    taken = {fold_letters(path.split("/")[1]) for path in earlier}
    with suppress(OSError):
        taken |= {fold_letters(file.name) for file in (root / TRASH_FOLDER).iterdir()}
    moves = {}
    for path, wanted in names.items():
        name = next(name for name in _number_names(wanted) if fold_letters(name) not in taken)
        taken.add(fold_letters(name))
        moves[path] = f"{TRASH_FOLDER}/{name}"
    return Disposal(moves, expand_moves(root, moves), reason=reason)


def _number_names(name: str) -> Iterator[str]:
    """Yield a name and others for the case that it is taken: `note 2.md`, `note 3.md`."""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    yield name
    for number in count(2):
        yield f"{stem} {number}{dot}{extension}"


def _list_files(root: Path, paths: Iterable[str], folders: list[str]) -> Iterator[str]:
    """Yield files and collect folders. Raises OSError for what no record can hold."""
    for path in paths:
        status = (root / path).lstat()
        if modes.S_ISREG(status.st_mode):
            if not is_journal_path(path):
                raise OSError("it is hidden")
            yield path
        elif modes.S_ISDIR(status.st_mode):
            inner = sorted(file.name for file in (root / path).iterdir())
            if not inner:
                raise OSError("it is empty")
            folders.append(path)
            yield from _list_files(root, [f"{path}/{name}" for name in inner], folders)
        else:
            raise OSError("it is not a regular file")


# -- the trash of the system -----------------------------------------------------------------------
# As the freedesktop.org trash specification 1.0 says: a file in `files` has its former path in
# `info`, under the same name. The latter is created first, and is what makes the name unique.


def _find_system_trash() -> Path | None:
    """Return the trash folder of the user, if the system has one that can be written."""
    if sys.platform in ("win32", "darwin"):
        return None
    base = os.environ.get("XDG_DATA_HOME") or ""
    try:
        data = Path(base) if os.path.isabs(base) else Path.home() / ".local/share"  # noqa: PTH117
    except RuntimeError:
        return None
    place = data / "Trash"
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    is_writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    return place if is_writable and not place.is_symlink() else None


class TrashedItem(NamedTuple):
    """A file or folder in the trash of the system, and the file with its former path."""

    place: Path
    info: Path


@contextmanager
def copy_deleted(root: Path, plan: VaultChanges) -> Iterator[Callable[[object], None]]:
    """Copy what a plan removes to the trash of the system, if it says so.

    The copies are removed again unless the function that this yields is called with something true.
    Raises UsageError; nothing was copied then.
    """
    copies: list[TrashedItem] = []
    if isinstance(plan, Plan) and plan.trash_folder:
        gone = {path: plan.old_bytes(path) for path, place in plan.trash.items() if place is None}
        try:
            copies = _copy_to_trash(
                Path(plan.trash_folder), root, [item.path for item in plan.deleted], gone
            )
        except OSError as error:
            raise UsageError(
                f"the trash {plan.trash_folder} can't be written: {error.strerror or error}. "
                "Nothing was written."
            ) from None
    kept: list[object] = []
    try:
        yield kept.append
    finally:
        if not any(kept):
            _discard_from_trash(copies)


def _copy_to_trash(
    trash: Path, root: Path, paths: Iterable[str], contents: Mapping[str, bytes]
) -> list[TrashedItem]:
    """Copy deleted files to the system's trash: all, or none and raise OSError."""
    done: list[TrashedItem] = []
    try:
        for name in ("files", "info"):
            (trash / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in paths:
            inner = {
                file: data for file, data in contents.items() if f"{file}/".startswith(f"{path}/")
            }
            if not inner:
                continue
            item = _reserve_name(trash, root / path)
            done.append(item)
            for file, data in inner.items():
                _copy_file(root / file, Path(f"{item.place}{file[len(path) :]}"), data)
    except OSError:
        _discard_from_trash(done)
        raise
    return done


def _discard_from_trash(items: Iterable[TrashedItem]) -> None:
    """Remove what was just copied, because the files were not deleted."""
    for place, info in items:
        shutil.rmtree(place, ignore_errors=True)
        for file in (place, info):
            with suppress(OSError):
                file.unlink()


def _reserve_name(trash: Path, file: Path) -> TrashedItem:
    from urllib.parse import quote  # noqa: PLC0415 - slow to import, rarely needed

    written = quote(os.fsencode(file))
    text = f"[Trash Info]\nPath={written}\nDeletionDate={time.strftime('%Y-%m-%dT%H:%M:%S')}\n"
    for name in _number_names(file.name):
        item = TrashedItem(trash / "files" / name, trash / "info" / f"{name}.trashinfo")
        if os.path.lexists(item.place):
            continue
        try:
            handle = os.open(item.info, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with open(handle, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
            stream.write(text)
        return item
    raise AssertionError


def _copy_file(source: Path, copy: Path, data: bytes) -> None:
    """Write a copy with the permissions and times of a file."""
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = source.lstat()
    handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as stream:  # noqa: PTH123 - a descriptor
        stream.write(data)
    copy.chmod(status.st_mode & 0o777)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
