"""Summaries of a fix run: counts and one example per rule, and rows for JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from vaultlink.fix.plan import ChangedTexts
from vaultlink.links.edits import sort_edits
from vaultlink.model import Diagnostic, Fix, SkippedNote
from vaultlink.report.changed_lines import apply_within, find_line_span, truncate_pair
from vaultlink.report.layout import PLAIN, Palette, escape_controls, format_count, truncate

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
