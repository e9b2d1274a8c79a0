"""Place the nodes of a graph: leaves around their node, communities as discs.

Nodes fill the part of their community, parts fill the community, and communities the picture. Each
is then turned so that it faces what it is linked with.
"""

import math
from collections.abc import Sequence

from vaultlink.graph.build import Web
from vaultlink.graph.communities import Clustering, Community
from vaultlink.graph.discs import fill_disc, find_middle, pack_discs, settle_discs, turn_towards

STRETCH = 1.45
"""Width of a picture for each one of its height, as of a window."""
_MAX_SETTLED = 150
"""More communities than this stay where they are packed: settling them takes too long."""
_GAP = 0.9
"""The room around a node, in the unit of sizes."""
_LONE_GAP = 5.2
"""The distance between nodes without links."""


class Placement:
    """Places of nodes, from the inside outwards."""

    def __init__(self, web: Web, clustering: Clustering, sizes: Sequence[float]) -> None:
        self.web, self.clustering, self.sizes = web, clustering, sizes
        self.places = [0j] * len(web.names)

    def place_communities(self) -> None:
        discs = [self._place_community(community) for community in self.clustering.communities]
        members = [[node for part in parts for node in part] for parts, _ in discs]
        radii = [radius + 3 + radius * 0.04 for _, radius in discs]
        links = self._count_links(members)
        centres = pack_discs(radii, links, STRETCH)
        if len(centres) <= _MAX_SETTLED:
            centres = settle_discs(centres, radii, links, STRETCH)
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
        middle = find_middle(
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
                for other in self.web.neighbours[node]:
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
                for other in self.web.neighbours[node]:
                    target = group_of.get(other, number)
                    if target != number:
                        pull += centres[target] - centres[number]
                pulls.append(pull)
            turn = turn_towards([self.places[node] for node in group], pulls)
            for node in group:
                self.places[node] = self.places[node] * turn + centres[number]

    def place_lone(self) -> None:
        """Place nodes without links on ellipses or an arc around the others."""
        lone = self.clustering.lone
        others = [node for node, near in enumerate(self.web.neighbours) if near]
        if not others:
            for node, place in zip(lone, fill_disc([_LONE_GAP / 2] * len(lone)), strict=True):
                self.places[node] = place
            return
        places = [self.places[node] for node in others]
        middle = find_middle(places, [self.sizes[node] for node in others])
        width = max(abs((place - middle).real) for place in places) + 1
        height = max(abs((place - middle).imag) for place in places) + 1
        stretch = min(max(width / height, 1 / STRETCH), 2 * STRETCH)
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
