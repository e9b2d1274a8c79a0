"""Write files other than notes: results, settings, cache entries, git files."""

import os
import stat as modes
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import EDQUOT, EEXIST, ENOSPC
from functools import partial
from pathlib import Path

from vaultlink.errors import UsageError
from vaultlink.files import STRAY_PREFIX


def write_output(file: Path, data: bytes, *, append: bool = False) -> None:
    """Write results to `file`, or append to it. Raises UsageError.

    A file is replaced as a whole, and keeps its mode; if that fails, it stays as it was. A symbolic
    link is followed. Written in place is what can't be replaced: a device, a pipe, an open standard
    stream, a file with other links or of another user, or in a folder that is not writable.
    """
    try:
        if append or not _replace_output(file, data):
            with file.open("ab" if append else "wb") as stream:
                stream.write(data)
    except OSError as error:
        raise UsageError(f"can't write {file}: {error.strerror}.") from None


def _replace_output(file: Path, data: bytes) -> bool:
    real = Path(os.path.realpath(file))
    status = real.stat() if real.exists() else None
    if status is not None and not (_is_replaceable(status) and os.access(real, os.W_OK)):
        return False
    temporary = _name_temporary(real)
    try:
        stream = temporary.open("xb")
    except OSError as error:
        if error.errno in _FULL_ERRORS:
            raise
        return False
    try:
        with stream:
            stream.write(data)
        created = temporary.stat()
        if status is not None:
            if (created.st_uid, created.st_gid) != (status.st_uid, status.st_gid):
                return False
            temporary.chmod(modes.S_IMODE(status.st_mode))
        temporary.replace(real)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return True


def _is_replaceable(status: os.stat_result) -> bool:
    """Return True for a regular file with one name that is no standard stream."""
    if not modes.S_ISREG(status.st_mode) or status.st_nlink > 1:
        return False
    for descriptor in range(3):
        with suppress(OSError):
            if os.path.samestat(status, os.fstat(descriptor)):
                return False
    return True


_FULL_ERRORS = (ENOSPC, EDQUOT)
"""Errors of a full disk, on which writing in place would lose the old text too."""


def _name_temporary(file: Path) -> Path:
    """Name a temporary file. In a vault, a later run removes it if this one is killed."""
    return file.with_name(f"{STRAY_PREFIX}{os.getpid()}-{os.urandom(3).hex()}-0.tmp")


def replace_file(file: Path, data: bytes) -> bool:
    """Replace a file atomically and keep its mode; return False if that is impossible."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
        if file.exists():
            temporary.chmod(file.stat().st_mode)
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        return False
    return True


def write_atomically(file: Path, parts: Iterable[bytes], *, durable: bool = False) -> None:
    """Write a file that only its owner can read; with `durable`, sync it to disk."""
    import tempfile  # noqa: PLC0415 - an unchanged run does not need it

    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".tmp")
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123 - a descriptor, not a path
            stream.writelines(parts)
            stream.flush()
            if durable:
                os.fsync(handle)
        os.replace(temporary, file)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    if durable:
        sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Write the entries of a folder to disk, where that is needed."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        with suppress(OSError):  # not possible, and not needed, on some file systems
            os.fsync(handle)
        os.close(handle)


def replace_cache_file(file: Path, parts: Iterable[bytes]) -> None:
    """Write a cache file atomically, if possible."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, parts)


def copy_cache_file(file: Path, copy: Path) -> None:
    """Copy a cache file atomically, if possible; best as a hard link.

    Cache files are never changed, only replaced.
    """
    temporary = copy.with_name(f"{copy.name}{os.urandom(8).hex()}")
    with suppress(OSError):
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, temporary)
        except FileNotFoundError:
            return
        except OSError:
            with file.open("rb") as stream:
                replace_cache_file(copy, iter(partial(stream.read, 1 << 20), b""))
            return
        os.replace(temporary, copy)  # noqa: PTH105
        # Renaming does nothing if both are the same file already.
        os.unlink(temporary)  # noqa: PTH108


def create_files(texts: Mapping[Path, str]) -> None:
    """Create files that do not exist yet, with their folders: all of them, or none.

    Raises UsageError if a file exists or can't be written.
    """
    written: list[Path] = []
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _create_file(path, text)
            written.append(path)
        except OSError as error:
            remove_created_files(written)
            message = f"can't write {path}: {error.strerror}. Nothing was written."
            raise UsageError(message) from None


def _create_file(path: Path, text: str) -> None:
    temporary = _name_temporary(path)
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        try:
            path.hardlink_to(temporary)
        except OSError as error:  # the name is taken, or the file system has no hard links
            if isinstance(error, FileExistsError) or os.path.lexists(path):
                raise FileExistsError(EEXIST, os.strerror(EEXIST), str(path)) from None
            temporary.rename(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def remove_created_files(written: Iterable[Path]) -> None:
    """Remove created files, and at most two levels of folders that are empty then."""
    for path in written:
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()
            path.parent.parent.rmdir()


@contextmanager
def temporary_files(texts: Sequence[str]) -> Iterator[list[Path]]:
    import tempfile  # noqa: PLC0415 - only merges need it

    with tempfile.TemporaryDirectory(prefix="vaultlink-") as folder:
        files = [Path(folder) / str(number) for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_bytes(text.encode())
        yield files
