"""The vault's graph for other programs: node-link JSON, GraphML, GEXF, DOT.

A graph enters, a text leaves; equal graphs give equal texts. The XML is written here: networkx builds a tree of it
first, which takes a gigabyte for a large vault, and stamps the day into GEXF.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

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


def export_graph(made: "Graph", form: str) -> str:
    """The graph in one of `GRAPH_FORMATS`."""
    return _RENDERERS[form](made)


def _render_json(made: "Graph") -> str:
    import json  # noqa: PLC0415 - needed here only

    import networkx as nx  # noqa: PLC0415

    return json.dumps(nx.node_link_data(made, edges="edges"), ensure_ascii=False) + "\n"


def _render_graphml(made: "Graph") -> str:
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
    for name, data in made.nodes(data=True):
        lines.append(
            f'    <node id="{_escape_xml(name)}">{_render_data(data, "node", NODE_FIELDS)}</node>'
        )
    for number, (source, goal, data) in enumerate(made.edges(data=True)):
        ends = f'id="{number}" source="{_escape_xml(source)}" target="{_escape_xml(goal)}"'
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


def _render_gexf(made: "Graph") -> str:
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
    for name, data in made.nodes(data=True):
        values = _render_attvalues(data, "node", NODE_FIELDS)
        lines.append(
            f'      <node id="{_escape_xml(name)}" label="{_escape_xml(data["label"])}">{values}</node>'
        )
    lines += ["    </nodes>", "    <edges>"]
    for number, (source, goal, data) in enumerate(made.edges(data=True)):
        ends = f'id="{number}" source="{_escape_xml(source)}" target="{_escape_xml(goal)}"'
        lines.append(f"      <edge {ends}>{_render_attvalues(data, 'edge', EDGE_FIELDS)}</edge>")
    return "\n".join([*lines, "    </edges>", "  </graph>", "</gexf>"]) + "\n"


def _render_attvalues(data: Mapping[str, Any], owner: str, fields: Iterable[str]) -> str:
    values = [
        f'<attvalue for="{owner}-{name}" value="{_format_value(data[name])}"/>'
        for name in fields
        if name in data
    ]
    return f"<attvalues>{''.join(values)}</attvalues>"


_INVALID_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
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
    """Text as XML holds it in attributes and elements; characters that XML can't hold are replaced."""
    return _INVALID_IN_XML.sub("\ufffd", text).translate(_XML_ESCAPES)


def _format_value(value: Any) -> str:
    return _escape_xml(value) if isinstance(value, str) else str(value).lower()


_DOT_SHAPES = {"note": "box", "canvas": "component", "attachment": "note", "dangling": "plaintext"}


def _render_dot(made: "Graph") -> str:
    lines = ["digraph vault {"]
    for name, data in made.nodes(data=True):
        lines.append(
            f"  {_quote_dot(name)} [label={_quote_dot(data['label'])}, shape={_DOT_SHAPES[data['kind']]}];"
        )
    for source, goal, data in made.edges(data=True):
        style = ", style=dashed" if data["embed"] else ""
        lines.append(f"  {_quote_dot(source)} -> {_quote_dot(goal)} [line={data['line']}{style}];")
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
"""The formats a graph can be exported in."""
