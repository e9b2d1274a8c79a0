"""Parse the text of a managed section into entries, mentions and typed text."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from vaultlink.backlinks.choice import detect_language
from vaultlink.backlinks.style import normalize_markdown
from vaultlink.index.index import Index
from vaultlink.index.resolve import PathsByName, resolve
from vaultlink.links.kinds import SYNTAX
from vaultlink.model import Link, LinkKind, Note, Owner, Section
from vaultlink.parse.backlinks_heading import MENTION_WORDINGS, is_mention_item
from vaultlink.parse.backlinks_markers import MARKER_TEXT
from vaultlink.parse.inline import read_inline
from vaultlink.parse.link_parts import parse_inline_link
from vaultlink.text import lazy_pattern

# -- parse the text of a managed section into entries and text that a person typed -----------------
# Changes of formatters are accepted: other list markers, blank lines, escapes, and links with
# brackets that were escaped.

_LINE = lazy_pattern(r"[^\n]*\n|[^\n]+\Z")
_LIST_MARKER = lazy_pattern(r"(?:[-*+]|\d{1,9}[.)])[ \t]+")
_TITLE_AND_DASH = lazy_pattern(r"(?P<title>.*?)[ \t]*(?P<dash>–|—|‐|-{1,3}|:)[ \t]*")
_ESCAPED_BRACKET = lazy_pattern(r"\\(?=[\[\]])")
_HEADING_BEFORE_ENTRY = lazy_pattern(r"[^:\[]*:[*_]*(?=.*\[\[)")
_GROUP_HEADING = lazy_pattern(r"[ \t]*(?:\*\*|__)(?![ \t])[^\n]*/(?:\*\*|__)[ \t]*\\?")
_MAX_WRAPPED_LINES = 4
"""Maximum number of further lines that an entry may be wrapped over."""


class ExistingEntry(NamedTuple):
    """An entry, as written.

    `title` is the text before the dash ("" if there is none). `is_link` is False if the brackets of
    the link are escaped with a backslash.
    """

    title: str
    target: str
    subpath: str
    display: str
    kind: LinkKind
    is_list_item: bool
    is_link: bool


class SectionPart(NamedTuple):
    """A part of a section.

    `gap` are the line ends and blank lines before it, `text` its lines, with indented lines below.
    `entry` is the entry that it begins with, `entry_length` code points long; None for typed text.
    """

    gap: str
    text: str
    entry: ExistingEntry | None
    entry_length: int = 0


class ParsedSection(NamedTuple):
    """The text of a section.

    `head` is the marker and the heading, `tail` what follows the last part. `heading` is the
    heading as written, "" if there is none.
    """

    head: str
    parts: tuple[SectionPart, ...]
    tail: str
    heading: str


def is_managed_section(section: Section) -> bool:
    """Return True if vaultlink maintains a section: it has markers and no quote marks."""
    last_line = section.text.rpartition("\n")[2]
    return section.owner is not Owner.AUTHOR and last_line.lstrip().startswith("<!--")


def parse_managed_sections(note: Note, heading: str) -> list[tuple[Section, ParsedSection]]:
    """Return the managed sections of a note, each with its parts, below a heading."""
    sections = filter(is_managed_section, note.sections)
    return [(section, parse_section(section, heading)) for section in sections]


def list_entry_links(note: Note, index: Index) -> list[tuple[Link, str | None]]:
    """Return links in managed sections with targets; indented ones if no others."""
    entries = [
        entry
        for section in note.sections
        if is_managed_section(section)
        for entry in section.entries
        if entry.link and not entry.link.external
    ]
    first = [entry for entry in entries if entry.marks[:1] not in (" ", "\t")]
    return [
        (entry.link, resolve(note.path, entry.link.target, index.names))
        for entry in first or entries
        if entry.link
    ]


def parse_section(section: Section, heading: str) -> ParsedSection:
    """Parse a section from marker to marker, with the heading that it should have."""
    text = section.text
    end = text.rfind("<!--")
    begin, own_heading = _find_heading(section, heading, end)
    parts: list[SectionPart] = []
    gap, done, indent_above, part_end = "", begin, 0, begin
    for match in _LINE.finditer(text, begin, end):
        line = match[0].rstrip("\r\n")
        if not line.strip():
            continue
        gap, stop = text[done : match.start()], match.start() + len(line)
        indent = len(line) - len(line.lstrip(" \t"))
        if not parts or indent <= indent_above:
            _extend_last_part(parts, text, part_end, done)
            # An indented line is not an entry: the entry above it was removed.
            below = section.owner is Owner.WRITTEN and len(line[:indent].expandtabs(4)) > 1
            entry = None if below else _parse_entry(line)
            _add_line(parts, SectionPart(gap, line, entry, len(line)))
            indent_above, part_end = indent, stop
        done = stop
    _extend_last_part(parts, text, part_end, done)
    return ParsedSection(text[:begin], tuple(_drop_group_headings(parts)), text[done:], own_heading)


def _extend_last_part(parts: list[SectionPart], text: str, part_end: int, end: int) -> None:
    if part_end < end:
        parts[-1] = parts[-1]._replace(text=parts[-1].text + text[part_end:end])


def _add_line(parts: list[SectionPart], line: SectionPart) -> None:
    """Add a line; the end of an entry that a formatter wrapped joins its first line."""
    above: list[SectionPart] = []
    current = line
    while len(above) < min(_MAX_WRAPPED_LINES, len(parts)) and current.gap.count("\n") == 1:
        current = parts[-1 - len(above)]
        if current.entry:
            break
        above.insert(0, current)
        entry = _parse_entry(" ".join(part.text for part in (*above, line)))
        title, display = (entry.title, entry.display) if entry else ("", "")
        if title and normalize_markdown(title) == normalize_markdown(display):
            text = above[0].text + "".join(part.gap + part.text for part in (*above[1:], line))
            parts[-len(above) :] = [SectionPart(above[0].gap, text, entry, len(text))]
            return
    parts.append(line)


def _drop_group_headings(parts: Iterable[SectionPart]) -> Iterator[SectionPart]:
    """Yield parts without the bold folders that vaultlink 0.5 wrote to group entries."""
    is_below = False
    for part in parts:
        line = "" if part.entry else part.text.split("\n", 1)[0].rstrip("\r")
        if not _GROUP_HEADING.fullmatch(line):
            yield part._replace(gap="") if is_below else part
            is_below = False
            continue
        is_below = True
        typed = part.text[len(line) :].lstrip("\r\n")
        if typed.strip():
            yield SectionPart("", typed, None)


def _find_heading(section: Section, heading: str, end: int) -> tuple[int, str]:
    """Return the offset behind a section's heading, and the heading."""
    begin = section.text.find("-->") + 3
    if section.heading:
        # Entries may begin on the heading's line.
        match_before_entry = _HEADING_BEFORE_ENTRY.match(section.heading)
        own_heading = match_before_entry[0] if match_before_entry else section.heading
        return section.heading_start - section.start + len(own_heading), own_heading
    lines = _LINE.finditer(section.text, begin, end)
    first = next((match for match in lines if match[0].strip()), None)
    if first and normalize_markdown(first[0]) == normalize_markdown(heading):
        own_heading = first[0].rstrip()
        return first.start() + len(own_heading), own_heading
    return begin, ""


def _parse_entry(line: str) -> ExistingEntry | None:
    """Return the entry of a line: a title, a dash and a link, or only a link; or None."""
    list_marker = _LIST_MARKER.match(line)
    content = line[list_marker.end() :] if list_marker else line
    content = content.rstrip().removesuffix("\\")
    is_item = list_marker is not None
    if "[[" in content or "](" in content:
        found = _parse_entry_content(content, is_list_item=is_item, is_link=True)
        if found:
            return found
    if "\\[" in content:
        content = _ESCAPED_BRACKET.sub("", content)
        return _parse_entry_content(content, is_list_item=is_item, is_link=False)
    return None


def _parse_entry_content(
    content: str, *, is_list_item: bool, is_link: bool
) -> ExistingEntry | None:
    links = read_inline(content).links
    if len(links) != 1 or content[links[0].end :].strip() or links[0].embed:
        return None
    link = links[0]
    parts = parse_inline_link(content, link)
    if parts is None:
        return None
    target, subpath, display = parts
    display_text = display or (target if SYNTAX[link.kind].shows_target else "")
    before = content[: link.start].strip()
    title = _TITLE_AND_DASH.fullmatch(before)
    if before and not title and normalize_markdown(before) != normalize_markdown(display_text):
        return None
    entry_title = title["title"] if title else before
    written = entry_title, target, subpath, display_text
    return ExistingEntry(*written, link.kind, is_list_item, is_link)


# -- parse the list of mentions in a managed section -----------------------------------------------
# It is a list item "Mentioned in" in any language, with the notes nested below, in all styles. An
# entry of backlinks is a link and not nested, so no formatter turns one into the other.


MENTION_INDENT = "  "
"""The indentation of the notes in a new list of mentions."""


def format_mention_item(index: Index) -> str:
    """Return the item that begins a new list of mentions, in the vault's language."""
    return f"- {MENTION_WORDINGS[index.derive(detect_language)]}"


def parse_mention_list(part: SectionPart) -> ParsedSection | None:
    """Parse a part of a section that lists mentions; None for any other part.

    The result has the item as its head and the lines below as its parts; the gap of a part ends
    with its indentation, which is that of the outermost items for each entry. Deeper lines belong
    to the part above. An item without a link below is typed text.
    """
    first, _, _ = part.text.partition("\n")
    if part.entry or len(first) == len(part.text) or not is_mention_item(first):
        return None
    head = first.removesuffix("\r")
    lines = list(_read_lines(part.text, len(head)))
    indents = [_split_gap(line.gap)[1] for line in lines if _LIST_MARKER.match(line.text)]
    outermost = min(indents, key=_measure_width, default="")
    groups: list[list[SectionPart]] = []
    for line in lines:
        blank, indent = _split_gap(line.gap)
        if groups and _measure_width(indent) > _measure_width(outermost):
            groups[-1].append(line)
        else:
            groups.append([line._replace(gap=blank + outermost) if line.entry else line])
    if not any(above.entry for above, *_ in groups):
        return None
    parts = (
        above._replace(text=above.text + "".join(line.gap + line.text for line in below))
        for above, *below in groups
    )
    return ParsedSection(head, tuple(parts), "", "")


def _read_lines(text: str, done: int) -> Iterator[SectionPart]:
    """Yield the lines of a text from an offset on that are not blank."""
    for match in _LINE.finditer(text, text.find("\n") + 1):
        line = match[0].rstrip("\r\n")
        content = line.lstrip(" \t")
        if content:
            start, stop = match.end() - len(match[0].lstrip(" \t")), match.start() + len(line)
            yield SectionPart(text[done:start], content, _parse_entry(content), len(content))
            done = stop


def _split_gap(gap: str) -> tuple[str, str]:
    """Split a gap into line ends with blank lines, and the indentation."""
    start = gap.rfind("\n") + 1
    return gap[:start], gap[start:]


def _measure_width(indent: str) -> int:
    return len(indent.expandtabs(4))


def find_mentioning_notes(
    path: str, sections: Iterable[ParsedSection], names: PathsByName
) -> Iterator[str]:
    """Yield the notes that sections of the note at `path` list as mentions."""
    for section in sections:
        for part in section.parts:
            mentions = parse_mention_list(part)
            for item in mentions.parts if mentions else ():
                target = item.entry and resolve(path, item.entry.target, names)
                if target is not None:
                    yield target


def blank_managed_sections(note: Note, text: str) -> str:
    """Return a note's text with blanks for managed sections, which writing changes."""
    for section in note.sections if MARKER_TEXT in text else ():
        if section.owner is not Owner.AUTHOR:
            blank = " " * (section.end - section.start)
            text = text[: section.start] + blank + text[section.end :]
    return text
