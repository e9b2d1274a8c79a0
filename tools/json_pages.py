"""The page on JSON output, and the schemas."""

import json
from collections.abc import Mapping
from typing import Any

from json_documents import DOCUMENTS
from json_schemas import build_schema
from markdown_text import escape, format_table

FOLDER = "reference/schemas/"

START = """\
# JSON

`--json` is short for `--output-format json`. Each document is one JSON object in UTF-8, with one
row a line. With `json-lines` each line is an object of its own.

- `schema` is the version of the form.
- Every key is present, except `display` in edges of a graph. A value that is not known is `null`.
- Accept keys that you do not know: later versions may add some.
- Paths are relative to the vault, with `/` on every system. Lines and columns count from 1, columns
  in code points. Offsets count the bytes of a file from 0.

The formats `github`, `gitlab`, `sarif` and `junit` are those of the services that read them.
"""


def render_files() -> dict[str, str]:
    """Return the text of each file."""
    schemas = {name: build_schema(name) for name in DOCUMENTS}
    rows = [
        (
            "<br>".join(f"`vaultlink {command}`" for command in document.commands),
            document.text,
            f"[{name}.json](schemas/{name}.json)",
        )
        for name, document in DOCUMENTS.items()
    ]
    parts = [START, "## Documents\n", format_table(("Command", "Document", "Schema"), rows)]
    parts.append("## Objects\n")
    objects: dict[str, Any] = {}
    for schema in schemas.values():
        objects.update(schema["$defs"])
    for name, part in sorted(objects.items()):
        if "properties" in part:
            parts += [
                f"### {name}\n",
                f"{escape(part['description'])}\n",
                _format_keys(part, objects),
            ]
    return {
        "reference/json.md": "\n".join(parts),
        **{
            f"{FOLDER}{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
            for name, schema in schemas.items()
        },
    }


def _format_keys(part: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    rows = [
        (f"`{key}`", _describe_type(value, objects), escape(value.get("description", "")))
        for key, value in part["properties"].items()
    ]
    return format_table(("Key", "Type", "Meaning"), rows)


def _describe_type(value: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    """Return the type of a value as Markdown."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        if "enum" in objects[name]:
            return _describe_type(objects[name], objects)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_describe_type(item, objects) for item in value["anyOf"])
    if "enum" in value:
        return " or ".join(f"`{json.dumps(item)}`" for item in value["enum"])
    kind = value.get("type", "any value")
    if kind == "array":
        return f"array of {_describe_type(value.get('items', {}), objects)}"
    if kind == "object" and "additionalProperties" in value:
        return f"object of {_describe_type(value['additionalProperties'], objects)}"
    return str(kind)
