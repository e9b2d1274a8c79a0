"""The vault's graph kept alive: what differs between two indexes is changed in place, all else is left as it is.

A graph and the index after enter; the graph is then equal to one made of that index, but for the order of its nodes and
edges.
"""

from collections.abc import Iterable
from itertools import compress, filterfalse
from operator import is_not
from typing import TYPE_CHECKING

from vaultlink.graph.build import (
    GraphAttributes,
    build_graph,
    is_topic_node,
    node_attributes,
    outgoing_edges,
)
from vaultlink.index.index import Index

if TYPE_CHECKING:
    from vaultlink.graph.build import Graph


class LiveGraph:
    """The graph of a vault that goes on changing.

    `nx_graph` is what `graph(index)` would make, and always the same object: to be read, not changed. `topic_count` is the number of
    its dangling topics.
    """

    def __init__(self, index: Index):
        self.index = index
        self.nx_graph: Graph = build_graph(index)
        self.topic_count = sum(map(is_topic_node, self.nx_graph))

    def update_index(self, after: Index) -> None:
        """Bring the graph up to date with a later index of the same vault."""
        before, self.index = self.index, after
        left: set[str] = set()
        differing = _find_changed_notes(before, after)
        for path in differing:
            self._add_node(path)
            left.update(self._replace_edges(path, outgoing_edges(after, path)))
        for path in _find_removed_notes(before, after, differing):
            left.update(self.nx_graph.adj[path], (path,))
            self.nx_graph.remove_edges_from(list(self.nx_graph.edges(path)))
        for node in left:
            if (
                node not in after.targets and not self.nx_graph.pred[node]
            ):  # only notes are there unasked
                self.nx_graph.remove_node(node)
                self.topic_count -= is_topic_node(node)

    def _replace_edges(self, path: str, edges: Iterable[tuple[str, GraphAttributes]]) -> set[str]:
        """Give a note these edges instead of those it has; the nodes that no edge of it leads to any more."""
        had = _group_by_target(
            (goal, data) for _, goal, data in self.nx_graph.edges(path, data=True)
        )
        wanted = _group_by_target(edges)
        for goal in {**had, **wanted}:  # in an order that is the same in every process
            there, group = had.get(goal, []), wanted.get(goal, [])
            if there != group:
                self._update_edges_between(path, goal, there, group)
        return had.keys() - wanted.keys()

    def _update_edges_between(
        self, path: str, goal: str, there: list[GraphAttributes], wanted: list[GraphAttributes]
    ) -> None:
        """Bring the edges between two nodes up to date: the first are changed, so that all stay numbered as in a new graph."""
        self._add_node(goal)
        for data, new in zip(there, wanted, strict=False):
            data.clear()
            data.update(new)
        for new in wanted[len(there) :]:
            self.nx_graph.add_edge(path, goal, **new)
        for _ in there[len(wanted) :]:
            self.nx_graph.remove_edge(path, goal)  # the one that was added last

    def _add_node(self, node: str) -> None:
        if node not in self.nx_graph:
            self.nx_graph.add_node(node, **node_attributes(node))
            self.topic_count += is_topic_node(node)


def _group_by_target(
    edges: Iterable[tuple[str, GraphAttributes]],
) -> dict[str, list[GraphAttributes]]:
    groups: dict[str, list[GraphAttributes]] = {}
    for goal, data in edges:
        groups.setdefault(goal, []).append(data)
    return groups


def _find_changed_notes(before: Index, after: Index) -> list[str]:
    """The notes whose edges may differ, and those that came.

    A note that was read or resolved anew has a new tuple of targets, unless it is the empty one: then it had no links and
    has none.
    """
    had, has = before.targets, after.targets
    return [
        path
        for path in compress(has, map(is_not, map(had.get, has), has.values()))
        if had.get(path) != has[path] or before.notes[path] is not after.notes[path]
    ]


def _find_removed_notes(before: Index, after: Index, differing: Iterable[str]) -> Iterable[str]:
    """The notes that went; they are looked for only if the numbers say that there are any."""
    came = sum(path not in before.targets for path in differing)
    went = len(before.targets) + came - len(after.targets)
    return filterfalse(after.targets.__contains__, before.targets) if went else ()
