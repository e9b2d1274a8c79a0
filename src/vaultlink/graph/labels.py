"""Place the labels of a still picture, so that none covers another."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
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

    def overlaps(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


class _Grid:
    """Boxes by the squares that they touch."""

    def __init__(self) -> None:
        self.boxes: defaultdict[tuple[int, int], list[_Box]] = defaultdict(list)

    def add_box(self, box: _Box) -> None:
        for cell in self._list_cells(box):
            self.boxes[cell].append(box)

    def is_free(self, box: _Box) -> bool:
        return not any(
            box.overlaps(other) for cell in self._list_cells(box) for other in self.boxes[cell]
        )

    def _list_cells(self, box: _Box) -> Iterator[tuple[int, int]]:
        rows = range(int(box.top // _CELL), int(box.bottom // _CELL) + 1)
        columns = range(int(box.left // _CELL), int(box.right // _CELL) + 1)
        return product(rows, columns)


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


def _list_boxes(node: PictureNode, text: str, scale: float) -> Iterator[_Box]:
    """Yield where a label can be, the best place first."""
    x, y, radius = node.x * scale, node.y * scale, node.radius * scale
    half = sum(1.0 if ord(letter) >= _WIDE else 0.56 for letter in text) * FONT_SIZE / 2 + 3
    height = FONT_SIZE / 2 + 2
    for right, down in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        cx, cy = x + right * (half + radius + 2), y + down * (height + radius + 2)
        yield _Box(cx - half, cy - height, cx + half, cy + height)


def flatten(text: str, length: int) -> str:
    """Return the first characters on one line, without those that turn text around."""
    return "".join([letter if letter.isprintable() else " " for letter in text[:length]])


def _cut(text: str) -> str:
    plain = flatten(text, 4 * _LABEL_LENGTH).strip()
    return plain if len(plain) <= _LABEL_LENGTH else plain[: _LABEL_LENGTH - 1].rstrip() + "…"
