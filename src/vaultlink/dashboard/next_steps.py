"""The next steps in a vault: commands, with the gain of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.dashboard.model import ReportStep, SectionRow
from vaultlink.dashboard.score import ScoreCounts, estimate_points
from vaultlink.engine.step import State
from vaultlink.fix.forecast import FixForecast
from vaultlink.mentions.mention import Mention
from vaultlink.model import Diagnostic, Safety
from vaultlink.report.layout import format_count
from vaultlink.report.overview import list_fix_steps
from vaultlink.rules.section_rules import ALL_SECTION_RULES

_COUNTED_ABOUT = {
    "unresolved-link": ("mistake", "mistakes"),
    "planned-link": ("planned note", "planned notes"),
}
"""What links with a proposal are about; the other proposals are called others."""


class StepInputs(NamedTuple):
    """The values that the next steps are computed from.

    `mentions` is None if they were not searched.
    """

    state: State
    counts: ScoreCounts
    findings: Sequence[Diagnostic]
    forecast: FixForecast
    mentions: Sequence[Mention] | None
    sections: Sequence[SectionRow]
    topics: int


def list_report_steps(inputs: StepInputs) -> tuple[ReportStep, ...]:
    """Return what to do next: what gains most points first, then what resolves most."""
    steps = [
        *_list_fix_steps(inputs),
        *_list_mention_steps(inputs),
        *_list_section_steps(inputs),
        *_list_topic_steps(inputs.topics),
    ]
    return tuple(sorted(steps, key=lambda step: (-step.points, -step.gain)))


def _list_fix_steps(inputs: StepInputs) -> Iterator[ReportStep]:
    found = _group_by_safety(inputs)
    for step in list_fix_steps(inputs.forecast):
        is_safe = step.command == "vaultlink fix"
        resolved = found[Safety.SAFE if is_safe else Safety.UNSAFE]
        points = estimate_points(inputs.state, inputs.counts, resolved)
        if is_safe:
            purpose = f"Apply {format_count(step.gain, 'safe fix', 'safe fixes')}"
            yield ReportStep("safe-fixes", step.command, purpose, step.gain, points)
            continue
        least = "at least " if inputs.forecast.has_guesses else ""
        purpose = f"Decide on the proposals for {least}{_describe_proposals(resolved)}"
        yield ReportStep("proposals", step.command, purpose, step.gain, points)


def _group_by_safety(inputs: StepInputs) -> Mapping[Safety, list[Diagnostic]]:
    groups: dict[Safety, list[Diagnostic]] = {Safety.SAFE: [], Safety.UNSAFE: []}
    for item, fix in zip(inputs.findings, inputs.forecast.fixes, strict=True):
        if fix is not None:
            groups[fix.safety].append(item)
    return groups


def _describe_proposals(findings: Sequence[Diagnostic]) -> str:
    """Return the numbers of findings by kind: `5 mistakes and 2 other findings`."""
    parts = []
    for about, nouns in _COUNTED_ABOUT.items():
        number = sum(item.about == about for item in findings)
        parts += [format_count(number, *nouns)] if number else []
    others = sum(item.about not in _COUNTED_ABOUT for item in findings)
    parts += [format_count(others, "other finding" if parts else "finding")] if others else []
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _list_mention_steps(inputs: StepInputs) -> Iterator[ReportStep]:
    mentions = inputs.mentions
    if mentions:
        targets = len({item.target for item in mentions})
        connected = {path for item in mentions for path in (item.path, item.target)}
        points = estimate_points(inputs.state, inputs.counts, connected=connected)
        number = format_count(len(mentions), "place")
        verb = "names" if len(mentions) == 1 else "name"
        purpose = f"Link {number} that certainly {verb} {format_count(targets, 'note')}"
        yield ReportStep("mentions", "vaultlink mentions --write", purpose, len(mentions), points)


def _list_section_steps(inputs: StepInputs) -> Iterator[ReportStep]:
    """Yield the update of sections, which `vaultlink fix` makes too if it is safe."""
    number = sum(not row.in_step for row in inputs.sections)
    if not number:
        return
    safe = _select_section_findings(_group_by_safety(inputs)[Safety.SAFE])
    found = safe or _select_section_findings(inputs.findings)
    rules = ",".join(sorted({item.rule for item in found}))
    verb, command = ("Update", "fix") if safe else ("Correct", "check")
    purpose = f"{verb} {format_count(number, 'backlinks section')} out of date"
    points = estimate_points(inputs.state, inputs.counts, found)
    yield ReportStep("sections", f"vaultlink {command} --select {rules}", purpose, number, points)


def _select_section_findings(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    return [item for item in findings if item.rule in ALL_SECTION_RULES]


def _list_topic_steps(topics: int) -> Iterator[ReportStep]:
    if topics:
        names = format_count(topics, "name")
        verb = "has" if topics == 1 else "have"
        purpose = f"Look through {names} in links that {verb} no file"
        yield ReportStep("unresolved", "vaultlink unresolved", purpose, 0, 0)
