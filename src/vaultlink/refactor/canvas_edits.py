"""Change or remove links of a canvas and keep every other character of its file.

Without its file, the card of a note becomes a text card with its name, at its place and with its
edges. The card of another file is removed with its edges, and so is the background of a group.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from json.decoder import scanstring  # type: ignore[attr-defined] # the decoder that json.loads uses
from typing import Any, NamedTuple

from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_note
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
from vaultlink.refactor.unlinking import unlink_in_text
from vaultlink.text import lazy_pattern

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
        if found.inner is None:
            new = _edit_file_card(strings, found, target, subpath)
        else:
            new = strings.map_edits(found.card, write(path, found.inner, target, subpath)) or None
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


def locate_links(path: str, text: str) -> list[tuple[int, int]]:
    """Return the spans of a canvas's links in order; of a file card, of its path."""
    cards = parse_canvas_cards(text)
    strings = CardStrings(path, text)
    found = find_canvas_links(text, cards if isinstance(cards, list) else [])
    return [strings.locate(item) for item in found]


class CardStrings:
    """The strings of the cards of a canvas, at their places in its text."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.text = text
        self.style: JsonStyle = detect_json_style(text)
        found = find_json_strings(text, _MAX_DEPTH)
        self._strings: Mapping[Any, JsonString] = {string.path: string for string in found}
        self._offsets: dict[int, JsonOffsets] = {}

    def locate(self, found: CanvasLink) -> tuple[int, int]:
        """Return the span of a link in the text of the canvas."""
        if found.inner is None:
            string = self._find(found.card, "file")
            return string.start, string.end
        edits = (Edit(self.path, found.inner.start, found.inner.end, ""),)
        [edit] = self.map_edits(found.card, edits)
        return edit.start, edit.end

    def replace(self, card: CanvasCard, key: str, value: str) -> list[Edit]:
        """Return the edit that replaces a string of a card as a whole."""
        string = self._find(card, key)
        return [Edit(self.path, string.start, string.end, encode_json_text(value, self.style))]

    def map_edits(self, card: CanvasCard, edits: tuple[Edit, ...]) -> list[Edit]:
        """Return edits of a card's decoded text as edits of the canvas."""
        if edits and card.number not in self._offsets:
            self._offsets[card.number] = JsonOffsets(self.text, self._find(card, "text"))
        return [
            Edit(
                self.path,
                self._offsets[card.number].map_offset(edit.start),
                self._offsets[card.number].map_offset(edit.end),
                encode_json_text(edit.text, self.style),
            )
            for edit in edits
        ]

    def _find(self, card: CanvasCard, key: str) -> JsonString:
        return self._strings["nodes", card.number, key]


_SPACE = lazy_pattern(r"[ \t\r\n]*")

FindGone = Callable[[Link], str | None]
"""Returns the deleted file that a link leads to; None for other links."""


class _Member(NamedTuple):
    """A key of an object with its value: the spans of both as written."""

    key: str
    start: int
    value_start: int
    end: int


def remove_canvas_links(
    path: str, text: str, find_gone: FindGone, is_gone: Callable[[str], bool]
) -> tuple[Edit, ...] | None:
    """Return the edits of a canvas; None if its JSON can't be changed safely.

    `find_gone` is called with each link that `parse_canvas` returns, in order; `is_gone` with
    the path of each background image.
    """
    cards = parse_canvas_cards(text)
    if isinstance(cards, str):
        return ()
    links = [(item, find_gone(item.link)) for item in find_canvas_links(text, cards)]
    gone = [(item, target) for item, target in links if target is not None]
    groups = [card for card in cards if _has_background(card, is_gone)]
    if not gone and not groups:
        return ()
    return _Removal(path, text).plan(gone, groups)


def _has_background(card: CanvasCard, is_gone: Callable[[str], bool]) -> bool:
    file, kind = card.values.get("background"), card.values.get("type")
    return kind == "group" and isinstance(file, str) and is_gone(file.lstrip("/"))


class _Removal:
    def __init__(self, path: str, text: str) -> None:
        self._path, self._text = path, text
        self._edits: list[Edit] = []
        self._before: dict[str, Any] = json.loads(text)
        self._expected: dict[str, Any] = json.loads(text)
        top = {item.key: item for item in _list_members(text, text.index("{"))}
        self._nodes = _list_items(text, top["nodes"].value_start)
        self._edges = _list_items(text, top["edges"].value_start) if "edges" in top else []

    def plan(
        self, gone: Sequence[tuple[CanvasLink, str]], groups: Sequence[CanvasCard]
    ) -> tuple[Edit, ...] | None:
        removed: set[int] = set()
        for item, target in gone:
            if item.inner is None and is_note(target):
                self._make_text_card(item.card.number, link_name(target))
            elif item.inner is None:
                removed.add(item.card.number)
        inner: dict[int, list[Link]] = {}
        by_number = {item.card.number: item.card for item, _ in gone}
        for item, _ in gone:
            if item.inner is not None:
                inner.setdefault(item.card.number, []).append(item.inner)
        for number, links in inner.items():
            self._unlink_card(by_number[number], links)
        for card in groups:
            self._remove_members(card.number, {"background", "backgroundStyle"})
        self._remove_cards(removed)
        edits = tuple(sort_edits(self._edits))
        try:
            after = json.loads(apply_edits(self._text, edits))
        except ValueError:
            return None
        return edits if after == self._expected else None

    def _make_text_card(self, number: int, words: str) -> None:
        style = detect_json_style(self._text)
        for item in _list_members(self._text, self._nodes[number][0]):
            if item.key == "type":
                self._edit(item.value_start, item.end, '"text"')
            elif item.key == "file":
                value = f'"{encode_json_text(words, style)}"'
                self._edit(item.start, item.start + len('"file"'), '"text"')
                self._edit(item.value_start, item.end, value)
        node = self._expected["nodes"][number]
        node.pop("file")
        node |= {"type": "text", "text": words}
        self._remove_members(number, {"subpath"})

    def _unlink_card(self, card: CanvasCard, links: Sequence[Link]) -> None:
        words = card.values["text"]
        edits = unlink_in_text(self._path, words, links)
        self._edits += CardStrings(self._path, self._text).map_edits(card, edits)
        self._expected["nodes"][card.number]["text"] = apply_edits(words, edits)

    def _remove_members(self, number: int, keys: set[str]) -> None:
        members = _list_members(self._text, self._nodes[number][0])
        removed = {at for at, item in enumerate(members) if item.key in keys}
        self._cut([(item.start, item.end) for item in members], removed)
        for key in keys:
            self._expected["nodes"][number].pop(key, None)

    def _remove_cards(self, removed: set[int]) -> None:
        self._cut(self._nodes, removed)
        nodes, edges = self._before["nodes"], self._before.get("edges", [])
        ids = {nodes[number].get("id") for number in removed} - {None}
        ends = [{edge.get("fromNode"), edge.get("toNode")} for edge in edges]
        loose = {number for number, pair in enumerate(ends) if pair & ids}
        self._cut(self._edges, loose)
        for key, numbers in (("nodes", removed), ("edges", loose)):
            if numbers:
                items = enumerate(self._expected[key])
                self._expected[key] = [item for at, item in items if at not in numbers]

    def _cut(self, spans: Sequence[tuple[int, int]], removed: set[int]) -> None:
        """Remove items of a list with their commas."""
        if len(removed) == len(spans) and spans:
            self._edit(spans[0][0], spans[-1][1], "")
            return
        first = next((at for at in range(len(spans)) if at not in removed), 0)
        if first:
            self._edit(spans[0][0], spans[first][0], "")
        for at in sorted(removed):
            if at > first:
                self._edit(spans[at - 1][1], spans[at][1], "")

    def _edit(self, start: int, end: int, new: str) -> None:
        self._edits.append(Edit(self._path, start, end, new))


def _list_members(text: str, start: int) -> list[_Member]:
    decoder, found, at = json.JSONDecoder(), list[_Member](), start + 1
    while True:
        at = _skip_space(text, at)
        if text[at] == "}":
            return found
        if text[at] == ",":
            at = _skip_space(text, at + 1)
        start = at
        key, at = scanstring(text, at + 1)
        value_start = _skip_space(text, _skip_space(text, at) + 1)
        _, at = decoder.raw_decode(text, value_start)
        found.append(_Member(key, start, value_start, at))


def _list_items(text: str, start: int) -> list[tuple[int, int]]:
    decoder, found, at = json.JSONDecoder(), list[tuple[int, int]](), start + 1
    while True:
        at = _skip_space(text, at)
        if text[at] == "]":
            return found
        if text[at] == ",":
            at = _skip_space(text, at + 1)
        _, end = decoder.raw_decode(text, at)
        found.append((at, end))
        at = end


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
