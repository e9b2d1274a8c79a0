"""Checks of links that resolve.

If several of these rules find the same link, `yields-to` in their YAML files determines which one
reports it.
"""

from collections.abc import Iterator

from vaultlink.index.resolve import join_relative, normalize_name
from vaultlink.model import Link, LinkKind, Note, Place
from vaultlink.rules.context import Context, Finding, find_resolved_links


def ambiguous_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that match several files, one of which Obsidian opens."""
    shared = context.index.files_sharing_names
    if shared and not shared.isdisjoint(context.index.targets.get(note.path, ())):
        for link, target in find_resolved_links(note, context):
            others = context.index.alternatives(note.path, link) if target in shared else ()
            if others and not _names_sibling(link, note.path, target):
                values = {"target": link.target, "count": len(others) + 1, "chosen": target}
                yield Finding(link, values, link.target)


def _names_sibling(link: Link, source: str, target: str) -> bool:
    """Return True for a Markdown link that is the relative path of its file."""
    return link.kind is LinkKind.MARKDOWN and join_relative(
        source, normalize_name(f"./{link.target}")
    ) == normalize_name(target)


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
