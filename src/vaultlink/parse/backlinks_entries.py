"""Parse one line of an "Add backlinks" section into entries.

An entry consists of a title, a dash and a link. A list mark may precede it, and the dash may be
another character or missing. A bare link is an entry too. Malformed entries are recognized only if
a single reading is likely: a title without a link, or a link without a bracket. A line may contain
several entries. A line of prose contains none.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import structs

from vaultlink.model import Entry, Link
from vaultlink.text import count_shared, fold_title, lazy_pattern, line_and_column

LIST_MARK = lazy_pattern(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[^\]\[]\][ \t]+)?|–[ \t]+)?")
_DASH = lazy_pattern(
    r"(?:[–—―‒‐‑−]|-{2,3}>?|(?<![^ \t])-(?=[ \t]|$)|-(?=[ \t])|(?<![-=])[-=]+>|[→⇒]|[:：])[ \t]*$"
)
_ENTRY_SEPARATOR = lazy_pattern(r"[ \t]*(?:[,;·•|][ \t]*)?")
_MALFORMED_LINK = lazy_pattern(
    r"(?<!\\)(?:\[\[(?P<inner>[^\[\]]+)\]?|(?<!\[)\[(?P<single>[^\[\]]+)\]{1,2})"
    r"(?P<tail>[ \t.,;]*)$"
)
_NOT_A_TITLE = lazy_pattern(r"[\[\]`|<>{}]|https?://|[.!;,]$|^[#^]")
_MAX_TITLE_LENGTH = 300
_MAX_LONE_TITLE_LENGTH = 150
_NOT_ALPHANUMERIC = lazy_pattern(r"[^a-z0-9 ]")


class EntrySource(NamedTuple):
    """The note from which entries are parsed.

    Attributes:
        text: Its text.
        starts: Offsets of its line starts.
        links: Its links, sorted by offset.
        offsets: The offsets of the links.
    """

    text: str
    starts: list[int]
    links: Sequence[Link]
    offsets: list[int]


def parse_line_entries(page: EntrySource, at: int, content: int, end: int) -> tuple[Entry, ...]:
    """Return the entries of a line; empty if it is prose.

    Args:
        page: The note.
        at: Offset of the line.
        content: Offset behind its quote marks.
        end: Offset of its end.
    """
    mark = LIST_MARK.match(page.text, content, end)
    assert mark
    start, stop = mark.end(), _content_end(page.text, mark.end(), end)
    if start >= stop:
        return ()
    marks = page.text[at:start]
    entries = _parse_linked_entries(page, start, stop, marks)
    if entries:
        return entries
    if _links_between(page, start, stop):
        nested = _parse_nested_link(page, start, stop, marks)
        return (nested,) if nested else ()
    malformed = _parse_malformed_link(page, start, stop, marks) or _parse_lone_title(
        page, start, stop, marks
    )
    return (malformed,) if malformed else ()


def _content_end(text: str, start: int, end: int) -> int:
    """Return the end of a span without trailing blanks."""
    return start + len(text[start:end].rstrip())


def _links_between(page: EntrySource, start: int, end: int) -> list[Link]:
    """Return the internal links within a span that are not inside another link."""
    found: list[Link] = []
    for link in page.links[bisect_left(page.offsets, start) : bisect_left(page.offsets, end)]:
        if not link.external and link.end <= end and not (found and link.start < found[-1].end):
            found.append(link)
    return found


def _parse_linked_entries(
    page: EntrySource, start: int, stop: int, marks: str
) -> tuple[Entry, ...]:
    """Return entries with a link at line start; none if text behind makes it prose."""
    entries: list[Entry] = []
    at = start
    for link in _links_between(page, start, stop):
        entry = _build_entry(page, at, link, marks)
        if not entry:
            break
        entries.append(entry)
        between = _ENTRY_SEPARATOR.match(page.text, link.end, stop)
        assert between
        at = between.end()
    if not entries:
        return ()
    last = entries[-1]
    tail = page.text[last.end : stop]
    if not _is_valid_tail(tail, entries[0], marks):
        return ()
    entries[-1] = structs.replace(last, tail=tail)
    return tuple(entries)


def _is_valid_tail(tail: str, first: Entry, marks: str) -> bool:
    """Return True if the text behind an entry does not make the line prose.

    Any text may follow an entry with title and dash. Behind a bare link, it must be a list item,
    and the text must start with a dash, a colon or a parenthesis.
    """
    rest = tail.strip()
    if not rest.strip(".,;"):
        return True
    listed = bool(marks.strip(" \t>"))
    return bool(first.title and first.dash) or (listed and rest[0] in "–—-:(")


def _build_entry(page: EntrySource, at: int, link: Link, marks: str) -> Entry | None:
    """Return the entry that ends with a link; None if text before it is no title."""
    text = page.text
    title_end, dash = _split_title(text, at, link.start)
    title = text[at:title_end]
    if (
        "[[" in title
        or "]]" in title
        or title.startswith((">", "#"))
        or len(title) > _MAX_TITLE_LENGTH
    ):
        return None
    raw = text[at : link.end]
    if not title:  # a dash without a title is a list mark
        marks, raw = marks + text[at : link.start], link.raw
        at, title_end, dash = link.start, link.start, ""
    elif (not dash or dash in ":：") and not _is_title_of_link(title, link):
        return None
    return Entry(
        at,
        link.end,
        *line_and_column(page.starts, at),
        title,
        title_end,
        dash,
        link.start,
        link,
        marks,
        "",
        raw,
    )


def _split_title(text: str, at: int, end: int) -> tuple[int, str]:
    """Return the end of the title that starts at `at`, and the dash behind it or ""."""
    before = text[at:end]
    dash = _DASH.search(before)
    if dash:
        return at + len(before[: dash.start()].rstrip()), dash[0].rstrip()
    return at + len(before.rstrip()), ""


def _is_title_of_link(title: str, link: Link) -> bool:
    """Return True if a title resembles the link's display text or target."""
    normalized = _simplify_title(title)
    return any(
        _is_similar(normalized, _simplify_title(text))
        for text in (link.display, link.target)
        if text
    )


def _simplify_title(text: str) -> str:
    low = fold_title(text.replace("_", " "))
    return (_NOT_ALPHANUMERIC.sub("", low) if low.isascii() else low).strip()


def _is_similar(one: str, other: str) -> bool:
    return 0 < max(len(one), len(other)) <= count_shared(one, other) * 5 // 3


def _parse_nested_link(page: EntrySource, start: int, stop: int, marks: str) -> Entry | None:
    """Return an entry whose link contains another one, which alone is a link."""
    text = page.text
    opening = text.find("[[", start, stop)
    inner = _links_between(page, start, stop)[0]
    if not start < opening < inner.start:
        return None
    title_end, dash = _split_title(text, start, opening)
    if not dash or dash in ":：":
        return None
    return Entry(
        start,
        stop,
        *line_and_column(page.starts, start),
        text[start:title_end],
        title_end,
        dash,
        opening,
        None,
        marks,
        "nested-link",
        text[start:stop],
    )


def _parse_malformed_link(page: EntrySource, start: int, stop: int, marks: str) -> Entry | None:
    text = page.text
    match = _MALFORMED_LINK.search(text, start, stop)
    if not match:
        return None
    title_end, dash = _split_title(text, start, match.start())
    if "[" in text[start:title_end] or "]" in text[start:title_end]:
        return None
    both_single = match["single"] is not None and not text.endswith("]]", 0, match.start("tail"))
    if title_end == start and not (marks.strip(" \t>") and not both_single):
        return None
    if (
        (not dash or dash in ":：")
        and title_end > start
        and (both_single or not _is_title_of_broken_link(text[start:title_end], match))
    ):
        return None
    end = match.start("tail")
    return Entry(
        start,
        end,
        *line_and_column(page.starts, start),
        text[start:title_end],
        title_end,
        dash,
        match.start(),
        None,
        marks,
        "malformed-link",
        text[start:end],
        text[end:stop],
    )


def _is_title_of_broken_link(title: str, match: re.Match[str]) -> bool:
    """Return True if the text between unbalanced brackets is similar to a title."""
    return any(
        _is_similar(_simplify_title(title), _simplify_title(part))
        for part in (match["inner"] or match["single"]).split("|")
    )


def _parse_lone_title(page: EntrySource, start: int, stop: int, marks: str) -> Entry | None:
    """Return an entry that has only a title: a short line that is not a sentence."""
    text = page.text
    title_end, dash = _split_title(text, start, stop)
    if dash in ("-", ":", "："):
        title_end, dash = (title_end, dash) if dash == "-" else (stop, "")
    title = text[start:title_end]
    if (
        not title
        or len(title) > _MAX_LONE_TITLE_LENGTH
        or title.endswith((":", "："))
        or _NOT_A_TITLE.search(title)
    ):
        return None
    return Entry(
        start,
        stop,
        *line_and_column(page.starts, start),
        title,
        title_end,
        dash,
        stop,
        None,
        marks,
        "no-link",
        text[start:stop],
    )
