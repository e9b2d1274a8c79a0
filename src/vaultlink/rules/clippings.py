"""Check of links that a web clipper wrote into the properties of a note."""

from collections.abc import Iterator

from vaultlink.links.kinds import is_wikilink
from vaultlink.model import Link, Note, Place, text_items
from vaultlink.rules.context import Context, Finding
from vaultlink.text import has_placeholder

_ADDRESS_KEYS = frozenset(("source", "url", "link", "clipped", "clipped from", "clipped-from"))
"""Properties in which web clippers keep the address of the page, in lower case."""


def clipped_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report unresolved links to the author or site of a clipped web page."""
    if None not in context.index.targets.get(note.path, ()) or not _is_clipped(note):
        return
    keys = frozenset(key.lower() for key in context.options["properties"])
    for link, target in context.index.resolved_links(note.path):
        if target is None and _is_metadata(link, keys) and not _is_allowed(link, context):
            yield Finding(link, {"target": link.target, "property": _get_key(link)}, link.target)


def _is_clipped(note: Note) -> bool:
    """Return True if a property holds the web address of a page."""
    return any(
        text.lower().startswith(("http://", "https://"))
        for item in note.properties or ()
        if item.key.lower() in _ADDRESS_KEYS
        for text in text_items(item.value)
    )


def _is_metadata(link: Link, keys: frozenset[str]) -> bool:
    return link.place is Place.PROPERTY and is_wikilink(link) and _get_key(link).lower() in keys


def _is_allowed(link: Link, context: Context) -> bool:
    return context.allows_dangling(link.target) or has_placeholder(link.target)


def _get_key(link: Link) -> str:
    return link.key_path.partition(".")[0]
