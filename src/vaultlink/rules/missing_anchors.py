"""Checks of the headings and blocks that links name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from vaultlink.index.anchors import (
    build_anchor_table,
    find_slug_heading,
    has_explicit_id,
    normalize_heading,
    split_parts,
)
from vaultlink.index.index import link_name
from vaultlink.index.resolve import file_name
from vaultlink.index.suggest_headings import AnchorMatch, build_subpath, match_anchors
from vaultlink.links.intent import is_drawing
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.naming import configure_link_style, retarget_link
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Destination, Edit, Heading, Link, Note, Safety, text_items
from vaultlink.rules.context import Context, Finding, remember, unread_block_key
from vaultlink.rules.former_targets import find_renamed_anchor
from vaultlink.text import has_placeholder, lazy_pattern


class _MissingAnchor(NamedTuple):
    """A link without its heading or block; GitHub may open `slug_heading` for it."""

    link: Link
    target: Note
    slug_heading: Heading | None

    @property
    def is_block(self) -> bool:
        return "#^" in self.link.subpath


def missing_block(note: Note, context: Context) -> Iterator[Finding]:
    for item in _find_missing_anchors(note, context):
        if item.is_block:
            reason = _describe_unread_block(item.link, item.target, context)
            values = {"block": split_parts(item.link.subpath)[-1], "reason": reason}
            yield _report_missing(note, item, values, context)


def missing_heading(note: Note, context: Context) -> Iterator[Finding]:
    for item in _find_missing_anchors(note, context):
        if not item.is_block:
            heading = item.link.subpath.lstrip("#").strip()
            yield _report_missing(note, item, {"heading": heading}, context)


def slug_anchor(note: Note, context: Context) -> Iterator[Finding]:
    for item in _find_missing_anchors(note, context):
        if item.slug_heading:
            link, heading = item.link, item.slug_heading
            subpath = build_subpath(item.target, heading)
            values = {
                "anchor": link.subpath.removeprefix("#").strip(),
                "heading": heading.text,
                "note": link_name(item.target.path),
            }
            is_fixable = subpath and not has_explicit_id(heading)
            edits = partial(rewrite_link, note.path, link, link.target, subpath)
            yield Finding(
                link,
                values,
                link.target,
                edits=edits if is_fixable else (),
                subpath=link.subpath,
                resolved=item.target.path,
            )


def _report_missing(
    note: Note, item: _MissingAnchor, named: Mapping[str, str], context: Context
) -> Finding:
    """Return the finding of a missing heading or block, with `named` among its values.

    It has a fix if the history knows what became of the heading or block, or a single one can be
    meant. The fix is safe if that is certain, and no other program follows the link as it is: a
    Markdown link without spaces may be for another.
    """
    link, target = item.link, item.target
    values = {"note": link_name(target.path), "reason": "", **named}
    meant = find_renamed_anchor(link.subpath, target, context.history)
    edits: tuple[Edit, ...] | partial[tuple[Edit, ...]] = ()
    if meant is not None:
        found, place = meant.subpath.removeprefix("#"), link_name(meant.path)
        values["found"] = found if meant.path == target.path else f"{place}#{found}"
        values["reason"] += f"; it is “{values['found']}” now"
        edits = partial(_link_to_anchor, note.path, link, meant, target.path, context)
        is_safe = meant.is_certain
    else:
        matches = match_anchors(target, link.subpath)
        best = matches[0] if len(matches) == 1 and matches[0].safety else None
        values["found"] = best.subpath.removeprefix("#") if best else ""
        is_safe = best is not None and _is_safe(best, item)
        if best and not _is_in_heading(note, link, target, best.subpath):
            edits = partial(rewrite_link, note.path, link, link.target, best.subpath)
    return Finding(
        link,
        values,
        link.target,
        edits=edits,
        safety=Safety.SAFE if is_safe else Safety.UNSAFE,
        subpath=link.subpath,
        resolved=target.path,
    )


def _is_in_heading(note: Note, link: Link, target: Note, subpath: str) -> bool:
    """Return True for a link in the heading that it names: a fix would need another."""
    return target.path == note.path and any(
        heading.start <= link.start < heading.end and build_subpath(note, heading) == subpath
        for heading in note.headings
    )


def _link_to_anchor(
    source: str, link: Link, meant: Destination, path: str, context: Context
) -> tuple[Edit, ...]:
    if meant.path == path:
        return rewrite_link(source, link, link.target, meant.subpath)
    style = configure_link_style(context.obsidian, link.kind)
    return retarget_link(source, link, meant.path, context.index, style, meant.subpath)


def _describe_unread_block(link: Link, note: Note, context: Context) -> str:
    """Return why a block id in the target has no effect, as a clause; "" without one."""
    key = unread_block_key(link, note, context)
    for problem in note.problems if key else ():
        if problem.kind == "unread-block-id" and problem.block_id.lower() == key:
            where = f"“^{problem.block_id}” in line {problem.line}"
            return f": its {where} lacks a blank line {problem.detail}"
    return ""


def _is_safe(match: AnchorMatch, item: _MissingAnchor) -> bool:
    return match.safety is Safety.SAFE and (
        item.is_block
        or any(char.isspace() for char in item.link.subpath)
        or (
            not SYNTAX[item.link.kind].reads_slugs
            and find_slug_heading(item.target, item.link.subpath) is None
        )
    )


def _find_missing_anchors(note: Note, context: Context) -> Sequence[_MissingAnchor]:
    # Most notes have no subpath, and a list is faster here than a generator.
    if not any([link.subpath for link in note.links]):  # noqa: C419
        return ()
    return remember(_collect_missing_anchors, note, context)


def _collect_missing_anchors(note: Note, context: Context) -> list[_MissingAnchor]:
    targets = context.index.targets.get(note.path, ())
    linked = [pair for pair in zip(note.links, targets, strict=True) if pair[0].subpath]
    found = [
        item
        for link, path in linked
        if path is not None and (item := _find_missing(link, path, context))
    ]
    if "footnotes" in context.quiet:
        found = [item for item in found if not _is_footnote_anchor(item.link.subpath)]
    if "clipped-anchors" in context.quiet:
        on_page = {id(link) for link, _ in linked if _is_page_anchor(link)}
        dead = [item.link for item in found if id(item.link) in on_page and not item.slug_heading]
        if _is_clipped_page(note, dead, len(on_page) - len(dead)):
            found = [item for item in found if id(item.link) not in on_page]
    if context.obsidian.programs:  # their pages have the anchors
        found = [item for item in found if not item.slug_heading]
    return [item for item in found if not _is_readme_slug(note, item.link, item.target)]


def _find_missing(link: Link, path: str, context: Context) -> _MissingAnchor | None:
    """Return a link whose target certainly lacks its anchor; None in a comment."""
    if link.in_comment or context.index.has_anchor(link, path) is not False:
        return None
    if has_placeholder(link.subpath):
        return None
    target = context.index.notes.get(path)
    if target is None or is_drawing(target):
        return None  # the plugin gives the elements of a drawing names that are not in the text
    if any(problem.kind in ("undecodable", "unreadable") for problem in target.problems):
        return None
    if "#^" in link.subpath:
        key = link.subpath[link.subpath.rfind("#") + 1 :].strip().removeprefix("^").lower()
        is_there = key in build_anchor_table(target).blocks
        return None if is_there else _MissingAnchor(link, target, None)
    if not _is_heading_anchor(link) or not _lacks_heading(link, target):
        return None
    reads_slugs = SYNTAX[link.kind].reads_slugs
    heading = find_slug_heading(target, link.subpath) if reads_slugs else None
    return _MissingAnchor(link, target, heading)


def _lacks_heading(link: Link, target: Note) -> bool:
    *_, last = link.subpath.split("#")
    if last.strip().startswith("[^"):
        return False  # a footnote (6.11)
    return (
        link.subpath.count("#") > 1
        or normalize_heading(last) not in build_anchor_table(target).normalized_keys
    )


_OTHER_ANCHORS = lazy_pattern(r"L\d+(?:C\d+)?(?:-L?\d+(?:C\d+)?)?|user-content-.*|.*:~:.*")
"""A line of code, and an id or a text fragment of a web page."""


def _is_heading_anchor(link: Link) -> bool:
    """Return False for a subpath that only other programs read: `#L10`, `#top`."""
    name = link.subpath.removeprefix("#").strip()
    if SYNTAX[link.kind].reads_slugs and not link.target and name.lower() == "top":
        return False
    return not _OTHER_ANCHORS.fullmatch(name)


_FOOTNOTE = lazy_pattern(
    r"\[\^.*|(?-i:fn(?:ref)?(?:[-:_].+|\d\w*))"
    r"|_?(?:ftn|edn)(?:ref)?\d+"
    r"|cite[-_](?:note|ref).*"
    r"|(?:easy-)?(?:foot|end)note(?:s|ref|-ref|-anchor|-bottom)?[-_:]?\d[\w-]*"
    r"|sd(?:foot|end)note\d+(?:sym|anc)",
    re.IGNORECASE,
)


def _is_footnote_anchor(subpath: str) -> bool:
    """Return True for the anchor of a footnote, as various programs write it."""
    name = subpath.removeprefix("#").strip()
    return _FOOTNOTE.fullmatch(name) is not None


def _is_readme_slug(note: Note, link: Link, target: Note) -> bool:
    """Return True for a GitHub anchor of a heading in a README, which GitHub shows."""
    return (
        SYNTAX[link.kind].reads_slugs
        and file_name(note.path).lower().partition(".")[0] == "readme"
        and find_slug_heading(target, link.subpath) is not None
    )


_SOURCE_KEY = lazy_pattern(r"sources?|link|href|origin(?:al)?|(?:source|page|article|original)?url")
_WEB_ADDRESS = lazy_pattern(r"https?://\S", re.IGNORECASE)
_MIN_DEAD_ANCHORS = 3
"""Different dead anchors that show a web page in a note without its address."""


def _is_page_anchor(link: Link) -> bool:
    """Return True for a Markdown link to an anchor, without spaces, of its own note."""
    return (
        SYNTAX[link.kind].reads_slugs
        and not link.embed
        and not link.target
        and "#^" not in link.subpath
        and not _is_footnote_anchor(link.subpath)
        and not any(char.isspace() for char in link.subpath)
    )


def _is_clipped_page(note: Note, dead: Sequence[Link], alive: int) -> bool:
    """Return True for a web page, given its `dead` and `alive` links to own anchors."""
    if any(_holds_address(item.key, item.value) for item in note.properties or ()):
        return True
    return len(dead) > alive and len({link.subpath for link in dead}) >= _MIN_DEAD_ANCHORS


def _holds_address(key: str, value: object) -> bool:
    plain = re.sub(r"[\s_-]", "", key).lower()
    is_source = _SOURCE_KEY.fullmatch(plain) is not None
    return is_source and any(_WEB_ADDRESS.match(item) for item in text_items(value))
