"""One line of an "Add backlinks" section: the entries it holds, or none if it is prose.

An entry is a title, a dash and a link; a list mark may stand before it, and in place of a right dash another or none. A
bare link is an entry too. What is hurt is an entry where only one reading is likely: a title that waits for its link, a
link that lost a bracket. Several entries may stand on a line.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from vaultlink.model import Entry, Link
from vaultlink.text import line_and_column

LIST_MARK = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[^\]\[]\][ \t]+)?|–[ \t]+)?")
_DASH = re.compile(
    r"(?:[–—―‒‐‑−]|-{2,3}>?|(?<![^ \t])-(?=[ \t]|$)|-(?=[ \t])|[-=]+>|[→⇒]|[:：])[ \t]*$"
)
_ENTRY_SEPARATOR = re.compile(r"[ \t]*(?:[,;·•|][ \t]*)?")
_MALFORMED_LINK = re.compile(
    r"(?<!\\)(?:\[\[(?P<inner>[^\[\]]+)\]?|(?<!\[)\[(?P<single>[^\[\]]+)\]{1,2})(?P<tail>[ \t.,;]*)$"
)
_NOT_A_TITLE = re.compile(r"[\[\]`|<>{}]|https?://|[.!;,]$|^[#^]")
_MAX_TITLE_LENGTH = 300
_MAX_LONE_TITLE_LENGTH = 150
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9 ]")


class EntrySource(NamedTuple):
    """What entries are read from: a text, its line starts, and its links with the offsets they start at."""

    text: str
    starts: list[int]
    links: Sequence[Link]
    offsets: list[int]


def parse_line_entries(page: EntrySource, at: int, content: int, end: int) -> tuple[Entry, ...]:
    """The entries of the line from `at` to `end`, whose marks of quotes end at `content`; empty if it is none."""
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
    hurt = _parse_malformed_link(page, start, stop, marks) or _parse_lone_title(
        page, start, stop, marks
    )
    return (hurt,) if hurt else ()


def _content_end(text: str, start: int, end: int) -> int:
    """The end of a span without the blanks it ends in."""
    return start + len(text[start:end].rstrip())


def _links_between(page: EntrySource, start: int, end: int) -> list[Link]:
    """The links within a span that lead to files and stand in no other."""
    found: list[Link] = []
    for link in page.links[bisect_left(page.offsets, start) : bisect_left(page.offsets, end)]:
        if not link.external and link.end <= end and not (found and link.start < found[-1].end):
            found.append(link)
    return found


def _parse_linked_entries(
    page: EntrySource, start: int, stop: int, marks: str
) -> tuple[Entry, ...]:
    """The entries with a link that a line begins with; none if what follows them makes it prose."""
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
    entries[-1] = _set_tail(last, tail)
    return tuple(entries)


def _set_tail(entry: Entry, tail: str) -> Entry:
    return Entry(
        entry.start,
        entry.end,
        entry.line,
        entry.column,
        entry.title,
        entry.title_end,
        entry.dash,
        entry.dash_end,
        entry.link,
        entry.marks,
        entry.fault,
        entry.raw,
        tail,
    )


def _is_valid_tail(tail: str, first: Entry, marks: str) -> bool:
    """Whether a line that begins with an entry is one in spite of what follows: a remark, behind a whole entry; behind a
    bare link only in a list, and behind a dash or in parentheses."""
    rest = tail.strip()
    if not rest.strip(".,;"):
        return True
    listed = bool(marks.strip(" \t>"))
    return bool(first.title and first.dash) or (listed and rest[0] in "–—-:(")


def _build_entry(page: EntrySource, at: int, link: Link, marks: str) -> Entry | None:
    """The entry that ends in a link; None if what stands before the link is no title."""
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
    if not title:
        marks, at = marks + text[at : link.start], link.start  # a dash alone is a list mark
        return Entry(
            at,
            link.end,
            *line_and_column(page.starts, at),
            "",
            at,
            "",
            at,
            link,
            marks,
            "",
            link.raw,
        )
    if (not dash or dash in ":：") and not _is_title_of_link(title, link):
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
        text[at : link.end],
    )


def _split_title(text: str, at: int, end: int) -> tuple[int, str]:
    """Where the title ends that begins at a position, and the dash between it and the end, "" if there is none."""
    before = text[at:end]
    dash = _DASH.search(before)
    if dash:
        return at + len(before[: dash.start()].rstrip()), dash[0].rstrip()
    return at + len(before.rstrip()), ""


def _is_title_of_link(title: str, link: Link) -> bool:
    """Whether a title without a dash is likely what the link shows or names: the same, or much of it."""
    own = _normalize_title(title)
    return any(
        _is_similar(own, _normalize_title(text)) for text in (link.display, link.target) if text
    )


def _normalize_title(text: str) -> str:
    low = text.casefold().replace("_", " ")
    return (_NOT_ALPHANUMERIC.sub("", low) if low.isascii() else low).strip()


def _is_similar(one: str, other: str) -> bool:
    shared = next(
        (at for at, (own, its) in enumerate(zip(one, other, strict=False)) if own != its),
        min(len(one), len(other)),
    )
    return 0 < max(len(one), len(other)) <= shared * 5 // 3


def _parse_nested_link(page: EntrySource, start: int, stop: int, marks: str) -> Entry | None:
    """An entry in whose link another begins: only the inner one is a link."""
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
    """An entry whose link lacks brackets."""
    text = page.text
    broken = _MALFORMED_LINK.search(text, start, stop)
    if not broken:
        return None
    title_end, dash = _split_title(text, start, broken.start())
    if "[" in text[start:title_end] or "]" in text[start:title_end]:
        return None
    both_single = broken["single"] is not None and not text[: broken.start("tail")].endswith("]]")
    if title_end == start and not (marks.strip(" \t>") and not both_single):
        return None
    if (
        (not dash or dash in ":：")
        and title_end > start
        and (both_single or not _is_title_of_broken_link(text[start:title_end], broken))
    ):
        return None
    end = broken.start("tail")
    return Entry(
        start,
        end,
        *line_and_column(page.starts, start),
        text[start:title_end],
        title_end,
        dash,
        broken.start(),
        None,
        marks,
        "malformed-link",
        text[start:end],
        text[end:stop],
    )


def _is_title_of_broken_link(title: str, broken: re.Match[str]) -> bool:
    """Whether what stands between broken brackets is like a title."""
    return any(
        _is_similar(_normalize_title(title), _normalize_title(part))
        for part in (broken["inner"] or broken["single"]).split("|")
    )


def _parse_lone_title(page: EntrySource, start: int, stop: int, marks: str) -> Entry | None:
    """A title that may wait for its link: a short line that is no sentence."""
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
