"""Rewrite subpaths so that they lead to the same headings and blocks of a note."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

from vaultlink.index.anchors import (
    build_anchor_table,
    find_anchor,
    find_slug_heading,
    github_slug,
    heading_key,
    render_heading,
    split_parts,
)
from vaultlink.index.suggest_headings import write_part
from vaultlink.links.kinds import SYNTAX
from vaultlink.model import BlockId, Heading, LinkKind, Note
from vaultlink.refactor.relocation import RefusedError

_Item = TypeVar("_Item", Heading, BlockId)


class SubpathMap:
    """The subpaths of links to a note, before and after a change.

    `after` may contain part of the former note; its path may differ.
    """

    def __init__(
        self,
        before: Note,
        after: Note,
        headings: Mapping[int, int] | None = None,
        blocks: Mapping[int, int] | None = None,
    ) -> None:
        """Create a map between two notes.

        `headings` maps the number (from 0) of each heading in `before` that `after`
        contains to its number there; None if both have the same headings. `blocks` is the
        same for blocks.
        """
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
        return (
            find_anchor(self.before, subpath) is None
            and find_anchor(self.after, subpath) is not None
        )

    def new_subpath(self, subpath: str, kind: LinkKind) -> str:
        """Return the subpath that leads to the same heading or block afterwards.

        It stays if it still leads there, or if it led to nothing. Raises RefusedError if no
        subpath leads there, or `after` lacks the heading or block.
        """
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
            yield _replace_part(subpath, f"^{wanted.id}")
            return
        assert isinstance(found, Heading)
        if SYNTAX[kind].reads_slugs and _is_slug(subpath, found):
            yield f"#{github_slug(render_heading(wanted.text))}"
        yield self._replace_parts(subpath)
        yield from list_heading_paths(self.after, wanted)

    def _replace_parts(self, subpath: str) -> str:
        """Return a subpath with the present text of each heading that it names.

        The parts whose headings kept their text stay as written. The parts whose headings are not
        in `after` are dropped.
        """
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
        path = self.after.path
        what = _describe_anchor(found)
        start = f"links with “{subpath}” to {what} in “{self.before.path}” can't be kept"
        if wanted is None:
            return f"{start}: “{path}” will not contain it."
        name = f"#^{wanted.id}" if isinstance(wanted, BlockId) else f"#{write_part(wanted.text)}"
        other = find_anchor(self.after, name)
        if other is None:
            return f"{start}: a link can't name a heading with the text “{_text_of(wanted)}”."
        return (
            f"{start}: “{name}” would lead to {_describe_anchor(other)} of “{path}”. "
            "Choose another text, or rename that one first."
        )


def list_heading_paths(note: Note, heading: Heading) -> Iterator[str]:
    """Yield the subpaths that name a heading by its text and the headings above it.

    The shortest come first. They may lead to other headings of the same names.
    """
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


def _replace_part(subpath: str, part: str) -> str:
    """Return a subpath of one part with another part, and the same marks and spaces."""
    (old,) = split_parts(subpath)
    return subpath.replace(old, part, 1)


def _is_slug(subpath: str, heading: Heading) -> bool:
    """Return True if GitHub follows a subpath of one part to a heading."""
    slug = subpath.removeprefix("#")
    return slug == github_slug(render_heading(heading.text)) and slug != heading.text


def _describe_anchor(item: Heading | BlockId) -> str:
    kind = "the heading" if isinstance(item, Heading) else "the block"
    return f"{kind} “{_text_of(item)}” (line {item.line})"


def _text_of(item: Heading | BlockId) -> str:
    return item.text if isinstance(item, Heading) else f"^{item.id}"
