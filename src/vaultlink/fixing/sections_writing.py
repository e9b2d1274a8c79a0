"""The text of a section: a new one, and one that is there brought in step. What a person typed in it stays where it was."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from vaultlink.backlinking import (
    Difference,
    Listed,
    Named,
    Piece,
    Reading,
    Wanted,
    entry_of,
    entry_text,
    fits,
    loosely,
)
from vaultlink.fixing.sections_placing import END, begin
from vaultlink.parse.inline import read_inline
from vaultlink.parse.links import parts_of
from vaultlink.resolve import Names, resolve

_ITEM = re.compile(r"[ \t]+(?:[-*+]|\d{1,9}[.)])[ \t]")

Passages = Callable[[str], Sequence[str]]
"""The passages of a note that cite the one the section is in, each on one line."""


class Pen(NamedTuple):
    """What writing needs besides what is wanted: the names of files, the note's line end, and the passages of sources."""

    names: Names
    end: str
    passages: Passages


def written(wanted: Wanted, order: Sequence[str], said: str, pen: Pen) -> str:
    """A new section, from its begin marker to the end marker."""
    end = pen.end
    entries = (end * _gap(wanted)).join(_entry(wanted.held[path], wanted, pen) for path in order)
    return (end * 2).join((begin(said), wanted.look.heading, entries, END))


def rewritten(
    reading: Reading, found: Difference, wanted: Wanted, order: Sequence[str], pen: Pen
) -> str:
    """A section brought in step: what is right keeps its bytes, the rest is written anew, and all stands in order."""
    leading, groups = _groups(reading, wanted, pen)
    gap = _observed(reading, wanted, pen) or pen.end * _gap(wanted)
    opening = reading.pieces[0] if reading.pieces else None
    first = opening.before if opening and opening.before else pen.end * 2
    pieces = list(leading)
    for path in order:
        group = groups.get(path)
        pieces += group or [Piece("", _entry(wanted.held[path], wanted, pen), None)]
    parts = [_renamed(reading.head, wanted) if found.misnamed else reading.head]
    for place, piece in enumerate(pieces):
        own = piece.before if piece is not opening and piece.before else gap
        parts += [first if place == 0 else own, piece.text if piece.before else piece.text.lstrip()]
    return "".join([*parts, reading.tail])


def outdated(reading: Reading, wanted: Wanted, pen: Pen) -> bool:
    """Whether the passages below an entry are others by now, or are there though none are wanted."""
    for piece in reading.pieces:
        item = entry_of(piece, wanted, pen.names)
        if item and not _same(piece, item.path, wanted, pen):
            return True
    return False


def typed(reading: Reading, wanted: Wanted, pen: Pen) -> bool:
    """Whether a section holds anything that a person typed."""
    return any(piece.named is None or _below(piece, wanted, pen)[1] for piece in reading.pieces)


def _groups(
    reading: Reading, wanted: Wanted, pen: Pen
) -> tuple[list[Piece], dict[str, list[Piece]]]:
    """What was typed before the first entry that stays; and each entry that does, with what was typed behind it."""
    leading: list[Piece] = []
    groups: dict[str, list[Piece]] = {}
    current = leading
    for piece in reading.pieces:
        if piece.named is None:
            current.append(piece)
            continue
        item = entry_of(piece, wanted, pen.names)
        if item and item.path not in groups:
            groups[item.path] = current = [_kept(piece, piece.named, item, wanted, pen)]
        else:
            rest = _below(piece, wanted, pen)[1]
            current += [Piece(piece.before, rest.lstrip("\r\n"), None)] if rest else []
    return leading, groups


def _kept(piece: Piece, named: Named, item: Listed, wanted: Wanted, pen: Pen) -> Piece:
    """An entry that stays, as it is if all of it is right."""
    right = fits(named, item, wanted.look)
    if right and _same(piece, item.path, wanted, pen):
        return piece
    line = piece.text[: piece.lead] if right else entry_text(item, wanted.look)
    below = "".join(f"{pen.end}  - {passage}" for passage in _passages(item.path, wanted, pen))
    before = piece.before if right else ""
    return Piece(before, line + below + _below(piece, wanted, pen)[1], piece.named)


def _entry(item: Listed, wanted: Wanted, pen: Pen) -> str:
    lines = [
        entry_text(item, wanted.look),
        *(f"  - {passage}" for passage in _passages(item.path, wanted, pen)),
    ]
    return pen.end.join(lines)


def _passages(path: str, wanted: Wanted, pen: Pen) -> Sequence[str]:
    return pen.passages(path) if wanted.look.style == "context" else ()


def _same(piece: Piece, path: str, wanted: Wanted, pen: Pen) -> bool:
    """Whether the passages below an entry are those of its note, however they are formatted."""
    return [loosely(text) for text in _below(piece, wanted, pen)[0]] == [
        loosely(text) for text in _passages(path, wanted, pen)
    ]


def _below(piece: Piece, wanted: Wanted, pen: Pen) -> tuple[list[str], str]:
    """The passages below an entry, which are list items that link to the section's note; and the other lines as they
    stand."""
    passages: list[str] = []
    rest: list[str] = []
    for item in _items(piece.text[piece.lead :]):
        text = " ".join(line.strip() for line in item.split("\n"))
        mark = _ITEM.match(f" {text}")
        words = text[mark.end() - 1 :] if mark else text
        if mark and piece.named and _cites(words, wanted.path, pen.names):
            passages.append(words)
        else:
            rest.append(item)
    return passages, "".join(rest)


def _items(text: str) -> list[str]:
    """The indented lines below an entry, each list item with the lines that go on with it and the line end before it."""
    items: list[str] = []
    for match in re.finditer(r"\r?\n[^\r\n]*", text):
        line = match[0].lstrip("\r\n")
        if not items or not line or _ITEM.match(line):
            items.append(match[0])
        elif items[-1].strip():
            items[-1] += match[0]
        else:
            items.append(items.pop() + match[0])
    return _joined(items)


def _joined(items: list[str]) -> list[str]:
    """Blank lines go with the item behind them."""
    joined: list[str] = []
    blank = ""
    for item in items:
        if item.strip():
            joined.append(blank + item)
            blank = ""
        else:
            blank += item
    return [*joined, blank] if blank else joined


def _cites(text: str, path: str, names: Names) -> bool:
    """Whether a text, read in a note, holds a link to that very note."""
    plain = re.sub(r"\\(?=[\[\]])", "", text)
    found = [parts_of(plain, link) for link in read_inline(plain).links]
    return any(parts and parts[0] and resolve(path, parts[0], names) == path for parts in found)


def _gap(wanted: Wanted) -> int:
    """How many line ends stand between entries."""
    return 2 if wanted.look.style == "topics" else 1


def _observed(reading: Reading, wanted: Wanted, pen: Pen) -> str:
    """What stands between a section's entries; "" if there are none, or none as they should be."""
    right = []
    for piece in reading.pieces:
        item = entry_of(piece, wanted, pen.names)
        if item and piece.named and fits(piece.named, item, wanted.look):
            right.append(piece.before)
    return right[1] if len(right) > 1 else ""


def _renamed(head: str, wanted: Wanted) -> str:
    """Marker and heading, with the heading that is set."""
    marker = head[: head.find("-->") + 3]
    between = head[len(marker) :]
    blank = between[: len(between) - len(between.lstrip())]
    return marker + (blank or "\n\n") + wanted.look.heading
