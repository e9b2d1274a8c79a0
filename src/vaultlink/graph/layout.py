"""Lay out the vault's graph: communities as discs, filled with those of their notes."""

import math
from cmath import phase, rect
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from vaultlink.graph.build import NumberedGraph, is_topic_node, node_attributes
from vaultlink.graph.picture import SIZE, GraphPicture, PictureNode
from vaultlink.text import group_by

# -- find the communities of a graph: groups of nodes with many links among them -------------------
# Nodes are numbers from 0, so that results do not depend on the hash of a text.

_SEED = 7
"""Louvain visits nodes in random order. A fixed seed makes the result the same each time."""
_MIN_SPLIT = 24
"""A community with fewer core nodes is not divided into parts."""

Tree: TypeAlias = "int | tuple[Tree, ...]"
"""A node, or a group of trees: a node with its leaves, a part of a community, a community."""


def find_communities(graph: NumberedGraph) -> tuple[Tree, ...]:
    """Return the communities of a graph by the Louvain method, largest first.

    Leaves are left out of the search, because they belong to their neighbour's community anyway.
    Nodes without links are in none.
    """
    owners = [_leaf_owner(graph, node, near) for node, near in enumerate(graph.neighbours)]
    core = [node for node, near in enumerate(graph.neighbours) if near and owners[node] is None]
    trees: dict[int, Tree] = dict(zip(core, core, strict=True))
    leaves = [(owner, node) for node, owner in enumerate(owners) if owner is not None]
    for owner, group in group_by(leaves, lambda leaf: leaf[0]).items():
        trees[owner] = (owner, *(node for _, node in group))
    levels = _list_levels(graph, core)
    fine = {node: place for place, group in enumerate(levels[0]) for node in group}
    communities: list[Tree] = []
    for nodes in levels[-1]:
        parts = group_by(nodes, fine.__getitem__) if len(nodes) >= _MIN_SPLIT else {0: nodes}
        groups = [tuple(map(trees.__getitem__, part)) for part in parts.values()]
        communities.append(tuple(groups) if len(groups) > 1 else groups[0])
    return tuple(sorted(communities, key=lambda tree: (-len(_list_nodes(tree)), _list_nodes(tree))))


def _list_nodes(tree: Tree) -> list[int]:
    return (
        [tree] if isinstance(tree, int) else [node for part in tree for node in _list_nodes(part)]
    )


def _leaf_owner(graph: NumberedGraph, node: int, near: Sequence[int]) -> int | None:
    """Return a leaf's only neighbour. Of two with only each other, one is the leaf."""
    if len(near) != 1:
        return None
    owner = near[0]
    return owner if len(graph.neighbours[owner]) > 1 or owner < node else None


def _list_levels(graph: NumberedGraph, core: Sequence[int]) -> list[list[list[int]]]:
    """Return the levels of the Louvain method, at least one: fine groups first.

    Rounding errors make networkx move nodes between groups that are equally good, for minutes in a
    chain of notes. With a total weight that is a power of two, there are none: two nodes more, with
    a link between them, have the rest of that weight. The resolution makes up for it.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only pictures pay

    if not core:
        return [[]]
    is_core = set(core)
    nx_graph: nx.Graph[int] = nx.Graph()
    nx_graph.add_nodes_from(core)
    for node in core:
        nx_graph.add_edges_from(
            [(node, other) for other in graph.neighbours[node] if other > node and other in is_core]
        )
    count, links = len(graph.names), max(1, nx_graph.number_of_edges())
    weight = 1 << links.bit_length()
    nx_graph.add_edge(count, count + 1, weight=weight - links)
    resolution = round(weight / links * 64) / 64
    levels = nx.community.louvain_partitions(nx_graph, resolution=resolution, seed=_SEED)
    return [
        [sorted(group) for group in level if count not in group and count + 1 not in group]
        for level in levels
    ]


# -- place discs without overlap: large ones in the middle, linked ones close ----------------------
# Points are complex numbers, so that a turn is a multiplication. Everything is around 0.

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
"""The angle between seeds of a sunflower, which spreads them evenly."""
_SEED_SHARE = 1.12
"""The area that a seed takes, for each one of its disc's: the gaps between discs."""
_MIN_SETTLED = 6.0
"""If no radius is larger than this, discs stay where they are as seeds: hardly any overlap."""
_MAX_SETTLED = 80
"""More discs than this stay, too: to move them takes too long."""
_ROUNDS = 20
"""The rounds in which discs move together."""
_MAX_ROUNDS = 80
"""The last round in which discs that overlap move apart."""
_PULL = 0.15
"""The share of its way that a disc moves in the first round. It decreases to 0."""


def fill_disc(radii: Sequence[float], inside: float = 0.0) -> list[complex]:
    """Return places for discs of nearly equal size, as the seeds of a sunflower.

    The first of `radii` is in the middle; `inside` is the radius of a free space there.
    """
    places, area = [], inside * inside
    for number, radius in enumerate(radii):
        share = radius * radius * _SEED_SHARE
        distance = math.sqrt(area + share / 2) if number or inside else 0.0
        if 0 < number < 4 and not inside:
            distance = max(distance, (radii[0] + radius) * 0.92)  # three fit around the first
        places.append(rect(distance, number * _GOLDEN_ANGLE))
        area += share
    return places


def pack_discs(radii: Sequence[float], links: Sequence[Mapping[int, float]]) -> list[complex]:
    """Return places for discs of any sizes, large ones in the middle.

    They are seeds first. Large ones then move to the middle and to those that they are linked
    with, until they touch. `links` has the weights of each disc's links with others.
    """
    order = sorted(range(len(radii)), key=lambda disc: (-radii[disc], disc))
    seeds = fill_disc([radii[disc] for disc in order])
    places = [seed for _, seed in sorted(zip(order, seeds, strict=True))]
    if len(order) > _MAX_SETTLED or max(radii, default=0) <= _MIN_SETTLED:
        return places
    for number in range(_MAX_ROUNDS):
        pull = max(0.0, _PULL * (1 - number / _ROUNDS))
        for disc, row in enumerate(links if pull else ()):
            aim = sum([places[other] * weight for other, weight in row.items()], 0j)
            aim = aim / sum(row.values()) - places[disc] if row else 0j
            places[disc] += (aim - places[disc]) * pull
        if not _push_apart(places, radii) and not pull:
            break
    return places


def _push_apart(places: list[complex], radii: Sequence[float]) -> bool:
    """Move discs that overlap apart, small ones more. Return True if any moved."""
    has_moved = False
    left = [place.real - radius for place, radius in zip(places, radii, strict=True)]
    order = sorted(range(len(places)), key=left.__getitem__)
    for number, disc in enumerate(order):
        place, radius = places[disc], radii[disc]
        right = place.real + radius
        for other in islice(order, number + 1, None):
            if left[other] > right:
                break
            away = place - places[other]
            room = radius + radii[other]
            if abs(away.imag) < room and abs(away) < room - 0.01:
                distance = abs(away)
                unit = away / distance if distance else rect(1, disc * _GOLDEN_ANGLE)
                share = radii[other] ** 2 / (radius**2 + radii[other] ** 2)
                place += unit * ((room - distance) * share)
                places[other] -= unit * ((room - distance) * (1 - share))
                has_moved = True
        places[disc] = place
    return has_moved


# -- place the nodes of a graph -------------------------------------------------------------------
# Leaves surround their node, nodes fill the part of their community, parts the community, and
# communities the picture. Each is turned so that it faces what it is linked with.

_GAP = 0.9
"""The room around a node in a large graph, in the unit of sizes."""
_LONE_GAP = 5.2
"""The distance between nodes without links."""
_MAX_STRETCH = 3.0
"""The highest width of the ring of lone nodes for each one of its height."""
_MIN_EXTENT = 60.0
"""A smaller drawing is not enlarged to the whole picture: three notes would fill it."""


class _Placement:
    """Places of nodes, from the inside outwards."""

    def __init__(self, graph: NumberedGraph, sizes: Sequence[float], gap: float) -> None:
        self.graph, self.sizes, self.gap = graph, sizes, gap
        self.places = [0j] * len(graph.names)

    def place_tree(self, tree: Tree) -> float:
        """Place the nodes of a tree around 0, and return their radius with the room around."""
        if isinstance(tree, int):
            return self.sizes[tree] + self.gap
        radii = [self.place_tree(part) for part in tree]
        self._place_groups([_list_nodes(part) for part in tree], radii)
        nodes = _list_nodes(tree)
        middle = self._find_middle(nodes)
        for node in nodes:
            self.places[node] -= middle
        return max([abs(self.places[node]) + self.sizes[node] for node in nodes], default=0) + _GAP

    def _find_middle(self, nodes: Sequence[int]) -> complex:
        """Return the middle of the rectangle around nodes; 0 without nodes."""
        corners = [
            self.places[node] + way * self.sizes[node]
            for node in nodes
            for way in (1 + 1j, -1 - 1j)
        ] or [0j]
        across, down = [corner.real for corner in corners], [corner.imag for corner in corners]
        return complex(min(across) + max(across), min(down) + max(down)) / 2

    def _place_groups(self, groups: Sequence[Sequence[int]], radii: Sequence[float]) -> None:
        """Place groups as discs, each turned towards those that it links with."""
        group_of = {node: number for number, group in enumerate(groups) for node in group}
        links = [
            (node, number, group_of[other])
            for node, number in group_of.items()
            for other in self.graph.neighbours[node]
            if group_of.get(other, number) != number
        ]
        rows = [Counter[int]() for _ in groups]
        for _, number, target in links:
            rows[number][target] += 1
        centres, moments = pack_discs(radii, rows), [0j] * len(groups)
        for node, number, target in links:
            moments[number] += self.places[node].conjugate() * (centres[target] - centres[number])
        turns = [moment / abs(moment) if abs(moment) > 1e-9 else 1 for moment in moments]
        for node, number in group_of.items():
            self.places[node] = self.places[node] * turns[number] + centres[number]

    def place_lone(self) -> None:
        """Turn the picture so that it is wide, and place nodes without links around it."""
        near = self.graph.neighbours
        lone = [node for node in range(len(near)) if not near[node]]
        others = [node for node in range(len(near)) if near[node]]
        moment = sum([self.places[node] ** 2 for node in others], 0j)
        for node in others:
            self.places[node] *= rect(1, -phase(moment) / 2)
        middle = self._find_middle(others)
        ways = [self.places[node] - middle for node in others] or [0j]
        width, height = max(abs(way.real) for way in ways), max(abs(way.imag) for way in ways)
        stretch = min((width + 1) / (height + 1), _MAX_STRETCH)
        ring = max(abs(complex(way.real / stretch, way.imag)) for way in ways)
        inside = ring + _LONE_GAP if others else 0.0
        seeds = fill_disc([_LONE_GAP / 2] * len(lone), inside)
        for node, seed in zip(lone, seeds, strict=True):
            self.places[node] = middle + complex(seed.real * stretch, seed.imag)

    def scale_places(self) -> tuple[list[tuple[int, int]], float]:
        """Return places as whole numbers from 0 to `SIZE`, and the factor that sizes take."""
        middle = self._find_middle(range(len(self.places)))
        ways = [place - middle for place in self.places]
        ends = [
            max(abs(way.real), abs(way.imag)) + size
            for way, size in zip(ways, self.sizes, strict=True)
        ]
        scale = SIZE / max(2 * max(ends, default=0.0), _MIN_EXTENT)

        def limit(value: float) -> int:
            return min(SIZE, max(0, round(value * scale + SIZE / 2)))

        return [(limit(way.real), limit(way.imag)) for way in ways], scale


# -- draw the picture: nothing is random -----------------------------------------------------------


def draw_picture(graph: NumberedGraph, titles: Mapping[str, str]) -> GraphPicture:
    """Lay out a graph. Equal graphs give equal pictures.

    A note without one of `titles`, which are by vault path, is named by its file name.
    """
    attributes = list(map(node_attributes, graph.names))
    kinds = [item["kind"] for item in attributes]
    labels = [
        titles.get(name) or item["label"]
        for name, item in zip(graph.names, attributes, strict=True)
    ]
    shrink = min(1.0, 0.5 + len(graph.names) / 1600)  # few nodes need more room for their labels
    # The radius of a node by its linked nodes, 1.4 for a leaf.
    sizes = [shrink * (1 + 0.4 * math.pow(min(len(near), 3000), 0.42)) for near in graph.neighbours]
    communities = find_communities(graph)
    groups = list(map(_list_nodes, communities))
    placement = _Placement(graph, sizes, _GAP / shrink**2)
    placement.place_tree(communities)
    placement.place_lone()
    community_of, leaders = _number_communities(graph, kinds, groups)
    folders = _list_folders(graph, kinds)
    folder_of = {folder: number for number, folder in enumerate(folders)}
    places, scale = placement.scale_places()
    order = sorted(range(len(graph.names)), key=lambda node: (sizes[node], node))
    nodes = tuple(
        PictureNode(
            graph.names[node][1:] if is_topic_node(graph.names[node]) else graph.names[node],
            labels[node],
            kinds[node],
            *places[node],
            max(1, round(sizes[node] * scale)),
            graph.incoming[node],
            graph.outgoing[node],
            community_of[node],
            folder_of.get(_folder(graph.names[node]), 0),
        )
        for node in order
    )
    number = {node: place for place, node in enumerate(order)}
    edges = tuple(sorted([(number[source], number[target]) for source, target in graph.edges]))
    return GraphPicture(nodes, edges, folders, tuple(labels[node] for node in leaders))


def _number_communities(
    graph: NumberedGraph, kinds: Sequence[str], groups: Sequence[Sequence[int]]
) -> tuple[list[int], list[int]]:
    """Return each node's community, and the most linked node of each community.

    Notes that no link connects with another file are orphans, with number -1, even if they name
    topics.
    """
    is_file = [kind in ("note", "canvas") for kind in kinds]
    is_orphan = [
        is_file[node] and not any(is_file[other] for other in near)
        for node, near in enumerate(graph.neighbours)
    ]
    community_of = [-1] * len(kinds)
    leaders: list[int] = []
    for group in groups:
        members = [node for node in group if not is_orphan[node]]
        files = [node for node in members if is_file[node]]
        if files:
            for node in members:
                community_of[node] = len(leaders)
            leaders.append(max(files, key=lambda node: (len(graph.neighbours[node]), -node)))
    return community_of, leaders


def _folder(name: str) -> str:
    return "" if is_topic_node(name) else name.rpartition("/")[0]


def _list_folders(graph: NumberedGraph, kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the folders with files: the ones with most notes first."""
    counts = Counter[str]()
    for name, kind in zip(graph.names, kinds, strict=True):
        if kind != "dangling":
            counts[_folder(name)] += kind == "note"
    return tuple(sorted(counts, key=lambda folder: (-counts[folder], folder)))
