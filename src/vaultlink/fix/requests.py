"""Requests for changes of a vault, in Python and as JSON.

A request says what to change in the words of a user: vault paths, or names as in a link.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from vaultlink.errors import UsageError
from vaultlink.text import quote_name


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change in the words of a user; `rename` maps fields to other keys of JSON."""


class FixRequest(_Request, frozen=True, rename={"unsafe": "fix"}):
    """Fix findings.

    Attributes:
        notes: The notes and folders to fix; all if there are none.
        unsafe: True to make unsafe fixes, too.
        select: The rules whose findings to fix, as in the setting `fixable`; all by default.
    """

    notes: tuple[str, ...] = ()
    unsafe: bool = False
    select: tuple[str, ...] = ()


class RenameRequest(_Request, frozen=True, rename={"old": "rename", "new": "to"}):
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


class MoveRequest(_Request, frozen=True, rename={"sources": "move", "folder": "to"}):
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


class DeleteRequest(_Request, frozen=True, rename={"names": "delete"}):
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


class MergeRequest(_Request, frozen=True, rename={"note": "merge"}):
    """Append a note to another one and remove it.

    Attributes:
        note: The note to append.
        into: The note to append it to.
        taken: The keys, in lower case, of properties of which the first note's values count.
    """

    note: str
    into: str
    taken: tuple[str, ...] = ()


class ExtractRequest(_Request, frozen=True, rename={"section": "extract", "new": "to"}):
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


class MentionsRequest(_Request, frozen=True, rename={"notes": "note"}):
    """Turn unlinked mentions into links: those that are certain.

    Attributes:
        notes: The notes to search; all if there are none.
        to: The note whose mentions become links; "" for all. With a note to search, they need not
            be certain.
    """

    notes: tuple[str, ...] = ()
    to: str = ""


class SectionsRequest(_Request, frozen=True, rename={"action": "sections"}):
    """Write, adopt or remove backlinks sections.

    Attributes:
        action: "write", "adopt" or "remove".
        notes: The notes with the sections; all if there are none.
    """

    action: str = "write"
    notes: tuple[str, ...] = ()


class TopicRequest(_Request, frozen=True, rename={"target": "unresolved"}):
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

_KINDS: Mapping[str, type[Request]] = {
    "unresolved": TopicRequest,
    "link": MentionsRequest,
    "sections": SectionsRequest,
    "fix": FixRequest,
    "rename": RenameRequest,
    "move": MoveRequest,
    "delete": DeleteRequest,
    "merge": MergeRequest,
    "extract": ExtractRequest,
}
"""The requests by the key that says the kind of change: the first of these that an object has."""


def read_request(data: object) -> Request:
    """Return the request of a JSON object, such as `{"rename": "A", "to": "B"}`.

    Args:
        data: The object, as `json.loads` returns it.

    Returns:
        The request.

    Raises:
        UsageError: The object has no such form; the message says what is wrong.
    """
    kind = next((key for key in _KINDS if isinstance(data, dict) and key in data), None)
    if kind is None or not isinstance(data, dict):
        raise UsageError(f"a change is an object with one of these keys: {', '.join(_KINDS)}.")
    request = _KINDS[kind]
    values = {
        key: [value] if key in _LISTS and isinstance(value, str) else value
        for key, value in _READERS.get(kind, dict)(data).items()
    }
    try:
        return msgspec.convert(values, request)
    except msgspec.ValidationError:
        problem, keys = _find_problem(request, values), ", ".join(_list_keys(request))
        raise UsageError(f"change {quote_name(kind)}: {problem} Its keys are {keys}.") from None


def _find_problem(request: type[Request], values: Mapping[str, Any]) -> str:
    fields = {field.encode_name: field for field in msgspec.structs.fields(request)}
    for key in values:
        if key not in fields:
            return f"it has no key {quote_name(str(key))}."
    for key, field in fields.items():
        if key not in values and field.required:
            return f"{quote_name(key)} is missing."
        try:
            msgspec.convert(values.get(key, field.default), field.type)
        except msgspec.ValidationError:
            return f"{quote_name(key)} must be {_KIND_NAMES.get(field.type, 'a text')}."
    return "it has an invalid value."


_KIND_NAMES: Mapping[object, str] = {
    bool: "true or false",
    tuple[str, ...]: "a text or a list of texts",
}


def _list_keys(request: type[Request]) -> tuple[str, ...]:
    keys: tuple[str, ...] = request.__struct_encode_fields__
    if request is not DeleteRequest:
        return keys
    return tuple(key for key in (*keys, "unlink", "leave") if key != "links")


_LISTS = frozenset(("move", "delete", "note", "notes", "select"))
"""The keys with a list of texts. One text may take its place."""


def _read_fix(data: Mapping[str, Any]) -> Mapping[str, Any]:
    if data["fix"] not in ("safe", "unsafe"):
        raise UsageError("the value of “fix” is “safe” or “unsafe”.")
    return {**data, "fix": data["fix"] == "unsafe"}


def _read_mentions(data: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(data) > 1 or not isinstance(data["link"], dict):
        raise UsageError("the value of “link” is an object with “note” and “to”, and the only one.")
    return data["link"]


def _read_delete(data: Mapping[str, Any]) -> Mapping[str, Any]:
    chosen = [key for key in ("unlink", "leave") if data.get(key, False) is not False]
    chosen += ["redirect"] if "to" in data else []
    if len(chosen) > 1 or any(data[key] is not True for key in chosen if key in data):
        raise UsageError("a change “delete” has one of “unlink”: true, “leave”: true, “to”: NOTE.")
    if "links" in data:
        raise UsageError("change “delete”: it has no key “links”. Write “unlink”: true.")
    others = {key: value for key, value in data.items() if key not in ("unlink", "leave")}
    return {**others, "links": "".join(chosen)}


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "delete": _read_delete,
    "fix": _read_fix,
    "link": _read_mentions,
}
