"""Locate the state folder with a vault's journal, and lock the vault for writing.

If the folder can't be created or written to, the vault must not be written to either.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaultlink.errors import JournalError
from vaultlink.files import user_folder
from vaultlink.text import blake2b
from vaultlink.write.open_folders import NOT_A_FOLDER
from vaultlink.write.replace import describe_os_error

LOCK_SECONDS = 60.0
"""Seconds to wait for another run to release the write lock."""


class LockTimeout(JournalError):  # noqa: N818 - a condition, not a fault
    """Another run holds the write lock and did not release it in time."""


def state_folder() -> Path:
    """Return the folder of all journals.

    It is `VAULTLINK_STATE_DIR` if that is set, else the state folder of the system.
    """
    override = os.environ.get("VAULTLINK_STATE_DIR")
    return Path(override) if override else user_folder("state")


def journal_folder(root: Path) -> Path:
    """Return the folder of a vault's journal, which may not exist yet."""
    try:
        return state_folder() / blake2b(os.fsencode(root.resolve()), digest_size=10).hexdigest()
    except RuntimeError:  # a user without a home
        raise JournalError(
            "the user has no home folder for the journal, so nothing was written. "
            "Set VAULTLINK_STATE_DIR to a folder."
        ) from None


def make_journal_folder(root: Path) -> Path:
    """Create the folder of a vault's journal and return it. Raises JournalError.

    Only its owner can read it, as the journal contains text of notes.
    """
    folder = journal_folder(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise make_journal_error(folder, error) from None
    return folder


def make_journal_error(folder: Path, error: OSError) -> JournalError:
    reason = NOT_A_FOLDER if isinstance(error, FileExistsError) else describe_os_error(error)
    return JournalError(
        f"can't write the journal in {folder}: {reason}. Nothing was written, because it could not "
        "be undone. Set VAULTLINK_STATE_DIR to another folder."
    )


@contextmanager
def lock_vault(
    root: Path, on_wait: Callable[[], None] = lambda: None, timeout: float = LOCK_SECONDS
) -> Iterator[None]:
    """Hold the write lock of a vault, from before it is read until it is written.

    If another run holds the lock, call `on_wait` once and wait up to `timeout` seconds. The system
    releases the lock of a process that has died. Raises LockTimeout or JournalError.
    """
    folder = make_journal_folder(root)
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise make_journal_error(folder, error) from None
    try:
        deadline = time.monotonic() + timeout
        notified = False
        while not try_lock(handle):
            if not notified:
                on_wait()
            notified = True
            if time.monotonic() >= deadline:
                raise LockTimeout(
                    f"another vaultlink run has held the write lock of {root} for {timeout:.0f} "
                    "seconds or more. Nothing was written. Try again when it has ended."
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Return True if the lock was acquired, or if the file system has no locks.

    Notes are compared before they are replaced in any case.
    """
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
    """Create a file locked as long as this process lives; return its descriptor.

    The file gets its name after it is locked, so that no other process removes it as abandoned.
    """
    file.parent.mkdir(exist_ok=True)
    hidden = file.with_name(f".{file.name}")
    handle = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try_lock(handle)
    hidden.rename(file)
    return handle


def release_lock_file(file: Path, handle: int) -> None:
    with suppress(OSError):
        file.unlink()
    with suppress(OSError):
        os.close(handle)


def is_lock_file_held(file: Path, *, keep: bool = False) -> bool:
    """Return True if a living process holds the file; else remove it without `keep`."""
    try:
        handle = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        is_held = not try_lock(handle)
        if not is_held and not keep:
            with suppress(OSError):
                file.unlink()
        return is_held
    finally:
        os.close(handle)
