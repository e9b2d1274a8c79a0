"""Rewrite a link with another target, subpath or syntax and keep everything else.

All functions return no edits unless the new link would be read back as exactly the requested link
and show the same text. This module does not resolve names.
"""

from urllib.parse import quote

from vaultlink.model import Edit, Link, LinkKind, Place
from vaultlink.parse.brackets import parse_link_destination
from vaultlink.parse.link_parts import (
    decode_destination,
    is_external,
    parse_property_link,
    parse_wikilink,
    split_subpath,
)
from vaultlink.parse.marks import MarkSearch
from vaultlink.text import lazy_pattern

Edits = tuple[Edit, ...]

_MAY_CLOSE_MARKUP = lazy_pattern(r"[`$*<>\\\n\r\x00]|~~|==|%%|(?<!\s)_(?!\w)")
"""Markup that can close something that was opened before the link.

Code, math, emphasis, an HTML tag or a comment.
"""

_CONTEXT_MARKUP = lazy_pattern(r"[`$*<>\\\[\]&\n\r]|~~|==|%%|://|www\.|_(?!\w)|(?<!\w)_")
"""Markup with different meanings in the text of a Markdown link and of a wikilink."""

_URL_SAFE = "/.,;!()&+=@$:?-_~"
_QUOTES = "\"'\\"


def default_display_text(target: str, subpath: str) -> str:
    """Return the text that Obsidian shows for a wikilink without display text (1.18).

    It consists of the target and the parts of the subpath.
    """
    if not subpath:
        return target.strip()
    return " > ".join(
        part for part in (piece.strip() for piece in (target, *subpath.split("#"))) if part
    )


def rewrite_link(path: str, link: Link, target: str, subpath: str) -> Edits:
    """Return the edits that give a link another target and subpath.

    Args:
        path: Vault path of the note that contains the link.
        link: The link.
        target: The new target.
        subpath: The new subpath, with its `#`, or "".

    Returns:
        The edits; empty if the link cannot be written so that it still shows the same text.
    """
    target = target.replace("\u00a0", " ")
    if link.kind is LinkKind.WIKILINK and link.target.startswith("["):
        return ()  # the brackets before it would be read differently (1.4)
    change = (
        _retarget_wikilink if link.kind is LinkKind.WIKILINK else replace_markdown_destination
    )(link, target, subpath)
    return _build_edits(path, link, change, target, subpath) if change else ()


def drop_display_text(path: str, link: Link) -> Edits:
    """Return the edits that remove a wikilink's display text.

    Empty unless the link shows the same text without it.
    """
    *_, end, inner_end = wikilink_offsets(link)
    return _build_edits(path, link, (end, inner_end, ""), link.target, link.subpath)


def convert_link(path: str, link: Link, target: str, subpath: str) -> Edits:
    """Return the edits that convert a wikilink to a Markdown link, or the reverse.

    Empty if the conversion would lose anything.
    """
    wikilink = link.kind is LinkKind.WIKILINK
    text = (
        format_markdown_link(link, target, subpath)
        if wikilink
        else format_wikilink(link, target, subpath)
    )
    if (
        link.external
        or link.place is not Place.BODY
        or (link.embed and link.display)
        or link.after_bracket
        or _makes_table_row(link, link.raw, text)
    ):
        return ()
    shown = (
        link.display
        if link.display is not None
        else ""
        if link.embed
        else default_display_text(link.target, link.subpath)
    )
    if (
        _CONTEXT_MARKUP.search(shown)
        or _MAY_CLOSE_MARKUP.search(target + subpath)
        or (not shown and not link.embed)
    ):
        return ()
    parts = _parse_markdown_link(text) if wikilink else _parse_wikilink(text, link.in_table_cell)
    if (
        parts is None
        or parts[:2] != (target, subpath)
        or (_visible_text(parts) if shown else parts[2] or "") != shown
    ):
        return ()
    if not wikilink and link.raw != _format_without_title(link):
        return ()  # the link's title would be lost
    return (Edit(path, link.start, link.end, text),)


def format_wikilink(link: Link, target: str, subpath: str) -> str:
    """Format a link as a wikilink.

    Its display text is kept unless it equals the default one.
    """
    prefix, text = "!" if link.embed else "", link.display or ""
    pipe = "\\|" if link.in_table_cell else "|"
    display = "" if not text or text == default_display_text(target, subpath) else pipe + text
    return f"{prefix}[[{target}{subpath}{display}]]"


def format_markdown_link(link: Link, target: str, subpath: str) -> str:
    """Format a link as a Markdown link. The text is the one that the link shows."""
    prefix = "!" if link.embed else ""
    text = (
        link.display
        if link.display is not None
        else ""
        if link.embed
        else default_display_text(link.target, link.subpath)
    )
    return f"{prefix}[{text}]({encode_destination(target)}{encode_destination(subpath, '#^')})"


def encode_destination(text: str, more: str = "", *, letters: bool = False) -> str:
    """Encode a text for a Markdown destination.

    Args:
        text: The target or subpath.
        more: More characters to leave unencoded.
        letters: True to leave letters of other scripts unencoded.

    Returns:
        The encoded text. Parentheses are left unencoded if they are balanced.
    """
    safe = (
        _URL_SAFE + more
        if _has_balanced_parentheses(text)
        else (_URL_SAFE + more).replace("(", "").replace(")", "")
    )
    return "".join(
        [
            char
            if letters and not char.isascii() and not char.isspace()
            else quote(char, safe=safe)
            for char in text
        ]
    )


def _has_balanced_parentheses(text: str) -> bool:
    depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return not depth


# -- change a part of a link ----------------------------------------------------------------------

_Replacement = tuple[int, int, str]
"""A span within the link's text, and its new text."""


def _retarget_wikilink(link: Link, target: str, subpath: str) -> _Replacement | None:
    """Return a new destination for a wikilink.

    The text that the link showed becomes its display text, or is omitted if the new link shows it
    anyway.
    """
    begin, name_end, mark, end, inner_end = wikilink_offsets(link)
    destination = target + link.raw[name_end:end] if subpath == link.subpath else target + subpath
    if subpath and subpath != link.subpath and target == link.target and mark:
        destination = link.raw[begin:mark] + subpath
    shown = default_display_text(target, subpath)
    if link.embed:
        return begin, end, destination
    if link.display is None:
        previous = default_display_text(link.target, link.subpath)
        if previous == shown:
            return begin, end, destination
        pipe = link.raw[end:].find("|")
        if pipe != -1:  # a pipe without a display text
            return (
                begin,
                end + pipe + 1,
                destination + link.raw[end : end + pipe + 1] + previous,
            )
        separator = "\\|" if link.in_table_cell else "|"
        return begin, end, destination + separator + previous
    if link.display == shown and link.place is not Place.SECTION:
        return begin, inner_end, destination
    return begin, end, destination


def wikilink_offsets(link: Link) -> tuple[int, int, int, int, int]:
    """Return offsets within a wikilink.

    Start of the destination, end of its target, the subpath's `#` (0 if there is none), end of the
    destination, end of all text between the brackets.
    """
    lead = 3 if link.embed else 2
    inner = link.raw[lead:-2]
    begin = lead + len(inner) - len(inner.lstrip())
    inner = inner.strip()
    pipe = inner.find("|", 1)
    destination = inner if pipe == -1 else inner[:pipe].rstrip()
    if destination.endswith("\\"):
        destination = destination[:-1].rstrip()
    mark = destination.find("#")
    target = destination if mark == -1 else destination[:mark].rstrip()
    return (
        begin,
        begin + len(target),
        begin + mark if mark != -1 else 0,
        begin + len(destination),
        begin + len(inner),
    )


def replace_markdown_destination(link: Link, target: str, subpath: str) -> _Replacement | None:
    """Return a new destination for a Markdown link, in the style of the current one."""
    span = _destination_span(link)
    if span is None:
        return None
    start, end = span
    current, wrapped = link.raw[start:end], link.raw[start - 1] == "<"
    letters = not current.isascii()
    mark = current.find("#")
    name, rest = (current, "") if mark == -1 else (current[:mark], current[mark:])
    if target != link.target:
        name = _escape_percent(target) if wrapped else encode_destination(target, letters=letters)
    if subpath != link.subpath:
        rest = (
            _escape_percent(subpath)
            if wrapped
            else encode_destination(subpath, "#^", letters=letters)
        )
    return start, end, name + rest


def _escape_percent(text: str) -> str:
    """Return a text as written in angle brackets, where escapes are decoded too (2.2)."""
    return text.replace("%", "%25")


def _destination_span(link: Link) -> tuple[int, int] | None:
    """Return the span of a Markdown destination in `raw`, without angle brackets."""
    raw, at = link.raw, 0
    while (at := raw.find("](", at) + 1) > 0:
        stop, destination = parse_link_destination(MarkSearch(raw), at, len(raw))
        if stop == len(raw) and _split_destination(destination) == (link.target, link.subpath):
            start = at + 1 + len(raw[at + 1 :]) - len(raw[at + 1 :].lstrip())
            start += raw[start] == "<"
            return start, start + len(destination)
    return None


def _split_destination(destination: str) -> tuple[str, str] | None:
    decoded = decode_destination(destination)
    return None if decoded is None or is_external(decoded) else split_subpath(decoded)


# -- check that the new text is read back as requested ---------------------------------------------


def _build_edits(path: str, link: Link, change: _Replacement, target: str, subpath: str) -> Edits:
    """Return edits; none if a link can't change or would not be read as requested."""
    start, end, text = change
    old = link.raw[start:end]
    if (
        link.external
        or link.place is Place.CANVAS
        or link.end - link.start != len(link.raw)
        or text == old
        or "\n" in old
        or _makes_table_row(link, old, text)
    ):
        return ()
    raw = link.raw[:start] + text + link.raw[end:]
    if link.place is Place.PROPERTY:
        matches = all(
            raw.count(mark) <= link.raw.count(mark) for mark in _QUOTES
        ) and _is_read_back_as(link, _parse_property_link(raw), target, subpath)
    else:
        read = (
            _parse_wikilink(raw, link.in_table_cell)
            if link.kind is LinkKind.WIKILINK
            else _parse_markdown_link(raw)
        )
        matches = not _MAY_CLOSE_MARKUP.search(
            _added_text(link, text, target, subpath)
        ) and _is_read_back_as(link, read, target, subpath)
    return (Edit(path, link.start + start, link.start + end, text),) if matches else ()


def _makes_table_row(link: Link, old: str, new: str) -> bool:
    return link.beside_table and "|" in new and "|" not in old


def _added_text(link: Link, text: str, target: str, subpath: str) -> str:
    if link.kind is LinkKind.MARKDOWN:
        return text
    return (target if target != link.target else "") + (subpath if subpath != link.subpath else "")


_LinkParts = tuple[str, str, str | None]
"""Target, subpath and display text."""


def _is_read_back_as(link: Link, parts: _LinkParts | None, target: str, subpath: str) -> bool:
    if parts is None or parts[:2] != (target, subpath):
        return False
    if link.kind is LinkKind.MARKDOWN and link.place is not Place.PROPERTY:
        # Compare with `raw`: the text may span lines with quote marks between them.
        before = _parse_markdown_link(link.raw)
        return before is not None and parts[2] == before[2]
    if link.embed or link.kind is LinkKind.MARKDOWN:
        return parts[2] == link.display
    return _visible_text(parts) == _visible_text((link.target, link.subpath, link.display))


def _visible_text(parts: _LinkParts) -> str:
    target, subpath, display = parts
    return default_display_text(target, subpath) if display is None else display


def _parse_property_link(raw: str) -> _LinkParts | None:
    link = parse_property_link(raw, (0, 0, 1, 1), "")
    return (link.target, link.subpath, link.display) if link and not link.external else None


def _parse_wikilink(raw: str, cell: bool) -> _LinkParts | None:
    lead = 3 if raw.startswith("!") else 2
    inner = raw[lead:-2]
    whole = (
        "\n" not in inner
        and not inner.startswith("[")
        and "[[" not in inner
        and raw.find("]]", lead) == len(raw) - 2
    )
    if not whole or not inner.strip() or (cell and _BARE_PIPE.search(inner)):
        return None
    return parse_wikilink(inner)


_BARE_PIPE = lazy_pattern(r"(?<!\\)\|")


def _parse_markdown_link(raw: str) -> _LinkParts | None:
    at = 0
    while (at := raw.find("](", at) + 1) > 0:
        stop, destination = parse_link_destination(MarkSearch(raw), at, len(raw))
        parts = _split_destination(destination) if stop == len(raw) else None
        if parts:
            return *parts, raw[1 + raw.startswith("!") : at - 1]
    return None


def _format_without_title(link: Link) -> str:
    span = _destination_span(link)
    if span is None:
        return ""
    start, end = span
    destination = link.raw[start:end]
    wrapped = f"<{destination}>" if link.raw[start - 1] == "<" else destination
    return f"{'!' if link.embed else ''}[{link.display}]({wrapped})"
