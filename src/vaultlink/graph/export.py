"""Export the vault's graph as node-link JSON, GraphML, GEXF, DOT or SVG.

Equal graphs give equal texts.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vaultlink.graph.build import number_nodes
from vaultlink.graph.picture import reference_unsafe, replace_invalid
from vaultlink.text import COMMAND_START

if TYPE_CHECKING:
    from networkx.readwrite.gexf import GEXFWriter
    from networkx.readwrite.graphml import GraphMLWriter

    from vaultlink.graph.build import Graph, GraphAttributes

_SVG_WIDTH = 1600
"""The width of a picture in pixels. It can be enlarged without loss."""


def export_graph(
    nx_graph: "Graph", output_format: str, titles: Mapping[str, str] | None = None
) -> str:
    """Return a graph from `build_graph` in one of `GRAPH_FORMATS`.

    Only pictures show `titles`, the titles of notes by vault path.
    """
    if output_format == "svg":
        from vaultlink.graph.layout import draw_picture  # noqa: PLC0415 - only pictures need it
        from vaultlink.graph.picture import render_svg  # noqa: PLC0415

        picture = draw_picture(number_nodes(nx_graph), titles or {})
        return render_svg(picture, _SVG_WIDTH, standalone=True)
    return _RENDERERS[output_format](nx_graph)


def _render_json(nx_graph: "Graph") -> str:
    import json  # noqa: PLC0415 - needed here only

    import networkx as nx  # noqa: PLC0415

    return json.dumps(nx.node_link_data(nx_graph, edges="edges")) + "\n"


def _render_graphml(nx_graph: "Graph") -> str:
    from networkx.readwrite.graphml import GraphMLWriter  # noqa: PLC0415

    return _render_xml(GraphMLWriter(_copy_for_xml(nx_graph)))


def _render_gexf(nx_graph: "Graph") -> str:
    from networkx.readwrite.gexf import GEXFWriter  # noqa: PLC0415

    writer = GEXFWriter(_copy_for_xml(nx_graph))
    for meta in writer.xml.iter("meta"):
        meta.attrib.pop("lastmodifieddate", None)
    return _render_xml(writer)


def _copy_for_xml(nx_graph: "Graph") -> "Graph":
    """Return a graph of texts that XML can hold; keys of edges become unique ids."""
    import networkx as nx  # noqa: PLC0415

    copy: Graph = nx.MultiDiGraph()
    for name, data in nx_graph.nodes(data=True):
        copy.add_node(replace_invalid(name), **_replace_values(data))
    for number, (source, target, data) in enumerate(nx_graph.edges(data=True)):
        ends = replace_invalid(source), replace_invalid(target)
        copy.add_edge(*ends, key=number, **_replace_values(data))
    return copy


def _replace_values(data: "GraphAttributes") -> "GraphAttributes":
    return {
        name: replace_invalid(value) if isinstance(value, str) else value
        for name, value in data.items()
    }


def _render_xml(writer: "GraphMLWriter | GEXFWriter") -> str:
    from xml.etree.ElementTree import tostring  # noqa: PLC0415

    writer.indent(writer.xml)
    xml = tostring(writer.xml, "utf-8", xml_declaration=True).decode()
    # A reader takes a carriage return in the text of an element for a line feed.
    xml = xml.rstrip().replace("\r", "&#13;")
    xml = COMMAND_START.sub(lambda match: f"{match['blank'] or ''}&#{ord(match[0][-1])};", xml)
    return reference_unsafe(xml) + "\n"


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
