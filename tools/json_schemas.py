"""JSON Schemas of all documents that commands print.

Programs must accept keys that they do not know: later versions may add some.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from json_documents import DOCUMENTS, PAGED

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SCHEMA_FOLDER = Path(__file__).resolve().parent.parent / "src/vaultlink/schemas"
"""The schemas in the package. The site publishes the same files."""

_COLUMNS = 120
"""Columns of a row in the file of a schema."""

OPTIONAL = {
    ("GraphEdge", "display"),
    ("CheckDocument", "limits"),
    *((name, "next") for name in PAGED),
}
"""Keys that may be absent, each with its object."""

_FIELD = re.compile(r"^ *(\w+): ((?:.|\n(?! *\w+: ))*)", re.MULTILINE)


def build_schema(name: str, *, closed: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a document. With `closed`, it allows no other keys."""
    document = DOCUMENTS[name]
    roots, parts = msgspec.json.schema_components(document.types, ref_template="#/$defs/{name}")
    structs = {item.__name__: item for item in _find_structs(document.types)}
    for title, part in parts.items():
        if title in structs:
            _complete_part(part, structs[title], closed=closed)
        else:
            part["description"] = _fill(part.get("description", ""))
        part.pop("title", None)  # its name among the others
    shape = roots[0] if len(roots) == 1 else {"anyOf": list(roots)}
    commands = ", ".join(f"vaultlink {command}" for command in document.commands)
    return {
        "$schema": DIALECT,
        "title": f"{'File' if document.is_file else 'Output'} of {commands}",
        **shape,
        "$defs": dict(sorted(parts.items())),
    }


def render_schema(schema: Any) -> str:
    """Return the text of the file of a schema. What fits in a row of 120 columns has one row."""
    return _render(schema, "") + "\n"


def _render(value: Any, indent: str, key: str = "") -> str:
    """Return the text of a value behind its key."""
    text = key + json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or len(indent + text) < _COLUMNS:
        return text
    deeper = f"{indent} "
    if isinstance(value, list):
        rows = [_render(item, deeper) for item in value]
    else:
        rows = [_render(item, deeper, f"{json.dumps(name)}: ") for name, item in value.items()]
    start, end = "[]" if isinstance(value, list) else "{}"
    body = f",\n{deeper}".join(rows)
    return f"{key}{start}\n{deeper}{body}\n{indent}{end}"


def _find_structs(types: Iterable[Any]) -> Iterator[type]:
    """Yield the structs in types, and those in their fields. Some may be yielded twice."""
    pending: list[Any] = list(msgspec.inspect.multi_type_info(types))
    while pending:
        item = pending.pop()
        if isinstance(item, tuple):
            pending += item
        elif isinstance(item, msgspec.inspect.Type | msgspec.inspect.Field):
            if isinstance(item, msgspec.inspect.StructType):
                yield item.cls
            pending += (getattr(item, key) for key in item.__struct_fields__)


def _complete_part(part: dict[str, Any], struct: type, *, closed: bool) -> None:
    """Require all keys, and describe the object and each key as the docstring does."""
    part["required"] = [key for key in part["properties"] if (part["title"], key) not in OPTIONAL]
    if closed:
        part["additionalProperties"] = False
    part["description"] = _fill(cleandoc(struct.__doc__ or "").partition("Attributes:")[0])
    meanings = _read_meanings(struct)
    for key, value in part["properties"].items():
        value["description"] = meanings.get(key, "")


def _read_meanings(struct: Any) -> Mapping[str, str]:
    """Return the meaning of each key, from the docstrings of a struct and its bases."""
    keys = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        _, _, fields = (base.__doc__ or "").partition("Attributes:")
        found |= {keys.get(name, name): _fill(text) for name, text in _FIELD.findall(fields)}
    return found


def _fill(text: str) -> str:
    """Return a text on one line, with `null` in place of None."""
    return " ".join("null" if word == "None" else word for word in text.split())
