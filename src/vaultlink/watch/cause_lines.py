"""The findings of a batch for a terminal: one line for each cause."""

from collections.abc import Callable, Iterable, Sequence

from vaultlink.index.resolve import file_name, normalize_name
from vaultlink.model import Diagnostic
from vaultlink.report.concise import render_concise
from vaultlink.report.layout import PLAIN, Palette, escape_controls, format_count
from vaultlink.watch.messages import Batch, ReportedFinding
from vaultlink.watch.output import format_headline

_MAX_LINES = 20
"""Causes of a batch that have a line, so that the batch fits on a screen."""


def format_batch_causes(batch: Batch, palette: Palette = PLAIN) -> str:
    """Return a headline, and a line for each new (+) and resolved (-) cause."""
    p = palette
    describe_resolved = _make_fix_description(batch) if batch.applied_fixes else _describe_nothing
    lines = [
        f"{p.red}+{p.reset} {line}" for line in _format_causes(batch.new, p, _describe_nothing)
    ]
    lines += [
        f"{p.green}-{p.reset} {line}"
        for line in _format_causes(batch.resolved, p, describe_resolved)
    ]
    rest = len(lines) - _MAX_LINES
    if rest > 1:
        lines[_MAX_LINES:] = [f"  … {rest:,} more causes; --verbose shows them all"]
    return "\n".join([f"{p.bold}{format_headline(batch)}{p.reset}", *lines, ""])


def _format_causes(
    reported: Sequence[ReportedFinding],
    palette: Palette,
    describe: Callable[[Diagnostic], str],
) -> list[str]:
    """Return a line for each cause, those of most findings first."""
    groups = _group_by_cause([item for item, _ in reported])
    ranked = sorted(groups, key=lambda group: -len(group))
    return [_format_cause(group, palette, describe(group[0])) for group in ranked]


def _group_by_cause(findings: Iterable[Diagnostic]) -> list[list[Diagnostic]]:
    """Group findings by rule and target; those without a target only by rule."""
    groups: dict[tuple[str, str], list[Diagnostic]] = {}
    for item in findings:
        target = normalize_name(item.target or "").removesuffix(".md") + (item.subpath or "")
        groups.setdefault((item.code, target), []).append(item)
    return list(groups.values())


def _describe_nothing(_finding: Diagnostic) -> str:
    return ""


def _make_fix_description(batch: Batch) -> Callable[[Diagnostic], str]:
    moves = batch.vault.state.settings.history.moves
    moved = {normalize_name(file_name(path)).removesuffix(".md") for path in moves}

    def describe(item: Diagnostic) -> str:
        target = normalize_name(file_name(item.target or "")).removesuffix(".md")
        return " named the old place; followed" if target in moved else " fixed"

    return describe


def _format_cause(group: Sequence[Diagnostic], palette: Palette, description: str) -> str:
    first, p = group[0], palette
    if len(group) == 1:
        return render_concise(group, p).rstrip("\n")
    noun = "link" if first.target is not None else "finding"
    notes = format_count(len({item.path for item in group}), "note")
    count = f"{format_count(len(group), noun)} in {notes}{description}"
    same = all(item.message == first.message for item in group)
    message = first.message if same else f"for example: {first.message}"
    return f"{p.bold}{count}{p.reset}: {first.code} {first.rule} {escape_controls(message)}"
