"""Other watchers on the same vault: each has a file in the vault's state folder, locked for as long as it lives.

A vault enters; who else is there, and whether it is this watcher that repairs, leaves. The system frees the lock of a process
that is gone, so nobody has to be asked whether he lives.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vaultlink.locking import locked, made_folder, unkept


class Neighbour(NamedTuple):
    """Another watcher: its process, and whether it repairs notes."""

    process: int
    fixing: bool


class Neighbours:
    """This watcher's place among those on a vault. Raises JournalError if there is no place for its file."""

    def __init__(self, root: Path, *, fixing: bool):
        self._folder = made_folder(root) / "watchers"
        self._name = f"{time.time_ns():020}-{os.getpid()}.{'fixing' if fixing else 'telling'}"
        self._fixing = fixing
        self._listed: tuple[int, bool] = (0, True)
        self._others: dict[str, Neighbour] = {}
        self._told: dict[str, Neighbour] = {}
        try:
            self._folder.mkdir(exist_ok=True)
            made = (
                self._folder / f".{self._name}"
            )  # it gets its name once it is locked, so that nobody takes it for left over
            self._handle = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            locked(self._handle)
            made.rename(self._folder / self._name)
        except OSError as error:
            raise unkept(self._folder, error) from None

    def others(self) -> list[Neighbour]:
        """The other watchers that live, the oldest first."""
        with suppress(OSError):
            changed = self._folder.stat().st_mtime_ns
            if self._listed != (changed, False):
                self._others = self._living()
                self._listed = changed, bool(self._others)
        return list(self._others.values())

    def repairs(self) -> bool:
        """Whether this watcher is the one that repairs: the oldest of those that would."""
        self.others()
        return self._fixing and not any(
            other.fixing and name < self._name for name, other in self._others.items()
        )

    def news(self) -> list[str]:
        """Sentences on watchers that came or ended since this was last asked."""
        self.others()
        came = {name: other for name, other in self._others.items() if name not in self._told}
        ended = [other for name, other in self._told.items() if name not in self._others]
        self._told = dict(self._others)
        waits = (
            " This one tells only, and mends once that one has ended."
            if self._fixing and not self.repairs()
            else ""
        )
        return [
            *(
                f"Another vaultlink watch (process {other.process}) is on this vault"
                + (f" and mends notes.{waits}" if other.fixing else ".")
                for other in came.values()
            ),
            *(f"The vaultlink watch of process {other.process} has ended." for other in ended),
        ]

    def leave(self) -> None:
        """Be no longer there."""
        with suppress(OSError):
            (self._folder / self._name).unlink()
        with suppress(OSError):
            os.close(self._handle)

    def _living(self) -> dict[str, Neighbour]:
        living = {}
        for file in sorted(self._folder.iterdir()):
            process = file.stem.rpartition("-")[2]
            if (
                file.name[0] != "."
                and file.name != self._name
                and process.isdigit()
                and _alive(file)
            ):
                living[file.name] = Neighbour(int(process), file.suffix == ".fixing")
        return living


def _alive(file: Path) -> bool:
    """Whether a watcher's file is locked. One that is not was left by a process that was killed, and is taken away."""
    try:
        handle = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        if not locked(handle):
            return True
        with suppress(OSError):
            file.unlink()
        return False
    finally:
        os.close(handle)
