"""The past of a note: rows for JSON, for tsv and for the table.

Field names are JSON keys. Lines and columns count from 1.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec

from vaultlink.history.git_renames import NoteHistory
from vaultlink.index.index import Index
from vaultlink.index.resolve import normalize_name
from vaultlink.links.intent import is_meant_as_link
from vaultlink.model import Destination, History, Link
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.rules.former_targets import find_former_file, find_renamed_anchor


class FormerPathRow(msgspec.Struct, frozen=True, gc=False):
    """A former path of a note.

    Attributes:
        path: The vault path that the note had.
        commit: Abbreviated hash of the commit that renamed it; None if the rename is not in git.
        until: Date of that commit, `YYYY-MM-DD`; None if the rename is not in git.
    """

    path: str
    commit: str | None
    until: str | None


class CommitRow(msgspec.Struct, frozen=True, gc=False):
    """A commit and its date.

    Attributes:
        commit: Abbreviated hash of the commit.
        date: Its date, `YYYY-MM-DD`.
    """

    commit: str
    date: str


class FormerAnchorRow(msgspec.Struct, frozen=True, gc=False):
    """A former heading or block that links still name, with where it is now.

    Attributes:
        subpath: The heading or block that the links name, with its `#`.
        path: Vault path of the note that contains it now.
        now: The heading or block as it is now, with its `#`.
        links: Number of links that still name `subpath`.
    """

    subpath: str
    path: str
    now: str
    links: int


class BrokenLinkRow(msgspec.Struct, frozen=True, gc=False):
    """A link that a change of the note broke or led elsewhere.

    Attributes:
        path: Vault path of the file that contains the link.
        line: Line of the link, 1-based.
        column: Column of the link, 1-based, in code points.
        raw: The link as written.
        cause: `moved`, `deleted`, `alias`, `title`, `heading`, `block` or `retargeted` (the link
            now leads to another file).
    """

    path: str
    line: int
    column: int
    raw: str
    cause: str


class PastRow(msgspec.Struct, frozen=True):
    """Everything that is known of the past of a note.

    Attributes:
        note: Vault path of the note, or the last one of a deleted note.
        deleted: What happened to a deleted note, as a clause for people; None if it exists.
        created: The commit that added the note; None if git does not know it.
        names: The former paths of the note, those that are not in git first, then the latest.
        headings: Former headings and blocks that links still name.
        links: The links that changes of the note broke or led elsewhere.
    """

    note: str
    deleted: str | None
    created: CommitRow | None
    names: tuple[FormerPathRow, ...]
    headings: tuple[FormerAnchorRow, ...]
    links: tuple[BrokenLinkRow, ...]


def build_past(path: str, index: Index, history: History, recorded: NoteHistory) -> PastRow:
    """Return the past of the note that is, or was last, at a path."""
    known = {item.path for item in recorded.paths}
    others = sorted(
        (old for old, new in history.moves.items() if new == path and old not in known),
        key=lambda old: (-history.vanished.get(old, 0), old),
    )
    names = [FormerPathRow(old, None, None) for old in others]
    for old, mark in recorded.paths:
        names.append(FormerPathRow(old, *(mark or (None, None))))
    former = {row.path for row in names if row.path not in index.files}
    former |= {path} - index.files
    links, headings = list[BrokenLinkRow](), dict[str, FormerAnchorRow]()
    for source, link, cause, now in _find_broken(path, former, index, history):
        links.append(BrokenLinkRow(source, link.line, link.column, link.raw, cause))
        if now is not None:
            count = headings[link.subpath].links if link.subpath in headings else 0
            headings[link.subpath] = FormerAnchorRow(link.subpath, now.path, now.subpath, count + 1)
    deleted, mark = None, recorded.deleted
    if path not in index.files:
        in_git = f"deleted in {mark.commit} on {mark.date}" if mark else "deleted"
        deleted = history.reasons.get(path) or in_git
    return PastRow(
        path,
        deleted,
        CommitRow(*recorded.created) if recorded.created else None,
        tuple(names),
        tuple(headings[subpath] for subpath in sorted(headings)),
        tuple(links),
    )


def _find_broken(
    path: str, former: Collection[str], index: Index, history: History
) -> Iterator[tuple[str, Link, str, Destination | None]]:
    """Yield source, link, cause, and a former heading's place now."""
    # Files that git remembers longer than the history are looked up as well.
    gone = {**dict.fromkeys(former, 0), **history.vanished}
    history = msgspec.structs.replace(history, vanished=gone)
    for source in sorted(index.notes):
        former_destinations = history.former_destinations.get(source, {})
        for link, target in index.resolved_links(source):
            if link.external:
                continue
            if target is None:
                cause = _explain_broken(link, source, path, former, index, history)
                if cause:
                    yield source, link, cause, None
            elif target == path:
                note = index.notes.get(path)
                if note is not None and index.has_anchor(link, path) is False:
                    now = find_renamed_anchor(link.subpath, note, history)
                    if now is not None:
                        yield source, link, "block" if "#^" in link.subpath else "heading", now
            elif (
                meant := former_destinations.get(link.lookup_target)
            ) is not None and meant.path == path:
                yield source, link, "retargeted", None


def _explain_broken(
    link: Link, source: str, path: str, former: Collection[str], index: Index, history: History
) -> str:
    """Return the cause of an unresolved link; "" if it meant another note."""
    if not is_meant_as_link(link):
        return ""
    file = find_former_file(link, source, index, history)
    if file is None:
        name = history.names.get(normalize_name(link.target))
        return name.kind if name is not None and name.path == path else ""
    if file not in former or history.moves.get(file, path) != path:
        return ""
    return "moved" if path in index.files else "deleted"


# -- output ---------------------------------------------------------------------------------------


class PastLine(NamedTuple):
    """A former path, a former heading or a broken link as tab-separated values.

    `text` and `detail` are the commit and the date of a rename, the heading before and now, or the
    link as written and the cause. Only links have a `line`.
    """

    kind: str
    path: str
    line: int | None
    text: str | None
    detail: str | None


def list_past(row: PastRow) -> list[PastLine]:
    return [
        *(PastLine("name", name.path, None, name.commit, name.until) for name in row.names),
        *(PastLine("heading", item.path, None, item.subpath, item.now) for item in row.headings),
        *(PastLine("link", link.path, link.line, link.raw, link.cause) for link in row.links),
    ]


class PastEvent(NamedTuple):
    """A row of the table for people. `when` is a date, "" if it is unknown."""

    when: str
    what: str
    where: str
    details: str


def list_events(row: PastRow) -> Iterator[PastEvent]:
    """Yield what happened to a note, the latest first, and what that broke."""
    if row.deleted:
        yield PastEvent("", "deleted", row.note, row.deleted)
    is_in_git = row.created is not None or any(name.commit for name in row.names)
    uncommitted = "until an uncommitted change" if is_in_git else ""
    for name in row.names:
        details = f"until {name.commit}" if name.commit else uncommitted
        yield PastEvent(name.until or "", "former path", name.path, details)
    if row.created:
        path = row.names[-1].path if row.names else row.note
        yield PastEvent(row.created.date, "created", path, f"in {row.created.commit}")
    for item in row.headings:
        details = f"{item.subpath} is {item.now} now, {format_count(item.links, 'link')}"
        yield PastEvent("", "former heading", item.path, details)
    for link in row.links:
        yield PastEvent("", _CAUSE_LABELS[link.cause], f"{link.path}:{link.line}", link.raw)


_CAUSE_LABELS = {
    "moved": "link to former path",
    "deleted": "link to deleted note",
    "alias": "link by former alias",
    "title": "link by former title",
    "heading": "link to former heading",
    "block": "link to former block",
    "retargeted": "link leads elsewhere now",
}


def summarize_past(row: PastRow) -> str:
    return (
        f"{escape_controls(row.note)}: {format_count(len(row.names), 'former path')}, "
        f"{format_count(len(row.links), 'broken link')}."
    )
