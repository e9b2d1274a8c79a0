"""The comments between which vaultlink keeps a section: what they look like, and which belong together."""

import re
from typing import NamedTuple

MARKER_TEXT = "vaultlink:backlinks"
"""What a text must hold for a marker to be possible."""

_BEGIN = re.compile(
    r"(?P<lead>[ \t>]*)<!--[ \t]*vaultlink:backlinks(?P<said>(?:[ \t][^>\n]*?)?)[ \t]*-->[ \t]*(?=\r?\n)"
)
_END = re.compile(r"[ \t>]*<!--[ \t]*/[ \t]*vaultlink:backlinks[ \t]*-->")
_NEWLINE_COUNT = re.compile(r"\b(before|after)=(\d{1,3})\b")
STANDALONE_MARKER = re.compile(
    r"<!-- (?:(?<=\n\n<!-- )|(?<=\A<!-- ))"
    r"(?:vaultlink:backlinks(?: adopted| (?:before|after)=[0-9]+)*|/vaultlink:backlinks) -->(?=\n\n|\n?\Z)"
)
"""A marker as vaultlink writes it, on a line of its own between empty lines: a block of HTML wherever it stands, that parts
the text around it as a paragraph would."""


class MarkerPair(NamedTuple):
    """Where a section is marked: where its begin marker starts and ends, where the line of its end marker begins, where
    that marker itself does, and where it ends; and what the begin marker says."""

    start: int
    begin_end: int
    closing_line: int
    closing_start: int
    end: int
    adopted: bool
    newlines_before: int
    newlines_after: int


def find_marker_pairs(text: str, body: int) -> list[MarkerPair]:
    """The begin markers of a note's body that an end marker follows before the next begins."""
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


_ANY_MARKER = re.compile(r"<!--[ \t]*/?[ \t]*vaultlink:backlinks")


def has_unpaired_marker(text: str, body: int) -> bool:
    """Whether a note has a marker without its other half, as when its line was joined with the one above: a section that is none
    any more, though its entries are still there."""
    return MARKER_TEXT in text and len(_ANY_MARKER.findall(text, body)) != 2 * len(
        find_marker_pairs(text, body)
    )


def _build_pair(text: str, begin: re.Match[str], end: re.Match[str]) -> MarkerPair:
    said = begin["said"]
    counts = {name: int(count) for name, count in _NEWLINE_COUNT.findall(said)}
    return MarkerPair(
        begin.end("lead"),
        begin.end(),
        end.start(),
        text.index("<", end.start()),
        end.end(),
        "adopted" in said.split(),
        counts.get("before", 0),
        counts.get("after", 0),
    )
