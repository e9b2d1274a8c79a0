"""Parse the list of mentions in a managed section.

It is a list item "Mentioned in" in any language, with the notes nested below, in all styles. An
entry of backlinks is a link and not nested, so no formatter turns one into the other.
"""

from collections.abc import Iterable, Iterator

from vaultlink.backlinks.existing import ParsedSection, SectionPart, parse_entry
from vaultlink.backlinks.language import detect_language
from vaultlink.index.index import Index
from vaultlink.index.resolve import PathsByName, resolve
from vaultlink.parse.backlinks_heading import MENTION_WORDINGS, is_mention_item
from vaultlink.text import lazy_pattern

MENTION_INDENT = "  "
"""The indentation of the notes in a new list of mentions."""

_LINE = lazy_pattern(r"[^\n]*\n|[^\n]+\Z")
_LIST_MARKER = lazy_pattern(r"(?:[-*+]|\d{1,9}[.)])[ \t]")


def format_mention_item(index: Index) -> str:
    """Return the item that begins a new list of mentions.

    It is in the language of the vault."""
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
            yield SectionPart(text[done:start], content, parse_entry(content), len(content))
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
