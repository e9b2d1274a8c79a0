"""What stands in a section that vaultlink keeps: its text, taken apart into entries and what a person typed among them.

Put together again the parts are the text, so whatever is not an entry to be changed stays as it was. Formatters are
forgiven: other list marks, blank lines, escapes, even links that lost their brackets to a backslash are known again.
"""

import re
from typing import NamedTuple

from vaultlink.backlinks.style import normalize_markdown
from vaultlink.model import LinkKind, Owner, Section
from vaultlink.parse.inline import read_inline
from vaultlink.parse.inline_types import InlineWikilink
from vaultlink.parse.link_parts import parse_inline_link

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_LIST_MARKER = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]+")
_TITLE_AND_DASH = re.compile(r"(?P<title>.*?)[ \t]*(?P<dash>–|—|‐|-{1,3}|:)[ \t]*")
_ESCAPED_BRACKET = re.compile(r"\\(?=[\[\]])")
_HEADING_BEFORE_ENTRY = re.compile(r"[^:\[]*:[*_]*(?=.*\[\[)")
_MAX_WRAPPED_LINES = 4
"""Over so many lines more an entry may be wrapped."""


class ExistingEntry(NamedTuple):
    """An entry as written: the title before the link and the dash between ("" if there is none), the link's parts, whether
    it is a list item, and whether the link is one (a backslash may have disarmed it)."""

    title: str
    target: str
    subpath: str
    display: str
    kind: LinkKind
    is_list_item: bool
    is_link: bool


class SectionPart(NamedTuple):
    """A part of a section: the line ends and blank lines before it, its lines, and the entry that it begins with (None for
    what a person typed), as long as `entry_length`. Indented lines below belong to it."""

    gap: str
    text: str
    entry: ExistingEntry | None
    entry_length: int = 0


class ParsedSection(NamedTuple):
    """A section's text: marker and heading, the pieces below, and what follows the last of them. `heading` is the heading
    as written, "" if there is none."""

    head: str
    parts: tuple[SectionPart, ...]
    tail: str
    heading: str


def is_managed_section(section: Section) -> bool:
    """Whether vaultlink keeps a section: it has markers, and was not moved into a quote."""
    return section.owner is not Owner.AUTHOR and section.text[
        section.text.rfind("\n") + 1 :
    ].lstrip().startswith("<!--")


def parse_section(section: Section, heading: str) -> ParsedSection:
    """The parts of a section's text, from its marker to the one that ends it; `heading` is the one it should have."""
    text = section.text
    end = text.rfind("<!--")
    begin, own = _find_heading(section, heading, end)
    pieces: list[SectionPart] = []
    before, at, edge = "", begin, 0
    for match in _LINE.finditer(text, begin, end):
        line = match[0].rstrip("\r\n")
        if not line.strip():
            continue
        before, stop = text[at : match.start()], match.start() + len(line)
        indent = len(line) - len(line.lstrip(" \t"))
        if pieces and indent > edge:
            last = pieces[-1]
            pieces[-1] = last._replace(text=last.text + before + line)
        else:  # what is left of the lines below an entry that went is none itself
            below = section.owner is Owner.WRITTEN and len(line[:indent].expandtabs(4)) > 1
            _add_line(
                pieces, SectionPart(before, line, None if below else parse_entry(line), len(line))
            )
            edge = indent
        at = stop
    return ParsedSection(text[:begin], tuple(pieces), text[at:], own)


def _add_line(pieces: list[SectionPart], piece: SectionPart) -> None:
    """Add a line to the pieces, or to those of its paragraph that it is an entry with: a formatter may have wrapped it."""
    above: list[SectionPart] = []
    below = piece
    while (
        len(above) < _MAX_WRAPPED_LINES and len(above) < len(pieces) and below.gap.count("\n") == 1
    ):
        below = pieces[-1 - len(above)]
        if below.entry:
            break
        above.insert(0, below)
        whole = parse_entry(" ".join(part.text for part in (*above, piece)))
        if (
            whole
            and whole.title
            and normalize_markdown(whole.title) == normalize_markdown(whole.display)
        ):
            text = above[0].text + "".join(part.gap + part.text for part in (*above[1:], piece))
            pieces[-len(above) :] = [SectionPart(above[0].gap, text, whole, len(text))]
            return
    pieces.append(piece)


def _find_heading(section: Section, heading: str, end: int) -> tuple[int, str]:
    """Where the first line behind a section's heading begins, and the heading."""
    begin = section.text.find("-->") + 3
    if section.heading:
        glued = _HEADING_BEFORE_ENTRY.match(
            section.heading
        )  # entries may begin on the heading's line
        own = glued[0] if glued else section.heading
        return section.heading_start - section.start + len(own), own
    first = next(
        (match for match in _LINE.finditer(section.text, begin, end) if match[0].strip()), None
    )
    if first and normalize_markdown(first[0]) == normalize_markdown(heading):
        own = first[0].rstrip()
        return first.start() + len(own), own
    return begin, ""


def parse_entry(line: str) -> ExistingEntry | None:
    """The entry that a line is: a title, a dash and a link, or a link alone, perhaps in a list; None for any other line."""
    mark = _LIST_MARKER.match(line)
    content = line[mark.end() :] if mark else line
    content = content.rstrip().removesuffix("\\")
    if "[[" in content or "](" in content:
        found = _parse_entry_content(content, listed=mark is not None, armed=True)
        if found:
            return found
    if "\\[" in content:
        return _parse_entry_content(
            _ESCAPED_BRACKET.sub("", content), listed=mark is not None, armed=False
        )
    return None


def _parse_entry_content(content: str, *, listed: bool, armed: bool) -> ExistingEntry | None:
    links = read_inline(content).links
    if len(links) != 1 or content[links[0].end :].strip() or links[0].embed:
        return None
    link = links[0]
    parts = parse_inline_link(content, link)
    if parts is None:
        return None
    target, subpath, display = parts
    kind = LinkKind.WIKILINK if isinstance(link, InlineWikilink) else LinkKind.MARKDOWN
    shown = display or (target if kind is LinkKind.WIKILINK else "")
    before = content[: link.start].strip()
    title = _TITLE_AND_DASH.fullmatch(before)
    if before and not title and normalize_markdown(before) != normalize_markdown(shown):
        return None
    return ExistingEntry(
        title["title"] if title else before, target, subpath, shown, kind, listed, armed
    )
