"""Parse a canvas: its file cards, and the links in its text cards (section 8)."""

import json
import re
from typing import Any

from vaultlink.model import Link, LinkKind, Note, ParseProblem, Place


def parse_canvas_cards(text: str) -> list[dict[str, Any]] | str:
    """Return the cards of a canvas, or the reason why its text is invalid."""
    if not text.strip():
        return []
    try:
        canvas = json.loads(text)
    except (ValueError, RecursionError):
        return "it is not valid JSON"
    nodes = canvas.get("nodes", []) if isinstance(canvas, dict) else None
    if not isinstance(nodes, list):
        return "it has no list of cards"
    cards = [node for node in nodes if isinstance(node, dict)]
    return (
        [_replace_surrogates(card) for card in cards] if _SURROGATE_ESCAPE.search(text) else cards
    )


_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def _replace_surrogates(card: dict[str, Any]) -> dict[str, Any]:
    """Replace lone surrogates in the texts of a card.

    JSON can contain them, but no file name does, and they cannot be printed.
    """
    return {
        key: _SURROGATES.sub("\ufffd", value) if isinstance(value, str) else value
        for key, value in card.items()
    }


def file_link(card: dict[str, Any], spot: tuple[int, int, int, int]) -> Link | None:
    """Return the link of a file card; None for other cards.

    The target is a path from the vault's root; the card has a separate subpath.
    """
    file, subpath = card.get("file"), card.get("subpath")
    if card.get("type") != "file" or not isinstance(file, str) or not file:
        return None
    subpath = subpath if isinstance(subpath, str) and subpath.strip("#") else ""
    return Link(
        *spot,
        file,
        file.removeprefix("/"),
        subpath,
        None,
        LinkKind.WIKILINK,
        False,
        Place.CANVAS,
        "",
        False,
    )


def unreadable_canvas(path: str, problem: str) -> Note:
    """Return an invalid canvas as a note without links."""
    return Note(path, problems=(ParseProblem(0, 0, 1, 1, "invalid-canvas", problem),))
