"""Encode rows as JSON, one row per line, as UTF-8 bytes.

Rows are structs, and their fields are the keys. Keys are in the order of the fields, and every key
is always present.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vaultlink.report.printable import escape_json

SCHEMA_VERSION = 1

_ENCODER = msgspec.json.Encoder()


def encode_json_lines(rows: Sequence[Any]) -> bytes:
    """Encode one JSON object per line."""
    try:
        return escape_json(_ENCODER.encode_lines(rows))
    except (UnicodeEncodeError, OverflowError):
        return b"".join([_encode(row) + b"\n" for row in rows])


def encode_document(head: Mapping[str, Any], name: str, rows: Sequence[Any]) -> bytes:
    """Encode one JSON object: `schema`, the keys of `head`, then `rows` under `name`."""
    return join_document(head, name, encode_json_lines(rows), len(rows))


def join_document(head: Mapping[str, Any], name: str, lines: bytes, count: int) -> bytes:
    """Encode one JSON object like `encode_document`, with `count` rows as JSON lines."""
    opening = _encode({"schema": SCHEMA_VERSION, **head})[:-1] + b',"' + name.encode() + b'":['
    if not count:
        return opening + b"]}\n"
    # JSON has no raw line feed inside a row. There is no comma after the last row.
    return b"".join((opening, b"\n", lines.replace(b"\n", b",\n", count - 1), b"]}\n"))


def encode_tables(document: msgspec.Struct) -> bytes:
    """Encode one JSON object whose fields that are tuples have a line for each item."""
    parts = []
    for name in document.__struct_fields__:
        value = getattr(document, name)
        if isinstance(value, tuple) and value:
            lines = encode_json_lines(value).removesuffix(b"\n")
            encoded = b"[\n" + lines.replace(b"\n", b",\n") + b"]"
        else:
            encoded = _encode(value)
        parts.append(b'"' + name.encode() + b'":' + encoded)
    return b"{" + b",\n".join(parts) + b"}\n"


def _encode(value: Any) -> bytes:
    """Encode a value; `json` encodes names that are not Unicode, and large numbers."""
    try:
        return escape_json(_ENCODER.encode(value))
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()
