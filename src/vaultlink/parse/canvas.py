"""Parse a canvas: its cards, their links, and the strings of its JSON text."""

import json
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined] # the decoder that json.loads uses
from typing import Any, NamedTuple

from vaultlink.model import Link, LinkKind, Note, ParseProblem, Place
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.lines import split_lines
from vaultlink.parse.note_builder import NoteBuilder
from vaultlink.text import lazy_pattern, line_and_column, line_starts

# -- find the strings of a JSON text with their places, and encode new ones ------------------------


JsonPath = tuple[str | int, ...]
"""The keys and the 0-based indexes that lead to a value."""

_MARK = lazy_pattern(r"[\"\[\]{},]")
_ESCAPE = lazy_pattern(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)"
)
_ESCAPED_LETTER = lazy_pattern(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])")
_ESCAPED_SLASH = lazy_pattern(r"(?<!\\)(?:\\\\)*\\/")
_SURROGATE = lazy_pattern("[\ud800-\udfff]")


class JsonString(NamedTuple):
    """A string that is a value, not a key, and its span inside the quotes."""

    path: JsonPath
    start: int
    end: int
    value: str


def find_json_strings(text: str, max_depth: int) -> Iterator[JsonString]:
    """Yield the strings of a JSON text, in order.

    Takes linear time and no recursion. If an object repeats a key, the last value counts, as
    for `json.loads`; the strings of all of them are returned. Strings in more containers than
    `max_depth` are not.
    """
    path: list[str | int] = []
    at, is_key = 0, False
    while mark := _MARK.search(text, at):
        at = mark.end()
        char = mark[0]
        if char == '"':
            start = at
            value, at = scanstring(text, at)
            if is_key:
                path[-1], is_key = value, False
            elif len(path) <= max_depth:
                yield JsonString(tuple(path), start, at - 1, value)
        elif char == "{":
            path.append("")
            is_key = True
        elif char == "[":
            path.append(0)
        elif char == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
            else:
                is_key = True
        else:
            path.pop()
            is_key = False


class JsonOffsets:
    """Map offsets of a decoded string to offsets of the JSON text."""

    def __init__(self, text: str, string: JsonString):
        self._start = string.start
        self._behind: list[int] = []  # the decoded offset behind each escape
        self._growth = [0]  # the characters that the escapes before that offset add
        growth = 0
        if text.find("\\", string.start, string.end) == -1:
            return
        for escape in _ESCAPE.finditer(text, string.start, string.end):
            self._behind.append(escape.start() - string.start - growth + 1)
            growth += len(escape[0]) - 1
            self._growth.append(growth)

    def map_offset(self, offset: int) -> int:
        """Return the offset in the JSON text at which a decoded character starts.

        The length of the string maps to the closing quote.
        """
        return self._start + offset + self._growth[bisect_right(self._behind, offset)]


class JsonStyle(NamedTuple):
    """The characters, other letters than ASCII and slashes, escaped without need."""

    letters: bool
    slashes: bool


def detect_json_style(text: str) -> JsonStyle:
    return JsonStyle(
        text.isascii() and _ESCAPED_LETTER.search(text) is not None,
        _ESCAPED_SLASH.search(text) is not None,
    )


def encode_json_text(text: str, style: JsonStyle) -> str:
    """Return a text as a part of a JSON string. Lone surrogates are always escaped."""
    encoded = json.dumps(text, ensure_ascii=style.letters)[1:-1]
    if style.slashes:
        encoded = encoded.replace("/", "\\/")
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", encoded)


# -- parse a canvas: its file cards, and the links in its text cards (section 8) -------------------


class CanvasCard(NamedTuple):
    """A card of a canvas: its 0-based number among the nodes, and its values."""

    number: int
    values: dict[str, Any]


class CanvasLink(NamedTuple):
    """A link of a canvas, as `parse_canvas` returns it.

    `inner` is the link at its place in the text of a text card, as a link of a note's body;
    None for a file card.
    """

    card: CanvasCard
    link: Link
    inner: Link | None


def parse_canvas(path: str, text: str) -> Note:
    """Parse a canvas as a source of links. Never fails.

    Each link has the position of its card's identifier in the file, as far as the JSON text shows
    it.
    """
    cards = parse_canvas_cards(text)
    if isinstance(cards, str):
        return Note(path, problems=(ParseProblem(0, 0, 1, 1, "invalid-canvas", cards),))
    return Note(path, links=tuple([found.link for found in find_canvas_links(text, cards)]))


def find_canvas_links(text: str, cards: list[CanvasCard]) -> Iterator[CanvasLink]:
    starts = line_starts(text)
    at = 0
    for card in cards:
        values = card.values
        card_id = values.get("id")
        at = max(text.find(f'"{card_id}"', at) if isinstance(card_id, str) else at, at)
        spot = (at, at + 1, *line_and_column(starts, at))
        link = _file_link(values, spot)
        if link:
            yield CanvasLink(card, link, None)
        elif values.get("type") == "text" and isinstance(values.get("text"), str):
            for inner in parse_card_text(values["text"]).links:
                yield CanvasLink(card, _move_to_card(inner, spot), inner)


def parse_card_text(text: str) -> NoteBuilder:
    """Return the links and tags of a text card, which is parsed like a note's body."""
    found = NoteBuilder(text)
    blocks = read_blocks(split_lines(text, 0))
    for run in blocks.runs:
        found.add_run(run)
    if blocks.beside_tables:
        found.mark_links_beside_tables(blocks.beside_tables)
    return found


def _move_to_card(link: Link, spot: tuple[int, int, int, int]) -> Link:
    return Link(
        *spot,
        raw=link.raw,
        target=link.target,
        subpath=link.subpath,
        display=link.display,
        kind=link.kind,
        embed=link.embed,
        place=Place.CANVAS,
        external=link.external,
    )


def parse_canvas_cards(text: str) -> list[CanvasCard] | str:
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
    has_surrogates = _SURROGATE_ESCAPE.search(text) is not None
    return [
        CanvasCard(number, _replace_surrogates(node) if has_surrogates else node)
        for number, node in enumerate(nodes)
        if isinstance(node, dict)
    ]


_SURROGATE_ESCAPE = lazy_pattern(r"\\u[dD][89a-fA-F]")
_SURROGATES = lazy_pattern("[\ud800-\udfff]")


def _replace_surrogates(card: dict[str, Any]) -> dict[str, Any]:
    """Replace lone surrogates, which JSON allows, but file names and printing do not."""
    return {
        key: _SURROGATES.sub("\ufffd", value) if isinstance(value, str) else value
        for key, value in card.items()
    }


def _file_link(card: dict[str, Any], spot: tuple[int, int, int, int]) -> Link | None:
    """Return the link of a file card, a path from the vault's root, or None."""
    file, subpath = card.get("file"), card.get("subpath")
    if card.get("type") != "file" or not isinstance(file, str) or not file:
        return None
    subpath = subpath if isinstance(subpath, str) and subpath.strip("#") else ""
    return Link(
        *spot,
        raw=file,
        target=file.removeprefix("/"),
        subpath=subpath,
        display=None,
        kind=LinkKind.WIKILINK,
        embed=False,
        place=Place.CANVAS,
    )
