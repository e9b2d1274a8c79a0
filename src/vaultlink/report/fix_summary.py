"""What fixing came to, for people and programs: per rule a count and one example, what was left alone, what remains.

Values enter, strings and rows leave.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from vaultlink.edits import apply_edits, sort_edits
from vaultlink.model import Diagnostic, Fix, Safety, SkippedNote
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    display_width,
    escape_controls,
    format_count,
    truncate,
    truncate_left,
)

FixedFinding = tuple[Diagnostic, Fix]
ChangedTexts = Mapping[str, tuple[str | None, str]]
"""Path to a note's text before (None if it is new) and after."""


class SkippedRow(msgspec.Struct, frozen=True):
    """A note that was left alone, and why."""

    path: str
    why: str


class FixedRow(msgspec.Struct, frozen=True):
    """What a run did, beside the findings that remain: `run` names the record that undoes it, and is null if nothing was
    written."""

    notes: int
    findings: int
    by_rule: dict[str, int]
    run: str | None
    left: tuple[SkippedRow, ...]


def fixed_row(
    made: Sequence[FixedFinding],
    written: Sequence[str],
    run: str | None,
    left: tuple[SkippedRow, ...],
) -> FixedRow:
    """What a run did, as data."""
    return FixedRow(len(written), len(made), count_fixed_by_rule(made), run, left)


def skipped_rows(refused: Sequence[SkippedNote]) -> tuple[SkippedRow, ...]:
    """Notes that were left alone, as data."""
    return tuple([SkippedRow(skipped_note.path, skipped_note.reason) for skipped_note in refused])


def render_examples(
    made: Sequence[FixedFinding],
    early: int,
    texts: ChangedTexts,
    room: int,
    palette: Palette = PLAIN,
) -> str:
    """For each rule how many findings were fixed, and how the first looked before and afterwards. Only the `early` ones
    have their places in the texts before; a rule that has none of these is shown by its words alone."""
    counts = Counter((item.code, item.rule) for item, _ in made)
    first: dict[str, FixedFinding] = {}
    shown: set[str] = set()
    for place, repaired in enumerate(made):
        if first.setdefault(repaired[0].rule, repaired) is repaired and place < early:
            shown.add(repaired[0].rule)
    p, size = palette, max((len(str(count)) for count in counts.values()), default=0)
    blocks = []
    for (code, rule), count in sorted(counts.items()):
        _, fix = first[rule]
        lines = [
            f"{count:>{size},}  {p.bold}{code} {rule}{p.reset}  {p.dim}{escape_controls(fix.title)}{p.reset}"
        ]
        lines += _render_example(fix, texts, room, p) if rule in shown else []
        blocks.append("\n".join(lines) + "\n")
    return "".join(blocks)


def _render_example(fix: Fix, texts: ChangedTexts, room: int, p: Palette) -> list[str]:
    """The line of a fix's first edit, before and after."""
    edit = fix.edits[0]
    old = texts.get(edit.path, (None, ""))[0]
    if old is None:
        return [f"  {p.green}+ {escape_controls(edit.path)}{p.reset}"]
    start = old.rfind("\n", 0, edit.start) + 1
    end = old.find("\n", edit.end)
    end = len(old) if end == -1 else end
    edits = [
        other
        for other in fix.edits
        if other.path == edit.path and start <= other.start and other.end <= end
    ]
    after = apply_edits(old[:end], sort_edits(edits))[start:]
    left = max(room - 4, 20)
    before, after = _cut_around(old[start:end], after, edit.start - start, left)
    rows = [f"  {p.red}- {before}{p.reset}"] if before else []
    return [*rows, f"  {p.green}+ {after}{p.reset}"] if after else rows


def _cut_around(before: str, after: str, at: int, room: int) -> tuple[str, str]:
    """Two lines cut alike, so that what differs is seen: a third of the room is kept for what stands before it."""
    lead = escape_controls(before[:at])
    kept = truncate_left(lead, room // 3)
    lost = len(before[:at]) if display_width(lead) > room // 3 else 0
    if lost:
        return truncate(kept + escape_controls(before[at:].rstrip("\r")), room), truncate(
            kept + escape_controls(after[at:].rstrip("\r")), room
        )
    return truncate(escape_controls(before.rstrip("\r")), room), truncate(
        escape_controls(after.rstrip("\r")), room
    )


def describe_fixed(
    by_rule: Mapping[str, int], notes: int, *, would: bool = False, told: bool = False
) -> str:
    """What was done, or would be, in a sentence; rule by rule unless that was `told` already."""
    findings = sum(by_rule.values())
    if not findings:
        return "Nothing to fix."
    done = f"{'Would fix' if would else 'Fixed'} {format_count(findings, 'finding')} in {format_count(notes, 'note')}"
    ranked = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    return (
        f"{done}."
        if told
        else f"{done}: {', '.join(f'{rule} {count:,}' for rule, count in ranked)}."
    )


def count_fixed_by_rule(made: Sequence[FixedFinding]) -> dict[str, int]:
    """How many findings of each rule were fixed."""
    return dict(sorted(Counter(item.rule for item, _ in made).items()))


def describe_unsafe(diagnostics: Sequence[Diagnostic], unsafe: bool) -> str:
    """What could be fixed besides, "" if nothing."""
    waiting = Counter(item.fix.safety for item in diagnostics if item.fix is not None)
    count = waiting[Safety.UNSAFE]
    if not count or unsafe:
        return ""
    return f"{format_count(count, 'more finding has', 'more findings have')} an unsafe fix; see --unsafe-fixes."
