"""Parse the frontmatter: its span, its properties with positions, links and tags."""

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from vaultlink.model import PropertyValue
from vaultlink.text import lazy_pattern

if TYPE_CHECKING:
    from vaultlink.parse.yaml_problems import ParserError, YamlProblem

# -- parse YAML into values with positions ---------------------------------------------------------
# PyYAML composes the nodes; the core types of YAML 1.2 give the values. The time is linear in the
# text for any input: deep nesting and multiplying aliases are rejected.


_CORE_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = lazy_pattern(r"[-+]?[0-9]{1,4000}")
_OCTAL = lazy_pattern(r"0o([0-7]{1,1000})")
_HEX = lazy_pattern(r"0x([0-9a-fA-F]{1,1000})")
_FLOAT = lazy_pattern(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DEEP_NESTING = lazy_pattern(r"(?:[-?:][ \t]+){40}|^ {200}", re.M)
_TEMPLATE_VALUE = lazy_pattern(
    r"^([ \t]*(?:- +)?(?!- )[^\s#'\"{\[][^\n:]*:[ \t]+|[ \t]*- +)"
    r"(\{\{[^\n{}]*\}\}(?:[^\n]*[^ \t\n])?)[ \t]*$",
    re.M,
)
_BRACKET = lazy_pattern(r"[\[\]{}]")
_MAX_DEPTH = 60
_MAX_NODES = 50_000


class YamlNode(NamedTuple):
    """A value with its span, and key, span of the key and node of each child.

    The keys of a list are its indexes.
    """

    value: Any
    start: int
    end: int
    items: "tuple[tuple[str, tuple[int, int], YamlNode], ...]" = ()


class _RefusedError(Exception):
    """The YAML would take too much time or memory."""


def parse_plain_scalar(text: str) -> Any:
    """Return the value of an unquoted scalar in YAML 1.2's core schema, or its text."""
    if text in _CORE_CONSTANTS:
        return _CORE_CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return _to_number(int(text))
    octal, hexadecimal = _OCTAL.fullmatch(text), _HEX.fullmatch(text)
    if octal or hexadecimal:
        return _to_number(int(octal[1], 8) if octal else int(text, 16))
    return float(text) if _FLOAT.fullmatch(text) else text


def _is_deep(text: str) -> bool:
    """Return True if a text is nested more deeply than the parser supports."""
    if _DEEP_NESTING.search(text):
        return True
    depth = 0
    if text.count("[") + text.count("{") > _MAX_DEPTH:
        for mark in _BRACKET.finditer(text):
            depth = depth + 1 if mark[0] in "[{" else max(depth - 1, 0)
            if depth > _MAX_DEPTH:
                return True
    return False


def _to_number(value: int) -> int | float:
    """Return an integer as JavaScript stores it: exact up to 2^53, otherwise a float."""
    if abs(value) <= 1 << 53:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def compose_yaml(text: str) -> "YamlNode | YamlProblem | None":
    """Return the root node of a YAML document; None for an empty one."""
    if _is_deep(text):
        return _explain("it is nested too deeply")
    import yaml  # noqa: PLC0415 - most frontmatter does not need it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(_mask_templates(text), Loader=loader)
        if root is None:
            return None
        if isinstance(root, yaml.MappingNode):
            return _NodeReader(text).read(root)
    except _RefusedError as refusal:
        return _explain(str(refusal))
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        return _explain(failure, text)
    return _explain(None, text)


def _explain(failure: Exception | str | None, text: str = "") -> "YamlProblem":
    """Return the cause of a failure; None stands for a text that is no mapping."""
    from vaultlink.parse.yaml_problems import YamlProblem, explain_error  # noqa: PLC0415 - only for invalid frontmatter

    if isinstance(failure, str):
        return YamlProblem(failure, 0)
    return explain_error(text, _read_error(failure), _find_error)


def _find_error(text: str) -> "ParserError | None":
    """Return the parser's error for a text; None if it is a mapping or empty."""
    import yaml  # noqa: PLC0415 - only for invalid frontmatter

    try:
        root = yaml.compose(
            _mask_templates(text), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        return _read_error(failure)
    is_valid = root is None or isinstance(root, yaml.MappingNode)
    return None if is_valid else _read_error(None)


def _read_error(failure: Exception | None) -> "ParserError":
    """Return the words and offsets of an exception of PyYAML."""
    from vaultlink.parse.yaml_problems import ParserError  # noqa: PLC0415 - as above

    if failure is None:
        return ParserError("", (0,))
    marks = [getattr(failure, name, None) for name in ("problem_mark", "context_mark")]
    offsets = [mark.index for mark in marks if mark] or [getattr(failure, "position", None) or 0]
    return ParserError(str(failure), tuple(offsets))


def _mask_templates(text: str) -> str:
    """Replace values such as `{{date}} x`, texts for Obsidian (P2), by letters."""
    if "{{" not in text:
        return text
    return _TEMPLATE_VALUE.sub(lambda match: match[1] + "x" * len(match[2]), text)


class _NodeReader:
    """Convert PyYAML's nodes, and count the results, which aliases can multiply."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes_left = _MAX_NODES
        self._open_nodes: set[int] = set()

    def read(self, node: Any) -> YamlNode:
        """Convert a node and its children; refuse recursive or exploding aliases."""
        self._nodes_left -= 1
        if self._nodes_left < 0:
            raise _RefusedError("its YAML aliases expand to too many values")
        if id(node) in self._open_nodes:
            raise _RefusedError("a YAML alias contains itself")
        start, end = node.start_mark.index, node.end_mark.index
        if node.id == "scalar":
            return YamlNode(self._scalar_value(node, start, end), start, end)
        self._open_nodes.add(id(node))
        if node.id == "sequence":
            items = [
                (str(index), (0, 0), self.read(child)) for index, child in enumerate(node.value)
            ]
            value: Any = [child.value for _, _, child in items]
        else:
            items = [
                (_key_text(key), (key.start_mark.index, key.end_mark.index), self.read(child))
                for key, child in node.value
            ]
            value = {key: child.value for key, _, child in items}
        self._open_nodes.discard(id(node))
        return YamlNode(value, start, end, tuple(items))

    def _scalar_value(self, node: Any, start: int, end: int) -> Any:
        if node.style:  # for plain scalars "" in the C loader, None in the Python one
            return node.value
        if self._text.startswith("{{", start):
            return self._text[start:end]
        return parse_plain_scalar(node.value) if node.value else None


def _key_text(node: Any) -> str:
    """Return a key as text; `{…}` if a template's braces parse as a mapping."""
    return str(node.value) if node.id == "scalar" else "{…}"


# -- parse the frontmatter: its span, its properties with positions, links and tags ----------------
# Most frontmatter consists of lines with a key and a plain value or a list of them, and is parsed
# by a small strict grammar. PyYAML parses the rest into nodes, with the types of YAML 1.2: dates,
# `yes` and `on` remain text, as in Obsidian. Invalid YAML is recorded as a problem, not raised.


_OPENING = lazy_pattern(r"---(?:\r?\n)")
_CLOSING = lazy_pattern(r"\n---[ \t]*(?:\r?\n|\Z)")
_QUOTED = r"""(?:"([^"\\\n]*)"|'([^'\n]*)'"""
_PLAIN_START = r"""(?:[^\s\-?:,\[\]{}#&*!|>'"%@`]|-(?=[^\s,\[\]{}#:]))"""
_SIMPLE_LINE = lazy_pattern(
    r"([A-Za-z_][A-Za-z0-9_-]*):"
    rf"(?:[ ]+{_QUOTED}|({_PLAIN_START}[^\n\t]*)|(\[[^\n\t]*\])))?[ ]*$"
)
_LIST_ITEM = lazy_pattern(rf"([ ]{{0,20}})-(?:[ ]+{_QUOTED}|({_PLAIN_START}[^\n\t]*)))?[ ]*$")
_FLOW_ITEM = lazy_pattern(rf"([ ]*){_QUOTED}|({_PLAIN_START}[^\n\t,:#\[\]{{}}]*))[ ]*(?:,|\]\Z)")
_PLAIN, _FLOW_LIST = 4, 5
"""Groups of these patterns. Groups 2 and 3 are quoted values."""

_MAX_ITEMS = 1_000
"""Items of a list that the small grammar reads; PyYAML reads longer ones up to its limit."""


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


def body_start(text: str) -> int:
    """Return the offset of the text below the properties."""
    span = frontmatter_span(text)
    return span[2] if span else 0


def read_properties(text: str, start: int, end: int) -> Frontmatter:
    """Parse the properties between the offsets `start` and `end` of a note's text."""
    block = text[start:end]
    if "\r" not in block:
        simple = _read_simple(block, start)
        if simple:
            return simple
    return _read_yaml(block, start)


class _SimpleList(NamedTuple):
    """The values of a list with their spans, without quotes, and its own span."""

    items: list[tuple[PropertyValue, int, int]]
    start: int
    end: int


def _read_simple(block: str, offset: int) -> Frontmatter | None:
    """Parse lines of a key and a plain value or list of them; None for others."""
    found, keys = Frontmatter(), set()
    lines = block.splitlines(keepends=True)[::-1]
    while lines:
        line = lines.pop()
        match = _SIMPLE_LINE.match(line.rstrip("\n"))
        if not match or match[1] in keys:
            return None
        key, group, end = match[1], match.lastindex, offset + len(line)
        keys.add(key)
        if group == _FLOW_LIST or (group == 1 and lines and lines[-1][0] in " -"):
            listed = _read_block_list(lines, end) if group == 1 else _read_flow_list(match, offset)
            if listed is None or not block.replace("\n", "").isprintable():
                return None
            values = [value for value, _, _ in listed.items]
            found.scalars += [
                TextScalar(f"{key}.{number}", *item)
                for number, item in enumerate(listed.items)
                if isinstance(item[0], str)
            ]
            place = (listed.start, listed.end)
            found.properties.append(
                FrontmatterProperty(key, values, offset, offset + len(key), *place)
            )
            offset = max(end, listed.end)
            continue
        scalar = _read_scalar(match, offset)
        if scalar is None:
            return None
        value, start, stop = scalar
        quote = group in (2, 3)
        found.properties.append(
            FrontmatterProperty(key, value, offset, offset + len(key), start - quote, stop + quote)
        )
        if isinstance(value, str):
            found.scalars.append(TextScalar(key, value, start, stop))
        offset = end
    return found if keys else None


def _read_scalar(match: re.Match[str], offset: int) -> tuple[PropertyValue, int, int] | None:
    """Return a plain or quoted value and its span without quotes."""
    group = match.lastindex or 1
    if group == 1:
        return None, offset + match.end(), offset + match.end()
    start, stop = match.span(group)
    if group != _PLAIN:
        return match[group], offset + start, offset + stop
    text = match[group].rstrip(" ")
    if ": " in text or " #" in text or text[-1] == ":":
        return None
    return parse_plain_scalar(text), offset + start, offset + start + len(text)


def _read_flow_list(key: re.Match[str], offset: int) -> _SimpleList | None:
    text, (start, end) = key[_FLOW_LIST], key.span(_FLOW_LIST)
    listed = _SimpleList([], offset + start, offset + end)
    at = 1 if text[1:-1].strip(" ") else len(text)
    while at < len(text):
        match = _FLOW_ITEM.match(text, at)
        item = _read_scalar(match, offset + start) if match else None
        if match is None or item is None or len(listed.items) == _MAX_ITEMS:
            return None
        listed.items.append(item)
        at = match.end()
    return listed if text[-2] != "," else None


def _read_block_list(lines: list[str], offset: int) -> _SimpleList | None:
    """Parse a list, and take its lines off the end of `lines`."""
    items, indent, end = list[tuple[PropertyValue, int, int]](), None, offset
    while lines and lines[-1][0] in " -":
        line = lines.pop()
        match = _LIST_ITEM.match(line.rstrip("\n"))
        item = _read_scalar(match, end) if match else None
        if match is None or item is None or len(items) == _MAX_ITEMS:
            return None
        if indent not in (None, match[1]):
            return None
        items.append(item)
        indent = match[1]
        end += len(line)
    return _SimpleList(items, offset + len(indent or ""), end)


def _read_yaml(block: str, offset: int) -> Frontmatter:
    found = Frontmatter()
    root = compose_yaml(block)
    if root is None:
        return found
    if not isinstance(root, YamlNode):
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
