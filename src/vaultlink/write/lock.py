"""The user's state folder, in which each vault has a folder for its journal; and the lock that writing runs share.

A vault enters, a folder leaves. Where it can't be made or written, nothing may be written to the vault either.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from vaultlink.errors import JournalError
from vaultlink.write.replace import describe_os_error

_TIMEOUT_SECONDS = 60.0
"""Seconds that a run waits for another."""


class LockTimeout(JournalError):  # noqa: N818 - a state of affairs
    """Another run is writing to the vault, and did not end in time."""


def state_folder() -> Path:
    """The folder of all journals."""
    told = os.environ.get("VAULTLINK_STATE_DIR")
    if told:
        return Path(told)
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
            / "vaultlink"
            / "State"
        )
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vaultlink"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "vaultlink"


def journal_folder(root: Path) -> Path:
    """The folder of a vault's journal, which may not be there yet."""
    try:
        return state_folder() / blake2b(os.fsencode(root.resolve()), digest_size=10).hexdigest()
    except RuntimeError:  # a user without a home
        raise JournalError(
            "there is no place for the journal, so nothing was written. VAULTLINK_STATE_DIR may name a "
            "folder for it."
        ) from None


def make_journal_folder(root: Path) -> Path:
    """The vault's folder, which nobody else may look into: it holds what notes said."""
    folder = journal_folder(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise make_journal_error(folder, error) from None
    return folder


def make_journal_error(folder: Path, error: OSError) -> JournalError:
    """What to say when the journal can't be kept."""
    said = (
        "a file stands where its folder would be"
        if isinstance(error, FileExistsError)
        else describe_os_error(error)
    )
    return JournalError(
        f"the journal can't be kept in {folder}: {said}. Nothing was written, as it could not be undone. "
        "VAULTLINK_STATE_DIR may name another folder."
    )


@contextmanager
def lock_vault(
    root: Path, waiting: Callable[[], None] = lambda: None, patience: float = _TIMEOUT_SECONDS
) -> Iterator[None]:
    """Keep other writing runs off a vault, from before it is read until it is written. While another run holds the lock
    this one waits, having called `waiting` once; the system frees a lock whose process is gone."""
    folder = make_journal_folder(root)
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise make_journal_error(folder, error) from None
    try:
        end = time.monotonic() + patience
        told = False
        while not try_lock(handle):
            if not told:
                waiting()
            told = True
            if time.monotonic() >= end:
                raise LockTimeout(
                    f"another run of vaultlink has been writing to {root} for {patience:.0f} seconds or more. Nothing "
                    "was done; try again when it has ended."
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Whether the lock is ours now. Where the system knows no locks, comparing before writing has to do."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def hold_lock_file(file: Path) -> int:
    """Create a file that stays locked for as long as this process lives, and return its descriptor.

    The file gets its name once it is locked, so that no other process takes it for an abandoned one.

    Raises:
        OSError: The file can't be created.
    """
    file.parent.mkdir(exist_ok=True)
    hidden = file.with_name(f".{file.name}")
    handle = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try_lock(handle)
    hidden.rename(file)
    return handle


def release_lock_file(file: Path, handle: int) -> None:
    """Remove a file that `hold_lock_file` created, and close its descriptor."""
    with suppress(OSError):
        file.unlink()
    with suppress(OSError):
        os.close(handle)


def is_lock_file_held(file: Path) -> bool:
    """Return True if a living process holds the file. One that no process holds was abandoned, and is removed."""
    try:
        handle = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        if not try_lock(handle):
            return True
        with suppress(OSError):
            file.unlink()
        return False
    finally:
        os.close(handle)
