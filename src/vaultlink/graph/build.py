"""The vault as a networkx graph, and what graph theory says of it.

An index enters; a graph or its figures leave. networkx is imported when a graph is asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note

if TYPE_CHECKING:
    import networkx as nx

    Graph: TypeAlias = nx.MultiDiGraph[str]

GraphAttributes: TypeAlias = dict[str, Any]
"""The attributes of a node or an edge."""

NODE_KINDS = ("note", "attachment", "canvas", "dangling")
_NO_BREAK_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})


def topic_name(target: str) -> str:
    """What a dangling link is filed under: its path part without a trailing `.md`, case kept (specification 5.19)."""
    name = target if target.isascii() else target.translate(_NO_BREAK_SPACES)
    return name[:-3] if name[-3:].lower() == ".md" else name


def topic_node(name: str) -> str:
    """The node of a dangling topic: a slash and its name. No path in a vault starts with a slash, so none collides."""
    return "/" + name


def is_topic_node(node: str) -> bool:
    """Whether a node is a dangling topic's."""
    return node.startswith("/")


def build_graph(index: Index) -> "Graph":
    """Notes, dangling topics, and the attachments and canvases that take part, with one edge per internal link.

    Nodes are vault paths (topics: see `topic_node`) with `kind` (note, attachment, canvas, dangling) and `label`; edges
    have `line`, `kind`, `place`, `embed`, `subpath` and, where the link has one, `display`.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    made: Graph = nx.MultiDiGraph()
    for path in sorted(index.notes):
        made.add_node(path, **node_attributes(path))
    for path in sorted(index.notes):
        for goal, data in outgoing_edges(index, path):
            if goal not in made:
                made.add_node(goal, **node_attributes(goal))
            made.add_edge(path, goal, **data)
    return made


def node_attributes(node: str) -> GraphAttributes:
    """The attributes of a node; they depend on nothing but what it is called."""
    if is_topic_node(node):
        return {"kind": "dangling", "label": node[1:]}
    return {"kind": _node_kind(node), "label": _node_label(node)}


def outgoing_edges(index: Index, path: str) -> Iterator[tuple[str, GraphAttributes]]:
    """The node that each internal link of a note leads to, and the attributes of its edge."""
    for link, resolved in index.resolved_links(path):
        if not link.external:
            shown = {} if link.display is None else {"display": link.display}
            yield (
                topic_node(topic_name(link.target)) if resolved is None else resolved,
                {
                    "line": link.line,
                    "kind": link.kind.value,
                    "place": link.place.value,
                    "embed": link.embed,
                    "subpath": link.subpath,
                    **shown,
                },
            )


def _node_kind(path: str) -> str:
    if is_note(path):
        return "note"
    return "canvas" if path.lower().endswith(".canvas") else "attachment"


def _node_label(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return name[:-3] if is_note(name) else name


@dataclass(frozen=True, slots=True)
class GraphSummary:
    """What a vault's graph looks like as a whole. `components` are the sizes of the groups of files that links connect,
    largest first; `hubs` the files most linked to, with the number of links."""

    nodes: Mapping[str, int]
    links: int
    dangling: int
    self_links: int
    components: tuple[int, ...]
    hubs: tuple[tuple[str, int], ...]


def summarize_graph(made: "Graph", hubs: int = 10) -> GraphSummary:
    """The figures of a graph. Dangling topics connect nothing: groups are those of existing files."""
    import networkx as nx  # noqa: PLC0415

    kinds = {name: str(data["kind"]) for name, data in made.nodes(data=True)}
    nodes = {kind: list(kinds.values()).count(kind) for kind in NODE_KINDS}
    real = [name for name, kind in kinds.items() if kind != "dangling"]
    sizes = sorted(
        (len(group) for group in nx.weakly_connected_components(made.subgraph(real))), reverse=True
    )
    counts = sorted(((-count, name) for name, count in made.in_degree(real) if count))[:hubs]
    loops = sum(1 for source, goal in made.edges() if source == goal)
    dangling = sum(1 for _, goal in made.edges() if kinds[goal] == "dangling")
    linked = tuple((name, -count) for count, name in counts)
    return GraphSummary(nodes, made.number_of_edges(), dangling, loops, tuple(sizes), linked)
