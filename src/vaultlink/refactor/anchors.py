"""Rename headings and blocks of a note, and find what links to them must say."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from unicodedata import category

from vaultlink.index.anchors import TRAILING_BLOCK_ID, find_anchor, normalize_heading, split_parts
from vaultlink.links.edits import OffsetShift, apply_edits, edit_span, sort_edits
from vaultlink.model import BlockId, Edit, Heading, Note, Owner, SourceSpan
from vaultlink.parse.lines import UNICODE_SPACES
from vaultlink.refactor.relocation import RefusedError
from vaultlink.refactor.subpaths import SubpathMap
from vaultlink.text import lazy_pattern

_BLOCK_ID = lazy_pattern(r"[A-Za-z0-9-]+")


class AnchorChanges(NamedTuple):
    """The edits of a note that rename headings and blocks, and the links to it.

    Each edit replaces the text of one heading, without a block id at its end, or one block id
    without its caret. `subpaths` are those of links before and after.
    """

    edits: tuple[Edit, ...]
    subpaths: SubpathMap


def plan_anchor_renames(
    note: Note, text: str, renames: Sequence[tuple[str, str]], parse: Callable[[str], Note]
) -> AnchorChanges:
    """Plan to rename headings and blocks of a note, all at once.

    `renames` are subpaths before, such as `#Old`, `#A#B` or `#^id`, each with its new text or
    block id. `parse` parses a text as the text of this note. Raises RefusedError if a heading
    or block does not exist or can't have the new text.
    """
    found = [(find_named_anchor(note, subpath), new) for subpath, new in renames]
    for number, (item, _) in enumerate(found):
        if any(item is other for other, _ in found[:number]):
            raise RefusedError(f"“{renames[number][0]}” of “{note.path}” is renamed twice.")
    edits = sort_edits(_edit_name(note, item, new) for item, new in found)
    changed = tuple(edit for edit in edits if text[edit.start : edit.end] != edit.text)
    after_text = apply_edits(text, changed)
    after = parse(after_text)
    _check_block_ids(note, after, found)
    for problem in _find_differences(note, after, text, changed):
        raise RefusedError(f"“{note.path}” would be read differently: {problem}.")
    return AnchorChanges(changed, SubpathMap(note, after))


# -- the edits ------------------------------------------------------------------------------------


def find_named_anchor(note: Note, subpath: str) -> Heading | BlockId:
    """Return the heading or block that a subpath names.

    A heading is also found without its block id. Raises RefusedError if it does not exist, or
    is in a managed section.
    """
    found = find_anchor(note, subpath) or _find_without_block_id(note, subpath)
    if found is None:
        kind = "block" if subpath.startswith("#^") else "heading"
        raise RefusedError(f"“{note.path}” has no {kind} “{subpath}”.")
    managed = (item for item in note.sections if item.owner is not Owner.AUTHOR)
    if any(section.start <= found.start < section.end for section in managed):
        raise RefusedError(f"“{subpath}” of “{note.path}” is in a section that vaultlink writes.")
    return found


def _find_without_block_id(note: Note, subpath: str) -> Heading | None:
    """Return the only heading that has a text before its block id."""
    parts = split_parts(subpath)
    if len(parts) != 1:
        return None
    wanted = normalize_heading(parts[0])
    found = [
        item
        for item in note.headings
        if TRAILING_BLOCK_ID.search(item.text) and normalize_heading(item.text) == wanted
    ]
    return found[0] if len(found) == 1 else None


def _edit_name(note: Note, item: Heading | BlockId, new: str) -> Edit:
    if isinstance(item, BlockId):
        name = new.removeprefix("^")
        if not _BLOCK_ID.fullmatch(name):
            raise RefusedError(
                f"“{new}” is not a block id: a block id has only the letters A to Z, digits and "
                "hyphens."
            )
        return Edit(note.path, item.start + 1, item.end, name)
    name = new.strip(UNICODE_SPACES)
    if not name:
        raise RefusedError(f"the new text of the heading “{item.text}” is empty.")
    if any(category(char) in ("Cc", "Zl", "Zp") for char in name):
        raise RefusedError(
            f"the new text of the heading “{item.text}” has line breaks or control characters."
        )
    if "%%" in name and "%%" not in item.text:
        raise RefusedError("“%%” starts a comment, which a heading can't contain.")
    kept, block_id = _split_block_id(item.text)
    name, own_id = _split_block_id(name)
    if own_id not in ("", block_id):
        raise RefusedError(
            f"the new text “{new}” ends with a block id, which is not part of a heading's name."
        )
    return Edit(note.path, item.start, item.start + len(kept), name)


def _split_block_id(heading: str) -> tuple[str, str]:
    """Return the text of a heading before its block id, and the id; "" if it has none."""
    found = TRAILING_BLOCK_ID.search(heading)
    return (heading[: found.start()].rstrip(), found[1]) if found else (heading, "")


# -- the text afterwards --------------------------------------------------------------------------


def _check_block_ids(
    note: Note, after: Note, found: Iterable[tuple[Heading | BlockId, str]]
) -> None:
    ids = [block.id.lower() for block in after.blocks]
    for item, new in found:
        name = new.removeprefix("^").lower()
        if isinstance(item, BlockId) and name != item.id.lower() and ids.count(name) > 1:
            raise RefusedError(f"“{note.path}” has a block “^{name}” already.")


def _find_differences(before: Note, after: Note, text: str, edits: Sequence[Edit]) -> Iterator[str]:
    """Yield the differences between two versions of a note, except the new names."""
    shift, spans = OffsetShift(edits), [(edit.start, edit.end) for edit in edits]
    expected = [
        (item.level, edit_span(text, item.start, item.end, edits)) for item in before.headings
    ]
    present = [(item.level, item.text) for item in after.headings]
    for old, new, was in zip(expected, present, before.headings, strict=False):
        if old != new:
            yield (
                f"the heading “{was.text}” would become “{new[1]}”, level {new[0]}, instead of "
                f"“{old[1]}”, level {old[0]}"
            )
    if len(expected) != len(present):
        yield f"it would have {len(present)} headings instead of {len(expected)}"
    blocks = [edit_span(text, item.start, item.end, edits) for item in before.blocks]
    if blocks != [f"^{item.id}" for item in after.blocks] or [
        item.block_line for item in before.blocks
    ] != [item.block_line for item in after.blocks]:
        yield "block ids would be added, lost or moved"
    for what, had, has in (
        ("backlinks section", before.sections, after.sections),
        ("link", before.links, after.links),
        ("tag", before.tags, after.tags),
        ("suppression", before.directives, after.directives),
    ):
        if _list_outside(had, spans, shift.map_offset) != _list_outside(has, shift.new_spans):
            yield f"a {what} outside the new text would be added, lost or changed"


def _list_outside(
    items: Iterable[SourceSpan],
    spans: Iterable[tuple[int, int]],
    map_offset: Callable[[int], int] = lambda offset: offset,
) -> list[tuple[object, ...]]:
    """Return the items that are not in replaced texts, by their places afterwards."""
    return [
        (map_offset(item.start), *_describe_item(item))
        for item in items
        if not any(start <= item.start and item.end <= end for start, end in spans)
    ]


def _describe_item(item: SourceSpan) -> tuple[object, ...]:
    """Return what an item is apart from its place."""
    names = ("raw", "in_comment", "in_table_cell", "name", "action", "rules", "owner", "heading")
    place = str(getattr(item, "place", ""))
    return (place, *(getattr(item, name) for name in names if hasattr(item, name)))
