"""The file of a saved state: values that are read when needed, and a table.

The values are in blocks of equal size, each with a checksum in the table. A damaged block is
noticed when it is read. The file ends with the size and the checksum of the table.
"""

import os
import sys
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from zlib import adler32

import msgspec

from vaultlink.errors import DamagedCacheError
from vaultlink.files import open_own
from vaultlink.index.packed_map import Column, Keys
from vaultlink.model import Diagnostic, History

BLOCK_SIZE = 1 << 16
"""Bytes that are read and checked at once."""

_MAX_BLOCKS = 128
"""Blocks to keep, 8 MB: what a step of a large vault reads of its links."""

_PATHS: bytes = b""
"""Stands for the keys of a column whose keys are the paths of the state."""


class StoredColumn(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A column in the file: packed keys, its first byte in the data, ends of values."""

    keys: bytes
    start: int
    ends: bytes


class StateTable(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The table of contents of a saved state, with the values that every run needs.

    Attributes:
        identity: A number that no other saved state has.
        settings_digest: Identifies the rules and settings of the findings.
        headings: The section headings that notes were parsed with.
        paths: The files that contain links.
        digests: The digests of their contents, one behind the other.
        attachments: The other files.
        files_sharing_names: The files that share their name with another file.
        unsuppressed: All findings of those paths where suppressions apply.
        history: The history that the findings depend on.
        remembered: The part of it that only earlier states and commits show.
        knows_commits: True if git was asked what links led to in earlier commits.
        section_traits: The counts that the style of sections was chosen by, None if no finding
            depends on it.
        columns: The columns by name.
        checksums: The checksums of the blocks, each an unsigned integer of 4 bytes.
    """

    identity: bytes
    settings_digest: str
    headings: tuple[str, ...]
    paths: list[str]
    digests: bytes
    attachments: list[str]
    files_sharing_names: list[str]
    unsuppressed: dict[str, tuple[Diagnostic, ...]]
    history: History
    remembered: History
    knows_commits: bool
    section_traits: dict[str, int] | None
    columns: dict[str, StoredColumn] = {}
    checksums: bytes = b""


class StoredState:
    """A saved state. Columns are read from the file when they are needed."""

    def __init__(self, file: Path, table: StateTable, handle: int, data_start: int, data_end: int):
        """Take over a handle of the file, which has the blocks at these places."""
        self.table = table
        self.saved_at = os.fstat(handle).st_mtime_ns
        self.file = file
        self._data_start = data_start
        self._handle: int | None = handle
        self._data = b""
        if sys.platform == "win32":  # an open file can't be replaced there
            self._data = _read_exactly(handle, data_start, data_end - data_start)
            os.close(handle)
            self._handle = None
        self._checksums = array("I")
        self._checksums.frombytes(table.checksums)
        self._blocks: dict[int, bytes] = {}
        self._columns: dict[str, Column] = {}

    def __del__(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)

    @cached_property
    def paths(self) -> Keys:
        """The paths of the state, as keys of columns."""
        return Keys(lambda: self.table.paths)

    def column(self, name: str) -> Column:
        """Return a column by its name; the same object each time."""
        if name not in self._columns:
            self._columns[name] = self._open_column(name, self.table.columns[name])
        return self._columns[name]

    def _open_column(self, name: str, stored: StoredColumn) -> Column:
        ends = array("Q")
        ends.frombytes(stored.ends)
        keys = (
            Keys(lambda: msgspec.msgpack.decode(stored.keys, type=list[str]))
            if stored.keys
            else self.paths
        )
        start = stored.start
        return Column(
            keys,
            ends,
            lambda begin, end: self._read(start + begin, start + end),
            str(self.file),
            origin=(self.table.identity, name),
        )

    def _read(self, start: int, end: int) -> bytes:
        first, last = start // BLOCK_SIZE, max(end - 1, start) // BLOCK_SIZE
        shift = first * BLOCK_SIZE
        if first == last:
            return self._load_block(first)[start - shift : end - shift]
        data = b"".join([self._load_block(number) for number in range(first, last + 1)])
        return data[start - shift : end - shift]

    def _load_block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            block = self._read_block(number * BLOCK_SIZE)
            if number >= len(self._checksums) or adler32(block) != self._checksums[number]:
                raise DamagedCacheError(str(self.file))
            if len(self._blocks) >= _MAX_BLOCKS:
                self._blocks.clear()
            self._blocks[number] = block
        return block

    def _read_block(self, offset: int) -> bytes:
        if self._handle is None:
            return self._data[offset : offset + BLOCK_SIZE]
        try:
            return os.pread(self._handle, BLOCK_SIZE, self._data_start + offset)
        except OSError:
            return b""


def encode_state(table: StateTable, columns: Mapping[str, Column]) -> Iterator[bytes]:
    """Yield the parts of the file: blocks, table, its size and its checksum."""
    stored, checksums, start = {}, array("I"), 0
    for name, column in columns.items():
        names = column.keys.names
        keys = _PATHS if names == table.paths else msgspec.msgpack.encode(names)
        stored[name] = StoredColumn(keys, start, column.ends.tobytes())
        size = column.ends[-1] if column.ends else 0
        for at in range(0, size, BLOCK_SIZE):
            block = column.read(at, min(at + BLOCK_SIZE, size))
            if padding := bytes(BLOCK_SIZE - len(block)):  # each column begins with a block
                block = b"".join((block, padding))
            checksums.append(adler32(block))
            yield block
        start += size + -size % BLOCK_SIZE
    complete = msgspec.structs.replace(table, columns=stored, checksums=checksums.tobytes())
    packed = msgspec.msgpack.encode(complete)
    yield packed
    yield len(packed).to_bytes(8, "big") + adler32(packed).to_bytes(4, "big")


_TAIL_SIZE = 12
"""Bytes of the size and the checksum of the table."""


def open_state(file: Path, magic: bytes) -> StoredState | None:
    """Open a saved state; None if it is not complete, or does not begin with `magic`."""
    try:
        handle = open_own(file)
    except OSError:
        return None
    state = None
    try:
        state = _read_state(file, handle, magic)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None
    finally:
        if state is None:
            os.close(handle)
    return state


def _read_state(file: Path, handle: int, magic: bytes) -> StoredState | None:
    if os.read(handle, len(magic)) != magic:
        return None
    end = os.lseek(handle, 0, os.SEEK_END) - _TAIL_SIZE
    tail = _read_exactly(handle, end, _TAIL_SIZE)
    start = end - int.from_bytes(tail[:8], "big")
    if start < len(magic):
        return None
    table = _read_exactly(handle, start, end - start)
    if adler32(table) != int.from_bytes(tail[8:], "big"):
        return None
    decoded = msgspec.msgpack.decode(table, type=StateTable)
    return StoredState(file, decoded, handle, len(magic), start)


def _read_exactly(handle: int, start: int, size: int) -> bytes:
    """Return bytes of a file. Raises OSError or ValueError if it does not have them."""
    os.lseek(handle, start, os.SEEK_SET)
    parts, left = [], size
    while left and (part := os.read(handle, left)):
        parts.append(part)
        left -= len(part)
    if left:
        raise ValueError
    return b"".join(parts)
