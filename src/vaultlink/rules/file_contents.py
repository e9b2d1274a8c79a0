"""Checks of file contents: decoding, unclosed constructs, prompts, sync conflicts."""

import re
from collections.abc import Iterator
from functools import lru_cache

from vaultlink.index.file_kinds import parse_conflict_copy
from vaultlink.index.resolve import file_name
from vaultlink.links.intent import is_drawing
from vaultlink.model import Note, SourceSpan
from vaultlink.rules.context import FILE_START, Context, Finding

_CONSTRUCT_NAMES = {
    "unclosed-fence": "code fence",
    "unclosed-comment": "HTML comment",
    "unclosed-math": "math block",
    "unclosed-html": "HTML block",
}


def undecodable_note(note: Note, _context: Context) -> Iterator[Finding]:
    for problem in note.problems:
        if problem.kind in ("undecodable", "unreadable", "invalid-canvas"):
            yield Finding(problem, {"problem": problem.detail})


def unclosed_construct(note: Note, _context: Context) -> Iterator[Finding]:
    for problem in note.problems:
        if problem.kind in _CONSTRUCT_NAMES and problem.detail and not is_drawing(note):
            construct = _CONSTRUCT_NAMES[problem.kind]
            yield Finding(problem, {"construct": construct, "hidden": problem.detail})


def sync_conflict(path: str, _context: Context) -> Iterator[Finding]:
    """Report copies that a sync service wrote when two devices changed a file."""
    service, original = parse_conflict_copy(path) or ("", "")
    if original:
        yield Finding(FILE_START, {"name": file_name(path), "service": service})


_LINE_MARKUP = " \t\r*_>#`"


def leaked_prompt(note: Note, context: Context) -> Iterator[Finding]:
    """Report replies of a text generator in the first and last lines of a note."""
    text = context.text
    if not text:
        return
    pattern = _compile_phrases(tuple(context.options["phrases"]))
    body, count = _find_body(text, note), int(context.options["lines"])
    for start, end in _find_edge_lines(text, body, count):
        words = text[start:end].strip(_LINE_MARKUP)
        if words and pattern.fullmatch(words.replace("’", "'")):
            at = text.index(words, start)
            line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
            span = SourceSpan(at, at + len(words), line, column)
            yield Finding(span, {"words": words if len(words) <= 60 else words[:59] + "…"})


@lru_cache(maxsize=8)
def _compile_phrases(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Compile phrases; one that is no valid regular expression is plain text."""
    return re.compile(
        "|".join(f"(?:{_escape_invalid(phrase)})" for phrase in phrases) or r"(?!)", re.IGNORECASE
    )


def _escape_invalid(phrase: str) -> str:
    try:
        re.compile(phrase)
    except re.error:
        return re.escape(phrase)
    return phrase


def _find_body(text: str, note: Note) -> int:
    """Return the offset of the text below the properties, in code points."""
    if note.properties is None:
        return 0
    closing = text.find("\n---", 3)
    return text.find("\n", closing + 1) + 1 or len(text) if closing != -1 else 0


def _find_edge_lines(text: str, body: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield spans of the first and last `count` nonblank lines in order, none twice."""
    first: list[tuple[int, int]] = []
    offset = body
    while offset < len(text) and len(first) < count:
        end = text.find("\n", offset)
        end = len(text) if end == -1 else end
        if text[offset:end].strip():
            first.append((offset, end))
        offset = end + 1
    last: list[tuple[int, int]] = []
    end = len(text)
    while end > offset and len(last) < count:
        start = max(text.rfind("\n", offset, end) + 1, offset)
        if text[start:end].strip():
            last.append((start, end))
        end = start - 1
    yield from first
    yield from reversed(last)
