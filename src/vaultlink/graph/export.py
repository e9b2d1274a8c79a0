"""Export the vault's graph as node-link JSON, GraphML, GEXF or DOT.

Equal graphs give equal texts. The XML is written here, because networkx first builds a tree of it,
which takes a gigabyte for a large vault, and writes the date into GEXF.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from vaultlink.text import lazy_pattern

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


def export_graph(nx_graph: "Graph", output_format: str) -> str:
    """Return a graph as text.

    Args:
        nx_graph: A graph from `build_graph`.
        output_format: One of `GRAPH_FORMATS`.
    """
    return _RENDERERS[output_format](nx_graph)


def _render_json(nx_graph: "Graph") -> str:
    import json  # noqa: PLC0415 - needed here only

    import networkx as nx  # noqa: PLC0415

    return json.dumps(nx.node_link_data(nx_graph, edges="edges")) + "\n"


def _render_graphml(nx_graph: "Graph") -> str:
    lines = [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ]
    for owner, fields in (("node", NODE_FIELDS), ("edge", EDGE_FIELDS)):
        lines += [
            f'  <key id="{owner}-{name}" for="{owner}" attr.name="{name}" attr.type="{kind}"/>'
            for name, kind in fields.items()
        ]
    lines.append('  <graph edgedefault="directed">')
    for name, data in nx_graph.nodes(data=True):
        lines.append(
            f'    <node id="{_escape_xml(name)}">{_render_data(data, "node", NODE_FIELDS)}</node>'
        )
    for number, (source, target, data) in enumerate(nx_graph.edges(data=True)):
        ends = f'id="{number}" source="{_escape_xml(source)}" target="{_escape_xml(target)}"'
        lines.append(f"    <edge {ends}>{_render_data(data, 'edge', EDGE_FIELDS)}</edge>")
    return "\n".join([*lines, "  </graph>", "</graphml>"]) + "\n"


def _render_data(data: Mapping[str, Any], owner: str, fields: Iterable[str]) -> str:
    return "".join(
        [
            f'<data key="{owner}-{name}">{_format_value(data[name])}</data>'
            for name in fields
            if name in data
        ]
    )


def _render_gexf(nx_graph: "Graph") -> str:
    lines = [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">',
        '  <graph defaultedgetype="directed" mode="static">',
    ]
    for owner, fields in (("node", NODE_FIELDS), ("edge", EDGE_FIELDS)):
        entries = [
            f'      <attribute id="{owner}-{name}" title="{name}" type="{kind}"/>'
            for name, kind in fields.items()
        ]
        lines += [f'    <attributes class="{owner}" mode="static">', *entries, "    </attributes>"]
    lines.append("    <nodes>")
    for name, data in nx_graph.nodes(data=True):
        values = _render_attvalues(data, "node", NODE_FIELDS)
        label = _escape_xml(data["label"])
        lines.append(f'      <node id="{_escape_xml(name)}" label="{label}">{values}</node>')
    lines += ["    </nodes>", "    <edges>"]
    for number, (source, target, data) in enumerate(nx_graph.edges(data=True)):
        ends = f'id="{number}" source="{_escape_xml(source)}" target="{_escape_xml(target)}"'
        lines.append(f"      <edge {ends}>{_render_attvalues(data, 'edge', EDGE_FIELDS)}</edge>")
    return "\n".join([*lines, "    </edges>", "  </graph>", "</gexf>"]) + "\n"


def _render_attvalues(data: Mapping[str, Any], owner: str, fields: Iterable[str]) -> str:
    values = [
        f'<attvalue for="{owner}-{name}" value="{_format_value(data[name])}"/>'
        for name in fields
        if name in data
    ]
    return f"<attvalues>{''.join(values)}</attvalues>"


_INVALID_IN_XML = lazy_pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNSAFE_IN_XML = lazy_pattern("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|#(?=#)")
"""Characters that a terminal may obey, and the beginning of commands for CI services."""
_XML_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def _escape_xml(text: str) -> str:
    """Escape a text for XML attributes and elements.

    Characters that are invalid in XML are replaced.
    """
    clean = _INVALID_IN_XML.sub("\ufffd", text).translate(_XML_ESCAPES)
    return _UNSAFE_IN_XML.sub(lambda match: f"&#{ord(match[0])};", clean)


def _format_value(value: Any) -> str:
    return _escape_xml(value) if isinstance(value, str) else str(value).lower()


_DOT_SHAPES = {"note": "box", "canvas": "component", "attachment": "note", "dangling": "plaintext"}


_DOT_LAYOUT = "  graph [layout=sfdp, overlap=prism, outputorder=edgesfirst];"
"""What `dot` uses unless another layout is named. Its own takes minutes for hundreds of notes."""


def _render_dot(nx_graph: "Graph") -> str:
    lines = ["digraph vault {", _DOT_LAYOUT]
    for name, data in nx_graph.nodes(data=True):
        label, shape = _quote_dot(data["label"]), _DOT_SHAPES[data["kind"]]
        color = ", color=red, fontcolor=red" if data["kind"] == "dangling" else ""
        lines.append(f"  {_quote_dot(name)} [label={label}, shape={shape}{color}];")
    for source, target, data in nx_graph.edges(data=True):
        style = ", style=dashed" if data["embed"] else ""
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

GRAPH_FORMATS = tuple(_RENDERERS)
"""The formats for export."""
