"""A graph as lists of numbers, for layouts. Nodes are numbered from 0, by name."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vaultlink.graph.build import Graph


class Web(NamedTuple):
    """Nodes and links of a graph.

    Attributes:
        names: The nodes' names, sorted. All other fields use positions in it.
        edges: Pairs of source and target, sorted, each pair once, without self-links.
        neighbours: The nodes linked with each node in either direction, sorted.
        incoming: Number of links to each node.
        outgoing: Number of links from each node.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    neighbours: tuple[list[int], ...]
    incoming: list[int]
    outgoing: list[int]


def number_nodes(nx_graph: "Graph") -> Web:
    """Return a graph as numbers. The order of its nodes and edges has no influence."""
    names = tuple(sorted(nx_graph))
    number = {name: place for place, name in enumerate(names)}
    incoming, outgoing = [0] * len(names), [0] * len(names)
    near: tuple[set[int], ...] = tuple(set() for _ in names)
    edges = []
    for name, targets in nx_graph.adjacency():
        source = number[name]
        for target_name, links in targets.items():
            target = number[target_name]
            outgoing[source] += len(links)
            incoming[target] += len(links)
            if source != target:
                edges.append((source, target))
                near[source].add(target)
                near[target].add(source)
    edges.sort()
    return Web(names, tuple(edges), tuple(sorted(group) for group in near), incoming, outgoing)
