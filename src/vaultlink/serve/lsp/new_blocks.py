"""The blocks of a note to which a link can lead, with an id or without."""

from typing import NamedTuple

from vaultlink.model import Edit, Note, Owner
from vaultlink.parse.blocks import read_blocks
from vaultlink.parse.brackets import SpanSet
from vaultlink.parse.lines import split_lines
from vaultlink.parse.note import parse_note
from vaultlink.parse.properties import frontmatter_span
from vaultlink.text import blake2b, find_line_span, lazy_pattern, line_starts

_MARKS = lazy_pattern(r"(?:[-*+>]|\d{1,9}[.)]|\[.\]|#{1,6})[ \t]+|>")
"""Marks of lists, quotes, tasks and headings before the text of a block."""


class Block(NamedTuple):
    """A block of a note.

    `id` has no caret, and `text` is that of the first line, without marks. `start` is the offset of
    that line, in code points; `end` is behind the text, where a new id is added. `is_new` is True
    if the note does not contain the id yet.
    """

    id: str
    text: str
    start: int
    end: int
    is_new: bool = False

    def make_edit(self, path: str) -> Edit:
        """Return the edit that adds the id to the note."""
        return Edit(path, self.end, self.end, f" ^{self.id}")


def list_blocks(note: Note, text: str) -> list[Block]:
    """Return the blocks of a note that have an id."""
    starts = line_starts(text)
    return [
        Block(
            item.id,
            _read_line(text, starts[item.block_line - 1]),
            starts[item.block_line - 1],
            item.end,
        )
        for item in note.blocks
    ]


def list_new_blocks(note: Note, text: str) -> list[Block]:
    """Return the blocks of a note that have no id, each with a new one.

    They are paragraphs and list items. All new ids are tried at once, in one text: those that the
    parser reads as ids of a block are returned.
    """
    found = {}
    names = {item.id.lower() for item in note.blocks}
    for end, words in _list_ends(note, text):
        name = _make_id(words, names)
        names.add(name)
        found[name] = end
    parts, at = [], 0
    for name, end in found.items():
        parts += [text[at:end], f" ^{name}"]
        at = end
    tried = parse_note(note.path, "".join([*parts, text[at:]]))
    taken = {item.block_line for item in note.blocks}
    read = {item.block_line: item for item in tried.blocks if item.block_line not in taken}
    starts = line_starts(text)
    return [
        Block(item.id, _read_line(text, starts[line - 1]), starts[line - 1], found[item.id], True)
        for line, item in read.items()
        if item.id in found
    ]


def _list_ends(note: Note, text: str) -> list[tuple[int, str]]:
    """Return the ends of paragraphs and list items, in order, with their texts."""
    span = frontmatter_span(text)
    headings = {item.start for item in note.headings}
    managed = SpanSet(
        (item.start, item.end) for item in note.sections if item.owner is not Owner.AUTHOR
    )
    ends = dict[int, str]()
    for run in read_blocks(split_lines(text, span[2] if span else 0)).runs:
        words = run.text.rstrip()
        if words and not run.in_table_cell and run.source_offset(0) not in headings:
            end = run.source_end(len(words))
            rest = text[end : find_line_span(text, end, end)[1]]
            if not managed.covers(end - 1) and not rest.strip():
                ends[end] = words
    return sorted(ends.items())


def _make_id(words: str, names: set[str]) -> str:
    """Return an id for a text, the same one each time, which is not in `names`."""
    number = 0
    while True:
        key = f"{number}{words}" if number else words
        name = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
        if name not in names:
            return name
        number += 1


def _read_line(text: str, start: int) -> str:
    """Return the text of a line without marks and without an id at its end."""
    line = text[start : find_line_span(text, start, start)[1]].strip()
    while mark := _MARKS.match(line):
        line = line[mark.end() :].lstrip()
    return _ID.sub("", line)


_ID = lazy_pattern(r"(?:^|[ \t])\^[A-Za-z0-9-]+$")
