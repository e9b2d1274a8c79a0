"""Compare what notes contain before and after text goes from one to another."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from vaultlink.model import Note, SourceSpan
from vaultlink.text import lazy_pattern

_DEFINITION = lazy_pattern(r"(?m)^[ \t>]*(?:[-*+][ \t]+)?\[((?:[^\[\]\\\n]|\\.)+)\]:(.*)$")
_BRACKETS = lazy_pattern(r"\[((?:[^\[\]\\]|\\.)+)\](?!\()")


class NotePart(NamedTuple):
    """Part of a note: the items for which `includes` returns True."""

    note: Note
    includes: Callable[[SourceSpan], bool]


def list_changed_kinds(before: NotePart, after: NotePart) -> Iterator[str]:
    """Yield the kinds of items that differ apart from their places, for messages."""
    items = _describe_items(after)
    return (f"a {kind}" for kind, had in _describe_items(before).items() if had != items[kind])


def _describe_items(part: NotePart) -> Mapping[str, Sequence[object]]:
    note, includes = part
    return {
        "heading": [(item.level, item.text) for item in note.headings if includes(item)],
        "block id": [item.id for item in note.blocks if includes(item)],
        "link": [(item.raw, item.in_comment) for item in note.links if includes(item)],
        "tag": [item.name for item in note.tags if includes(item)],
        "suppression": [(item.action, item.rules) for item in note.directives if includes(item)],
    }


def count_open_blocks(notes: Iterable[Note]) -> Counter[str]:
    """Count the blocks of notes that hide text because nothing closes them, by kind."""
    return Counter(
        item.kind for note in notes for item in note.problems if item.kind.startswith("unclosed-")
    )


# -- footnotes and reference definitions ---------------------------------------------------------


def _list_definitions(text: str) -> dict[str, str]:
    """Return the labels that a text defines, each with the rest of the first line.

    The label of a footnote starts with a caret. Case and runs of spaces do not count.
    """
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(text):
        found.setdefault(_label_key(match[1]), match[2].strip())
    return found


def _list_uses(text: str) -> Iterator[str]:
    """Yield the labels in brackets in a text, whether or not they are defined."""
    definitions = {match.start(1) for match in _DEFINITION.finditer(text)}
    for match in _BRACKETS.finditer(text):
        if match.start(1) not in definitions:
            yield _label_key(match[1])


def find_cut_labels(one: str, other: str) -> list[str]:
    """Return the labels that one part of a text defines and the other one uses."""
    found: set[str] = set()
    for defining, using in ((one, other), (other, one)):
        labels = _list_definitions(defining).keys()
        found |= labels & set(_list_uses(using)) if labels else set()
    return sorted(found)


def find_common_labels(one: str, other: str) -> list[str]:
    """Return the labels of two texts that would have another meaning in one text."""
    first, second = _list_definitions(one), _list_definitions(other)
    found = {label for label in first.keys() & second.keys() if first[label] != second[label]}
    found |= (first.keys() - second.keys()) & set(_list_uses(other)) if first else set()
    found |= (second.keys() - first.keys()) & set(_list_uses(one)) if second else set()
    return sorted(found)


def _label_key(label: str) -> str:
    return " ".join(label.split()).casefold()
