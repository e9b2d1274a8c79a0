"""Parse the frontmatter: its span, its properties with positions, links and tags.

Most frontmatter consists of plain `key: value` lines and is parsed by a small strict grammar.
PyYAML parses the rest into nodes, with the types of YAML 1.2: dates, `yes` and `on` remain text, as
in Obsidian. Invalid YAML is recorded as a problem, not raised.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from vaultlink.model import PropertyValue
from vaultlink.parse.yaml_nodes import compose_yaml, parse_plain_scalar
from vaultlink.parse.yaml_problems import YamlProblem
from vaultlink.text import lazy_pattern

_OPENING = lazy_pattern(r"---(?:\r?\n)")
_CLOSING = lazy_pattern(r"\n---[ \t]*(?:\r?\n|\Z)")
_SIMPLE_LINE = lazy_pattern(
    r"""([A-Za-z_][A-Za-z0-9_-]*):(?:[ ]+"""
    r"""(?:"([^"\\\n]*)"|'([^'\n]*)'|([^\s\-?:,\[\]{}#&*!|>'"%@`][^\n\t]*)))?[ ]*$"""
)


class TextScalar(NamedTuple):
    """A text value in the properties, without quotes; its key path as in `rel.1`."""

    key_path: str
    value: str
    start: int
    end: int


class FrontmatterProperty(NamedTuple):
    """A top-level property: key, value, span of the key, span of the value as written."""

    key: str
    value: PropertyValue
    start: int
    end: int
    value_start: int
    value_end: int


class Frontmatter(msgspec.Struct):
    """The content of the frontmatter. Offsets are those of the source.

    `scalars` are all text values, `unquoted_links` the text and span of each `[[x]]` written
    without quotes, `duplicates` key and span of each repeated key. `invalid` is the cause of a
    syntax error and the span of the wrong text.
    """

    properties: list[FrontmatterProperty] = msgspec.field(default_factory=list)
    scalars: list[TextScalar] = msgspec.field(default_factory=list)
    unquoted_links: list[tuple[str, int, int]] = msgspec.field(default_factory=list)
    duplicates: list[tuple[str, int, int]] = msgspec.field(default_factory=list)
    invalid: tuple[str, int, int] | None = None


def frontmatter_span(text: str) -> tuple[int, int, int] | None:
    """Return the span between the fences and the offset of the body (4.1 to 4.5).

    Returns None without frontmatter.
    """
    if not text.startswith("---"):
        return None
    opening = _OPENING.match(text)
    if not opening:
        return None
    start = opening.end()
    at = text.find("\n---", start - 1)
    while at != -1:
        closing = _CLOSING.match(text, at)
        if closing:
            return start, at + 1, closing.end()
        at = text.find("\n---", at + 1)
    return None


def read_properties(text: str, start: int, end: int) -> Frontmatter:
    """Parse the properties between the offsets `start` and `end` of a note's text."""
    block = text[start:end]
    if "\r" not in block:
        simple = _read_simple(block, start)
        if simple:
            return simple
    return _read_yaml(block, start)


def _read_simple(block: str, offset: int) -> Frontmatter | None:
    """Parse lines of a key and one plain or plainly quoted value; None for others."""
    found, keys = Frontmatter(), set()
    for line in block.splitlines(keepends=True):
        match = _SIMPLE_LINE.match(line.rstrip("\n"))
        if not match:
            return None
        key, group = match[1], match.lastindex or 1
        if key in keys:
            return None
        keys.add(key)
        value: PropertyValue = None
        start, stop = match.span(group) if group > 1 else (match.end(), match.end())
        if group == 4:
            text = match[4].rstrip(" ")
            stop = start + len(text)
            if ": " in text or " #" in text or text[-1] == ":":
                return None
            value = parse_plain_scalar(text)
        elif group > 1:
            value = match[group]
        quote = group in (2, 3)
        found.properties.append(
            FrontmatterProperty(
                key, value, offset, offset + len(key), offset + start - quote, offset + stop + quote
            )
        )
        if isinstance(value, str):
            found.scalars.append(TextScalar(key, value, offset + start, offset + stop))
        offset += len(line)
    return found if keys else None


def _read_yaml(block: str, offset: int) -> Frontmatter:
    found = Frontmatter()
    root = compose_yaml(block)
    if root is None:
        return found
    if isinstance(root, YamlProblem):
        start, end = offset + root.offset, offset + max(root.end, root.offset + 1)
        found.invalid = (root.problem, start, end)
        return found
    keys: set[str] = set()
    for key, (start, end), node in root.items:
        if key in keys:
            found.duplicates.append((key, offset + start, offset + end))
        keys.add(key)
        found.properties.append(
            FrontmatterProperty(
                key,
                node.value,
                offset + start,
                offset + end,
                offset + node.start,
                offset + node.end,
            )
        )
        for path, scalar in _iter_texts(node, key):
            quoted = block[scalar.start : scalar.start + 1] in ("'", '"')
            found.scalars.append(
                TextScalar(
                    path, scalar.value, offset + scalar.start + quoted, offset + scalar.end - quoted
                )
            )
        for start_of, end_of in _find_unquoted_links(node, block):
            found.unquoted_links.append(
                (block[start_of + 2 : end_of - 2], offset + start_of, offset + end_of)
            )
    return found


def _iter_texts(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every text value below a node with its key path."""
    if isinstance(node.value, str):
        yield path, node
    for key, _, child in node.items:
        yield from _iter_texts(child, f"{path}.{key}")


def _find_unquoted_links(node: Any, block: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of `[[x]]` that YAML reads as a list in a list."""
    if isinstance(node.value, list) and len(node.value) == 1 and block.startswith("[[", node.start):
        inner = node.value[0]
        if isinstance(inner, list) and len(inner) == 1 and not isinstance(inner[0], list | dict):
            yield node.start, node.end
            return
    for _, _, child in node.items:
        yield from _find_unquoted_links(child, block)
