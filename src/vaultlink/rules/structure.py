"""Checks of headings, block ids, note names and empty notes."""

from collections.abc import Iterator

from vaultlink.index.anchors import heading_key
from vaultlink.index.index import link_name
from vaultlink.index.resolve import file_name, is_note, name_key, normalize_name
from vaultlink.model import Note
from vaultlink.rules.context import FILE_START, Context, Finding


def duplicate_block_id(note: Note, _context: Context) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for block in note.blocks:
        line = first.setdefault(block.id.lower(), block.line)
        if line != block.line:
            yield Finding(block, {"block": block.id, "line": line})


def duplicate_heading(note: Note, context: Context) -> Iterator[Finding]:
    """Report headings that a link cannot distinguish from an earlier one.

    With the option `within = "parent"`, headings below different headings are different.
    """
    include_parents = context.options["within"] == "parent"
    parents: list[tuple[int, str]] = []
    first: dict[tuple[str, ...], int] = {}
    for heading in note.headings:
        key = heading_key(heading.text)
        while parents and parents[-1][0] >= heading.level:
            parents.pop()
        path = (*(name for _, name in parents), key) if include_parents else (key,)
        line = first.setdefault(path, heading.line)
        if key and line != heading.line:
            yield Finding(heading, {"heading": heading.text, "line": line})
        parents.append((heading.level, key))


def duplicate_name(note: Note, context: Context) -> Iterator[Finding]:
    files = context.index.names.get(name_key(note.path), ())
    if len(files) > 1 and is_note(note.path):
        name = normalize_name(link_name(note.path))
        if all(normalize_name(ignored) != name for ignored in context.options["ignore"]):
            others = [path for path in files if path != note.path]
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            yield Finding(
                FILE_START, {"name": link_name(note.path), "others": f"“{others[0]}”{more}"}
            )


def empty_note(note: Note, context: Context) -> Iterator[Finding]:
    """Report notes without text.

    With the option `allow-properties`, notes with properties are not reported.
    """
    allowed = note.properties and context.options["allow-properties"]
    if note.blank and is_note(note.path) and not note.problems and not allowed:
        yield Finding(FILE_START, {"name": file_name(note.path)})
