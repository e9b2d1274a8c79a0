"""Find the footnotes and reference definitions that a text needs or provides."""

from collections.abc import Iterator

from vaultlink.text import lazy_pattern

_DEFINITION = lazy_pattern(r"(?m)^[ \t>]*(?:[-*+][ \t]+)?\[((?:[^\[\]\\\n]|\\.)+)\]:(.*)$")
_BRACKETS = lazy_pattern(r"\[((?:[^\[\]\\]|\\.)+)\](?!\()")


def list_definitions(text: str) -> dict[str, str]:
    """Return the labels that a text defines, each with the rest of the first line.

    The label of a footnote starts with a caret. Case and runs of spaces do not count.
    """
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(text):
        found.setdefault(_label_key(match[1]), match[2].strip())
    return found


def list_uses(text: str) -> Iterator[str]:
    """Yield the labels in brackets in a text, whether or not they are defined."""
    definitions = {match.start(1) for match in _DEFINITION.finditer(text)}
    for match in _BRACKETS.finditer(text):
        if match.start(1) not in definitions:
            yield _label_key(match[1])


def find_cut_labels(one: str, other: str) -> list[str]:
    """Return the labels that one part of a text defines and the other one uses."""
    found: set[str] = set()
    for defining, using in ((one, other), (other, one)):
        labels = list_definitions(defining).keys()
        found |= labels & set(list_uses(using)) if labels else set()
    return sorted(found)


def find_common_labels(one: str, other: str) -> list[str]:
    """Return the labels of two texts that would have another meaning in one text."""
    first, second = list_definitions(one), list_definitions(other)
    found = {label for label in first.keys() & second.keys() if first[label] != second[label]}
    found |= (first.keys() - second.keys()) & set(list_uses(other)) if first else set()
    found |= (second.keys() - first.keys()) & set(list_uses(one)) if second else set()
    return sorted(found)


def _label_key(label: str) -> str:
    return " ".join(label.split()).casefold()
