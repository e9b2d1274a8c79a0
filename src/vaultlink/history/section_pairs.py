"""Pair the sections and blocks of two versions of a note.

A section is the text from a heading to the next one. Headings of the same wording are paired first,
then those with the same letters, and then those whose texts the matcher pairs. What is left between
the same two neighbours may be the same.
"""

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar

from vaultlink.history.matcher import Pieces, Texts, weigh_all
from vaultlink.index.anchors import TRAILING_BLOCK_ID, heading_key, render_heading
from vaultlink.index.heading_kinds import differs_in_meaning
from vaultlink.index.words import find_numbers, split_text, weigh_letters
from vaultlink.model import BlockId, Note
from vaultlink.parse.pieces import list_pieces
from vaultlink.text import lazy_pattern, strip_accents

Pairs = dict[int, tuple[int, bool]]
"""Number of a heading before to its number now, and whether it certainly is the same one."""

K = TypeVar("K", bound=Hashable)

MIN_OWN_TEXT = 20.0
"""Weight of the text of a section from which it tells it from others: about its bytes."""

_MAX_SHORT = 80.0
"""Weight of the text of a section below which its heading tells more than it."""

_MIN_CORE = 4
"""Minimum number of letters that tell a heading from others.

One of Chinese, Japanese or Korean counts as two.
"""

_NUMBERING = lazy_pattern(
    r"^\W*(?:(?:\w{1,12}\s+)?(?:\d+(?:[.\-]\d+)*|[ivxIVX]+|[A-Za-z]?\d+|[A-Za-z])\s*[:.)\-–—]+\s*)(?=\S*\w)"
)
"""A number or letter before a heading, such as `1.2.`, `A)` or `Step 3:`."""


class Sections:
    """The sections of a note, by the numbers of their headings.

    Attributes:
        note: The note.
        keys: The comparison keys of the headings.
        counts: The number of headings of each key.
    """

    def __init__(self, note: Note) -> None:
        self.note = note
        self.keys = [heading_key(heading.text) for heading in note.headings]
        self.counts = Counter(self.keys)
        self._pieces = list_pieces(note.pieces)

    @cached_property
    def bodies(self) -> list[Pieces]:
        """The pieces below each heading, up to the next one."""
        return [self._read(item.body, item.body_end) for item in self.note.headings]

    @cached_property
    def body_counts(self) -> Counter[Pieces]:
        """The number of sections with the same pieces."""
        return Counter(self.bodies)

    def read_branch(self, number: int) -> Pieces:
        """Return the pieces below a heading, those below its subheadings included."""
        headings = self.note.headings
        level, end = headings[number].level, headings[number].body_end
        for item in headings[number + 1 :]:
            if item.level <= level:
                break
            end = item.body_end
        return self._read(headings[number].body, end)

    def _read(self, start: int, end: int) -> Pieces:
        return frozenset(self._pieces[start:end])

    @cached_property
    def cores(self) -> list[str]:
        """The letters of the headings, as `heading_core` returns them."""
        return [heading_core(heading.text) for heading in self.note.headings]

    @cached_property
    def paths(self) -> list[tuple[str, ...]]:
        """The keys of each heading and of those above it, the highest one first."""
        found: list[tuple[str, ...]] = []
        above: list[tuple[int, str]] = []
        for heading, key in zip(self.note.headings, self.keys, strict=True):
            above = [item for item in above if item[0] < heading.level] + [(heading.level, key)]
            found.append(tuple(item[1] for item in above))
        return found

    def text(self, number: int) -> str:
        """Return the text of a heading."""
        return self.note.headings[number].text

    def is_equal(self, number: int, other: "Sections", other_number: int) -> bool:
        """Return True if two sections have the same text, which tells them from others."""
        body = self.bodies[number]
        return (
            body == other.bodies[other_number]
            and weigh_all(body) >= MIN_OWN_TEXT
            and self.body_counts[body] == other.body_counts[body] == 1
        )


def align_headings(before: Note, now: Note) -> Pairs:
    """Map each heading of a note to the same one in a later version, by their numbers.

    The second value is False if another heading may have taken its place.
    """
    old, new = Sections(before), Sections(now)
    pairs = _pair_same_keys(old, new)
    had, present = set(old.keys), set(new.keys)
    taken = {j for j, _ in pairs.values()}
    gone = {
        i
        for i, key in enumerate(old.keys)
        if i not in pairs and key and (key not in present or old.counts[key] > 1)
    }
    added = {j for j, key in enumerate(new.keys) if key and key not in had and j not in taken}
    for find in (_find_respelled, _find_same_texts, _find_same_branches, _find_in_place):
        if gone and added:
            found = dict(find(old, gone, new, added, pairs))
            pairs |= found
            gone -= found.keys()
            added -= {j for j, _ in found.values()}
    return pairs


def _pair_same_keys(old: Sections, new: Sections) -> Pairs:
    """Pair the headings of the same wording.

    Repeated ones are paired by the headings above them, or else in order. That is certain if none
    was added or removed, or the section is the same.
    """
    pairs: Pairs = {}
    for mine, others in ((old.keys, new.keys), (old.paths, new.paths)):
        before, now = _number_by(mine), _number_by(others)
        pairs |= {
            numbers[0]: (now[key][0], True)
            for key, numbers in before.items()
            if len(numbers) == len(now.get(key, ())) == 1 and numbers[0] not in pairs
        }
    taken = {j for j, _ in pairs.values()}
    present = _number_by(new.keys)
    for key, numbers in _number_by(old.keys).items():
        left = [i for i in numbers if i not in pairs]
        free = [j for j in present.get(key, ()) if j not in taken]
        is_complete = len(left) == len(free)
        for i, j in zip(left, free, strict=False):
            if is_complete or old.is_equal(i, new, j):
                pairs[i] = j, is_complete
    return pairs


def _number_by(keys: Sequence[K]) -> dict[K, list[int]]:
    found: dict[K, list[int]] = {}
    for number, key in enumerate(keys):
        found.setdefault(key, []).append(number)
    return found


# -- reworded ones --------------------------------------------------------------------------------


def _find_respelled(
    old: Sections, gone: set[int], new: Sections, added: set[int], _pairs: Pairs
) -> Iterator[tuple[int, tuple[int, bool]]]:
    """Yield headings with the same letters, which no other heading has or had."""
    before, now = _number_by(old.cores), _number_by(new.cores)
    for core, mine in before.items():
        others = now.get(core, ())
        if core and len(mine) == len(others) == 1 and mine[0] in gone and others[0] in added:
            i, j = mine[0], others[0]
            if not differs_in_meaning(old.text(i), new.text(j)):
                yield i, (j, True)


@lru_cache(maxsize=1 << 12)
def heading_core(text: str) -> str:
    """Return the letters and digits of a heading without numbering, emoji and accents.

    Return "" if too few are left.
    """
    plain = unicodedata.normalize("NFC", render_heading(TRAILING_BLOCK_ID.sub("", text)))
    rest = _NUMBERING.sub("", plain)
    core = "".join(split_text(rest)) or "".join(split_text(plain))
    core = unicodedata.normalize("NFC", strip_accents(core))
    letters = "".join(char for char in core if not char.isdigit())
    return core if weigh_letters(letters) >= _MIN_CORE else ""


def _find_same_texts(
    old: Sections, gone: set[int], new: Sections, added: set[int], _pairs: Pairs
) -> Iterator[tuple[int, tuple[int, bool]]]:
    """Yield the headings whose own texts became others."""
    texts = Texts(
        {i: old.bodies[i] for i in gone},
        {j: new.bodies[j] for j in added},
        _list_places(new, added),
    )
    for i, match in texts.match().items():
        is_certain = match.is_certain and not _is_doubtful(old, i, new, match.new, added)
        yield i, (match.new, is_certain)


def _list_places(sections: Sections, without: set[int]) -> dict[int, list[int]]:
    """Return the kept sections that have each piece, by numbers below 0."""
    places: dict[int, list[int]] = {}
    for number, body in enumerate(sections.bodies):
        if number not in without:
            for piece in body:
                places.setdefault(piece, []).append(-1 - number)
    return places


def _is_doubtful(old: Sections, i: int, new: Sections, j: int, added: set[int]) -> bool:
    """Return True if a section may have been split, or be another one of its kind."""
    core = old.cores[i]
    is_edited = core and core not in new.cores[j] and not old.is_equal(i, new, j)
    if is_edited and any(core in new.cores[number] for number in added if number != j):
        return True
    return _has_other_numbers(old.text(i), new.text(j))


def _has_other_numbers(one: str, other: str) -> bool:
    """Return True if two headings have numbers that differ, other than in their order."""
    numbers, others = (find_numbers(split_text(render_heading(text))) for text in (one, other))
    return not (set(numbers) <= set(others) or set(others) <= set(numbers)) and sorted(
        "".join(numbers)
    ) != sorted("".join(others))


def _find_same_branches(
    old: Sections, gone: set[int], new: Sections, added: set[int], _pairs: Pairs
) -> Iterator[tuple[int, tuple[int, bool]]]:
    """Yield the headings without a text whose subheadings have the same texts."""
    before = {i: old.read_branch(i) for i in gone if weigh_all(old.bodies[i]) < MIN_OWN_TEXT}
    now = {j: new.read_branch(j) for j in added if weigh_all(new.bodies[j]) < MIN_OWN_TEXT}
    for i, match in Texts(before, now).match().items():
        is_certain = match.is_certain and not _is_doubtful(old, i, new, match.new, added)
        yield i, (match.new, is_certain)


def _find_in_place(
    old: Sections, gone: set[int], new: Sections, added: set[int], pairs: Pairs
) -> Iterator[tuple[int, tuple[int, bool]]]:
    """Yield headings of which as many are new as are gone between two others."""
    before, now = old.note.headings, new.note.headings
    shifts = Counter(now[j].level - before[i].level for i, (j, _) in pairs.items())
    shift = shifts.most_common(1)[0][0] if shifts else 0
    border = [(-1, -1), *sorted((i, j) for i, (j, _) in pairs.items()), (len(before), len(now))]
    for (i1, j1), (i2, j2) in pairwise(border):
        mine = [i for i in range(i1 + 1, i2) if i in gone]
        others = [j for j in range(j1 + 1, j2) if j in added]
        if [before[i].level + shift for i in mine] == [now[j].level for j in others]:
            for i, j in zip(mine, others, strict=True):
                one, other = old.bodies[i], new.bodies[j]
                is_same = one == other or (len(mine) == 1 and _are_short(one, other))
                yield i, (j, is_same and _is_extended(old, i, new, j))


def _are_short(one: Pieces, other: Pieces) -> bool:
    return max(weigh_all(one), weigh_all(other)) < _MAX_SHORT


def _is_extended(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if one heading has the words or letters of the other, and more."""
    core, other, texts = old.cores[i], new.cores[j], (old.text(i), new.text(j))
    words, others = ({*split_text(render_heading(text))} for text in texts)
    has_more = core in other or other in core or words <= others or others <= words
    return bool(core and other and core != other) and has_more and not _has_other_numbers(*texts)


# -- blocks ---------------------------------------------------------------------------------------


def pair_blocks(
    before: Note, now: Note, headings: Mapping[int, tuple[int, bool]]
) -> dict[str, tuple[str, bool]]:
    """Return the new id of each block whose id is gone, by its lowercase id.

    It is certain if both blocks have the same text, and no other block has it. Otherwise they must
    be in the same section, and the only ones there without a counterpart.
    """
    gone, added = _blocks_without(before, now), _blocks_without(now, before)
    found = {
        block.id.lower(): (added.by_checksum[checksum].id, True)
        for checksum, block in gone.by_checksum.items()
        if checksum in added.by_checksum
    }
    taken = {name for name, _ in found.values()}
    sections = {number: other for number, (other, _) in headings.items()} | {-1: -1}
    for number, blocks in gone.by_section.items():
        mine = [block for block in blocks if block.id.lower() not in found]
        others = [
            block
            for block in added.by_section.get(sections.get(number, -2), ())
            if block.id not in taken
        ]
        if len(mine) == len(others):
            found |= {
                old.id.lower(): (new.id, False) for old, new in zip(mine, others, strict=True)
            }
    return found


class _LostBlocks(NamedTuple):
    """The blocks whose ids another version of the note lacks.

    `by_checksum` has only those whose text no other block of the note has, `by_section` all by the
    number of the heading above them; -1 precedes all headings.
    """

    by_checksum: Mapping[int, BlockId]
    by_section: Mapping[int, list[BlockId]]


def _blocks_without(note: Note, other: Note) -> _LostBlocks:
    kept = {block.id.lower() for block in other.blocks}
    starts = [heading.start for heading in note.headings]
    counts = Counter(block.checksum for block in note.blocks)
    by_checksum: dict[int, BlockId] = {}
    by_section: dict[int, list[BlockId]] = {}
    for block in sorted(note.blocks, key=lambda item: item.start):
        if block.id.lower() not in kept:
            by_section.setdefault(bisect_left(starts, block.start) - 1, []).append(block)
            if block.checksum and counts[block.checksum] == 1:
                by_checksum[block.checksum] = block
    return _LostBlocks(by_checksum, by_section)
