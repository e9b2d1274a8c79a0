"""Place the labels of a still picture, so that none covers another."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from vaultlink.graph.picture import PictureNode

FONT_SIZE = 12
"""The height of a label in the pixels of the picture."""
_LABEL_LENGTH = 36
"""Characters of a label; longer ones are cut."""
_MAX_LABELS = 60
_CELL = 48.0
"""The width and height of a square of the grid that finds overlaps, in pixels."""
_SMALL_GRAPH = 400
"""In a graph of at most this size, labels do not cover nodes either. In larger ones, they do not
cover large nodes."""
_LARGE_RADIUS = 5.0
_WIDE = 0x1100
"""Most letters from here on are as wide as the font is high."""


class PlacedLabel(NamedTuple):
    """A label and the middle of its place, in pixels."""

    text: str
    x: float
    y: float
    node: PictureNode


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def cells(self) -> Iterator[tuple[int, int]]:
        """Yield the squares of the grid that the box touches."""
        for row in range(int(self.top // _CELL), int(self.bottom // _CELL) + 1):
            for column in range(int(self.left // _CELL), int(self.right // _CELL) + 1):
                yield row, column

    def overlaps(self, other: "_Box") -> bool:
        """Return True if two boxes share a point."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


class _Grid:
    """Boxes by the squares that they touch."""

    def __init__(self) -> None:
        self.boxes: dict[tuple[int, int], list[_Box]] = {}

    def add_box(self, box: _Box) -> None:
        """Mark a box as taken."""
        for cell in box.cells():
            self.boxes.setdefault(cell, []).append(box)

    def is_free(self, box: _Box) -> bool:
        """Return True if a box overlaps none that is taken."""
        return not any(
            box.overlaps(other) for cell in box.cells() for other in self.boxes.get(cell, ())
        )


def place_labels(
    nodes: Sequence[PictureNode], scale: float, width: float, least: float
) -> list[PlacedLabel]:
    """Return labels for the largest nodes, below, above or beside them.

    Args:
        nodes: The nodes, largest last. Places are in the unit of pictures.
        scale: Pixels for each unit.
        width: The width of the picture in pixels, which labels do not leave.
        least: The radius in pixels of the smallest node that gets a label.
    """
    grid = _Grid()
    labels: list[PlacedLabel] = []
    for node in nodes:
        x, y, radius = node.x * scale, node.y * scale, node.radius * scale
        if len(nodes) <= _SMALL_GRAPH or radius > _LARGE_RADIUS:
            grid.add_box(_Box(x - radius, y - radius, x + radius, y + radius))
    for node in reversed(nodes):
        if len(labels) == _MAX_LABELS or node.radius * scale < least:
            break
        text = _cut(node.label)
        for box in _list_boxes(node, text, scale):
            if box.left > 0 and box.right < width and grid.is_free(box):
                grid.add_box(box)
                middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
                labels.append(PlacedLabel(text, *middle, node))
                break
    return labels


def _list_boxes(node: PictureNode, text: str, scale: float) -> Iterable[_Box]:
    """Return where a label can be, the best place first."""
    x, y, radius = node.x * scale, node.y * scale, node.radius * scale
    half = sum(1.0 if ord(letter) >= _WIDE else 0.56 for letter in text) * FONT_SIZE / 2 + 3
    height = FONT_SIZE / 2 + 2
    for right, down in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        cx, cy = x + right * (half + radius + 2), y + down * (height + radius + 2)
        yield _Box(cx - half, cy - height, cx + half, cy + height)


def _cut(text: str) -> str:
    """Return a label on one line, without characters that turn the direction of text."""
    start = text[: 4 * _LABEL_LENGTH]
    plain = "".join([letter if letter.isprintable() else " " for letter in start]).strip()
    return plain if len(plain) <= _LABEL_LENGTH else plain[: _LABEL_LENGTH - 1].rstrip() + "…"
