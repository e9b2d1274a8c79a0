"""Cases of headings and blocks that are gone from a note that stayed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replay_cases import UNLINKABLE, Case, Place, write_link
from replay_cases import is_linkable as is_linkable_text
from replay_history import FileChange, History, parse_text, split_text
from vaultlink.index.anchors import find_anchor, heading_key

_MIN_WORDS = 5
"""Words below which the text of a section is short."""

_MIN_SHARE = 0.4
"""Share of its lines that an edited section keeps."""

_SLIGHT_SHARE = 0.1
"""Share below which another section has nothing of a text."""

_MIN_LETTERS = 4
_MAX_NOTES = 60
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SectionText:
    """A heading and the lines below it, up to the next heading.

    The lines of the sections below are included if there are no others.
    """

    path: str
    number: int
    key: str
    heading: str
    lines: tuple[str, ...]

    def measure_share(self, other: "SectionText") -> float:
        """Return the share of the lines that another section has."""
        return measure_common(self.lines, other.lines)


def measure_common(lines: Sequence[str], others: Sequence[str]) -> float:
    """Return the share of distinct lines that are among others."""
    wanted = set(lines)
    return len(wanted.intersection(others)) / len(wanted) if wanted else 0.0


def list_sections(path: str, text: str) -> list[SectionText]:
    """Return the sections of a note in their order."""
    headings = parse_text(path, text).headings
    ends = [*(heading.start for heading in headings[1:]), len(text)][: len(headings)]
    found = []
    for number, (heading, end) in enumerate(zip(headings, ends, strict=True)):
        lines = _list_lines(text[heading.end : end])
        if not lines:
            inner = headings[number + 1 :]
            stop = next((item.start for item in inner if item.level <= heading.level), len(text))
            lines = _list_lines(text[heading.end : stop])
        found.append(
            SectionText(path, number, heading_key(heading.text), heading.text, tuple(lines))
        )
    return found


def _list_lines(text: str) -> list[str]:
    """Return the lines of a section's text; the rest of the heading's own line is left out."""
    return split_text(text.partition("\n")[2])


class ChangedNotes:
    """The notes that a commit changed or added, in both versions."""

    def __init__(self, history: History, number: int):
        commit = history.commits[number]
        self.modified = commit.list_notes("M")[:_MAX_NOTES]
        changes = [*self.modified, *commit.list_notes("A")[:_MAX_NOTES]]
        history.load(
            blob for item in changes for blob in (item.old_blob, item.new_blob) if blob.strip("0")
        )
        self._history = history
        self.gained = {item.path: self._list_gained(item) for item in changes}
        self.lines = {item.path: self._count_new_lines(item) for item in changes}

    def read(self, item: FileChange, *, new: bool) -> str:
        """Return a version of a note."""
        blob = item.new_blob if new else item.old_blob
        return self._history.read_text(blob) if blob.strip("0") else ""

    def _list_gained(self, item: FileChange) -> list[SectionText]:
        """Return the sections whose heading the former version lacks."""
        known = {section.key for section in list_sections(item.path, self.read(item, new=False))}
        sections = list_sections(item.path, self.read(item, new=True))
        return [section for section in sections if section.key not in known]

    def _count_new_lines(self, item: FileChange) -> list[str]:
        """Return the lines that the former version lacks."""
        known = set(split_text(self.read(item, new=False)))
        return [line for line in split_text(self.read(item, new=True)) if line not in known]


def find_sections(history: History, number: int) -> list[Case]:
    """Return a link to each heading and block that is gone from a modified note."""
    notes = ChangedNotes(history, number)
    return [
        case
        for item in notes.modified
        if is_linkable_text(item.path)
        for case in (*_list_heading_cases(notes, item), *_list_block_cases(notes, item))
    ]


def _list_heading_cases(notes: ChangedNotes, item: FileChange) -> Iterator[Case]:
    old, new = notes.read(item, new=False), notes.read(item, new=True)
    if not new.strip():
        return
    old_note, new_note = parse_text(item.path, old), parse_text(item.path, new)
    old_sections, new_sections = list_sections(item.path, old), list_sections(item.path, new)
    keys = [section.key for section in old_sections]
    for section in old_sections:
        subpath = f"#{section.heading}"
        if (
            not section.key
            or keys.count(section.key) > 1
            or not UNLINKABLE.isdisjoint(section.heading)
            or not find_anchor(old_note, subpath)
            or find_anchor(new_note, subpath)
        ):
            continue
        sort, found = judge_section(notes, section, old_sections, new_sections)
        truth = Place(found.path, f"#{found.heading}") if found else None
        place = Place(item.path, subpath)
        is_scored = found is not None or sort in ("replaced", "section deleted")
        yield Case("headings", sort, place, truth, is_scored, write_link(place))


def judge_section(
    notes: ChangedNotes,
    section: SectionText,
    old: Sequence[SectionText],
    new: Sequence[SectionText],
) -> tuple[str, SectionText | None]:
    """Say what became of a section, and return the one that has its text now."""
    added = notes.gained[section.path]
    if sum(len(_WORD.findall(line)) for line in section.lines) < _MIN_WORDS:
        return _judge_short(section, added)
    same = [other for other in added if other.lines == section.lines]
    others = [
        other for path, gained in notes.gained.items() if path != section.path for other in gained
    ]
    moved = [
        other
        for other in others
        if other.key == section.key and section.measure_share(other) >= _MIN_SHARE
    ]
    elsewhere = max(
        (
            measure_common(section.lines, lines)
            for path, lines in notes.lines.items()
            if path != section.path
        ),
        default=0.0,
    )
    here = measure_common(section.lines, [line for other in new for line in other.lines])
    if len(same) == 1:
        return ("reworded, same body", same[0]) if not moved else ("unclear", None)
    if moved:
        share = section.measure_share(moved[0])
        if len(moved) > 1 or here > share / 2:
            return "unclear", None
        is_same = moved[0].lines == section.lines
        return "moved, same body" if is_same else "moved, edited body", moved[0]
    ranked = sorted(new, key=section.measure_share, reverse=True)
    shares = [section.measure_share(other) for other in ranked]
    if (
        shares
        and shares[0] >= _MIN_SHARE
        and ranked[0] in added
        and max((*shares[1:2], elsewhere)) <= shares[0] / 2
    ):
        return "reworded, edited body", ranked[0]
    is_named = any(other.key == section.key for other in others) or any(
        _list_words(section) & _list_words(other) for other in added
    )
    if max(here, elsewhere) >= _SLIGHT_SHARE or is_named:
        return "unclear", None
    return ("replaced" if _has_successor(section, old, new, added) else "section deleted"), None


def _list_words(section: SectionText) -> set[str]:
    """Return the words of a heading that say something."""
    return {word for word in _WORD.findall(section.key) if len(word) >= _MIN_LETTERS}


def _judge_short(
    section: SectionText, added: Sequence[SectionText]
) -> tuple[str, SectionText | None]:
    """Pair a section that has hardly any text by the words of its heading."""
    words = set(_WORD.findall(section.key))
    like = [other for other in added if words and _is_alike(words, other)]
    found = like[0] if len(like) == 1 else None
    return "short body", found


def _is_alike(words: set[str], other: SectionText) -> bool:
    """Return True if at least two thirds of the words of two headings are common."""
    other_words = set(_WORD.findall(other.key))
    return 3 * len(words & other_words) >= 2 * len(words | other_words)


def _has_successor(
    section: SectionText,
    old: Sequence[SectionText],
    new: Sequence[SectionText],
    added: Sequence[SectionText],
) -> bool:
    """Return True if a new section is between the same neighbors."""
    keys = [other.key for other in old]
    above = keys[section.number - 1] if section.number else ""
    below = keys[section.number + 1] if section.number + 1 < len(keys) else ""
    new_keys = ["", *(other.key for other in new), ""]
    for number, other in enumerate(new, 1):
        if other in added and (new_keys[number - 1], new_keys[number + 1]) == (above, below):
            return True
    return False


# -- blocks ---------------------------------------------------------------------------------------


def list_blocks(path: str, text: str) -> dict[str, str]:
    """Return the text of the line of each block by the block's id."""
    found: dict[str, str] = {}
    for block in parse_text(path, text).blocks:
        start = text.rfind("\n", 0, block.start) + 1
        found.setdefault(block.id, text[start : block.start].strip())
    return found


def _list_block_cases(notes: ChangedNotes, item: FileChange) -> Iterator[Case]:
    old = list_blocks(item.path, notes.read(item, new=False))
    present = list_blocks(item.path, notes.read(item, new=True)) if old else {}
    known = {name.lower() for name in present}
    changes = [change for change in notes.modified if change.path != item.path]
    for name, line in old.items():
        if name.lower() in known or len(_WORD.findall(line)) < _MIN_WORDS:
            continue
        found = [
            Place(item.path, f"#^{other}")
            for other, text in present.items()
            if text == line and other not in old
        ]
        for change in changes:
            blocks = list_blocks(change.path, notes.read(change, new=True))
            if blocks.get(name) == line:
                found.append(Place(change.path, f"#^{name}"))
        place = Place(item.path, f"#^{name}")
        truth = found[0] if len(found) == 1 else None
        sort = "block moved or renamed" if truth else "block gone"
        yield Case("headings", sort, place, truth, truth is not None, write_link(place))
