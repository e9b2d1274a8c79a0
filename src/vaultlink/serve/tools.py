"""The tools of the server: their arguments, and the functions that answer."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from vaultlink.disk.scan import is_valid_unicode
from vaultlink.errors import UsageError
from vaultlink.report.pages import Page
from vaultlink.serve import questions
from vaultlink.serve.answers import HALF_CHARACTER, ToolAnswer, encode_answer
from vaultlink.serve.changes import Call, apply_plan_by_id, plan_changes, undo_run_by_id
from vaultlink.text import quote_name


class Tool(NamedTuple):
    """A tool: its description, its arguments as JSON Schemas, and its function."""

    description: str
    properties: Mapping[str, Mapping[str, Any]]
    answer: Callable[..., ToolAnswer]
    required: tuple[str, ...] = ()
    writes: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            **({"required": list(self.required)} if self.required else {}),
            "additionalProperties": False,
        }


_DEFAULT_LIMIT, _CHANGE_LIMIT = 20, 100
"""Rows of a page; a diff has short ones."""

_TEXT = {"type": "string"}
_NOTE = {"type": "string", "description": "Path in the vault, or name as in a link"}
_PAGE = {"limit": {"type": "integer"}, "after": _TEXT}
_BOUNDS = {"limit": range(1, 201)}
"""The numbers that are allowed. They are not in the schemas, which must be short."""

READING = {
    "check": Tool(
        "Findings about links: unresolved, ambiguous, malformed. Call it with drafts BEFORE you "
        "write notes: it answers only what the drafts add, in them and in other notes; drafts see "
        "each other, nothing is written. Apply a `fix` by replacing `old` with `new`. Call it with "
        "a note, or nothing for the vault, to see what is there. Pages: pass `next` as `after`.",
        {
            "note": _NOTE,
            "drafts": {
                "type": "object",
                "additionalProperties": _TEXT,
                "description": "Whole text of each note, by path",
            },
            "rule": {"type": "string", "description": "Only findings of this rule"},
            **_PAGE,
        },
        questions.check,
    ),
    "resolve": Tool(
        "What link targets mean BEFORE you write them: the path a link would lead to, or up to "
        "three likely notes, or nothing (then write plain text or create the note). Takes names, "
        "paths and Note#Heading.",
        {
            "names": {"type": "array", "items": _TEXT, "maxItems": 100},
            "source": {"type": "string", "description": "Note that will hold the links"},
            **_PAGE,
        },
        questions.resolve_names,
        ("names",),
    ),
    "note": Tool(
        "Outline of a note: properties, aliases, tags, headings, block ids, links with the files "
        "they lead to, and backlinks. Use it before you link to a heading, or rename or delete.",
        {
            "note": _NOTE,
            "parts": {"type": "array", "items": {"type": "string", "enum": questions.PARTS}},
            **_PAGE,
        },
        questions.describe_note,
        ("note",),
    ),
    "unresolved": Tool(
        "What unresolved links name, ranked: mistakes with the notes that may be meant, then "
        "planned notes that are not written yet. Use it to choose what to fix or write next.",
        {"folder": {"type": "string", "description": "Only links in this folder"}, **_PAGE},
        questions.list_unresolved_topics,
    ),
    "mentions": Tool(
        "Names of notes in texts without a link: in `note`, or those of `to` in all notes; best "
        "first. Link one with change, form link; only `certain` ones without reading the place.",
        {"note": _NOTE, "to": {"type": "string", "description": "The named note"}, **_PAGE},
        questions.list_mentions,
    ),
    "related": Tool(
        "Notes related to a note that it does not link to, with reasons; near-duplicates are "
        "marked as twins. Use it to find links worth adding, or a note to extend instead of a new "
        "one.",
        {"note": _NOTE, **_PAGE},
        questions.list_related,
        ("note",),
    ),
}
"""The tools that only read, by name."""


def answer_call(call: Call, tool: Tool, name: str, arguments: object) -> str:
    """Return the answer of a tool as JSON. Raises an error of `USER_ERRORS`."""
    given = read_arguments(name, tool, arguments)
    limit = _CHANGE_LIMIT if tool.writes else _DEFAULT_LIMIT
    page = Page(given.pop("limit", limit), given.pop("after", ""))
    subject = call if tool.writes else call.workspace.refresh()
    return encode_answer(tool.answer(subject, page, **given))


def read_arguments(name: str, tool: Tool, arguments: object) -> dict[str, Any]:
    """Return the arguments of a call; null is no value, nor is an optional empty one.

    Raises UsageError with a sentence that says what is allowed.
    """
    known = ", ".join(tool.properties)
    if not isinstance(arguments, Mapping):
        raise UsageError(f"the arguments of {name} are a JSON object with the keys {known}.")
    _check_texts(name, arguments)
    given = {
        str(key): value
        for key, value in arguments.items()
        if value is not None and (key in tool.required or value not in _EMPTY)
    }
    if type(given.get("after")) is int:
        given["after"] = str(given["after"])
    for key in arguments:
        if key not in tool.properties:
            raise UsageError(f"{name} has no argument {quote_name(str(key))}. It takes {known}.")
    for key in tool.required:
        if key not in given:
            kind = _describe_type(tool.properties[key])
            raise UsageError(f"{name} requires the argument {quote_name(key)}: {kind}.")
    for key, value in given.items():
        schema = tool.properties[key]
        if not _fits(schema, value) or value not in _BOUNDS.get(key, (value,)):
            kind = _describe_type(schema, key)
            raise UsageError(f"the argument {quote_name(key)} of {name} must be {kind}.")
    return given


_EMPTY: tuple[object, ...] = ("", [], {})
"""Values of arguments that programs send where they mean none."""

_MAX_NAME = 10_000
"""Characters of the longest name. No path of a system is longer, and hardly any heading."""


def _check_texts(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise UsageError if a name is too long, or a text is not Unicode.

    All texts are names but those of drafts, which have a limit together.
    """
    drafts = arguments.get("drafts")
    contents = drafts if isinstance(drafts, Mapping) else {}
    names = [*_walk_texts({**arguments, "drafts": [*contents] or drafts})]
    if any(len(text) > _MAX_NAME for text in names):
        raise UsageError(
            f"a name in the arguments of {name} is longer than {_MAX_NAME:,} characters."
        )
    if not all(map(is_valid_unicode, (*names, *_walk_texts([*contents.values()])))):
        raise UsageError(f"the arguments of {name} contain {HALF_CHARACTER}")


def _walk_texts(value: object) -> Iterator[str]:
    """Yield all texts in a value of JSON, and the keys of its objects."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            pending += (*item.keys(), *item.values())
        elif isinstance(item, list | tuple):
            pending += item


_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def _fits(schema: Mapping[str, Any], value: object) -> bool:
    """Return True if a value is valid by the part of JSON Schema that the tools use."""
    if not isinstance(value, _TYPES[schema["type"]]):
        return False
    if isinstance(value, bool) and schema["type"] != "boolean":
        return False
    if isinstance(value, list):
        is_short = len(value) <= schema.get("maxItems", len(value))
        return is_short and all(_fits(schema["items"], item) for item in value)
    if isinstance(value, dict):
        inner = schema.get("additionalProperties")
        return not isinstance(inner, Mapping) or all(_fits(inner, item) for item in value.values())
    return value in schema.get("enum", (value,))


def _describe_type(schema: Mapping[str, Any], key: str = "") -> str:
    """Return the values that an argument can have, with an article."""
    kind = schema["type"]
    if kind == "integer":
        return "a whole number, 1 to 200"
    if kind == "array":
        items: Mapping[str, Any] = schema["items"]
        most = f"at most {schema['maxItems']} " if "maxItems" in schema else ""
        if "enum" in items:
            return f"a list of {', '.join(items['enum'])}"
        return f"a list of {most}{_PLURALS[items['type']]}"
    if kind == "object":
        return "an object with a text for each path"
    if key == "after":
        return "the “next” of another answer"
    return "a text" if kind == "string" else "true or false"


_PLURALS = {"string": "texts", "object": "objects"}

WRITING = {
    "change": Tool(
        "Plan changes, in order, as one plan: never rename, move, merge or delete notes in "
        "another way. Each is {rename: A, to: B} (notes, folders, Note#Heading, #tag), {move: A, "
        "to: Folder/}, {delete: A, unlink: true | to: B | leave: true}, {merge: A, into: B}, "
        "{extract: A#Heading, to: B}, {link: {note: A, to: B}} (a mention), {fix: safe}, or "
        "{unresolved: X, link: B | unlink: true | create: Folder/, stub: true}. Answers the id of "
        "the plan, what it breaks, adds, resolves and captures, and its diff. Writes nothing, but "
        "with apply at once if there are at most 20 files.",
        {
            "changes": {"type": "array", "items": {"type": "object"}},
            "apply": {"type": "boolean"},
            **_PAGE,
        },
        plan_changes,
        ("changes",),
        writes=True,
    ),
    "apply": Tool(
        "Write a plan of change. Notes that changed since are named, and nothing is written then.",
        {"plan": _TEXT, **_PAGE},
        apply_plan_by_id,
        ("plan",),
        writes=True,
    ),
    "undo": Tool(
        "Revert a run byte for byte, by default the last one of this server.",
        {"run": _TEXT, **_PAGE},
        undo_run_by_id,
        writes=True,
    ),
}
"""The tools that can write, by name."""


def list_tools(*, allow_writes: bool) -> dict[str, Tool]:
    """Return the tools of a server by name."""
    return {**READING, **WRITING} if allow_writes else READING
