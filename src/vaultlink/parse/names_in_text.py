"""Find names in the text of a note, for checks that have only its links."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from vaultlink.model import Link, Place
from vaultlink.parse.leaf_blocks import HTML_TAG, OPAQUE_HTML
from vaultlink.parse.link_parts import decode_address
from vaultlink.text import lazy_pattern

# -- links to the note itself --------------------------------------------------------------------

_BEFORE_LINK = lazy_pattern(
    r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[.\]\s+)?)*[*_~=]*(?:\w[^\[\]\n]{0,60}?::\s*)?[*_~=]*"
)
"""Marks of quotes, lists and tasks, the key of an inline field (`up:: `), and emphasis."""

_AFTER_LINK = lazy_pattern(
    r"[*_~=]*[.,;:!?]?[^\S\n]*(?:(?:<!--[^<>\n]*-->|%%[^%\n]*%%)[^\S\n]*)*"
    r"(?:\^[A-Za-z0-9-]+[^\S\n]*)?(?=\n|\Z)"
)
"""Emphasis, a punctuation mark, comments such as suppressions, and a block identifier."""


def find_lone_self_links(path: str, text: str, links: Sequence[Link]) -> tuple[int, ...]:
    """Return the offsets of links to the note itself that fill a line or list item.

    A name that another note has too is included: which note a link opens is decided elsewhere.
    """
    own = path[path.rfind("/") + 1 :].removesuffix(".md").lower()
    if not own.isascii():
        own = unicodedata.normalize("NFC", own)
    found = [
        link
        for link in links
        if own in link.target.lower() or not link.target.isascii()
        if link.place is Place.BODY and _names(link.target, own)
    ]
    if not found:
        return ()
    # Another link before one on its line is text that does not fit.
    first = {link.line: link.start for link in reversed(links)}
    return tuple(
        [link.start for link in found if link.start <= first[link.line] and _fills_line(text, link)]
    )


def find_lone_links(text: str, links: Sequence[Link]) -> tuple[int, ...]:
    """Return the offsets of links that fill a line or list item."""
    found = []
    for link in links:
        start = link.start
        if start > 1 and text[start - 1] == " " and text[start - 2].isalnum():
            continue  # in a sentence
        if link.place is _BODY and _fills_line(text, link):
            found.append(start)
    return tuple(found)


_PAGE_PROPERTY = lazy_pattern(r"(?:- )?([A-Za-z][\w-]*)::[^\S\n]+(.*)(?:\n[ ]*|\Z)")


def find_page_names(text: str, start: int) -> tuple[str, ...]:
    """Return the title and the aliases of a page of Logseq.

    They are in the first lines of the body, such as `alias:: one, [[two]]`.
    """
    end = text.find("\n", start)
    if text.find("::", start, None if end == -1 else end) == -1:
        return ()
    names: list[str] = []
    while match := _PAGE_PROPERTY.match(text, start):
        key, value, start = match[1].lower(), match[2], match.end()
        if key in ("title", "alias"):
            names += [value] if key == "title" else value.split(",")
    return tuple(filter(None, [name.strip(" \t\r[]#") for name in names]))


_BODY = Place.BODY  # a name of a module is found sooner than a member of a class


def _names(target: str, own: str) -> bool:
    name = unicodedata.normalize("NFC", target[target.rfind("/") + 1 :]).lower()
    return name.removesuffix(".md") == own


def _fills_line(text: str, link: Link) -> bool:
    start = link.start - link.column + 1
    return bool(
        _BEFORE_LINK.fullmatch(text, start, link.start) and _AFTER_LINK.match(text, link.end)
    )


# -- names of attachments ------------------------------------------------------------------------

_EXTENSIONS = (
    *("avif", "bmp", "gif", "jpeg", "jpg", "png", "svg", "webp", "flac", "m4a", "mp3", "ogg"),
    *("wav", "webm", "3gp", "mkv", "mov", "mp4", "ogv", "pdf"),
)
_INITIALS = "".join(sorted({item[0] for item in _EXTENSIONS}))
_EXTENSION = lazy_pattern(
    rf"\.(?=[{_INITIALS}{_INITIALS.upper()}])(?:"
    + "|".join("".join(f"[{char}{char.upper()}]" for char in item) for item in _EXTENSIONS)
    + r")(?!\w|\.\w)"
)
"""Extensions of attachments in any case; a search without regard to case is slower."""

_BEFORE_NAME = lazy_pattern(r".*[\"'`<>|\[\](){}/\\:*?=\n\r\t]", re.DOTALL)
"""The text up to the last character that can't be part of a file's name."""

_ADDRESS = lazy_pattern(r"\w://[^\s\"'<>()]*\Z")
_LONGEST_NAME = 120


def find_named_files(text: str, links: Sequence[Link]) -> tuple[str, ...]:
    """Return the ends of the text that name an attachment outside links, sorted.

    In HTML, code and prose it is not known where a name starts: `see my map.png` may name `map.png`
    or `my map.png`. Web addresses are left out.
    """
    names: set[str] = set()
    spans: list[tuple[int, int]] | None = None
    for match in _EXTENSION.finditer(text):
        if spans is None:
            spans = sorted((link.start, link.end) for link in links)
        at = bisect_right(spans, (match.start(), len(text))) - 1
        if at >= 0 and match.start() < spans[at][1]:
            continue
        before = text[max(0, match.start() - _LONGEST_NAME) : match.start()]
        other = _BEFORE_NAME.match(before)
        name = before[other.end() :] if other else before
        if name.strip() and not ("://" in before and _ADDRESS.search(before)):
            names.add(name.lstrip() + match[0])
    return tuple(sorted(names))


# -- images in HTML ------------------------------------------------------------------------------

IMAGE_TAG = lazy_pattern(r"<[iI][mM][gG]\s")
_HTML_TAG = lazy_pattern(HTML_TAG)
_ATTRIBUTE = lazy_pattern(
    r"""\s([a-zA-Z_:][\w:.-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^"'=<>`\s]+)))?"""
)


def find_image_tags(html: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the `<img>` tags in an HTML block.

    Tags in comments, scripts, code and the like do not count.
    """
    visible = OPAQUE_HTML.sub(lambda match: " " * len(match[0]), html)
    for tag in _HTML_TAG.finditer(visible):
        if IMAGE_TAG.match(tag[0]):
            yield tag.span()


def read_image_address(text: str, start: int, end: int) -> tuple[int, int, str] | None:
    """Return span and path of the address in the `<img>` tag at a span of a text.

    None if the address has no path, or a scheme or host.
    """
    for attribute in _ATTRIBUTE.finditer(text, start, end):
        if attribute[1].lower() == "src":
            group = attribute.lastindex or 1
            target = decode_address(attribute[group]) if group > 1 else ""
            return (*attribute.span(group), target) if target else None
    return None
