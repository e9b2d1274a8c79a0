"""Anchors in links that are not meant as headings, or that nobody expects to work.

The functions are pure: they read links, notes and headings, and no settings.
"""

import re
from collections.abc import Sequence

from vaultlink.index.anchors import find_slug_heading
from vaultlink.index.resolve import file_name
from vaultlink.model import Link, LinkKind, Note, text_items
from vaultlink.text import lazy_pattern

_OTHER_ANCHORS = lazy_pattern(r"L\d+(?:C\d+)?(?:-L?\d+(?:C\d+)?)?|user-content-.*|.*:~:.*")
"""A line of code, and an id or a text fragment of a web page."""


def is_heading_anchor(link: Link) -> bool:
    """Return False for a subpath that only other programs read: `#L10`, `#top`."""
    name = link.subpath.removeprefix("#").strip()
    if link.kind is LinkKind.MARKDOWN and not link.target and name.lower() == "top":
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


def is_footnote_anchor(subpath: str) -> bool:
    """Return True for the anchor of a footnote, as various programs write it."""
    name = subpath.removeprefix("#").strip()
    return _FOOTNOTE.fullmatch(name) is not None


def is_readme_slug(note: Note, link: Link, target: Note) -> bool:
    """Return True for a GitHub anchor of a heading in a README, which GitHub shows."""
    return (
        link.kind is LinkKind.MARKDOWN
        and file_name(note.path).lower().partition(".")[0] == "readme"
        and find_slug_heading(target, link.subpath) is not None
    )


_SOURCE_KEYS = frozenset(
    [
        "source",
        "sources",
        "url",
        "link",
        "href",
        "sourceurl",
        "pageurl",
        "articleurl",
        "originalurl",
        "original",
        "origin",
    ]
)
_WEB_ADDRESS = lazy_pattern(r"https?://\S", re.IGNORECASE)
_MIN_DEAD_ANCHORS = 3
"""Different dead anchors that show a web page in a note without its address."""


def is_page_anchor(link: Link) -> bool:
    """Return True for a Markdown link to an anchor of its own note, as in a web page.

    Ids of web pages contain no spaces.
    """
    return (
        link.kind is LinkKind.MARKDOWN
        and not link.embed
        and not link.target
        and "#^" not in link.subpath
        and not is_footnote_anchor(link.subpath)
        and not any(char.isspace() for char in link.subpath)
    )


def is_clipped_page(note: Note, dead: Sequence[Link], alive: int) -> bool:
    """Return True if a note is a clipped web page.

    Args:
        note: The note.
        dead: Its Markdown links to anchors of its own that no heading has.
        alive: The number of those that a heading has.
    """
    if any(_holds_address(item.key, item.value) for item in note.properties or ()):
        return True
    return len(dead) > alive and len({link.subpath for link in dead}) >= _MIN_DEAD_ANCHORS


def _holds_address(key: str, value: object) -> bool:
    plain = re.sub(r"[\s_-]", "", key).lower()
    return plain in _SOURCE_KEYS and any(_WEB_ADDRESS.match(item) for item in text_items(value))
