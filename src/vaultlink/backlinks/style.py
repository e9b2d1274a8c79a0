"""Format the entries of sections: escaped titles, links in the vault's style."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import resolve
from vaultlink.links.naming import format_target
from vaultlink.model import LinkKind, Note
from vaultlink.parse.inline import read_inline
from vaultlink.parse.link_parts import is_external, parse_inline_link

DEFAULT_HEADING = "**Add backlinks using these topics:**"
DEFAULT_LIST_HEADING = "## Backlinks"

_BRACKETS_TO_PARENS = str.maketrans("[]", "()")
_INLINE_MARKUP = re.compile(r"[\\`*$<]|~(?=~)|=(?==)|(?<!\S)#(?=\S)")
"""Markup before a link that could begin code, math, HTML, emphasis or a tag."""

_EDGE_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""An underscore at the edge of a word, which can be emphasis.

If a text has one, its other underscores can be emphasis too.
"""

_LIST_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_BLOCK_MARKER = re.compile(r"#{1,6}(?=\s|$)|[-+](?=\s|$)|>|[-=]+$")
_BACKSLASH_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_PLAIN_TARGET = re.compile(r"[\w \-./',&()!+–—’:]*")
_URL_SAFE = "/!$&'*+,;=:@~-._"


class SectionStyle(NamedTuple):
    """Style of a vault's sections.

    `kind` is the configured style (such as `topics`), `heading` the heading; `link_format` and
    `use_markdown_links` are those of the vault's links.
    """

    kind: str
    heading: str
    link_format: str
    use_markdown_links: bool


class ExpectedEntry(NamedTuple):
    """An expected entry: path and title of a note, target and kind of its link.

    The title is on one line and has no brackets; it is not escaped.
    """

    path: str
    title: str
    target: str
    kind: LinkKind


def section_style(settings: Mapping[str, Any], naming: str, markdown: bool) -> SectionStyle:
    """Return the style of sections for the settings of `[backlinks]`.

    `naming` is the format of link targets, `markdown` whether links are Markdown links. Lists have
    their own default heading.
    """
    style, heading = settings["style"], settings["heading"].strip()
    if style != "topics" and heading == DEFAULT_HEADING:
        heading = DEFAULT_LIST_HEADING
    return SectionStyle(style, heading, naming, markdown)


def format_entry_title(note: Note) -> str:
    """Return the title of a note for an entry, on one line and without brackets.

    It is the `title` property, else the file name.
    """
    title = " ".join((note.title or "").split()) or link_name(note.path)
    return re.sub("%+", "%", title.translate(_BRACKETS_TO_PARENS))


def expected_entry(
    source: str, note: Note, index: Index, style: SectionStyle
) -> ExpectedEntry | None:
    """Return the entry for a note in the section of the note at `source`.

    Return None if no link can resolve to the note, because of its file name.
    """
    target, title = (
        format_target(source, note.path, index, style.link_format),
        format_entry_title(note),
    )
    kinds = (
        (LinkKind.MARKDOWN, LinkKind.WIKILINK)
        if style.use_markdown_links
        else (LinkKind.WIKILINK, LinkKind.MARKDOWN)
    )
    for kind in kinds:
        entry = ExpectedEntry(
            note.path, title, target if kind is LinkKind.WIKILINK else target + note.path[-3:], kind
        )
        if _is_resolvable(source, entry, index):
            return entry
    return None


def _is_resolvable(source: str, entry: ExpectedEntry, index: Index) -> bool:
    """Return True if the rendered link is parsed again and resolves to the note."""
    if not _PLAIN_TARGET.fullmatch(entry.target):
        text = render_link(entry, entry.title, "|")
        links = read_inline(text).links
        if len(links) != 1 or (links[0].start, links[0].end) != (0, len(text)):
            return False
        parts = parse_inline_link(text, links[0])
        if parts is None or parts[:2] != (entry.target, ""):
            return False
    elif entry.kind is LinkKind.MARKDOWN and is_external(entry.target):
        return False
    return resolve(source, entry.target, index.names) == entry.path


def render_link(entry: ExpectedEntry, display: str, pipe: str) -> str:
    """Render a link with display text; `pipe` separates the two in a wikilink."""
    if entry.kind is LinkKind.WIKILINK:
        return f"[[{entry.target}{pipe}{display.replace('`', chr(39))}]]"
    # Letters of all scripts stay readable; the rest is encoded, as brackets and blanks must be.
    target = "".join(
        char if char.isalnum() else quote(char, safe=_URL_SAFE) for char in entry.target
    )
    return f"[{escape_inline(display)}]({target})"


def render_entry(entry: ExpectedEntry, style: SectionStyle) -> str:
    """Render the line of an entry."""
    if style.kind == "topics":
        title = escape_block_start(escape_inline(entry.title))
        return f"{title} – {render_link(entry, entry.title, ' | ')}"
    if entry.kind is LinkKind.WIKILINK and entry.target == entry.title:
        return f"- [[{entry.target}]]"
    return f"- {render_link(entry, entry.title, '|')}"


def escape_inline(text: str) -> str:
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
    """Return a text in a form for comparison.

    Formatters add and remove escapes, and change emphasis markers and white space.
    """
    return " ".join(_BACKSLASH_ESCAPE.sub("", text).replace("_", "*").split())
