"""The figures at the top of a page: sentences, numbers, the score and the trend."""

from collections.abc import Sequence
from typing import NamedTuple

from vaultlink.dashboard.model import HealthScore, Totals, Trend
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
    links = "No link leads to a file of the vault."
    if internal:
        verb = "leads" if totals.resolved == 1 else "lead"
        share = format_percent(totals.resolved, internal)
        links = (
            f"Of {format_count(internal, 'link')}, {totals.resolved:,} {verb} to a file ({share})."
        )
    findings, safe = totals.errors + totals.warnings + totals.infos, totals.fixes_safe
    if not findings:
        return f"{links} There are no findings."
    fixes = f"; {safe:,} {'has' if safe == 1 else 'have'} a safe fix" if safe else ""
    return f"{links} {format_count(findings, 'finding')}{fixes}."


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


# -- the trend ------------------------------------------------------------------------------------


_WIDTH, _HEIGHT = 240, 48
"""The size of a line in pixels."""

_NUMBERS = (
    ("Score", "score"),
    ("Notes", "notes"),
    ("Links", "links"),
    ("Dangling topics", "topics"),
    ("Findings", "findings"),
)
"""The labels of the numbers, and their fields in a `TrendPoint`."""


class TrendLine(NamedTuple):
    """A number over the last commits: its last value, the change, and an SVG."""

    label: str
    last: int
    change: str
    picture: str


def draw_trend(trend: Trend | None) -> list[TrendLine]:
    """Return the lines of a trend; none if it has fewer than two commits."""
    points = trend.points if trend else ()
    if len(points) < 2:
        return []
    lines = []
    for label, field in _NUMBERS:
        values = [int(getattr(point, field)) for point in points]
        change = f"{values[-1] - values[0]:+,}".replace("-", "−")
        text = "unchanged" if values[-1] == values[0] else f"{change} since {points[0].date}"
        picture = render_sparkline(values, _WIDTH, _HEIGHT, label)
        lines.append(TrendLine(label, values[-1], text, picture))
    return lines


_RADIUS = 2
"""Radius of the dot at the last value, in pixels. It is also the margin around the line."""


def render_sparkline(values: Sequence[int], width: int, height: int, label: str) -> str:
    """Return a line through at least two values, with a dot at the last one, as SVG.

    It has the colour of the text around it, and no style, script, link or `id`, so it can stand
    anywhere in a page any number of times. Equal values are a line at half height. Screen readers
    read the label with the first, last, lowest and highest value.
    """
    lowest, highest = min(values), max(values)
    right, bottom = width - _RADIUS, height - _RADIUS
    points = []
    for number, value in enumerate(values):
        across = number / (len(values) - 1)
        up = (value - lowest) / (highest - lowest) if highest > lowest else 0.5
        x = _format_pixels(_RADIUS + across * (right - _RADIUS))
        points.append((x, _format_pixels(bottom - up * (bottom - _RADIUS))))
    line = " ".join(f"{x},{y}" for x, y in points)
    x, y = points[-1]
    text = (
        f"from {values[0]:,} to {values[-1]:,}; lowest {lowest:,}, highest {highest:,}."
        if highest > lowest
        else f"all {lowest:,}."
    )
    return (
        f'<svg class="sparkline" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><title>{label}</title>'
        f"<desc>{len(values):,} values, {text}</desc>"
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
        f'<circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="currentColor"/></svg>'
    )


def _format_pixels(value: float) -> str:
    """Format a number with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
