"""Parse the lines of an "Add backlinks" section into entries."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import structs

from vaultlink.model import Entry, Link
from vaultlink.parse.lines import TextRun
from vaultlink.text import count_shared, fold_title, lazy_pattern, line_and_column

# -- parse one line of an "Add backlinks" section into entries -------------------------------------
# An entry consists of a title, a dash and a link. A list mark may precede it, and the dash may be
# another character or missing. A bare link is an entry too. Malformed entries are recognized only
# if a single reading is likely: a title without a link, or a link without a bracket. A line may
# contain several entries. A line of prose contains none.


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


class SectionInputs(NamedTuple):
    """The note from which sections are parsed.

    `hidden` are the spans of blocks that hide text. `runs` is None for a plain note, whose
    paragraphs can be parsed separately. `links` are those of the body, sorted by offset.
    """

    text: str
    body: int
    starts: list[int]
    hidden: list[tuple[int, int]]
    runs: list[TextRun] | None
    links: Sequence[Link] = ()

    def make_entry(
        self,
        start: int,
        end: int,
        title_end: int,
        dash: str,
        dash_end: int,
        marks: str,
        *,
        link: Link | None = None,
        fault: str = "",
    ) -> Entry:
        return Entry(
            start,
            end,
            *line_and_column(self.starts, start),
            title=self.text[start:title_end],
            title_end=title_end,
            dash=dash,
            dash_end=dash_end,
            link=link,
            marks=marks,
            fault=fault,
            raw=self.text[start:end],
        )


def parse_line_entries(page: SectionInputs, at: int, content: int, end: int) -> tuple[Entry, ...]:
    """Return the entries of the line from `at` to `end`; empty if it is prose.

    `content` is the offset behind its quote marks.
    """
    mark = LIST_MARK.match(page.text, content, end)
    assert mark
    start, stop = mark.end(), content_end(page.text, mark.end(), end)
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


def content_end(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip())


def _links_between(page: SectionInputs, start: int, end: int) -> list[Link]:
    """Return the internal links within a span that are not inside another link."""
    found: list[Link] = []
    first, last = (bisect_left(page.links, at, key=lambda link: link.start) for at in (start, end))
    for link in page.links[first:last]:
        if not link.external and link.end <= end and not (found and link.start < found[-1].end):
            found.append(link)
    return found


def _parse_linked_entries(
    page: SectionInputs, start: int, stop: int, marks: str
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


def _build_entry(page: SectionInputs, at: int, link: Link, marks: str) -> Entry | None:
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
    if not title:  # a dash without a title is a list mark
        marks += text[at : link.start]
        at, title_end, dash = link.start, link.start, ""
    elif _needs_similar_link(dash) and not _is_title_of_link(title, link.display, link.target):
        return None
    return page.make_entry(at, link.end, title_end, dash, link.start, marks, link=link)


def _split_title(text: str, at: int, end: int) -> tuple[int, str]:
    """Return the end of the title that starts at `at`, and the dash behind it or ""."""
    before = text[at:end]
    dash = _DASH.search(before)
    if dash:
        return at + len(before[: dash.start()].rstrip()), dash[0].rstrip()
    return at + len(before.rstrip()), ""


def stays_entry(entry: Entry, target: str) -> bool:
    """Return True if an entry is still one when its link has another target."""
    return (
        entry.link is None
        or not (entry.title and _needs_similar_link(entry.dash))
        or _is_title_of_link(entry.title, entry.link.display, target)
    )


def _needs_similar_link(dash: str) -> bool:
    return not dash or dash in ":："


def _is_title_of_link(title: str, display: str | None, target: str) -> bool:
    """Return True if a title resembles a link's display text or target."""
    normalized = _simplify_title(title)
    return any(_is_similar(normalized, _simplify_title(text)) for text in (display, target) if text)


def _simplify_title(text: str) -> str:
    low = fold_title(text.replace("_", " "))
    return (_NOT_ALPHANUMERIC.sub("", low) if low.isascii() else low).strip()


def _is_similar(one: str, other: str) -> bool:
    return 0 < max(len(one), len(other)) <= count_shared(one, other) * 5 // 3


def _parse_nested_link(page: SectionInputs, start: int, stop: int, marks: str) -> Entry | None:
    """Return an entry whose link contains another one, which alone is a link."""
    text = page.text
    opening = text.find("[[", start, stop)
    inner = _links_between(page, start, stop)[0]
    if not start < opening < inner.start:
        return None
    title_end, dash = _split_title(text, start, opening)
    if not dash or dash in ":：":
        return None
    return page.make_entry(start, stop, title_end, dash, opening, marks, fault="nested-link")


def _parse_malformed_link(page: SectionInputs, start: int, stop: int, marks: str) -> Entry | None:
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
    end, opening = match.start("tail"), match.start()
    entry = page.make_entry(start, end, title_end, dash, opening, marks, fault="malformed-link")
    return structs.replace(entry, tail=text[end:stop])


def _is_title_of_broken_link(title: str, match: re.Match[str]) -> bool:
    """Return True if the text between unbalanced brackets is similar to a title."""
    return any(
        _is_similar(_simplify_title(title), _simplify_title(part))
        for part in (match["inner"] or match["single"]).split("|")
    )


def _parse_lone_title(page: SectionInputs, start: int, stop: int, marks: str) -> Entry | None:
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
    return page.make_entry(start, stop, title_end, dash, stop, marks, fault="no-link")


# -- compute the text to delete in order to remove a section entry ---------------------------------


_NEXT_LINE = lazy_pattern(r"\r?\n(?P<line>[^\n]*)")
_INDENTED_LINE = r"(?:>| (?! {3}))*+(?:\t| {4})[ \t]*+\S"
_INDENTED_NEXT = lazy_pattern(
    rf"[ \t>]*+\r?\n(?:(?!{_INDENTED_LINE})[ \t>]*+\r?\n)*+{_INDENTED_LINE}"
)
"""An indented line that would have another meaning directly behind another line."""

_JOINED_NEXT = lazy_pattern(r"\r?\n[ \t>]*(?![ \t>]|#{1,6}[ \t]|<!--)\S")
"""A line that continues the entry and may start another block without it."""


def add_cut_spans(
    text: str, start: int, heading_end: int, entries: Sequence[Entry], below: dict[int, int]
) -> tuple[Entry, ...]:
    """Return the entries with `tail`, `cut_start` and `cut_end` set.

    The cut includes an entry's line and the blank lines before it. `start` and `heading_end`
    are those of the section, `below` maps the start of an entry to the end of the lines that
    are indented below it.
    """
    updated = []
    for number, entry in enumerate(entries):
        previous = entries[number - 1] if number else None
        following = entries[number + 1] if number + 1 < len(entries) else None
        end = _skip_trailing_blanks(
            text, max(entry.end + len(entry.tail), below.get(entry.start, 0))
        )
        if previous and previous.line == entry.line:
            cut = (previous.end, end)
        elif following and following.line == entry.line:
            cut = (entry.start, following.start)
        elif (
            entry.start - len(entry.marks) <= heading_end
            and text.rfind("\n", start, entry.start) < 0
        ):
            cut = (heading_end, end)
        else:
            cut = _whole_line_span(text, entry.start - len(entry.marks), end, heading_end)
        next_line = entry.line + text.count("\n", entry.start, end) + 1
        joined = _JOINED_NEXT.match(text, end) and not (following and following.line == next_line)
        if _INDENTED_NEXT.match(text, end) or joined:
            cut = (entry.start, entry.start)
        tail = text[entry.end : max(entry.end + len(entry.tail), below.get(entry.start, 0))]
        updated.append(structs.replace(entry, tail=tail, cut_start=cut[0], cut_end=cut[1]))
    return tuple(updated)


def _whole_line_span(text: str, start: int, end: int, heading_end: int) -> tuple[int, int]:
    """Return the span of whole lines with the blank lines before them.

    The blank lines stay if their removal would join the text before and after the entry.
    """
    before = max(_strip_quote_lines(text, start), heading_end)
    has_blank_line = text.count("\n", before, start) > 1
    following = _NEXT_LINE.match(text, end)
    if has_blank_line and following and following["line"].strip(" \t\r>"):
        return start, following.start("line")
    return before, end


def _skip_trailing_blanks(text: str, at: int) -> int:
    """Return the end of a line if only blanks follow `at`, otherwise `at`."""
    end = at
    while text[end : end + 1] in (" ", "\t") and end < len(text):
        end += 1
    return end if text[end : end + 1] in ("", "\r", "\n") else at


def _strip_quote_lines(text: str, end: int) -> int:
    """Return the end of the text before `end` without blanks and empty quote lines."""
    end = _strip_blanks(text, end)
    while (line := text[text.rfind("\n", 0, end) + 1 : end]) and not line.strip(" \t>"):
        end = _strip_blanks(text, end - len(line))
    return end


def _strip_blanks(text: str, end: int) -> int:
    while end and text[end - 1].isspace():
        end -= 1
    return end
