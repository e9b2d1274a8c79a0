"""How an entry is worded: the title made safe for a line of Markdown, the link in the vault's own style."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from vaultlink.index import Index, stem
from vaultlink.linking import named
from vaultlink.model import Kind, Note
from vaultlink.parse.inline import read_inline
from vaultlink.parse.links import is_external, parts_of
from vaultlink.resolve import resolve

DEFAULT_HEADING = "**Add backlinks using these topics:**"
LIST_HEADING = "## Backlinks"

_BRACKETS = str.maketrans("[]", "()")
_ACTIVE = re.compile(r"[\\`*$<]|~(?=~)|=(?==)|(?<!\S)#(?=\S)")
"""What could begin code, math, HTML, emphasis or a tag in front of a link, and so unmake it."""

_EMPHATIC = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""An underscore at a word's edge, that may be a mark of emphasis, as others of its text may be then."""

_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_BLOCK = re.compile(r"#{1,6}(?=\s|$)|[-+](?=\s|$)|>|[-=]+$")
_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_PLAIN = re.compile(r"[\w \-./',&()!+–—’:]*")
_MARKDOWN_SAFE = "/!$&'*+,;=:@~-._"


class Look(NamedTuple):
    """How sections look: their style and heading, the way files are named, and whether links are Markdown's."""

    style: str
    heading: str
    naming: str
    markdown: bool


class Listed(NamedTuple):
    """A note to be listed: its path, its title made safe, the target by which it is named, and the kind of the link."""

    path: str
    title: str
    target: str
    kind: Kind


def look(settings: Mapping[str, Any], naming: str, markdown: bool) -> Look:
    """How sections look under the settings of `[backlinks]` in a vault that names files so, in Markdown links or wikilinks.
    The heading of lists is one of its own unless one is configured."""
    style, heading = settings["style"], settings["heading"].strip()
    if style != "topics" and heading == DEFAULT_HEADING:
        heading = LIST_HEADING
    return Look(style, heading, naming, markdown)


def title_of(note: Note) -> str:
    """What a note is called in an entry: its `title` property, else its file's name; on one line and without brackets."""
    words = " ".join((note.title or "").split()) or stem(note.path)
    return re.sub("%+", "%", words.translate(_BRACKETS))


def listed(source: str, note: Note, index: Index, look: Look) -> Listed | None:
    """How a section of the note `source` lists a note; None if no link can lead to it, as its name is none for links."""
    target, title = named(source, note.path, index, look.naming), title_of(note)
    kinds = (Kind.MARKDOWN, Kind.WIKILINK) if look.markdown else (Kind.WIKILINK, Kind.MARKDOWN)
    for kind in kinds:
        item = Listed(
            note.path, title, target if kind is Kind.WIKILINK else target + note.path[-3:], kind
        )
        if _leads(source, item, index):
            return item
    return None


def _leads(source: str, item: Listed, index: Index) -> bool:
    """Whether the link, once written, is read back and leads to the note."""
    if not _PLAIN.fullmatch(item.target):
        text = link_text(item, item.title, "|")
        found = read_inline(text).links
        if len(found) != 1 or (found[0].start, found[0].end) != (0, len(text)):
            return False
        parts = parts_of(text, found[0])
        if parts is None or parts[:2] != (item.target, ""):
            return False
    elif item.kind is Kind.MARKDOWN and is_external(item.target):
        return False
    return resolve(source, item.target, index.names) == item.path


def link_text(item: Listed, shown: str, pipe: str) -> str:
    """A link to a note with the words it shows; `pipe` stands between the two in a wikilink."""
    if item.kind is Kind.WIKILINK:
        return f"[[{item.target}{pipe}{shown.replace('`', chr(39))}]]"
    # Letters of all scripts stay readable; the rest is encoded, as brackets and blanks have to be.
    target = "".join(
        char if char.isalnum() else quote(char, safe=_MARKDOWN_SAFE) for char in item.target
    )
    return f"[{escaped(shown)}]({target})"


def entry_text(item: Listed, look: Look) -> str:
    """The line of an entry."""
    if look.style == "topics":
        return f"{guarded(escaped(item.title))} – {link_text(item, item.title, ' | ')}"
    if item.kind is Kind.WIKILINK and item.target == item.title:
        return f"- [[{item.target}]]"
    return f"- {link_text(item, item.title, '|')}"


def escaped(text: str) -> str:
    """Text in which nothing is code, math, HTML, emphasis or a tag."""
    safe = _ACTIVE.sub(r"\\\g<0>", text)
    return safe.replace("_", "\\_") if _EMPHATIC.search(text) else safe


def guarded(text: str) -> str:
    """Text that begins no heading, list or quote where it stands first on a line."""
    number = _NUMBER.match(text)
    if number:
        return f"{number[1]}\\{text[number.end(1) :]}"
    return "\\" + text if _BLOCK.match(text) else text


def loosely(text: str) -> str:
    """Text as compared: formatters add and drop escapes, choose another mark for emphasis and other white space."""
    return " ".join(_ESCAPED.sub("", text).replace("_", "*").split())
