"""Change links of a canvas and keep every other character of its file."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vaultlink.links.edit_math import apply_edits, sort_edits
from vaultlink.links.naming import rename_link
from vaultlink.model import Edit, Link
from vaultlink.parse.canvas import (
    CanvasCard,
    CanvasLink,
    JsonOffsets,
    JsonString,
    JsonStyle,
    detect_json_style,
    encode_json_text,
    find_canvas_links,
    find_json_strings,
    parse_canvas,
    parse_canvas_cards,
)

ChangeLink = Callable[[Link], tuple[str, str] | None]
"""Returns the new target and subpath of a link; None if the link does not change."""

ChangePath = Callable[[str], str | None]
"""Returns the new vault path of a file, given the old one; None if it does not change."""

WriteLink = Callable[[str, Link, str, str], tuple[Edit, ...]]
"""Returns the edits of a link in a file, given its path, the link, its new target and subpath."""

_MAX_DEPTH = 3
"""The strings of a card are in the canvas, in its list of nodes, and in the card."""


def edit_canvas(
    path: str,
    text: str,
    change: ChangeLink,
    change_path: ChangePath | None = None,
    *,
    write: WriteLink = rename_link,
) -> tuple[Edit, ...] | None:
    """Return the edits that give links of a canvas another target or subpath.

    `change` is called with each link that `parse_canvas` returns, in order. For a file card,
    the new target is a path from the vault's root without a leading slash. `change_path` is
    called with the path of each background image of a group, which is not a link. `write` writes
    the links in text. None if a change cannot be written.
    """
    cards = parse_canvas_cards(text)
    if isinstance(cards, str):
        return ()
    links = list(find_canvas_links(text, cards))
    wanted = [(found, change(found.link)) for found in links]
    changes = [(found, new) for found, new in wanted if new and new != _destination(found.link)]
    backgrounds = list(_find_backgrounds(cards, change_path)) if change_path else []
    if not changes and not backgrounds:
        return ()
    strings = CardStrings(path, text)
    edits: list[Edit] = []
    for found, (target, subpath) in changes:
        new = (
            _edit_file_card(strings, found, target, subpath)
            if found.inner is None
            else _edit_text_card(strings, found.card, write(path, found.inner, target, subpath))
        )
        if new is None:
            return None
        edits += new
    for card, file in backgrounds:
        edits += strings.replace(card, "background", file)
    edits = sort_edits(edits)
    expected = [new or _destination(found.link) for found, new in wanted]
    after = parse_canvas(path, apply_edits(text, edits))
    is_complete = [_destination(link) for link in after.links] == expected
    return tuple(edits) if is_complete else None


def _destination(link: Link) -> tuple[str, str]:
    return link.target, link.subpath


def _find_backgrounds(
    cards: list[CanvasCard], change_path: ChangePath
) -> Iterator[tuple[CanvasCard, str]]:
    """Yield the groups with a background that changes, and its new value."""
    for card in cards:
        file = card.values.get("background")
        if card.values.get("type") == "group" and isinstance(file, str) and file:
            new = change_path(file.removeprefix("/"))
            if new is not None and new != file.removeprefix("/"):
                yield card, _keep_slash(file, new)


def _keep_slash(old: str, new: str) -> str:
    return f"/{new}" if old.startswith("/") else new


def _edit_file_card(
    strings: "CardStrings", found: CanvasLink, target: str, subpath: str
) -> list[Edit] | None:
    """Return the edits of a file card; None if it has no key for its subpath."""
    edits: list[Edit] = []
    values, link = found.card.values, found.link
    if target != link.target:
        edits += strings.replace(found.card, "file", _keep_slash(values["file"], target))
    if subpath != link.subpath:
        if not isinstance(values.get("subpath"), str):
            return None
        edits += strings.replace(found.card, "subpath", subpath)
    return edits


def _edit_text_card(
    strings: "CardStrings", card: CanvasCard, edits: tuple[Edit, ...]
) -> list[Edit] | None:
    """Return the edits of a card, given those of its text; None if there are none."""
    return strings.map_edits(card, "text", edits) if edits else None


def locate_links(path: str, text: str) -> list[tuple[int, int]]:
    """Return the spans of a canvas's links in order; of a file card, of its path."""
    cards = parse_canvas_cards(text)
    strings, found = CardStrings(path, text), []
    for item in find_canvas_links(text, cards if isinstance(cards, list) else []):
        found.append(strings.locate(item))
    return found


class CardStrings:
    """The strings of the cards of a canvas, at their places in its text."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.text = text
        self.style: JsonStyle = detect_json_style(text)
        self._strings: Mapping[Any, JsonString] = {
            string.path: string for string in find_json_strings(text, _MAX_DEPTH)
        }
        self._offsets: dict[tuple[int, str], JsonOffsets] = {}

    def locate(self, found: CanvasLink) -> tuple[int, int]:
        """Return the span of a link in the text of the canvas."""
        if found.inner is None:
            string = self._find(found.card, "file")
            return string.start, string.end
        edits = (Edit(self.path, found.inner.start, found.inner.end, ""),)
        [edit] = self.map_edits(found.card, "text", edits)
        return edit.start, edit.end

    def replace(self, card: CanvasCard, key: str, value: str) -> list[Edit]:
        """Return the edit that replaces a string of a card as a whole."""
        string = self._find(card, key)
        return [Edit(self.path, string.start, string.end, encode_json_text(value, self.style))]

    def map_edits(self, card: CanvasCard, key: str, edits: tuple[Edit, ...]) -> list[Edit]:
        """Return edits of a card's decoded string as edits of the canvas."""
        offsets = self._offsets.get((card.number, key))
        if offsets is None:
            offsets = JsonOffsets(self.text, self._find(card, key))
            self._offsets[card.number, key] = offsets
        return [
            Edit(
                self.path,
                offsets.map_offset(edit.start),
                offsets.map_offset(edit.end),
                encode_json_text(edit.text, self.style),
            )
            for edit in edits
        ]

    def _find(self, card: CanvasCard, key: str) -> JsonString:
        return self._strings["nodes", card.number, key]
