"""The page on JSON output, and the schemas."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from json_documents import DOCUMENTS
from json_schemas import build_schema, render_schema
from markdown_text import escape, format_table
from settings_schema import build_settings_schema

FOLDER = "reference/schemas/"

START = """\
# JSON output

`--json` is short for `--output-format json`. Each document is one JSON object in UTF-8, with one
row a line. With `json-lines` each line is an object of its own.

- `schema` is the version of the JSON. It is 1 in all documents.
- Every key is present, except `display` in edges of a graph. A value that is not known is `null`.
- Accept keys that you do not know: later versions may add some.
- Paths are relative to the vault, with `/` on every system. Lines and columns count from 1, columns
  in code points. Offsets count the bytes of a file from 0.

Each document has a JSON Schema, which is also in the package, in `vaultlink/schemas/`. The formats
`github`, `gitlab`, `sarif` and `junit` are those of the services that read them.
"""

_ROOT_TEXTS = ("Document",)
"""Ends of the names of objects that are whole documents."""


def render_files() -> dict[str, str]:
    """Return the text of each file."""
    schemas = {name: build_schema(name) for name in DOCUMENTS}
    objects: dict[str, Any] = {}
    for schema in schemas.values():
        objects.update(schema["$defs"])
    parts = [START, "## Commands\n", _format_overview(), "## Documents\n"]
    for name, schema in schemas.items():
        parts += _render_document(name, schema, objects)
    parts.append("## Objects\n")
    for name, part in sorted(objects.items()):
        if "properties" in part and not name.endswith(_ROOT_TEXTS):
            parts += [
                f"### {name}\n",
                f"{escape(part['description'])}\n",
                _format_keys(part, objects),
            ]
    return {
        "reference/json.md": "\n".join(parts),
        **{f"{FOLDER}{name}": text for name, text in render_schemas().items()},
    }


def render_schemas() -> dict[str, str]:
    """Return the text of each schema in the package, by the name of its file."""
    schemas = {name: build_schema(name) for name in DOCUMENTS}
    return {
        f"{name}.json": render_schema(schema)
        for name, schema in {**schemas, "settings": build_settings_schema()}.items()
    }


def _format_overview() -> str:
    rows = [
        (
            "<br>".join(f"`{command}`" for command in document.commands),
            f"[{name}](#{name})",
            document.text,
        )
        for name, document in DOCUMENTS.items()
    ]
    return format_table(("Command", "Document", "Contents"), rows)


def _render_document(
    name: str, schema: Mapping[str, Any], objects: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the section on a document: its commands, its schema and its keys."""
    document = DOCUMENTS[name]
    commands = ", ".join(f"`vaultlink {command}`" for command in document.commands)
    yield f"### {name}\n"
    verb = "Written" if document.is_file else "Printed"
    yield f"{document.text} Schema: [{name}.json](schemas/{name}.json). {verb} by {commands}.\n"
    for item in schema.get("anyOf", [schema]):
        title = item["$ref"].rsplit("/", 1)[-1]
        if title.endswith(_ROOT_TEXTS):
            yield _format_keys(objects[title], objects)
        else:
            yield f"Object: [{title}](#{title.lower()}).\n"


def _format_keys(part: Mapping[str, Any], objects: Mapping[str, Any]) -> str:
    rows = [
        (f"`{key}`", _describe_type(value, objects), escape(value["description"]))
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
