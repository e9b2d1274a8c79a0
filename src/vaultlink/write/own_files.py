"""Write files other than notes and results: settings, cache entries, git files."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import EEXIST
from functools import partial
from pathlib import Path
from typing import BinaryIO

from vaultlink.errors import UsageError
from vaultlink.files import LEFTOVER_PREFIX
from vaultlink.git.location import find_work_tree
from vaultlink.write.file_locks import is_abandoned, try_lock

_CREATE_FLAGS = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)


def make_temporary(file: Path) -> tuple[Path, int]:
    """Create a temporary file beside a file; return its path and a descriptor.

    The descriptor is open for writing, and locked. If this process is killed,
    `remove_folder_leftovers` removes the file, in a vault also the next run that writes. Raises
    OSError.
    """
    temporary = file.with_name(f"{LEFTOVER_PREFIX}{os.getpid()}-{os.urandom(3).hex()}-0.tmp")
    handle = os.open(temporary, _CREATE_FLAGS, 0o666)
    if sys.platform != "win32":  # a lock there forbids others to read
        try_lock(handle)
    return temporary, handle


def remove_folder_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes of this user left in a folder."""
    from vaultlink.disk.scan import parse_leftover_name  # noqa: PLC0415 - a merge driver does not need it

    with suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(LEFTOVER_PREFIX)]
        for name in filter(parse_leftover_name, names):
            with suppress(OSError):
                if is_abandoned(name, str(folder / name)):
                    (folder / name).unlink()


def remove_hidden_leftovers(root: Path) -> None:
    """Remove such files in folders of a repository, which no scan of a vault finds."""
    repository = os.path.realpath(find_work_tree(root) or root)
    for folder in (repository, os.path.join(repository, ".github", "workflows")):  # noqa: PTH118 - as text
        if os.path.realpath(folder) == folder:
            remove_folder_leftovers(Path(folder))


def replace_file(file: Path, data: bytes) -> bool:
    """Replace a file atomically and keep its mode; return False if that is impossible."""
    try:
        temporary, handle = make_temporary(file)
    except OSError:
        return False
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123 - a descriptor
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
    temporary = file.with_name(f"{file.name}{os.urandom(8).hex()}.tmp")
    handle = os.open(temporary, _CREATE_FLAGS, 0o600)
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
    """Copy a cache file, best as a hard link: such files are never changed."""
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
    """Create files that do not exist, with folders: all or none. Raises UsageError."""
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
    temporary, handle = make_temporary(path)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123 - a descriptor
            stream.write(text)
        name_new_file(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()
        remove_folder_leftovers(path.parent)


def name_new_file(temporary: Path, path: Path) -> None:
    """Give a temporary file a name that is free. Raises FileExistsError if it is not."""
    try:
        path.hardlink_to(temporary)
    except OSError as error:  # the name is taken, or the file system has no hard links
        if isinstance(error, FileExistsError) or os.path.lexists(path):
            raise FileExistsError(EEXIST, os.strerror(EEXIST), str(path)) from None
        temporary.rename(path)


def remove_created_files(written: Iterable[Path]) -> None:
    """Remove created files, and at most two levels of folders that are empty then."""
    for path in written:
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()
            path.parent.parent.rmdir()


def open_scratch_file(folder: Path) -> BinaryIO | None:
    """Open a file without a name in a folder; return None if that is impossible."""
    if sys.platform == "win32":  # such a file would have a name there
        return None
    import tempfile  # noqa: PLC0415 - only large vaults need it

    try:
        return tempfile.TemporaryFile(prefix="vaultlink-", dir=folder, buffering=0)
    except OSError:
        return None


@contextmanager
def temporary_files(texts: Sequence[str]) -> Iterator[list[Path]]:
    import tempfile  # noqa: PLC0415 - only merges need it

    with tempfile.TemporaryDirectory(prefix="vaultlink-") as folder:
        files = [Path(folder) / str(number) for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_bytes(text.encode())
        yield files
