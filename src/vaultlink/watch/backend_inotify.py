"""Change events on Linux: an inotify watch on every folder of the vault.

Uses watchdog's binding of inotify, but not its observer. That ignores folders for which the system
has no watch left, delays each rename by half a second, and watches hidden folders (above all .git),
in which nothing is a note.
"""

import errno
import logging
import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from threading import Event

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from vaultlink.disk.scan import is_noted_name
from vaultlink.errors import JournalError
from vaultlink.watch.events import EventQueue, WatchUnavailable
from vaultlink.write.journal_files import hold_lock_file, make_journal_folder, release_lock_file
from vaultlink.write.system_calls import SYNCFS_SAFE, read_filesystem_type

logging.getLogger("watchdog").addHandler(logging.NullHandler())  # an overflow is handled here

_EVENT_MASK = Mask(
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVE
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
)

_FLUSH_SECONDS = 0.5
"""Seconds to wait for events that are on their way; after that, the files are listed."""

_LOCAL = SYNCFS_SAFE | {0x794C7630, 0x2FC12FC1, 0xCA451A4E, 0x52654973, 0x3153464A}
_LOCAL |= {0x4D44, 0x2011BAB0, 0x7366746E, 0x482B, 0x858458F6, 0x73717368, 0xF15F}
"""Types of file systems that nobody changes but through this system, which reports it.

They are those of disks, of memory, and overlayfs. Network file systems, and the folders that a
virtual machine has from its host, also change elsewhere.
"""


class InotifyBackend:
    """Change events of inotify.

    `detects_overflow` is False where changes may cause no event at all.
    """

    detects_overflow = True

    def __init__(self, events: EventQueue):
        self._events = events
        self._folders: Mapping[str, str] = {}
        self._identities: frozenset[_FolderIdentity] = frozenset()
        self._paths_by_watch: dict[WatchDescriptor, tuple[str, ...]] = {}
        self._watches: dict[_FolderIdentity, tuple[WatchDescriptor, CallbackId]] = {}
        self._ids, self._marks = count(1), count(1)
        self._mark_folder: Path | None = None
        self._root = ""
        self._mark_watch: WatchDescriptor | None = None
        self._awaited_mark, self._mark_arrived = "", Event()
        try:
            self._inotify = InotifyFD()
        except OSError as error:
            raise WatchUnavailable(_describe_error(error, 0)) from None
        self._inotify.start()

    def watch_folders(self, folders: Mapping[str, str], /) -> bool:
        self._root, self._folders = folders.get("", ""), folders
        # A watch stays with its folder when that is moved, so device and inode are compared.
        paths_by_identity = _group_by_identity(folders)
        if paths_by_identity.keys() != self._identities:
            self._identities = frozenset(paths_by_identity)
            places = {device: paths[0] for (device, _), paths in paths_by_identity.items()}
            self.detects_overflow = all(_is_local(folders[path]) for path in places.values())
        for folder in [
            folder
            for folder, (watch, _) in self._watches.items()
            if folder not in paths_by_identity or watch not in self._paths_by_watch
        ]:
            watch, callback_id = self._watches.pop(folder)
            self._paths_by_watch.pop(watch, None)
            self._inotify.remove_callbacks([(watch, callback_id)])
        was_added = False
        for folder, paths in paths_by_identity.items():
            if folder not in self._watches:
                was_added = self._add_watch(folder, folders[paths[0]], len(folders)) or was_added
            if folder in self._watches:
                self._paths_by_watch[self._watches[folder][0]] = paths
        return was_added

    def _add_watch(self, folder: "_FolderIdentity", disk_path: str, folder_count: int) -> bool:
        callback_id = CallbackId(next(self._ids))
        try:
            watch = self._inotify.add_callback(
                os.fsencode(disk_path), _EVENT_MASK, self, callback_id
            )
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
                raise WatchUnavailable(_describe_error(error, folder_count)) from None
            return False  # deleted meanwhile, or unreadable
        self._watches[folder] = watch, callback_id
        return True

    def flush(self) -> bool:
        """Wait for the events of all changes so far; return True if they have come.

        The system delivers events in order, so it is enough to wait for one that is made here.
        A file system that is mounted over a folder causes no event.
        """
        if _group_by_identity(self._folders).keys() != self._identities:
            return False
        name = f"{os.getpid()}-{next(self._marks)}.mark"
        try:
            file = (self._mark_folder or self._watch_mark_folder()) / name
            self._awaited_mark = name
            self._mark_arrived.clear()
            handle = hold_lock_file(file)
        except (OSError, JournalError):
            return False
        has_arrived = self._mark_arrived.wait(_FLUSH_SECONDS)
        release_lock_file(file, handle)
        return has_arrived

    def _watch_mark_folder(self) -> Path:
        folder = make_journal_folder(Path(self._root)) / "marks"
        first = folder / f"{os.getpid()}-0.mark"
        release_lock_file(first, hold_lock_file(first))  # it makes the folder
        self._mark_watch = self._inotify.add_callback(
            os.fsencode(folder), _EVENT_MASK, self, CallbackId(next(self._ids))
        )
        self._mark_folder = folder
        return folder

    def is_alive(self) -> bool:
        return self._inotify.is_alive()

    def close(self) -> None:
        self._inotify.stop()
        self._inotify.join(1.0)

    # -- called by watchdog, in its own thread -------------------------------------------------

    def on_event(self, event: InotifyEvent) -> None:
        if event.wd == self._mark_watch:
            if os.fsdecode(event.name) == self._awaited_mark:
                self._mark_arrived.set()
            return
        hidden = event.name[:1] == b"." and not is_noted_name(os.fsdecode(event.name))
        for folder in () if hidden else self._paths_by_watch.get(event.wd, ()):
            if not event.name or event.is_directory:
                self._events.request_full_rescan()
            else:
                name = os.fsdecode(event.name)
                self._events.add_path(f"{folder}/{name}" if folder else name)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        if wd == self._mark_watch:
            self._mark_folder = self._mark_watch = None
            return
        self._paths_by_watch.pop(wd, None)
        self._events.request_full_rescan()

    def on_queue_overflow(self) -> None:
        self._events.request_full_rescan()


_FolderIdentity = tuple[int, int]
"""Device and inode number of a folder."""


def _is_local(folder: str) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return True  # removed meanwhile, or unreadable
    try:
        return read_filesystem_type(handle) in _LOCAL
    finally:
        os.close(handle)


def _group_by_identity(folders: Mapping[str, str]) -> dict[_FolderIdentity, tuple[str, ...]]:
    """Return the vault paths of each folder; several if it is mounted more than once."""
    paths_by_identity: dict[_FolderIdentity, tuple[str, ...]] = {}
    for path, disk_path in folders.items():
        try:
            status = os.stat(disk_path)  # noqa: PTH116 - faster, runs for every folder
        except OSError:
            continue
        folder = status.st_dev, status.st_ino
        paths_by_identity[folder] = (*paths_by_identity.get(folder, ()), path)
    return paths_by_identity


def _describe_error(error: OSError, folder_count: int) -> str:
    if error.errno == errno.ENOSPC:
        cause = f"has no inotify watch left for a vault of {folder_count:,} folders"
        limit, number = "fs.inotify.max_user_watches", 524_288
    elif error.errno in (errno.EMFILE, errno.ENFILE):
        cause = "allows this user no further inotify instance"
        limit, number = "fs.inotify.max_user_instances", 512
    else:
        return f"Linux can't watch this vault: {error.strerror or error}."
    return (
        f"Linux {cause}: the limit {limit} is reached. Raise it with "
        f"`sudo sysctl {limit}={number}`; to keep it, add `{limit}={number}` to a file in "
        "/etc/sysctl.d."
    )
