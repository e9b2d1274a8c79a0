"""Requests for changes of a vault, in Python and as JSON.

A request says what to change in the words of a user: vault paths, or names as in a link.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from vaultlink.errors import UsageError
from vaultlink.text import quote_name


class FixRequest(msgspec.Struct, frozen=True):
    """Fix findings.

    Attributes:
        notes: The notes and folders to fix; all if there are none.
        unsafe: True to make unsafe fixes, too.
        select: The rules whose findings to fix, as in the setting `fixable`; all by default.
    """

    notes: tuple[str, ...] = ()
    unsafe: bool = False
    select: tuple[str, ...] = ()


class RenameRequest(msgspec.Struct, frozen=True):
    """Rename a note, attachment, folder, heading, block or tag.

    Attributes:
        old: What to rename: a path, a name as in a link, `Note#Heading`, `Note#^id` or `#tag`.
        new: The new name in the same folder, or a path in the vault (with a slash).
        merge: True to merge a tag into one that exists already.
        queries: True to change the name in queries of bases and Dataview, too.
        display: True to add the name as the display text of links that get a path.
    """

    old: str
    new: str
    merge: bool = False
    queries: bool = False
    display: bool = True


class MoveRequest(msgspec.Struct, frozen=True):
    """Move notes, attachments and folders into a folder, which need not exist.

    Attributes:
        sources: What to move.
        folder: The folder; "/" for the vault itself.
        queries: As for a rename.
        display: As for a rename.
    """

    sources: tuple[str, ...]
    folder: str
    queries: bool = False
    display: bool = True


class DeleteRequest(msgspec.Struct, frozen=True):
    """Delete notes, attachments and folders.

    Attributes:
        names: What to delete.
        links: What becomes of links to them: "unlink" (they become text), "redirect" or "leave". It
            may be "" if there are none.
        to: The note to which links are redirected.
        attachments: True to delete attachments that nothing else uses, too.
    """

    names: tuple[str, ...]
    links: str = ""
    to: str = ""
    attachments: bool = False


class MergeRequest(msgspec.Struct, frozen=True):
    """Append a note to another one and remove it.

    Attributes:
        note: The note to append.
        into: The note to append it to.
        taken: The keys, in lower case, of properties of which the first note's values count.
    """

    note: str
    into: str
    taken: tuple[str, ...] = ()


class ExtractRequest(msgspec.Struct, frozen=True):
    """Make a section a note of its own.

    Attributes:
        section: The heading of the section, as in `Note#Heading`.
        new: The name or path of the new note; None for the text of the heading.
        embed: True to leave an embed instead of a link.
        tags: True to give the new note the tags in the properties of the old one.
    """

    section: str
    new: str | None = None
    embed: bool = False
    tags: bool = False


class MentionsRequest(msgspec.Struct, frozen=True):
    """Turn unlinked mentions into links: those that are certain.

    Attributes:
        notes: The notes to search; all if there are none.
        to: The note whose mentions become links; "" for all. With a note to search, they need not
            be certain.
    """

    notes: tuple[str, ...] = ()
    to: str = ""


class SectionsRequest(msgspec.Struct, frozen=True):
    """Write, adopt or remove backlinks sections.

    Attributes:
        action: "write", "adopt" or "remove".
        notes: The notes with the sections; all if there are none.
    """

    action: str = "write"
    notes: tuple[str, ...] = ()


class TopicRequest(msgspec.Struct, frozen=True):
    """Resolve the links of an unresolved topic in one of three ways.

    Attributes:
        target: The topic, as one of the links has it.
        link: The note or attachment to which they lead then.
        unlink: True to replace them by their text.
        create: The folder in which the note is created, "/" for the vault itself.
        stub: True to give the new note its title as a heading; False for an empty one.
    """

    target: str
    link: str = ""
    unlink: bool = False
    create: str = ""
    stub: bool = True


Request: TypeAlias = (
    FixRequest
    | RenameRequest
    | MoveRequest
    | DeleteRequest
    | MergeRequest
    | ExtractRequest
    | MentionsRequest
    | SectionsRequest
    | TopicRequest
)


# -- requests as JSON ------------------------------------------------------------------------------
# A change is an object whose first key is its kind, as in `{"rename": "A", "to": "B"}`.


class _Key(NamedTuple):
    """A key of the JSON form of a request: its field, and the kind of its value."""

    field: str
    kind: str = "text"
    is_required: bool = False


_MOVE_OPTIONS = {"queries": _Key("queries", "flag"), "display": _Key("display", "flag")}
_FORMS: Mapping[str, tuple[type[Request], Mapping[str, _Key]]] = {
    "unresolved": (
        TopicRequest,
        {
            "unresolved": _Key("target", is_required=True),
            "link": _Key("link"),
            "unlink": _Key("unlink", "flag"),
            "create": _Key("create"),
            "stub": _Key("stub", "flag"),
        },
    ),
    "link": (MentionsRequest, {"link": _Key("link", "object", is_required=True)}),
    "sections": (
        SectionsRequest,
        {"sections": _Key("action", is_required=True), "notes": _Key("notes", "texts")},
    ),
    "fix": (
        FixRequest,
        {"fix": _Key("unsafe"), "notes": _Key("notes", "texts"), "select": _Key("select", "texts")},
    ),
    "rename": (
        RenameRequest,
        {
            "rename": _Key("old", is_required=True),
            "to": _Key("new", is_required=True),
            "merge": _Key("merge", "flag"),
            **_MOVE_OPTIONS,
        },
    ),
    "move": (
        MoveRequest,
        {
            "move": _Key("sources", "texts", is_required=True),
            "to": _Key("folder", is_required=True),
            **_MOVE_OPTIONS,
        },
    ),
    "delete": (
        DeleteRequest,
        {
            "delete": _Key("names", "texts", is_required=True),
            "unlink": _Key("unlink", "flag"),
            "to": _Key("to"),
            "leave": _Key("leave", "flag"),
            "attachments": _Key("attachments", "flag"),
        },
    ),
    "merge": (
        MergeRequest,
        {"merge": _Key("note", is_required=True), "into": _Key("into", is_required=True)},
    ),
    "extract": (
        ExtractRequest,
        {
            "extract": _Key("section", is_required=True),
            "to": _Key("new"),
            "embed": _Key("embed", "flag"),
            "tags": _Key("tags", "flag"),
        },
    ),
}
"""The JSON forms by kind. The kind of a request is the first of these keys that it has."""

_CHECKS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "text": ("a text", lambda value: isinstance(value, str)),
    "flag": ("true or false", lambda value: isinstance(value, bool)),
    "object": ("an object with “note” and “to”", lambda value: isinstance(value, dict)),
    "texts": (
        "a text or a list of texts",
        lambda value: (
            isinstance(value, str)
            or (isinstance(value, list) and all(isinstance(item, str) for item in value))
        ),
    ),
}


def read_request(data: object) -> Request:
    """Return the request of a JSON object, such as `{"rename": "A", "to": "B"}`.

    Args:
        data: The object, as `json.loads` returns it.

    Returns:
        The request.

    Raises:
        UsageError: The object has no such form; the message says what is wrong.
    """
    if not isinstance(data, dict):
        raise UsageError("a change is an object with the key “rename”, “move”, or another one.")
    kind = next((key for key in _FORMS if key in data), None)
    if kind is None:
        raise UsageError(f"a change has one of these keys: {', '.join(_FORMS)}.")
    request, keys = _FORMS[kind]
    values = _read_values(kind, keys, data)
    return request(**_READERS.get(kind, dict)(values))


def _read_values(kind: str, keys: Mapping[str, _Key], data: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in data.items():
        key = keys.get(name)
        if key is None:
            raise UsageError(
                f"a change with {quote_name(kind)} has no key {quote_name(str(name))}. "
                f"Its keys: {', '.join(keys)}."
            )
        wanted, is_valid = _CHECKS[key.kind]
        if not is_valid(value):
            raise UsageError(f"the value of {quote_name(name)} must be {wanted}.")
        values[key.field] = value if key.kind != "texts" else _list_texts(value)
    for name, key in keys.items():
        if key.is_required and key.field not in values:
            raise UsageError(
                f"a change with {quote_name(kind)} requires the key {quote_name(name)}."
            )
    return values


def _list_texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _read_fix_values(values: dict[str, Any]) -> dict[str, Any]:
    if values["unsafe"] not in ("safe", "unsafe"):
        raise UsageError("the value of “fix” must be “safe” or “unsafe”.")
    return {**values, "unsafe": values["unsafe"] == "unsafe"}


def _read_delete_values(values: dict[str, Any]) -> dict[str, Any]:
    choices = [name for name in ("unlink", "leave") if values.pop(name, False)]
    choices += ["redirect"] if values.get("to") else []
    if len(choices) > 1:
        raise UsageError("“unlink”, “leave” and “to” can't be used together.")
    return {**values, "links": "".join(choices)}


def _read_mention_values(values: dict[str, Any]) -> dict[str, Any]:
    keys = {"note": _Key("notes", "texts"), "to": _Key("to")}
    return _read_values("link", keys, values["link"])


def _read_topic_values(values: dict[str, Any]) -> dict[str, Any]:
    if sum(bool(values.get(key)) for key in ("link", "unlink", "create")) != 1:
        raise UsageError("“unresolved” requires one of “link”, “unlink” and “create”.")
    return values


_READERS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "fix": _read_fix_values,
    "delete": _read_delete_values,
    "link": _read_mention_values,
    "unresolved": _read_topic_values,
}
