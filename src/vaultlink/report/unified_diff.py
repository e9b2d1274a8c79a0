"""Changed texts as a unified diff that `git apply` and `patch` take.

Texts before and after enter, a string leaves. Lines end with a line feed only, so a carriage return is part of its line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from vaultlink.report.layout import PLAIN, Palette

_CONTEXT_LINES = 3
"""Unchanged lines shown around a change."""

_UNSAFE_CHARS = re.compile(r'[\x00-\x1f\x7f"\\]')

_NO_NEWLINE = "\\ No newline at end of file\n"

TextChange = tuple[str, str | None, str | None]
"""A path, and its text before and after; None where there is no file."""


def unified_diff(changes: Iterable[TextChange], palette: Palette = PLAIN) -> str:
    """All changes, in the order given."""
    return "".join(
        part
        for change in changes
        if change[1] != change[2]
        for part in _render_file(change, palette)
    )


def _render_file(change: TextChange, p: Palette) -> Iterator[str]:
    path, old, new = change
    before, after = _split_lines(old or ""), _split_lines(new or "")
    yield f"{p.bold}--- {_quote_path('a/', path) if old is not None else '/dev/null'}{p.reset}\n"
    yield f"{p.bold}+++ {_quote_path('b/', path) if new is not None else '/dev/null'}{p.reset}\n"
    for hunk in _group_hunks(before, after):
        yield from _render_hunk(before, after, hunk, p)


def _quote_path(side: str, path: str) -> str:
    """A path in a header, in quotes if it would break the line; a tab behind it tells programs where a name with blanks
    ends."""
    if _UNSAFE_CHARS.search(path):
        return '"' + side + _UNSAFE_CHARS.sub(lambda found: f"\\{ord(found[0]):03o}", path) + '"'
    return f"{side}{path}\t" if " " in path else f"{side}{path}"


def _split_lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


Opcode = tuple[str, int, int, int, int]
"""What happens to lines of the old text, and which lines of the new one stand there: as difflib has it."""


def _group_hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[list[Opcode]]:
    """Groups of changes that share their context. What both texts begin and end with is set aside first, since most
    changes are small and comparing is slow."""
    head, least = 0, min(len(before), len(after))
    while head < least and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < least - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    skip = max(head - _CONTEXT_LINES, 0)
    stop_before = len(before) - max(tail - _CONTEXT_LINES, 0)
    stop_after = len(after) - max(tail - _CONTEXT_LINES, 0)
    matcher = SequenceMatcher(None, before[skip:stop_before], after[skip:stop_after])
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        yield [(tag, a + skip, b + skip, c + skip, d + skip) for tag, a, b, c, d in group]


def _render_hunk(
    before: Sequence[str], after: Sequence[str], group: list[Opcode], p: Palette
) -> Iterator[str]:
    first, last = group[0], group[-1]
    yield f"{p.cyan}@@ -{_format_range(first[1], last[2])} +{_format_range(first[3], last[4])} @@{p.reset}\n"
    for tag, a, b, c, d in group:
        if tag == "equal":
            yield from (_render_line(" ", line, "", "") for line in before[a:b])
        else:
            yield from (_render_line("-", line, p.red, p.reset) for line in before[a:b])
            yield from (_render_line("+", line, p.green, p.reset) for line in after[c:d])


def _format_range(start: int, stop: int) -> str:
    count = stop - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")


def _render_line(sign: str, line: str, on: str, off: str) -> str:
    if line.endswith("\n"):
        return f"{on}{sign}{line[:-1]}{off}\n"
    return f"{on}{sign}{line}{off}\n{_NO_NEWLINE}"
