"""Open files that somebody else may have made: only regular ones, up to a size.

A FIFO would block, a device might never end, and a link can lead to any file of the user. Each
error is an `OSError` whose `strerror` is a clause for a message.
"""

import errno
import os
import stat as modes
import sys
from typing import BinaryIO, Literal

from vaultlink.text import blake2b

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ_FLAGS = os.O_RDONLY | _BINARY | _NO_WAIT
"""Flags with which opening a FIFO for reading does not wait for a writer."""

LEFTOVER_PREFIX = ".vaultlink-"
"""Begins the names of temporary files in a vault."""

_READ_SIZE = 1 << 20
"""Bytes to read at once of what was appended to a file just now."""

_KINDS = (
    (modes.S_ISFIFO, "a named pipe"),
    (modes.S_ISCHR, "a device"),
    (modes.S_ISBLK, "a device"),
    (modes.S_ISSOCK, "a socket"),
)


_MAX_NAME_BYTES = 255
"""Bytes of a name that most file systems allow."""


class UnusualFileError(OSError):
    """A file is not regular, too large, a link to outside, or of another user."""


def open_regular(path: str | os.PathLike[str], flags: int = 0, mode: int = 0o777) -> int:
    """Open a regular file, by default for reading, and return its descriptor.

    `flags` are added to `READ_FLAGS`; a file that they create gets the permissions of `mode`. It
    can be the `opener` of Python's `open`, whose flags open for reading, too.

    Raises:
        OSError: The file can't be opened, or is not a regular one.
    """
    try:
        handle = os.open(path, READ_FLAGS | flags, mode)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise UnusualFileError(errno.ENXIO, "it is a socket or a device", os.fspath(path)) from None
    found = os.fstat(handle).st_mode
    if found & 0o170000 == modes.S_IFREG:
        return handle
    os.close(handle)
    if modes.S_ISDIR(found):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    raise UnusualFileError(errno.EINVAL, describe_irregular(found), os.fspath(path))


def path_exists(path: str | os.PathLike[str]) -> bool:
    """Return True if a path leads to anything. Never raises, unlike pathlib.

    pathlib raises for names that are too long, and for what is in a folder without permissions.
    """
    return os.path.exists(path)


def identify_file(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return device and inode of a file, folder or link; None if there is none."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Return True if a path leads to a folder. Never raises: see `path_exists`."""
    return os.path.isdir(path)


def is_file(path: str | os.PathLike[str]) -> bool:
    """Return True if a path leads to a regular file. Never raises: see `path_exists`."""
    return os.path.isfile(path)


def describe_long_name(path: str) -> str:
    """Return that a name is longer than the system allows, as a clause; else ""."""
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            return ""
    except ValueError:
        return ""
    else:
        return ""
    sizes = [len(os.fsencode(name)) for name in path.split("/")]
    if max(sizes) <= _MAX_NAME_BYTES:
        return f"the path is too long ({len(os.fsencode(path)):,} bytes)"
    return f"the name is too long ({max(sizes):,} bytes, at most {_MAX_NAME_BYTES})"


def describe_irregular(mode: int) -> str:
    """Return the clause of a message about a file that is no regular one, by its mode."""
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "a special file")
    return f"it is {kind}, not a regular file"


def read_handle(handle: int, limit: int | None = None) -> bytes:
    """Return the content of an open file.

    Raises:
        OSError: The file can't be read, or has more than `limit` bytes.
    """
    size = os.fstat(handle).st_size
    if limit is not None and size > limit:
        raise UnusualFileError(errno.EFBIG, f"it is larger than {limit:,} bytes")
    data = os.read(handle, size + 1)
    while len(data) != size and (more := os.read(handle, _READ_SIZE)):
        data += more
        if limit is not None and len(data) > limit:
            raise UnusualFileError(errno.EFBIG, f"it is larger than {limit:,} bytes")
    return data


def read_regular(path: str | os.PathLike[str], limit: int | None = None, flags: int = 0) -> bytes:
    """Return the content of a regular file.

    Links are followed unless `flags` contain `NO_FOLLOW`.

    Raises:
        OSError: The file can't be read, is not a regular one, or has more than `limit` bytes.
    """
    handle = open_regular(path, flags)
    try:
        return read_handle(handle, limit)
    finally:
        os.close(handle)


def read_stream(stream: BinaryIO, limit: int) -> bytes:
    """Return all that comes from a stream, such as standard input.

    Raises:
        OSError: The stream can't be read, or has more than `limit` bytes.
    """
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise UnusualFileError(errno.EFBIG, f"it is larger than {limit:,} bytes")
    return data


def read_start(path: str | os.PathLike[str], size: int) -> bytes:
    """Return the first `size` bytes of a regular file, or all if it has fewer.

    Raises:
        OSError: The file can't be read, or is not a regular one.
    """
    handle = open_regular(path)
    try:
        return os.read(handle, size)
    finally:
        os.close(handle)


def read_within(path: str | os.PathLike[str], folder: str | os.PathLike[str], limit: int) -> bytes:
    """Return the content of a regular file of a folder, such as of a vault.

    If the file is a link, it must lead to a file in `folder` or in its own folder. Folders may be
    links, as folders of notes may.

    Raises:
        OSError: The file can't be read, is not a regular one, has more than `limit` bytes, or is a
            link to a place outside.
    """
    if not os.path.islink(path):
        return read_regular(path, limit, NO_FOLLOW)
    real = os.path.realpath(path)
    for place in (folder, os.path.dirname(path)):
        if real.startswith(os.path.join(os.path.realpath(place or "."), "")):
            return read_regular(real, limit, NO_FOLLOW)
    raise UnusualFileError(errno.EPERM, f"it is a link to {real}, which is outside", str(path))


def read_own(path: str | os.PathLike[str], limit: int) -> bytes:
    """Return the content of a regular file that this user or root made.

    Raises:
        OSError: The file can't be read, is not a regular one, has more than `limit` bytes, is a
            link, or belongs to another user.
    """
    handle = open_own(path)
    try:
        return read_handle(handle, limit)
    finally:
        os.close(handle)


def open_own(path: str | os.PathLike[str]) -> int:
    """Open a regular file as `read_own` does, and return its descriptor.

    Raises:
        OSError: The file can't be opened, is not a regular one, is a link, or belongs to another
            user.
    """
    handle = open_regular(path, NO_FOLLOW)
    if hasattr(os, "geteuid") and os.fstat(handle).st_uid not in _trusted_users():
        os.close(handle)
        raise UnusualFileError(errno.EPERM, "it belongs to another user", os.fspath(path))
    return handle


def _trusted_users() -> set[int]:
    """Return the users whose files are as good as those of this user, as git does."""
    user = os.geteuid()
    sudo_user = os.environ.get("SUDO_UID", "")
    return {0, user, *([int(sudo_user)] if user == 0 and sudo_user.isdecimal() else [])}


def user_folder(kind: Literal["cache", "state"]) -> str:
    """Return vaultlink's folder for caches or for records, where the system has them.

    platformdirs knows these places, too, but importing it takes 29 ms, a quarter of an unchanged
    check. Raises RuntimeError if the user has no home folder.
    """
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or os.path.join(_home(), "AppData", "Local")
        return os.path.join(local, "vaultlink", kind.capitalize())
    if sys.platform == "darwin":
        name = "Caches" if kind == "cache" else "Application Support"
        return os.path.join(_home(), "Library", name, "vaultlink")
    default = ".cache" if kind == "cache" else os.path.join(".local", "state")
    base = os.environ.get(f"XDG_{kind.upper()}_HOME") or os.path.join(_home(), default)
    return os.path.join(base, "vaultlink")


def _home() -> str:
    home = os.path.expanduser("~")
    if home == "~":
        raise RuntimeError("Could not determine home directory.")
    return home


def state_folder() -> str:
    """Return the folder of what outlives a run: `VAULTLINK_STATE_DIR` or the default."""
    return os.environ.get("VAULTLINK_STATE_DIR") or user_folder("state")


def vault_state_folder(root: str | os.PathLike[str]) -> str:
    """Return the folder of what outlives a run on a vault.

    It may not exist yet. `root` is the folder of the vault without symbolic links. Raises as
    `user_folder`.
    """
    return os.path.join(state_folder(), blake2b(os.fsencode(root), digest_size=10).hexdigest())
