"""Findings as data: the objects of `check --output-format json` and `json-lines`.

Diagnostics and ways to ask for texts and suggestions enter, rows leave.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec

from vaultlink.model import Diagnostic, Fix, Suggestion
from vaultlink.report.frames import Suggest, Text


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


Data = Callable[[str], bytes]
"""A file's bytes by its vault path; none if it is not there."""

Mend = Callable[[Diagnostic], Fix | None]
"""What mends a finding, if anything does."""


def finding_rows(
    diagnostics: Sequence[Diagnostic],
    text: Text,
    suggest: Suggest,
    mend: Mend = lambda d: d.fix,
    data: Data = lambda _path: b"",
    prints: Sequence[str] | None = None,
) -> list[FindingRow]:
    """Findings as rows, in their order; `prints` are their fingerprints, where they are known already."""
    prints = fingerprints(diagnostics, text) if prints is None else prints
    offsets = _Offsets(data)
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


def _fix_row(fix: Fix | None, offsets: "_Offsets") -> FixRow | None:
    if fix is None:
        return None
    edits = [
        EditRow(edit.path, offsets(edit.path, edit.start), offsets(edit.path, edit.end), edit.text)
        for edit in fix.edits
    ]
    return FixRow(fix.safety, fix.title, tuple(edits))


class _Offsets:
    """Places in a text as places in its file: bytes, a byte order mark included. The last place asked for is remembered,
    since the next is near it."""

    def __init__(self, data: Data):
        self._data, self._path, self._text, self._last = data, "", "", (0, 0)

    def __call__(self, path: str, offset: int) -> int:
        if path != self._path:
            raw = self._data(path)
            mark = len(BOM_UTF8) if raw.startswith(BOM_UTF8) else 0
            self._path, self._text, self._last = (
                path,
                raw[mark:].decode("utf-8", "replace"),
                (0, mark),
            )
        known, place = self._last
        if offset >= known:
            place += len(self._text[known:offset].encode())
        else:
            place -= len(self._text[offset:known].encode())
        self._last = offset, place
        return place


_LONGEST = 200
"""Characters of a span that tell findings apart; the first line at most, as a span may reach to the note's end."""


Identity = tuple[str, str, int]
"""What tells a finding from others at its path, wherever in the note it stands: its code, what it is about (the link's
target, with its heading or block where that is missing; else the text under it), and its number among equals."""


_ANCHORED = frozenset(("VL102", "VL103"))
"""Rules about what stands behind the `#` of a link, which its target does not tell."""

_ANCHOR = re.compile(r"(?:\[\[[^#|\]]*|\]\(<?[^#)]*)(#[^|\])>]*)")


_LINKED = re.compile(r"\[\[([^\[\]|#\n]+)")


def identities(diagnostics: Sequence[Diagnostic], text: Text) -> list[Identity]:
    """The identities of all findings at one path, or at several, in their order."""
    seen: dict[tuple[str, str, str], int] = {}
    found = []
    path, source = None, ""
    for d in diagnostics:
        about = d.target
        if about is None or d.code in _ANCHORED:
            if d.path != path:
                path, source = d.path, text(d.path)
            about = _about(source[d.start : min(d.end, d.start + _LONGEST)], about)
        key = d.code, d.path, about
        count = seen.get(key, 0)
        seen[key] = count + 1
        found.append((d.code, about, count))
    return found


def _about(raw: str, target: str | None) -> str:
    """What a finding is about, by the text under it: how that goes on where there is a target, else the first link in it, so that
    an entry of a section stays the same while it is mended bit by bit, else its first line."""
    if target is None:
        linked = _LINKED.search(raw)
        return linked[1].strip() if linked else raw.partition("\n")[0].rstrip("\r")
    anchor = _ANCHOR.search(raw)
    return target + anchor[1].strip() if anchor else target


def fingerprint(path: str, identity: Identity) -> str:
    """A name for a finding that survives lines moving."""
    code, about, count = identity
    return blake2b(
        f"{code}\0{path}\0{about}\0{count}".encode("utf-8", "surrogatepass"), digest_size=8
    ).hexdigest()


def fingerprints(diagnostics: Sequence[Diagnostic], text: Text) -> list[str]:
    """The fingerprints of findings, in their order."""
    return [
        fingerprint(d.path, identity)
        for d, identity in zip(diagnostics, identities(diagnostics, text), strict=True)
    ]
