"""JSON Schemas of all documents that commands print.

Programs must accept keys that they do not know: later versions may add some.
"""

import re
from typing import Any

import msgspec

from json_documents import DOCUMENTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

OPTIONAL = {("GraphEdge", "display")}
"""Keys that may be absent, each with its object."""


def build_schema(name: str, *, closed: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a document. With `closed`, it allows no other keys."""
    document = DOCUMENTS[name]
    roots, parts = msgspec.json.schema_components(document.types, ref_template="#/$defs/{name}")
    for part in parts.values():
        _complete_part(part, closed=closed)
    shape = roots[0] if len(roots) == 1 else {"anyOf": list(roots)}
    commands = ", ".join(f"vaultlink {command}" for command in document.commands)
    return {
        "$schema": DIALECT,
        "title": f"Output of {commands}",
        **shape,
        "$defs": dict(sorted(parts.items())),
    }


def _complete_part(part: dict[str, Any], *, closed: bool) -> None:
    """Require all keys, and move the texts on fields to the fields."""
    if "properties" not in part:
        return
    part["required"] = [key for key in part["properties"] if (part["title"], key) not in OPTIONAL]
    if closed:
        part["additionalProperties"] = False
    text, _, fields = part.get("description", "").partition("Attributes:")
    part["description"] = _fill(text)
    for key, meaning in re.findall(r"^ *(\w+): ((?:.|\n(?! *\w+: ))*)", fields, re.MULTILINE):
        if key in part["properties"]:
            part["properties"][key]["description"] = _fill(meaning)


def _fill(text: str) -> str:
    return " ".join(text.split())
