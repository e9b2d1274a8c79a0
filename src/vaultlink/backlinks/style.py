"""How an entry is worded: the title made safe for a line of Markdown, the link in the vault's own style."""

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
"""What could begin code, math, HTML, emphasis or a tag in front of a link, and so unmake it."""

_EDGE_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""An underscore at a word's edge, that may be a mark of emphasis, as others of its text may be then."""

_LIST_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_BLOCK_MARKER = re.compile(r"#{1,6}(?=\s|$)|[-+](?=\s|$)|>|[-=]+$")
_BACKSLASH_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_PLAIN_TARGET = re.compile(r"[\w \-./',&()!+–—’:]*")
_URL_SAFE = "/!$&'*+,;=:@~-._"


class SectionStyle(NamedTuple):
    """How sections look: their style and heading, the way files are named, and whether links are Markdown's."""

    kind: str
    heading: str
    link_format: str
    use_markdown_links: bool


class ExpectedEntry(NamedTuple):
    """A note to be listed: its path, its title made safe, the target by which it is named, and the kind of the link."""

    path: str
    title: str
    target: str
    kind: LinkKind


def section_style(settings: Mapping[str, Any], naming: str, markdown: bool) -> SectionStyle:
    """How sections look under the settings of `[backlinks]` in a vault that names files so, in Markdown links or wikilinks.
    The heading of lists is one of its own unless one is configured."""
    style, heading = settings["style"], settings["heading"].strip()
    if style != "topics" and heading == DEFAULT_HEADING:
        heading = DEFAULT_LIST_HEADING
    return SectionStyle(style, heading, naming, markdown)


def format_entry_title(note: Note) -> str:
    """What a note is called in an entry: its `title` property, else its file's name; on one line and without brackets."""
    words = " ".join((note.title or "").split()) or link_name(note.path)
    return re.sub("%+", "%", words.translate(_BRACKETS_TO_PARENS))


def expected_entry(
    source: str, note: Note, index: Index, style: SectionStyle
) -> ExpectedEntry | None:
    """How a section of the note `source` lists a note; None if no link can lead to it, as its name is none for links."""
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
        item = ExpectedEntry(
            note.path, title, target if kind is LinkKind.WIKILINK else target + note.path[-3:], kind
        )
        if _is_resolvable(source, item, index):
            return item
    return None


def _is_resolvable(source: str, item: ExpectedEntry, index: Index) -> bool:
    """Whether the link, once written, is read back and leads to the note."""
    if not _PLAIN_TARGET.fullmatch(item.target):
        text = render_link(item, item.title, "|")
        found = read_inline(text).links
        if len(found) != 1 or (found[0].start, found[0].end) != (0, len(text)):
            return False
        parts = parse_inline_link(text, found[0])
        if parts is None or parts[:2] != (item.target, ""):
            return False
    elif item.kind is LinkKind.MARKDOWN and is_external(item.target):
        return False
    return resolve(source, item.target, index.names) == item.path


def render_link(item: ExpectedEntry, shown: str, pipe: str) -> str:
    """A link to a note with the words it shows; `pipe` stands between the two in a wikilink."""
    if item.kind is LinkKind.WIKILINK:
        return f"[[{item.target}{pipe}{shown.replace('`', chr(39))}]]"
    # Letters of all scripts stay readable; the rest is encoded, as brackets and blanks have to be.
    target = "".join(
        char if char.isalnum() else quote(char, safe=_URL_SAFE) for char in item.target
    )
    return f"[{escape_inline(shown)}]({target})"


def render_entry(item: ExpectedEntry, style: SectionStyle) -> str:
    """The line of an entry."""
    if style.kind == "topics":
        return f"{escape_block_start(escape_inline(item.title))} – {render_link(item, item.title, ' | ')}"
    if item.kind is LinkKind.WIKILINK and item.target == item.title:
        return f"- [[{item.target}]]"
    return f"- {render_link(item, item.title, '|')}"


def escape_inline(text: str) -> str:
    """Text in which nothing is code, math, HTML, emphasis or a tag."""
    safe = _INLINE_MARKUP.sub(r"\\\g<0>", text)
    return safe.replace("_", "\\_") if _EDGE_UNDERSCORE.search(text) else safe


def escape_block_start(text: str) -> str:
    """Text that begins no heading, list or quote where it stands first on a line."""
    number = _LIST_NUMBER.match(text)
    if number:
        return f"{number[1]}\\{text[number.end(1) :]}"
    return "\\" + text if _BLOCK_MARKER.match(text) else text


def normalize_markdown(text: str) -> str:
    """Text as compared: formatters add and drop escapes, choose another mark for emphasis and other white space."""
    return " ".join(_BACKSLASH_ESCAPE.sub("", text).replace("_", "*").split())
