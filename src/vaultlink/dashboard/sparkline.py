"""Draw a row of numbers as a small inline SVG."""

from collections.abc import Iterator, Sequence
from html import escape

_RADIUS = 2
"""Radius of the dot at the last value, in pixels. It is also the margin around the line."""


def render_sparkline(values: Sequence[float], width: int, height: int, label: str) -> str:
    """Return a line through values, with a dot at the last one, as an SVG element.

    It has the colour of the text around it, and no style, script, link or `id`, so it can stand
    anywhere in a page any number of times. Equal values are a line at half height; one value is a
    dot; no value is an empty picture.

    Args:
        values: Finite numbers, oldest first.
        width: Width in pixels.
        height: Height in pixels.
        label: The name of the numbers, as plain text. Screen readers read it with the first, last,
            lowest and highest value.
    """
    points = list(_place_points(values, width, height))
    line = " ".join(f"{x},{y}" for x, y in points)
    shapes = [
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
        if len(points) > 1
        else "",
        f'<circle cx="{points[-1][0]}" cy="{points[-1][1]}" r="{_RADIUS}" fill="currentColor"/>'
        if points
        else "",
    ]
    return (
        f'<svg class="sparkline" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><title>{_escape_text(label)}</title>'
        f"<desc>{_describe(values)}</desc>{''.join(shapes)}</svg>"
    )


def _place_points(values: Sequence[float], width: int, height: int) -> Iterator[tuple[str, str]]:
    """Yield the coordinates of each value in pixels, with at most one decimal."""
    lowest, highest = min(values, default=0), max(values, default=0)
    right, bottom = width - _RADIUS, height - _RADIUS
    for number, value in enumerate(values):
        across = number / (len(values) - 1) if len(values) > 1 else 1
        up = (value - lowest) / (highest - lowest) if highest > lowest else 0.5
        yield (
            _format_pixels(_RADIUS + across * (right - _RADIUS)),
            _format_pixels(bottom - up * (bottom - _RADIUS)),
        )


def _format_pixels(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _describe(values: Sequence[float]) -> str:
    """Return a sentence with the numbers that a reader sees in the line."""
    if not values:
        return "No values."
    if len(values) == 1:
        return f"One value: {values[0]:,}."
    if min(values) == max(values):
        return f"{len(values):,} values, all {values[0]:,}."
    return (
        f"{len(values):,} values, from {values[0]:,} to {values[-1]:,}; "
        f"lowest {min(values):,}, highest {max(values):,}."
    )


def _escape_text(text: str) -> str:
    """Return text for HTML. Characters that can't be encoded become question marks."""
    return escape(text.encode("utf-8", "replace").decode("utf-8"))
