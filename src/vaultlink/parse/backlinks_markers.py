"""Find the comments that mark the start and end of a managed section."""

import re
from typing import NamedTuple

from vaultlink.text import lazy_pattern

MARKER_TEXT = "vaultlink:backlinks"
"""The text that every marker contains."""

_BEGIN = lazy_pattern(
    r"(?P<lead>[ \t>]*)<!--[ \t]*vaultlink:backlinks(?P<fields>(?:[ \t][^>\n]*)?)-->"
    r"[ \t]*(?=\r?\n)"
)
_END = lazy_pattern(r"[ \t>]*<!--[ \t]*/[ \t]*vaultlink:backlinks[ \t]*-->")
_NEWLINE_COUNT = lazy_pattern(r"\b(before|after)=(\d{1,3})\b")
STANDALONE_MARKER = lazy_pattern(
    r"<!-- (?:(?<=\n\n<!-- )|(?<=\A<!-- ))"
    r"(?:vaultlink:backlinks(?: adopted| (?:before|after)=[0-9]+| style=context)*"
    r"|/vaultlink:backlinks) -->"
    r"(?=\n\n|\n?\Z)"
)
"""A marker as vaultlink writes it, on its own line between empty lines.

It is an HTML block in any context and separates the text around it like a paragraph.
"""


_CONTEXT_MARK = " style=context"
_FIELDS = lazy_pattern(r"<!--[ \t]*vaultlink:backlinks(?P<fields>[^>\n]*?)[ \t]*-->")


def has_context_mark(section: str) -> bool:
    """Return True if a begin marker says that the entries have passages.

    Without that, a section in which no link has a passage would look like a list.
    """
    begin = _FIELDS.match(section)
    return begin is not None and _CONTEXT_MARK in begin["fields"]


def set_context_mark(section: str, *, is_set: bool) -> str:
    """Return a section, or its start, with or without that mark in its begin marker.

    An adopted section is left as it is: its style is its author's.
    """
    begin = _FIELDS.match(section)
    if begin is None or "adopted" in begin["fields"].split():
        return section
    fields = begin["fields"].replace(_CONTEXT_MARK, "") + _CONTEXT_MARK * is_set
    return section[: begin.start("fields")] + fields + section[begin.end("fields") :]


class MarkerPair(NamedTuple):
    """The markers of a section, and the line ends that vaultlink wrote around it.

    `start` and `begin_end` are those of the begin marker, `closing_start` and `end` those of
    the end marker, whose line starts at `closing_line`.
    """

    start: int
    begin_end: int
    closing_line: int
    closing_start: int
    end: int
    adopted: bool
    newlines_before: int
    newlines_after: int


def find_marker_pairs(text: str, body: int) -> list[MarkerPair]:
    """Return the pairs of markers in a note's body.

    A begin marker counts only if an end marker follows before the next begin marker.
    """
    found, begin = [], None
    at = text.find(MARKER_TEXT, body)
    while at != -1:
        line = text.rfind("\n", 0, at) + 1
        end = _END.match(text, line)
        if begin and end:
            found.append(_build_pair(text, begin, end))
        begin = None if end else _BEGIN.match(text, line) or begin
        line_end = text.find("\n", at)
        at = text.find(MARKER_TEXT, line_end) if line_end != -1 else -1
    return found


_ANY_MARKER = lazy_pattern(r"<!--[ \t]*/?[ \t]*vaultlink:backlinks")


def has_unpaired_marker(text: str, body: int) -> bool:
    """Return True if a note has a begin marker without an end marker, or the reverse.

    This happens when the marker's line is joined with the previous one. Such text is no longer a
    section, but it still contains the entries.
    """
    return MARKER_TEXT in text and len(_ANY_MARKER.findall(text, body)) != 2 * len(
        find_marker_pairs(text, body)
    )


def _build_pair(text: str, begin: re.Match[str], end: re.Match[str]) -> MarkerPair:
    fields = begin["fields"]
    counts = {name: int(count) for name, count in _NEWLINE_COUNT.findall(fields)}
    return MarkerPair(
        begin.end("lead"),
        begin.end(),
        end.start(),
        text.index("<", end.start()),
        end.end(),
        "adopted" in fields.split(),
        counts.get("before", 0),
        counts.get("after", 0),
    )
