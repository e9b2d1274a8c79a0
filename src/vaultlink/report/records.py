"""Findings as data: the objects of `check --output-format json` and `json-lines`.

Diagnostics and ways to ask for texts and suggestions enter, rows leave.
"""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from vaultlink.model import Diagnostic, Suggestion
from vaultlink.report.frames import Suggest, Text


class SuggestionRow(msgspec.Struct, frozen=True, gc=False):
    """A file that may be meant."""

    path: str
    reason: str
    score: float


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
    fix: None
    fingerprint: str


def suggestion_rows(found: Sequence[Suggestion]) -> tuple[SuggestionRow, ...]:
    """Suggestions as the contract has them."""
    return tuple([SuggestionRow(item.path, item.reason, round(item.score, 4)) for item in found])


def finding_rows(diagnostics: Sequence[Diagnostic], text: Text, suggest: Suggest) -> list[FindingRow]:
    """Findings as rows, in their order."""
    prints = fingerprints(diagnostics, text)
    return [FindingRow(d.code, d.rule, d.severity, d.path, d.line, d.column, d.end_line, d.end_column, d.message,
                       d.target, suggestion_rows(suggest(d)) if d.target is not None else (), None, mark)
            for d, mark in zip(diagnostics, prints, strict=True)]


_LONGEST = 200
"""Characters of a span that tell findings apart; the first line at most, as a span may reach to the note's end."""


def fingerprints(diagnostics: Sequence[Diagnostic], text: Text) -> list[str]:
    """A name for each finding that survives lines moving: made of its rule, its path, what it is about (the link's
    target, else the text under it) and its number among equals."""
    seen: dict[str, int] = {}
    prints = []
    path, source = None, ""
    for d in diagnostics:
        about = d.target
        if about is None:
            if d.path != path:
                path, source = d.path, text(d.path)
            about = source[d.start:min(d.end, d.start + _LONGEST)].partition("\n")[0].rstrip("\r")
        key = f"{d.code}\0{d.path}\0{about}"
        count = seen.get(key, 0)
        seen[key] = count + 1
        prints.append(blake2b(f"{key}\0{count}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest())
    return prints
