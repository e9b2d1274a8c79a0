"""Parse a link into target, subpath and display text (sections 1 and 2)."""

import re

from vaultlink.model import Link, LinkKind, Place
from vaultlink.parse.inline import InlineMarkdownLink, InlineWikilink
from vaultlink.text import lazy_pattern

_NO_BREAK_SPACES = str.maketrans({"\u00a0": " "})
_BACKSLASH_ESCAPE = lazy_pattern(r"\\([!-/:-@\[-`{-~])")
_PERCENT_ESCAPES = lazy_pattern(r"(?:%[0-9A-Fa-f]{2})+")
_RESERVED_BYTES = frozenset(b"#$&+,/:;=?@")
"""The reserved characters of a URI. Their percent escapes are not decoded."""


def parse_wikilink(inner: str) -> tuple[str, str, str | None]:
    """Return target, subpath and display text of a wikilink (1.5 to 1.15).

    `inner` is the text between the brackets. The first pipe that is not the first character
    ends the destination; one backslash before it is dropped.
    """
    inner = inner.strip()
    display: str | None = None
    pipe = inner.find("|", 1)
    if pipe != -1:
        display = inner[pipe + 1 :].strip() or None
        inner = inner[:pipe].rstrip()
    if inner.endswith("\\"):
        inner = inner[:-1].rstrip()
    target, subpath = split_subpath(inner)
    return target, subpath, display


def parse_inline_link(
    text: str, link: InlineWikilink | InlineMarkdownLink
) -> tuple[str, str, str | None] | None:
    """Return target, subpath and display text of a link from the inline pass.

    Returns None for an external Markdown link, and if its destination cannot be decoded.
    """
    if isinstance(link, InlineWikilink):
        return parse_wikilink(text[link.start + 2 + link.embed : link.end - 2])
    destination = decode_destination(link.destination, embed=link.embed)
    if destination is None or is_external(destination):
        return None
    return (*split_subpath(destination), text[link.start + 1 + link.embed : link.text_end])


def split_subpath(destination: str) -> tuple[str, str]:
    """Split a destination at the first `#` into path and subpath (1.12, 1.15).

    A subpath that consists of `#` only is empty.
    """
    if "\u00a0" in destination:
        destination = destination.translate(_NO_BREAK_SPACES).strip()
    mark = destination.find("#")
    if mark == -1:
        return destination, ""
    subpath = destination[mark:].rstrip()
    return destination[:mark].strip(), subpath if subpath.strip("#") else ""


def is_external(destination: str) -> bool:
    """Return True if a Markdown destination is external (2.1, 2.13).

    It contains a colon and does not start with `./` or `../`.
    """
    return ":" in destination and not destination.startswith(("./", "../"))


def decode_destination(raw: str, *, embed: bool = False) -> str | None:
    """Decode the destination of a Markdown link as Obsidian does (2.2).

    Resolves backslash escapes and entities, and decodes percent escapes like a URI. If one of these
    is malformed, an image keeps them all, and Obsidian sees no other link: returns None (2.3).
    """
    text = raw
    if "\\" in text:
        text = _BACKSLASH_ESCAPE.sub(r"\1", text)
    if "&" in text:
        text = _unescape(text)
    if "%" in text and not is_external(text):
        decoded = _decode_percent(text)
        return text if decoded is None and embed else decoded
    return text


def _unescape(text: str) -> str:
    from html import unescape  # noqa: PLC0415 - for few links; its table is long

    return unescape(text) if "&" in text else text


_ADDRESS_END = lazy_pattern(r"[?#]")


def decode_address(raw: str) -> str:
    """Return the path in an address in HTML; "" if it has none, or a scheme or host.

    All percent escapes are decoded, unless they are malformed.
    """
    text = _ADDRESS_END.split(_unescape(raw).strip().replace("\\", "/"), maxsplit=1)[0]
    if ":" in text or text.startswith("//"):
        return ""
    try:
        return _PERCENT_ESCAPES.sub(
            lambda match: bytes.fromhex(match[0].replace("%", "")).decode(), text
        )
    except UnicodeDecodeError:
        return text


def _decode_percent(text: str) -> str | None:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return None
    try:
        return _PERCENT_ESCAPES.sub(_decode_escapes, text)
    except UnicodeDecodeError:
        return None


def _decode_escapes(match: re.Match[str]) -> str:
    """Decode a sequence of percent escapes, except those of reserved characters."""
    parts, encoded = [], bytearray()
    escapes = match[0]
    for at in range(0, len(escapes), 3):
        byte = int(escapes[at + 1 : at + 3], 16)
        if byte in _RESERVED_BYTES:
            parts += [encoded.decode(), escapes[at : at + 3]]
            encoded = bytearray()
        else:
            encoded.append(byte)
    return "".join([*parts, encoded.decode()])


def parse_property_link(text: str, spot: tuple[int, int, int, int], key_path: str) -> Link | None:
    """Return the link that a property's value is as a whole, or None (4.9 to 4.14).

    `spot` is start, end, line and column of the value, `key_path` such as "rel.1".
    """
    kind, external = LinkKind.WIKILINK, False
    if text.startswith("[[") and text.endswith("]]") and len(text) > 4:
        target, subpath, display = parse_wikilink(text[2:-2])
    else:
        may_be_link = text.startswith("[") and text.endswith(")")
        whole = _WHOLE_MARKDOWN.fullmatch(text) if may_be_link else None
        destination = decode_destination(whole[2] or whole[3] or "") if whole else None
        if not whole or not destination:
            return None
        kind, external, display = LinkKind.MARKDOWN, is_external(destination), whole[1]
        target, subpath = (destination, "") if external else split_subpath(destination)
    return Link(
        *spot,
        raw=text,
        target=target,
        subpath=subpath,
        display=display,
        kind=kind,
        embed=False,
        place=Place.PROPERTY,
        key_path=key_path,
        external=external,
    )


_WHOLE_MARKDOWN = lazy_pattern(
    r"\[([^\[\]]*)\]\((?:<([^<>]*)>|((?:[^\s()]|\([^\s()]*\))+))(?:\s+\"[^\"]*\")?\)"
)
