"""The vault's graph kept alive: what differs between two indexes is changed in place, all else is left as it is.

A graph and the index after enter; the graph is then equal to one made of that index, but for the order of its nodes and
edges.
"""

from collections.abc import Iterable
from itertools import compress, filterfalse
from operator import is_not
from typing import TYPE_CHECKING

from vaultlink.graph.view import Data, edges_from, graph, is_topic, node_data
from vaultlink.index import Index

if TYPE_CHECKING:
    from vaultlink.graph.view import Graph


class LiveGraph:
    """The graph of a vault that goes on changing.

    `made` is what `graph(index)` would make, and always the same object: to be read, not changed. `topics` is the number of
    its dangling topics.
    """

    def __init__(self, index: Index):
        self.index = index
        self.made: Graph = graph(index)
        self.topics = sum(map(is_topic, self.made))

    def follow(self, after: Index) -> None:
        """Bring the graph up to date with a later index of the same vault."""
        before, self.index = self.index, after
        left: set[str] = set()
        differing = _differing(before, after)
        for path in differing:
            self._add(path)
            left.update(self._linked_anew(path, edges_from(after, path)))
        for path in _gone(before, after, differing):
            left.update(self.made.adj[path], (path,))
            self.made.remove_edges_from(list(self.made.edges(path)))
        for node in left:
            if (
                node not in after.targets and not self.made.pred[node]
            ):  # only notes are there unasked
                self.made.remove_node(node)
                self.topics -= is_topic(node)

    def _linked_anew(self, path: str, edges: Iterable[tuple[str, Data]]) -> set[str]:
        """Give a note these edges instead of those it has; the nodes that no edge of it leads to any more."""
        had = _by_goal((goal, data) for _, goal, data in self.made.edges(path, data=True))
        wanted = _by_goal(edges)
        for goal in {**had, **wanted}:  # in an order that is the same in every process
            there, group = had.get(goal, []), wanted.get(goal, [])
            if there != group:
                self._refill(path, goal, there, group)
        return had.keys() - wanted.keys()

    def _refill(self, path: str, goal: str, there: list[Data], wanted: list[Data]) -> None:
        """Bring the edges between two nodes up to date: the first are changed, so that all stay numbered as in a new graph."""
        self._add(goal)
        for data, new in zip(there, wanted, strict=False):
            data.clear()
            data.update(new)
        for new in wanted[len(there) :]:
            self.made.add_edge(path, goal, **new)
        for _ in there[len(wanted) :]:
            self.made.remove_edge(path, goal)  # the one that was added last

    def _add(self, node: str) -> None:
        if node not in self.made:
            self.made.add_node(node, **node_data(node))
            self.topics += is_topic(node)


def _by_goal(edges: Iterable[tuple[str, Data]]) -> dict[str, list[Data]]:
    groups: dict[str, list[Data]] = {}
    for goal, data in edges:
        groups.setdefault(goal, []).append(data)
    return groups


def _differing(before: Index, after: Index) -> list[str]:
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


def _gone(before: Index, after: Index, differing: Iterable[str]) -> Iterable[str]:
    """The notes that went; they are looked for only if the numbers say that there are any."""
    came = sum(path not in before.targets for path in differing)
    went = len(before.targets) + came - len(after.targets)
    return filterfalse(after.targets.__contains__, before.targets) if went else ()
