"""Match the headings and blocks of two versions of a note.

A heading was reworded if the old wording is gone, the new one is new, and the text of the section
is the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from vaultlink.history.matcher import Texts, weigh_all
from vaultlink.history.names import is_same_series
from vaultlink.history.section_pairs import (
    MIN_OWN_TEXT,
    Pairs,
    Sections,
    align_headings,
    pair_blocks,
)
from vaultlink.index.anchors import (
    find_anchor,
    find_slug_heading,
    heading_key,
    part_key,
    split_parts,
)
from vaultlink.index.suggest_headings import build_subpath
from vaultlink.model import Destination, Heading, Note

_MIN_AUTOMATIC_ID = 6
"""Characters of the block ids that Obsidian makes up."""


NotePair = tuple[Note | None, Note]
"""A note that changed or is new, before (None if new) and now."""


def anchor_key(subpath: str) -> str:
    """Return the key of a subpath in `History.anchors`.

    It has the keys of the parts with `#` between them.
    """
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
    """Return what became of the heading that a subpath led to.

    One that was found by its GitHub anchor is never certain.
    """
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
    """Return the place of a heading or block that went to another note.

    Exactly one of the candidates must have gained it. It is certain if its section went with it.
    """
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
