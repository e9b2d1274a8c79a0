"""Rows of unlinked mentions, and text about them for people.

Field names are JSON keys.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from vaultlink.mentions.mention import LOWEST_MIN_SCORE, Mention
from vaultlink.model import Edit
from vaultlink.report.changed_lines import count_mentions
from vaultlink.report.check_result import GetBytes
from vaultlink.report.json_document import ByteOffsets, EditRow, edit_rows
from vaultlink.report.layout import (
    Palette,
    display_width,
    escape_controls,
    format_count,
    truncate,
    truncate_left,
)
from vaultlink.text import group_by

_MIN_SENTENCE_WIDTH = 20
"""The minimum columns of a sentence, also on a narrower terminal."""


class MentionSpan(msgspec.Struct, frozen=True, gc=False):
    """The bytes of a mention in the file on disk, counted from 0.

    Attributes:
        start: Offset of the first byte.
        end: Offset behind the last byte.
    """

    start: int
    end: int


class MentionRow(msgspec.Struct, frozen=True, gc=False):
    """A mention. Lines and columns count from 1, columns in code points.

    Attributes:
        note: Vault path of the note that contains the text.
        span: The place of the words in the file, in bytes.
        line: Line of the words.
        column: Column of their first character.
        words: The text as written.
        target: Vault path of the note that is named.
        name: The name of that note that the words match.
        kind: Where the name is from. `file` (the file name), `title` or `alias`.
        why: The reasons for the score, for people.
        score: Confidence from 0 to 1 that a reader would want the link, rounded to two digits.
        edit: The edit that links the words; None if the place can't hold a link.
        certain: True if `--write` links it. Then the score is at least `min-score`, no other note
            has the name, and there is an edit.
        others: Vault paths of the other notes with the same name, sorted.
    """

    note: str
    span: MentionSpan
    line: int
    column: int
    words: str
    target: str
    name: str
    kind: str
    why: str
    score: float
    edit: EditRow | None
    certain: bool
    others: tuple[str, ...]


def mention_rows(
    mentions: Iterable[Mention], links: Mapping[tuple[str, int], Edit], get_bytes: GetBytes
) -> list[MentionRow]:
    """Return a row for each mention, with byte offsets.

    `links` are the edits that link the mentions, by vault path and offset of the mention.
    """
    offsets = ByteOffsets(get_bytes)
    return [_mention_row(item, links.get((item.path, item.start)), offsets) for item in mentions]


def _mention_row(item: Mention, link: Edit | None, offsets: ByteOffsets) -> MentionRow:
    start, end = offsets(item.path, item.start), offsets(item.path, item.end)
    return MentionRow(
        item.path,
        MentionSpan(start, end),
        item.line,
        item.column,
        item.words,
        item.target,
        item.name.text,
        item.name.kind,
        item.why,
        item.score,
        edit_rows((link,), offsets)[0] if link else None,
        item.certain and link is not None,
        item.others,
    )


def render_mentions(
    mentions: Iterable[Mention], text: Callable[[str], str], width: int, palette: Palette
) -> str:
    """Render mentions by target: the sentence, the place, the score and the reasons."""
    ranked = sorted(mentions, key=lambda item: (item.target, item.path, item.start))
    groups = group_by(ranked, lambda item: item.target)
    return "\n".join(
        [_render_group(target, group, text, width, palette) for target, group in groups.items()]
    )


def _render_group(
    target: str, group: Sequence[Mention], text: Callable[[str], str], width: int, p: Palette
) -> str:
    count = format_count(len(group), "mention")
    title = truncate(escape_controls(target), max(width - len(count) - 2, 8))
    columns = max(width - 4, _MIN_SENTENCE_WIDTH)
    lines = [f"{p.bold}{title}{p.reset}  {p.dim}{count}{p.reset}"]
    for item in group:
        lines += [
            f"  {p.dim}{_format_place(item, width - 2)}{p.reset}",
            f"    {_format_sentence(item, text(item.path), columns, p)}",
        ]
    return "\n".join([*lines, ""])


def _format_place(item: Mention, width: int) -> str:
    """Return place, score and reasons of a mention in at most `width` columns."""
    doubt = "" if item.certain else "not certain: "
    reason = f"  {item.score:.2f}  {doubt}{escape_controls(item.why)}"
    columns = max(width - display_width(reason), width // 2)
    place = truncate_left(f"{escape_controls(item.path)}:{item.line}", columns)
    return truncate(f"{place}{reason}", width)


def _format_sentence(mention: Mention, text: str, width: int, p: Palette) -> str:
    """Return the sentence of a mention in at most `width` columns.

    The words are always visible. The text before them takes at most half of the other columns if
    the sentence does not fit.
    """
    before = escape_controls(text[mention.sentence_start : mention.start].lstrip())
    words = escape_controls(mention.words)
    after = escape_controls(text[mention.end : mention.sentence_end].rstrip())
    free = width - display_width(words)
    if display_width(before) + display_width(after) > free:
        half = max(free // 2, free - display_width(after), 0)
        columns = min(display_width(before), half)
        before, words = truncate_left(before, columns), truncate(words, width)
        after = truncate(after, max(free - columns, 0))
    return f"{before}{p.bold}{p.yellow}{words}{p.reset}{after}"


def describe_mentions(mentions: Sequence[Mention], hidden: int) -> str:
    """Return a sentence with the number of mentions; `hidden` ones have a lower score."""
    if not mentions:
        sentence = "No unlinked mentions found."
    else:
        count = count_mentions([(item.path, item.target) for item in mentions])
        certain = sum(item.certain for item in mentions)
        sentence = (
            f"{count}: {certain:,} certain, which --write links."
            if certain
            else f"{count}, none certain."
        )
    if not hidden:
        return sentence
    have = "has" if hidden == 1 else "have"
    option = f"--min-score {LOWEST_MIN_SCORE}"
    return f"{sentence} {hidden:,} more {have} a lower score; {option} lists all."
