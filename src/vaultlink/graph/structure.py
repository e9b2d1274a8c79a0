"""Bridges: notes that hold groups of linked notes together.

Links count in both directions and connect notes via any file. Dangling topics connect nothing.
networkx is imported on the first call.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note

if TYPE_CHECKING:
    import networkx as nx

    _FileGraph: TypeAlias = nx.Graph[str]


def find_bridges(index: Index) -> list[tuple[str, int]]:
    """Return the notes without which others are apart, and the number of these."""
    return sorted(_find_bridges(_build_file_graph(index)), key=lambda item: (-item[1], item[0]))


def _build_file_graph(index: Index) -> "_FileGraph":
    import networkx as nx  # noqa: PLC0415

    file_graph: _FileGraph = nx.Graph()
    file_graph.add_nodes_from(index.notes)
    file_graph.add_edges_from(
        (source, target)
        for source, targets in index.targets.items()
        for target in set(targets)
        if target is not None and target != source
    )
    return file_graph


def _find_bridges(file_graph: "_FileGraph") -> Iterator[tuple[str, int]]:
    """Yield the notes without which their group falls apart, and the notes apart then.

    The blocks of a graph (its parts that no single node separates) and the nodes that they share
    are a forest. So removing a node leaves the trees below its blocks, and the rest.
    """
    import networkx as nx  # noqa: PLC0415

    found: Iterable[set[str]] = nx.biconnected_components(file_graph)  # type: ignore[assignment] # typeshed has sets of sets
    blocks = [tuple(sorted(block)) for block in found]
    blocks_of: dict[str, list[int]] = {}
    for number, block in enumerate(blocks):
        for path in block:
            blocks_of.setdefault(path, []).append(number)
    seen: set[int] = set()
    for number in range(len(blocks)):
        if number not in seen:
            order = _order_tree(blocks, blocks_of, number)
            seen.update(block for block, _ in order)
            yield from _measure_tree(blocks, order)


_Order: TypeAlias = list[tuple[int, str]]
"""Blocks of a tree, each below the node that it shares with an earlier one ("" for the root)."""


def _order_tree(
    blocks: list[tuple[str, ...]], blocks_of: dict[str, list[int]], root: int
) -> _Order:
    """Return the blocks of the tree of a block, each behind the one above it."""
    order, seen = [(root, "")], {root}
    for number, parent in order:  # grows
        for path in blocks[number]:
            if path != parent and len(blocks_of[path]) > 1:
                order += [(below, path) for below in blocks_of[path] if below not in seen]
                seen.update(blocks_of[path])
    return order


def _measure_tree(blocks: list[tuple[str, ...]], order: _Order) -> Iterator[tuple[str, int]]:
    """Yield the shared notes of a tree, with the number of notes apart without each."""
    parts: dict[str, list[int]] = {}
    """The number of notes below each shared node, by block."""
    size = 0
    for number, parent in reversed(order):
        inner = [path for path in blocks[number] if path != parent]
        size = sum(map(is_note, inner)) + sum(sum(parts.get(path, ())) for path in inner)
        if parent:
            parts.setdefault(parent, []).append(size)
    for path, below in parts.items():
        if is_note(path):
            sizes = [*below, size - 1 - sum(below)]
            if separated := sum(sizes) - max(sizes):
                yield path, separated
