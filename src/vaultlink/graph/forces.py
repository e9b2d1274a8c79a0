"""Refine the places of a small graph by forces.

Links pull, nodes push each other away. A node is pushed by each node of its own community, and by
each other community as a whole, so that the time of a round grows slower than with the square.
"""

import math
from cmath import rect
from collections.abc import Sequence

from vaultlink.graph.build import Web

MAX_NODES = 400
MAX_EDGES = 8_000
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


def refine_places(
    web: Web,
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
    near = web.neighbours
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
