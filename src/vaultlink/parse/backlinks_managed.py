"""Parse the managed sections of a note: those between vaultlink's markers."""

from vaultlink.model import Entry, Owner, Section
from vaultlink.parse.backlinks_cuts import add_cut_spans
from vaultlink.parse.backlinks_entries import EntrySource, parse_line_entries
from vaultlink.parse.backlinks_heading import HeadingWordings, match_heading_line
from vaultlink.parse.backlinks_lines import build_quoted_line
from vaultlink.parse.backlinks_markers import MarkerPair
from vaultlink.parse.backlinks_wordings import is_mention_item
from vaultlink.parse.lines import split_lines
from vaultlink.parse.spans import SpanSet
from vaultlink.text import lazy_pattern, line_and_column

_ANY_HEADING = lazy_pattern(
    r"[ \t]*#{1,6}(?=[ \t]|$)|[ \t]*(?:\*\*|__)[^*_\n]+(?:\*\*|__)[:：]?[ \t]*$"
)


def is_marker_hidden(pair: MarkerPair, hidden: SpanSet) -> bool:
    """Return True if one of two markers is inside something that hides it."""
    return hidden.covers_inside(pair.start) or hidden.covers_inside(pair.closing_start)


def read_managed_section(page: EntrySource, pair: MarkerPair, wording: HeadingWordings) -> Section:
    """Return the section between two markers."""
    text = page.text
    heading, entries = _read_managed_content(page, pair.begin_end, pair.closing_line, wording)
    return Section(
        pair.start,
        pair.end,
        *line_and_column(page.starts, pair.start),
        Owner.ADOPTED if pair.adopted else Owner.WRITTEN,
        text[slice(*heading)],
        *heading,
        entries,
        (),
        text[pair.start : pair.end],
        pair.newlines_before,
        pair.newlines_after,
    )


def _read_managed_content(
    page: EntrySource, start: int, end: int, wording: HeadingWordings
) -> tuple[tuple[int, int], tuple[Entry, ...]]:
    """Return the heading's span and the entries between two markers.

    Lines indented below an entry are excerpts, but those below the item of mentions are entries.
    """
    text, heading = page.text, (start, start)
    entries: list[Entry] = []
    first, in_mentions = True, False
    for line in (
        build_quoted_line(text, item.offset, item.offset + len(item.text))
        for item in split_lines(text, start, end)
    ):
        content = text[line.content : line.end]
        if not content.strip():
            continue
        if first and (_ANY_HEADING.match(content) or match_heading_line(content, 0, wording)):
            heading = (line.start, line.start + len(text[line.start : line.end].rstrip()))
        elif is_mention_item(content):
            in_mentions = True
        elif in_mentions or not entries or content[0] not in " \t":
            in_mentions = in_mentions and content[0] in " \t"
            entries += parse_line_entries(page, line.start, line.content, line.end)
        first = False
    return heading, add_cut_spans(text, start, heading[1], entries, {})
