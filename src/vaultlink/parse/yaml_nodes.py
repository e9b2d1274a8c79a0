"""Parse YAML into values with positions.

PyYAML composes the nodes; the core types of YAML 1.2 give the values. The time is linear in the
text for any input: deep nesting and multiplying aliases are rejected.
"""

import math
import re
from typing import Any, NamedTuple

from vaultlink.parse.yaml_problems import ParserError, YamlProblem, explain_error
from vaultlink.text import lazy_pattern

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
    r"^([ \t]*(?:- +)?[^\s#'\"{\[][^\n:]*:[ \t]+|[ \t]*- +)"
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


def compose_yaml(text: str) -> YamlNode | YamlProblem | None:
    """Return the root node of a YAML document; None for an empty one."""
    if _is_deep(text):
        return YamlProblem("it is nested too deeply", 0)
    import yaml  # noqa: PLC0415 - most frontmatter does not need it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    masked = _mask_templates(text)
    try:
        root = yaml.compose(masked, Loader=loader)
        if root is not None and not isinstance(root, yaml.MappingNode):
            error = ParserError("", (0,))
        else:
            return None if root is None else _NodeReader(text).read(root)
    except _RefusedError as refusal:
        return YamlProblem(str(refusal), 0)
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        error = _read_error(failure)
    return explain_error(text, error, _find_error)


def _find_error(text: str) -> ParserError | None:
    """Return the parser's error for a text; None if it is a mapping or empty."""
    import yaml  # noqa: PLC0415 - only for invalid frontmatter

    try:
        root = yaml.compose(
            _mask_templates(text), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except (yaml.YAMLError, ValueError, RecursionError) as failure:
        return _read_error(failure)
    is_valid = root is None or isinstance(root, yaml.MappingNode)
    return None if is_valid else ParserError("", (0,))


def _read_error(failure: Exception) -> ParserError:
    """Return the words and offsets of an exception of PyYAML."""
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
