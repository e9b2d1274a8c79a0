"""The findings of a batch for a terminal: one line for each cause."""

from collections.abc import Collection, Sequence

from vaultlink.index.resolve import file_name, normalize_name
from vaultlink.model import Diagnostic
from vaultlink.report.concise import render_concise
from vaultlink.report.layout import PLAIN, Palette, escape_controls, format_count
from vaultlink.text import group_by
from vaultlink.watch.messages import Batch, ReportedFinding
from vaultlink.watch.output import format_headline

_MAX_LINES = 20
"""Causes of a batch that have a line, so that the batch fits on a screen."""


def format_batch_causes(batch: Batch, palette: Palette = PLAIN) -> str:
    """Return a headline, and a line for each new (+) and resolved (-) cause."""
    p, moved = palette, None
    if batch.applied_fixes:
        moves = batch.vault.state.settings.history.moves
        moved = {_name_target(file_name(path)) for path in moves}
    lines = [f"{p.red}+{p.reset} {line}" for line in _format_causes(batch.new, p, None)]
    lines += [f"{p.green}-{p.reset} {line}" for line in _format_causes(batch.resolved, p, moved)]
    rest = len(lines) - _MAX_LINES
    if rest > 1:
        lines[_MAX_LINES:] = [f"  … {rest:,} more causes; --verbose shows them all"]
    return "\n".join([f"{p.bold}{format_headline(batch)}{p.reset}", *lines, ""])


def _format_causes(
    reported: Sequence[ReportedFinding], palette: Palette, moved: Collection[str] | None
) -> list[str]:
    groups = group_by([item for item, _ in reported], _get_cause).values()
    ranked = sorted(groups, key=lambda group: -len(group))
    return [_format_cause(group, palette, moved) for group in ranked]


def _get_cause(item: Diagnostic) -> tuple[str, str]:
    """Return the rule and target of a finding; without a target, only the rule."""
    return item.code, _name_target(item.target or "") + (item.subpath or "")


def _name_target(target: str) -> str:
    return normalize_name(target).removesuffix(".md")


def _format_cause(
    group: Sequence[Diagnostic], palette: Palette, moved: Collection[str] | None
) -> str:
    """Return the line of a cause; `moved` are names of moved files if it was fixed."""
    first, p = group[0], palette
    if len(group) == 1:
        return render_concise(group, p).rstrip("\n")
    noun = "link" if first.target is not None else "finding"
    notes = format_count(len({item.path for item in group}), "note")
    count = f"{format_count(len(group), noun)} in {notes}"
    if moved is not None:
        was_moved = _name_target(file_name(first.target or "")) in moved
        count += " named the old place; followed" if was_moved else " fixed"
    same = all(item.message == first.message for item in group)
    message = first.message if same else f"for example: {first.message}"
    return f"{p.bold}{count}{p.reset}: {first.code} {first.rule} {escape_controls(message)}"
