"""Lay out the vault's graph: communities as discs, filled with their notes.

Large communities are in the middle, linked ones near each other. Small graphs are refined by
forces. Nothing is random.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vaultlink.graph.build import Web, is_topic_node, number_nodes
from vaultlink.graph.communities import find_communities, list_members
from vaultlink.graph.discs import find_middle
from vaultlink.graph.forces import MAX_EDGES, MAX_NODES, refine_places
from vaultlink.graph.picture import SIZE, GraphPicture, PictureNode
from vaultlink.graph.placement import STRETCH, Placement

if TYPE_CHECKING:
    from vaultlink.graph.build import Graph

_MIN_EXTENT = 60.0
"""A smaller drawing is not enlarged to the whole picture: three notes would fill it."""


def draw_picture(nx_graph: "Graph", titles: Mapping[str, str]) -> GraphPicture:
    """Lay out a graph from `build_graph`. Equal graphs give equal pictures.

    A note without one of `titles`, which are by vault path, is named by its file name.
    """
    web = number_nodes(nx_graph)
    kinds = [str(nx_graph.nodes[name]["kind"]) for name in web.names]
    labels = [titles.get(name) or str(nx_graph.nodes[name]["label"]) for name in web.names]
    sizes = [_node_size(len(near)) for near in web.neighbours]
    clustering = find_communities(web)
    groups = [list_members(community, clustering) for community in clustering.communities]
    placement = Placement(web, clustering, sizes)
    placement.place_communities()
    if len(web.names) <= MAX_NODES and len(web.edges) <= MAX_EDGES:
        placement.places = refine_places(web, groups, placement.places, sizes, STRETCH)
    placement.place_lone()
    community_of, leaders = _number_communities(web, kinds, groups)
    folders = _list_folders(web, kinds)
    folder_of = {folder: number for number, folder in enumerate(folders)}
    places, scale = _scale_places(placement.places, sizes)
    shrink = min(1.0, 0.5 + len(web.names) / 800)  # few nodes need more room for their labels
    order = sorted(range(len(web.names)), key=lambda node: (sizes[node], node))
    nodes = tuple(
        PictureNode(
            web.names[node][1:] if is_topic_node(web.names[node]) else web.names[node],
            labels[node],
            kinds[node],
            *places[node],
            max(1, round(sizes[node] * scale * shrink)),
            web.incoming[node],
            web.outgoing[node],
            community_of[node],
            folder_of.get(_folder(web.names[node]), 0),
        )
        for node in order
    )
    number = {node: place for place, node in enumerate(order)}
    edges = tuple(sorted([(number[source], number[target]) for source, target in web.edges]))
    return GraphPicture(nodes, edges, folders, tuple(labels[node] for node in leaders))


def _node_size(links: int) -> float:
    """Return the radius of a node by its linked nodes; 1.4 for a leaf."""
    return 1 + 0.4 * math.pow(min(links, 3000), 0.42)


def _scale_places(
    points: Sequence[complex], sizes: Sequence[float]
) -> tuple[list[tuple[int, int]], float]:
    """Return points as whole numbers from 0 to `SIZE`, and the factor that sizes take."""
    middle = find_middle(points, sizes)
    extent = max(
        [
            max(abs(point.real), abs(point.imag)) + size
            for point, size in zip([point - middle for point in points], sizes, strict=True)
        ],
        default=0.0,
    )
    scale = SIZE / max(2 * extent, _MIN_EXTENT)

    def limit(value: float) -> int:
        return min(SIZE, max(0, round(value)))

    places = [(point - middle) * scale + complex(SIZE, SIZE) / 2 for point in points]
    return [(limit(place.real), limit(place.imag)) for place in places], scale


def _number_communities(
    web: Web, kinds: Sequence[str], groups: Sequence[Sequence[int]]
) -> tuple[list[int], list[int]]:
    """Return each node's community, and the most linked node of each community.

    Notes that no link connects with another file are orphans, with number -1, even if they name
    topics.
    """
    is_file = [kind in ("note", "canvas") for kind in kinds]
    is_orphan = [
        is_file[node] and not any(is_file[other] for other in near)
        for node, near in enumerate(web.neighbours)
    ]
    community_of = [-1] * len(kinds)
    leaders: list[int] = []
    for group in groups:
        members = [node for node in group if not is_orphan[node]]
        files = [node for node in members if is_file[node]]
        if files:
            for node in members:
                community_of[node] = len(leaders)
            leaders.append(max(files, key=lambda node: (len(web.neighbours[node]), -node)))
    return community_of, leaders


def _folder(name: str) -> str:
    return "" if is_topic_node(name) else name.rpartition("/")[0]


def _list_folders(web: Web, kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the folders with files: the ones with most notes first."""
    counts: dict[str, int] = {}
    for name, kind in zip(web.names, kinds, strict=True):
        if kind != "dangling":
            folder = _folder(name)
            counts[folder] = counts.get(folder, 0) + (kind == "note")
    return tuple(sorted(counts, key=lambda folder: (-counts[folder], folder)))
