"""Other watchers on the same vault: each has a file in the vault's state folder, locked for as long as it lives.

A vault enters; who else is there, and whether it is this watcher that repairs, leaves. The system frees the lock of a process
that is gone, so nobody has to be asked whether he lives.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vaultlink.write.lock import (
    hold_lock_file,
    is_lock_file_held,
    make_journal_error,
    make_journal_folder,
    release_lock_file,
)


class Peer(NamedTuple):
    """Another watcher: its process, and whether it repairs notes."""

    pid: int
    fixing: bool


class Peers:
    """This watcher's place among those on a vault. Raises JournalError if there is no place for its file."""

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
        """The other watchers that live, the oldest first."""
        with suppress(OSError):
            changed = self._folder.stat().st_mtime_ns
            if self._last_listing != (changed, False):
                self._peers = self._list_living()
                self._last_listing = changed, bool(self._peers)
        return list(self._peers.values())

    def is_fixer(self) -> bool:
        """Whether this watcher is the one that repairs: the oldest of those that would."""
        self.list_peers()
        return self._fixing and not any(
            other.fixing and name < self._name for name, other in self._peers.items()
        )

    def describe_changes(self) -> list[str]:
        """Sentences on watchers that came or ended since this was last asked."""
        self.list_peers()
        came = {
            name: other for name, other in self._peers.items() if name not in self._reported_peers
        }
        ended = [other for name, other in self._reported_peers.items() if name not in self._peers]
        self._reported_peers = dict(self._peers)
        waits = (
            " This one tells only, and mends once that one has ended."
            if self._fixing and not self.is_fixer()
            else ""
        )
        return [
            *(
                f"Another vaultlink watch (process {other.pid}) is on this vault"
                + (f" and mends notes.{waits}" if other.fixing else ".")
                for other in came.values()
            ),
            *(f"The vaultlink watch of process {other.pid} has ended." for other in ended),
        ]

    def close(self) -> None:
        """Be no longer there."""
        release_lock_file(self._folder / self._name, self._handle)

    def _list_living(self) -> dict[str, Peer]:
        living = {}
        for file in sorted(self._folder.iterdir()):
            process = file.stem.rpartition("-")[2]
            if (
                file.name[0] != "."
                and file.name != self._name
                and process.isdigit()
                and is_lock_file_held(file)
            ):
                living[file.name] = Peer(int(process), file.suffix == ".fixing")
        return living
