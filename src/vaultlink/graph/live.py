"""Update the vault's graph in place when the index changes.

The updated graph equals a new graph of the current index, except for the order of nodes and edges.
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
    """The graph of a vault that changes.

    Attributes:
        index: The current index.
        nx_graph: The same graph that `build_graph(index)` returns, and always the same object. Do
            not change it.
        topic_count: Number of dangling topics.
    """

    def __init__(self, index: Index):
        self.index = index
        self.nx_graph: Graph = build_graph(index)
        self.topic_count = sum(map(is_topic_node, self.nx_graph))

    def update_index(self, after: Index) -> None:
        before, self.index = self.index, after
        unlinked: set[str] = set()
        changed = _find_changed_notes(before, after)
        for path in changed:
            self._add_node(path)
            unlinked.update(self._replace_edges(path, outgoing_edges(after, path)))
        for path in _find_removed_notes(before, after, changed):
            unlinked.update(self.nx_graph.adj[path], (path,))
            self.nx_graph.remove_edges_from(list(self.nx_graph.edges(path)))
        for node in unlinked:
            # Only notes stay in the graph without links to them.
            if node not in after.targets and not self.nx_graph.pred[node]:
                self.nx_graph.remove_node(node)
                self.topic_count -= is_topic_node(node)

    def _replace_edges(self, path: str, edges: Iterable[tuple[str, GraphAttributes]]) -> set[str]:
        """Replace the edges of a note; return the nodes to which it has none any more."""
        current = _group_by_target(
            (target, data) for _, target, data in self.nx_graph.edges(path, data=True)
        )
        wanted = _group_by_target(edges)
        for target in {**current, **wanted}:  # the order must be the same in every process
            present, group = current.get(target, []), wanted.get(target, [])
            if present != group:
                self._update_edges_between(path, target, present, group)
        return current.keys() - wanted.keys()

    def _update_edges_between(
        self, path: str, target: str, present: list[GraphAttributes], wanted: list[GraphAttributes]
    ) -> None:
        """Update the edges between two nodes.

        The first ones are changed in place, so that keys are the same as in a new graph.
        """
        self._add_node(target)
        for data, new in zip(present, wanted, strict=False):
            data.clear()
            data.update(new)
        for new in wanted[len(present) :]:
            self.nx_graph.add_edge(path, target, **new)
        for _ in present[len(wanted) :]:
            self.nx_graph.remove_edge(path, target)  # removes the edge that was added last

    def _add_node(self, node: str) -> None:
        if node not in self.nx_graph:
            self.nx_graph.add_node(node, **node_attributes(node))
            self.topic_count += is_topic_node(node)


def _group_by_target(
    edges: Iterable[tuple[str, GraphAttributes]],
) -> dict[str, list[GraphAttributes]]:
    groups: dict[str, list[GraphAttributes]] = {}
    for target, data in edges:
        groups.setdefault(target, []).append(data)
    return groups


def _find_changed_notes(before: Index, after: Index) -> list[str]:
    """Return the added notes and those whose edges may differ.

    A note that was read or resolved again has a new tuple of targets, except for the empty tuple:
    such a note had no links and has none.
    """
    targets_before, targets_after = before.targets, after.targets
    return [
        path
        for path in compress(
            targets_after,
            map(is_not, map(targets_before.get, targets_after), targets_after.values()),
        )
        if targets_before.get(path) != targets_after[path]
        or before.notes[path] is not after.notes[path]
    ]


def _find_removed_notes(before: Index, after: Index, changed: Iterable[str]) -> Iterable[str]:
    """Return removed notes; skip the search if the number of notes shows none."""
    added_count = sum(path not in before.targets for path in changed)
    removed_count = len(before.targets) + added_count - len(after.targets)
    return filterfalse(after.targets.__contains__, before.targets) if removed_count else ()
