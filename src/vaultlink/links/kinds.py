"""The kinds of links in one table: how each is read, written and changed.

Only the parser and this module know the kinds by name: a new one is a row here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

from vaultlink.index.resolve import file_name, is_note
from vaultlink.model import Definition, Link, LinkKind, Place
from vaultlink.parse.brackets import MarkSearch, parse_link_destination
from vaultlink.parse.link_parts import (
    decode_destination,
    is_external,
    parse_wikilink,
    split_subpath,
)
from vaultlink.text import lazy_pattern

Encoder = Callable[[str, str], str]
"""Encodes a text for a destination, except the characters of the second text."""

LinkParts = tuple[str, str, str | None]
"""Target, subpath and display text."""

Replacement = tuple[int, int, str]
"""A span within `Link.raw`, and its new text."""


class LinkSyntax(NamedTuple):
    """The syntax of a kind of links.

    Attributes:
        has_pipe: True if a pipe separates target and text. In a table cell it is escaped.
        shows_target: True if a link without text shows its target.
        writes_paths: True if other programs follow the links too. Their targets are paths with the
            extension of a note, relative to the note with the link or rooted with a slash.
        reads_slugs: True if an anchor may be meant for GitHub or a web page.
        nests: True if the text of a link may contain other links.
        write: Returns the link to a target and subpath with a text. Arguments 4 and 5 are True for
            an embed and in a table cell. A text that the link shows anyway is left out.
        read: Returns the parts of a whole link, which is in a table cell if the second argument is
            True; None if it would not be read as one.
        retarget: Returns the change that gives a link another target and subpath, and keeps the
            text that it shows; None if that can't be written.
        follow: Returns the same change after the target was renamed: a text that follows from the
            target changes with it. Argument 4 is True if a text may be added where the link would
            show a path instead of a name.
        is_complete: Returns True if target, subpath and text are all that a link has.
    """

    has_pipe: bool
    shows_target: bool
    writes_paths: bool
    reads_slugs: bool
    nests: bool
    write: Callable[[str, str, str, bool, bool], str]
    read: Callable[[str, bool], LinkParts | None]
    retarget: Callable[[Link, str, str], Replacement | None]
    follow: Callable[[Link, str, str, bool], Replacement | None]
    is_complete: Callable[[Link], bool]


def is_wikilink(link: Link) -> bool:
    """Return True for a link in double brackets, and for a file card of a canvas."""
    return link.kind is LinkKind.WIKILINK


def bracketed_text(link: Link) -> str | None:
    """Return the text between double brackets; None for other links."""
    if link.kind is not LinkKind.WIKILINK or not link.raw.endswith("]]"):
        return None
    return link.raw[3 if link.embed else 2 : -2]


def list_kinds(use_markdown_links: bool) -> tuple[LinkKind, LinkKind]:
    preferred, other = LinkKind.WIKILINK, LinkKind.MARKDOWN
    return (other, preferred) if use_markdown_links else (preferred, other)


def add_extension(target: str, path: str, kind: LinkKind) -> str:
    return target + path[-3:] if SYNTAX[kind].writes_paths and is_note(path) else target


def find_nested_links(links: Sequence[Link]) -> set[int]:
    """Return the offsets of the links in the text of another link."""
    outer = [link for link in links if link.raw.find("[", 2) != -1 and SYNTAX[link.kind].nests]
    starts = sorted(link.start for link in links) if outer else []
    return {
        start
        for link in outer
        for start in starts[bisect_right(starts, link.start) : bisect_left(starts, link.end)]
    }


def default_display_text(target: str, subpath: str) -> str:
    """Return the text that Obsidian shows for a wikilink without display text (1.18)."""
    if not subpath:
        return target.strip()
    parts = (piece.strip() for piece in (target, *subpath.split("#")))
    return " > ".join(filter(None, parts))


def shown_text(link: Link) -> str:
    """Return the text that a link shows; "" for an embed without text."""
    if link.display is not None:
        return link.display
    return "" if link.embed else default_display_text(link.target, link.subpath)


def format_link(link: Link, kind: LinkKind, target: str, subpath: str) -> str:
    """Return a link in some kind's syntax, with another target and the same text."""
    syntax = SYNTAX[kind]
    text = link.display or "" if syntax.shows_target else shown_text(link)
    return syntax.write(target, subpath, text, link.embed, link.in_table_cell)


# -- wikilinks ------------------------------------------------------------------------------------

_BARE_PIPE = lazy_pattern(r"(?<!\\)\|")


class _WikilinkSpans(NamedTuple):
    """Offsets within a wikilink. `mark` is the subpath's `#`, 0 without one."""

    start: int
    target_end: int
    mark: int
    destination_end: int
    inner_end: int


def _find_wikilink_spans(link: Link) -> _WikilinkSpans:
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
    return _WikilinkSpans(
        begin,
        begin + len(target),
        begin + mark if mark != -1 else 0,
        begin + len(destination),
        begin + len(inner),
    )


def find_display_span(link: Link) -> tuple[int, int]:
    return _find_wikilink_spans(link)[3:]


def _write_wikilink(target: str, subpath: str, text: str, embed: bool, in_cell: bool) -> str:
    pipe = "\\|" if in_cell else "|"
    shown = pipe + text if text and text != default_display_text(target, subpath) else ""
    return f"{'!' * embed}[[{target}{subpath}{shown}]]"


def _read_wikilink(raw: str, in_cell: bool) -> LinkParts | None:
    lead = 3 if raw.startswith("!") else 2
    inner = raw[lead:-2]
    is_whole = "\n" not in inner and "[[" not in inner and not inner.startswith("[")
    is_whole = is_whole and raw.find("]]", lead) == len(raw) - 2
    if not is_whole or not inner.strip() or (in_cell and _BARE_PIPE.search(inner)):
        return None
    return parse_wikilink(inner)


def _retarget_wikilink(link: Link, target: str, subpath: str) -> Replacement | None:
    """Return a new destination; the text that the link showed is added if need be."""
    if link.target.startswith("["):
        return None  # the brackets before it would be read differently (1.4)
    start, target_end, mark, end, inner_end = _find_wikilink_spans(link)
    destination = target + (link.raw[target_end:end] if subpath == link.subpath else subpath)
    if subpath and subpath != link.subpath and target == link.target and mark:
        destination = link.raw[start:mark] + subpath
    shown = default_display_text(target, subpath)
    if link.embed:
        return start, end, destination
    if link.display is None:
        previous = default_display_text(link.target, link.subpath)
        if previous == shown:
            return start, end, destination
        pipe = link.raw.find("|", end)
        if pipe != -1:  # a pipe without a display text
            return start, pipe + 1, destination + link.raw[end : pipe + 1] + previous
        return start, end, destination + ("\\|" if link.in_table_cell else "|") + previous
    if link.display == shown and link.place is not Place.SECTION:
        return start, inner_end, destination
    return start, end, destination


def _rename_wikilink(link: Link, target: str, subpath: str, adds_text: bool) -> Replacement:
    """Return a new destination.

    A wikilink without display text shows the new name. If a path is added to its name, the name
    becomes the display text, unless none may be added.
    """
    start, target_end, _, end, _ = _find_wikilink_spans(link)
    name = link.raw[start:target_end] if target == link.target else target
    destination = name + (link.raw[target_end:end] if subpath == link.subpath else subpath)
    is_longer = adds_text and "/" in target and "/" not in link.target
    if is_longer and link.target and "|" not in link.raw and not (link.embed or link.beside_table):
        pipe = "\\|" if link.in_table_cell else "|"
        destination += pipe + default_display_text(file_name(target), subpath)
    return start, end, destination


# -- Markdown links -------------------------------------------------------------------------------

_URL_SAFE = "/.,;!&+=@$:?-_~"
"""Characters that need no escape. Parentheses do: many programs end a link at the first `)`."""


def encode_destination(text: str, more: str = "", *, letters: bool = False) -> str:
    """Encode a Markdown destination except `more`, and with `letters` other scripts."""
    safe = _URL_SAFE + more
    return "".join(
        char if letters and not char.isascii() and not char.isspace() else quote(char, safe=safe)
        for char in text
    )


def wrap_destination(text: str) -> str:
    """Return a destination in angle brackets; encoded instead if it can't be in them."""
    if _NOT_WRAPPED.search(text):
        return encode_destination(text, "#^", letters=True)
    return f"<{_escape_percent(text, '')}>"


_NOT_WRAPPED = lazy_pattern(r"[<>\\\n\r&]")


def _write_markdown(target: str, subpath: str, text: str, embed: bool, _in_cell: bool) -> str:
    destination = encode_destination(target) + encode_destination(subpath, "#^")
    return f"{'!' * embed}[{text}]({destination})"


class _MarkdownLink(NamedTuple):
    """Target, subpath and text of a Markdown link; span of its destination."""

    target: str
    subpath: str
    text: str
    start: int
    end: int


def _parse_markdown(raw: str) -> Iterator[_MarkdownLink]:
    """Yield the readings of a Markdown link, nearly always one; none for a URL."""
    at, embed = 0, raw.startswith("!")
    while (at := raw.find("](", at) + 1) > 0:
        stop, destination = parse_link_destination(MarkSearch(raw), at, len(raw))
        decoded = decode_destination(destination, embed=embed) if stop == len(raw) else None
        if decoded is not None and not is_external(decoded):
            start = at + 1 + len(raw[at + 1 :]) - len(raw[at + 1 :].lstrip())
            start += raw[start] == "<"
            text = raw[1 + embed : at - 1]
            yield _MarkdownLink(*split_subpath(decoded), text, start, start + len(destination))


def _find_markdown(link: Link) -> _MarkdownLink | None:
    wanted = (link.target, link.subpath)
    return next((item for item in _parse_markdown(link.raw) if item[:2] == wanted), None)


def find_name_spans(link: Link) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the spans of target and subpath in `Link.raw`; None in a file card."""
    if link.kind is LinkKind.WIKILINK:
        if not link.raw.endswith("]]"):
            return None
        start, _, _, end, _ = _find_wikilink_spans(link)
    else:
        parsed = _find_markdown(link)
        if parsed is None:
            return None
        start, end = parsed.start, parsed.end
    mark = link.raw.find("#", start, end)
    mark = end if mark == -1 else mark
    return (start, mark), (mark, end)


def find_text_span(link: Link) -> tuple[int, int] | None:
    """Return the span of a Markdown link's text in `Link.raw`; None for others."""
    parsed = _find_markdown(link) if link.kind is LinkKind.MARKDOWN else None
    return (1 + link.embed, 1 + link.embed + len(parsed.text)) if parsed else None


def _read_markdown(raw: str, _in_cell: bool) -> LinkParts | None:
    parsed = next(_parse_markdown(raw), None)
    return parsed and parsed[:3]


def _replace_destination(link: Link, target: str, subpath: str) -> Replacement | None:
    """Return a new destination in the style of the current one."""
    parsed = _find_markdown(link)
    if parsed is None:
        return None
    current, wrapped = link.raw[parsed.start : parsed.end], link.raw[parsed.start - 1] == "<"
    encode = _escape_percent if wrapped else make_encoder(current)
    new = change_destination(link, current, target, subpath, encode)
    return parsed.start, parsed.end, new


def change_destination(
    link: Link | Definition, current: str, target: str, subpath: str, encode: Encoder
) -> str:
    """Return a destination with another target and subpath; equal parts stay.

    If a percent escape is malformed, neither part stays: the other one would be read anew (2.3).
    """
    mark, is_decoded = current.find("#"), decode_destination(current) is not None
    name, rest = (current, "") if mark == -1 else (current[:mark], current[mark:])
    if target != link.target or not is_decoded:
        name = encode(target, "")
    if subpath != link.subpath or not is_decoded:
        rest = encode(subpath, "#^")
    return name + rest


def make_encoder(current: str) -> Encoder:
    return partial(encode_destination, letters=not current.isascii())


def _escape_percent(text: str, _more: str) -> str:
    """Return a text as written in angle brackets, where escapes are decoded too (2.2)."""
    return text.replace("%", "%25")


def _has_no_title(link: Link) -> bool:
    parsed = _find_markdown(link)
    if parsed is None:
        return False
    destination = link.raw[parsed.start : parsed.end]
    if link.raw[parsed.start - 1] == "<":
        destination = f"<{destination}>"
    return link.raw == f"{'!' * link.embed}[{link.display}]({destination})"


# -- the table ------------------------------------------------------------------------------------

SYNTAX: Mapping[LinkKind, LinkSyntax] = {
    LinkKind.WIKILINK: LinkSyntax(
        has_pipe=True,
        shows_target=True,
        writes_paths=False,
        reads_slugs=False,
        nests=False,
        write=_write_wikilink,
        read=_read_wikilink,
        retarget=_retarget_wikilink,
        follow=_rename_wikilink,
        is_complete=lambda _link: True,
    ),
    LinkKind.MARKDOWN: LinkSyntax(
        has_pipe=False,
        shows_target=False,
        writes_paths=True,
        reads_slugs=True,
        nests=True,
        write=_write_markdown,
        read=_read_markdown,
        retarget=_replace_destination,
        follow=lambda link, target, subpath, _: _replace_destination(link, target, subpath),
        is_complete=_has_no_title,
    ),
}
