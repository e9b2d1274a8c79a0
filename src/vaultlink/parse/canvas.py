"""A canvas as a source of links: its file cards, and the links in its text cards (specification, section 8)."""

import json
from typing import Any

from vaultlink.model import Kind, Link, Note, Place, Trouble


def canvas_cards(text: str) -> list[dict[str, Any]] | str:
    """The cards of a canvas, or what is wrong with its text."""
    if not text.strip():
        return []
    try:
        canvas = json.loads(text)
    except (ValueError, RecursionError):
        return "it is no JSON"
    nodes = canvas.get("nodes", []) if isinstance(canvas, dict) else None
    if not isinstance(nodes, list):
        return "it holds no list of cards"
    return [node for node in nodes if isinstance(node, dict)]


def file_link(card: dict[str, Any], spot: tuple[int, int, int, int]) -> Link | None:
    """The link of a file card: a path from the vault's root, with a subpath of its own."""
    file, subpath = card.get("file"), card.get("subpath")
    if card.get("type") != "file" or not isinstance(file, str) or not file:
        return None
    subpath = subpath if isinstance(subpath, str) and subpath.strip("#") else ""
    return Link(*spot, file, file.removeprefix("/"), subpath, None, Kind.WIKILINK, False, Place.CANVAS, "", False)


def unreadable_canvas(path: str, problem: str) -> Note:
    """A canvas that can't be read, as a source without links."""
    return Note(path, troubles=(Trouble(0, 0, 1, 1, "invalid-canvas", problem),))
