"""Compare a section with what it should be, and write it; typed text is kept."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.backlinks.existing import (
    ExistingEntry,
    ParsedSection,
    SectionPart,
    format_mention_item,
    parse_mention_list,
)
from vaultlink.backlinks.expected import ExpectedSection
from vaultlink.backlinks.placement import END_MARKER, format_begin_marker
from vaultlink.backlinks.style import (
    ExpectedEntry,
    SectionStyle,
    format_heading,
    is_right_heading,
    normalize_markdown,
    render_entry,
)
from vaultlink.index.index import Index
from vaultlink.index.resolve import PathsByName, resolve
from vaultlink.model import Owner, Section
from vaultlink.parse.backlinks_markers import set_context_mark
from vaultlink.parse.inline import read_inline
from vaultlink.parse.link_parts import parse_inline_link
from vaultlink.text import lazy_pattern


class SectionDiff(NamedTuple):
    """Differences between a section and what it should be.

    `missing` are entries it lacks, `unexpected` the display texts of entries that do not belong in
    it, `outdated` entries with another target or title. The order of entries is not compared:
    vaultlink 0.5 also ordered them by rank and by time, and such sections stay as they are.
    """

    missing: tuple[ExpectedEntry, ...] = ()
    unexpected: tuple[str, ...] = ()
    outdated: tuple[ExpectedEntry, ...] = ()
    wrong_heading: bool = False


def compare_section(
    section: Section, parsed: ParsedSection, expected: ExpectedSection, names: PathsByName
) -> SectionDiff:
    """Compare a managed section with what it should be, except an adopted heading."""
    diff = _compare_entries(parsed, expected, names)
    mentions = expected.mention_list()
    for part in parsed.parts:
        listed = parse_mention_list(part)
        if listed:
            other = _compare_entries(listed, mentions, names)
            diff = SectionDiff(
                diff.missing + other.missing,
                diff.unexpected + other.unexpected,
                diff.outdated + other.outdated,
            )
            mentions = mentions.without_entries()
    return diff._replace(
        missing=(*diff.missing, *mentions.entries.values()),  # if there is no list of mentions
        wrong_heading=section.owner is Owner.WRITTEN
        and not is_right_heading(parsed.heading, expected.style),
    )


def _compare_entries(
    parsed: ParsedSection, expected: ExpectedSection, names: PathsByName
) -> SectionDiff:
    present: set[str] = set()
    unexpected, outdated = [], []
    for part in parsed.parts:
        if part.entry is None:
            continue
        entry = _match_entry(part, expected, names)
        if entry is None or entry.path in present:
            unexpected.append(part.entry.display)
            continue
        present.add(entry.path)
        if not _entry_matches(part.entry, entry, expected.style):
            outdated.append(entry)
    missing = tuple(entry for path, entry in expected.entries.items() if path not in present)
    return SectionDiff(missing, tuple(unexpected), tuple(outdated))


def _match_entry(
    part: SectionPart, expected: ExpectedSection, names: PathsByName
) -> ExpectedEntry | None:
    """Return the expected entry that a part lists; None for anything else."""
    path = resolve(expected.path, part.entry.target, names) if part.entry else None
    return expected.entries.get(path) if path else None


def _entry_matches(existing: ExistingEntry, entry: ExpectedEntry, style: SectionStyle) -> bool:
    """Return True if an entry has the expected link and title, in any formatting."""
    if not existing.is_link or existing.subpath:
        return False
    if (existing.kind, existing.target) != (entry.kind, entry.target):
        return False
    title = existing.title if style.kind == "topics" else entry.title
    if not (_is_same_text(existing.display, entry.title) and _is_same_text(title, entry.title)):
        return False
    return style.kind == "topics" or (existing.is_list_item and not existing.title)


def _is_same_text(first: str, second: str) -> bool:
    one, other = (normalize_markdown(text).replace("`", "'") for text in (first, second))
    return one == other


# -- render a new section, or update an existing one and keep typed text ---------------------------


_LIST_ITEM = lazy_pattern(r"[ \t]+(?:[-*+]|\d{1,9}[.)])[ \t]")


class RenderContext(msgspec.Struct, frozen=True):
    """Data to render a section: the line end of its note, and the excerpts of others."""

    index: Index
    line_end: str
    get_excerpts: Callable[[str], Sequence[str]]


def render_section(expected: ExpectedSection, marker_content: str, context: RenderContext) -> str:
    items = [_render_entry(entry, expected, context) for entry in expected.entries.values()]
    if expected.mentions:
        items.append(_render_new_mentions(expected, context))
    content = [_default_gap(expected, context).join(items)] if items else []
    marker = format_begin_marker(marker_content)
    marker = set_context_mark(marker, is_set=expected.style.kind == "context")
    heading = format_heading(expected.style, context.index)
    return (context.line_end * 2).join((marker, heading, *content, END_MARKER))


def _render_new_mentions(expected: ExpectedSection, context: RenderContext) -> str:
    item = ParsedSection(format_mention_item(context.index), (), "", "")
    return _render_mentions(item, expected.mention_list(), context)


def _render_mentions(
    listed: ParsedSection, expected: ExpectedSection, context: RenderContext
) -> str:
    """Render a list of mentions; "" if it would list nothing and has no typed text."""
    text = render_updated_section(listed, SectionDiff(), expected, context)
    return text if len(text) > len(listed.head) else ""


def render_updated_section(
    parsed: ParsedSection, diff: SectionDiff, expected: ExpectedSection, context: RenderContext
) -> str:
    """Render an updated section, in order; correct entries keep their bytes."""
    first_part = parsed.parts[0] if parsed.parts else None
    gap = _detect_gap(parsed, expected, context) or _default_gap(expected, context)
    own_first_gap = first_part.gap if first_part else ""
    first_gap = own_first_gap or (gap if expected.indent else context.line_end * 2)
    parts, entries, mentions = _collect_entries(parsed, expected, context)
    for path, entry in expected.entries.items():
        if path not in entries:
            entries[path] = [SectionPart("", _render_entry(entry, expected, context), None)]
        parts += entries[path]
    parts += mentions
    head = _replace_heading(parsed.head, expected, context) if diff.wrong_heading else parsed.head
    texts = [set_context_mark(head, is_set=expected.style.kind == "context")]
    for number, part in enumerate(parts):
        own_gap = part.gap if part is not first_part else ""
        is_indented = expected.indent and own_gap  # the indentation of typed text must stay
        texts += [
            first_gap if number == 0 and not is_indented else own_gap or gap,
            part.text if part.gap else part.text.lstrip(),
        ]
    return "".join([*texts, parsed.tail])


def has_outdated_excerpts(
    parsed: ParsedSection, expected: ExpectedSection, context: RenderContext
) -> bool:
    """Return True if the excerpts below an entry differ, or should not be there."""
    return any(
        (entry := _match_entry(part, expected, context.index.names))
        and not _has_same_excerpts(part, entry.path, expected, context)
        for part in parsed.parts
    )


def has_author_text(
    parsed: ParsedSection, expected: ExpectedSection, context: RenderContext
) -> bool:
    for part in parsed.parts:
        listed = parse_mention_list(part)
        if listed:
            if has_author_text(listed, expected.mention_list(), context):
                return True
        elif part.entry is None or _split_below(part, expected, context)[1]:
            return True
    return False


def _collect_entries(
    parsed: ParsedSection, expected: ExpectedSection, context: RenderContext
) -> tuple[list[SectionPart], dict[str, list[SectionPart]], list[SectionPart]]:
    """Return leading typed text, kept entries by path, and the list of mentions.

    Each kept entry, and the list of mentions, has the typed text behind it.
    """
    leading: list[SectionPart] = []
    groups: dict[str, list[SectionPart]] = {}
    current, mentions = leading, list[SectionPart]()
    expected_mentions = expected.mention_list()
    for part in parsed.parts:
        listed = parse_mention_list(part)
        if listed:
            text = _render_mentions(listed, expected_mentions, context)
            expected_mentions = expected_mentions.without_entries()
            if text:
                gap = part.gap if part is not parsed.parts[0] else ""
                mentions.append(SectionPart(gap, text, None))
                current = mentions
            continue
        if part.entry is None:
            current.append(part)
            continue
        entry = _match_entry(part, expected, context.index.names)
        if entry and entry.path not in groups:
            kept = _update_part(part, part.entry, entry, expected, context)
            groups[entry.path] = current = [kept]
        else:
            rest = _split_below(part, expected, context)[1]
            typed = rest.lstrip() if expected.indent else rest.lstrip("\r\n")
            gap = rest[: -len(typed)] if typed and expected.indent else part.gap
            current += [SectionPart(gap, typed, None)] if rest else []
    if expected_mentions.entries:
        mentions.append(SectionPart("", _render_new_mentions(expected, context), None))
    return leading, groups, mentions


def _update_part(
    part: SectionPart,
    existing: ExistingEntry,
    entry: ExpectedEntry,
    expected: ExpectedSection,
    context: RenderContext,
) -> SectionPart:
    """Return a kept entry, unchanged if all of it is right."""
    is_right = _entry_matches(existing, entry, expected.style)
    if is_right and _has_same_excerpts(part, entry.path, expected, context):
        return part
    line = part.text[: part.entry_length] if is_right else ""
    text = _render_entry(entry, expected, context, line)
    gap = part.gap if is_right else ""
    return SectionPart(gap, text + _split_below(part, expected, context)[1], part.entry)


def _render_entry(
    entry: ExpectedEntry, expected: ExpectedSection, context: RenderContext, line: str = ""
) -> str:
    """Render an entry with its excerpts; `line` is its line if that is right already."""
    excerpts = _get_excerpts(entry.path, expected, context)
    lines = [line or render_entry(entry, expected.style), *(f"  - {text}" for text in excerpts)]
    return context.line_end.join(lines)


def _get_excerpts(path: str, expected: ExpectedSection, context: RenderContext) -> Sequence[str]:
    return context.get_excerpts(path) if expected.style.kind == "context" else ()


def _has_same_excerpts(
    part: SectionPart, path: str, expected: ExpectedSection, context: RenderContext
) -> bool:
    """Return True if the excerpts below an entry are right, in any formatting."""
    below, _ = _split_below(part, expected, context)
    excerpts = _get_excerpts(path, expected, context)
    return [*map(normalize_markdown, below)] == [*map(normalize_markdown, excerpts)]


def _split_below(
    part: SectionPart, expected: ExpectedSection, context: RenderContext
) -> tuple[list[str], str]:
    # A list of mentions has no excerpts: no link resolves to a note without a path.
    return split_below(part, "" if expected.indent else expected.path, context.index.names)


def split_below(part: SectionPart, path: str, names: PathsByName) -> tuple[list[str], str]:
    """Split the lines below an entry into items that link to `path`, and the others."""
    excerpts: list[str] = []
    rest: list[str] = []
    for item in _split_items(part.text[part.entry_length :]):
        text = " ".join(line.strip() for line in item.split("\n"))
        marker = _LIST_ITEM.match(f" {text}")
        content = text[marker.end() - 1 :] if marker else text
        if marker and part.entry and _has_link_to(content, path, names):
            excerpts.append(content)
        else:
            rest.append(item)
    return excerpts, "".join(rest)


def _split_items(text: str) -> list[str]:
    """Split into list items, each with the lines around that belong to it."""
    items: list[str] = []
    for match in re.finditer(r"\r?\n[^\r\n]*", text):
        line = match[0].lstrip("\r\n")
        is_new = not line or _LIST_ITEM.match(line) or not items
        if is_new and (not items or items[-1].strip()):
            items.append(match[0])
        else:
            items[-1] += match[0]
    return items


def _has_link_to(text: str, path: str, names: PathsByName) -> bool:
    """Return True if a text, read in the note at `path`, links to that note."""
    plain = re.sub(r"\\(?=[\[\]])", "", text)
    links = [parse_inline_link(plain, link) for link in read_inline(plain).links]
    return any(parts and parts[0] and resolve(path, parts[0], names) == path for parts in links)


def _default_gap(expected: ExpectedSection, context: RenderContext) -> str:
    count = 2 if expected.style.kind == "topics" else 1
    return context.line_end * count + expected.indent


def _detect_gap(parsed: ParsedSection, expected: ExpectedSection, context: RenderContext) -> str:
    """Return the text between a section's entries.

    Return "" if it has fewer than two correct entries. In a list of mentions, one entry is enough,
    because its gap has the indentation.
    """
    if expected.indent:
        return next((part.gap for part in parsed.parts if part.entry), "")
    gaps = [
        part.gap
        for part in parsed.parts
        if part.entry
        and (entry := _match_entry(part, expected, context.index.names))
        and _entry_matches(part.entry, entry, expected.style)
    ]
    return next(filter(None, gaps[1:]), "")


def _replace_heading(head: str, expected: ExpectedSection, context: RenderContext) -> str:
    marker = head[: head.find("-->") + 3]
    between = head[len(marker) :]
    blank = between[: len(between) - len(between.lstrip())]
    return marker + (blank or "\n\n") + format_heading(expected.style, context.index)
