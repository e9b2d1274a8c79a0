"""Find block identifiers that lack only the blank lines around them.

An identifier on a line of its own names the block above it (6.8). If text follows directly, or the
block above swallows the line, Obsidian reads it as text. Only lines at the top level are
considered, and only if blank lines certainly make them identifiers.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from vaultlink.model import ParseProblem
from vaultlink.parse.blocks import ParsedBlocks
from vaultlink.parse.retry import BodyItems, count_trials, find_revealed, read_body_items
from vaultlink.text import lazy_pattern, line_and_column

_ID_LINE = lazy_pattern(r"^ {0,3}(\^([A-Za-z0-9-]+))[ \t]*\r?$", re.MULTILINE)
_LISTED_BLOCK = lazy_pattern(r"[ \t]*(?:>|[-*+][ \t]|\d+[.)][ \t])|.*\|")
"""A line of a list, quote, callout or table, which need an identifier of their own line."""

_FENCE_OR_HTML = lazy_pattern(r"[ \t]*(?:```|~~~|\$\$|<)")
_MAX_CANDIDATES = 500
"""Lines of one note that are looked at."""


def find_detached_ids(
    blocks: ParsedBlocks, text: str, body: int, starts: list[int]
) -> Iterator[ParseProblem]:
    """Yield the lines of a body that lack only blank lines to be block identifiers.

    `starts` are the line starts of the text.
    """
    if "^" not in text:
        return
    read = {at for _, at, _ in blocks.ids}
    code = [span for span in blocks.hidden if not _is_open_html(text, span)]
    code_starts = [start for start, _ in code]
    candidates, trials, before = 0, 0, None
    for match in _ID_LINE.finditer(text, body):
        at = match.start(1)
        block = bisect_right(code_starts, at) - 1
        if at in read or (block >= 0 and at < code[block][1]):
            continue
        candidates += 1
        if candidates > _MAX_CANDIDATES or trials == count_trials(text):
            return
        found = _propose_blank_lines(text, body, starts, match)
        if found:
            trials += 1
            before = before or read_body_items(text, body)
            if _reveals_only_id(before, text, body, found):
                yield found


def _is_open_html(text: str, span: tuple[int, int]) -> bool:
    """Return True for hidden HTML other than comments: a blank line may end it."""
    return text.startswith("<", span[0]) and not text.startswith("<!--", span[0])


def _propose_blank_lines(
    text: str, body: int, starts: list[int], match: re.Match[str]
) -> ParseProblem | None:
    """Return the problem of a line without blank lines around it; None if it has them.

    It is certain if the block is one that needs an identifier of its own line.
    """
    start, end = match.start(), match.end()
    line_end = "\r\n" if text.endswith("\r", start, end) else "\n"
    end -= len(line_end) - 1
    above, is_adjacent = _read_block_above(text, body, start)
    below = text[match.end() + 1 : (text.find("\n", match.end() + 1) + 1 or len(text) + 1) - 1]
    if not above or _ID_LINE.fullmatch(below) or _ID_LINE.fullmatch(above[-1]):
        return None
    listed = any(_LISTED_BLOCK.match(line) for line in above)
    fenced = any(_FENCE_OR_HTML.match(line) for line in above)
    lead = is_adjacent and (listed or fenced)
    tail = bool(below.strip())
    if not lead and not tail:
        return None
    where = "before and behind it" if lead and tail else "before it" if lead else "behind it"
    new = line_end * lead + text[start:end] + line_end * tail
    return ParseProblem(
        *match.span(1),
        *line_and_column(starts, match.start(1)),
        kind="unread-block-id",
        detail=where,
        replacements=((start, end, new),),
        is_certain=listed and not fenced,
        block_id=match[2],
    )


def _read_block_above(text: str, body: int, start: int) -> tuple[list[str], bool]:
    """Return the lines of the block above an offset, and True if it is adjacent.

    At most one blank line may stand between. The lines go back to the blank line before.
    """
    lines = text[max(body, start - 5000) : max(start - 1, body)].split("\n")
    is_adjacent = bool(lines[-1].strip())
    if not is_adjacent:
        lines.pop()
    above: list[str] = []
    while lines and lines[-1].strip():
        above.insert(0, lines.pop())
    return above, is_adjacent


def _reveals_only_id(before: BodyItems, text: str, body: int, found: ParseProblem) -> bool:
    revealed = find_revealed(before, text, body, found.replacements[0])
    return revealed is not None and revealed.items == {("block id", found.start, found.block_id)}
