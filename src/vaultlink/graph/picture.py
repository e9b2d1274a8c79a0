"""A drawing of the vault's graph, its labels, and its form as SVG."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from vaultlink.text import lazy_pattern


class PictureNode(NamedTuple):
    """A node of a picture.

    Attributes:
        name: Vault path, or the name of an unresolved topic.
        label: What to show: the title of a note, else its file name without extension.
        kind: `note`, `attachment`, `canvas` or `dangling`.
        x: Distance from the left edge, from 0 to `SIZE`.
        y: Distance from the upper edge, from 0 to `SIZE`.
        radius: Half of its width, in the same unit.
        incoming: Number of links to it.
        outgoing: Number of links from it.
        community: Number of its group, 0 is the largest; -1 for orphans.
        folder: Number of its folder in `GraphPicture.folders`.
    """

    name: str
    label: str
    kind: str
    x: int
    y: int
    radius: int
    incoming: int
    outgoing: int
    community: int
    folder: int


class GraphPicture(NamedTuple):
    """All nodes and edges of a vault, laid out. Equal graphs give equal pictures.

    Attributes:
        nodes: The nodes: those with most links last, so that they are drawn on top.
        edges: Pairs of numbers of nodes, source and target, sorted, each pair once, without
            links from a node to itself.
        folders: The names of folders with notes: the ones with most notes first.
        communities: Names of the groups: the label of the node with most links in each.
        omitted: A sentence about what is left out; "" if nothing is.
    """

    nodes: tuple[PictureNode, ...]
    edges: tuple[tuple[int, int], ...]
    folders: tuple[str, ...]
    communities: tuple[str, ...]
    omitted: str = ""


SIZE = 16_383
"""The width and height of a picture. Coordinates fit into 14 bits."""

_INVALID_IN_XML = lazy_pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNSAFE_IN_XML = lazy_pattern("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|#(?=#)")
"""Characters that a terminal may obey, and the beginning of commands for CI services."""
_XML_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def _escape_xml(text: str) -> str:
    """Escape a text for attributes and elements; replace what XML can't hold."""
    return reference_unsafe(replace_invalid(text).translate(_XML_ESCAPES))


def replace_invalid(text: str) -> str:
    """Replace the characters that XML can't hold, not even as references."""
    return _INVALID_IN_XML.sub("\ufffd", text)


def reference_unsafe(xml: str) -> str:
    """Write the unsafe characters of a document, all in its texts, as references."""
    return _UNSAFE_IN_XML.sub(lambda match: f"&#{ord(match[0])};", xml)


# -- place the labels of a still picture, so that none covers another ------------------------------

_FONT_SIZE = 12
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


def _place_labels(
    nodes: Sequence[PictureNode], scale: float, width: float, least: float
) -> list[PlacedLabel]:
    """Return labels for the largest nodes, below, above or beside them.

    Nodes are given largest last, with places in the unit of pictures; `scale` is pixels for each
    unit. No label leaves the `width` in pixels. A node gets one from a radius of `least` pixels on.
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
    half = sum(1.0 if ord(letter) >= _WIDE else 0.56 for letter in text) * _FONT_SIZE / 2 + 3
    height = _FONT_SIZE / 2 + 2
    for right, down in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        cx, cy = x + right * (half + radius + 2), y + down * (height + radius + 2)
        yield _Box(cx - half, cy - height, cx + half, cy + height)


def flatten(text: str, length: int) -> str:
    """Return the first characters on one line, without those that turn text around."""
    return "".join([letter if letter.isprintable() else " " for letter in text[:length]])


def _cut(text: str) -> str:
    plain = flatten(text, 4 * _LABEL_LENGTH).strip()
    return plain if len(plain) <= _LABEL_LENGTH else plain[: _LABEL_LENGTH - 1].rstrip() + "…"


# -- draw a picture of the graph as SVG: a file, or the still picture of a page --------------------
# Nodes are points of a thick round line, so that those of one size and colour share an element:
# the picture of 36,000 nodes has a few hundred elements.

PALETTE: Mapping[str, tuple[str, str]] = {
    "1": ("#3f6fb5", "#7fabec"),
    "2": ("#c8821c", "#eeb04f"),
    "3": ("#3e9659", "#74cf8d"),
    "4": ("#8c5fc4", "#bb97f0"),
    "5": ("#1d95a3", "#4fd0dc"),
    "6": ("#8d9526", "#c9d05c"),
    "7": ("#c4609f", "#f096cd"),
    "8": ("#7c6250", "#c3a48e"),
    "dangling": ("#d23a31", "#ff6f65"),
    "rest": ("#8b8f98", "#8b8f98"),
    "orphan": ("#8b8f98", "#8b8f98"),
    "edge": ("#6b7280", "#9aa3b2"),
    "label": ("#1d1e22", "#e6e6e3"),
    "paper": ("#fcfcfb", "#16171a"),
}
"""The colours on light and on dark paper: of communities, and of what else is drawn."""
_COLORS = 8
"""Communities with a colour. More colours would look alike, so smaller communities are grey."""
_MARGIN = 40.0
"""The empty edge of a picture in pixels. Labels may reach into it."""
_MAX_TITLED = 5000
"""With more nodes, an image file has no element and title for each."""
_MAX_PAGE_EDGES = 8000
"""Links in the still picture of a page. More would be slow to draw, and hide each other."""
_EDGES_PER_PATH = 50
"""Lines of one path do not get darker where they cross, so there are several."""
_FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"


def render_svg(picture: GraphPicture, width: int, *, standalone: bool = False) -> str:
    """Return a picture, `width` pixels wide, as an `svg` element of inert text.

    In a page, the element takes colours from the custom properties `--graph-1` and so on, and has
    at most 8,000 links. A standalone file has an XML declaration, its own colours and all links.
    """
    drawing = _Drawing(picture, width, standalone=standalone)
    body = [*drawing.render_edges(), *drawing.render_nodes(), *drawing.render_labels()]
    size = f'width="{width}" height="{drawing.height:.0f}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph-still" {size} '
        f'viewBox="0 0 {width} {drawing.height:.0f}" role="img" '
        f'aria-label="{_escape_xml(drawing.describe())}">'
    )
    if not standalone:
        return "\n".join([head, *body, "</svg>"])
    paper = '<rect class="graph-paper" width="100%" height="100%" fill="currentColor"/>'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head, _render_style(), paper]
    return "\n".join([*lines, *body, "</svg>"]) + "\n"


def _render_style() -> str:
    light, dark = (
        "".join(
            [f".{_class_name(name)}{{color:{colors[theme]}}}" for name, colors in PALETTE.items()]
            + [f"text{{stroke:{PALETTE['paper'][theme]}}}"]
        )
        for theme in (0, 1)
    )
    halo = "text{stroke-width:3px;stroke-linejoin:round;paint-order:stroke}"
    return f"<style>{halo}{light}@media(prefers-color-scheme:dark){{{dark}}}</style>"


def _class_name(name: str) -> str:
    return f"graph-c{name}" if name.isdecimal() else f"graph-{name}"


def _color_of(node: PictureNode) -> str:
    if node.kind == "dangling":
        return "dangling"
    if node.community < 0:
        return "orphan"
    return str(node.community + 1) if node.community < _COLORS else "rest"


class _Drawing:
    """The elements of a picture. Places are pixels."""

    def __init__(self, picture: GraphPicture, width: int, *, standalone: bool) -> None:
        nodes = picture.nodes
        left, right, top, bottom = (
            min([node.x - node.radius for node in nodes], default=0),
            max([node.x + node.radius for node in nodes], default=1),
            min([node.y - node.radius for node in nodes], default=0),
            max([node.y + node.radius for node in nodes], default=1),
        )
        extent = max(right - left, (bottom - top) / 2, 1)  # at most twice as high as wide
        self.scale = (width - 2 * _MARGIN) / extent
        self.width, self.height = width, (bottom - top) * self.scale + 2 * _MARGIN
        shift = (width / self.scale - (left + right)) / 2, _MARGIN / self.scale - top
        self.nodes = [
            node._replace(x=round(node.x + shift[0]), y=round(node.y + shift[1])) for node in nodes
        ]
        self.standalone, self.picture = standalone, picture
        pairs = dict.fromkeys((min(edge), max(edge)) for edge in picture.edges)
        self.total = len(pairs)
        step = 1 if standalone else -(-len(pairs) // _MAX_PAGE_EDGES) or 1
        self.edges = list(pairs)[::step]  # in a page every second, third, ... of too many

    def describe(self) -> str:
        topics = sum(node.kind == "dangling" for node in self.nodes)
        parts = [
            f"Graph of {_count(len(self.nodes) - topics, 'file')}",
            f"and {_count(topics, 'topic')} without a note,",
            f"with {_count(self.total, 'connection')}.",
        ]
        if len(self.edges) < self.total:
            parts.append(f"{len(self.edges):,} of the connections are drawn.")
        return " ".join([*parts, self.picture.omitted]).strip()

    def render_edges(self) -> Iterator[str]:
        """Yield the links: curves in a small picture, straight lines in a large one."""
        groups: dict[str, list[str]] = {}
        for source, target in self.edges:
            ends = self.nodes[source], self.nodes[target]
            colors = {_color_of(node) for node in ends}
            color = "dangling" if "dangling" in colors else "edge"
            line = self._draw_line(*ends)
            groups.setdefault(colors.pop() if len(colors) == 1 else color, []).append(line)
        opacity = max(0.05, min(0.5, 10 / (len(self.edges) + 1) ** 0.5))
        stroke = f'fill="none" stroke="currentColor" stroke-opacity="{opacity:.2f}"'
        yield f"<g {stroke}>"
        for color, lines in sorted(groups.items()):
            for first in range(0, len(lines), _EDGES_PER_PATH):
                path = "".join(lines[first : first + _EDGES_PER_PATH])
                yield f'<path class="{_class_name(color)}" d="{path}"/>'
        yield "</g>"

    def _draw_line(self, source: PictureNode, target: PictureNode) -> str:
        x1, y1, x2, y2 = (value * self.scale for value in (source.x, source.y, target.x, target.y))
        start = f"M{x1:.0f} {y1:.0f}"
        if len(self.edges) > 5000:
            return f"{start}L{x2:.0f} {y2:.0f}"
        middle = (x1 + x2) / 2 - (y2 - y1) * 0.12, (y1 + y2) / 2 + (x2 - x1) * 0.12
        return f"{start}Q{middle[0]:.0f} {middle[1]:.0f} {x2:.0f} {y2:.0f}"

    def render_nodes(self) -> Iterator[str]:
        """Yield the nodes, large ones on top."""
        if self.standalone and len(self.nodes) <= _MAX_TITLED:
            yield '<g fill="currentColor" stroke-width="1.5">'
            yield from map(self._draw_node, self.nodes)
            yield "</g>"
            return
        yield '<g fill="none" stroke="currentColor" stroke-linecap="round">'
        groups: dict[tuple[float, str, bool], list[PictureNode]] = {}
        for node in self.nodes:
            radius = max(0.8, round(node.radius * self.scale * 2) / 2)
            is_ring = node.kind == "attachment" or _color_of(node) == "orphan"
            groups.setdefault((radius, _color_of(node), is_ring), []).append(node)
        for (radius, color, is_ring), nodes in sorted(groups.items()):
            path = "".join(
                [f"M{node.x * self.scale:.1f} {node.y * self.scale:.1f}h0" for node in nodes]
            )
            yield f'<path class="{_class_name(color)}" stroke-width="{2 * radius:g}" d="{path}"/>'
            if is_ring and radius > 1:
                yield f'<path class="graph-paper" stroke-width="{radius:g}" d="{path}"/>'
        yield "</g>"

    def _draw_node(self, node: PictureNode) -> str:
        """Return a node with its label and numbers as a title, which browsers show."""
        radius = max(0.8, node.radius * self.scale)
        place = f'cx="{node.x * self.scale:.1f}" cy="{node.y * self.scale:.1f}" r="{radius:.1f}"'
        is_ring = node.kind == "attachment" or _color_of(node) == "orphan"
        fill = ' fill="none" stroke="currentColor"' if is_ring else ""
        title = f"{flatten(node.label, 200)}: {node.incoming:,} links in, {node.outgoing:,} out"
        return (
            f'<circle class="{_class_name(_color_of(node))}" {place}{fill}>'
            f"<title>{_escape_xml(title)}</title></circle>"
        )

    def render_labels(self) -> Iterator[str]:
        least = 0.0 if len(self.nodes) <= 150 else 2.6
        labels = _place_labels(self.nodes, self.scale, self.width, least)
        yield (
            f'<g font-family="{_FONT}" font-size="{_FONT_SIZE}" text-anchor="middle" '
            'dominant-baseline="central" fill="currentColor">'
        )
        for label in labels:
            color = "dangling" if label.node.kind == "dangling" else "label"
            place = f'x="{label.x:.1f}" y="{label.y:.1f}"'
            yield f'<text class="graph-{color}" {place}>{_escape_xml(label.text)}</text>'
        yield "</g>"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
