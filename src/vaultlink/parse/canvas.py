"""Parse a canvas: its file cards, and the links in its text cards (section 8)."""

import json
from typing import Any

from vaultlink.model import Link, LinkKind, Note, ParseProblem, Place
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.lines import split_lines
from vaultlink.parse.note_builder import NoteBuilder
from vaultlink.text import lazy_pattern, line_and_column, line_starts


def parse_canvas(path: str, text: str) -> Note:
    """Parse a canvas as a source of links. Never fails.

    Each link has the position of its card's identifier in the file, as far as the JSON text shows
    it.
    """
    cards = parse_canvas_cards(text)
    if isinstance(cards, str):
        return unreadable_canvas(path, cards)
    starts = line_starts(text)
    links: list[Link] = []
    at = 0
    for card in cards:
        card_id = card.get("id")
        at = max(text.find(f'"{card_id}"', at) if isinstance(card_id, str) else at, at)
        spot = (at, at + 1, *line_and_column(starts, at))
        link = file_link(card, spot)
        if link:
            links.append(link)
        elif card.get("type") == "text" and isinstance(card.get("text"), str):
            links += _parse_card_links(card["text"], spot)
    return Note(path, links=tuple(links))


def _parse_card_links(text: str, spot: tuple[int, int, int, int]) -> list[Link]:
    """Return the links of a text card, parsed like a note."""
    found = NoteBuilder(text, Place.CANVAS)
    for run in read_blocks(split_lines(text, 0)).runs:
        found.add_run(run)
    return [
        Link(
            *spot,
            link.raw,
            link.target,
            link.subpath,
            link.display,
            link.kind,
            link.embed,
            Place.CANVAS,
            "",
            link.external,
        )
        for link in found.links
    ]


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


_SURROGATE_ESCAPE = lazy_pattern(r"\\u[dD][89a-fA-F]")
_SURROGATES = lazy_pattern("[\ud800-\udfff]")


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
