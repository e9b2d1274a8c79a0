"""Match the headings and blocks of two versions of a note."""

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar

from vaultlink.history.matcher import Texts, is_same_series
from vaultlink.index.anchors import (
    TRAILING_BLOCK_ID,
    find_anchor,
    find_slug_heading,
    heading_key,
    part_key,
    render_heading,
    split_parts,
)
from vaultlink.index.suggest_headings import build_subpath, differs_in_meaning
from vaultlink.index.words import find_numbers, split_text, weigh_letters
from vaultlink.model import BlockId, Destination, Heading, Note
from vaultlink.parse.pieces import Pieces, list_pieces, weigh_all
from vaultlink.text import group_by, lazy_pattern, strip_accents

# -- pair the sections and blocks of two versions of a note ----------------------------------------
# A section is the text from a heading to the next one. Headings of the same wording are paired
# first, then those with the same letters, and then those whose texts the matcher pairs. What is
# left between the same two neighbours may be the same.

_LONE_LINK = lazy_pattern(r"\[\[[^\[\]]+\]\]|\[[^\[\]]+\]\([^()]+\)")

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
    """The sections of a note, by the numbers of their headings."""

    def __init__(self, note: Note) -> None:
        self.headings = note.headings
        self.keys = [heading_key(heading.text) for heading in note.headings]
        self._pieces = list_pieces(note.pieces)

    @cached_property
    def bodies(self) -> list[Pieces]:
        return [self._read(item.body, item.body_end) for item in self.headings]

    @cached_property
    def _body_counts(self) -> Counter[Pieces]:
        return Counter(self.bodies)

    def read_branch(self, number: int) -> Pieces:
        """Return the pieces below a heading, those below its subheadings included."""
        level, end = self.headings[number].level, self.headings[number].body_end
        for item in self.headings[number + 1 :]:
            if item.level <= level:
                break
            end = item.body_end
        return self._read(self.headings[number].body, end)

    def _read(self, start: int, end: int) -> Pieces:
        return frozenset(self._pieces[start:end])

    @cached_property
    def cores(self) -> list[str]:
        """The letters of the headings, as `extract_heading_core` returns them."""
        return [extract_heading_core(heading.text) for heading in self.headings]

    @cached_property
    def paths(self) -> list[tuple[str, ...]]:
        """The keys of each heading and of those above it, the highest one first."""
        found: list[tuple[str, ...]] = []
        above: list[tuple[int, str]] = []
        for heading, key in zip(self.headings, self.keys, strict=True):
            above = [item for item in above if item[0] < heading.level] + [(heading.level, key)]
            found.append(tuple(item[1] for item in above))
        return found

    def text(self, number: int) -> str:
        return self.headings[number].text

    def is_equal(self, number: int, other: "Sections", other_number: int) -> bool:
        """Return True if two sections have the same text, which tells them from others."""
        body = self.bodies[number]
        return (
            body == other.bodies[other_number]
            and weigh_all(body) >= MIN_OWN_TEXT
            and self._body_counts[body] == other._body_counts[body] == 1
        )


def align_headings(before: Note, now: Note) -> Pairs:
    """Map headings of a note to those of a later version; False if one is doubtful."""
    return _Alignment(Sections(before), Sections(now)).align()


class _Alignment:
    def __init__(self, old: Sections, new: Sections) -> None:
        self._old, self._new = old, new
        self._pairs = _pair_same_keys(old, new)
        counts, present = Counter(old.keys), set(new.keys)
        taken = {j for j, _ in self._pairs.values()}
        self._gone = {
            i
            for i, key in enumerate(old.keys)
            if i not in self._pairs and key and (key not in present or counts[key] > 1)
        }
        self._added = {
            j for j, key in enumerate(new.keys) if key and key not in counts and j not in taken
        }

    def align(self) -> Pairs:
        for find in (
            self._find_respelled,
            self._find_same_texts,
            self._find_same_branches,
            self._find_in_place,
        ):
            if self._gone and self._added:
                found = dict(find())
                self._pairs |= found
                self._gone -= found.keys()
                self._added -= {j for j, _ in found.values()}
        return self._pairs

    def _find_respelled(self) -> Iterator[tuple[int, tuple[int, bool]]]:
        """Yield headings with the same letters, which no other heading has or had."""
        before, now = _number_by(self._old.cores), _number_by(self._new.cores)
        for core, mine in before.items():
            others = now.get(core, ())
            if core and len(mine) == len(others) == 1:
                i, j = mine[0], others[0]
                is_left = i in self._gone and j in self._added
                if is_left and not differs_in_meaning(self._old.text(i), self._new.text(j)):
                    yield i, (j, not self._is_left_link(i, j))

    def _is_left_link(self, i: int, j: int) -> bool:
        """Return True if a heading is only a link now, maybe to a note that has the text.

        The section has less than half of its text, and it was more than a few words.
        """
        text, body = self._new.text(j), self._old.bodies[i]
        if text == self._old.text(i) or not _LONE_LINK.fullmatch(text):
            return False
        weight = weigh_all(body)
        return weight >= MIN_OWN_TEXT and 2 * weigh_all(body & self._new.bodies[j]) < weight

    def _find_same_texts(self) -> Iterator[tuple[int, tuple[int, bool]]]:
        kept: dict[int, list[int]] = {}  # kept sections that have a piece, by numbers below 0
        for number, body in enumerate(self._new.bodies):
            if number not in self._added:
                for piece in body:
                    kept.setdefault(piece, []).append(-1 - number)
        before = {i: self._old.bodies[i] for i in self._gone}
        now = {j: self._new.bodies[j] for j in self._added}
        return self._match(Texts(before, now, kept))

    def _find_same_branches(self) -> Iterator[tuple[int, tuple[int, bool]]]:
        """Yield the headings without a text whose subheadings have the same texts."""

        def read(sections: Sections, numbers: set[int]) -> dict[int, Pieces]:
            return {
                number: sections.read_branch(number)
                for number in numbers
                if weigh_all(sections.bodies[number]) < MIN_OWN_TEXT
            }

        return self._match(Texts(read(self._old, self._gone), read(self._new, self._added)))

    def _match(self, texts: Texts[int]) -> Iterator[tuple[int, tuple[int, bool]]]:
        for i, match in texts.match().items():
            yield i, (match.new, match.is_certain and not self._is_doubtful(i, match.new))

    def _is_doubtful(self, i: int, j: int) -> bool:
        """Return True if a section may have been split, or be another one of its kind."""
        core, cores = self._old.cores[i], self._new.cores
        is_edited = core and core not in cores[j] and not self._old.is_equal(i, self._new, j)
        if is_edited and any(core in cores[number] for number in self._added if number != j):
            return True
        return _has_other_numbers(self._old.text(i), self._new.text(j))

    def _find_in_place(self) -> Iterator[tuple[int, tuple[int, bool]]]:
        """Yield headings of which as many are new as are gone between two others."""
        before, now = self._old.headings, self._new.headings
        pairs = [(i, j) for i, (j, _) in self._pairs.items()]
        shifts = Counter(now[j].level - before[i].level for i, j in pairs)
        shift = max(shifts, key=shifts.__getitem__, default=0)
        border = [(-1, -1), *sorted(pairs), (len(before), len(now))]
        for (i1, j1), (i2, j2) in pairwise(border):
            mine = [i for i in range(i1 + 1, i2) if i in self._gone]
            others = [j for j in range(j1 + 1, j2) if j in self._added]
            if [before[i].level + shift for i in mine] == [now[j].level for j in others]:
                for i, j in zip(mine, others, strict=True):
                    one, other = self._old.bodies[i], self._new.bodies[j]
                    is_short = max(weigh_all(one), weigh_all(other)) < _MAX_SHORT
                    is_same = one == other or (len(mine) == 1 and is_short)
                    yield i, (j, is_same and self._is_extended(i, j))

    def _is_extended(self, i: int, j: int) -> bool:
        """Return True if one heading has the words or letters of the other, and more."""
        core, other = self._old.cores[i], self._new.cores[j]
        texts = self._old.text(i), self._new.text(j)
        words, others = ({*split_text(render_heading(text))} for text in texts)
        has_more = core in other or other in core or words <= others or others <= words
        is_longer = bool(core and other and core != other) and has_more
        return is_longer and not _has_other_numbers(*texts)


def _pair_same_keys(old: Sections, new: Sections) -> Pairs:
    """Pair the headings of the same wording.

    Repeated ones are paired by the headings above them, or else in order. That is certain if none
    was added or removed, or the section is the same.
    """
    old_numbers, new_numbers = _number_by(old.keys), _number_by(new.keys)
    unique = _pair_unique(old_numbers, new_numbers)
    pairs = unique | _pair_unique(_number_by(old.paths), _number_by(new.paths)) | unique
    taken = {j for j, _ in pairs.values()}
    for key, numbers in old_numbers.items():
        left = [i for i in numbers if i not in pairs]
        free = [j for j in new_numbers.get(key, ()) if j not in taken]
        is_complete = len(left) == len(free)
        for i, j in zip(left, free, strict=False):
            if is_complete or old.is_equal(i, new, j):
                pairs[i] = j, is_complete
    return pairs


def _pair_unique(before: Mapping[K, list[int]], now: Mapping[K, list[int]]) -> Pairs:
    return {
        numbers[0]: (now[key][0], True)
        for key, numbers in before.items()
        if len(numbers) == len(now.get(key, ())) == 1
    }


@lru_cache(maxsize=1 << 12)
def extract_heading_core(text: str) -> str:
    """Return the letters and digits of a heading without numbers, or "" for too few."""
    plain = unicodedata.normalize("NFC", render_heading(TRAILING_BLOCK_ID.sub("", text)))
    rest = _NUMBERING.sub("", plain)
    core = "".join(split_text(rest)) or "".join(split_text(plain))
    core = unicodedata.normalize("NFC", strip_accents(core))
    letters = "".join(char for char in core if not char.isdigit())
    return core if weigh_letters(letters) >= _MIN_CORE else ""


def _has_other_numbers(one: str, other: str) -> bool:
    """Return True if two headings have numbers that differ, other than in their order."""
    numbers, others = (find_numbers(split_text(render_heading(text))) for text in (one, other))
    is_part = set(numbers) <= set(others) or set(others) <= set(numbers)
    return not is_part and sorted("".join(numbers)) != sorted("".join(others))


def _number_by(keys: Sequence[K]) -> dict[K, list[int]]:
    return group_by(range(len(keys)), keys.__getitem__)


def pair_blocks(before: Note, now: Note, headings: Pairs) -> dict[str, tuple[str, bool]]:
    """Return the new id of each lost block id; certain if the text is the only one."""
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
        there = added.by_section.get(sections.get(number, -2), ())
        others = [block for block in there if block.id not in taken]
        if len(mine) == len(others):
            pairs = zip(mine, others, strict=True)
            found |= {old.id.lower(): (new.id, False) for old, new in pairs}
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
    lost = [block for block in note.blocks if block.id.lower() not in kept]
    lost.sort(key=lambda block: block.start)
    return _LostBlocks(
        {block.checksum: block for block in lost if block.checksum and counts[block.checksum] == 1},
        group_by(lost, lambda block: bisect_left(starts, block.start) - 1),
    )


# -- match the headings and blocks of two versions of a note ---------------------------------------
# A heading was reworded if the old wording is gone, the new one is new, and the text of the
# section is the same.


_MIN_AUTOMATIC_ID = 6
"""Characters of the block ids that Obsidian makes up."""

NotePair = tuple[Note | None, Note]
"""A note that changed or is new, before (None if new) and now."""


def anchor_key(subpath: str) -> str:
    """Return the keys of a subpath's parts, with `#` between them, for `anchors`."""
    return "#".join(map(part_key, split_parts(subpath)))


def last_key(subpath: str) -> str:
    return part_key(subpath[subpath.rfind("#") + 1 :].strip())


def match_anchors_of(
    before: Note, now: Note, subpaths: Iterable[str] = ()
) -> dict[str, Destination]:
    """Return what became of headings and blocks that only the earlier version has.

    The keys are comparison keys of headings, lowercase ids of blocks with a caret, and `anchor_key`
    of those `subpaths` that the later version lacks, so that paths such as `#A#B` and repeated
    headings have an answer.
    """
    pairs = align_headings(before, now)
    keys = [heading_key(heading.text) for heading in before.headings]
    counts = Counter(keys)
    counts_now = Counter(heading_key(heading.text) for heading in now.headings)
    found: dict[str, Destination] = {}
    for number, (other, is_certain) in pairs.items():
        key, heading = keys[number], now.headings[other]
        if key and key not in counts_now and counts[key] == 1:
            is_unique = counts_now[heading_key(heading.text)] == 1
            subpath = _write_alone(heading, now) if is_unique else build_subpath(now, heading)
            if subpath:
                found[key] = Destination(now.path, subpath, is_certain)
    for written in subpaths:
        if anchor_key(written) not in found and find_anchor(now, written) is None:
            place = _match_subpath(written, before, now, pairs)
            if place:
                found[anchor_key(written)] = place
    for old, (new, is_certain) in pair_blocks(before, now, pairs).items():
        found[f"^{old}"] = Destination(now.path, f"#^{new}", is_certain)
    return found


def _write_alone(heading: Heading, note: Note) -> str:
    """Return the subpath of the only heading with its key, without a search."""
    return build_subpath(Note(note.path, headings=(heading,)), heading)


def _match_subpath(written: str, before: Note, now: Note, pairs: Pairs) -> Destination | None:
    """Return what became of a heading; never certain if found by its GitHub anchor."""
    anchor = find_anchor(before, written)
    heading = anchor or find_slug_heading(before, written)
    number = _find_number(before, heading)
    if number not in pairs:
        return None
    other, is_certain = pairs[number]
    path = _rewrite_path(written, before, now, pairs) if anchor else ""
    if find_anchor(now, path) is now.headings[other]:
        return Destination(now.path, path, is_certain)
    subpath = build_subpath(now, now.headings[other])
    is_certain = is_certain and anchor is not None
    return Destination(now.path, subpath, is_certain) if subpath else None


def _find_number(note: Note, heading: object) -> int:
    """Return the number of a heading in its note; -1 for anything else."""
    return next((n for n, item in enumerate(note.headings) if item is heading), -1)


def _rewrite_path(written: str, before: Note, now: Note, pairs: Pairs) -> str:
    """Return a path such as `#A#B` in its present wording; "" if a part is gone."""
    parts = split_parts(written)
    path = ""
    for size in range(1, len(parts) + 1):
        heading = find_anchor(before, "".join(f"#{part}" for part in parts[:size]))
        number = _find_number(before, heading)
        if number not in pairs:
            return ""
        present = now.headings[pairs[number][0]]
        is_same = heading_key(present.text) == heading_key(parts[size - 1])
        path += f"#{parts[size - 1]}" if is_same else _write_alone(present, now)
    return path


# -- sections that moved to another note ----------------------------------------------------------


def group_gained(notes: Mapping[str, NotePair]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, (old, new) in notes.items():
        for key in anchor_keys(new) - anchor_keys(old):
            found.setdefault(key, []).append(path)
    return found


def anchor_keys(note: Note | None) -> set[str]:
    """Return the keys of headings, and lowercase ids of blocks with a caret."""
    if note is None:
        return set()
    keys = {heading_key(heading.text) for heading in note.headings}
    return (keys | {f"^{block.id.lower()}" for block in note.blocks}) - {""}


def find_moved_anchor(
    key: str, before: Note, candidates: Mapping[str, NotePair]
) -> Destination | None:
    """Return where an anchor went: to the only candidate that gained it, if one did."""
    found = [
        place
        for path, (old, new) in candidates.items()
        if key not in anchor_keys(old) and (place := _find_gained(key, before, path, new))
    ]
    return found[0] if len(found) == 1 else None


def _find_gained(key: str, before: Note, path: str, new: Note) -> Destination | None:
    if key.startswith("^"):
        gained = [block for block in new.blocks if block.id.lower() == key[1:]]
        if len(gained) != 1:
            return None
        is_automatic = len(key) > _MIN_AUTOMATIC_ID and not key[1:].isalpha()
        checksum = gained[0].checksum
        is_same = checksum != 0 and any(
            block.checksum == checksum for block in before.blocks if block.id.lower() == key[1:]
        )
        return Destination(path, f"#^{gained[0].id}", is_automatic or is_same)
    numbers, was = (
        [n for n, heading in enumerate(note.headings) if heading_key(heading.text) == key]
        for note in (new, before)
    )
    if len(numbers) != 1 or len(was) != 1:
        return None
    subpath = build_subpath(new, new.headings[numbers[0]])
    is_certain = _is_same_section(before, was[0], new, numbers[0])
    return Destination(path, subpath, is_certain) if subpath else None


def _is_same_section(before: Note, number: int, now: Note, other: int) -> bool:
    if is_same_series(before.path, now.path):
        return False
    old, new = Sections(before), Sections(now)
    for one, present in (
        (old.bodies[number], new.bodies[other]),
        (old.read_branch(number), new.read_branch(other)),
    ):
        if weigh_all(one) >= MIN_OWN_TEXT:
            if one == present:
                return True
            match = Texts({0: one}, {1: present}).match().get(0)
            return match is not None and match.is_certain
    return False
