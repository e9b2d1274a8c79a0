"""Check of the names in queries of Dataview and of bases."""

from collections.abc import Iterator
from typing import NamedTuple

from vaultlink.index.resolve import is_note
from vaultlink.links.naming import (
    find_query_target,
    is_plain_name,
    rename_in_query,
    strip_note_extension,
)
from vaultlink.model import FOLDER_KINDS, Edit, Note, QueryName
from vaultlink.rules.context import Context, Finding
from vaultlink.rules.former_targets import explain_loss, find_moved_folder, resolve_former_path


class _Outcome(NamedTuple):
    """The outcome of a file or folder that a query names.

    `now` is its present path, "" if it was deleted; `name` how the query names it there, "" if that
    can't be written.
    """

    subject: str
    reason: str
    now: str = ""
    name: str = ""


def broken_query(note: Note, context: Context) -> Iterator[Finding]:
    for query in note.queries:
        outcome = _find_outcome(query, note.path, context)
        if outcome:
            values = {"subject": f"{outcome.subject} “{query.text}”", "reason": outcome.reason}
            edits = (Edit(note.path, query.start, query.end, outcome.name),) if outcome.name else ()
            yield Finding(query, {**values, "now": strip_note_extension(outcome.now)}, edits=edits)


def _find_outcome(query: QueryName, source: str, context: Context) -> _Outcome | None:
    """Return what became of what a query names; None if it exists or nothing is known."""
    index, history = context.index, context.history
    if (
        query.kind == "tag"
        or find_query_target(query, source, index) is not None
        or context.allows_dangling(query.text)
        or context.expects_note(query.text)
    ):
        return None
    may_be_folder = query.kind in FOLDER_KINDS
    folder = find_moved_folder(query.text, index, history) if may_be_folder else None
    if folder is not None:
        name = folder if is_plain_name(folder) else ""
        return _Outcome("the folder", f"was moved to {folder}", folder, name)
    if query.kind == "folder":
        return None
    target = query.text if query.kind == "note" else f"/{query.text}"
    former = resolve_former_path(target, index, history)
    if former is None:
        return None
    subject, now = "the note" if is_note(former) else "the file", history.moves.get(former)
    if now is not None:
        name = rename_in_query(query, source, now, index.names) or ""
        return _Outcome(subject, f"was moved to {strip_note_extension(now)}", now, name)
    reason = explain_loss(former, history)
    return _Outcome(subject, f"was {reason}") if reason else None
