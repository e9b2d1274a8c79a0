"""Word of changes where there is no inotify: through the observer that watchdog has for the system."""

import os
from collections.abc import Mapping
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from vaultlink.watch.events import EventQueue

_READ_EVENTS = ("opened", "closed_no_write")


class WatchdogBackend:
    """Leaves word in an inbox of what changes in folders."""

    detects_overflow = False

    def __init__(self, events: EventQueue):
        self._events = events
        self._observer = Observer()
        self._roots: dict[str, Path] = {}
        self._observer.start()

    def watch_folders(self, folders: Mapping[str, str], /) -> bool:
        """Watch the vault, and the folders that lie elsewhere behind symbolic links; tells whether one came in."""
        places = {path: Path(place) for path, place in folders.items()}
        roots = {
            path: place.resolve()
            for path, place in places.items()
            if not path or place.is_symlink()
        }
        if roots == self._roots:
            return False
        self._observer.unschedule_all()
        self._roots = roots
        for path, place in roots.items():
            self._observer.schedule(
                _EventHandler(self._events, path, place), os.fspath(place), recursive=True
            )
        return True

    def is_alive(self) -> bool:
        """Whether words still come."""
        return self._observer.is_alive() and all(
            emitter.is_alive() for emitter in self._observer.emitters
        )

    def close(self) -> None:
        """Let go of all watches."""
        self._observer.stop()
        self._observer.join(1.0)


class _EventHandler(FileSystemEventHandler):
    """Takes what an observer tells of one folder and all below it."""

    def __init__(self, events: EventQueue, path: str, place: Path):
        self._events, self._vault_path, self._disk_path = events, path, place

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Something happened to a file or a folder."""
        if event.event_type in _READ_EVENTS or (
            event.is_directory and event.event_type == "modified"
        ):
            return
        for place in (event.src_path, event.dest_path):
            path = self._to_vault_path(Path(os.fsdecode(place))) if place else None
            if path is None:
                continue
            if event.is_directory or path == self._vault_path:
                self._events.request_full_rescan()
            else:
                self._events.add_path(path)

    def _to_vault_path(self, place: Path) -> str | None:
        """A place on disk as a vault path; None if it is hidden or lies elsewhere."""
        if not place.is_relative_to(self._disk_path):
            return None
        parts = place.relative_to(self._disk_path).parts
        if any(part.startswith(".") and part != ".gitignore" for part in parts):
            return None
        return "/".join([self._vault_path, *parts] if self._vault_path else parts)
