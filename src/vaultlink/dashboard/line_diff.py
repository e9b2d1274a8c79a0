"""The difference between a line before and after a fix, as parts of both lines."""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from vaultlink.dashboard.page_names import shorten_name
from vaultlink.report.changed_lines import count_equal

_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)

_WORD_END = re.compile(r"\w+\Z")

_MAX_COMPARED = 300
"""Characters up to which words are compared. The time to compare grows with the square."""

_MIN_EQUAL = 3
"""Equal characters between two changes that are shown as unchanged."""

_CONTEXT = 48
"""Characters of unchanged text that are shown beside a change."""

_LONGEST_WORD = 40
"""Characters by which a change grows so that it does not begin or end within a word."""

_BLANK_SIGNS = str.maketrans({" ": "·", "\t": "→", "\u00a0": "⍽", "\n": "¶", "\r": "␍"})
"""Signs for blanks. A change of blanks alone would be invisible."""


class DiffPart(NamedTuple):
    """A part of a line, and True if the other line has something else there."""

    text: str
    changed: bool


def compare_lines(before: str, after: str) -> tuple[list[DiffPart], list[DiffPart]]:
    """Return the parts of both lines.

    Long parts are shortened. A change of blanks alone is shown as signs.
    """
    start = count_equal(before, after)
    limit = min(len(before), len(after)) - start
    end = count_equal(before[::-1][:limit], after[::-1][:limit])
    start, end = _widen(before, after, start, end)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    old_parts, new_parts = _compare_words(old, new)
    head, tail = before[:start], before[len(before) - end :]
    return _add_context(head, old_parts, tail), _add_context(head, new_parts, tail)


def _widen(before: str, after: str, start: int, end: int) -> tuple[int, int]:
    """Return fewer equal characters at both ends, so that no word is cut."""
    stops = len(before) - end, len(after) - end
    first = _count_word_end(before[:start], before[start : start + 1], after[start : start + 1])
    last = _count_word_end(
        before[stops[0] :][: _LONGEST_WORD + 1][::-1],
        before[stops[0] - 1 : stops[0]],
        after[stops[1] - 1 : stops[1]],
    )
    return start - first, end - last


def _count_word_end(text: str, *beside: str) -> int:
    """Return the length of the word at the end of a text.

    It is 0 if none of the characters in `beside` continues the word.
    """
    match = _WORD_END.search(text[-_LONGEST_WORD:])
    return len(match[0]) if match and any(map(_WORD_END.match, beside)) else 0


def _compare_words(old: str, new: str) -> tuple[list[DiffPart], list[DiffPart]]:
    if not old or not new or max(len(old), len(new)) > _MAX_COMPARED:
        return [DiffPart(old, True)], [DiffPart(new, True)]
    one, other = _TOKEN.findall(old), _TOKEN.findall(new)
    parts: tuple[list[DiffPart], list[DiffPart]] = ([], [])
    for tag, first, last, start, end in SequenceMatcher(None, one, other, False).get_opcodes():
        texts = "".join(one[first:last]), "".join(other[start:end])
        equal = tag == "equal" and len(texts[0]) >= _MIN_EQUAL
        for side, text in zip(parts, texts, strict=True):
            if side and side[-1].changed and not equal:
                side[-1] = DiffPart(side[-1].text + text, True)
            else:
                side.append(DiffPart(text, not equal))
    return parts


def _add_context(head: str, parts: list[DiffPart], tail: str) -> list[DiffPart]:
    before = head if len(head) <= _CONTEXT else f"…{head[-_CONTEXT:]}"
    after = tail if len(tail) <= _CONTEXT else f"{tail[:_CONTEXT]}…"
    middle = [DiffPart(_show_change(part), part.changed) for part in parts]
    return [
        part for part in (DiffPart(before, False), *middle, DiffPart(after, False)) if part.text
    ]


def _show_change(part: DiffPart) -> str:
    text = shorten_name(part.text)
    return text.translate(_BLANK_SIGNS) if part.changed and text.isspace() else text
