"""Change events without inotify: through watchdog's observer for the system."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from vaultlink.watch.events import EventQueue


class WatchdogBackend:
    detects_overflow = False

    def __init__(self, events: EventQueue):
        self._events = events
        # On Linux, watchdog 7.1 warns when it finds a folder twice: by its event and by walking its
        # parent. Nothing is lost. As an error (`python -W error`) the warning would end its thread.
        warnings.filterwarnings("ignore", module=r"watchdog\.", category=RuntimeWarning)
        self._observer = Observer()
        self._roots: dict[str, Path] = {}
        self._observer.start()

    def watch_folders(self, folders: Mapping[str, str], /) -> bool:
        """Watch the vault recursively, and the folders that symbolic links in it lead to."""
        disk_paths = {path: Path(disk_path) for path, disk_path in folders.items()}
        roots = {
            path: disk_path.resolve()
            for path, disk_path in disk_paths.items()
            if not path or disk_path.is_symlink()
        }
        if roots == self._roots:
            return False
        self._observer.unschedule_all()
        self._roots = roots
        for path, disk_path in roots.items():
            self._observer.schedule(
                _EventHandler(self._events, path, disk_path), os.fspath(disk_path), recursive=True
            )
        return True

    def is_alive(self) -> bool:
        return self._observer.is_alive() and all(
            emitter.is_alive() for emitter in self._observer.emitters
        )

    def close(self) -> None:
        self._observer.stop()
        self._observer.join(1.0)


class _EventHandler(FileSystemEventHandler):
    def __init__(self, events: EventQueue, vault_path: str, disk_path: Path):
        self._events, self._vault_path, self._disk_path = events, vault_path, disk_path

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write") or (
            event.is_directory and event.event_type == "modified"
        ):
            return
        for event_path in (event.src_path, event.dest_path):
            path = self._to_vault_path(Path(os.fsdecode(event_path))) if event_path else None
            if path is None:
                continue
            if event.is_directory or path == self._vault_path:
                self._events.request_full_rescan()
            else:
                self._events.add_path(path)

    def _to_vault_path(self, disk_path: Path) -> str | None:
        """Return the vault path of a path on disk; None if hidden or outside the folder."""
        if not disk_path.is_relative_to(self._disk_path):
            return None
        parts = disk_path.relative_to(self._disk_path).parts
        if any(part.startswith(".") and part != ".gitignore" for part in parts):
            return None
        return "/".join([self._vault_path, *parts] if self._vault_path else parts)
