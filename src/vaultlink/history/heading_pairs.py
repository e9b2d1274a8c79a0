"""Pair the headings and blocks of two versions of a note.

Headings of the same wording are paired first. They divide the note into gaps, in which headings
that are gone are compared with those that are new.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from vaultlink.history.note_sections import (
    Sections,
    has_other_items,
    has_same_body,
    has_same_children,
    has_same_items,
    is_alike,
    is_nearly_same,
    is_structural,
)
from vaultlink.history.wording import Likeness, compare_wording, heading_core
from vaultlink.model import BlockId, Note
from vaultlink.text import lazy_pattern

_NUMBER = lazy_pattern(r"\d+")

Pairs = dict[int, tuple[int, bool]]
"""Number of a heading before to its number now, and whether it certainly is the same one."""

_MAX_GAP = 10_000
"""Maximum number of pairs of headings in a gap that are compared with each other."""


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
    if not gone or not added:
        return pairs
    _pair_unique(
        pairs,
        gone,
        added,
        lambda i: heading_core(before.headings[i].text),
        lambda j: heading_core(now.headings[j].text),
        _is_respelled(old, new),
    )
    _pair_unique(pairs, gone, added, old.body, new.body, lambda *_: True)
    shift = _common_shift(old, new, pairs)
    for find in (_find_same_contents, _find_like_wordings):
        for mine, others in list(_gaps(pairs, gone, added)):
            for i, j in find(old, mine, new, others, shift):
                pairs[i] = j, True
                gone.discard(i)
                added.discard(j)
    for mine, others in list(_gaps(pairs, gone, added)):
        pairs.update((i, (j, False)) for i, j in _find_likely(old, mine, new, others, shift))
    return {
        i: (j, is_certain and not _is_doubtful(old, i, new, j))
        for i, (j, is_certain) in pairs.items()
    }


def _is_doubtful(old: Sections, i: int, new: Sections, j: int) -> bool:
    """Return True if a section of the same kind may have taken the place of another.

    Such as one with another number, or one with the same subheadings only.
    """
    one, other = old.text(i), new.text(j)
    if old.keys[i] == new.keys[j]:
        return False
    numbers, others = set(_NUMBER.findall(one)), set(_NUMBER.findall(other))
    if not (numbers <= others or others <= numbers):
        return compare_wording(one, other) is not Likeness.RESPELT
    is_proven = has_same_items(old, i, new, j) or has_same_body(old, i, new, j)
    return (
        not is_proven
        and compare_wording(one, other) is Likeness.NONE
        and not (old.is_title(i) and new.is_title(j))
    )


# -- headings of the same wording -----------------------------------------------------------------


def _pair_same_keys(old: Sections, new: Sections) -> Pairs:
    """Pair the headings of the same wording.

    Repeated ones are paired between those that are unique. A pair of them is certain if none was
    added or removed, or the section is the same.
    """
    counts, now_counts = Counter(old.keys), Counter(new.keys)
    places = {key: j for j, key in enumerate(new.keys)}
    unique = [
        (i, places[key])
        for i, key in enumerate(old.keys)
        if counts[key] == 1 == now_counts.get(key)
    ]
    pairs: Pairs = {i: (j, True) for i, j in unique}
    kept = longest_run([j for _, j in unique])
    border = [(-1, -1), *(unique[n] for n in kept), (len(old.keys), len(new.keys))]
    for (i1, j1), (i2, j2) in pairwise(border):
        for i, j in _match_run(old.keys, range(i1 + 1, i2), new.keys, range(j1 + 1, j2)):
            if i not in pairs:
                is_complete = counts[old.keys[i]] == now_counts[old.keys[i]]
                pairs[i] = j, is_complete or has_same_body(old, i, new, j)
    return pairs


def _match_run(
    old: Sequence[str], mine: range, new: Sequence[str], others: range
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of equal keys in two runs, in order."""
    if len(mine) * len(others) > _MAX_GAP:
        for i, j in zip(mine, others, strict=False):
            if old[i] != new[j]:
                break
            yield i, j
        return
    matcher = SequenceMatcher(None, [old[i] for i in mine], [new[j] for j in others], False)
    for block in matcher.get_matching_blocks():
        for n in range(block.size):
            yield mine[block.a + n], others[block.b + n]


# -- reworded ones, wherever they are -------------------------------------------------------------


def _pair_unique(
    pairs: Pairs,
    gone: set[int],
    added: set[int],
    mark: Callable[[int], object],
    now_mark: Callable[[int], object],
    is_same: Callable[[int, int], bool],
) -> None:
    """Pair headings whose mark one other has, and remove them from both sets."""
    before, after = _by_mark(gone, mark), _by_mark(added, now_mark)
    for value, mine in before.items():
        others = after.get(value, [])
        if len(mine) == len(others) == 1 and is_same(mine[0], others[0]):
            pairs[mine[0]] = others[0], True
            gone.discard(mine[0])
            added.discard(others[0])


def _by_mark(numbers: Iterable[int], mark: Callable[[int], object]) -> dict[object, list[int]]:
    found: dict[object, list[int]] = {}
    for number in sorted(numbers):
        value = mark(number)
        if value:
            found.setdefault(value, []).append(number)
    return found


def _is_respelled(old: Sections, new: Sections) -> Callable[[int, int], bool]:
    """Return a test of headings with the same letters, which no other has or had."""
    cores = Counter(heading_core(heading.text) for heading in old.note.headings)
    now_cores = Counter(heading_core(heading.text) for heading in new.note.headings)

    def test(i: int, j: int) -> bool:
        one, other = old.text(i), new.text(j)
        core = heading_core(one)
        return (
            cores[core] == 1 == now_cores[core] and compare_wording(one, other) is Likeness.RESPELT
        )

    return test


# -- gaps -----------------------------------------------------------------------------------------


def _gaps(pairs: Pairs, gone: set[int], added: set[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the headings that are gone and new between the same two neighbours."""
    known = sorted((i, j) for i, (j, _) in pairs.items())
    kept = longest_run([j for _, j in known])
    border = [(-1, -1), *(known[n] for n in kept)]
    gaps: dict[int, tuple[list[int], list[int]]] = {}
    for side, numbers in enumerate((sorted(gone), sorted(added))):
        at = 0
        for number in numbers:
            while at + 1 < len(border) and border[at + 1][side] < number:
                at += 1
            gaps.setdefault(at, ([], []))[side].append(number)
    for mine, others in gaps.values():
        if mine and others:
            yield mine, others


def _common_shift(old: Sections, new: Sections, pairs: Pairs) -> int:
    """Return the change of level of most headings."""
    shifts = Counter(new.levels[j] - old.levels[i] for i, (j, _) in pairs.items())
    return shifts.most_common(1)[0][0] if shifts else 0


def _find_same_contents(
    old: Sections, mine: Sequence[int], new: Sections, others: Sequence[int], shift: int
) -> list[tuple[int, int]]:
    """Return the pairs of headings with the same links, blocks or subheadings."""
    if len(mine) * len(others) > _MAX_GAP:
        return []
    is_alone = len(mine) == len(others) == 1
    found = [
        (i, j)
        for i in mine
        for j in others
        if (has_same_items(old, i, new, j) and is_alike(old, i, new, j, is_alone))
        or (has_same_children(old, i, new, j) and is_structural(old, i, new, j, is_alone))
    ]
    return [(i, j) for i, j in _keep_unique(found) if new.levels[j] - old.levels[i] == shift]


def _find_like_wordings(
    old: Sections, mine: Sequence[int], new: Sections, others: Sequence[int], shift: int
) -> list[tuple[int, int]]:
    """Return the pairs of headings of which one has the words of the other.

    No other heading of the gap may have them. Their sections must not be too different.
    """
    if len(mine) * len(others) > _MAX_GAP:
        return []
    found = [
        (i, j)
        for i in mine
        for j in others
        if compare_wording(old.text(i), new.text(j)) in (Likeness.RESPELT, Likeness.EXTENDED)
    ]
    pairs = {
        (i, j)
        for i, j in _keep_unique(found)
        if not has_other_items(old, i, new, j)
        and is_alike(old, i, new, j, _is_in_place(i, mine, j, others))
        and (new.levels[j] - old.levels[i] == shift or is_alike(old, i, new, j, False))
    }
    if len(mine) == len(others) == 1 and not pairs:
        (i,), (j,) = mine, others
        likeness = compare_wording(old.text(i), new.text(j))
        is_same = is_nearly_same(old, i, new, j) or (old.is_title(i) and new.is_title(j))
        if likeness is Likeness.SIMILAR and is_same and new.levels[j] - old.levels[i] == shift:
            pairs.add((i, j))
    return sorted(pairs)


def _is_in_place(i: int, mine: Sequence[int], j: int, others: Sequence[int]) -> bool:
    """Return True if two headings of equally long lists have the same position."""
    return len(mine) == len(others) and mine.index(i) == others.index(j)


def _find_likely(
    old: Sections, mine: Sequence[int], new: Sections, others: Sequence[int], shift: int
) -> list[tuple[int, int]]:
    """Return the pairs of headings that may be the same.

    They are in order if their levels are, or else resemble each other alone.
    """
    if [old.levels[i] + shift for i in mine] == [new.levels[j] for j in others]:
        return list(zip(mine, others, strict=True))
    if len(mine) * len(others) > _MAX_GAP:
        return []
    return _keep_unique(
        [
            (i, j)
            for i in mine
            for j in others
            if compare_wording(old.text(i), new.text(j)) is not Likeness.NONE
        ]
    )


def _keep_unique(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    by_old, by_new = Counter(i for i, _ in pairs), Counter(j for _, j in pairs)
    return [(i, j) for i, j in pairs if by_old[i] == by_new[j] == 1]


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


def longest_run(values: Sequence[int]) -> list[int]:
    """Return the positions of the longest increasing subsequence of distinct values."""
    ends: list[int] = []
    at: list[int] = []
    previous: list[int] = []
    for position, value in enumerate(values):
        place = bisect_left(ends, value)
        if place == len(ends):
            ends.append(value)
            at.append(position)
        else:
            ends[place] = value
            at[place] = position
        previous.append(at[place - 1] if place else -1)
    found = []
    position = at[-1] if at else -1
    while position >= 0:
        found.append(position)
        position = previous[position]
    return found[::-1]
