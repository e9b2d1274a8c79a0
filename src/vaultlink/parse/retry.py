"""Read a note again with other text, to see what a change reveals."""

from typing import NamedTuple

from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.lines import split_lines
from vaultlink.parse.note_builder import NoteBuilder

Item = tuple[str, int, str]
"""Kind (`link`, `tag`, `heading`, `block id` or `unclosed block`), offset and text."""


_MAX_TRIALS = 20
_MAX_TRIED_CHARACTERS = 500_000


def count_trials(text: str) -> int:
    """Return how many changes of a note may be tried: each reads the note again."""
    return min(_MAX_TRIALS, 1 + _MAX_TRIED_CHARACTERS // (len(text) + 1))


class BodyItems(NamedTuple):
    """The items in the body of a note, and the targets of links by offset."""

    items: frozenset[Item]
    targets: dict[int, str]


def read_body_items(text: str, body: int) -> BodyItems:
    builder = NoteBuilder(text)
    blocks = read_blocks(split_lines(text, body))
    for run in blocks.runs:
        builder.add_run(run)
    items: set[Item] = {("link", link.start, link.raw) for link in builder.links}
    items.update(("tag", tag.start, tag.name) for tag in builder.tags)
    items.update(("heading", start, f"{level} {name}") for level, name, start, _ in blocks.headings)
    items.update(("block id", at, name) for name, at, _ in blocks.ids)
    items.update(
        ("unclosed block", block.lines[0].offset, block.kind)
        for block in blocks.hiding
        if block.kind
    )
    targets = {
        link.start: link.target for link in builder.links if not link.external and link.target
    }
    return BodyItems(frozenset(items), targets)


def find_revealed(
    before: BodyItems, text: str, body: int, change: tuple[int, int, str]
) -> BodyItems | None:
    """Return what a change of a note reveals, with offsets of the old text.

    None if any item outside the changed span is lost or new. The change is start, end and new
    text.
    """
    start, end, new = change
    after = read_body_items(text[:start] + new + text[end:], body)
    inserted = len(new) - (end - start)
    lead = len(new) - len(new.lstrip("\r\n"))
    items: set[Item] = set()
    for kind, at, name in after.items:
        old = at if at < start else at - lead if at < end + lead else at - inserted
        items.add((kind, old, name))
    revealed = items - before.items
    if before.items - items or any(not start <= at < end for _, at, _ in revealed):
        return None
    targets = {at - lead: target for at, target in after.targets.items()}
    return BodyItems(
        frozenset(revealed),
        {at: targets[at] for kind, at, _ in revealed if kind == "link" and at in targets},
    )
