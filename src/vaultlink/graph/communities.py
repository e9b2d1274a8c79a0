"""Find the communities of a graph: groups of nodes with many links among them.

Nodes are numbers from 0, so that results do not depend on the hash of a text. networkx is imported
on the first call.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from vaultlink.graph.build import Web

_SEED = 7
"""Louvain visits nodes in random order. A fixed seed makes the result the same each time."""
_MIN_SPLIT = 24
"""A community with fewer core nodes is not divided into parts."""


Community: TypeAlias = tuple[tuple[int, ...], ...]
"""A group of nodes, in parts, without the leaves of its nodes."""


class Clustering(NamedTuple):
    """The communities of a graph, and its leaves.

    Attributes:
        communities: All groups of at least two nodes, by size with their leaves, largest first.
        leaves: The nodes with one neighbour only, by that neighbour.
        lone: Nodes without neighbours.
    """

    communities: tuple[Community, ...]
    leaves: dict[int, list[int]]
    lone: tuple[int, ...]


def find_communities(web: Web) -> Clustering:
    """Return the communities of a graph by the Louvain method, each in parts.

    Leaves are left out of the search, because they belong to their neighbour's community anyway.
    """
    owners = [_leaf_owner(web, node, near) for node, near in enumerate(web.neighbours)]
    leaves: dict[int, list[int]] = {}
    for node, owner in enumerate(owners):
        if owner is not None:
            leaves.setdefault(owner, []).append(node)
    core = [node for node, near in enumerate(web.neighbours) if near and owners[node] is None]
    levels = _list_levels(web, core)
    groups = [tuple(sorted(group)) for group in levels[-1]]
    sizes = {group: sum([1 + len(leaves.get(node, ())) for node in group]) for group in groups}
    groups.sort(key=lambda group: (-sizes[group], group))
    fine = {node: place for place, group in enumerate(levels[0]) for node in group}
    lone = tuple(node for node, near in enumerate(web.neighbours) if not near)
    return Clustering(tuple(_split_group(group, fine) for group in groups), leaves, lone)


def list_members(community: Community, clustering: Clustering) -> list[int]:
    """Return the nodes of a community with their leaves."""
    return [
        member
        for part in community
        for node in part
        for member in (node, *clustering.leaves.get(node, ()))
    ]


def _leaf_owner(web: Web, node: int, near: Sequence[int]) -> int | None:
    """Return a leaf's only neighbour. Of two with only each other, one is the leaf."""
    if len(near) != 1:
        return None
    owner = near[0]
    return owner if len(web.neighbours[owner]) > 1 or owner < node else None


def _list_levels(web: Web, core: Collection[int]) -> list[list[set[int]]]:
    """Return the levels of the Louvain method, at least one: fine groups first.

    Rounding errors make networkx move nodes between groups that are equally good, for minutes in a
    chain of notes. With a total weight that is a power of two, there are none: two nodes more, with
    a link between them, have the rest of that weight. The resolution makes up for it.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    if not core:
        return [[]]
    is_core = set(core)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(core)
    for node in core:
        graph.add_edges_from(
            [(node, other) for other in web.neighbours[node] if other > node and other in is_core]
        )
    count, links = len(web.names), max(1, graph.number_of_edges())
    weight = 1 << links.bit_length()
    graph.add_edge(count, count + 1, weight=weight - links)
    resolution = round(weight / links * 64) / 64
    levels = nx.community.louvain_partitions(graph, resolution=resolution, seed=_SEED)
    return [
        [group for group in level if count not in group and count + 1 not in group]
        for level in levels
    ]


def _split_group(group: tuple[int, ...], fine: Mapping[int, int]) -> Community:
    """Return the parts of a group, largest first."""
    if len(group) < _MIN_SPLIT:
        return (group,)
    parts: dict[int, list[int]] = {}
    for node in group:
        parts.setdefault(fine[node], []).append(node)
    return tuple(sorted(map(tuple, parts.values()), key=lambda part: (-len(part), part)))
