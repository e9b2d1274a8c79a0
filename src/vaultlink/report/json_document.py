"""JSON: rows of findings, and documents with one row per line."""

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from vaultlink.engine.diagnostics import fingerprint_all
from vaultlink.model import Diagnostic, Edit, Fix, Suggestion, TextByPath
from vaultlink.report.check_result import CheckResult, GetBytes, GetSuggestions
from vaultlink.report.layout import escape_json

# -- encode rows as JSON, one row per line, as UTF-8 bytes -----------------------------------------
# Rows are structs, and their fields are the keys. Keys are in the order of the fields, and every
# key is always present.

SCHEMA_VERSION = 1

_ENCODER = msgspec.json.Encoder()


def encode_json_lines(rows: Sequence[Any]) -> bytes:
    """Encode one JSON object per line."""
    try:
        return escape_json(_ENCODER.encode_lines(rows))
    except (UnicodeEncodeError, OverflowError):
        return b"".join([encode_value(row) + b"\n" for row in rows])


def encode_document(head: Mapping[str, Any], name: str, rows: Sequence[Any]) -> bytes:
    """Encode one JSON object: `schema`, the keys of `head`, then `rows` under `name`."""
    return join_document(head, name, encode_json_lines(rows), len(rows))


def join_document(head: Mapping[str, Any], name: str, lines: bytes, count: int) -> bytes:
    """Encode one JSON object like `encode_document`, with `count` rows as JSON lines."""
    document = encode_value({"schema": SCHEMA_VERSION, **head})
    opening = document[:-1] + b',"' + name.encode() + b'":['
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
            encoded = encode_value(value)
        parts.append(b'"' + name.encode() + b'":' + encoded)
    return b"{" + b",\n".join(parts) + b"}\n"


def encode_value(value: Any) -> bytes:
    """Encode a value; `json` encodes names that are not Unicode, and large numbers."""
    try:
        return escape_json(_ENCODER.encode(value))
    except (UnicodeEncodeError, OverflowError):
        import json  # noqa: PLC0415 - hardly ever needed

        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()


# -- rows for findings in the output formats `json` and `json-lines` -------------------------------
# Field names are JSON keys.


class SuggestionRow(msgspec.Struct, frozen=True, gc=False):
    """A file, heading or block that a broken link may mean.

    Attributes:
        path: Vault path of the file.
        reason: `title`, `alias`, `respelling`, `folder` or `near`; `history` for what the link
            meant before; `slug` for a heading's GitHub anchor.
        score: Confidence from 0 to 1, rounded to four digits. Suggestions are sorted by it, the
            highest first.
        subpath: The heading or block in the file, with its `#`, if the link lacks that; None if the
            file is suggested.
    """

    path: str
    reason: str
    score: float
    subpath: str | None = None


class EditRow(msgspec.Struct, frozen=True, gc=False):
    """One edit of a file. Offsets count the bytes of the file on disk, from 0.

    Attributes:
        path: Vault path of the file. If it does not exist, the edit creates it.
        start: Offset of the first replaced byte.
        end: Offset behind the last replaced byte. It equals `start` if text is only inserted.
        text: The text that replaces these bytes, encoded as UTF-8; "" deletes them.
    """

    path: str
    start: int
    end: int
    text: str


class FindingFixRow(msgspec.Struct, frozen=True, gc=False):
    """The fix of a finding.

    Attributes:
        safety: `safe`, which `vaultlink fix` applies, or `unsafe`, which requires `--unsafe-fixes`.
        title: The action as a sentence without its full stop.
        edits: The edits. Apply all of them or none.
    """

    safety: str
    title: str
    edits: tuple[EditRow, ...]


class FindingRow(msgspec.Struct, frozen=True, gc=False):
    """A finding. Lines and columns count from 1, columns in code points.

    Attributes:
        code: Rule code, such as `VL101`.
        rule: Rule name, such as `dangling-link`.
        severity: `error`, `warning` or `info`, as the settings define it.
        path: Vault path of the file.
        line: Line of the text that the finding is about.
        column: Column of its first character.
        end_line: Line in which the text ends.
        end_column: Column behind its last character.
        message: The message for people. Do not parse it, because its wording may change.
        target: The target of the link as written; None if the finding is not about a link.
        subpath: The missing heading or block, with its `#`; None for findings about anything else.
        resolved: Vault path of the file that lacks `subpath`; None for findings about anything
            else.
        suggestions: What the link may mean, best first; empty if nothing is similar.
        fix: The fix; None if there is none.
        fingerprint: A hash that identifies the finding. It stays the same when lines move;
            baselines and code quality services use it.
    """

    code: str
    rule: str
    severity: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    target: str | None
    subpath: str | None
    resolved: str | None
    suggestions: tuple[SuggestionRow, ...]
    fix: FindingFixRow | None
    fingerprint: str


_get_own_fields = attrgetter(*FindingRow.__struct_fields__[:-3])
"""Returns the fields of a row that a finding has, too."""


def suggestion_rows(suggestions: Sequence[Suggestion]) -> tuple[SuggestionRow, ...]:
    """Return a row for each suggestion, with its score rounded to four digits."""
    return tuple(
        [
            SuggestionRow(item.path, item.reason, round(item.score, 4), item.subpath)
            for item in suggestions
        ]
    )


_GetFix = Callable[[Diagnostic], Fix | None]
"""Returns the fix of a finding, or None."""


def finding_rows(
    diagnostics: Sequence[Diagnostic],
    text: TextByPath,
    suggest: GetSuggestions,
    get_fix: _GetFix = lambda d: d.fix,
    get_bytes: GetBytes = lambda _path: b"",
    fingerprints: Sequence[str] | None = None,
) -> list[FindingRow]:
    """Return a row for each finding.

    `fingerprints` are computed if they are None.
    """
    if fingerprints is None:
        fingerprints = fingerprint_all(diagnostics, text)
    offsets = ByteOffsets(get_bytes)
    return [
        FindingRow(
            *(
                *_get_own_fields(d),
                suggestion_rows(suggest(d)) if d.target is not None else (),
                _fix_row(get_fix(d), offsets),
                fingerprint,
            )
        )
        for d, fingerprint in zip(diagnostics, fingerprints, strict=True)
    ]


def _fix_row(fix: Fix | None, offsets: "ByteOffsets") -> FindingFixRow | None:
    if fix is None:
        return None
    return FindingFixRow(fix.safety, fix.title, tuple(edit_rows(fix.edits, offsets)))


def edit_rows(edits: Iterable[Edit], offsets: "ByteOffsets") -> list[EditRow]:
    """Return a row for each edit, with byte offsets."""
    return [
        EditRow(edit.path, offsets(edit.path, edit.start), offsets(edit.path, edit.end), edit.text)
        for edit in edits
    ]


class ByteOffsets:
    """Converts offsets in a text to byte offsets in its file.

    Byte offsets include the byte order mark. Counts from the previous offset, because the next one
    is usually near it.
    """

    def __init__(self, get_bytes: GetBytes):
        self._get_bytes, self._path, self._text, self._previous = get_bytes, "", "", (0, 0)

    def __call__(self, path: str, offset: int) -> int:
        if path != self._path:
            data = self._get_bytes(path)
            bom_size = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
            self._path = path
            self._text = data[bom_size:].decode("utf-8", "replace")
            self._previous = (0, bom_size)
        known_offset, byte_offset = self._previous
        if offset >= known_offset:
            byte_offset += len(self._text[known_offset:offset].encode())
        else:
            byte_offset -= len(self._text[offset:known_offset].encode())
        self._previous = offset, byte_offset
        return byte_offset


# -- the output formats `json` and `json-lines` ----------------------------------------------------


def frame_json(result: CheckResult, lines: bytes) -> bytes:
    """Render one JSON object with the summary and the findings, which are JSON lines.

    The known counts and the extra keys are before the findings.
    """
    by_rule: Counter[str] = Counter()
    for row in result.counts():
        by_rule[row.rule] += row.findings
    summary = {
        **result.summary(),
        "findings": by_rule.total(),
        "fixable": result.forecast().safe,
        "unsafe_fixable": result.forecast().unsafe_number,
        "by_rule": dict(sorted(by_rule.items())),
    }
    head = {
        "version": result.version,
        "vault": result.root,
        "summary": summary,
        "known": [msgspec.to_builtins(count) for count in result.known_counts],
        **result.extra_keys,
    }
    return join_document(head, "findings", lines, lines.count(b"\n"))


def render_json_lines(result: CheckResult) -> bytes:
    """Render one JSON object per finding, each on its own line."""
    fixes = iter(result.forecast().fixes)
    rows = finding_rows(
        result.findings,
        result.text,
        result.suggester(),
        lambda _finding: next(fixes),
        result.file_bytes,
        result.fingerprints(),
    )
    return encode_json_lines(rows)
