"""Lay out the vault's graph: communities as discs, filled with their notes."""

import math
from cmath import phase, rect
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from vaultlink.graph.build import NumberedGraph, is_topic_node, node_attributes
from vaultlink.graph.picture import SIZE, GraphPicture, PictureNode
from vaultlink.text import group_by

# -- find the communities of a graph: groups of nodes with many links among them -------------------
# Nodes are numbers from 0, so that results do not depend on the hash of a text.

_SEED = 7
"""Louvain visits nodes in random order. A fixed seed makes the result the same each time."""
_MIN_SPLIT = 24
"""A community with fewer core nodes is not divided into parts."""

Community: TypeAlias = tuple[tuple[int, ...], ...]
"""A group of nodes, in parts, without the leaves of its nodes."""


class Clustering(NamedTuple):
    """The communities of a graph, its leaves by their only neighbour, and lone nodes.

    Communities are groups of at least two nodes, by size with their leaves, largest first.
    """

    communities: tuple[Community, ...]
    leaves: dict[int, list[int]]
    lone: tuple[int, ...]


def find_communities(graph: NumberedGraph) -> Clustering:
    """Return the communities of a graph by the Louvain method, each in parts.

    Leaves are left out of the search, because they belong to their neighbour's community anyway.
    """
    owners = [_leaf_owner(graph, node, near) for node, near in enumerate(graph.neighbours)]
    leaves: dict[int, list[int]] = {}
    for node, owner in enumerate(owners):
        if owner is not None:
            leaves.setdefault(owner, []).append(node)
    core = [node for node, near in enumerate(graph.neighbours) if near and owners[node] is None]
    levels = _list_levels(graph, core)
    groups = [tuple(group) for group in levels[-1]]
    sizes = {group: sum([1 + len(leaves.get(node, ())) for node in group]) for group in groups}
    groups.sort(key=lambda group: (-sizes[group], group))
    fine = {node: place for place, group in enumerate(levels[0]) for node in group}
    lone = tuple(node for node, near in enumerate(graph.neighbours) if not near)
    return Clustering(tuple(_split_group(group, fine) for group in groups), leaves, lone)


def _list_members(community: Community, clustering: Clustering) -> list[int]:
    """Return the nodes of a community with their leaves."""
    return [
        member
        for part in community
        for node in part
        for member in (node, *clustering.leaves.get(node, ()))
    ]


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


def _split_group(group: tuple[int, ...], fine: Mapping[int, int]) -> Community:
    """Return the parts of a group, largest first."""
    if len(group) < _MIN_SPLIT:
        return (group,)
    parts = group_by(group, fine.__getitem__)
    return tuple(sorted(map(tuple, parts.values()), key=lambda part: (-len(part), part)))


# -- place discs without overlap: large ones in the middle, linked ones close ----------------------
# Points are complex numbers, so that a turn is a multiplication. Everything is around 0.

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
"""The angle between seeds of a sunflower, which spreads them evenly."""
_SEED_SHARE = 1.12
"""The area that a seed takes, for each one of its disc's: the gaps between discs."""
_NEARNESS = 0.5
"""What the distance from a disc's target costs, for each one of that from the middle."""
_SETTLE_ROUNDS = 60
_MAX_PACKED = 80
"""Discs that are packed one by one. Small ones beyond that surround them as the seeds do."""


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


def pack_discs(
    radii: Sequence[float], links: Sequence[Mapping[int, float]], stretch: float = 1.0
) -> list[complex]:
    """Return places for discs of any sizes, each near the ones it is linked with.

    Discs are placed one by one, large ones first, against those in the way from the middle. `links`
    has the weights of each disc's links with others, `stretch` the width of the whole for each one
    of its height.
    """
    order = sorted(range(len(radii)), key=lambda disc: (-radii[disc], disc))
    places = [0j] * len(radii)
    skyline, is_placed = _Skyline(), [False] * len(radii)
    for disc in order[:_MAX_PACKED]:
        near = {other: weight for other, weight in links[disc].items() if is_placed[other]}
        total = sum(near.values())
        target = sum([places[other] * near[other] for other in near]) / total if total else 0j
        places[disc] = skyline.add_disc(radii[disc], target, stretch)
        is_placed[disc] = True
    packed, rest = order[:_MAX_PACKED], order[_MAX_PACKED:]
    middle = _find_middle([places[disc] for disc in packed], [radii[disc] for disc in packed])
    for disc in packed:
        places[disc] -= middle
    if rest:
        inside = max(
            abs(complex(places[disc].real / stretch, places[disc].imag)) + radii[disc]
            for disc in packed
        )
        for disc, place in zip(
            rest, fill_disc([radii[disc] for disc in rest], inside), strict=True
        ):
            places[disc] = complex(place.real * stretch, place.imag)
    return places


def _find_middle(places: Sequence[complex], radii: Sequence[float]) -> complex:
    """Return the middle of the rectangle around discs; 0 without discs."""
    if not places:
        return 0j
    edges = [
        edge
        for place, radius in zip(places, radii, strict=True)
        for edge in (place - complex(radius, radius), place + complex(radius, radius))
    ]
    across, down = [edge.real for edge in edges], [edge.imag for edge in edges]
    return complex(min(across) + max(across), min(down) + max(down)) / 2


def settle_discs(
    places: Sequence[complex],
    radii: Sequence[float],
    links: Sequence[Mapping[int, float]],
    stretch: float,
) -> list[complex]:
    """Return places of discs, moved together until they touch.

    The time grows with the square of the number of discs.
    """
    places = list(places)
    strongest = max([max(row.values(), default=0) for row in links], default=0)
    for round_number in range(_SETTLE_ROUNDS):
        pull = 0.06 * (1 - round_number / _SETTLE_ROUNDS)
        for disc, place in enumerate(places):
            step = complex(place.real / stretch, place.imag) * -pull
            for other, weight in links[disc].items():
                step += (places[other] - place) * (0.5 * pull * weight / strongest)
            places[disc] = place + step
        for _ in range(2):
            _push_apart(places, radii)
    for _ in range(_SETTLE_ROUNDS):
        if not _push_apart(places, radii):
            break
    return places


def _push_apart(places: list[complex], radii: Sequence[float]) -> bool:
    """Move discs that overlap apart, small ones more. Return True if any moved."""
    has_moved = False
    for disc, radius in enumerate(radii):
        place = places[disc]
        for other in range(disc):
            away = place - places[other]
            room = radius + radii[other]
            if abs(away.real) < room and abs(away.imag) < room and abs(away) < room - 1e-6:
                distance = abs(away)
                unit = away / distance if distance else rect(1, disc * _GOLDEN_ANGLE)
                share = radii[other] ** 2 / (radius**2 + radii[other] ** 2)
                place += unit * ((room - distance) * share)
                places[other] -= unit * ((room - distance) * (1 - share))
                has_moved = True
        places[disc] = place
    return has_moved


_DIRECTIONS = 144
"""The directions in which a skyline is known."""
_STEP = math.tau / _DIRECTIONS
_UNITS = [rect(1, direction * _STEP) for direction in range(_DIRECTIONS)]
"""The point at distance 1 in each direction."""


class _Skyline:
    """The outer edge of discs around 0, as a distance for each direction."""

    def __init__(self) -> None:
        self.distances = [0.0] * _DIRECTIONS

    def add_disc(self, radius: float, target: complex, stretch: float) -> complex:
        """Place a disc as near as possible to the middle and to a target."""
        best, best_cost = 0j, math.inf
        first = round(phase(target) / _STEP)
        for turn in range(_DIRECTIONS if any(self.distances) else 0):
            direction = (first + (-turn if turn % 2 else turn) // 2) % _DIRECTIONS
            unit = _UNITS[direction]
            place = unit * (self.distances[direction] + radius)
            aside = abs((target * unit.conjugate()).imag)
            if math.hypot(place.real / stretch, place.imag) + _NEARNESS * aside >= best_cost:
                continue
            place = unit * self._free_distance(direction, radius)
            cost = math.hypot(place.real / stretch, place.imag) + _NEARNESS * abs(place - target)
            if cost < best_cost - 1e-9:
                best, best_cost = place, cost
        self._cover(radius, best)
        return best

    def _free_distance(self, direction: int, radius: float) -> float:
        """Return how far from 0 a disc touches the first disc in its way."""
        distances = self.distances
        free = distances[direction] + radius
        for turn in range(1, _DIRECTIONS // 4):
            cosine, sine = _UNITS[turn].real, _UNITS[turn].imag
            if sine * free >= radius:
                break  # discs further aside are out of its way
            for edge in (distances[direction - turn], distances[direction + turn - _DIRECTIONS]):
                across = edge * sine
                if across > radius * cosine:
                    free = max(free, radius / sine)
                else:
                    free = max(free, edge * cosine + math.sqrt(radius * radius - across * across))
        return free

    def _cover(self, radius: float, place: complex) -> None:
        """Move the edge outwards in all directions that a disc touches."""
        distance, angle = abs(place), phase(place)
        middle = round(angle / _STEP)
        span = _DIRECTIONS // 2
        if distance > radius:
            span = min(span, int(math.asin(radius / distance) / _STEP) + 2)
        for turn in range(-span, span):
            offset = max(0.0, abs((middle + turn) * _STEP - angle) - _STEP / 2)
            across = distance * math.sin(offset)
            if radius > across and (offset < math.pi / 2 or radius > distance):
                far = distance * math.cos(offset) + math.sqrt(radius * radius - across * across)
                number = (middle + turn) % _DIRECTIONS
                self.distances[number] = max(self.distances[number], far)


def _turn_towards(places: Sequence[complex], pulls: Sequence[complex]) -> complex:
    """Return the turn of places around 0 that follows their links best.

    It is a factor of length 1. `pulls` has the sum of the directions of each point's links.
    """
    moment = sum([place.conjugate() * pull for place, pull in zip(places, pulls, strict=True)], 0j)
    return moment / abs(moment) if abs(moment) > 1e-9 else 1 + 0j


# -- place the nodes of a graph: leaves around their node, communities as discs --------------------
# Nodes fill the part of their community, parts fill the community, and communities the picture.
# Each is then turned so that it faces what it is linked with.

_STRETCH = 1.45
"""Width of a picture for each one of its height, as of a window."""
_MAX_SETTLED = 150
"""More communities than this stay where they are packed: settling them takes too long."""
_GAP = 0.9
"""The room around a node, in the unit of sizes."""
_LONE_GAP = 5.2
"""The distance between nodes without links."""


class Placement:
    """Places of nodes, from the inside outwards."""

    def __init__(
        self, graph: NumberedGraph, clustering: Clustering, sizes: Sequence[float]
    ) -> None:
        self.graph, self.clustering, self.sizes = graph, clustering, sizes
        self.places = [0j] * len(graph.names)

    def place_communities(self) -> None:
        discs = [self._place_community(community) for community in self.clustering.communities]
        members = [[node for part in parts for node in part] for parts, _ in discs]
        radii = [radius + 3 + radius * 0.04 for _, radius in discs]
        links = self._count_links(members)
        centres = pack_discs(radii, links, _STRETCH)
        if len(centres) <= _MAX_SETTLED:
            centres = settle_discs(centres, radii, links, _STRETCH)
        self._move_groups(members, centres)

    def _place_community(self, community: Community) -> tuple[list[list[int]], float]:
        parts = [self._place_part(part) for part in community]
        members = [nodes for nodes, _ in parts]
        if len(parts) == 1:
            return members, parts[0][1]
        radii = [radius for _, radius in parts]
        centres = pack_discs(radii, self._count_links(members))
        self._move_groups(members, centres)
        return members, self._centre([node for nodes in members for node in nodes])

    def _place_part(self, part: Sequence[int]) -> tuple[list[int], float]:
        """Place nodes with their leaves around 0. Return them and their radius."""
        clusters = [self._place_leaves(node) for node in part]
        order = sorted(range(len(part)), key=lambda place: (-clusters[place][1], part[place]))
        centres = fill_disc([clusters[place][1] for place in order])
        members = []
        for place, centre in zip(order, centres, strict=True):
            for node in clusters[place][0]:
                self.places[node] += centre
                members.append(node)
        return members, self._centre(members)

    def _place_leaves(self, node: int) -> tuple[list[int], float]:
        """Place the leaves of a node around it. Return all and their radius."""
        leaves = self.clustering.leaves.get(node, [])
        radii = [self.sizes[node] + _GAP, *[self.sizes[leaf] + _GAP for leaf in leaves]]
        for leaf, place in zip(leaves, fill_disc(radii)[1:], strict=True):
            self.places[leaf] = place
        last = abs(self.places[leaves[-1]]) if leaves else 0.0
        return [node, *leaves], last + radii[-1]

    def _centre(self, members: Sequence[int]) -> float:
        """Move nodes so that 0 is in their middle, and return their radius."""
        middle = _find_middle(
            [self.places[node] for node in members], [self.sizes[node] for node in members]
        )
        for node in members:
            self.places[node] -= middle
        return max(abs(self.places[node]) + self.sizes[node] for node in members) + _GAP

    def _count_links(self, groups: Sequence[Sequence[int]]) -> list[dict[int, float]]:
        """Return the numbers of links of each group with other groups."""
        group_of = {node: number for number, group in enumerate(groups) for node in group}
        links: list[dict[int, float]] = [{} for _ in groups]
        if len(groups) > 1:
            for node, group in group_of.items():
                row = links[group]
                for other in self.graph.neighbours[node]:
                    target = group_of.get(other, group)
                    if target != group:
                        row[target] = row.get(target, 0.0) + 1
        return links

    def _move_groups(self, groups: Sequence[Sequence[int]], centres: Sequence[complex]) -> None:
        """Move groups to their centres, each turned towards those it links with."""
        group_of = {node: number for number, group in enumerate(groups) for node in group}
        for number, group in enumerate(groups):
            pulls = []
            for node in group:
                pull = 0j
                for other in self.graph.neighbours[node]:
                    target = group_of.get(other, number)
                    if target != number:
                        pull += centres[target] - centres[number]
                pulls.append(pull)
            turn = _turn_towards([self.places[node] for node in group], pulls)
            for node in group:
                self.places[node] = self.places[node] * turn + centres[number]

    def place_lone(self) -> None:
        """Place nodes without links on ellipses or an arc around the others."""
        lone = self.clustering.lone
        others = [node for node, near in enumerate(self.graph.neighbours) if near]
        if not others:
            for node, place in zip(lone, fill_disc([_LONE_GAP / 2] * len(lone)), strict=True):
                self.places[node] = place
            return
        places = [self.places[node] for node in others]
        middle = _find_middle(places, [self.sizes[node] for node in others])
        width = max(abs((place - middle).real) for place in places) + 1
        height = max(abs((place - middle).imag) for place in places) + 1
        stretch = min(max(width / height, 1 / _STRETCH), 2 * _STRETCH)
        ring = max(abs(complex((p - middle).real / stretch, (p - middle).imag)) for p in places)
        left = list(lone)
        while left:
            ring += 1.6 * _LONE_GAP
            room = max(6, int(math.tau * ring * (1 + stretch) / 2 / _LONE_GAP))
            row, left = left[:room], left[room:]
            step = math.tau / (len(row) if len(row) > room / 2 else room)
            for number, node in enumerate(row):
                angle = math.pi / 2 + (number - (len(row) - 1) / 2) * step
                self.places[node] = middle + ring * complex(
                    stretch * math.cos(angle), math.sin(angle)
                )


# -- refine the places of a small graph by forces --------------------------------------------------
# Links pull, nodes push each other away. A node is pushed by each node of its own community, and
# by each other community as a whole, so that the time of a round grows slower than with the
# square.

_MAX_NODES = 400
_MAX_EDGES = 8_000
"""Larger graphs are not refined. One of this size takes about a second."""
_ROUNDS = 90
_SPACING = 9.0
"""The distance that links aim at, for nodes of size 1."""
_FIRST_STEP = 7.0
"""How far a node moves in the first round. It decreases to 0."""
_GRAVITY = 0.05
"""The pull to the middle, for each unit of the distance."""
_PULL = 2.0
"""The strength of links."""
_PUSH = 9.0
"""The strength with which nodes push each other away."""
_HUB_SHARE = 0.6
"""Links of nodes that have many are weaker: by their number to this power."""


def _refine_places(
    graph: NumberedGraph,
    groups: Sequence[Sequence[int]],
    places: Sequence[complex],
    sizes: Sequence[float],
    stretch: float,
) -> list[complex]:
    """Return places moved by forces, without overlaps.

    Nodes without links are in none of `groups`, the communities, and stay. `sizes` are radii,
    `stretch` is the width of the whole for each one of its height.
    """
    points = list(places)
    near = graph.neighbours
    pulls = [
        [
            (other, math.pow(min(len(near[node]), len(near[other])), -_HUB_SHARE))
            for other in near[node]
        ]
        for node in range(len(points))
    ]
    masses = [0.25 + 0.3 * math.sqrt(len(other)) for other in near]
    for number in range(_ROUNDS):
        moves = _push_nodes(points, groups, masses)
        limit = _FIRST_STEP * (1 - number / _ROUNDS)
        for node in (node for group in groups for node in group):
            here = points[node]
            move = moves[node] - complex(here.real / stretch, here.imag) * _GRAVITY
            for other, weight in pulls[node]:
                away = points[other] - here
                move += away * (
                    weight * math.log1p(abs(away) / _SPACING) / (abs(away) + 1e-9) * _PULL
                )
            length = abs(move)
            points[node] = here + (move * (limit / length) if length > limit else move)
    _separate(points, sizes, sorted([node for group in groups for node in group]))
    return points


def _push_nodes(
    points: Sequence[complex], groups: Sequence[Sequence[int]], masses: Sequence[float]
) -> list[complex]:
    moves = [0j] * len(points)
    centres = [sum([points[node] for node in group]) / len(group) for group in groups]
    totals = [sum([masses[node] for node in group]) for group in groups]
    for number, group in enumerate(groups):
        for place, node in enumerate(group):
            here, move = points[node], 0j
            for other in group[:place]:
                away = here - points[other]
                push = away * (_PUSH / (abs(away) ** 2 + 1))
                move += push * masses[other]
                moves[other] -= push * masses[node]
            for other_number, centre in enumerate(centres):
                if other_number != number:
                    away = here - centre
                    total = totals[other_number]
                    move += away * (_PUSH * total / (abs(away) ** 2 + 6 * total))
            moves[node] += move
    return [move * mass for move, mass in zip(moves, masses, strict=True)]


def _separate(points: list[complex], sizes: Sequence[float], nodes: Sequence[int]) -> None:
    for _ in range(40):
        has_moved = False
        for place, node in enumerate(nodes):
            size = sizes[node]
            for other in nodes[:place]:
                away = points[node] - points[other]
                room = (size + sizes[other]) * 1.25 + 0.8
                if abs(away.real) < room and abs(away.imag) < room and abs(away) < room - 1e-3:
                    unit = away / abs(away) if away else rect(1, node)
                    shift = unit * ((room - abs(away)) / 2)
                    points[node] += shift
                    points[other] -= shift
                    has_moved = True
        if not has_moved:
            break


# Large communities are in the middle, linked ones near each other. Small graphs are refined by
# forces. Nothing is random.

_MIN_EXTENT = 60.0
"""A smaller drawing is not enlarged to the whole picture: three notes would fill it."""


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
    # The radius of a node by its linked nodes, 1.4 for a leaf.
    sizes = [1 + 0.4 * math.pow(min(len(near), 3000), 0.42) for near in graph.neighbours]
    clustering = find_communities(graph)
    groups = [_list_members(community, clustering) for community in clustering.communities]
    placement = Placement(graph, clustering, sizes)
    placement.place_communities()
    if len(graph.names) <= _MAX_NODES and len(graph.edges) <= _MAX_EDGES:
        placement.places = _refine_places(graph, groups, placement.places, sizes, _STRETCH)
    placement.place_lone()
    community_of, leaders = _number_communities(graph, kinds, groups)
    folders = _list_folders(graph, kinds)
    folder_of = {folder: number for number, folder in enumerate(folders)}
    places, scale = _scale_places(placement.places, sizes)
    shrink = min(1.0, 0.5 + len(graph.names) / 800)  # few nodes need more room for their labels
    order = sorted(range(len(graph.names)), key=lambda node: (sizes[node], node))
    nodes = tuple(
        PictureNode(
            graph.names[node][1:] if is_topic_node(graph.names[node]) else graph.names[node],
            labels[node],
            kinds[node],
            *places[node],
            max(1, round(sizes[node] * scale * shrink)),
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


def _scale_places(
    points: Sequence[complex], sizes: Sequence[float]
) -> tuple[list[tuple[int, int]], float]:
    """Return points as whole numbers from 0 to `SIZE`, and the factor that sizes take."""
    middle = _find_middle(points, sizes)
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
    counts: dict[str, int] = {}
    for name, kind in zip(graph.names, kinds, strict=True):
        if kind != "dangling":
            folder = _folder(name)
            counts[folder] = counts.get(folder, 0) + (kind == "note")
    return tuple(sorted(counts, key=lambda folder: (-counts[folder], folder)))
