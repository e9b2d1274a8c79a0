"""Format the entries of sections: escaped titles, links in the vault's style."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from vaultlink.backlinks.choice import choose_style, detect_language
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import resolve
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.naming import LinkStyle
from vaultlink.model import LinkKind, Note
from vaultlink.parse.backlinks_heading import USUAL_WORDINGS
from vaultlink.parse.inline import read_inline
from vaultlink.parse.link_parts import is_external, parse_inline_link
from vaultlink.text import lazy_pattern

TOPICS_HEADING = "**Add backlinks using these topics:**"
_LIST_HEADINGS: Mapping[str, str] = {
    language: f"## {wordings[0]}" for language, wordings in USUAL_WORDINGS.items()
}
"""Heading of a list by language."""

_BRACKETS_TO_PARENS = str.maketrans("[]", "()")
_INLINE_MARKUP = lazy_pattern(r"[\\`*$<]|~(?=~)|=(?==)|(?<!\S)#(?=\S)")
"""Markup before a link that could begin code, math, HTML, emphasis or a tag."""

_EDGE_UNDERSCORE = lazy_pattern(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""An underscore at the edge of a word, which can be emphasis.

If a text has one, its other underscores can be emphasis too.
"""

_LIST_NUMBER = lazy_pattern(r"(\d{1,9})([.)])(?=\s|$)")
_BLOCK_MARKER = lazy_pattern(r"#{1,6}(?=\s|$)|[-+](?=\s|$)|>|[-=]+$")
_BACKSLASH_ESCAPE = lazy_pattern(r"\\(?=[!-/:-@\[-`{-~])")
_PLAIN_TARGET = lazy_pattern(r"[\w \-./',&()!+–—’:]*")


class SectionStyle(NamedTuple):
    """Style of a vault's sections and its links.

    `kind` is `topics`, `list` or `context`; `heading` is the configured heading, "" for the style's
    own.
    """

    kind: str
    heading: str
    links: LinkStyle


class ExpectedEntry(NamedTuple):
    """An expected entry: path and title of a note, target and style of its link.

    The title is on one line and has no brackets; it is not escaped.
    """

    path: str
    title: str
    target: str
    links: LinkStyle

    @property
    def kind(self) -> LinkKind:
        return self.links.kind


def read_section_style(settings: Mapping[str, Any], links: LinkStyle, index: Index) -> SectionStyle:
    """Return the style of sections; `links` is that of their links."""
    return SectionStyle(choose_style(settings, index), settings["heading"].strip(), links)


def format_heading(style: SectionStyle, index: Index) -> str:
    """Return the configured heading, or that of the style, in the vault's language."""
    if style.heading:
        return style.heading
    if style.kind == "topics":
        return TOPICS_HEADING
    return _LIST_HEADINGS[index.derive(detect_language)]


def is_right_heading(heading: str, style: SectionStyle) -> bool:
    """Return True for a right heading in any formatting; of a list, in any language."""
    usual = (TOPICS_HEADING,) if style.kind == "topics" else _LIST_HEADINGS.values()
    expected = (style.heading,) if style.heading else usual
    return normalize_markdown(heading) in map(normalize_markdown, expected)


def _clean_title(text: str) -> str:
    """Return a text without brackets and comment marks, which could hide other text."""
    plain = text.translate(_BRACKETS_TO_PARENS)
    return re.sub("%+", "%", plain) if "%" in plain else plain


def expected_entry(
    source: str, note: Note, index: Index, style: SectionStyle
) -> ExpectedEntry | None:
    """Return the entry for a note; None if no link can resolve to its file name."""
    title = _clean_title(" ".join((note.title or "").split()) or link_name(note.path))
    other = next(kind for kind in LinkKind if kind is not style.links.kind)
    for links in (style.links, LinkStyle(other, style.links.path)):
        target = links.format_target(source, note.path, index)
        entry = ExpectedEntry(note.path, title, target, links)
        if _is_resolvable(source, entry, index):
            return entry
    return None


def _is_resolvable(source: str, entry: ExpectedEntry, index: Index) -> bool:
    """Return True if the rendered link is parsed again and resolves to the note."""
    if not _PLAIN_TARGET.fullmatch(entry.target):
        text = _render_link(entry, entry.title, "|")
        links = read_inline(text).links
        if len(links) != 1 or (links[0].start, links[0].end) != (0, len(text)):
            return False
        parts = parse_inline_link(text, links[0])
        if parts is None or parts[:2] != (entry.target, ""):
            return False
    elif SYNTAX[entry.kind].writes_paths and is_external(entry.target):
        return False
    return resolve(source, entry.target, index.names) == entry.path


def _render_link(entry: ExpectedEntry, display: str, pipe: str) -> str:
    """Render a link with display text; `pipe` separates the two in a wikilink."""
    if SYNTAX[entry.kind].has_pipe:
        return f"[[{entry.target}{pipe}{display.replace('`', chr(39))}]]"
    return entry.links.write_link(entry.target, _escape_inline(display))


def render_entry(entry: ExpectedEntry, style: SectionStyle) -> str:
    """Render the line of an entry, with a display text unless the target is the title."""
    is_name = SYNTAX[entry.kind].shows_target and entry.target == entry.title
    link = f"[[{entry.target}]]" if is_name else ""
    if style.kind == "topics":
        title = escape_block_start(_escape_inline(entry.title))
        return f"{title} – {link or _render_link(entry, entry.title, ' | ')}"
    return f"- {link or _render_link(entry, entry.title, '|')}"


def _escape_inline(text: str) -> str:
    """Escape code, math, HTML, emphasis and tags in a text."""
    escaped = _INLINE_MARKUP.sub(r"\\\g<0>", text)
    return escaped.replace("_", "\\_") if _EDGE_UNDERSCORE.search(text) else escaped


def escape_block_start(text: str) -> str:
    """Escape a heading, list or quote marker at the start of a line."""
    number = _LIST_NUMBER.match(text)
    if number:
        return f"{number[1]}\\{text[number.end(1) :]}"
    return "\\" + text if _BLOCK_MARKER.match(text) else text


def normalize_markdown(text: str) -> str:
    """Return a text without what formatters change: escapes, emphasis, white space."""
    return " ".join(_BACKSLASH_ESCAPE.sub("", text).replace("_", "*").split())
