"""Export the vault's graph as node-link JSON, GraphML, GEXF, DOT or SVG.

Equal graphs give equal texts. The XML is written here, because networkx first builds a tree of it,
which takes a gigabyte for a large vault, and writes the date into GEXF.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vaultlink.graph.xml_text import escape_xml

if TYPE_CHECKING:
    from vaultlink.graph.build import Graph

NODE_FIELDS = {"kind": "string", "label": "string"}
EDGE_FIELDS = {
    "line": "long",
    "kind": "string",
    "place": "string",
    "embed": "boolean",
    "subpath": "string",
    "display": "string",
}


def export_graph(
    nx_graph: "Graph", output_format: str, titles: Mapping[str, str] | None = None
) -> str:
    """Return a graph as text.

    Args:
        nx_graph: A graph from `build_graph`.
        output_format: One of `GRAPH_FORMATS`.
        titles: Titles of notes by vault path, which only pictures show.
    """
    if output_format == "svg":
        return _render_svg(nx_graph, titles or {})
    return _RENDERERS[output_format](nx_graph)


def _render_svg(nx_graph: "Graph", titles: Mapping[str, str]) -> str:
    from vaultlink.graph.layout import draw_picture  # noqa: PLC0415 - only pictures need it
    from vaultlink.graph.svg import render_svg  # noqa: PLC0415

    return render_svg(draw_picture(nx_graph, titles), _SVG_WIDTH, standalone=True)


_SVG_WIDTH = 1600
"""The width of a picture in pixels. It can be enlarged without loss."""


def _render_json(nx_graph: "Graph") -> str:
    import json  # noqa: PLC0415 - needed here only

    import networkx as nx  # noqa: PLC0415

    return json.dumps(nx.node_link_data(nx_graph, edges="edges")) + "\n"


_XML_HEAD = "<?xml version='1.0' encoding='utf-8'?>"
_OWNERS = (("node", NODE_FIELDS), ("edge", EDGE_FIELDS))


def _render_graphml(nx_graph: "Graph") -> str:
    data = '<data key="{key}">{value}</data>'
    lines = [_XML_HEAD, '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [
        f'  <key id="{owner}-{name}" for="{owner}" attr.name="{name}" attr.type="{kind}"/>'
        for owner, fields in _OWNERS
        for name, kind in fields.items()
    ]
    lines.append('  <graph edgedefault="directed">')
    lines += [
        f'    <node id="{name}">{values}</node>' for name, _, values in _list_nodes(nx_graph, data)
    ]
    lines += [f"    <edge {ends}>{values}</edge>" for ends, values in _list_edges(nx_graph, data)]
    return "\n".join([*lines, "  </graph>", "</graphml>"]) + "\n"


def _render_gexf(nx_graph: "Graph") -> str:
    data = '<attvalue for="{key}" value="{value}"/>'
    lines = [
        _XML_HEAD,
        '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">',
        '  <graph defaultedgetype="directed" mode="static">',
    ]
    for owner, fields in _OWNERS:
        entries = [
            f'      <attribute id="{owner}-{name}" title="{name}" type="{kind}"/>'
            for name, kind in fields.items()
        ]
        lines += [f'    <attributes class="{owner}" mode="static">', *entries, "    </attributes>"]
    lines.append("    <nodes>")
    for name, label, values in _list_nodes(nx_graph, data):
        node = f'      <node id="{name}" label="{label}">'
        lines.append(f"{node}<attvalues>{values}</attvalues></node>")
    lines += ["    </nodes>", "    <edges>"]
    lines += [
        f"      <edge {ends}><attvalues>{values}</attvalues></edge>"
        for ends, values in _list_edges(nx_graph, data)
    ]
    return "\n".join([*lines, "    </edges>", "  </graph>", "</gexf>"]) + "\n"


def _list_nodes(nx_graph: "Graph", form: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, label and attributes of each node in XML."""
    for name, data in nx_graph.nodes(data=True):
        yield escape_xml(name), escape_xml(data["label"]), _render_values(data, *_OWNERS[0], form)


def _list_edges(nx_graph: "Graph", form: str) -> Iterator[tuple[str, str]]:
    """Yield the ends and the attributes of each edge in XML."""
    for number, (source, target, data) in enumerate(nx_graph.edges(data=True)):
        ends = f'id="{number}" source="{escape_xml(source)}" target="{escape_xml(target)}"'
        yield ends, _render_values(data, *_OWNERS[1], form)


def _render_values(data: Mapping[str, Any], owner: str, fields: Iterable[str], form: str) -> str:
    return "".join(
        [
            form.format(key=f"{owner}-{name}", value=_format_value(data[name]))
            for name in fields
            if name in data
        ]
    )


def _format_value(value: Any) -> str:
    return escape_xml(value) if isinstance(value, str) else str(value).lower()


_DOT_SHAPES = {"note": "box", "canvas": "component", "attachment": "note", "dangling": "plaintext"}


_DOT_DEFAULTS = (
    '  graph [layout=sfdp, overlap=prism, sep="+6", K=0.9, outputorder=edgesfirst];',
    '  node [fontname="Helvetica", fontsize=11, height=0.3, margin="0.08,0.03", style=filled, '
    'fillcolor=white, color="#8b8f98"];',
    '  edge [color="#6b728088", arrowsize=0.5];',
)
"""What `dot` uses unless options say otherwise.

Its own layout takes minutes for hundreds of notes. White nodes above thin grey lines stay legible.
"""


def _render_dot(nx_graph: "Graph") -> str:
    lines = ["digraph vault {", *_DOT_DEFAULTS]
    for name, data in nx_graph.nodes(data=True):
        label, shape = _quote_dot(data["label"]), _DOT_SHAPES[data["kind"]]
        color = ", color=red, fontcolor=red" if data["kind"] == "dangling" else ""
        lines.append(f"  {_quote_dot(name)} [label={label}, shape={shape}{color}];")
    drawn = set()
    for source, target, data in nx_graph.edges(data=True):
        style = ", style=dashed" if data["embed"] else ""
        if source == target or (source, target) in drawn:
            style = ", style=invis"  # one line for each pair of notes
        drawn.add((source, target))
        lines.append(
            f"  {_quote_dot(source)} -> {_quote_dot(target)} [line={data['line']}{style}];"
        )
    return "\n".join([*lines, "}"]) + "\n"


def _quote_dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


_RENDERERS: Mapping[str, Callable[["Graph"], str]] = {
    "json": _render_json,
    "graphml": _render_graphml,
    "gexf": _render_gexf,
    "dot": _render_dot,
}

GRAPH_FORMATS = (*_RENDERERS, "svg")
"""The formats for export."""
