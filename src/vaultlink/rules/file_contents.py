"""Checks of whole files: readability, unclosed markup, leaked prompts, conflict copies of sync
services."""

import re
from collections.abc import Iterator
from functools import lru_cache

from vaultlink.index.conflicts import parse_conflict_copy
from vaultlink.index.resolve import file_name
from vaultlink.model import Note, SourceSpan
from vaultlink.rules.context import Context, Finding

_FILE_START = SourceSpan(0, 0, 1, 1)
_CONSTRUCT_NAMES = {
    "unclosed-fence": "code fence",
    "unclosed-comment": "HTML comment",
    "unclosed-math": "math block",
    "unclosed-html": "HTML block",
}


def undecodable_note(note: Note, _context: Context) -> Iterator[Finding]:
    """Report notes that can't be read or are not valid UTF-8."""
    for problem in note.problems:
        if problem.kind in ("undecodable", "unreadable", "invalid-canvas"):
            yield Finding(problem, {"problem": problem.detail})


def unclosed_construct(note: Note, _context: Context) -> Iterator[Finding]:
    """Report code, comments, math and HTML without an end, which hide the text below."""
    for problem in note.problems:
        if problem.kind in _CONSTRUCT_NAMES and not _is_drawing(note):
            yield Finding(problem, {"construct": _CONSTRUCT_NAMES[problem.kind]})


def _is_drawing(note: Note) -> bool:
    """Return True for an Excalidraw drawing. Its plugin writes an open fence."""
    return (
        note.path.lower().endswith(".excalidraw.md")
        or note.property_value("excalidraw-plugin") is not None
    )


def sync_conflict(path: str, _context: Context) -> Iterator[Finding]:
    """Report files that sync services created because two devices changed the same file."""
    service, original = parse_conflict_copy(path) or ("", "")
    if original:
        yield Finding(_FILE_START, {"name": file_name(path), "service": service})


_LINE_MARKUP = " \t\r*_>#`"


def leaked_prompt(note: Note, context: Context) -> Iterator[Finding]:
    """Report phrases of text generators in the first and last lines of a note."""
    text = context.text
    if not text:
        return
    phrases = _compile_phrases(tuple(context.options["phrases"]))
    reach = int(context.options["lines"])
    body = _find_body(text, note)
    for start, end in _find_edge_lines(text, body, reach):
        line = text[start:end]
        words = line.strip(_LINE_MARKUP)
        if words and phrases.fullmatch(words.replace("’", "'")):
            at = start + line.index(words)
            span = SourceSpan(
                at, at + len(words), text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
            )
            yield Finding(span, {"words": words if len(words) <= 60 else words[:59] + "…"})


@lru_cache(maxsize=8)
def _compile_phrases(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Compile all phrases into one expression. An invalid expression is taken as plain text."""
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
    """Return the offset of the text below the properties."""
    if note.properties is None:
        return 0
    closing = text.find("\n---", 3)
    return text.find("\n", closing + 1) + 1 or len(text) if closing != -1 else 0


def _find_edge_lines(text: str, body: int, reach: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the first and last `reach` lines that are not blank, in order."""
    found: list[tuple[int, int]] = []
    at = body
    while at < len(text) and len(found) < reach:
        end = text.find("\n", at)
        end = len(text) if end == -1 else end
        if text[at:end].strip():
            found.append((at, end))
        at = end + 1
    last: list[tuple[int, int]] = []
    end = len(text)
    while end > at and len(last) < reach:
        start = max(text.rfind("\n", at, end) + 1, at)
        if text[start:end].strip():
            last.append((start, end))
        end = start - 1
    yield from found
    yield from reversed(last)
