"""The trend on a page: one line for each number of the last commits."""

from typing import NamedTuple

from vaultlink.dashboard.model import Trend
from vaultlink.dashboard.sparkline import render_sparkline

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
