"""The lines of notes that fixes change, and summaries of a fix run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.fix.plan import ChangedTexts
from vaultlink.links.edit_math import apply_edits, sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, SkippedNote
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    display_width,
    escape_controls,
    format_count,
    truncate,
    truncate_left,
)

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


def find_line_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the whole lines around a span, without the last line feed."""
    line_end = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if line_end == -1 else line_end


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
    number = count_equal(old_lines, new_lines)
    before, after = ("".join(lines[number : number + 1]) for lines in (old_lines, new_lines))
    if before and after:  # lines that are only moved by others are no change
        if len(old_lines) < len(new_lines) and before in new_lines:
            return "", after
        if len(old_lines) > len(new_lines) and after in old_lines:
            return before, ""
    return before, after


def count_equal(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of equal items at the start of two sequences, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def cut_lines(before: str, after: str) -> tuple[str, str]:
    """Cut the same beginning from two long lines, and what is too long at their ends."""
    if max(len(before), len(after)) <= _MAX_LINE:
        return before, after
    start = max(count_equal(before, after) - _LEAD, 0)
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
        mentions: Number of unlinked mentions that were linked. They are not findings, and not in
            the other numbers.
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
    mentions: int = 0,
) -> FixedRow:
    """Return the row for a run that wrote the paths in `written`."""
    return FixedRow(len(written), len(fixed), count_fixed_by_rule(fixed), run, skipped, mentions)


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
    """Render the number of fixed findings and an example for each rule.

    An example is one line before and after the fix. Only the first `first_round_count` fixes have
    offsets in the texts before the run. A rule without such a fix has no lines.
    """
    counts = Counter((item.code, item.rule) for item, _ in fixed)
    examples: dict[str, FixedFinding] = {}
    in_first_round: set[str] = set()
    for index, pair in enumerate(fixed):
        if examples.setdefault(pair[0].rule, pair) is pair and index < first_round_count:
            in_first_round.add(pair[0].rule)
    p, count_width = palette, max((len(str(count)) for count in counts.values()), default=0)
    blocks = []
    for (code, rule), count in sorted(counts.items()):
        _, fix = examples[rule]
        columns = max(width - count_width - len(f"{code} {rule}") - 4, _MIN_EXAMPLE_WIDTH)
        lines = [
            f"{count:>{count_width},}  {p.bold}{code} {rule}{p.reset}  "
            f"{p.dim}{truncate(escape_controls(fix.title), columns)}{p.reset}"
        ]
        lines += _render_example(fix, texts, width, p) if rule in in_first_round else []
        blocks.append("\n".join(lines) + "\n")
    return "".join(blocks)


def _render_example(fix: Fix, texts: ChangedTexts, width: int, p: Palette) -> list[str]:
    edit = fix.edits[0]
    text = texts.get(edit.path, (None, ""))[0]
    if text is None:
        return [f"  {p.green}+ {escape_controls(edit.path)}{p.reset}"]
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
