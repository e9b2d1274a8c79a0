"""Sparklines: small pictures of a row of numbers, safe in any page."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from tables import each
from vaultlink.dashboard.page import render_sparkline

SVG = "{http://www.w3.org/2000/svg}"


def parse(values: Sequence[int], label: str = "Score") -> ET.Element:
    """Return the picture of values, 100 pixels wide and 20 high, as an element."""
    text = render_sparkline(values, 100, 20, label)
    return ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def list_points(picture: ET.Element) -> list[str]:
    """Return the points of the line; none if there is no line."""
    line = picture.find(f"{SVG}polyline")
    return [] if line is None else line.attrib["points"].split()


def find_dot(picture: ET.Element) -> tuple[str, str] | None:
    """Return the place of the dot."""
    dot = picture.find(f"{SVG}circle")
    return None if dot is None else (dot.attrib["cx"], dot.attrib["cy"])


LINES: dict[str, tuple[list[int], list[str], str]] = {
    "rising": ([1, 2, 3], ["2,18", "50,10", "98,2"], "3 values, from 1 to 3; lowest 1, highest 3."),
    "falling": ([3, 1], ["2,2", "98,18"], "2 values, from 3 to 1; lowest 1, highest 3."),
    "constant": ([5, 5, 5], ["2,10", "50,10", "98,10"], "3 values, all 5."),
    "zeros": ([0, 0], ["2,10", "98,10"], "2 values, all 0."),
    "negative": ([-4, 4], ["2,18", "98,2"], "2 values, from -4 to 4; lowest -4, highest 4."),
    "large": (
        [10**9, 10**9 + 1],
        ["2,18", "98,2"],
        "2 values, from 1,000,000,000 to 1,000,000,001; lowest 1,000,000,000, "
        "highest 1,000,000,001.",
    ),
}


@each(("values", "points", "description"), LINES.values(), ids=LINES)
def test_line_reaches_from_the_lowest_to_the_highest_value(
    values: list[int], points: list[str], description: str
) -> None:
    picture = parse(values)
    assert list_points(picture) == points
    assert find_dot(picture) == tuple(points[-1].split(","))
    assert picture.findtext(f"{SVG}desc") == description


def test_every_point_is_inside_the_picture() -> None:
    for point in list_points(parse([number * number % 97 for number in range(500)])):
        x, y = map(float, point.split(","))
        assert 2 <= x <= 98 and 2 <= y <= 18


def test_screen_readers_read_the_label_as_an_image() -> None:
    picture = parse([1, 2], "Links")
    assert picture.attrib["role"] == "img"
    assert picture[0].tag == f"{SVG}title" and picture[0].text == "Links"


def test_picture_needs_no_style_script_or_identifier() -> None:
    text = render_sparkline([1, 2, 3], 100, 20, "Score")
    assert not re.search(r"\b(id|style|href|on\w+|src)=|url\(|<script|<style", text)
    assert set(re.findall(r'(?:fill|stroke)="(\w+)"', text)) == {"none", "currentColor"}


def test_equal_values_give_equal_bytes() -> None:
    assert render_sparkline([1, 3], 80, 20, "x") == render_sparkline([1, 3], 80, 20, "x")
