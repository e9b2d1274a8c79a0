"""Mappings whose values stay encoded until they are asked for.

A run that changes one note does not decode the others, and a process can hand its results to
another one without building them there.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from itertools import chain, compress, repeat
from operator import gt, is_not
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from vaultlink.errors import DamagedCacheError

T = TypeVar("T")

MAX_REMEMBERED = 1_024
"""Decoded values to keep: all of most vaults. Those of a large one take much memory."""

_ARRAY_SIZES = {0xDC: 2, 0xDD: 4}
"""The first bytes of encoded arrays of 16 or more items, and the bytes of their number of items.

Those of shorter arrays contain the number.
"""

_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode


@cache
def _decoder(kind: Any) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(kind).decode


class Keys:
    """The keys of columns, loaded when they are first needed."""

    def __init__(self, load: Callable[[], Sequence[str]]):
        self._load = load

    @cached_property
    def names(self) -> Sequence[str]:
        return self._load()

    @cached_property
    def numbers(self) -> dict[str, int]:
        return dict(zip(self.names, range(len(self.names)), strict=True))


class Column(NamedTuple):
    """Encoded values in one buffer.

    The value of key number i is at the offsets `ends[i - 1]` to `ends[i]` (0 for the first). A key
    without bytes has no value. `file` is the cache file that the values are read from, if any.
    `decoded` are values that are at hand. `origin` identifies the column of a saved state.
    """

    keys: Keys
    ends: "array[int]"
    read: Callable[[int, int], bytes]
    file: str | None = None
    decoded: Mapping[str, Any] = {}
    origin: object = None

    def slice(self, number: int) -> bytes:
        return self.read(self.ends[number - 1] if number else 0, self.ends[number])

    def read_all(self) -> bytes:
        return self.read(0, self.ends[-1]) if self.ends else b""


@contextmanager
def remember_more(number: int) -> Iterator[None]:
    """Keep more decoded values for work that reads many of them, time and again.

    All but the usual number are dropped later, when others are decoded.
    """
    PackedMap.max_remembered = number
    try:
        yield
    finally:
        PackedMap.max_remembered = MAX_REMEMBERED


class Chunk(msgspec.Struct, array_like=True):
    """Values of a column that follow each other.

    `ends` are the ends of the values, as 8 bytes each. `data` are their bytes; if it is None, these
    are in the spool from `place` on.
    """

    ends: memoryview
    data: memoryview | None
    place: int = 0


class Spool(Protocol):
    """Takes bytes off memory."""

    def write(self, data: bytearray) -> int | None:
        """Return the place of the bytes; None if they can't be written."""

    def read(self, size: int, place: int) -> bytes:
        """Return bytes that were written."""


_MIN_CHUNK = 1 << 20
"""Bytes of a chunk to write: many values, because the reader of all values reads chunk by chunk."""


class ColumnBuilder:
    """Encodes the values of a column.

    Args:
        spool: Takes the values; None to keep them in memory.
    """

    def __init__(self, spool: Spool | None = None) -> None:
        self._ends = array("Q")
        self._data = bytearray()
        self._chunks: list[Chunk] = []
        self._spool = spool

    def add(self, value: object) -> None:
        """Add a value; None for a key without a value."""
        if value is not None:
            _encoder.encode_into(value, self._data, -1)
        self._ends.append(len(self._data))

    def add_packed(self, packed: bytes) -> None:
        """Add the bytes of a value; empty for a key without a value."""
        self._data += packed
        self._ends.append(len(self._data))

    def add_chunks(self, chunks: Iterable[Chunk]) -> None:
        """Add the chunks of another builder with the same spool."""
        self._end_chunk()
        self._chunks += chunks

    def spool(self) -> None:
        """Write the added values to the spool, if they are many."""
        if self._spool is not None and len(self._data) >= _MIN_CHUNK:
            self._end_chunk()

    def chunks(self) -> list[Chunk]:
        """Return all chunks. Nothing may be added afterwards."""
        self._end_chunk()
        return self._chunks

    def _end_chunk(self) -> None:
        if not self._ends:
            return
        place = None if self._spool is None else self._spool.write(self._data)
        ends = memoryview(self._ends).cast("B")
        data = memoryview(self._data) if place is None else None
        self._chunks.append(Chunk(ends, data, place or 0))
        self._ends, self._data = array("Q"), bytearray()

    def build(self, keys: Keys) -> Column:
        """Return the column with these keys. Nothing may be added afterwards."""
        ends, starts = array("Q"), []
        chunks = self.chunks()
        for chunk in chunks:
            start, more = ends[-1] if ends else 0, array("Q")
            more.frombytes(chunk.ends)
            ends.extend([start + end for end in more] if start else more)
            starts.append(start)
        if len(chunks) == 1 and (data := chunks[0].data) is not None:
            return Column(keys, ends, lambda start, end: data[start:end])  # type: ignore[arg-type,return-value] # decoders take any buffer
        spool, pieces = self._spool, [(chunk.data, chunk.place) for chunk in chunks]

        def read(start: int, end: int) -> bytes:
            at = bisect_right(starts, start) - 1
            parts: list[bytes | memoryview] = []
            while start < end:
                first, data = starts[at], pieces[at][0]
                at += 1
                stop = min(end, starts[at]) if at < len(starts) else end
                if data is not None:
                    parts.append(data[start - first : stop - first])
                else:
                    assert spool is not None
                    parts.append(spool.read(stop - start, pieces[at - 1][1] + start - first))
                start = stop
            return parts[0] if len(parts) == 1 else b"".join(parts)  # type: ignore[return-value] # as above

        return Column(keys, ends, read)


_NOTHING: Mapping[str, bytes] = {}
"""The folded values of mappings that have none: one object, so that they count as the same."""


class PackedMap(Mapping[str, T], Generic[T]):
    """Read-only mapping with values that are still encoded, and others that are not.

    Immutable: `with_changes` returns another mapping, which shares the encoded values. A value is
    found in `_values`, else in `_folded` (encoded again; empty for a removed key), else in the
    column.
    """

    __slots__ = ("_column", "_folded", "_kind", "_remembered", "_size", "_values")

    max_remembered: ClassVar[int] = MAX_REMEMBERED

    def __init__(
        self, kind: Any, values: dict[str, T | None] | None = None, column: Column | None = None
    ):
        """Create a mapping.

        Args:
            kind: The type of the values.
            values: Values that are not encoded. They have precedence; None removes a key.
            column: The encoded values.
        """
        self._kind = kind
        self._values: dict[str, T | None] = {} if values is None else values
        self._column = column
        self._folded: Mapping[str, bytes] = _NOTHING
        self._remembered: dict[str, T] = dict(column.decoded) if column else {}
        self._size: int | None = None

    def __getitem__(self, key: str) -> T:
        if key in self._values:
            value = self._values[key]
            if value is None:
                raise KeyError(key)
            return value
        if key in self._remembered:
            try:
                return self._remembered[key]
            except KeyError:  # another thread has dropped it
                pass
        packed = self._slice(key)
        if not packed:
            raise KeyError(key)
        decoded = self._decode(packed)
        if len(self._remembered) >= self.max_remembered:
            for old in [*self._remembered][: self.max_remembered // 2 + 1]:
                self._remembered.pop(old, None)
        self._remembered[key] = decoded
        return decoded

    def __contains__(self, key: object) -> bool:
        if key in self._values:
            return self._values[key] is not None
        if key in self._folded:
            return bool(self._folded[key])  # type: ignore[index]
        numbers = self._numbers
        return key in numbers and self._has_bytes(numbers[key])  # type: ignore[index]

    def __iter__(self) -> Iterator[str]:
        values, folded = self._values, self._folded
        if not values and not folded:
            return self._iterate_packed()
        return chain(
            (key for key in self._iterate_packed() if key not in values and key not in folded),
            (key for key, packed in folded.items() if packed and key not in values),
            (key for key, value in values.items() if value is not None),
        )

    def __len__(self) -> int:
        if self._size is None:
            self._size = self._count_values()
        return self._size

    def _count_values(self) -> int:
        if self._column is None and not self._folded:
            return sum(map(is_not, self._values.values(), repeat(None)))
        # Only keys with bytes have an end of their own.
        size = len({0, *self._column.ends}) - 1 if self._column else 0
        for key in {**self._folded, **self._values}:
            size += (key in self) - bool(self._slice_column(key))
        return size

    def with_changes(self, changes: Mapping[str, T | None]) -> "PackedMap[T]":
        """Return another mapping with some values added, replaced or removed (None)."""
        if isinstance(changes, PackedMap):
            if not self._values and self._column is None:
                return changes
            changes = changes.to_changes()
        if not changes:
            return self
        other = PackedMap.__new__(PackedMap)
        other._kind, other._column, other._folded = self._kind, self._column, self._folded
        other._remembered = self._remembered
        other._values = {**self._values, **changes}
        other._size = None
        if self._size is not None:
            gone = sum([key in self for key in changes])
            other._size = self._size - gone + sum([item is not None for item in changes.values()])
        if not self._column:
            for key, value in changes.items():
                if value is None and key not in self._folded:
                    del other._values[key]
        return other

    def folded(self) -> "PackedMap[T]":
        """Return an equal mapping with its changed values encoded, and none decoded.

        Earlier mappings forget their decoded values, too: whoever reads an old one is the last.
        """
        other = PackedMap.__new__(PackedMap)
        other._kind, other._column, other._values = self._kind, self._column, {}
        other._size = self._size
        folded = {key: self.pack(key) for key in (*self._folded, *self._values)}
        self._remembered.clear()
        in_column = self._numbers
        other._folded = {key: data for key, data in folded.items() if data or key in in_column}
        decoded = self._column.decoded if self._column else {}
        other._remembered = {key: value for key, value in decoded.items() if key not in folded}
        return other

    def at_saved(self, packed: Mapping[str, bytes]) -> "PackedMap[T]":
        """Return the values of the column with encoded others; empty ones remove a key."""
        other = PackedMap[T](self._kind, None, self._column)
        other._folded = packed
        other._remembered = {}
        return other

    def pack(self, key: str) -> bytes:
        """Return the bytes of a value; empty if the key has none."""
        if key in self._values:
            value = self._values[key]
            return b"" if value is None else encode(value)
        return self._slice(key)

    def pack_column(self, keys: Keys | None = None, spool: Spool | None = None) -> Column:
        """Return a column of these keys, by default of all."""
        if not self._values and not self._folded and self._column:
            own = self._column.keys
            if keys is None or own.names == keys.names:
                return self._column
        names = list(self) if keys is None else keys.names
        builder = ColumnBuilder(spool)
        for key in names:
            builder.add_packed(self.pack(key))
            builder.spool()
        return builder.build(keys or Keys(lambda: names))

    def read_as(self, kind: Any, keys: Iterable[str] | None = None) -> Iterator[Any]:
        """Yield the values of some keys, or all, in the order that is read fastest.

        Encoded ones are decoded as a type with fewer fields, others are yielded as they are.
        """
        numbers = self._numbers
        for key in self if keys is None else sorted(keys, key=lambda key: numbers.get(key, -1)):
            yield self._values[key] if key in self._values else self._decode(self._slice(key), kind)

    def read_one(self, key: str, kind: Any) -> Any:
        """Return a value, an encoded one as a type with fewer fields, or None."""
        known = self._values.get(key) or self._remembered.get(key)
        packed = b"" if known is not None or key in self._values else self._slice(key)
        return self._decode(packed, kind) if packed else known

    def read_items(self) -> Iterator[tuple[str, T]]:
        """Yield all keys, sorted, with values that are decoded for the caller only."""
        for key in sorted(self):
            value = self._values.get(key)
            yield key, self._decode(self._slice(key)) if value is None else value

    def saved_value(self, key: str) -> T | None:
        """Return the value of a key in the column, even if it was replaced; else None."""
        packed = self._slice_column(key)
        return self._decode(packed) if packed else None

    def is_packed(self, key: str) -> bool:
        """Return True if the key has no value, or still its encoded one."""
        return key not in self._values

    def find_keys(self, part: bytes) -> list[str]:
        """Return the keys whose values contain these bytes in their encoding."""
        found = [
            key
            for key, value in self._values.items()
            if value is not None and part in encode(value)
        ]
        folded = self._folded.items()
        found += [key for key, packed in folded if part in packed and key not in self._values]
        if self._column is None:
            return found
        data, ends = bytes(self._column.read_all()), self._column.ends
        keys = self._column.keys.names
        at = data.find(part)
        while at != -1:
            number = bisect_right(ends, at)
            if keys[number] not in self._values and keys[number] not in self._folded:
                found.append(keys[number])
            at = data.find(part, ends[number])
        return found

    def is_same(self, other: "PackedMap[T]", key: str) -> bool:
        """Return True if the value of a key is encoded in both mappings, and the same."""
        return (
            self.is_packed(key)
            and other.is_packed(key)
            and (self._shares_packed(other, key) or self._slice(key) == other._slice(key))
        )

    def count_items(self, keys: Iterable[str]) -> int:
        count, column, numbers = 0, self._column, self._numbers
        values: Mapping[str, Any] = self._values
        for key in keys:
            if key in values:
                count += len(values[key])
                continue
            if key in self._folded:
                count += _count_encoded(self._folded[key])
                continue
            assert column is not None
            number = numbers[key]
            start = column.ends[number - 1] if number else 0
            count += _count_encoded(column.read(start, min(start + 5, column.ends[number])))
        return count

    def to_changes(self) -> dict[str, T | None]:
        """Return all values, and None for the keys without one."""
        return {key: self.get(key) for key in (*self._numbers, *self._folded, *self._values)}

    @property
    def has_column(self) -> bool:
        return self._column is not None

    @property
    def origin(self) -> object:
        """Identifies the column of a saved state; None if there is none."""
        return self._column and self._column.origin

    def shares_column(self, other: "PackedMap[T]") -> bool:
        """Return True if the values that neither has changed are the same."""
        mine, theirs = self._column, other._column
        return (
            mine is not None
            and theirs is not None
            and (mine is theirs or (mine.origin is not None and mine.origin == theirs.origin))
        )

    def _shares_packed(self, other: "PackedMap[T]", key: str) -> bool:
        return self._folded.get(key) is other._folded.get(key) and self.shares_column(other)

    def keys_changed(self) -> Iterable[str]:
        """Return the keys whose values are not those of the column, removed ones included."""
        return {**self._folded, **self._values} if self._folded else self._values.keys()

    def keys_differing(self, other: "PackedMap[T]") -> list[str]:
        """Return the keys whose values may differ. Both have the same column."""
        mine, theirs = self._values, other._values
        packed = () if self._folded is other._folded else (*self._folded, *other._folded)
        return [
            key
            for key in dict.fromkeys((*mine, *theirs, *packed))
            if mine.get(key, _ABSENT) is not theirs.get(key, _ABSENT)
            or self._folded.get(key) is not other._folded.get(key)
        ]

    def unpack_all(self) -> None:
        """Decode all values and drop the encoded ones, so that later updates are faster."""
        if self._column or self._folded:
            self._values = {key: self[key] for key in self}
            self._column, self._remembered, self._folded = None, {}, _NOTHING

    @property
    def _numbers(self) -> Mapping[str, int]:
        return self._column.keys.numbers if self._column else {}

    def _decode(self, packed: bytes, kind: Any = None) -> T:
        try:
            return _decoder(kind or self._kind)(packed)  # type: ignore[no-any-return]
        except (msgspec.MsgspecError, ValueError):
            raise DamagedCacheError(self._column and self._column.file) from None

    def _slice(self, key: str) -> bytes:
        return self._folded[key] if key in self._folded else self._slice_column(key)

    def _slice_column(self, key: str) -> bytes:
        number = self._numbers.get(key)
        return b"" if self._column is None or number is None else self._column.slice(number)

    def _has_bytes(self, number: int) -> bool:
        assert self._column is not None
        ends = self._column.ends
        return ends[number] > (ends[number - 1] if number else 0)

    def _iterate_packed(self) -> Iterator[str]:
        if self._column is None:
            return iter(())
        names, ends = self._column.keys.names, self._column.ends
        return compress(names, map(gt, ends, chain((0,), ends)))


_ABSENT = object()
"""Stands for a key that a mapping does not change."""


def _count_encoded(data: bytes) -> int:
    """Return the number of items of an encoded array, given its first bytes."""
    size = _ARRAY_SIZES.get(data[0], 0)
    return int.from_bytes(data[1 : 1 + size], "big") if size else data[0] & 0x0F


def decode_column(kind: Any, column: Column) -> PackedMap[Any]:
    """Return the values of a column as a mapping. `kind` is the type of the values."""
    return PackedMap(kind, column=column)


def with_changes(before: Mapping[str, T], changes: Mapping[str, T | None]) -> Mapping[str, T]:
    """Return a mapping with some values changed or removed (None), or the same object."""
    if isinstance(before, PackedMap):
        return before.with_changes(changes)
    if isinstance(changes, PackedMap):
        if not before:
            return changes
        changes = changes.to_changes()  # a key without a value removes one, so look at all keys
    if not changes:
        return before
    merged = dict(before)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def is_same_value(one: Mapping[str, T], other: Mapping[str, T], key: str) -> bool:
    """Return True for the same value of a key; decodes only if the encodings differ."""
    if isinstance(one, PackedMap) and isinstance(other, PackedMap) and one.is_same(other, key):
        return True
    mine, theirs = one.get(key), other.get(key)
    return mine is theirs or mine == theirs


def list_changed_keys(before: Mapping[str, T], after: Mapping[str, T]) -> Iterable[str]:
    """Return the keys whose values may differ, removed ones included."""
    if (
        isinstance(before, PackedMap)
        and isinstance(after, PackedMap)
        and before.shares_column(after)
    ):
        return before.keys_differing(after)
    return dict.fromkeys((*before, *after))


def list_differing_keys(before: Mapping[str, T], after: Mapping[str, T]) -> list[str]:
    """Return the keys whose values differ, removed ones included."""
    if before is after:
        return []
    keys = list_changed_keys(before, after)
    return [key for key in keys if not is_same_value(before, after, key)]


def read_items(mapping: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """Yield all keys, sorted, with values that are decoded for the caller only."""
    return mapping.read_items() if isinstance(mapping, PackedMap) else iter(sorted(mapping.items()))


def count_items(mapping: Mapping[str, Sequence[object]], keys: Iterable[str]) -> int:
    """Return the number of items of these keys' values, without decoding them."""
    if isinstance(mapping, PackedMap):
        return mapping.count_items(keys)
    return sum(len(mapping[key]) for key in keys)


def fold(mapping: Mapping[str, T]) -> Mapping[str, T]:
    """Return an equal mapping with its changed values encoded, if it can have such."""
    return mapping.folded() if isinstance(mapping, PackedMap) else mapping


def unpack_all(*mappings: Mapping[str, object]) -> None:
    for mapping in mappings:
        if isinstance(mapping, PackedMap):
            mapping.unpack_all()
