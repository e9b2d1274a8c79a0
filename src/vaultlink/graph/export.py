"""The vault's graph for other programs: node-link JSON, GraphML, GEXF, DOT.

A graph enters, a text leaves; equal graphs give equal texts. The XML is written here: networkx builds a tree of it
first, which takes a gigabyte for a large vault, and stamps the day into GEXF.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaultlink.graph.view import Graph

NODE = {"kind": "string", "label": "string"}
EDGE = {
    "line": "long",
    "kind": "string",
    "place": "string",
    "embed": "boolean",
    "subpath": "string",
    "display": "string",
}


def export(made: "Graph", form: str) -> str:
    """The graph in one of `FORMATS`."""
    return _WRITERS[form](made)


def _json(made: "Graph") -> str:
    import json  # noqa: PLC0415 - needed here only

    import networkx as nx  # noqa: PLC0415

    return json.dumps(nx.node_link_data(made, edges="edges"), ensure_ascii=False) + "\n"


def _graphml(made: "Graph") -> str:
    lines = [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ]
    for owner, fields in (("node", NODE), ("edge", EDGE)):
        lines += [
            f'  <key id="{owner}-{name}" for="{owner}" attr.name="{name}" attr.type="{kind}"/>'
            for name, kind in fields.items()
        ]
    lines.append('  <graph edgedefault="directed">')
    for name, data in made.nodes(data=True):
        lines.append(f'    <node id="{_xml(name)}">{_data(data, "node", NODE)}</node>')
    for number, (source, goal, data) in enumerate(made.edges(data=True)):
        ends = f'id="{number}" source="{_xml(source)}" target="{_xml(goal)}"'
        lines.append(f"    <edge {ends}>{_data(data, 'edge', EDGE)}</edge>")
    return "\n".join([*lines, "  </graph>", "</graphml>"]) + "\n"


def _data(data: Mapping[str, Any], owner: str, fields: Iterable[str]) -> str:
    return "".join(
        [
            f'<data key="{owner}-{name}">{_value(data[name])}</data>'
            for name in fields
            if name in data
        ]
    )


def _gexf(made: "Graph") -> str:
    lines = [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">',
        '  <graph defaultedgetype="directed" mode="static">',
    ]
    for owner, fields in (("node", NODE), ("edge", EDGE)):
        entries = [
            f'      <attribute id="{owner}-{name}" title="{name}" type="{kind}"/>'
            for name, kind in fields.items()
        ]
        lines += [f'    <attributes class="{owner}" mode="static">', *entries, "    </attributes>"]
    lines.append("    <nodes>")
    for name, data in made.nodes(data=True):
        values = _attvalues(data, "node", NODE)
        lines.append(f'      <node id="{_xml(name)}" label="{_xml(data["label"])}">{values}</node>')
    lines += ["    </nodes>", "    <edges>"]
    for number, (source, goal, data) in enumerate(made.edges(data=True)):
        ends = f'id="{number}" source="{_xml(source)}" target="{_xml(goal)}"'
        lines.append(f"      <edge {ends}>{_attvalues(data, 'edge', EDGE)}</edge>")
    return "\n".join([*lines, "    </edges>", "  </graph>", "</gexf>"]) + "\n"


def _attvalues(data: Mapping[str, Any], owner: str, fields: Iterable[str]) -> str:
    values = [
        f'<attvalue for="{owner}-{name}" value="{_value(data[name])}"/>'
        for name in fields
        if name in data
    ]
    return f"<attvalues>{''.join(values)}</attvalues>"


_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKS = str.maketrans(
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


def _xml(text: str) -> str:
    """Text as XML holds it in attributes and elements; characters that XML can't hold are replaced."""
    return _NOT_XML.sub("\ufffd", text).translate(_MARKS)


def _value(value: Any) -> str:
    return _xml(value) if isinstance(value, str) else str(value).lower()


_SHAPES = {"note": "box", "canvas": "component", "attachment": "note", "dangling": "plaintext"}


def _dot(made: "Graph") -> str:
    lines = ["digraph vault {"]
    for name, data in made.nodes(data=True):
        lines.append(
            f"  {_quoted(name)} [label={_quoted(data['label'])}, shape={_SHAPES[data['kind']]}];"
        )
    for source, goal, data in made.edges(data=True):
        style = ", style=dashed" if data["embed"] else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(goal)} [line={data['line']}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


_WRITERS: Mapping[str, Callable[["Graph"], str]] = {
    "json": _json,
    "graphml": _graphml,
    "gexf": _gexf,
    "dot": _dot,
}

FORMATS = tuple(_WRITERS)
"""The formats a graph can be exported in."""
