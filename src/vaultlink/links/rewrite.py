"""How a link is written anew: another target, subpath or form, and everything else of it as it stood.

A link and what it is to name enter, edits leave, or none. Nothing is offered that would not be read back as exactly what
was wanted, or that would show the reader other words. What a name means is not known here.
"""

import re
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

Edits = tuple[Edit, ...]

_MAY_CLOSE_MARKUP = re.compile(r"[`$*<>\\\n\r\x00]|~~|==|%%|_(?!\w)")
"""What may close, in a link, something that was opened before it: code, math, emphasis, a tag, a comment."""

_CONTEXT_MARKUP = re.compile(r"[`$*<>\\\[\]&\n\r]|~~|==|%%|://|www\.|_(?!\w)|(?<!\w)_")
"""What reads differently in the text of a Markdown link and in that of a wikilink."""

_URL_SAFE = "/.,;!()&+=@$:?-_~"
_QUOTES = "\"'\\"


def default_display_text(target: str, subpath: str) -> str:
    """What Obsidian shows of a wikilink without display text: target and parts of the subpath (1.18)."""
    if not subpath:
        return target.strip()
    return " > ".join(
        part for part in (piece.strip() for piece in (target, *subpath.split("#"))) if part
    )


def rewrite_link(path: str, link: Link, target: str, subpath: str) -> Edits:
    """The edits that let a link of a note name another target and subpath and still show the same words; none if there is
    no way to write it so."""
    target = target.replace("\u00a0", " ")
    if link.kind is LinkKind.WIKILINK and link.target.startswith("["):
        return ()  # then the brackets before it would be read otherwise (1.4)
    change = (_retarget_wikilink if link.kind is LinkKind.WIKILINK else _retarget_markdown)(
        link, target, subpath
    )
    return _build_edits(path, link, change, target, subpath) if change else ()


def drop_display_text(path: str, link: Link) -> Edits:
    """The edits that take the display text from a wikilink which shows the same words without it."""
    *_, end, inner_end = _wikilink_offsets(link)
    return _build_edits(path, link, (end, inner_end, ""), link.target, link.subpath)


def convert_link(path: str, link: Link, target: str, subpath: str) -> Edits:
    """The edits that make a Markdown link of a wikilink, or the other way round; none if anything would be lost."""
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
    ):
        return ()
    words = (
        link.display
        if link.display is not None
        else ""
        if link.embed
        else default_display_text(link.target, link.subpath)
    )
    if (
        _CONTEXT_MARKUP.search(words)
        or _MAY_CLOSE_MARKUP.search(target + subpath)
        or (not words and not link.embed)
    ):
        return ()
    now = _parse_markdown_link(text) if wikilink else _parse_wikilink(text, link.in_table_cell)
    if (
        now is None
        or now[:2] != (target, subpath)
        or (_visible_text(now) if words else now[2] or "") != words
    ):
        return ()
    if not wikilink and link.raw != _format_without_title(link):
        return ()  # a title would be lost
    return (Edit(path, link.start, link.end, text),)


def format_wikilink(link: Link, target: str, subpath: str) -> str:
    """A link as a wikilink to a target; its display text stays unless it is what would show."""
    sign, words = "!" if link.embed else "", link.display or ""
    pipe = "\\|" if link.in_table_cell else "|"
    display = "" if not words or words == default_display_text(target, subpath) else pipe + words
    return f"{sign}[[{target}{subpath}{display}]]"


def format_markdown_link(link: Link, target: str, subpath: str) -> str:
    """A link as a Markdown link to a target; a wikilink's text is what it shows."""
    sign = "!" if link.embed else ""
    text = (
        link.display
        if link.display is not None
        else ""
        if link.embed
        else default_display_text(link.target, link.subpath)
    )
    return f"{sign}[{text}]({encode_destination(target)}{encode_destination(subpath, '#^')})"


def encode_destination(text: str, more: str = "", *, letters: bool = False) -> str:
    """Text as it stands in a Markdown destination. Letters of other scripts are left as they are if `letters` is true;
    parentheses if they are balanced."""
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


# -- where in a link something changes ------------------------------------------------------------------------------

_Replacement = tuple[int, int, str]
"""A span within the link as it stands, and what is to stand there."""


def _retarget_wikilink(link: Link, target: str, subpath: str) -> _Replacement | None:
    """Another destination for a wikilink. What it showed is written out, and left out where it shows anyway."""
    begin, name_end, mark, end, inner_end = _wikilink_offsets(link)
    named = target + link.raw[name_end:end] if subpath == link.subpath else target + subpath
    if subpath and subpath != link.subpath and target == link.target and mark:
        named = link.raw[begin:mark] + subpath
    words = default_display_text(target, subpath)
    if link.embed:
        return begin, end, named
    if link.display is None:
        before = default_display_text(link.target, link.subpath)
        if before == words:
            return begin, end, named
        pipe = link.raw[end:].find("|")
        if pipe != -1:  # a pipe without a display text
            return begin, end + pipe + 1, named + link.raw[end : end + pipe + 1] + before
        return begin, end, f"{named}\\|{before}" if link.in_table_cell else f"{named}|{before}"
    if link.display == words and link.place is not Place.SECTION:
        return begin, inner_end, named
    return begin, end, named


def _wikilink_offsets(link: Link) -> tuple[int, int, int, int, int]:
    """Offsets in a wikilink: where the destination begins, where its target ends, the subpath's mark (0 if there is none),
    where the destination ends, and where all that stands between the brackets does."""
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


def _retarget_markdown(link: Link, target: str, subpath: str) -> _Replacement | None:
    """Another destination for a Markdown link, written as the old one was."""
    span = _destination_span(link)
    if span is None:
        return None
    start, end = span
    old, wrapped = link.raw[start:end], link.raw[start - 1] == "<"
    letters = not old.isascii()
    mark = old.find("#")
    name, rest = (old, "") if mark == -1 else (old[:mark], old[mark:])
    if target != link.target:
        name = target if wrapped else encode_destination(target, letters=letters)
    if subpath != link.subpath:
        rest = subpath if wrapped else encode_destination(subpath, "#^", letters=letters)
    return start, end, name + rest


def _destination_span(link: Link) -> tuple[int, int] | None:
    """Where in a Markdown link its destination stands, without angle brackets."""
    raw, at = link.raw, 0
    while (at := raw.find("](", at) + 1) > 0:
        stop, destination = parse_link_destination(raw, at, len(raw))
        if stop == len(raw) and _split_destination(destination) == (link.target, link.subpath):
            start = at + 1 + len(raw[at + 1 :]) - len(raw[at + 1 :].lstrip())
            start += raw[start] == "<"
            return start, start + len(destination)
    return None


def _split_destination(destination: str) -> tuple[str, str] | None:
    decoded = decode_destination(destination)
    return None if decoded is None or is_external(decoded) else split_subpath(decoded)


# -- what was written, read back ------------------------------------------------------------------------------------


def _build_edits(path: str, link: Link, change: _Replacement, target: str, subpath: str) -> Edits:
    """A change of a link as edits, if the link can be changed, and would then be read as it is meant."""
    start, end, text = change
    old = link.raw[start:end]
    if (
        link.external
        or link.place is Place.CANVAS
        or link.end - link.start != len(link.raw)
        or text == old
        or "\n" in old
    ):
        return ()
    raw = link.raw[:start] + text + link.raw[end:]
    if link.place is Place.PROPERTY:
        fits = all(
            raw.count(mark) <= link.raw.count(mark) for mark in _QUOTES
        ) and _is_read_back_as(link, _parse_property_link(raw), target, subpath)
    else:
        read = (
            _parse_wikilink(raw, link.in_table_cell)
            if link.kind is LinkKind.WIKILINK
            else _parse_markdown_link(raw)
        )
        fits = not _MAY_CLOSE_MARKUP.search(
            _added_text(link, text, target, subpath)
        ) and _is_read_back_as(link, read, target, subpath)
    return (Edit(path, link.start + start, link.start + end, text),) if fits else ()


def _added_text(link: Link, text: str, target: str, subpath: str) -> str:
    """What of a destination's text was not there before."""
    if link.kind is LinkKind.MARKDOWN:
        return text
    return (target if target != link.target else "") + (subpath if subpath != link.subpath else "")


_LinkParts = tuple[str, str, str | None]
"""Target, subpath and display text."""


def _is_read_back_as(link: Link, read: _LinkParts | None, target: str, subpath: str) -> bool:
    if read is None or read[:2] != (target, subpath):
        return False
    if link.kind is LinkKind.MARKDOWN and link.place is not Place.PROPERTY:
        as_it_was = _parse_markdown_link(
            link.raw
        )  # its text may run over lines, with marks of a quote between them
        return as_it_was is not None and read[2] == as_it_was[2]
    if link.embed or link.kind is LinkKind.MARKDOWN:
        return read[2] == link.display
    return _visible_text(read) == _visible_text((link.target, link.subpath, link.display))


def _visible_text(read: _LinkParts) -> str:
    target, subpath, display = read
    return default_display_text(target, subpath) if display is None else display


def _parse_property_link(raw: str) -> _LinkParts | None:
    link = parse_property_link(raw, (0, 0, 1, 1), "")
    return (link.target, link.subpath, link.display) if link and not link.external else None


def _parse_wikilink(raw: str, cell: bool) -> _LinkParts | None:
    """Target, subpath and display of a wikilink's text, None if it is none."""
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


_BARE_PIPE = re.compile(r"(?<!\\)\|")


def _parse_markdown_link(raw: str) -> _LinkParts | None:
    """Target, subpath and text of a Markdown link's text, None if it is none."""
    at = 0
    while (at := raw.find("](", at) + 1) > 0:
        stop, destination = parse_link_destination(raw, at, len(raw))
        named = _split_destination(destination) if stop == len(raw) else None
        if named:
            return *named, raw[1 + raw.startswith("!") : at - 1]
    return None


def _format_without_title(link: Link) -> str:
    """A Markdown link without a title, its destination as it stands."""
    span = _destination_span(link)
    if span is None:
        return ""
    start, end = span
    destination = link.raw[start:end]
    wrapped = f"<{destination}>" if link.raw[start - 1] == "<" else destination
    return f"{'!' if link.embed else ''}[{link.display}]({wrapped})"
