"""Rename headings and blocks, and rewrite subpaths so that links follow."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, TypeVar
from unicodedata import category

from vaultlink.index.anchors import (
    TRAILING_BLOCK_ID,
    build_anchor_table,
    find_anchor,
    find_slug_heading,
    github_slug,
    heading_key,
    normalize_heading,
    render_heading,
    split_parts,
)
from vaultlink.index.suggest_headings import write_part
from vaultlink.links.edit_math import OffsetShift, apply_edits, edit_span, sort_edits
from vaultlink.links.kinds import SYNTAX
from vaultlink.model import BlockId, Edit, Heading, LinkKind, Note, Owner, SourceSpan
from vaultlink.parse.lines import UNICODE_SPACES
from vaultlink.refactor.relocation import RefusedError
from vaultlink.text import lazy_pattern, quote_name

_Item = TypeVar("_Item", Heading, BlockId)


class SubpathMap:
    """Maps subpaths of links to a note to those of the same places in `after`.

    That is the note afterwards, or another one that gets a part of it.
    """

    def __init__(
        self,
        before: Note,
        after: Note,
        headings: Mapping[int, int] | None = None,
        blocks: Mapping[int, int] | None = None,
    ) -> None:
        """Map numbers of headings and blocks in `before` to those in `after`; None: equal."""
        self.before = before
        self.after = after
        self._headings = _map_items(before.headings, after.headings, headings)
        self._blocks = _map_items(before.blocks, after.blocks, blocks)

    def contains(self, subpath: str, kind: LinkKind) -> bool:
        """Return True if `after` contains the heading or block that a subpath leads to."""
        found = find_anchor(self.before, subpath)
        if found is None and SYNTAX[kind].reads_slugs:
            found = find_slug_heading(self.before, subpath)
        return found is not None and self._map_anchor(found) is not None

    def captures(self, subpath: str) -> bool:
        """Return True if a subpath without heading or block has one in `after`."""
        is_missing = find_anchor(self.before, subpath) is None
        return is_missing and find_anchor(self.after, subpath) is not None

    def new_subpath(self, subpath: str, kind: LinkKind) -> str:
        """Return the subpath that leads to the same place afterwards. Raises RefusedError."""
        found = find_anchor(self.before, subpath)
        if found is None:
            heading = find_slug_heading(self.before, subpath) if SYNTAX[kind].reads_slugs else None
            return self._new_slug(subpath, heading) if heading else subpath
        wanted = self._map_anchor(found)
        candidates = self._list_candidates(subpath, kind, found, wanted) if wanted else ()
        for candidate in candidates:
            if find_anchor(self.after, candidate) is wanted:
                return candidate
        raise RefusedError(self._describe_conflict(subpath, found, wanted))

    def _map_anchor(self, found: Heading | BlockId) -> Heading | BlockId | None:
        if isinstance(found, Heading):
            return self._headings.get(found.start)
        return self._blocks.get(found.start)

    def _list_candidates(
        self, subpath: str, kind: LinkKind, found: Heading | BlockId, wanted: Heading | BlockId
    ) -> Iterator[str]:
        """Yield the subpaths that may lead to the heading or block, the closest first."""
        yield subpath
        if isinstance(wanted, BlockId):
            (old,) = split_parts(subpath)
            yield subpath.replace(old, f"^{wanted.id}", 1)
            return
        assert isinstance(found, Heading)
        if SYNTAX[kind].reads_slugs and _is_slug(subpath, found):
            yield f"#{github_slug(render_heading(wanted.text))}"
        yield self._replace_parts(subpath)
        yield from list_heading_paths(self.after, wanted)

    def _replace_parts(self, subpath: str) -> str:
        """Return a subpath with the present texts of its headings; missing ones go."""
        written, passed = "", ""
        for piece in subpath.split("#")[1:]:
            part = piece.strip()
            if not part:
                written += f"#{piece}"
                continue
            passed += f"#{part}"
            heading = find_anchor(self.before, passed)
            present = self._map_anchor(heading) if heading else None
            if isinstance(present, Heading):
                is_same = heading_key(present.text) == heading_key(part)
                new = part if is_same else write_part(present.text)
                written += "#" + piece.replace(part, new, 1)
        return written

    def _new_slug(self, subpath: str, heading: Heading) -> str:
        """Return the new subpath of a link that only GitHub follows to a heading."""
        wanted = self._headings.get(heading.start)
        if wanted is None:
            raise RefusedError(self._describe_conflict(subpath, heading, None))
        slugs = build_anchor_table(self.after).slugs
        own = (f"#{slug}" for slug, item in slugs.items() if item is wanted and slug)
        for candidate in (subpath, *own):
            leads_to = find_anchor(self.after, candidate)
            if find_slug_heading(self.after, candidate) is wanted and leads_to in (None, wanted):
                return candidate
        for candidate in list_heading_paths(self.after, wanted):
            if find_anchor(self.after, candidate) is wanted:
                return candidate
        raise RefusedError(self._describe_conflict(subpath, heading, wanted))

    def _describe_conflict(
        self, subpath: str, found: Heading | BlockId, wanted: Heading | BlockId | None
    ) -> str:
        path, place = self.after.path, quote_name(self.before.path)
        links = f"links with {quote_name(subpath)} to {_describe_anchor(found)} in {place}"
        start = f"{links} can't be kept"
        if wanted is None:
            return f"{start}: {quote_name(path)} will not contain it."
        name = f"#^{wanted.id}" if isinstance(wanted, BlockId) else f"#{write_part(wanted.text)}"
        other = find_anchor(self.after, name)
        if other is None:
            text = quote_name(_text_of(wanted))
            return f"{start}: a link can't name a heading with the text {text}."
        where = f"{_describe_anchor(other)} of {quote_name(path)}"
        problem = f"{quote_name(name)} would lead to {where}"
        return f"{start}: {problem}. Choose another text, or rename that one first."


def list_heading_paths(note: Note, heading: Heading) -> Iterator[str]:
    """Yield subpaths of a heading, the shortest first; other headings may share them."""
    parents, above = build_anchor_table(note).parents, []
    parent = parents[heading.start]
    while parent:
        above.append(parent)
        parent = parents[parent.start]
    last = write_part(heading.text)
    for count in range(len(above) + 1) if last else ():
        for chosen in combinations(above, count):
            parts = [write_part(item.text) for item in reversed(chosen)]
            if all(parts):
                yield "".join(f"#{part}" for part in (*parts, last))


def _map_items(
    before: Sequence[_Item], after: Sequence[_Item], numbers: Mapping[int, int] | None
) -> dict[int, _Item]:
    if numbers is None:
        return {old.start: new for old, new in zip(before, after, strict=True)}
    return {before[old].start: after[new] for old, new in numbers.items()}


def _is_slug(subpath: str, heading: Heading) -> bool:
    """Return True if GitHub follows a subpath of one part to a heading."""
    slug = subpath.removeprefix("#")
    return slug == github_slug(render_heading(heading.text)) and slug != heading.text


def _describe_anchor(item: Heading | BlockId) -> str:
    kind = "the heading" if isinstance(item, Heading) else "the block"
    return f"{kind} {quote_name(_text_of(item))} (line {item.line})"


def _text_of(item: Heading | BlockId) -> str:
    return item.text if isinstance(item, Heading) else f"^{item.id}"


# -- rename headings and blocks of a note, and find what links to them must say --------------------


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
            name = quote_name(renames[number][0])
            raise RefusedError(f"{name} of {quote_name(note.path)} is renamed twice.")
    edits = sort_edits(_edit_name(note, item, new) for item, new in found)
    changed = tuple(edit for edit in edits if text[edit.start : edit.end] != edit.text)
    after_text = apply_edits(text, changed)
    after = parse(after_text)
    ids = [block.id.lower() for block in after.blocks]
    for item, new in found:
        name = new.removeprefix("^").lower()
        if isinstance(item, BlockId) and name != item.id.lower() and ids.count(name) > 1:
            block = quote_name("^" + name)
            raise RefusedError(f"{quote_name(note.path)} has a block {block} already.")
    for problem in _find_differences(note, after, text, changed):
        raise RefusedError(f"{quote_name(note.path)} would be read differently: {problem}.")
    return AnchorChanges(changed, SubpathMap(note, after))


def find_named_anchor(note: Note, subpath: str) -> Heading | BlockId:
    """Return what a subpath names, also without its block id. Raises RefusedError."""
    found = find_anchor(note, subpath) or _find_without_block_id(note, subpath)
    if found is None:
        kind = "block" if subpath.startswith("#^") else "heading"
        raise RefusedError(f"{quote_name(note.path)} has no {kind} {quote_name(subpath)}.")
    managed = (item for item in note.sections if item.owner is not Owner.AUTHOR)
    if any(section.start <= found.start < section.end for section in managed):
        name = f"{quote_name(subpath)} of {quote_name(note.path)}"
        raise RefusedError(f"{name} is in a section that vaultlink writes.")
    return found


def _find_without_block_id(note: Note, subpath: str) -> Heading | None:
    """Return the only heading that has a text before its block id."""
    parts = split_parts(subpath)
    if len(parts) != 1:
        return None
    wanted = normalize_heading(parts[0])
    marked = (item for item in note.headings if TRAILING_BLOCK_ID.search(item.text))
    found = [item for item in marked if normalize_heading(item.text) == wanted]
    return found[0] if len(found) == 1 else None


def _edit_name(note: Note, item: Heading | BlockId, new: str) -> Edit:
    if isinstance(item, BlockId):
        name = new.removeprefix("^")
        if not _BLOCK_ID.fullmatch(name):
            rule = "a block id has only the letters A to Z, digits and hyphens"
            raise RefusedError(f"{quote_name(new)} is not a block id: {rule}.")
        return Edit(note.path, item.start + 1, item.end, name)
    name = new.strip(UNICODE_SPACES)
    what = f"the new text of the heading {quote_name(item.text)}"
    if not name:
        raise RefusedError(f"{what} is empty.")
    if any(category(char) in ("Cc", "Zl", "Zp") for char in name):
        raise RefusedError(f"{what} has line breaks or control characters.")
    if half := next((char for char in name if category(char) == "Cs"), ""):
        raise RefusedError(f"{what} contains U+{ord(half):04X}, only a part of a character.")
    if "%%" in name and "%%" not in item.text:
        raise RefusedError("“%%” starts a comment, which a heading can't contain.")
    kept, block_id = _split_block_id(item.text)
    name, own_id = _split_block_id(name)
    if own_id not in ("", block_id):
        problem = "ends with a block id, which is not part of a heading's name"
        raise RefusedError(f"the new text {quote_name(new)} {problem}.")
    return Edit(note.path, item.start, item.start + len(kept), name)


def _split_block_id(heading: str) -> tuple[str, str]:
    """Return the text of a heading before its block id, and the id; "" if it has none."""
    found = TRAILING_BLOCK_ID.search(heading)
    return (heading[: found.start()].rstrip(), found[1]) if found else (heading, "")


def _find_differences(before: Note, after: Note, text: str, edits: Sequence[Edit]) -> Iterator[str]:
    """Yield the differences between two versions of a note, except the new names."""
    shift, spans = OffsetShift(edits), [(edit.start, edit.end) for edit in edits]
    headings = before.headings
    expected = [(it.level, edit_span(text, it.start, it.end, edits)) for it in headings]
    present = [(item.level, item.text) for item in after.headings]
    for old, new, was in zip(expected, present, headings, strict=False):
        if old != new:
            now = f"{quote_name(new[1])}, level {new[0]}"
            wanted = f"{quote_name(old[1])}, level {old[0]}"
            yield f"the heading {quote_name(was.text)} would become {now}, instead of {wanted}"
    if len(expected) != len(present):
        yield f"it would have {len(present)} headings instead of {len(expected)}"
    blocks = [(edit_span(text, it.start, it.end, edits), it.block_line) for it in before.blocks]
    if blocks != [(f"^{item.id}", item.block_line) for item in after.blocks]:
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
