"""Match the headings and blocks of two versions of a note.

A heading was reworded if the old wording is gone, the new one is new, and the text of the section
is the same.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from vaultlink.history.matcher import Texts, weigh_all
from vaultlink.history.names import is_same_series
from vaultlink.history.section_pairs import MIN_OWN_TEXT, Sections, align_headings, pair_blocks
from vaultlink.index.anchors import (
    find_anchor,
    find_slug_heading,
    heading_key,
    part_key,
    split_parts,
)
from vaultlink.index.suggest_headings import build_subpath
from vaultlink.model import Heading, Note

_MIN_AUTOMATIC_ID = 6
"""Characters of the block ids that Obsidian makes up."""


class NewAnchor(msgspec.Struct, frozen=True):
    """The present subpath of a former heading or block.

    `is_certain` is False if something else may have taken its place.
    """

    subpath: str
    is_certain: bool = True


def anchor_key(subpath: str) -> str:
    """Return the key of a subpath in `History.anchors`.

    It has the keys of the parts with `#` between them.
    """
    return "#".join(map(part_key, split_parts(subpath)))


def last_key(subpath: str) -> str:
    """Return the key of the heading or block that a subpath ends with."""
    return part_key(subpath[subpath.rfind("#") + 1 :].strip())


def match_anchors_of(before: Note, now: Note, subpaths: Iterable[str] = ()) -> dict[str, NewAnchor]:
    """Return what became of headings and blocks that only the earlier version has.

    Args:
        before: The earlier version.
        now: The later version.
        subpaths: Subpaths of links to the earlier version. The missing ones are looked up
            too, so that paths such as `#A#B` and repeated headings have an answer.

    Returns:
        By comparison key of a heading, lowercase id of a block with a caret, or `anchor_key` of
        a subpath.
    """
    pairs = align_headings(before, now)
    write = _subpath_writer(now)
    present = {heading_key(heading.text) for heading in now.headings}
    keys = [heading_key(heading.text) for heading in before.headings]
    counts = Counter(keys)
    found: dict[str, NewAnchor] = {}
    for number, (other, is_certain) in pairs.items():
        key = keys[number]
        if key and key not in present and counts[key] == 1:
            subpath = write(other)
            if subpath:
                found[key] = NewAnchor(subpath, is_certain)
    for written in subpaths:
        if anchor_key(written) not in found and find_anchor(now, written) is None:
            anchor = _match_subpath(written, before, now, pairs)
            if anchor:
                found[anchor_key(written)] = anchor
    for old, (new, is_certain) in pair_blocks(before, now, pairs).items():
        found[f"^{old}"] = NewAnchor(f"#^{new}", is_certain)
    return found


def _subpath_writer(note: Note) -> Callable[[int], str]:
    """Return a function that returns the subpath of a heading, by its number."""
    counts = Counter(heading_key(heading.text) for heading in note.headings)

    def write(number: int) -> str:
        heading = note.headings[number]
        if counts[heading_key(heading.text)] == 1:
            note_of_one = Note(note.path, headings=(heading,))
            return build_subpath(note_of_one, heading)  # the same, without a search
        return build_subpath(note, heading)

    return write


def _match_subpath(
    written: str, before: Note, now: Note, pairs: Mapping[int, tuple[int, bool]]
) -> NewAnchor | None:
    """Return what became of the heading that a subpath led to.

    One that was found by its GitHub anchor is never certain.
    """
    heading = find_anchor(before, written)
    is_slug = heading is None
    if is_slug:
        heading = find_slug_heading(before, written)
    if not isinstance(heading, Heading):
        return None
    number = next(n for n, item in enumerate(before.headings) if item is heading)
    if number not in pairs:
        return None
    other, is_certain = pairs[number]
    path = "" if is_slug else _rewrite_path(written, before, now, pairs)
    if find_anchor(now, path) is now.headings[other]:
        return NewAnchor(path, is_certain)
    subpath = build_subpath(now, now.headings[other])
    return NewAnchor(subpath, is_certain and not is_slug) if subpath else None


def _rewrite_path(
    written: str, before: Note, now: Note, pairs: Mapping[int, tuple[int, bool]]
) -> str:
    """Return a path such as `#A#B` in its present wording; "" if a part is gone."""
    parts = split_parts(written)
    path = ""
    for size in range(1, len(parts) + 1):
        heading = find_anchor(before, "".join(f"#{part}" for part in parts[:size]))
        number = next((n for n, item in enumerate(before.headings) if item is heading), -1)
        if number not in pairs:
            return ""
        present = now.headings[pairs[number][0]]
        is_same = heading_key(present.text) == heading_key(parts[size - 1])
        own = build_subpath(Note(now.path, headings=(present,)), present)
        path += f"#{parts[size - 1]}" if is_same else own
    return path


# -- sections that moved to another note ----------------------------------------------------------


def group_gained(notes: Mapping[str, tuple[Note | None, Note]]) -> dict[str, list[str]]:
    """Map each heading and block that notes have gained to their paths.

    `notes` have the notes that changed or are new, before (None if new) and now.
    """
    found: dict[str, list[str]] = {}
    for path, (old, new) in notes.items():
        for key in anchor_keys(new) - (anchor_keys(old) if old else set()):
            found.setdefault(key, []).append(path)
    return found


def anchor_keys(note: Note) -> set[str]:
    """Return the keys of headings, and lowercase ids of blocks with a caret."""
    keys = {heading_key(heading.text) for heading in note.headings}
    return (keys | {f"^{block.id.lower()}" for block in note.blocks}) - {""}


def find_moved_anchor(
    key: str, before: Note, candidates: Mapping[str, tuple[Note | None, Note]]
) -> tuple[str, str, bool] | None:
    """Return path, subpath and certainty of an anchor that went to another note.

    `candidates` have the notes that changed or are new, before (None if new) and now. Exactly one
    of them must have gained the heading or block. It is certain if its section went with it.
    """
    found = [
        (path, *gained)
        for path, (old, new) in candidates.items()
        if (gained := _find_gained(key, before, old, new))
    ]
    return found[0] if len(found) == 1 else None


def _find_gained(key: str, before: Note, old: Note | None, new: Note) -> tuple[str, bool] | None:
    if key.startswith("^"):
        gained = [block for block in new.blocks if block.id.lower() == key[1:]]
        known = old is not None and any(block.id.lower() == key[1:] for block in old.blocks)
        if len(gained) != 1 or known:
            return None
        is_automatic = len(key) > _MIN_AUTOMATIC_ID and not key[1:].isalpha()
        checksum = gained[0].checksum
        is_same = checksum != 0 and any(
            block.checksum == checksum for block in before.blocks if block.id.lower() == key[1:]
        )
        return f"#^{gained[0].id}", is_automatic or is_same
    if old is not None and any(heading_key(heading.text) == key for heading in old.headings):
        return None
    numbers = [n for n, heading in enumerate(new.headings) if heading_key(heading.text) == key]
    was = [n for n, heading in enumerate(before.headings) if heading_key(heading.text) == key]
    if len(numbers) != 1 or len(was) != 1:
        return None
    subpath = build_subpath(new, new.headings[numbers[0]])
    return (subpath, _is_same_section(before, was[0], new, numbers[0])) if subpath else None


def _is_same_section(before: Note, number: int, now: Note, other: int) -> bool:
    """Return True if a section certainly is one of the same heading in another note."""
    if is_same_series(before.path, now.path):
        return False
    old, new = Sections(before), Sections(now)
    for read in (lambda s, n: s.bodies[n], Sections.read_branch):
        one, present = read(old, number), read(new, other)
        if weigh_all(one) >= MIN_OWN_TEXT:
            if one == present:
                return True
            match = Texts({0: one}, {1: present}).match().get(0)
            return match is not None and match.is_certain
    return False
