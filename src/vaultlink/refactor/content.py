"""Compare what notes contain before and after text goes from one to another."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from vaultlink.model import Note, SourceSpan

Contents = Mapping[str, Sequence[object]]
"""Kind of item, for messages, to descriptions of the items in order."""


def describe_contents(note: Note, includes: Callable[[SourceSpan], bool]) -> Contents:
    """Return the items of a note that a condition holds for, without their places."""
    return {
        "heading": [(item.level, item.text) for item in note.headings if includes(item)],
        "block id": [item.id for item in note.blocks if includes(item)],
        "link": [(item.raw, item.in_comment) for item in note.links if includes(item)],
        "tag": [item.name for item in note.tags if includes(item)],
        "suppression": [(item.action, item.rules) for item in note.directives if includes(item)],
    }


def list_changed_kinds(before: Contents, after: Contents) -> Iterator[str]:
    """Yield the kinds of items that differ, for messages."""
    return (kind for kind, items in before.items() if items != after[kind])


def count_open_blocks(notes: Iterable[Note]) -> Counter[str]:
    """Count the blocks of notes that hide text because nothing closes them, by kind."""
    return Counter(
        item.kind for note in notes for item in note.problems if item.kind.startswith("unclosed-")
    )
