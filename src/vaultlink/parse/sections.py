"""Where a note's "Add backlinks" sections stand (specification, section 11.3): their links are no evidence of relevance."""

import re

_WORDS = "acklinks using these topics"
_HEADING = re.compile(
    r"^[ \t>]*(?:#{1,6}[ \t]+|[-*+][ \t]+)?(?:\*\*|__|\*|_)?[ \t]*add[ \t]+backlinks[ \t]+using[ \t]+these[ \t]+topics"
    r"[ \t]*:?[ \t]*(?:\*\*|__|\*|_)?[ \t]*:?(?P<rest>[^\n]*)$", re.M | re.I)
_ENTRY = re.compile(r"[ \t>]*(?:[-*+][ \t]+)?[^\n]*(?:\[\[[^\n]*|\]\([^\n)]*\)[ \t]*)$")


def section_spans(text: str, start: int) -> list[tuple[int, int]]:
    """Spans of the sections in a note's body, from the heading line to behind the last entry."""
    if _WORDS not in text:
        return []
    spans = []
    for heading in _HEADING.finditer(text, start):
        rest = heading["rest"].strip()
        if rest and "[[" not in rest:
            continue
        spans.append((heading.start(), _end(text, heading.end())))
    return spans


def _end(text: str, at: int) -> int:
    """Behind the last line that is an entry; blank lines may stand between."""
    end = at
    while at < len(text):
        stop = text.find("\n", at + 1)
        stop = len(text) if stop == -1 else stop
        line = text[at + 1:stop]
        if line.strip():
            if line.startswith("#") or not _ENTRY.match(line):
                break
            end = stop
        at = stop
    return end
