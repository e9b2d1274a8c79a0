"""Checks of the parts of a note: headings, block ids, name and text."""

from collections.abc import Iterator

from vaultlink.index.anchors import heading_key
from vaultlink.index.index import link_name
from vaultlink.index.resolve import file_name, is_note, name_key, normalize_name
from vaultlink.model import Note, SourceSpan
from vaultlink.rules.context import Context, Finding

_FILE_START = SourceSpan(0, 0, 1, 1)


def duplicate_block_id(note: Note, _context: Context) -> Iterator[Finding]:
    """Report block ids that another block of the note has too."""
    first: dict[str, int] = {}
    for block in note.blocks:
        line = first.setdefault(block.id.lower(), block.line)
        if line != block.line:
            yield Finding(block, {"block": block.id, "line": line})


def duplicate_heading(note: Note, context: Context) -> Iterator[Finding]:
    """Report headings that links can't tell from an earlier heading."""
    by_parent = context.options["within"] == "parent"
    above: list[tuple[int, str]] = []
    first: dict[tuple[str, ...], int] = {}
    for heading in note.headings:
        key = heading_key(heading.text)
        while above and above[-1][0] >= heading.level:
            above.pop()
        place = (*(name for _, name in above), key) if by_parent else (key,)
        line = first.setdefault(place, heading.line)
        if key and line != heading.line:
            yield Finding(heading, {"heading": heading.text, "line": line})
        above.append((heading.level, key))


def duplicate_name(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes that share their name with another note."""
    files = context.index.names.get(name_key(note.path), ())
    if len(files) > 1 and is_note(note.path):
        name = normalize_name(link_name(note.path))
        if all(normalize_name(expected) != name for expected in context.options["ignore"]):
            others = [path for path in files if path != note.path]
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            yield Finding(
                _FILE_START, {"name": link_name(note.path), "others": f"“{others[0]}”{more}"}
            )


def empty_note(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes without text."""
    enough = note.properties and context.options["allow-properties"]
    if note.blank and is_note(note.path) and not note.problems and not enough:
        yield Finding(_FILE_START, {"name": file_name(note.path)})
