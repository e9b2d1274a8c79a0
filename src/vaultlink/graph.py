"""The vault as a networkx graph, and what graph theory says of it. The only importer of networkx.

An index enters; a graph, figures or an exported text leave. Nothing else in the project depends on this view.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from vaultlink.index import Index
from vaultlink.resolve import is_note

if TYPE_CHECKING:
    import networkx as nx

    Graph: TypeAlias = nx.MultiDiGraph[str]

FORMATS = ("json", "graphml", "gexf", "dot")
KINDS = ("note", "attachment", "canvas", "dangling")
_ODD_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})


def topic(target: str) -> str:
    """What a dangling link is filed under: its path part without a trailing `.md`, case kept (specification 5.19)."""
    name = target if target.isascii() else target.translate(_ODD_SPACES)
    return name[:-3] if name[-3:].lower() == ".md" else name


def topic_node(name: str) -> str:
    """The node of a dangling topic: a slash and its name. No path in a vault starts with a slash, so none collides."""
    return "/" + name


def graph(index: Index) -> "Graph":
    """Notes, dangling topics, and the attachments and canvases that take part, with one edge per internal link.

    Nodes are vault paths (topics: see `topic_node`) with `kind` (note, attachment, canvas, dangling) and `label`; edges
    have `line`, `kind`, `place`, `embed`, `subpath` and, where the link has one, `display`.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    made: Graph = nx.MultiDiGraph()
    for path in sorted(index.notes):
        made.add_node(path, kind=_kind(path), label=_label(path))
    for path in sorted(index.notes):
        for link, resolved in index.links(path):
            if link.external:
                continue
            goal = resolved
            if goal is None:
                name = topic(link.target)
                goal = topic_node(name)
                made.add_node(goal, kind="dangling", label=name)
            elif goal not in made:
                made.add_node(goal, kind=_kind(goal), label=_label(goal))
            shown = {} if link.display is None else {"display": link.display}
            made.add_edge(path, goal, line=link.line, kind=link.kind.value, place=link.place.value, embed=link.embed,
                          subpath=link.subpath, **shown)
    return made


def _kind(path: str) -> str:
    if is_note(path):
        return "note"
    return "canvas" if path.lower().endswith(".canvas") else "attachment"


def _label(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return name[:-3] if is_note(name) else name


@dataclass(frozen=True, slots=True)
class Figures:
    """What a vault's graph looks like as a whole. `components` are the sizes of the groups of files that links connect,
    largest first; `hubs` the files most linked to, with the number of links."""

    nodes: Mapping[str, int]
    links: int
    dangling: int
    self_links: int
    components: tuple[int, ...]
    hubs: tuple[tuple[str, int], ...]


def figures(made: "Graph", hubs: int = 10) -> Figures:
    """The figures of a graph. Dangling topics connect nothing: groups are those of existing files."""
    import networkx as nx  # noqa: PLC0415

    kinds = {name: str(data["kind"]) for name, data in made.nodes(data=True)}
    nodes = {kind: list(kinds.values()).count(kind) for kind in KINDS}
    real = [name for name, kind in kinds.items() if kind != "dangling"]
    sizes = sorted((len(group) for group in nx.weakly_connected_components(made.subgraph(real))), reverse=True)
    counts = sorted(((-count, name) for name, count in made.in_degree(real) if count))[:hubs]
    loops = sum(1 for source, goal in made.edges() if source == goal)
    dangling = sum(1 for _, goal in made.edges() if kinds[goal] == "dangling")
    linked = tuple((name, -count) for count, name in counts)
    return Figures(nodes, made.number_of_edges(), dangling, loops, tuple(sizes), linked)


def export(made: "Graph", form: str) -> str:
    """The graph in one of `FORMATS`; equal graphs give equal texts."""
    import networkx as nx  # noqa: PLC0415

    if form == "json":
        import json  # noqa: PLC0415

        return json.dumps(nx.node_link_data(made, edges="edges"), ensure_ascii=False) + "\n"
    if form == "dot":
        return _dot(made)
    clean = _legible(made)
    if form == "graphml":
        return "\n".join(nx.generate_graphml(clean)) + "\n"
    text = "\n".join(nx.generate_gexf(clean)) + "\n"
    return re.sub(r' lastmodifieddate="[^"]*"', "", text)  # the day of the run would make every export differ


_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _legible(made: "Graph") -> "Graph":
    """The same graph without the characters that XML can't hold."""
    import networkx as nx  # noqa: PLC0415

    def clean(data: Mapping[str, Any]) -> dict[str, Any]:
        return {key: _NOT_XML.sub("\ufffd", value) if isinstance(value, str) else value for key, value in data.items()}

    fit: Graph = nx.MultiDiGraph()
    fit.add_nodes_from((_NOT_XML.sub("\ufffd", name), clean(data)) for name, data in made.nodes(data=True))
    fit.add_edges_from((_NOT_XML.sub("\ufffd", source), _NOT_XML.sub("\ufffd", goal), clean(data))
                       for source, goal, data in made.edges(data=True))
    return fit


_SHAPES = {"note": "box", "canvas": "component", "attachment": "note", "dangling": "plaintext"}


def _dot(made: "Graph") -> str:
    lines = ["digraph vault {"]
    for name, data in made.nodes(data=True):
        lines.append(f"  {_quoted(name)} [label={_quoted(data['label'])}, shape={_SHAPES[data['kind']]}];")
    for source, goal, data in made.edges(data=True):
        style = ", style=dashed" if data["embed"] else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(goal)} [line={data['line']}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
