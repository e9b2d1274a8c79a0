"""Findings as data: the objects of `check --output-format json` and `json-lines`.

Diagnostics and ways to ask for texts and suggestions enter, rows leave.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Sequence

import msgspec

from vaultlink.engine.fingerprints import fingerprint_all
from vaultlink.model import Diagnostic, Fix, Suggestion, TextByPath
from vaultlink.report.check_result import GetBytes, GetSuggestions


class SuggestionRow(msgspec.Struct, frozen=True, gc=False):
    """A file that may be meant."""

    path: str
    reason: str
    score: float


class EditRow(msgspec.Struct, frozen=True, gc=False):
    """One change of a fix: bytes of the file as it is on disk, half open, and the text that takes their place."""

    path: str
    start: int
    end: int
    text: str


class FixRow(msgspec.Struct, frozen=True, gc=False):
    """What mends a finding."""

    safety: str
    title: str
    edits: tuple[EditRow, ...]


class FindingRow(msgspec.Struct, frozen=True, gc=False):
    """A finding as the contract has it."""

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
    suggestions: tuple[SuggestionRow, ...]
    fix: FixRow | None
    fingerprint: str


def suggestion_rows(found: Sequence[Suggestion]) -> tuple[SuggestionRow, ...]:
    """Suggestions as the contract has them."""
    return tuple([SuggestionRow(item.path, item.reason, round(item.score, 4)) for item in found])


GetFix = Callable[[Diagnostic], Fix | None]
"""What mends a finding, if anything does."""


def finding_rows(
    diagnostics: Sequence[Diagnostic],
    text: TextByPath,
    suggest: GetSuggestions,
    mend: GetFix = lambda d: d.fix,
    data: GetBytes = lambda _path: b"",
    prints: Sequence[str] | None = None,
) -> list[FindingRow]:
    """Findings as rows, in their order; `prints` are their fingerprints, where they are known already."""
    prints = fingerprint_all(diagnostics, text) if prints is None else prints
    offsets = _ByteOffsets(data)
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
            suggestion_rows(suggest(d)) if d.target is not None else (),
            _fix_row(mend(d), offsets),
            mark,
        )
        for d, mark in zip(diagnostics, prints, strict=True)
    ]


def _fix_row(fix: Fix | None, offsets: "_ByteOffsets") -> FixRow | None:
    if fix is None:
        return None
    edits = [
        EditRow(edit.path, offsets(edit.path, edit.start), offsets(edit.path, edit.end), edit.text)
        for edit in fix.edits
    ]
    return FixRow(fix.safety, fix.title, tuple(edits))


class _ByteOffsets:
    """Places in a text as places in its file: bytes, a byte order mark included. The last place asked for is remembered,
    since the next is near it."""

    def __init__(self, data: GetBytes):
        self._get_bytes, self._path, self._text, self._last_offset = data, "", "", (0, 0)

    def __call__(self, path: str, offset: int) -> int:
        if path != self._path:
            raw = self._get_bytes(path)
            mark = len(BOM_UTF8) if raw.startswith(BOM_UTF8) else 0
            self._path, self._text, self._last_offset = (
                path,
                raw[mark:].decode("utf-8", "replace"),
                (0, mark),
            )
        known, place = self._last_offset
        if offset >= known:
            place += len(self._text[known:offset].encode())
        else:
            place -= len(self._text[offset:known].encode())
        self._last_offset = offset, place
        return place
