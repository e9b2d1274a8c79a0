"""Build the vault's graph as a networkx graph, summarize it and select from it.

networkx is imported on the first call.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from vaultlink.index.index import Index
from vaultlink.index.resolve import is_canvas, is_note

if TYPE_CHECKING:
    import networkx as nx

    Graph: TypeAlias = nx.MultiDiGraph[str]

GraphAttributes: TypeAlias = dict[str, Any]
"""The attributes of a node or an edge."""

NODE_KINDS = ("note", "attachment", "canvas", "dangling")
_NO_BREAK_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})


def topic_name(target: str) -> str:
    """Return the name of a dangling topic: the path part without `.md` (5.19)."""
    name = target if target.isascii() else target.translate(_NO_BREAK_SPACES)
    return name[:-3] if name[-3:].lower() == ".md" else name


def topic_node(name: str) -> str:
    """Return the node of a dangling topic. No vault path starts with a slash."""
    return "/" + name


def is_topic_node(node: str) -> bool:
    return node.startswith("/")


def build_graph(index: Index) -> "Graph":
    """Build the graph of a vault, with one edge per internal link.

    Nodes are vault paths, and `topic_node` for dangling topics. Attachments and canvases are nodes
    only if they have links. Node attributes: `kind` (note, attachment, canvas, dangling) and
    `label`. Edge attributes: `line`, `kind`, `place`, `embed`, `subpath` and, if the link has one,
    `display`.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    nx_graph: Graph = nx.MultiDiGraph()
    for path in sorted(index.notes):
        nx_graph.add_node(path, **node_attributes(path))
    for path in sorted(index.notes):
        for target, data in outgoing_edges(index, path):
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


def outgoing_edges(index: Index, path: str) -> Iterator[tuple[str, GraphAttributes]]:
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


def summarize_graph(nx_graph: "Graph", hubs: int = 10) -> GraphSummary:
    """Summarize a graph. Dangling topics do not connect files."""
    import networkx as nx  # noqa: PLC0415

    kinds = {name: str(data["kind"]) for name, data in nx_graph.nodes(data=True)}
    nodes = {kind: list(kinds.values()).count(kind) for kind in NODE_KINDS}
    files = [name for name, kind in kinds.items() if kind != "dangling"]
    sizes = sorted(
        (len(group) for group in nx.weakly_connected_components(nx_graph.subgraph(files))),
        reverse=True,
    )
    counts = sorted(((-count, name) for name, count in nx_graph.in_degree(files) if count))[:hubs]
    self_links = sum(1 for source, target in nx_graph.edges() if source == target)
    linked = tuple((name, -count) for count, name in counts)
    return GraphSummary(nodes, self_links, tuple(sizes), linked)


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


def select_around(nx_graph: "Graph", node: str, depth: int) -> "Graph":
    """Return the nodes at most `depth` links from a node, with all links among them.

    Links count in both directions. Nodes and links keep their order.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    both_ways = nx_graph.to_undirected(as_view=True)
    near = nx.single_source_shortest_path_length(both_ways, node, cutoff=depth)
    part: Graph = nx.MultiDiGraph()
    part.add_nodes_from([(name, data) for name, data in nx_graph.nodes(data=True) if name in near])
    part.add_edges_from(
        [edge for edge in nx_graph.edges(data=True) if edge[0] in near and edge[1] in near]
    )
    return part
