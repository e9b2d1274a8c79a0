"""Checks of footnotes: references and definitions that lack the other.

The parser keeps no footnotes, because no link depends on them: these checks read the text again.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from vaultlink.links.intent import is_drawing
from vaultlink.model import Note, SourceSpan
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.brackets import SpanSet
from vaultlink.parse.directives import find_comment_spans
from vaultlink.parse.inline import read_inline
from vaultlink.parse.lines import split_lines
from vaultlink.parse.properties import body_start
from vaultlink.rules.context import Context, Finding
from vaultlink.text import lazy_pattern, line_and_column, line_starts

_MARK = lazy_pattern(r"(?<!\\)\[\^([^\[\]\s]+)\](:?)")
_LABEL = lazy_pattern(r"[\w*†‡§][\w.:*†‡§&+-]*\^?")
_CHARACTER_RANGES = lazy_pattern(r"\w?(?:\w-\w)+\w{0,2}")
_PATTERN_BEFORE, _PATTERN_AFTER = tuple("[(|/\\^"), tuple("*+?{[(|/\\$")
"""Characters beside the set of characters in a regular expression, such as `([^a-z]+)`."""


class _Footnotes(msgspec.Struct):
    """The certain footnotes of a text, and all labels in lower case, unsure ones too."""

    references: list[re.Match[str]] = msgspec.field(default_factory=list)
    definitions: list[re.Match[str]] = msgspec.field(default_factory=list)
    used: set[str] = msgspec.field(default_factory=set)
    defined: set[str] = msgspec.field(default_factory=set)


def missing_footnote(note: Note, context: Context) -> Iterator[Finding]:
    """Report the first reference to each footnote that the note does not define."""
    found = _find_footnotes(note, context)
    first: dict[str, re.Match[str]] = {}
    for mark in found.references:
        if mark[1].casefold() not in found.defined and _is_reference(mark):
            first.setdefault(mark[1].casefold(), mark)
    return _report(list(first.values()))


def _is_reference(mark: re.Match[str]) -> bool:
    """Return False for what may be part of a regular expression, such as `[^a-z]`."""
    label, text = mark[1], mark.string
    if label.isdecimal():
        return True
    if not _LABEL.fullmatch(label) or _CHARACTER_RANGES.fullmatch(label):
        return False
    at = mark.start()
    return not (
        text.startswith(_PATTERN_BEFORE, at - 1 if at else len(text))
        or text.startswith(_PATTERN_AFTER, mark.end(1) + 1)
    )


def unused_footnote(note: Note, context: Context) -> Iterator[Finding]:
    found = _find_footnotes(note, context)
    return _report([mark for mark in found.definitions if mark[1].casefold() not in found.used])


def _find_footnotes(note: Note, context: Context) -> _Footnotes:
    text = context.text
    is_read = text and "[^" in text and not is_drawing(note)
    return _read_footnotes(text) if text and is_read else _Footnotes()


def _report(marks: Sequence[re.Match[str]]) -> Iterator[Finding]:
    starts = line_starts(marks[0].string) if marks else []
    for mark in marks:
        start, end = mark.start(), mark.end(1) + 1
        span = SourceSpan(start, end, *line_and_column(starts, start))
        yield Finding(span, {"label": mark[1]})


@lru_cache(maxsize=1)
def _read_footnotes(text: str) -> _Footnotes:
    """Return the footnotes in the body of a text, read once for both rules."""
    body = body_start(text)
    blocks = read_blocks(split_lines(text, body))
    hidden = list(blocks.hidden)
    links, shown = list[tuple[int, int]](), set[int]()
    for run in blocks.runs:
        if "[^" in run.text:
            content = read_inline(run.text)
            hidden += run.locate(content.hidden)
            links += run.locate((link.start, link.end) for link in content.links)
            shown.update(run.source_offset(mark.start()) for mark in _MARK.finditer(run.text))
    code = SpanSet(span for span in hidden if text[span[0]] != "<")
    markup = [span for span in hidden if text[span[0]] == "<"]
    comments = find_comment_spans(text, body, hidden) if "%%" in text else []
    unsure = SpanSet([*markup, *links, *comments])
    found = _Footnotes()
    for mark in _MARK.finditer(text, body):
        at = mark.start()
        if not code.covers(at):
            _add_mark(found, mark, is_shown=at in shown, is_sure=not unsure.covers(at))
    return found


def _add_mark(found: _Footnotes, mark: re.Match[str], *, is_shown: bool, is_sure: bool) -> None:
    """Add a label in brackets outside code and math.

    It is shown if it is in a paragraph, heading or table. There, one with a colon at the start of a
    line may be a definition without a blank line before it; so may one in a list.
    """
    label = mark[1].casefold()
    lead = _find_lead(mark) if mark[2] else None
    if lead is not None:
        found.defined.add(label)
        is_sure &= not is_shown and not lead.strip("> \t")
        if is_sure:
            found.definitions.append(mark)
            return
    elif is_shown and is_sure:
        found.references.append(mark)
    found.used.add(label)


def _find_lead(mark: re.Match[str]) -> str | None:
    """Return the indent and marks before a definition; None if other text is there."""
    text, at = mark.string, mark.start()
    start = max(text.rfind("\n", max(at - _MAX_LEAD, 0), at) + 1, at - _MAX_LEAD, 0)
    lead = text[start:at]
    return None if lead.strip(" \t>-*+.)0123456789") else lead


_MAX_LEAD = 200
"""Containers are not nested so deep that more comes before a definition."""
