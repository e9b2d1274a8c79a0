"""Match the headings and blocks of two versions of a note.

A heading was reworded if it was replaced by one other at the same place: the headings around it are
the same, the old wording is gone, the new one is new. Similar wording is never enough.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

import msgspec

from vaultlink.index.anchors import heading_key
from vaultlink.index.suggest_headings import build_subpath
from vaultlink.model import Heading, Note, SourceSpan

_MIN_SHARED_LENGTH = 0.5
"""Minimum ratio of the lengths of two sections that may be the same."""

_MIN_SAME_WORDS = 0.5
"""Minimum share of common words of two headings whose sections differ."""


class NewAnchor(msgspec.Struct, frozen=True):
    """What became of a heading or block: its subpath now.

    `is_certain` is False if something else may have taken its place.
    """

    subpath: str
    is_certain: bool = True


def match_anchors_of(before: Note, now: Note) -> dict[str, NewAnchor]:
    """Return what became of the headings and blocks that the earlier version alone has.

    The keys are the comparison keys of headings, and lowercase ids of blocks with a caret.
    """
    pairs = align_headings(before, now)
    present = {heading_key(heading.text) for heading in now.headings}
    counts = Counter(heading_key(heading.text) for heading in before.headings)
    found: dict[str, NewAnchor] = {}
    for number, (other, is_certain) in pairs.items():
        key = heading_key(before.headings[number].text)
        if key and key not in present and counts[key] == 1:
            subpath = build_subpath(now, now.headings[other])
            if subpath:
                found[key] = NewAnchor(subpath, is_certain)
    return {**found, **_match_blocks(before, now)}


def align_headings(before: Note, now: Note) -> dict[int, tuple[int, bool]]:
    """Map each heading of a note to the same one in a later version, by their numbers.

    The second value is False if another heading may have taken its place.
    """
    old = [heading_key(heading.text) for heading in before.headings]
    new = [heading_key(heading.text) for heading in now.headings]
    pairs: dict[int, tuple[int, bool]] = {}
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pairs.update(zip(range(i1, i2), ((j, True) for j in range(j1, j2)), strict=True))
        elif kind == "replace":
            pairs.update(_pair_replaced(before, now, range(i1, i2), range(j1, j2)))
    _pair_moved(old, new, pairs)
    return pairs


def _pair_moved(old: Sequence[str], new: Sequence[str], pairs: dict[int, tuple[int, bool]]) -> None:
    """Pair headings with the same unique wording that changed places."""
    taken = {other for other, _ in pairs.values()}
    counts, old_counts = Counter(new), Counter(old)
    for number, key in enumerate(old):
        if counts[key] == 1 and old_counts[key] == 1:
            other = new.index(key)
            if pairs.get(number, (other,))[0] != other or (
                number not in pairs and other not in taken
            ):
                pairs[number] = (other, True)


def _pair_replaced(
    before: Note, now: Note, old: Sequence[int], new: Sequence[int]
) -> Iterator[tuple[int, tuple[int, bool]]]:
    """Pair the headings of a run that was replaced by another run.

    Runs of equal length are paired in order if the levels agree; otherwise those whose sections
    are the same.
    """
    texts = {heading_key(heading.text) for heading in before.headings}
    present = {heading_key(heading.text) for heading in now.headings}
    gone = [i for i in old if heading_key(before.headings[i].text) not in present]
    added = [j for j in new if heading_key(now.headings[j].text) not in texts]
    if len(gone) == len(added) and [before.headings[i].level for i in gone] == [
        now.headings[j].level for j in added
    ]:
        for i, j in zip(gone, added, strict=True):
            yield i, (j, _is_same_section(before, i, now, j))
        return
    if len(gone) == len(added) == 1:
        yield gone[0], (added[0], _is_same_section(before, gone[0], now, added[0]))
        return
    for i in gone:
        same = [j for j in added if _has_same_body(before, i, now, j)]
        if len(same) == 1:
            yield i, (same[0], True)


def _is_same_section(before: Note, i: int, now: Note, j: int) -> bool:
    """Return True if two headings at the same place certainly begin the same section."""
    if _has_same_body(before, i, now, j):
        return True
    old, new = _section_length(before, i), _section_length(now, j)
    links, others = _section_links(before, i), _section_links(now, j)
    if links and others and not (links & others):
        return False
    words = set(heading_key(before.headings[i].text).split())
    other_words = set(heading_key(now.headings[j].text).split())
    shared = 2 * len(words & other_words) / max(1, len(words) + len(other_words))
    if shared >= _MIN_SAME_WORDS or (links and links & others):
        return True
    if old is None or new is None:
        return old is None and new is None
    return min(old, new) >= _MIN_SHARED_LENGTH * max(old, new)


def _has_same_body(before: Note, i: int, now: Note, j: int) -> bool:
    """Return True if two sections have text of the same length, and the same links."""
    length = _section_length(before, i)
    return (
        length is not None
        and length > len("\n\n\n")
        and length == _section_length(now, j)
        and _section_links(before, i) == _section_links(now, j)
    )


def _section_length(note: Note, number: int) -> int | None:
    """Return the number of characters between a heading and the next one.

    None for the last one: the length of the text is unknown.
    """
    following = note.headings[number + 1 : number + 2]
    if not following:
        return None
    marks = following[0].level + 1
    return following[0].start - marks - note.headings[number].end


def _section_links(note: Note, number: int) -> set[str]:
    """Return the links and block ids in a section, without those of its subsections."""
    start = note.headings[number].end
    end = next((heading.start for heading in note.headings[number + 1 : number + 2]), None)

    def is_inside(item: SourceSpan) -> bool:
        return start <= item.start and (end is None or item.start < end)

    return {
        *(link.raw for link in note.links if is_inside(link)),
        *(f"^{block.id}" for block in note.blocks if is_inside(block)),
    }


# -- blocks ---------------------------------------------------------------------------------------


def _match_blocks(before: Note, now: Note) -> dict[str, NewAnchor]:
    """Return what became of block ids that are gone: the new id at the same place.

    The block must be between the same neighbours, or the only one of its section.
    """
    old = [block.id.lower() for block in before.blocks]
    new = [block.id.lower() for block in now.blocks]
    found = {}
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "replace" or i2 - i1 != j2 - j1:
            continue
        for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
            if old[i] not in new and new[j] not in old:
                is_certain = _block_section(before, i) == _block_section(now, j)
                found[f"^{old[i]}"] = NewAnchor(f"#^{now.blocks[j].id}", is_certain)
    return found


def _block_section(note: Note, number: int) -> object:
    """Return the place of a block: its section, and the blocks and links before it there."""
    block = note.blocks[number]
    above: Heading | None = None
    for heading in note.headings:
        if heading.start < block.start:
            above = heading
    start = above.end if above else 0
    return (
        heading_key(above.text) if above else "",
        sum(start <= other.start < block.start for other in note.blocks),
        block.start - start,
    )


# -- sections that moved to another note ----------------------------------------------------------


def find_moved_anchor(
    key: str, before: Note, candidates: Mapping[str, tuple[Note | None, Note]]
) -> tuple[str, str] | None:
    """Return path and subpath of a heading or block that went to another note.

    `candidates` have the notes that changed or are new, before (None if new) and now. Exactly one
    of them must have gained the heading or block. A heading must have its section with it: the
    same links and blocks, or the same length.
    """
    found = [
        (path, subpath)
        for path, (old, new) in candidates.items()
        if (subpath := _find_gained(key, before, old, new))
    ]
    return found[0] if len(found) == 1 else None


def _find_gained(key: str, before: Note, old: Note | None, new: Note) -> str:
    if key.startswith("^"):
        gained = [block.id for block in new.blocks if block.id.lower() == key[1:]]
        known = old is not None and any(block.id.lower() == key[1:] for block in old.blocks)
        return f"#^{gained[0]}" if gained and not known else ""
    if old is not None and any(heading_key(heading.text) == key for heading in old.headings):
        return ""
    numbers = [n for n, heading in enumerate(new.headings) if heading_key(heading.text) == key]
    was = [n for n, heading in enumerate(before.headings) if heading_key(heading.text) == key]
    if len(numbers) != 1 or len(was) != 1:
        return ""
    links = _section_links(before, was[0])
    is_same = (
        bool(links & _section_links(new, numbers[0]))
        or _has_same_body(before, was[0], new, numbers[0])
        or (_section_length(before, was[0]) is None and not links)
    )
    return build_subpath(new, new.headings[numbers[0]]) if is_same else ""
