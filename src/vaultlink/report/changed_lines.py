"""The lines and words that a change of notes changes, and summaries of fixes."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import msgspec

from vaultlink.fix.diff import DiffLine
from vaultlink.fix.plan import ChangedTexts
from vaultlink.links.edit_math import apply_edits, count_equal_ends, sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, SkippedNote
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    display_width,
    escape_controls,
    escape_terminal_controls,
    format_count,
    truncate,
    truncate_left,
    wrap_words,
)
from vaultlink.text import find_line_span, group_by

# -- the lines of a note that edits change, cut so that the change is visible ----------------------

_MAX_LINE = 300
"""Code points of a line that `cut_lines` keeps."""

_LEAD = 60
"""Code points before the change that `cut_lines` keeps of a line that is cut."""


class ChangedLines(NamedTuple):
    """Lines of a note before and after a fix; `line` is the first, counted from 1.

    `offset` is the place of the first change in the first line, in code points.
    """

    path: str
    line: int
    before: Sequence[str]
    after: Sequence[str]
    offset: int


def apply_within(text: str, start: int, end: int, edits: Sequence[Edit]) -> str:
    """Return a part of a text after the edits in it."""
    moved = [Edit(e.path, e.start - start, e.end - start, e.text) for e in edits]
    return apply_edits(text[start:end], moved)


def split_changes(path: str, text: str, edits: Sequence[Edit]) -> Iterator[ChangedLines]:
    """Yield the changed parts of a note. Edits on one line are one part."""
    groups: list[tuple[int, int, list[Edit]]] = []
    for edit in edits:
        start, end = find_line_span(text, edit.start, edit.end)
        if groups and start < groups[-1][1]:
            first, last, group = groups[-1]
            groups[-1] = first, max(last, end), [*group, edit]
        else:
            groups.append((start, end, [edit]))
    for start, end, group in groups:
        after = apply_within(text, start, end, group)
        number = text.count("\n", 0, start) + 1
        yield _trim_lines(path, number, text[start:end], after, group[0].start - start)


def _trim_lines(path: str, number: int, before: str, after: str, offset: int) -> ChangedLines:
    """Leave out the equal lines at the beginning and the end of a changed part."""
    old, new = before.split("\n") if before else [], after.split("\n") if after else []
    while old and new and old[0] == new[0]:
        offset = max(offset - len(old[0]) - 1, 0)
        old, new, number = old[1:], new[1:], number + 1
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return ChangedLines(path, number, old, new, offset)


def find_first_change(text: str, edits: Sequence[Edit]) -> tuple[str, str]:
    """Return the first line that edits change, before and after.

    One of them is "" if the edits add or remove whole lines.
    """
    start, end = find_line_span(text, edits[0].start, edits[-1].end)
    old_lines = text[start:end].splitlines()
    new_lines = apply_within(text, start, end, edits).splitlines()
    number, _ = count_equal_ends(old_lines, new_lines)
    before, after = ("".join(lines[number : number + 1]) for lines in (old_lines, new_lines))
    if before and after:  # lines that are only moved by others are no change
        if len(old_lines) < len(new_lines) and before in new_lines:
            return "", after
        if len(old_lines) > len(new_lines) and after in old_lines:
            return before, ""
    return before, after


def cut_lines(before: str, after: str) -> tuple[str, str]:
    """Cut the same beginning from two long lines, and what is too long at their ends."""
    if max(len(before), len(after)) <= _MAX_LINE:
        return before, after
    start = max(count_equal_ends(before, after)[0] - _LEAD, 0)
    return _cut_line(before, start), _cut_line(after, start)


def _cut_line(line: str, start: int) -> str:
    part = line[start : start + _MAX_LINE]
    opening = "…" if start and part else ""
    return f"{opening}{part}{'…' if start + _MAX_LINE < len(line) else ''}"


def truncate_pair(before: str, after: str, offset: int, width: int) -> tuple[str, str]:
    """Truncate two lines so that their difference at `offset` is visible.

    Both lines start at the same place. The equal text before the difference takes at most a third
    of the width.
    """
    equal = escape_controls(before[:offset])
    if display_width(equal) <= width // 3:
        offset, equal = 0, ""
    equal = truncate_left(equal, width // 3)
    return truncate(equal + clean_line(before[offset:]), width), truncate(
        equal + clean_line(after[offset:]), width
    )


def clean_line(text: str) -> str:
    """Return a line without its line end, with control characters spelled out."""
    return escape_controls(text.rstrip("\r"))


# -- the difference between a line before and after a change, as parts of both lines ---------------

_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)

_WORD_END = re.compile(r"\w+\Z")

_MAX_PAIRS = 40_000
"""Pairs of equal tokens up to which words are compared: the time to compare grows with them."""

_MIN_EQUAL = 3
"""Equal characters between two changes that are shown as unchanged."""

_CONTEXT = 48
"""Characters of unchanged text that are shown beside a change."""

_LONGEST_WORD = 40
"""Characters by which a change grows so that it does not begin or end within a word."""

_BLANK_SIGNS = str.maketrans({" ": "·", "\t": "→", "\u00a0": "⍽", "\n": "¶", "\r": "␍"})
"""Signs for blanks. A change of blanks alone would be invisible."""


class DiffPart(NamedTuple):
    """A part of a line, and True if the other line has something else there."""

    text: str
    changed: bool


class _LineParts(NamedTuple):
    """The parts of a line before and after a change.

    The texts of the parts are the whole line. The first and the last part are unchanged, and may be
    empty.
    """

    before: list[DiffPart]
    after: list[DiffPart]


def compare_words(before: str, after: str) -> _LineParts:
    """Return the parts of both lines: those that are equal, and those that differ."""
    start, end = _widen(before, after, *count_equal_ends(before, after))
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    head = DiffPart(before[:start], changed=False)
    tail = DiffPart(before[len(before) - end :], changed=False)
    old_parts, new_parts = _compare_middles(old, new)
    return _LineParts([head, *old_parts, tail], [head, *new_parts, tail])


def _widen(before: str, after: str, start: int, end: int) -> tuple[int, int]:
    """Return fewer equal characters at both ends, so that no word is cut."""
    stops = len(before) - end, len(after) - end
    first = _count_word_end(before[:start], before[start : start + 1], after[start : start + 1])
    last = _count_word_end(
        before[stops[0] :][: _LONGEST_WORD + 1][::-1],
        before[stops[0] - 1 : stops[0]],
        after[stops[1] - 1 : stops[1]],
    )
    return start - first, end - last


def _count_word_end(text: str, *beside: str) -> int:
    """Return the length of the word at the end of a text.

    It is 0 if none of the characters in `beside` continues the word.
    """
    match = _WORD_END.search(text[-_LONGEST_WORD:])
    return len(match[0]) if match and any(map(_WORD_END.match, beside)) else 0


def _compare_middles(old: str, new: str) -> tuple[list[DiffPart], list[DiffPart]]:
    one, other = _TOKEN.findall(old), _TOKEN.findall(new)
    if not old or not new or _count_pairs(one, other) > _MAX_PAIRS:
        return [DiffPart(old, True)], [DiffPart(new, True)]
    parts: tuple[list[DiffPart], list[DiffPart]] = ([], [])
    for tag, first, last, start, end in SequenceMatcher(None, one, other, False).get_opcodes():
        texts = "".join(one[first:last]), "".join(other[start:end])
        equal = tag == "equal" and len(texts[0]) >= _MIN_EQUAL
        for side, text in zip(parts, texts, strict=True):
            if side and side[-1].changed and not equal:
                side[-1] = DiffPart(side[-1].text + text, True)
            else:
                side.append(DiffPart(text, not equal))
    return parts


def _count_pairs(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of pairs of equal tokens, and at least that of all tokens."""
    counts, others = Counter(one), Counter(other)
    pairs = sum(count * others[token] for token, count in counts.items())
    return max(pairs, len(one), len(other))


def cut_equal_parts(parts: Sequence[DiffPart]) -> list[DiffPart]:
    """Cut what is equal to some characters beside a change, and drop empty parts."""
    last = len(parts) - 1
    shown = [
        part if part.changed else DiffPart(_cut(part.text, follows=n > 0, precedes=n < last), False)
        for n, part in enumerate(parts)
    ]
    return [part for part in shown if part.text]


def _cut(text: str, *, follows: bool, precedes: bool) -> str:
    if len(text) <= _CONTEXT * (follows + precedes) + 1:
        return text
    return f"{text[:_CONTEXT] if follows else ''}…{text[-_CONTEXT:] if precedes else ''}"


def show_blanks(parts: Iterable[DiffPart]) -> list[DiffPart]:
    """Return parts with signs in place of changed blanks, which would be invisible."""
    return [
        DiffPart(text.translate(_BLANK_SIGNS) if changed and text.isspace() else text, changed)
        for text, changed in parts
    ]


# -- diffs for people ------------------------------------------------------------------------------

_LONG_LINE = 200
"""Characters of a line from which only what is beside the changes is shown."""

_MAX_BETWEEN = 20
"""Added lines among which that of a removed line is searched."""


class _Row(NamedTuple):
    """A removed or added line without its sign, and the remark that may follow it."""

    text: str
    remark: str = ""


def render_marked_diff(lines: Iterable[DiffLine], width: int, palette: Palette) -> str:
    """Render a diff that marks the changed words, and cuts long lines around them.

    A long line around the changes is cut to `width` columns; a line that is only removed or added
    stays whole. No program can apply the diff; the exact one is that of
    `report.plan_result.render_diff`.
    """
    return "".join(f"{line}\n" for line in _list_marked(lines, width, palette))


def _list_marked(lines: Iterable[DiffLine], width: int, p: Palette) -> Iterator[str]:
    styles = {"file": p.bold, "hunk": p.cyan}
    removed: list[_Row] = []
    added: list[_Row] = []
    for kind, text in lines:
        rows = added or removed
        if kind == "+":
            added.append(_Row(text[1:]))
        elif kind == "-" and not added:
            removed.append(_Row(text[1:]))
        elif not kind and text.startswith("\\") and rows:
            rows[-1] = rows[-1]._replace(remark=text)
        else:
            yield from _mark_rows(removed, added, p)
            removed, added = ([_Row(text[1:])] if kind == "-" else []), []
            if kind != "-":
                is_cut = text.startswith(" ") and display_width(text) > max(width, _LONG_LINE)
                shown = escape_terminal_controls(text, is_colored=False)
                yield _format_line(
                    styles.get(kind, ""), truncate(shown, width) if is_cut else shown, p
                )
    yield from _mark_rows(removed, added, p)


def _format_line(style: str, text: str, p: Palette) -> str:
    return f"{style}{text}{p.reset}" if style else text


def _mark_rows(removed: Sequence[_Row], added: Sequence[_Row], p: Palette) -> Iterator[str]:
    """Yield adjacent removed and added lines; mark the words that similar ones change."""
    old: dict[int, list[DiffPart]] = {}
    new: dict[int, list[DiffPart]] = {}
    for one, other in _pair_rows(removed, added):
        before, after = compare_words(removed[one].text, added[other].text)
        if _are_similar(before, after):
            old[one], new[other] = before, after
    for style, sign, rows, parts in ((p.red, "-", removed, old), (p.green, "+", added, new)):
        for number, row in enumerate(rows):
            whole = [DiffPart(row.text, changed=False)]
            yield f"{style}{sign}{_mark_words(parts.get(number, whole), style, p)}{p.reset}"
            if row.remark:
                yield row.remark


def _mark_words(parts: Sequence[DiffPart], style: str, p: Palette) -> str:
    """Return a line with its changed words in reverse; a long one is cut around them."""
    is_long = len(parts) > 1 and sum(len(part.text) for part in parts) > _LONG_LINE
    shown = show_blanks(cut_equal_parts(parts) if is_long else parts)
    texts = [(escape_terminal_controls(text, is_colored=False), is_new) for text, is_new in shown]
    return "".join(
        f"{p.reverse}{text}{p.reset}{style}" if is_new and text else text for text, is_new in texts
    )


def _pair_rows(removed: Sequence[_Row], added: Sequence[_Row]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of a removed line and of the added one that takes its place."""
    if len(removed) == len(added):
        yield from enumerate(range(len(added)))
        return
    start = 0
    for number, row in enumerate(removed):
        for other in range(start, min(start + _MAX_BETWEEN, len(added))):
            longest = max(len(row.text), len(added[other].text))
            if 2 * sum(count_equal_ends(row.text, added[other].text)) >= max(longest, 1):
                yield number, other
                start = other + 1
                break


def _are_similar(before: Sequence[DiffPart], after: Sequence[DiffPart]) -> bool:
    """Return True if a fourth of the longer line is in both lines."""
    longest = max(sum(len(part.text) for part in side) for side in (before, after))
    return 4 * sum(len(part.text) for part in before if not part.changed) >= longest


# -- summaries of a fix run: counts and one example per rule, and rows for JSON --------------------

FixedFinding = tuple[Diagnostic, Fix]

_MIN_EXAMPLE_WIDTH = 20
"""The minimum columns of an example line, also on a narrower terminal."""


class SkippedRow(msgspec.Struct, frozen=True):
    """A skipped note and the reason. Field names are JSON keys.

    Attributes:
        path: Vault path of the note.
        why: The reason, for people.
    """

    path: str
    why: str


class FixedRow(msgspec.Struct, frozen=True):
    """The changes of a run.

    Attributes:
        notes: Number of files that were written.
        findings: Number of findings that were fixed.
        by_rule: Number of fixed findings by rule name. Rules without any are left out.
        run: The id of the run, for `vaultlink undo`; None if nothing was written.
        left: Notes that were skipped although they have fixes.
        mentions: Always 0; `vaultlink mentions --write` links mentions.
    """

    notes: int
    findings: int
    by_rule: dict[str, int]
    run: str | None
    left: tuple[SkippedRow, ...]
    mentions: int = 0


def fixed_row(
    fixed: Sequence[FixedFinding],
    written: Sequence[str],
    run: str | None,
    skipped: tuple[SkippedRow, ...],
) -> FixedRow:
    """Return the row for a run that wrote the paths in `written`."""
    return FixedRow(len(written), len(fixed), count_fixed_by_rule(fixed), run, skipped)


def skipped_rows(skipped: Sequence[SkippedNote]) -> tuple[SkippedRow, ...]:
    """Return a row for each skipped note."""
    return tuple([SkippedRow(note.path, note.reason) for note in skipped])


def render_examples(
    fixed: Sequence[FixedFinding],
    first_round_count: int,
    texts: ChangedTexts,
    width: int,
    palette: Palette = PLAIN,
) -> str:
    """Render the number of fixed findings, with an example for each rule.

    An example is one line before and after the fix. Only the first `first_round_count` fixes have
    offsets in the texts before the run. Others have no lines, but notes that a fix creates are
    always named.
    """
    early = {id(pair[1]) for pair in fixed[:first_round_count]}
    groups = [
        group._replace(fixes=sorted(group.fixes, key=lambda fix: id(fix) not in early))
        for group in _group_examples(fixed, texts)
    ]
    p, count_width = palette, max((len(str(len(group.fixes))) for group in groups), default=0)
    named: set[str] = set()
    blocks = []
    for (code, rule), fixes, ending in groups:
        columns = max(width - count_width - len(f"{code} {rule}{ending}") - 4, _MIN_EXAMPLE_WIDTH)
        title = truncate(escape_controls(fixes[0].title), columns)
        lines = [
            f"{len(fixes):>{count_width},}  {p.bold}{code} {rule}{p.reset}  "
            f"{p.dim}{title}{ending}{p.reset}"
        ]
        created = [path for path in _list_created(fixes, texts) if path not in named]
        named.update(created)
        if not created and id(fixes[0]) in early:
            lines += _render_example(fixes[0], texts, width, p)
        if created:
            names = wrap_words(", ".join(map(escape_controls, created)), width - 4, "")
            lines += [f"  {p.green}+ {line}{p.reset}" for line in names]
        blocks.append("\n".join(lines) + "\n")
    return "".join(blocks)


class _ExampleGroup(NamedTuple):
    """Fixes of a rule that are shown as one, and what follows the title of the first."""

    rule: tuple[str, str]
    fixes: Sequence[Fix]
    ending: str = ""


def _group_examples(fixed: Sequence[FixedFinding], texts: ChangedTexts) -> Iterator[_ExampleGroup]:
    """Yield the fixes of each rule: those that create notes, and the others."""
    by_rule = group_by(fixed, lambda pair: (pair[0].code, pair[0].rule))
    for rule, pairs in sorted(by_rule.items()):
        fixes = [fix for _, fix in pairs]
        by_kind = group_by(fixes, lambda fix: bool(_list_created([fix], texts)))
        for _, alike in sorted(by_kind.items()):
            is_one = len({fix.title for fix in alike}) == 1
            yield _ExampleGroup(rule, alike, "" if is_one else ", for example")


def _list_created(fixes: Iterable[Fix], texts: ChangedTexts) -> list[str]:
    """Return the paths of the files that did not exist before the fixes."""
    paths = dict.fromkeys(edit.path for fix in fixes for edit in fix.edits)
    return [path for path in paths if texts.get(path, ("", ""))[0] is None]


def _render_example(fix: Fix, texts: ChangedTexts, width: int, p: Palette) -> list[str]:
    edit = fix.edits[0]
    text = texts.get(edit.path, (None, ""))[0] or ""
    start, end = find_line_span(text, edit.start, edit.end)
    edits = [
        other
        for other in fix.edits
        if other.path == edit.path and start <= other.start and other.end <= end
    ]
    after = apply_within(text, start, end, sort_edits(edits))
    columns = max(width - 4, _MIN_EXAMPLE_WIDTH)
    before, after = truncate_pair(text[start:end], after, edit.start - start, columns)
    rows = [f"  {p.red}- {before}{p.reset}"] if before else []
    return [*rows, f"  {p.green}+ {after}{p.reset}"] if after else rows


def describe_fixed(
    by_rule: Mapping[str, int], notes: int, *, would: bool = False, brief: bool = False
) -> str:
    """Return a sentence with the number of fixed findings.

    The sentence has the number for each rule too, unless `brief` is true. `would` says that the
    fixes were not written.
    """
    findings = sum(by_rule.values())
    if not findings:
        return "Nothing to fix."
    verb = "Would fix" if would else "Fixed"
    total = f"{verb} {format_count(findings, 'finding')} in {format_count(notes, 'note')}"
    if brief:
        return f"{total}."
    ranked = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    return f"{total}: {', '.join(f'{rule} {count:,}' for rule, count in ranked)}."


def count_fixed_by_rule(fixed: Sequence[FixedFinding]) -> dict[str, int]:
    """Count the fixed findings of each rule, sorted by rule name."""
    return dict(sorted(Counter(item.rule for item, _ in fixed).items()))


def describe_skipped(skipped: int, fixed: int) -> str:
    """Return a sentence for a run that skipped notes and fixed nothing, else ""."""
    if not skipped or fixed:
        return ""
    verb = "was" if skipped == 1 else "were"
    return f"Fixed nothing: {format_count(skipped, 'note')} {verb} skipped."


def describe_linked(mentions: Sequence[Diagnostic], *, would: bool = False) -> str:
    """Return a sentence with the number of mentions that were linked, "" for none."""
    if not mentions:
        return ""
    count = count_mentions([(item.path, item.resolved) for item in mentions])
    return f"{'Would link' if would else 'Linked'} {count}."


def count_mentions(mentions: Sequence[tuple[str, str | None]]) -> str:
    """Return the number of mentions: pairs of a note and the note that it names."""
    notes, targets = len({path for path, _ in mentions}), len({named for _, named in mentions})
    return (
        f"{format_count(len(mentions), 'mention')} of {format_count(targets, 'note')} "
        f"in {format_count(notes, 'note')}"
    )
