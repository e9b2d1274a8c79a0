"""The vault's graph in networkx: build it, keep it up to date, summarize it."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import chain, filterfalse
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from vaultlink.index.index import Index
from vaultlink.index.packed_map import is_same_value, list_changed_keys
from vaultlink.index.resolve import is_any_path, is_canvas, is_note
from vaultlink.index.topics import Topic, topic_name

if TYPE_CHECKING:  # networkx is imported on the first call
    import networkx as nx

    Graph: TypeAlias = nx.MultiDiGraph[str]

GraphAttributes: TypeAlias = dict[str, Any]
"""The attributes of a node or an edge."""

_NODE_KINDS = ("note", "attachment", "canvas", "dangling")


def topic_node(name: str) -> str:
    """Return the node of an unresolved topic. No vault path starts with a slash."""
    return "/" + name


def is_topic_node(node: str) -> bool:
    return node.startswith("/")


def build_graph(index: Index) -> "Graph":
    """Build the graph of a vault, with one edge per internal link.

    Nodes are vault paths, and `topic_node` for unresolved topics. Attachments and canvases are
    nodes only if they have links. Node attributes: `kind` (note, attachment, canvas, dangling) and
    `label`. Edge attributes: `line`, `kind`, `place`, `embed`, `subpath` and, if the link has one,
    `display`.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    nx_graph: Graph = nx.MultiDiGraph()
    for path in sorted(index.notes):
        nx_graph.add_node(path, **node_attributes(path))
    for path in sorted(index.notes):
        for target, data in _outgoing_edges(index, path):
            if target not in nx_graph:
                nx_graph.add_node(target, **node_attributes(target))
            nx_graph.add_edge(path, target, **data)
    return nx_graph


def node_attributes(node: str) -> GraphAttributes:
    """Return the attributes of a node. They depend only on its name."""
    if is_topic_node(node):
        return {"kind": "dangling", "label": node[1:]}
    name = node.rpartition("/")[2]
    if is_note(node):
        return {"kind": "note", "label": name[:-3]}
    return {"kind": "canvas" if is_canvas(node) else "attachment", "label": name}


def _outgoing_edges(index: Index, path: str) -> Iterator[tuple[str, GraphAttributes]]:
    """Yield the target node and the edge attributes of each internal link of a note."""
    for link, resolved in index.resolved_links(path):
        if not link.external:
            display = {} if link.display is None else {"display": link.display}
            yield (
                topic_node(topic_name(link.target)) if resolved is None else resolved,
                {
                    "line": link.line,
                    "kind": link.kind.value,
                    "place": link.place.value,
                    "embed": link.embed,
                    "subpath": link.subpath,
                    **display,
                },
            )


def is_orphan(index: Index, path: str, *, canvases: bool = True) -> bool:
    """Return True if nothing links to a file, not even the file itself.

    Without `canvases`, links from canvases do not count.
    """
    sources = index.backlinks.get(path, ())
    return not (sources if canvases else any(map(is_note, sources)))


def is_dead_end(index: Index, path: str) -> bool:
    return not any(index.targets.get(path, ()))


def find_islands(index: Index) -> list[list[str]]:
    """Return the notes of each island, sorted, the largest island first.

    Islands are groups of at least two notes that links in either direction connect, via any file,
    without the largest group.
    """
    leader: dict[str, str] = {}

    def find(path: str) -> str:
        while (parent := leader.setdefault(path, path)) != path:
            leader[path] = path = leader[parent]
        return path

    for source, targets in index.targets.items():
        for target in set(targets):
            if target is not None:
                leader[find(target)] = find(source)
    groups: dict[str, list[str]] = {}
    for path in sorted(index.notes):
        if is_note(path):
            groups.setdefault(find(path), []).append(path)
    several = [group for group in groups.values() if len(group) > 1]
    return sorted(several, key=lambda group: (-len(group), group))[1:]


class GraphSummary(msgspec.Struct, frozen=True):
    """Numbers about a whole graph.

    `nodes` are numbers by kind, `components` the sizes of the weakly connected groups of files,
    largest first, and `hubs` the files with the most links to them, each with their number.
    """

    nodes: Mapping[str, int]
    self_links: int
    components: tuple[int, ...]
    hubs: tuple[tuple[str, int], ...]


def summarize_graph(
    nx_graph: "Graph", hubs: int = 10, wanted: Callable[[str], bool] = is_any_path
) -> GraphSummary:
    """Summarize a graph. Unresolved topics do not connect files.

    Notes and canvases, files in groups, and hubs are counted if they are wanted.
    """
    import networkx as nx  # noqa: PLC0415

    kinds = {name: str(data["kind"]) for name, data in nx_graph.nodes(data=True)}
    files = [name for name, kind in kinds.items() if kind != "dangling"]
    chosen = {name for name in files if wanted(name)}
    counted = [
        kind for name, kind in kinds.items() if name in chosen or kind in ("attachment", "dangling")
    ]
    nodes = {kind: counted.count(kind) for kind in _NODE_KINDS}
    groups = nx.weakly_connected_components(nx_graph.subgraph(files))
    sizes = sorted(filter(None, (len(chosen & group) for group in groups)), reverse=True)
    counts = sorted(((-count, name) for name, count in nx_graph.in_degree(chosen) if count))[:hubs]
    self_links = sum(1 for source, target in nx_graph.edges() if source == target)
    linked = tuple((name, -count) for count, name in counts)
    return GraphSummary(nodes, self_links, tuple(sizes), linked)


class NumberedGraph(NamedTuple):
    """Nodes and links of a graph. All fields use positions in the sorted `names`.

    `edges` are pairs of source and target, sorted, each pair once, without self-links. `neighbours`
    are the nodes linked with each node in either direction, sorted; `incoming` and `outgoing` count
    its links.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    neighbours: tuple[list[int], ...]
    incoming: list[int]
    outgoing: list[int]


def number_nodes(nx_graph: "Graph") -> NumberedGraph:
    """Return a graph as numbers. The order of its nodes and edges has no influence."""
    return _number_links(nx_graph, nx_graph.edges())


def number_vault(
    index: Index, topics: Iterable[Topic], wanted: Callable[[str], bool] = is_any_path
) -> tuple[NumberedGraph, dict[str, str]]:
    """Return the graph of a vault as numbers, with one node for each topic, and the topics' labels.

    Other unresolved targets are left out. Of some wanted files, it has what `select_linked` has.
    The label of a topic is the spelling that begins last in the vault.
    """
    names = {
        topic_node(topic_name(item.target or "")): topic_node(topic.name)
        for topic in topics
        for item in topic.findings
    }
    spelled: dict[str, None] = {}
    links = [link for link in _list_links(index, names, spelled) if any(map(wanted, link))]
    graph = _number_links({*filter(wanted, index.notes), *chain.from_iterable(links)}, links)
    return graph, {names[node]: node[1:] for node in spelled}


def _list_links(
    index: Index, names: Mapping[str, str], spelled: dict[str, None]
) -> Iterator[tuple[str, str]]:
    """Yield the source and target of each link. Topics have other names; note their spellings."""
    for path in sorted(index.notes):
        targets = index.targets[path]
        if None not in targets:
            yield from ((path, target) for target in targets if target is not None)
            continue
        for link, target in index.resolved_links(path):
            if target is not None:
                yield path, target
            elif not link.external and (node := topic_node(topic_name(link.target))) in names:
                spelled.setdefault(node)
                yield path, names[node]


def _number_links(nodes: Iterable[str], links: Iterable[tuple[str, str]]) -> NumberedGraph:
    names = tuple(sorted(nodes))
    number = {name: place for place, name in enumerate(names)}
    incoming, outgoing = [0] * len(names), [0] * len(names)
    near: tuple[set[int], ...] = tuple(set() for _ in names)
    edges = set[tuple[int, int]]()
    for source_name, target_name in links:
        source, target = number[source_name], number[target_name]
        outgoing[source] += 1
        incoming[target] += 1
        if source != target:
            edges.add((source, target))
            near[source].add(target)
            near[target].add(source)
    neighbours = tuple(sorted(group) for group in near)
    return NumberedGraph(names, tuple(sorted(edges)), neighbours, incoming, outgoing)


def select_around(nx_graph: "Graph", node: str, depth: int) -> "Graph":
    """Return the nodes at most `depth` links from a node, with all links among them.

    Links count in both directions. Nodes and links keep their order.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    both_ways = nx_graph.to_undirected(as_view=True)
    near = nx.single_source_shortest_path_length(both_ways, node, cutoff=depth)
    return _copy_part(nx_graph, near, lambda source, target: source in near and target in near)


def select_linked(nx_graph: "Graph", wanted: Callable[[str], bool]) -> "Graph":
    """Return the wanted files with all links from and to them.

    So the nodes are these files, and those at the other ends of their links. Links between two of
    the latter are left out. Nodes and links keep their order.
    """

    def has_edge(source: str, target: str) -> bool:
        return wanted(source) or wanted(target)

    ends = {name for edge in nx_graph.edges() if has_edge(*edge) for name in edge}
    return _copy_part(nx_graph, ends.union(filter(wanted, nx_graph)), has_edge)


def _copy_part(
    nx_graph: "Graph", nodes: Container[str], has_edge: Callable[[str, str], bool]
) -> "Graph":
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    part: Graph = nx.MultiDiGraph()
    part.add_nodes_from([(name, data) for name, data in nx_graph.nodes(data=True) if name in nodes])
    part.add_edges_from([edge for edge in nx_graph.edges(data=True) if has_edge(*edge[:2])])
    return part


# -- update the vault's graph in place when the index changes --------------------------------------
# The updated graph equals a new graph of the current index, except for the order of nodes and
# edges.


class LiveGraph:
    """The graph of a vault that changes.

    `nx_graph` is the graph that `build_graph(index)` returns for the current `index`, and always
    the same object. Do not change it.
    """

    def __init__(self, index: Index):
        self.index = index
        self.nx_graph: Graph = build_graph(index)

    def update_index(self, after: Index) -> None:
        before, self.index = self.index, after
        unlinked: set[str] = set()
        changed = _find_changed_notes(before, after)
        for path in changed:
            self._add_node(path)
            unlinked.update(self._replace_edges(path, _outgoing_edges(after, path)))
        for path in _find_removed_notes(before, after, changed):
            unlinked.update(self.nx_graph.adj[path], (path,))
            self.nx_graph.remove_edges_from(list(self.nx_graph.edges(path)))
        for node in unlinked:
            # Only notes stay in the graph without links to them.
            if node not in after.targets and not self.nx_graph.pred[node]:
                self.nx_graph.remove_node(node)

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


def _group_by_target(
    edges: Iterable[tuple[str, GraphAttributes]],
) -> dict[str, list[GraphAttributes]]:
    groups: dict[str, list[GraphAttributes]] = {}
    for target, data in edges:
        groups.setdefault(target, []).append(data)
    return groups


def _find_changed_notes(before: Index, after: Index) -> list[str]:
    """Return the added notes and those whose edges may differ."""
    targets = list_changed_keys(before.targets, after.targets)
    return [
        path
        for path in dict.fromkeys((*targets, *list_changed_keys(before.notes, after.notes)))
        if path in after.targets
        and not (
            is_same_value(before.targets, after.targets, path)
            and is_same_value(before.notes, after.notes, path)
        )
    ]


def _find_removed_notes(before: Index, after: Index, changed: Iterable[str]) -> Iterable[str]:
    """Return removed notes; skip the search if the number of notes shows none."""
    added_count = sum(path not in before.targets for path in changed)
    removed_count = len(before.targets) + added_count - len(after.targets)
    return filterfalse(after.targets.__contains__, before.targets) if removed_count else ()


# -- bridges: notes that hold groups of linked notes together --------------------------------------
# Links count in both directions and connect notes via any file. Unresolved topics connect nothing.


def find_bridges(index: Index) -> list[tuple[str, int]]:
    """Return the notes without which others are apart, and the number of these."""
    links = [
        (path, target)
        for path, targets in index.targets.items()
        for target in targets
        if target is not None
    ]
    graph = _number_links({*index.notes, *chain.from_iterable(links)}, links)
    found = [(graph.names[node], separated) for node, separated in _find_bridges(graph)]
    return sorted(found, key=lambda item: (-item[1], item[0]))


def _find_bridges(graph: NumberedGraph) -> Iterator[tuple[int, int]]:
    """Yield the notes without which their group falls apart, and the notes apart then.

    A walk makes a tree of each group, in which all links lead up or down. Those below a node are
    apart without it if none of them links to one above it.
    """
    above = -1  # what is above the roots is the last node
    sizes = [*map(int, map(is_note, graph.names)), 0]
    depths, highest, parents = [0] * len(sizes), [len(sizes)] * len(sizes), [above] * len(sizes)
    for root in range(len(graph.names)):
        apart: dict[int, list[int]] = {}
        for node in reversed(_walk(graph, root, depths, parents)):
            parent = parents[node]
            high = min([highest[node], *[depths[other] for other in graph.neighbours[node]]])
            highest[parent] = min(highest[parent], high)
            sizes[parent] += sizes[node]
            if high >= depths[parent]:
                apart.setdefault(parent, []).append(sizes[node])
        for node, below in apart.items():
            parts = [*below, sizes[root] - 1 - sum(below)]
            separated = sum(parts) - max(parts)
            if separated and node != above and is_note(graph.names[node]):
                yield node, separated


def _walk(graph: NumberedGraph, root: int, depths: list[int], parents: list[int]) -> list[int]:
    """Return the nodes that links connect with a new one, depth first; note their depths."""
    order, ahead = [], [(root, -1)]
    while ahead:
        node, parent = ahead.pop()
        if not depths[node]:
            depths[node], parents[node] = depths[parent] + 1, parent
            order.append(node)
            ahead += [(other, node) for other in graph.neighbours[node] if not depths[other]]
    return order
