"""Rows for findings in the output formats `json` and `json-lines`.

Field names are JSON keys.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Sequence

import msgspec

from vaultlink.engine.fingerprints import fingerprint_all
from vaultlink.model import Diagnostic, Edit, Fix, Suggestion, TextByPath
from vaultlink.report.check_result import GetBytes, GetSuggestions


class SuggestionRow(msgspec.Struct, frozen=True, gc=False):
    """A file that a link may be meant to name. `score` is between 0 and 1.

    `subpath` is the heading or block in the file if the link lacks that, else None.
    """

    path: str
    reason: str
    score: float
    subpath: str | None = None


class EditRow(msgspec.Struct, frozen=True, gc=False):
    """One edit of a fix.

    `text` replaces the bytes of the file from `start` to before `end`, both 0-based.
    """

    path: str
    start: int
    end: int
    text: str


class FindingFixRow(msgspec.Struct, frozen=True, gc=False):
    """The fix of a finding."""

    safety: str
    title: str
    edits: tuple[EditRow, ...]


class FindingRow(msgspec.Struct, frozen=True, gc=False):
    """A finding. Lines and columns count from 1, columns in code points.

    `subpath` is the heading or block that the file at `resolved` lacks; both are None for findings
    about anything else.
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


def suggestion_rows(suggestions: Sequence[Suggestion]) -> tuple[SuggestionRow, ...]:
    """Return a row for each suggestion, with its score rounded to four digits."""
    return tuple(
        [
            SuggestionRow(item.path, item.reason, round(item.score, 4), item.subpath)
            for item in suggestions
        ]
    )


GetFix = Callable[[Diagnostic], Fix | None]
"""Returns the fix of a finding, or None."""


def finding_rows(
    diagnostics: Sequence[Diagnostic],
    text: TextByPath,
    suggest: GetSuggestions,
    get_fix: GetFix = lambda d: d.fix,
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
            d.code,
            d.rule,
            d.severity,
            d.path,
            d.line,
            d.column,
            d.end_line,
            d.end_column,
            d.message,
            d.target,
            d.subpath,
            d.resolved,
            suggestion_rows(suggest(d)) if d.target is not None else (),
            _fix_row(get_fix(d), offsets),
            fingerprint,
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
