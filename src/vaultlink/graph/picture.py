"""A drawing of the vault's graph: places and sizes of nodes as small integers."""

from typing import NamedTuple


class PictureNode(NamedTuple):
    """A node of a picture.

    Attributes:
        name: Vault path, or the name of a dangling topic.
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
