"""Encode a picture of the graph for the script of the page, `assets/graph.js`.

The form is JSON of columns, compressed by gzip, in base64: browsers decompress and parse it without
a library, and no text of a note can end the element that holds it.
"""

import json
from base64 import b64encode
from gzip import compress

from vaultlink.graph.picture import SIZE, GraphPicture, PictureNode

_MAX_TEXT = 240
"""Characters of a name or label. The name of a topic can be as long as a note."""
_KINDS = {"note": "n", "attachment": "a", "canvas": "c", "dangling": "d"}


def encode_picture(picture: GraphPicture) -> str:
    """Return a picture as text for an element of a page.

    The nodes are sorted by kind, folder and name, which makes the text a third shorter. Columns:

    - `names`: vault paths without their folder, and without `.md` for notes; names of topics.
    - `labels`: pairs of a node's number and its label, where that differs from its name.
    - `kinds`: one letter for each node: n(ote), a(ttachment), c(anvas) or d(angling).
    - `x`, `y`, `radius`, `incoming`, `outgoing`, `community`, `folder`: as in `PictureNode`.
    - `edges`: pairs of source and target, sorted. Instead of the source, its distance to the
      previous one; targets after the first of a source are distances too.
    """
    order = sorted(range(len(picture.nodes)), key=lambda place: _sort_key(picture.nodes[place]))
    number = {place: position for position, place in enumerate(order)}
    nodes = [picture.nodes[place] for place in order]
    names = [_short_name(node, picture.folders[node.folder]) for node in nodes]
    data = {
        "size": SIZE,
        "folders": [_cut(folder) for folder in picture.folders],
        "communities": [_cut(name) for name in picture.communities],
        "omitted": picture.omitted,
        "names": names,
        "labels": [
            [place, _cut(node.label)]
            for place, node in enumerate(nodes)
            if _cut(node.label) != names[place]
        ],
        "kinds": "".join([_KINDS[node.kind] for node in nodes]),
        **{
            column: [getattr(node, column) for node in nodes]
            for column in ("x", "y", "radius", "incoming", "outgoing", "community", "folder")
        },
        "edges": _encode_edges(sorted((number[a], number[b]) for a, b in picture.edges)),
    }
    text = json.dumps(data, separators=(",", ":"))
    return b64encode(compress(text.encode("ascii"), mtime=0)).decode("ascii")


def _sort_key(node: PictureNode) -> tuple[bool, int, str]:
    return (node.kind == "dangling", node.folder, node.name)


def _short_name(node: PictureNode, folder: str) -> str:
    if node.kind == "dangling":
        return _cut(node.name)
    name = node.name[len(folder) + 1 :] if folder else node.name
    is_plain = (
        node.kind == "note" and name.endswith(".md") and not name[:-3].lower().endswith(".md")
    )
    return name[:-3] if is_plain else name


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"


def _encode_edges(edges: list[tuple[int, int]]) -> list[int]:
    """Return pairs of numbers as distances from those before."""
    encoded, last_source, last_target = [], 0, 0
    for source, target in edges:
        if source != last_source:
            last_target = 0
        encoded += [source - last_source, target - last_target]
        last_source, last_target = source, target
    return encoded
