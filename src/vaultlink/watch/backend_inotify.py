"""Word of changes on Linux: a watch on every folder of the vault, through watchdog's hold on inotify.

watchdog's own observer would do, but it keeps quiet about folders for which the system has no watch left, holds each rename
back for half a second, and watches hidden folders, git's above all, in which nothing is a note.
"""

import errno
import logging
import os
from collections.abc import Mapping
from itertools import count

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from vaultlink.watch.events import EventQueue, WatchUnavailable

logging.getLogger("watchdog").addHandler(
    logging.NullHandler()
)  # that words got lost is acted on, and nobody's concern

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


class InotifyBackend:
    """Leaves word in an inbox of what changes in folders."""

    detects_overflow = True

    def __init__(self, events: EventQueue):
        self._events = events
        self._paths_by_watch: dict[WatchDescriptor, tuple[str, ...]] = {}
        self._watches: dict[_FolderIdentity, tuple[WatchDescriptor, CallbackId]] = {}
        self._ids = count(1)
        try:
            self._inotify = InotifyFD()
        except OSError as error:
            raise WatchUnavailable(_describe_error(error, 0)) from None
        self._inotify.start()

    def watch_folders(self, folders: Mapping[str, str], /) -> bool:
        """Watch these folders, given by vault path with where they are on disk, and no others. Tells whether a folder came
        in: what happened there before is to be looked for. Raises NoWatch.

        A watch stays with its folder wherever that goes, so folders are known by what they are, not by what they are called.
        """
        there = _group_by_identity(folders)
        for folder in [
            folder
            for folder, (watch, _) in self._watches.items()
            if folder not in there or watch not in self._paths_by_watch
        ]:
            watch, known_as = self._watches.pop(folder)
            self._paths_by_watch.pop(watch, None)
            self._inotify.remove_callbacks([(watch, known_as)])
        came = False
        for folder, paths in there.items():
            if folder not in self._watches:
                came = self._add_watch(folder, folders[paths[0]], len(folders)) or came
            if folder in self._watches:
                self._paths_by_watch[self._watches[folder][0]] = paths
        return came

    def _add_watch(self, folder: "_FolderIdentity", place: str, folders: int) -> bool:
        known_as = CallbackId(next(self._ids))
        try:
            watch = self._inotify.add_callback(os.fsencode(place), _EVENT_MASK, self, known_as)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
                raise WatchUnavailable(_describe_error(error, folders)) from None
            return False  # it went away, or may not be looked into
        self._watches[folder] = watch, known_as
        return True

    def is_alive(self) -> bool:
        """Whether words still come."""
        return self._inotify.is_alive()

    def close(self) -> None:
        """Let go of all watches."""
        self._inotify.stop()
        self._inotify.join(1.0)

    # -- called by watchdog, in a thread of its own ---------------------------------------------------------------

    def on_event(self, event: InotifyEvent) -> None:
        """Something happened in a folder, or to it."""
        hidden = event.name[:1] == b"." and event.name != b".gitignore"
        for folder in () if hidden else self._paths_by_watch.get(event.wd, ()):
            if not event.name or event.is_directory:
                self._events.request_full_rescan()
            else:
                name = os.fsdecode(event.name)
                self._events.add_path(f"{folder}/{name}" if folder else name)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """A folder is gone, or its file system."""
        self._paths_by_watch.pop(wd, None)
        self._events.request_full_rescan()

    def on_queue_overflow(self) -> None:
        """So much happened that the system dropped some of it."""
        self._events.request_full_rescan()


_FolderIdentity = tuple[int, int]
"""What tells a folder from all others: its device and its number there."""


def _group_by_identity(folders: Mapping[str, str]) -> dict[_FolderIdentity, tuple[str, ...]]:
    """The vault paths of each folder; several if it is mounted in more than one place."""
    found: dict[_FolderIdentity, tuple[str, ...]] = {}
    for path, place in folders.items():
        try:
            status = os.stat(place)  # noqa: PTH116 - asked of every folder
        except OSError:
            continue
        folder = status.st_dev, status.st_ino
        found[folder] = (*found.get(folder, ()), path)
    return found


def _describe_error(error: OSError, folders: int) -> str:
    if error.errno == errno.ENOSPC:
        return (
            f"Linux has no watch left for a vault of {folders:,} folders (fs.inotify.max_user_watches is used up). More are "
            "to be had: `sudo sysctl fs.inotify.max_user_watches=524288`, and the same line in /etc/sysctl.d to keep it."
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return (
            "Linux lets this user watch from no further program (fs.inotify.max_user_instances is used up). More are to be "
            "had: `sudo sysctl fs.inotify.max_user_instances=512`, and the same line in /etc/sysctl.d to keep it."
        )
    return f"Linux can't watch this vault: {error.strerror or error}."
