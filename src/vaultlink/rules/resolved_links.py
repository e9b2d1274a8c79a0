"""Checks of links that resolve, and of text that was meant as a link.

If several of these rules find the same link, `yields-to` in their YAML files determines which one
reports it.
"""

import re
import unicodedata
from collections.abc import Iterator

from vaultlink.index.anchors import find_anchor, heading_key
from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_same_name, resolve, spelling_key
from vaultlink.links.rewrite import (
    rewrite_link,
)
from vaultlink.model import Edit, Heading, Link, Note
from vaultlink.rules.context import (
    Context,
    Finding,
    find_resolved_links,
    is_drawing,
    unread_block_key,
)
from vaultlink.text import has_placeholder


def missing_block(note: Note, context: Context) -> Iterator[Finding]:
    """Report links to a block that the target note does not contain."""
    for link, target in _find_subpath_links(note, context):
        if _lacks_block(link, target, context):
            block = link.subpath[link.subpath.rfind("#") + 1 :].strip()
            reason = _describe_unread_block(link, target, context)
            yield Finding(
                link,
                {"note": link_name(target), "block": block, "reason": reason},
                link.target,
                edits=_build_anchor_edits(link, target, note, context),
            )


def missing_heading(note: Note, context: Context) -> Iterator[Finding]:
    """Report links to a heading that the target note does not contain."""
    for link, target in _find_subpath_links(note, context):
        if _lacks_heading(link, target, context):
            values = {"note": link_name(target), "heading": link.subpath.lstrip("#").strip()}
            yield Finding(
                link, values, link.target, edits=_build_anchor_edits(link, target, note, context)
            )


def ambiguous_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that match several files, one of which Obsidian opens."""
    shared = context.index.files_sharing_names
    if shared and not shared.isdisjoint(context.index.targets.get(note.path, ())):
        for link, target in find_resolved_links(note, context):
            others = context.index.alternatives(note.path, link) if target in shared else ()
            if others:
                values = {"target": link.target, "count": len(others) + 1, "chosen": target}
                yield Finding(link, values, link.target)


def self_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links from a note to itself without a heading or block."""
    if note.path in context.index.targets.get(note.path, ()):
        for link, target in find_resolved_links(note, context):
            if target == note.path and link.target and not link.subpath:
                yield Finding(link, {}, link.target)


def malformed_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report malformed links whose target is a file of the vault."""
    for problem in note.problems:
        if problem.kind == "malformed-link":
            target, _, fault = problem.detail.rpartition("\n")
            name = " ".join(target.split())
            if name and resolve(note.path, name, context.index.names):
                edits = tuple(Edit(note.path, *change) for change in problem.replacements)
                yield Finding(problem, {"target": name, "fault": fault}, name, edits=edits)


# -- missing headings and blocks ------------------------------------------------------------------


def _find_subpath_links(note: Note, context: Context) -> list[tuple[Link, str]]:
    # Most notes have no subpath, and a list is faster here than a generator.
    if not any([link.subpath for link in note.links]):  # noqa: C419
        return []
    return [
        (link, target)
        for link, target in zip(note.links, context.index.targets.get(note.path, ()), strict=True)
        if link.subpath and target is not None
    ]


def _lacks_block(link: Link, target: str, context: Context) -> bool:
    return "#^" in link.subpath and _lacks_anchor(link, target, context)


def _describe_unread_block(link: Link, target: str, context: Context) -> str:
    """Return why a block id in the target has no effect, as a clause; "" without one."""
    note = context.index.notes[target]
    key = unread_block_key(link, note, context)
    for problem in note.problems if key else ():
        name, _, rest = problem.detail.partition("\n")
        if problem.kind == "unread-block-id" and name.lower() == key:
            where = rest.partition("\n")[0]
            return f": its “^{name}” in line {problem.line} lacks a blank line {where}"
    return ""


def _lacks_heading(link: Link, target: str, context: Context) -> bool:
    return bool(link.subpath) and "#^" not in link.subpath and _lacks_anchor(link, target, context)


def _lacks_anchor(link: Link, target: str, context: Context) -> bool:
    """Return True if the target of a visible link certainly lacks its subpath.

    Return False for links in comments, and if it is uncertain how Obsidian reads the subpath.
    """
    if (
        link.in_comment
        or context.index.has_anchor(link, target) is not False
        or has_placeholder(link.subpath)
    ):
        return False
    note = context.index.notes.get(target)
    if note is None or is_drawing(note):
        return False  # the plugin gives the elements of a drawing names that are not in the text
    if any(problem.kind in ("undecodable", "unreadable") for problem in note.problems):
        return False
    *_, last = link.subpath.split("#")
    name = last.strip()
    if name.startswith("[^"):
        return False  # a footnote (6.11)
    if name.startswith("^"):
        return all(block.id.lower() != name[1:].lower() for block in note.blocks)
    return link.subpath.count("#") > 1 or _normalize_heading(name) not in {
        _normalize_heading(heading.text) for heading in note.headings
    }


_TRAILING_BLOCK_ID = re.compile(r"\s\^[A-Za-z0-9-]+\s*$")


def _normalize_heading(heading: str) -> str:
    """Return the comparison key of a heading without its block id, in composed form.

    It is uncertain whether Obsidian compares block id and Unicode form (6.2, 6.6).
    """
    return heading_key(unicodedata.normalize("NFC", _TRAILING_BLOCK_ID.sub("", heading)))


# -- fixes of headings and blocks -----------------------------------------------------------------

_NOT_IN_SUBPATHS = re.compile(r"[\s#|^\[\]%:\\`$*<>~=]+")
"""Characters that end a subpath or the link, or may close a construct around the link.

In a subpath, all of them are equivalent to a space (6.2, 6.15).
"""


def _build_anchor_edits(link: Link, target: str, note: Note, context: Context) -> tuple[Edit, ...]:
    """Return the edits that correct the subpath of a link.

    The target must contain exactly one heading or block whose name differs from the subpath only in
    case, punctuation or spacing. Otherwise return none.
    """
    target_note = context.index.notes[target]
    parts = [part for part in link.subpath.split("#") if part.strip()]
    if len(parts) == 1 and parts[0].lstrip().startswith("^"):
        ids = [
            block.id
            for block in target_note.blocks
            if _is_respelling(parts[0].strip()[1:], block.id)
        ]
        return rewrite_link(note.path, link, link.target, f"#^{ids[0]}") if len(ids) == 1 else ()
    found = [_find_similar_heading(part, target_note) for part in parts]
    subpath = "".join(f"#{text}" for _, text in found)
    if not all(text for _, text in found) or find_anchor(target_note, subpath) is not found[-1][0]:
        return ()
    return rewrite_link(note.path, link, link.target, subpath)


def _find_similar_heading(part: str, note: Note) -> tuple[Heading | None, str]:
    """Return the only heading that is a respelling of `part`, and its subpath.

    The text is suitable for a subpath.
    Return (None, "") if there is none, if there are several, or if the heading has a block id.
    """
    similar = [heading for heading in note.headings if _is_respelling(part, heading.text)]
    if len(similar) != 1 or _TRAILING_BLOCK_ID.search(similar[0].text):
        return None, ""
    [heading] = similar
    exact = heading_key(heading.text) == heading_key(part)
    return heading, part if exact else _NOT_IN_SUBPATHS.sub(" ", heading.text).strip()


def _is_respelling(one: str, other: str) -> bool:
    return (
        bool(spelling_key(one))
        and spelling_key(one) == spelling_key(other)
        and is_same_name(one, other)
    )
