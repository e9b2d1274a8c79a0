"""Write results to the file that a user named, never over a file of a vault.

In a vault, only a new file is written, or one that is as vaultlink wrote it, and neither where its
settings protect it. Outside, any regular file, the null device, or an open stream such as
`/dev/stdout`.
"""

import os
import re
import stat as modes
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from vaultlink.config.layers import CONFIG_NAMES, Layer
from vaultlink.config.protection import PROTECTED, Protection, read_protection
from vaultlink.disk.scan import (
    BASELINE_FILE,
    Settings,
    ignores_case,
    is_vault_path,
    read_layers,
)
from vaultlink.disk.vault_search import find_marked_folder
from vaultlink.errors import JournalError, UsageError
from vaultlink.files import NO_FOLLOW, describe_irregular, open_regular, read_own, read_regular
from vaultlink.text import blake2b
from vaultlink.write.journal_files import journal_folder, make_journal_folder
from vaultlink.write.own_files import (
    make_temporary,
    name_new_file,
    remove_folder_leftovers,
    write_atomically,
)


class OutputFile(msgspec.Struct, frozen=True):
    """A file that a user named for the results of a command.

    `output_format` is the name of a format. `folders` has the folder of the command's vault and
    those that it has as symbolic links, with their vault paths. `read_layers` returns the layers
    of settings of that vault.
    """

    path: Path
    output_format: str = ""
    folders: Mapping[Path, str] = {}
    read_layers: Callable[[], Sequence[Layer]] = tuple


class _Place(NamedTuple):
    """A place of a file in a vault or in a folder that a vault has as a link.

    `path` is relative to the folder, `vault_path` to the vault.
    """

    folder: Path
    path: Path
    vault: Path
    vault_path: str


_NO_OUTPUT_FOLDERS = (".git", ".trash")
"""Folders of a vault in which no file is made; nor in `.obsidian`, or one for another device."""

_SOURCE_KINDS = {".md": "a note", ".canvas": "a canvas", ".base": "a base"}
"""Extensions of files that a vault consists of."""

_SETTINGS_NAMES = frozenset((*CONFIG_NAMES, BASELINE_FILE))


def check_output(output: OutputFile) -> None:
    """Check that a file can take results. Raises UsageError or ConfigError."""
    _find_places(output)


def _find_places(output: OutputFile) -> list[_Place]:
    """Check a file, and return its places in vaults; none for a file outside."""
    file = output.path
    if _find_stream(file) is not None:
        return []
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
        return []
    places = list(_list_places(output))
    if places and (problem := _find_vault_problem(output, places, is_new=status is None)):
        raise UsageError(f"{problem} Nothing was written.")
    return places


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


def _find_vault_problem(output: OutputFile, places: Sequence[_Place], *, is_new: bool) -> str:
    """Return a sentence on why a file in a vault is not written; "" if it may be."""
    for place in places:
        if problem := _find_name_problem(output, place, is_new=is_new):
            return f"--output-file: {output.path} {problem}"
    for vault in dict.fromkeys(place.vault for place in places):
        is_own = vault in output.folders
        layers = output.read_layers() if is_own else read_layers(vault, Settings())
        paths = [place.vault_path for place in places if place.vault == vault]
        if reason := _find_protection(vault, layers, paths):
            return f"--output-file: {output.path} must not be written: {reason}."
    return "" if is_new else _find_content_problem(output.path, places)


def _find_protection(vault: Path, layers: Sequence[Layer], paths: Sequence[str]) -> str:
    """Return why settings of a vault keep a file from being written, or "".

    `write-paths` is about what is part of the vault: hidden files are not.
    """
    protect, write_paths = read_protection(layers)
    if not (protect or write_paths):
        return ""
    protection = Protection(protect, write_paths, ignores_case=ignores_case(vault))
    for path in paths:
        reason = protection.find_reason(path)
        if reason == PROTECTED or (reason and is_vault_path(path)):
            return reason
    return ""


def _find_name_problem(output: OutputFile, place: _Place, *, is_new: bool) -> str:
    """Return a clause on a name at which nothing is written; "" if it may be."""
    *folders, name = (part.lower() for part in place.path.parts)
    for folder in folders:
        if folder in _NO_OUTPUT_FOLDERS or folder.startswith(".obsidian"):
            return f"is in the folder {folder} of the vault {place.folder}."
    if name in _SETTINGS_NAMES:
        return "has the name of a settings file or baseline of vaultlink."
    extension = place.path.suffix.lower()
    kind = _SOURCE_KINDS.get(extension)
    if not kind or (extension == ".md" and output.output_format == "markdown"):
        return ""
    if is_new:
        return f"would be {kind} of the vault {place.folder}. Choose another extension."
    return f"is {kind} of the vault."


def _list_places(output: OutputFile) -> Iterator[_Place]:
    """Yield the places that a file has in vaults and linked folders."""
    named = Path(os.path.abspath(output.path))  # noqa: PTH100 - keeps symbolic links
    real = Path(os.path.realpath(output.path))
    in_real_folder = Path(os.path.realpath(named.parent)) / named.name
    for file in dict.fromkeys((named, in_real_folder, real)):
        with suppress(OSError):
            found = find_marked_folder(file.parent)
            folders = dict.fromkeys((*output.folders, *([found] if found else [])))
            for folder in folders:
                if (path := _find_relative_path(file, folder)) is not None:
                    vault = next(iter(output.folders)) if folder in output.folders else folder
                    vault_path = PurePosixPath(output.folders.get(folder, ""), path).as_posix()
                    yield _Place(folder, path, vault, vault_path)


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


# -- know own output ------------------------------------------------------------------------------
# Output that may be read as a note or page has a digest of itself, which a clone of the repository
# has, too. Other formats have no place for it: the state folder of the vault has a list of digests.

_SEALED_FORMATS = ("markdown", "html")
_SEAL = re.compile(rb"\n<!-- vaultlink output ([0-9a-f]{40}) -->\n\Z")
_RECORDS = "outputs"
_MAX_RECORDS = 1_000
"""Digests that are kept, at least; each takes 41 bytes."""


def _digest(*parts: bytes) -> bytes:
    """Return a digest of output, whatever the ends of its lines are."""
    normal = (part.replace(b"\r\n", b"\n") for part in parts)
    return blake2b(b"\0".join(normal), digest_size=20).hexdigest().encode()


def _find_content_problem(file: Path, places: Sequence[_Place]) -> str:
    """Return a sentence on a file that is not as vaultlink wrote it, or ""."""
    try:
        data = read_regular(file)
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}.") from None
    content = data.replace(b"\r\n", b"\n")
    if seal := _SEAL.search(content):
        if seal[1] == _digest(content[: seal.start()]):
            return ""
    elif any(_digest_place(place, data) in _read_records(place) for place in places):
        return ""
    return (
        f"{file} exists in the vault {places[0].folder} and is not known as output of vaultlink: "
        "something else wrote or changed it, or version 0.6.0 or older wrote it. "
        "Name another file, or rename or remove that one."
    )


def _digest_place(place: _Place, data: bytes) -> bytes:
    return _digest(os.fsencode(place.path.as_posix()), data)


def _read_records(place: _Place) -> list[bytes]:
    with suppress(OSError, JournalError):
        return read_own(journal_folder(place.folder) / _RECORDS, 100 * _MAX_RECORDS).split()
    return []


def _record_output(place: _Place, data: bytes) -> None:
    """Add output to the list of a vault, if possible.

    Output that is not in it is not replaced by a later run.
    """
    known, digest = _read_records(place), _digest_place(place, data)
    if digest in known[-_MAX_RECORDS:]:
        return
    with suppress(OSError, JournalError):
        file = make_journal_folder(place.folder) / _RECORDS
        if len(known) >= 2 * _MAX_RECORDS:
            write_atomically(file, [b"%s\n" % line for line in (*known[-_MAX_RECORDS:], digest)])
            return
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | NO_FOLLOW
        _write_all(open_regular(file, flags, 0o600), digest + b"\n")


# -- write ----------------------------------------------------------------------------------------

_MAX_LINKS = 40
"""Symbolic links that are followed to the name of a stream, as the system does."""


def _find_stream(file: Path) -> int | None:
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


def write_output(output: OutputFile, data: bytes, *, append: bool = False) -> None:
    """Check a file, and write results to it.

    With `append`, they are added to earlier ones of this process, and nothing is checked.

    A file is replaced as a whole, and keeps its mode; if that fails, it stays as it was. One in a
    vault is compared again before. A symbolic link is followed. Written in place is what can't be
    replaced: a device, an open stream, a file with other links or of another user, or in a folder
    that is not writable. Raises UsageError or ConfigError.
    """
    places = [] if append else _find_places(output)
    if places and output.output_format in _SEALED_FORMATS:
        data = b"%s\n<!-- vaultlink output %s -->\n" % (data, _digest(data))
    elif places:
        for place in places:
            _record_output(place, data)
    try:
        stream = _find_stream(output.path)
        if stream is not None:
            _write_all(os.dup(stream), data)
        elif _is_null_device(output.path):
            return
        elif append or not _replace_output(output, data, is_in_vault=bool(places)):
            if places:
                check_output(output)
            _write_in_place(output.path, data, append=append)
    except OSError as error:
        raise UsageError(f"can't write {output.path}: {error.strerror}.") from None


def _replace_output(output: OutputFile, data: bytes, *, is_in_vault: bool) -> bool:
    real = Path(os.path.realpath(output.path))
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
            if is_in_vault:
                check_output(output)
            if is_in_vault and status is None:
                name_new_file(temporary, real)
            else:
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
