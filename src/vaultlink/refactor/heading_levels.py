"""Fit the levels of a text's headings to the note that it comes into."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from vaultlink.index.anchors import heading_key, render_heading
from vaultlink.index.index import link_name
from vaultlink.model import Edit, Heading, Note
from vaultlink.parse.properties import body_start
from vaultlink.text import lazy_pattern

_MAX_LEVEL = 6

_ATX = lazy_pattern(r"[ ]{0,3}(#{1,6})(?!#)")
_UNDERLINE = lazy_pattern(r"\r?\n[ ]{0,3}(?:=+|-+)[ \t]*(?=\r?\n|$)")
_NUMBER = lazy_pattern(r"(?:\d+[.)]?)+\s+(?=\S)")
"""The number of a numbered heading."""


_LEAD_LINE = lazy_pattern(
    r"\s*(?:(?:#[^\s#]\S*[\s,]*)+|(?:!?\[\[[^\[\]]*\]\][\s,|]*)+|[\w -]+::.*|---+)?\s*"
)
"""A line before the title: tags, links, a field, a rule, or nothing."""


def change_levels(note: Note, text: str, levels: Mapping[int, int]) -> list[Edit]:
    """Return the edits that give headings other levels, by their number from 0.

    A level above 6 becomes 6. An underlined heading gets number signs. One that has several lines
    keeps its level.
    """
    edits: list[Edit] = []
    for number, level in levels.items():
        heading, new = note.headings[number], min(max(level, 1), _MAX_LEVEL)
        if heading.level == new:
            continue
        start = text.rfind("\n", 0, heading.start) + 1
        mark, underline = _ATX.match(text, start), _UNDERLINE.match(text, heading.end)
        if mark and mark.end() <= heading.start:
            edits.append(_change_mark(note.path, mark.end(), heading.level, new))
        elif underline and not text[start : heading.start].strip():
            edits.append(Edit(note.path, start, heading.start, "#" * new + " "))
            edits.append(Edit(note.path, heading.end, underline.end(), ""))
    return edits


def _change_mark(path: str, end: int, old: int, new: int) -> Edit:
    return Edit(path, end - max(old - new, 0), end, "#" * max(new - old, 0))


def shift_levels(levels: Sequence[int], top: int) -> list[int]:
    """Return levels with the highest of them at `top`."""
    shift = top - min(levels, default=top)
    return [min(level + shift, _MAX_LEVEL) for level in levels]


def repeats_name(heading: Heading, path: str) -> bool:
    """Return True if a heading says the name of the note, perhaps with a number."""
    name = heading_key(link_name(path))
    text = heading_key(render_heading(heading.text))
    return name in (text, _NUMBER.sub("", text, count=1))


def find_title(note: Note, text: str) -> Heading | None:
    """Return the heading that is the title of a note, or None.

    It is the first heading, and says the name of the note; or only tags, links and fields are
    before it, and all others are of lower levels.
    """
    if not note.headings:
        return None
    first, *others = note.headings
    start = text.rfind("\n", 0, first.start) + 1
    lead = text[body_start(text) : start].splitlines()
    is_start = all(_LEAD_LINE.fullmatch(line) for line in lead)
    title = next((item.value for item in note.properties or () if item.key == "title"), None)
    says_name = repeats_name(first, note.path) or (
        isinstance(title, str) and heading_key(title) == heading_key(first.text)
    )
    is_alone = first.level == 1 and all(item.level > 1 for item in others)
    return first if says_name or (is_start and is_alone) else None


def find_heading_end(text: str, heading: Heading) -> int:
    """Return the offset of the line behind a heading and its underline."""
    start = text.rfind("\n", 0, heading.start) + 1
    mark = _ATX.match(text, start)
    underline = (
        None if mark and mark.end() <= heading.start else _UNDERLINE.match(text, heading.end)
    )
    return text.find("\n", underline.end() if underline else heading.end) + 1 or len(text)


_FEW = 5
"""Notes that show a habit, at least."""


class HeadingHabit(NamedTuple):
    """The usual start of the notes of a vault.

    With `has_title`, most begin with their name as a heading. `top` is the highest level of the
    other headings in most of them; 1 if they differ.
    """

    has_title: bool
    top: int


def find_habit(notes: Iterable[Note]) -> HeadingHabit:
    """Return the habit of the notes that have headings."""
    levels, titled, count = Counter[int](), 0, 0
    for note in notes:
        if not note.headings:
            continue
        first, *others = note.headings
        is_title = first.level == 1 and repeats_name(first, note.path)
        count, titled = count + 1, titled + is_title
        rest = others if is_title else note.headings
        if rest:
            levels[min(item.level for item in rest)] += 1
    top, most = levels.most_common(1)[0] if levels else (1, 0)
    is_habit = most >= _FEW and most * 2 > levels.total()
    return HeadingHabit(titled >= _FEW and titled * 2 > count, top if is_habit else 1)


def list_usual_headings(notes: Iterable[Note]) -> frozenset[str]:
    """Return the keys of the headings that at least a third of the notes have."""
    with_headings = [note.headings for note in notes if note.headings]
    counts = Counter(
        key for headings in with_headings for key in {heading_key(item.text) for item in headings}
    )
    least = max(_FEW, len(with_headings) / 3)
    return frozenset(key for key, count in counts.items() if count >= least)
