"""Changed texts as a unified diff that `git apply` and `patch` take.

Texts before and after enter, a string leaves. Lines end with a line feed only, so a carriage return is part of its line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from vaultlink.report.layout import PLAIN, Palette

_CONTEXT = 3
"""Unchanged lines shown around a change."""

_BREAKING = re.compile(r'[\x00-\x1f\x7f"\\]')

_UNENDED = "\\ No newline at end of file\n"

Change = tuple[str, str | None, str | None]
"""A path, and its text before and after; None where there is no file."""


def unified(changes: Iterable[Change], palette: Palette = PLAIN) -> str:
    """All changes, in the order given."""
    return "".join(
        part for change in changes if change[1] != change[2] for part in _file(change, palette)
    )


def _file(change: Change, p: Palette) -> Iterator[str]:
    path, old, new = change
    before, after = _lines(old or ""), _lines(new or "")
    yield f"{p.bold}--- {_named('a/', path) if old is not None else '/dev/null'}{p.off}\n"
    yield f"{p.bold}+++ {_named('b/', path) if new is not None else '/dev/null'}{p.off}\n"
    for hunk in _hunks(before, after):
        yield from _hunk(before, after, hunk, p)


def _named(side: str, path: str) -> str:
    """A path in a header, in quotes if it would break the line; a tab behind it tells programs where a name with blanks
    ends."""
    if _BREAKING.search(path):
        return '"' + side + _BREAKING.sub(lambda found: f"\\{ord(found[0]):03o}", path) + '"'
    return f"{side}{path}\t" if " " in path else f"{side}{path}"


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


Block = tuple[str, int, int, int, int]
"""What happens to lines of the old text, and which lines of the new one stand there: as difflib has it."""


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[list[Block]]:
    """Groups of changes that share their context. What both texts begin and end with is set aside first, since most
    changes are small and comparing is slow."""
    head, least = 0, min(len(before), len(after))
    while head < least and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < least - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    skip = max(head - _CONTEXT, 0)
    stop_before = len(before) - max(tail - _CONTEXT, 0)
    stop_after = len(after) - max(tail - _CONTEXT, 0)
    matcher = SequenceMatcher(None, before[skip:stop_before], after[skip:stop_after])
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        yield [(tag, a + skip, b + skip, c + skip, d + skip) for tag, a, b, c, d in group]


def _hunk(
    before: Sequence[str], after: Sequence[str], group: list[Block], p: Palette
) -> Iterator[str]:
    first, last = group[0], group[-1]
    yield f"{p.cyan}@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@{p.off}\n"
    for tag, a, b, c, d in group:
        if tag == "equal":
            yield from (_line(" ", line, "", "") for line in before[a:b])
        else:
            yield from (_line("-", line, p.red, p.off) for line in before[a:b])
            yield from (_line("+", line, p.green, p.off) for line in after[c:d])


def _range(start: int, stop: int) -> str:
    count = stop - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")


def _line(sign: str, line: str, on: str, off: str) -> str:
    if line.endswith("\n"):
        return f"{on}{sign}{line[:-1]}{off}\n"
    return f"{on}{sign}{line}{off}\n{_UNENDED}"
