"""JSON as the contract has it: rows as structs whose fields are the keys, one row a line.

Rows enter, UTF-8 bytes leave. The order of fields is the order of keys; every key is always there.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

SCHEMA_VERSION = 1

_ENCODER = msgspec.json.Encoder()


def encode_json_lines(rows: Sequence[Any]) -> bytes:
    """One JSON object a line."""
    try:
        return _ENCODER.encode_lines(rows)
    except (UnicodeEncodeError, OverflowError):
        return b"".join([_encode(row) + b"\n" for row in rows])


def encode_document(head: Mapping[str, Any], name: str, rows: Sequence[Any]) -> bytes:
    """One JSON object: the keys of the head after `schema`, then the rows under a name of their own."""
    opening = _encode({"schema": SCHEMA_VERSION, **head})[:-1] + b',"' + name.encode() + b'":['
    if not rows:
        return opening + b"]}\n"
    # JSON never holds a raw line feed inside a row; the last one, after the last row, loses its comma again
    return (
        b"".join((opening, b"\n", encode_json_lines(rows).replace(b"\n", b",\n"))).removesuffix(
            b",\n"
        )
        + b"\n]}\n"
    )


def _encode(value: Any) -> bytes:
    """A value as JSON; file names that are no Unicode and numbers beyond 64 bits take the slower way."""
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()
