"""Pair the headings and blocks of two versions of a note.

Headings of the same wording are paired first. They divide the note into gaps, in which headings
that are gone are compared with those that are new.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from vaultlink.history.longest_run import longest_run
from vaultlink.history.note_sections import (
    Sections,
    has_other_items,
    has_same_children,
    has_same_items,
    is_alike,
    is_nearly_same,
    is_structural,
)
from vaultlink.history.wording import Likeness, compare_wording, heading_core
from vaultlink.model import Note
from vaultlink.text import lazy_pattern

_NUMBER = lazy_pattern(r"\d+")

Pairs = dict[int, tuple[int, bool]]
"""Number of a heading before to its number now, and whether it certainly is the same one."""

_MAX_GAP = 10_000
"""Maximum number of pairs of headings in a gap that are compared with each other."""

_MAX_CHOICES, _MIN_EQUAL_BODIES = 4, 2
"""Maximum number of pairs of headings in a gap of which a single one may have equal lengths.

Among more pairs, at least the second number of them must have.
"""


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
    _pair_unique(pairs, gone, added, old.body, new.body, _is_same_elsewhere(old, new))
    _pair_unique(
        pairs,
        gone,
        added,
        lambda i: heading_core(before.headings[i].text),
        lambda j: heading_core(now.headings[j].text),
        _is_respelled(old, new),
    )
    shift = _common_shift(old, new, pairs)
    for find in (_find_same_bodies, _find_same_contents, _find_like_wordings):
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
    body = old.body(i)
    is_proven = has_same_items(old, i, new, j) or (body is not None and body == new.body(j))
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
                key, body = old.keys[i], old.body(i)
                is_same = body is not None and body == new.body(j)
                pairs[i] = j, counts[key] == now_counts[key] or is_same
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


def _is_same_elsewhere(old: Sections, new: Sections) -> Callable[[int, int], bool]:
    """Return a test of sections of the same length and items anywhere in a note."""

    def test(i: int, j: int) -> bool:
        return (
            len(old.items[i]) > 1
            or has_same_items(old, i, new, j)
            or compare_wording(old.text(i), new.text(j)) is not Likeness.NONE
        )

    return test


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


def _find_same_bodies(
    old: Sections, mine: Sequence[int], new: Sections, others: Sequence[int], _shift: int
) -> list[tuple[int, int]]:
    """Return the headings whose sections have the same length, links and blocks.

    One such pair among many may be chance.
    """
    after = _by_mark(others, new.body)
    found = [
        (numbers[0], same[0])
        for body, numbers in _by_mark(mine, old.body).items()
        if len(numbers) == len(same := after.get(body, [])) == 1
    ]
    kept = {found[n] for n in longest_run([j for _, j in found])}
    is_chance = len(mine) * len(others) > _MAX_CHOICES and len(kept) < _MIN_EQUAL_BODIES
    return [
        (i, j)
        for i, j in found
        if ((i, j) in kept and not is_chance)
        or compare_wording(old.text(i), new.text(j)) is not Likeness.NONE
    ]


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
    """Return the pairs whose headings are in no other pair."""
    by_old, by_new = Counter(i for i, _ in pairs), Counter(j for _, j in pairs)
    return [(i, j) for i, j in pairs if by_old[i] == by_new[j] == 1]


# -- blocks ---------------------------------------------------------------------------------------


def pair_blocks(
    before: Note, now: Note, headings: Mapping[int, tuple[int, bool]]
) -> dict[str, tuple[str, bool]]:
    """Return the new id of each block whose id is gone, by its lowercase id.

    Both must be in the same section, and the only ones there without a counterpart; it is certain
    if the text before the block has the same length.
    """
    old, new = _blocks_by_section(before), _blocks_by_section(now)
    had = {block.id.lower() for block in before.blocks}
    present = {block.id.lower() for block in now.blocks}
    sections = {-1: (-1, True), **headings}
    found: dict[str, tuple[str, bool]] = {}
    for number, blocks in old.items():
        other, is_certain = sections.get(number, (None, False))
        others = new.get(other, []) if other is not None else []
        gone = [(at, name) for at, name in blocks if name.lower() not in present]
        added = [(at, name) for at, name in others if name.lower() not in had]
        if len(gone) != len(added) or not gone:
            continue
        places = [item for item in _without_ids(blocks) if item[1].lower() not in present]
        now_places = [item for item in _without_ids(others) if item[1].lower() not in had]
        for (at, name), (now_at, now_name) in zip(places, now_places, strict=True):
            found[name.lower()] = now_name, is_certain and at == now_at and at > len("\n\n- ")
    return found


def _blocks_by_section(note: Note) -> dict[int, list[tuple[int, str]]]:
    """Return offset and id of the blocks of each section; -1 precedes all headings."""
    found: dict[int, list[tuple[int, str]]] = {}
    number = -1
    for block in sorted(note.blocks, key=lambda item: item.start):
        while number + 1 < len(note.headings) and note.headings[number + 1].start < block.start:
            number += 1
        start = note.headings[number].end if number >= 0 else 0
        found.setdefault(number, []).append((block.start - start, block.id))
    return found


def _without_ids(blocks: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the blocks with their offsets, less the lengths of the ids before them."""
    length = 0
    for at, name in blocks:
        yield at - length, name
        length += len(name)
