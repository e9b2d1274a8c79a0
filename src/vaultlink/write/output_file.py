"""Write results to the file that a user named, never over a file of a vault.

In a vault, only a new file is written, or one that begins as vaultlink's own output of the same
format. Outside, any regular file, the null device, or an open stream such as `/dev/stdout`.
"""

import os
import stat as modes
import sys
from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path

import msgspec

from vaultlink.config.layers import CONFIG_NAMES
from vaultlink.disk.scan import BASELINE_FILE
from vaultlink.disk.vault_search import find_marked_folder
from vaultlink.errors import UsageError
from vaultlink.files import NO_FOLLOW, describe_irregular, read_start
from vaultlink.report.output_starts import (
    START_BYTES,
    describe_own_output,
    is_own_output,
    makes_notes,
)
from vaultlink.write.own_files import make_temporary, remove_folder_leftovers


class OutputFile(msgspec.Struct, frozen=True):
    """A file that a user named for the results of a command.

    `output_format` is the name of a format, or another name that `report.output_starts` knows.
    `folders` are that of the command's vault, and those that it has as symbolic links.
    """

    path: Path
    output_format: str = ""
    folders: Sequence[Path] = ()


_NO_OUTPUT_FOLDERS = (".git", ".trash")
"""Folders of a vault in which no file is made; nor in `.obsidian`, or one for another device."""

_SOURCE_KINDS = {".md": "a note", ".canvas": "a canvas", ".base": "a base"}
"""Extensions of files that a vault consists of."""

_SETTINGS_NAMES = frozenset((*CONFIG_NAMES, BASELINE_FILE))


def check_output(output: OutputFile) -> None:
    """Check that a file can take results without loss. Raises UsageError."""
    file = output.path
    if find_stream(file) is not None:
        return
    try:
        status = file.stat()
    except FileNotFoundError:
        if not file.parent.is_dir():
            raise UsageError(f"can't write {file}: No such file or directory.") from None
        status = None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"can't write {file}: {reason}.") from None
    if status is not None and not modes.S_ISREG(status.st_mode):
        if not _is_null_device(file):
            raise UsageError(_refuse_irregular(file, status.st_mode))
        return
    if problem := _find_vault_problem(output, status):
        raise UsageError(problem)


def _refuse_irregular(file: Path, mode: int) -> str:
    if modes.S_ISDIR(mode):
        return f"can't write {file}: it is a folder. Name a file in it."
    return (
        f"can't write {file}: {describe_irregular(mode)}. "
        "Leave out --output-file and redirect the output instead."
    )


def _is_null_device(file: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(file.stat(), os.stat(os.devnull))  # noqa: PTH116
    return False


def _find_vault_problem(output: OutputFile, status: os.stat_result | None) -> str:
    """Return why a regular file, or a new one, is not written; "" if it may be."""
    places = list(_list_places(output))
    for root, path in places:
        if problem := _find_name_problem(output, root, path, is_new=status is None):
            return f"--output-file: {output.path} {problem} Nothing was written."
    if not places or status is None:
        return ""
    file, output_format = output.path, output.output_format
    names = {file.suffix.lower(), *(path.suffix.lower() for _, path in places)}
    kinds = [kind for extension, kind in _SOURCE_KINDS.items() if extension in names]
    if kinds and not status.st_size:
        return f"{file} is an empty {kinds[0].split()[1]} of the vault. Nothing was written."
    is_own = is_own_output(output_format, _read_start(file), file.suffix)
    if is_own and (not kinds or _may_be_note(output_format, names)):
        return ""
    if file.suffix.lower() in _SOURCE_KINDS and not _may_be_note(output_format, names):
        kind = _SOURCE_KINDS[file.suffix.lower()]
        return f"--output-file: {file} is {kind} of the vault. Nothing was written."
    reason = f"exists in the vault {places[0][0]}, where output of this kind replaces no file."
    if own := describe_own_output(output_format):
        reason = f"exists and is not {own}."
    return f"{file} {reason} Nothing was written. Name another file, or remove that one first."


def _may_be_note(output_format: str, extensions: Set[str]) -> bool:
    return makes_notes(output_format) and extensions.isdisjoint({".canvas", ".base"})


def _find_name_problem(output: OutputFile, root: Path, path: Path, *, is_new: bool) -> str:
    """Return a sentence on a path, relative to a vault, at which nothing is written."""
    *folders, name = (part.lower() for part in path.parts)
    for folder in folders:
        if folder in _NO_OUTPUT_FOLDERS or folder.startswith(".obsidian"):
            return f"is in the folder {folder} of the vault {root}."
    if name in _SETTINGS_NAMES:
        return "has the name of a settings file or baseline of vaultlink."
    kind = _SOURCE_KINDS.get(path.suffix.lower())
    is_allowed = path.suffix.lower() == ".md" and makes_notes(output.output_format)
    if is_new and kind and not is_allowed:
        return f"would be {kind} of the vault {root}. Choose another extension."
    return ""


def _list_places(output: OutputFile) -> Iterator[tuple[Path, Path]]:
    """Yield the vaults and linked folders that a file is in, and its path in each."""
    named = Path(os.path.abspath(output.path))  # noqa: PTH100 - keeps symbolic links
    real = Path(os.path.realpath(output.path))
    in_real_folder = Path(os.path.realpath(named.parent)) / named.name
    for file in dict.fromkeys((named, in_real_folder, real)):
        with suppress(OSError):
            found = find_marked_folder(file.parent)
            folders = dict.fromkeys((*output.folders, *([found] if found else [])))
            for folder in folders:
                if (path := _find_relative_path(file, folder)) is not None:
                    yield folder, path


def _find_relative_path(file: Path, folder: Path) -> Path | None:
    """Return a file's path below a folder, compared by identity; None for elsewhere."""
    try:
        status = folder.stat()
    except OSError:
        return None
    for parent in file.parents:
        with suppress(OSError):
            if os.path.samestat(parent.stat(), status):
                return file.relative_to(parent)
    return None


def _read_start(file: Path) -> bytes:
    try:
        return read_start(file, START_BYTES)
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}.") from None


_MAX_LINKS = 40
"""Symbolic links that are followed to the name of a stream, as the system does."""


def find_stream(file: Path) -> int | None:
    """Return the descriptor of an open stream, as of `/dev/stdout`; None for a file."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - not on Windows

    path = os.path.abspath(file)  # noqa: PTH100 - links are followed one by one
    folders = (os.path.realpath("/dev/fd"), f"/proc/{os.getpid()}/fd")
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(path)
        if name.isdecimal() and os.path.realpath(folder) in folders:
            with suppress(OSError, OverflowError):
                flags = fcntl.fcntl(int(name), fcntl.F_GETFL)
                return int(name) if flags & os.O_ACCMODE != os.O_RDONLY else None
            return None
        if not os.path.islink(path):  # noqa: PTH114 - as text, for `join`
            return None
        path = os.path.join(folder, os.readlink(path))  # noqa: PTH115, PTH118
    return None


def write_output(
    output: OutputFile, data: bytes, *, append: bool = False, is_known: bool = False
) -> None:
    """Check a file, and write results to it.

    With `append`, they are added to earlier ones. A file that this process has written already is
    known, and not checked again.

    A file is replaced as a whole, and keeps its mode; if that fails, it stays as it was. A symbolic
    link is followed. Written in place is what can't be replaced: a device, an open stream, a file
    with other links or of another user, or in a folder that is not writable. Raises UsageError.
    """
    if not is_known:
        check_output(output)
    try:
        stream = find_stream(output.path)
        if stream is not None:
            _write_all(os.dup(stream), data)
        elif _is_null_device(output.path):
            return
        elif append or not _replace_output(output.path, data):
            _write_in_place(output.path, data, append=append)
    except OSError as error:
        raise UsageError(f"can't write {output.path}: {error.strerror}.") from None


def _replace_output(file: Path, data: bytes) -> bool:
    real = Path(os.path.realpath(file))
    status = real.stat() if real.exists() else None
    if status is not None and not (_is_replaceable(status) and os.access(real, os.W_OK)):
        return False
    try:
        temporary, handle = make_temporary(real)
    except OSError as error:
        if error.errno in _FULL_ERRORS:
            raise
        return False
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123 - a descriptor
            stream.write(data)
            stream.flush()
            created = os.fstat(handle)
            if status is not None:
                if (created.st_uid, created.st_gid) != (status.st_uid, status.st_gid):
                    return False
                temporary.chmod(modes.S_IMODE(status.st_mode))
            temporary.replace(real)
    finally:
        with suppress(OSError):
            temporary.unlink()
        remove_folder_leftovers(real.parent)
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


def _write_in_place(file: Path, data: bytes, *, append: bool) -> None:
    """Write to a file that stays the same, and to no pipe that took its place."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0)
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | NO_FOLLOW
    handle = os.open(os.path.realpath(file), flags, 0o666)
    mode = os.fstat(handle).st_mode
    if not modes.S_ISREG(mode):
        os.close(handle)
        raise UsageError(_refuse_irregular(file, mode))
    if not append:
        os.truncate(handle, 0)
    _write_all(handle, data)


def _write_all(handle: int, data: bytes) -> None:
    """Write all of the data to a descriptor, and close it."""
    with open(handle, "wb") as stream:
        stream.write(data)


_FULL_ERRORS = (ENOSPC, EDQUOT)
"""Errors of a full disk, on which writing in place would lose the old text too."""
