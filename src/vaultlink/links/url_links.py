"""Recognize URLs in wikilinks, and convert such links to links that work."""

import re

from vaultlink.links.kinds import bracketed_text
from vaultlink.model import Edit, Link, Place
from vaultlink.parse.inline import read_inline
from vaultlink.parse.inline_types import InlineMarkdownLink
from vaultlink.text import lazy_pattern

_URL = lazy_pattern(r"(?:[a-z][a-z0-9+.-]*://|mailto:[^\s@]+@|www\.[^\s./]+\.)\S.*", re.I)
_WEB_URL = lazy_pattern(r"https?://[^\s/?#]|mailto:|obsidian://", re.I)
_IMAGE_URL = lazy_pattern(r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif)(?:[?#]|$)", re.I)
_ADDRESS_WITHOUT_SCHEME = lazy_pattern(r"www\.", re.I)
_MARKUP = lazy_pattern(r"[`$*<>\\\[\]\n\r]|&#?\w+;|~~|==|%%|(?<!\w)_|_(?!\w)")
"""Markup that the text of a wikilink and that of a Markdown link may show in different ways."""

_NOT_IN_URLS = lazy_pattern(r"[\s<>\\`|\[\]]|&#?\w+;|%%")


def read_url(link: Link) -> str:
    """Return the URL that a wikilink has as its destination, or "".

    An address that starts with `www.` counts, and is returned as it is written.
    """
    raw = link.raw
    if ":" not in raw and "." not in raw:  # most links
        return ""
    inner = bracketed_text(link) or ""
    destination = inner.partition("|")[0].strip().removesuffix("\\").rstrip()
    return destination if _URL.fullmatch(destination) else ""


def lacks_scheme(url: str) -> bool:
    return _ADDRESS_WITHOUT_SCHEME.match(url) is not None


def is_web_url(url: str) -> bool:
    """Return True for a web address with a host, an e-mail or an Obsidian URL.

    URLs of other schemes belong to other programs, which may read the wikilink.
    """
    return _WEB_URL.match(url) is not None


def convert_url_link(path: str, link: Link) -> tuple[Edit, ...]:
    """Return the edits that convert a wikilink to a URL into a link that works.

    `[[url|text]]` becomes `[text](url)`, `[[url]]` becomes `<url>`, and an embed
    `![text](url)`. Empty if the new text would not be read back as this link.
    """
    url, text = read_url(link), link.display or ""
    if (
        not url
        or link.place not in (Place.BODY, Place.SECTION)
        or link.end - link.start != len(link.raw)
        or _NOT_IN_URLS.search(url)
        or _MARKUP.search(text)
        or (link.in_table_cell and "|" in text)
        or (link.embed and not (is_web_url(url) and _IMAGE_URL.search(url)))
    ):
        return ()
    if lacks_scheme(url):
        url = f"https://{url}"
    if text in ("", url) and not link.embed:
        return (Edit(path, link.start, link.end, f"<{url}>"),)
    new = f"{'!' if link.embed else ''}[{text}]({url})"
    found = [
        (item.start, item.end, item.destination)
        for item in read_inline(new).links
        if isinstance(item, InlineMarkdownLink)
    ]
    return (Edit(path, link.start, link.end, new),) if found == [(0, len(new), url)] else ()
