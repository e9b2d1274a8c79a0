"""Other watchers of the same vault.

Each holds a lock on its own file in the vault's state folder, which ends with its process.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vaultlink.write.journal_files import (
    hold_lock_file,
    is_lock_file_held,
    journal_folder,
    make_journal_error,
    make_journal_folder,
    release_lock_file,
)


class Peer(NamedTuple):
    """Another watcher: its process id, and whether it applies fixes."""

    pid: int
    fixing: bool


class Peers:
    """Registry of the watchers of a vault.

    Raises JournalError if this watcher can't be registered.
    """

    def __init__(self, root: Path, *, fixing: bool):
        self._folder = make_journal_folder(root) / "watchers"
        self._name = f"{time.time_ns():020}-{os.getpid()}.{'fixing' if fixing else 'telling'}"
        self._fixing = fixing
        self._last_listing: tuple[int, bool] = (0, True)
        self._peers: dict[str, Peer] = {}
        self._reported_peers: dict[str, Peer] = {}
        try:
            self._handle = hold_lock_file(self._folder / self._name)
        except OSError as error:
            raise make_journal_error(self._folder, error) from None

    def list_peers(self) -> list[Peer]:
        with suppress(OSError):
            modified_at = self._folder.stat().st_mtime_ns
            if self._last_listing != (modified_at, False):
                self._peers = _find_running(self._folder, self._name)
                self._last_listing = modified_at, bool(self._peers)
        return list(self._peers.values())

    def is_fixer(self) -> bool:
        """Return True if this watcher applies fixes: it is the oldest that would."""
        self.list_peers()
        return self._fixing and not any(
            peer.fixing and name < self._name for name, peer in self._peers.items()
        )

    def describe_changes(self) -> list[str]:
        """Return sentences on watchers that started or ended since the last call."""
        self.list_peers()
        started = {
            name: peer for name, peer in self._peers.items() if name not in self._reported_peers
        }
        ended = [peer for name, peer in self._reported_peers.items() if name not in self._peers]
        self._reported_peers = dict(self._peers)
        standby_note = (
            " This watcher only reports; it applies fixes after that one has ended."
            if self._fixing and not self.is_fixer()
            else ""
        )
        fixers = sorted(name for name, peer in self._peers.items() if peer.fixing)
        later = "it applies fixes after " + ("this one" if self.is_fixer() else "that one")
        notes = dict.fromkeys(fixers, f". It only reports; {later} has ended.")
        if not self.is_fixer():
            notes |= dict.fromkeys(fixers[:1], f" and applies fixes.{standby_note}")
        return [
            *(
                f"Another vaultlink watch (process {peer.pid}) watches this vault"
                + notes.get(name, ".")
                for name, peer in started.items()
            ),
            *(f"The vaultlink watch of process {peer.pid} has ended." for peer in ended),
        ]

    def close(self) -> None:
        release_lock_file(self._folder / self._name, self._handle)


def list_watchers(root: Path) -> list[Peer]:
    """Return the running watchers of a vault, the oldest first, without being one."""
    try:
        return list(_find_running(journal_folder(root) / "watchers", "").values())
    except FileNotFoundError:
        return []


def _find_running(folder: Path, own_name: str) -> dict[str, Peer]:
    peers = {}
    for file in sorted(folder.iterdir()):
        process = file.stem.rpartition("-")[2]
        if (
            file.name[0] != "."
            and file.name != own_name
            and process.isdigit()
            and is_lock_file_held(file)
        ):
            peers[file.name] = Peer(int(process), file.suffix == ".fixing")
    return peers
