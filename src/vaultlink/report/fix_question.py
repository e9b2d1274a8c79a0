"""The question about one cause of findings: a preview and the answers."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.fix.causes import FixCause, FixOption
from vaultlink.fix.diff import DiffLine
from vaultlink.links.edit_math import sort_edits
from vaultlink.model import Diagnostic, Edit, TextByPath
from vaultlink.report.changed_lines import (
    ChangedLines,
    clean_line,
    render_marked_diff,
    split_changes,
    truncate_pair,
)
from vaultlink.report.layout import (
    Palette,
    display_width,
    escape_controls,
    format_count,
    pad,
    truncate,
    truncate_left,
    truncate_middle,
    wrap_text,
)
from vaultlink.text import find_line_span, quote_name

_MAX_PLACE_SHARE = 3
"""A place takes at most this part of the width: one third."""

_MAX_PLACES = 3
"""Places in a preview, so that a question fits on a small screen. The pager shows all."""

_MAX_PLACE_ROWS = 4
"""Rows of a place in a preview."""

_MAX_OPTIONS = 5
"""Proposals that are listed below a preview."""

_MAX_MESSAGE_ROWS = 4
"""Rows of a message above a preview."""

_ROWS_BELOW = 3
"""Rows for a question and its keys, and one that stays empty."""


class QuestionKey(NamedTuple):
    """A key that answers a question, and what it does, without a full stop."""

    key: str
    meaning: str


class FixQuestion(msgspec.Struct, frozen=True):
    """A question about one cause, with its number from 1 of all questions.

    The first of `options` is previewed. `group` are all causes of the topic, if they are shown
    together.
    """

    number: int
    total: int
    cause: FixCause
    options: tuple[FixOption, ...]
    keys: tuple[QuestionKey, ...]
    group: Sequence[FixCause] = ()


def render_question(
    question: FixQuestion, text: TextByPath, size: os.terminal_size, palette: Palette
) -> str:
    """Render a headline, the first changes and the proposals, as fits on a screen."""
    p, width = palette, size.columns
    lines = ["", *_list_head(question, width, p), ""]
    options = [""] * bool(question.options[1:]) + _list_options(question, width)
    changes = list(_list_changes(question, text))
    places = [_render_change(change, width, p) for change in changes[:_MAX_PLACES]]
    message = describe_unknown_key("Enter", question.keys, width).splitlines()
    room = size.lines - len(lines) - len(options) - len(message) - _ROWS_BELOW
    while len(places) > 1 and sum(map(len, places)) > room:
        places.pop()
    lines += [row for place in places for row in place]
    if others := len(changes) - len(places):
        lines.append(f"  {p.dim}… {format_count(others, 'more line')}; v shows all{p.reset}")
    return "\n".join([*lines, *options, ""])


def render_headline(question: FixQuestion, width: int, palette: Palette) -> str:
    """Render the number, the rule, the message and the count of a question."""
    return "\n".join([*_list_head(question, width, palette), ""])


def render_whole_question(
    question: FixQuestion, text: TextByPath, width: int, palette: Palette
) -> str:
    """Render all changes and proposals of a question, with whole paths, for the pager."""
    p = palette
    blocks = ["\n".join([*_list_head(question, width, p, max_rows=None), ""])]
    for change in _list_changes(question, text):
        place = f"{escape_controls(change.path)}:{change.line}\n"
        if change.before == change.after:
            blocks.append(f"{p.bold}{place}{p.reset}{clean_line(change.before[0])}\n")
            continue
        diff = [DiffLine("-", f"-{line}") for line in change.before]
        diff += [DiffLine("+", f"+{line}") for line in change.after]
        blocks.append(f"{p.bold}{place}{p.reset}{render_marked_diff(diff, width, p)}")
    if len(question.options) > 1:
        rows = _list_options(question, width, len(question.options))
        blocks.append("\n".join([*rows, ""]))
    return "\n".join(blocks)


def _list_head(
    question: FixQuestion, width: int, p: Palette, max_rows: int | None = _MAX_MESSAGE_ROWS
) -> list[str]:
    head = f"{question.number} of {question.total}"
    label = _format_label(question, width - len(head) - 2, p)
    return [f"{p.dim}{head}{p.reset}  {label}", *_describe_cause(question.cause, width, max_rows)]


def _format_label(question: FixQuestion, width: int, p: Palette) -> str:
    """Return the rule, or the note that mentions name with their number."""
    cause, group = question.cause, question.group
    if not cause.is_mention:
        return f"{p.bold}{cause.code} {cause.rule}{p.reset}"
    notes = len({item.findings[0].path for item in group})
    numbers = f"{format_count(len(group), 'mention')} in {format_count(notes, 'note')}"
    count = f"  {p.dim}{numbers}{p.reset}" if group else ""
    columns = max(width - (len(numbers) + 2 if group else 0), 8)
    return f"{p.bold}{truncate(escape_controls(cause.topic), columns)}{p.reset}{count}"


def format_prompt(question: FixQuestion, width: int) -> str:
    if question.options:
        option = question.options[0]
        count = _count_findings(len(option.fixes), question.cause)
        words = f"{option.title}?" if question.cause.is_mention else f"{option.title}: {count}?"
    else:
        links = len(question.cause.findings)
        them = "this link" if links == 1 else f"these {links:,} links"
        words = f"No file has a similar name; what about {them}?"
    return format_key_prompt(words, question.keys, width)


def format_key_prompt(words: str, keys: Sequence[QuestionKey], width: int) -> str:
    """Return words and the keys that answer them, in rows of at most `width` columns.

    The keys have a row of their own if the first has no room. Then the words keep their ends.
    """
    listed, shown = f"[{','.join(key for key, _ in keys)}] ", escape_controls(words)
    if display_width(shown) + len(listed) + 1 < width:
        return f"{shown} {listed}"
    return f"{truncate_middle(shown, width - 1)}\n{listed}"


def describe_unknown_key(key: str, keys: Iterable[QuestionKey], width: int) -> str:
    """Return a message for a key that is not one of `keys`, in rows that fit."""
    known = " ".join(item.key for item in keys)
    message = f"{quote_name(key)} does nothing here. Keys: {known}"
    return "\n".join(wrap_text(message, width - 1, breaks_words=True))


def render_key_help(keys: Iterable[QuestionKey], width: int) -> str:
    lines = []
    for key, meaning in keys:
        sentence = f"{escape_controls(meaning)}."
        first, *rest = wrap_text(sentence, width - 5, breaks_words=True)
        lines += [f"  {key}  {first}", *(f"     {line}" for line in rest)]
    return "\n".join([*lines, ""])


def _describe_cause(cause: FixCause, width: int, max_rows: int | None) -> list[str]:
    """Return the message, and the number of findings if there are several.

    The middle of a message with more than `max_rows` rows is left out.
    """
    message = escape_controls(cause.findings[0].message)
    lines = wrap_text(message, width, breaks_words=True)
    if max_rows and len(lines) > max_rows:
        lines[max_rows - 1 :] = [truncate_left(" ".join(lines[max_rows - 1 :]), width - 1)]
    if len(cause.findings) == 1:
        return lines
    notes = len({item.path for item in cause.findings})
    where = f"{_count_findings(len(cause.findings), cause)} in {format_count(notes, 'note')}"
    return [*lines, f"{where}."]


def _count_findings(count: int, cause: FixCause) -> str:
    return format_count(count, "link" if cause.is_unresolved else "place")


def _list_options(question: FixQuestion, width: int, limit: int = _MAX_OPTIONS) -> list[str]:
    """Return a row for each of several proposals, at most `limit`; none for one."""
    if len(question.options) <= 1:
        return []
    rows = []
    for number, option in enumerate(question.options[:limit], 1):
        count = len(option.fixes)
        suffix = "" if count == len(question.cause.findings) else f" ({count:,} of them)"
        rows.append(truncate_middle(f"  {number}  {escape_controls(option.title)}{suffix}", width))
    others = len(question.options) - limit
    if others > 0:
        rows.append(f"  … {format_count(others, 'more proposal')}; v shows all")
    return rows


# -- preview -------------------------------------------------------------------------------------


def _list_changes(question: FixQuestion, text: TextByPath) -> Iterator[ChangedLines]:
    """Yield the lines that the first option changes, else those of the findings."""
    if not question.options:
        yield from _list_places(question.cause.findings, text)
        return
    edits: dict[str, list[Edit]] = {}
    together = [pair for cause in question.group for pair in cause.proposals[0].fixes]
    for _, fix in together or question.options[0].fixes:
        for edit in fix.edits:
            if edit not in edits.setdefault(edit.path, []):
                edits[edit.path].append(edit)
    for path in sorted(edits):
        yield from split_changes(path, text(path), sort_edits(edits[path]))
    fixed = {id(item) for item, _ in question.options[0].fixes}
    yield from _list_places(
        [item for item in question.cause.findings if id(item) not in fixed], text
    )


def _list_places(findings: Iterable[Diagnostic], text: TextByPath) -> Iterator[ChangedLines]:
    places: Mapping[tuple[str, int], Diagnostic] = {
        (item.path, item.line): item for item in reversed(list(findings))
    }
    for path, line in sorted(places):
        item = places[path, line]
        note = text(path)
        _, end = find_line_span(note, item.start, item.start)
        shown = note[item.start - item.column + 1 : end]
        yield ChangedLines(path, line, [shown], [shown], item.column - 1)


def _render_change(change: ChangedLines, width: int, p: Palette) -> list[str]:
    place = f"{escape_controls(change.path)}:{change.line}"
    place = f"  {truncate_left(place, max(width // _MAX_PLACE_SHARE, 8))}  "
    indent, columns = display_width(place), max(width - display_width(place) - 2, 20)
    if change.before == change.after:
        shown, _ = truncate_pair(change.before[0], change.before[0], change.offset, columns)
        return [f"{p.dim}{place}{p.reset}  {shown}".rstrip()]
    before, after = list(change.before), list(change.after)
    if len(before) == 1 and len(after) == 1:
        before[0], after[0] = truncate_pair(before[0], after[0], change.offset, columns)
    rows = [(f"{p.red}-", line) for line in before] + [(f"{p.green}+", line) for line in after]
    hidden = len(rows) - _MAX_PLACE_ROWS
    if hidden > 0:
        rows[_MAX_PLACE_ROWS - 1 :] = [(p.dim, f"… {format_count(hidden + 1, 'more line')}")]
    prefixes = [f"{p.dim}{place}{p.reset}", *[pad("", indent)] * len(rows)]
    return [
        f"{prefix}{sign} {truncate(clean_line(line), columns)}".rstrip() + p.reset
        for prefix, (sign, line) in zip(prefixes, rows, strict=False)
    ]
