"""The question whether a mention should become a link, with the result."""

from collections.abc import Callable, Sequence

import msgspec

from vaultlink.mentions.mention import Mention
from vaultlink.model import Edit
from vaultlink.report.fix_question import QuestionKey
from vaultlink.report.layout import Palette, escape_controls, format_count, truncate, wrap_words
from vaultlink.report.mention_rows import MentionText, cut_sentence, format_place

MAX_SHOWN = 8
"""Mentions of a target that are shown at once."""

_SIGN_COLUMNS = 4
"""Columns before a sentence: the indent and the sign."""


class MentionQuestion(msgspec.Struct, frozen=True):
    """A question about a mention.

    Attributes:
        number: The number of the target, counted from 1.
        total: The number of all targets.
        group: All mentions of the target.
        mention: The mention that the question is about.
        shown: The mentions to show.
        keys: The possible answers.
    """

    number: int
    total: int
    group: Sequence[Mention]
    mention: Mention
    shown: Sequence[Mention]
    keys: tuple[QuestionKey, ...]


def render_mention_question(
    question: MentionQuestion,
    get_edit: Callable[[Mention], Edit],
    text: Callable[[str], str],
    width: int,
    palette: Palette,
) -> str:
    """Render the target, and the sentences before and after linking."""
    p, group = palette, question.group
    notes = len({item.path for item in group})
    count = f"{format_count(len(group), 'mention')} in {format_count(notes, 'note')}"
    head = f"{question.number} of {question.total}"
    columns = max(width - len(head) - len(count) - 4, 8)
    target = truncate(escape_controls(question.mention.target), columns)
    lines = [
        "",
        f"{p.dim}{head}{p.reset}  {p.bold}{target}{p.reset}  {p.dim}{count}{p.reset}",
        "",
    ]
    for item in question.shown[:MAX_SHOWN]:
        lines += _render_change(item, get_edit(item), text(item.path), width, p)
    if len(question.shown) > MAX_SHOWN:
        more = format_count(len(question.shown) - MAX_SHOWN, "more mention")
        lines.append(f"  {p.dim}… {more}{p.reset}")
    return "\n".join([*lines, ""])


def _render_change(item: Mention, edit: Edit, text: str, width: int, p: Palette) -> list[str]:
    """Return the place of a mention, and its sentence before and after."""
    columns = max(width - _SIGN_COLUMNS, 20)
    before = cut_sentence(item, text, columns)
    after = cut_sentence(item, text, columns, edit.text)
    return [
        f"  {p.dim}{format_place(item, width - 2)}{p.reset}",
        f"  {p.red}- {_highlight(before, p, p.red)}{p.reset}",
        f"  {p.green}+ {_highlight(after, p, p.green)}{p.reset}",
    ]


def _highlight(sentence: MentionText, p: Palette, color: str) -> str:
    """Return a sentence with the words in bold, and the rest in a colour."""
    before, words, after = sentence
    return f"{before}{p.bold}{words}{p.reset}{color}{after}"


def format_mention_prompt(question: MentionQuestion, width: int) -> str:
    """Return the question and its keys, in at most `width` columns."""
    item = question.mention
    keys = f" [{','.join(key for key, _ in question.keys)}] "
    place = f" in {item.path}:{item.line}" if len(question.group) > 1 else ""
    words = escape_controls(f"Link “{item.words}”{place}?")
    return f"{truncate(words, max(width - len(keys) - 1, 20))}{keys}"


def render_mention_keys(keys: Sequence[QuestionKey], width: int) -> str:
    """Render each key that answers a question with its meaning."""
    lines = []
    for key, meaning in keys:
        lines += wrap_words(f"  {key}  {escape_controls(meaning)}.", width, " " * 5)
    return "\n".join(lines)
