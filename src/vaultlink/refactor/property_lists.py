"""Read the properties of a note with their lines, and write lists among them."""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from vaultlink.links.rewrite import quote_in_yaml
from vaultlink.model import Note, PropertyValue
from vaultlink.parse.link_parts import parse_property_link
from vaultlink.parse.properties import frontmatter_span, parse_plain_scalar
from vaultlink.refactor.relocation import RefusedError
from vaultlink.text import lazy_pattern, quote_name

ALIAS_KEYS = ("aliases", "alias")
LIST_KEYS = (*ALIAS_KEYS, "tags", "tag", "cssclasses", "cssclass")
"""Properties that Obsidian reads as lists, also if they are one text."""

_SEPARATORS = {"tags": r"[,\s]+", "tag": r"[,\s]+"}
"""What separates the items in a text that is read as a list; a comma for other keys."""

_PLAIN_ITEM = lazy_pattern(r"[^\W_](?:[\w/ .()'&+-]*[\w.)+])?")
_KEY_LINE = lazy_pattern(r"[^:\n]+:[ \t]*\r?\n")
_ITEM_LINE = lazy_pattern(r"([ \t]*)- +(.*?)[ \t]*\r?\n")
_FLOW_LIST = lazy_pattern(r"([^:\n]+:[ \t]*\[)(.*)(\][ \t]*[\r\n]+)", re.S)
_FLOW_ITEM = lazy_pattern(
    r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,"'#\[\]{}](?:[^,"#\[\]{}\n]*[^\s,"#\[\]{}])?)\s*"""
)
SCALAR_LINE = lazy_pattern(r"([^:\n]+):[ \t]+([^\s#|>&!*\[{].*?)[ \t]*(?:\r?\n)+")


class PropertyEntry(NamedTuple):
    """A property with its lines, up to the next property."""

    key: str
    value: PropertyValue
    start: int
    line: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def written(self) -> str:
        """The value as written, on one line."""
        return " ".join(self.text.partition(":")[2].split()).removeprefix("- ")

    @property
    def comments(self) -> str:
        """The lines that are comments."""
        if isinstance(self.value, str):  # a line of a text can start with a number sign
            return ""
        lines = self.text.splitlines(keepends=True)[1:]
        return "".join([line for line in lines if line.lstrip().startswith("#")])


class PropertyBlock(NamedTuple):
    """The comments before the properties of a note, the properties, and their end.

    If they are written as JSON, `separators` are those between its items, and the lines of the
    properties are those that YAML has for them.
    """

    comments: str
    entries: tuple[PropertyEntry, ...]
    end: int
    separators: tuple[str, str] | None = None


def read_block(note: Note, text: str) -> PropertyBlock:
    """Return the properties with their lines. Raises RefusedError for other YAML."""
    span, found = frontmatter_span(text), note.properties or ()
    if span is None:
        return PropertyBlock("", (), 0)
    lines = text[span[0] : span[1]].splitlines()
    has_values = any(line.strip() and line.lstrip()[0] != "#" for line in lines)
    if not found and not has_values:
        return PropertyBlock(text[span[0] : span[1]], (), span[1])
    separators = _find_separators(text[span[0] : span[1]]) if found else None
    if separators:
        own = tuple(
            PropertyEntry(item.key, item.value, 0, item.line, f"{item.key}: {line}\n")
            for item in found
            for line in [write_json(item.value, (", ", ": "))]
        )
        return PropertyBlock("", own, span[1], separators)
    if not found or any(item.column != 1 for item in found):
        problem = f"the properties of {quote_name(note.path)} can't be merged:"
        cause = "they are not valid YAML with one property on each line"
        raise RefusedError(f"{problem} {cause}. Correct them first.")
    ends = [item.start for item in found[1:]] + [span[1]]
    entries = tuple(
        PropertyEntry(item.key, item.value, item.start, item.line, text[item.start : end])
        for item, end in zip(found, ends, strict=True)
    )
    return PropertyBlock(text[span[0] : found[0].start], entries, span[1])


def _find_separators(lines: str) -> tuple[str, str] | None:
    """Return the separators of properties that are one JSON object; None for others."""
    if not lines.startswith("{"):
        return None
    try:
        value = json.loads(lines)
    except ValueError:
        return None
    styles = ((",", ":"), (", ", ": "))
    return next((style for style in styles if write_json(value, style) == lines.strip()), None)


def write_json(value: PropertyValue, separators: tuple[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=separators)


class ListStyle(NamedTuple):
    """The form of a list: the indentation of its items, None for one in brackets."""

    indent: str | None = "  "
    quote: str = ""


class WrittenList(NamedTuple):
    """The items of a list as written, and the text before and behind them.

    `spans` are those of the items in the text between; of a list in lines, the lines.
    """

    head: str
    inner: str
    tail: str
    items: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    style: ListStyle


def read_list(entry: PropertyEntry) -> WrittenList | None:
    """Return a list of plain items; None for others, and for one with comments."""
    if not isinstance(entry.value, list):
        return None
    key = _KEY_LINE.match(entry.text)
    found = _read_lines(entry.text, key.end()) if key else _read_flow(entry.text)
    return found if found and len(found.items) == len(entry.value) else None


def _read_lines(text: str, start: int) -> WrittenList | None:
    end = start + len(text[start:].rstrip())
    end = text.find("\n", end) + 1 or len(text)
    matches = list(_ITEM_LINE.finditer(text, start, end))
    indents = {match[1] for match in matches}
    if len(indents) != 1 or sum(len(match[0]) for match in matches) != end - start:
        return None
    spans = [(match.start() - start, match.end() - start) for match in matches]
    items = [match[2] for match in matches]
    style = ListStyle(indents.pop(), _find_quote(items))
    return WrittenList(text[:start], text[start:end], text[end:], (*items,), (*spans,), style)


def _read_flow(text: str) -> WrittenList | None:
    found = _FLOW_LIST.fullmatch(text)
    if not found:
        return None
    inner, at, items, spans = found[2], 0, [], []
    while inner[at:].strip():
        match = _FLOW_ITEM.match(inner, at)
        if not match or inner[match.end() : match.end() + 1] not in ("", ","):
            return None
        items.append(match[1])
        spans.append(match.span(1))
        at = match.end() + 1
    style = ListStyle(None, _find_quote(items))
    return WrittenList(found[1], inner, found[3], (*items,), (*spans,), style)


def _find_quote(items: Iterable[str]) -> str:
    quotes = {item[0] if item[0] in "'\"" else "" for item in items}
    return quotes.pop() if len(quotes) == 1 else ""


def change_list(
    written: WrittenList, removed: Collection[int], added: Sequence[str], end: str
) -> str:
    """Return the lines of a property with a list that lost and got items."""
    kept = [number for number in range(len(written.items)) if number not in removed]
    inner, style = written.inner, written.style
    if style.indent is not None:
        if not kept and not added:
            return f"{written.head.rstrip()} []{end}{written.tail}"
        lines = [inner[slice(*written.spans[number])] for number in kept]
        lines += [f"{style.indent}- {item}{end}" for item in added]
        return written.head + "".join(lines) + written.tail
    if removed:
        inner = ", ".join([*(written.items[number] for number in kept), *added])
    elif added:
        at = len(inner.rstrip())
        lead = "" if not at else " " if inner[:at].endswith(",") else ", "
        inner = inner[:at] + lead + ", ".join(added) + inner[at:]
    return f"{written.head}{inner}{written.tail}"


def write_list(key: str, items: Sequence[str], style: ListStyle, end: str) -> str:
    if style.indent is None:
        return f"{key}: [{', '.join(items)}]{end}"
    return f"{key}:{end}" + "".join([f"{style.indent}- {item}{end}" for item in items])


def format_item(value: PropertyValue, style: ListStyle) -> str:
    """Return an item as it is written in a list of this style."""
    if not isinstance(value, str):
        return json.dumps(value)
    if style.quote == "'":
        return f"'{quote_in_yaml(value, style.quote)}'"
    is_date = value[:1].isdigit()  # or a number for other programs
    return value if is_plain_text(value) and not is_date and not style.quote else _quote(value)


def is_plain_text(value: str) -> bool:
    """Return True if YAML reads a text as it is, without quotes, in any list."""
    return bool(_PLAIN_ITEM.fullmatch(value)) and isinstance(parse_plain_scalar(value), str)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def list_items(key: str, value: PropertyValue) -> list[PropertyValue] | None:
    """Return the items of a list, or of a text read as one; None for others."""
    if isinstance(value, list):
        return None if any(isinstance(item, list | dict) for item in value) else value
    if not isinstance(value, str):
        return None
    if key.lower() not in LIST_KEYS:
        return [value]
    items = re.split(_SEPARATORS.get(key.lower(), ","), value)
    return [item.strip() for item in items if item.strip()]


def item_key(key: str, item: PropertyValue) -> str:
    """Return a key that is equal for equal items of a list."""
    if key.lower() in ("tags", "tag"):
        return str(item).removeprefix("#").lower()
    return repr(item)


def is_empty(value: PropertyValue) -> bool:
    return value is None or value in ("", [])


def is_link(value: PropertyValue) -> bool:
    return isinstance(value, str) and parse_property_link(value, (0, 0, 1, 1), "") is not None
