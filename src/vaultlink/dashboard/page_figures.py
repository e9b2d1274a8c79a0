"""The figures at the top of a page: sentences, numbers and the bar of the score."""

from typing import NamedTuple

from vaultlink.dashboard.model import HealthScore, Totals
from vaultlink.report.layout import format_count
from vaultlink.report.overview import format_share


class Figure(NamedTuple):
    """A number of the vault, and the section that lists what it counts ("" for none)."""

    label: str
    value: int
    detail: str
    anchor: str = ""


class ScoreSegment(NamedTuple):
    """A part of the bar below the score, in hundredths of its width."""

    x: float
    width: float
    filled: float


def format_percent(part: int, whole: int) -> str:
    """Return a share in percent, or a dash if there is nothing to share."""
    return format_share(part, whole) if whole else "–"


def describe_health(totals: Totals) -> str:
    """Return the sentences that begin a page."""
    internal = totals.links - totals.external
    if internal:
        verb = "leads" if totals.resolved == 1 else "lead"
        share = format_percent(totals.resolved, internal)
        links = (
            f"Of {format_count(internal, 'link')}, {totals.resolved:,} {verb} to a file ({share})."
        )
    else:
        links = "No link leads to a file of the vault."
    findings = totals.errors + totals.warnings + totals.infos
    if not findings:
        return f"{links} There are no findings."
    return f"{links} {_describe_findings(findings, totals.fixes_safe)}"


def _describe_findings(findings: int, safe: int) -> str:
    if not safe:
        return f"{format_count(findings, 'finding')}."
    verb = "has" if safe == 1 else "have"
    return f"{format_count(findings, 'finding')}; {safe:,} {verb} a safe fix."


def format_formula(score: HealthScore) -> str:
    """Return the sum of the parts: `39.50 + 20.00 = 59.50, rounded down to 59`."""
    points = [part.points for part in score.parts]
    total = max(round(sum(points), 2), float(score.value))  # rounded points may sum up to less
    about = "just under " if int(total) > score.value else ""
    terms = " + ".join(f"{item:.2f}" for item in points)
    return f"{terms} = {about}{total:.2f}, rounded down to {score.value}"


def measure_score_bar(score: HealthScore) -> list[ScoreSegment]:
    """Return the segments of the score's bar.

    Each is as wide as the weight of its part, and filled by its points.
    """
    segments, x = [], 0
    for part in score.parts:
        width = max(part.weight - _SEGMENT_GAP, 0)
        filled = round(width * part.points / part.weight, 3) if part.weight else 0
        segments.append(ScoreSegment(x, width, filled))
        x += part.weight
    return segments


_SEGMENT_GAP = 0.5
"""Hundredths of the bar between two segments."""


def list_figures(totals: Totals) -> list[Figure]:
    """Return the row of figures."""
    severities = (
        (totals.errors, "error"),
        (totals.warnings, "warning"),
        (totals.infos, "info"),
    )
    findings = ", ".join(format_count(count, noun) for count, noun in severities if count)
    return [
        Figure("Notes", totals.notes, f"and {format_count(totals.attachments, 'attachment')}"),
        Figure("Links", totals.links, f"{totals.external:,} external"),
        Figure(
            "Broken links", totals.dangling, f"to {format_count(totals.topics, 'topic')}", "topics"
        ),
        Figure(
            "Findings",
            sum(count for count, _ in severities),
            findings or "no rule has any",
            "rules",
        ),
        Figure(
            "Fixes waiting",
            totals.fixes_safe + totals.fixes_unsafe,
            f"{totals.fixes_safe:,} safe" + ("" if totals.has_all_fixes else ", perhaps more"),
            "fixes",
        ),
        Figure("Orphans", totals.orphans, format_count(totals.dead_ends, "dead end"), "orphans"),
        Figure("Islands", totals.islands, "beside the largest group", "islands"),
        Figure(
            "Backlinks sections",
            totals.sections_in_step + totals.sections_out_of_step,
            f"{totals.sections_in_step:,} in step",
            "sections",
        ),
    ]
