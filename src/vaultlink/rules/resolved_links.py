"""Checks of links that resolve."""

from collections.abc import Iterator
from functools import partial

from vaultlink.index.resolve import join_relative, normalize_name
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.naming import retarget_link
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Destination, Edit, Link, Note, Place, Safety
from vaultlink.rules.context import Context, Finding, find_resolved_links


def ambiguous_link(note: Note, context: Context) -> Iterator[Finding]:
    shared = context.index.files_sharing_names
    if shared and not shared.isdisjoint(context.index.targets.get(note.path, ())):
        for link, target in find_resolved_links(note, context):
            others = context.index.alternatives(note.path, link) if target in shared else ()
            if others and not _names_sibling(link, note.path, target):
                values = {"target": link.target, "count": len(others) + 1, "chosen": target}
                yield Finding(link, values, link.target)


def _names_sibling(link: Link, source: str, target: str) -> bool:
    """Return True for a Markdown link that is the relative path of its file."""
    return SYNTAX[link.kind].writes_paths and join_relative(
        source, normalize_name(f"./{link.target}")
    ) == normalize_name(target)


def retargeted_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that lead elsewhere than before, although nobody changed them.

    The fix names what they led to before.
    """
    former = context.history.led_to.get(note.path)
    if not former:
        return
    for link, target in find_resolved_links(note, context):
        meant = former.get(link.raw)
        if meant is not None and (meant.path != target or meant.subpath != link.subpath):
            if meant.path != target and _fits_only(link, target, meant.path, context):
                continue
            is_other_file = meant.path != target
            values = {
                "target": link.target + link.subpath,
                "now": target if is_other_file else f"another heading {link.subpath}",
                "before": meant.path if is_other_file else meant.subpath,
            }
            yield Finding(
                link,
                values,
                link.target,
                edits=partial(_name_former_target, link, note.path, meant, target, context),
                safety=Safety.SAFE if meant.is_certain else Safety.UNSAFE,
            )


def _fits_only(link: Link, target: str, former: str, context: Context) -> bool:
    """Return True if only the present target has what a subpath names."""
    index = context.index
    return index.has_anchor(link, target) is True and index.has_anchor(link, former) is False


def _name_former_target(
    link: Link, source: str, meant: Destination, target: str, context: Context
) -> tuple[Edit, ...]:
    """Return the edits that make a link lead to what it led to before.

    Empty if the note has a link like the new one that led elsewhere before: it would be taken for
    that one.
    """
    edits = (
        rewrite_link(source, link, link.target, meant.subpath)
        if meant.path == target
        else retarget_link(source, link, meant.path, context.index, context.obsidian)
    )
    raw = link.raw
    for edit in sorted(edits, key=lambda item: -item.start):
        raw = raw[: edit.start - link.start] + edit.text + raw[edit.end - link.start :]
    return () if raw in context.history.led_to[source] else edits


def self_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links from a note to itself without a heading or block.

    In a sentence such a link is harmless; the option `prose` includes it.
    """
    if note.path in context.index.targets.get(note.path, ()):
        for link, target in find_resolved_links(note, context):
            if (
                target == note.path
                and link.target
                and not link.subpath
                and (context.options["prose"] or _stands_alone(link, note))
            ):
                yield Finding(link, {}, link.target)


def _stands_alone(link: Link, note: Note) -> bool:
    return link.embed or link.place is not Place.BODY or link.start in note.lone_self_links
