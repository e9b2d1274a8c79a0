"""The past of a note: rows for JSON, cells for tsv and a page for people.

Field names are JSON keys. Lines and columns count from 1.
"""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from vaultlink.history.note_history import CommitMark, NoteHistory
from vaultlink.index.index import Index
from vaultlink.index.resolve import normalize_name
from vaultlink.links.intent import is_meant_as_link
from vaultlink.model import Destination, History, Link
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    escape_controls,
    format_count,
    render_page,
)
from vaultlink.report.note_page import align_pairs
from vaultlink.rules.former_targets import find_former_file, find_renamed_anchor

_MAX_SHOWN = 20
"""Maximum number of broken links on a page."""


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
        key=lambda old: (-history.gone.get(old, 0), old),
    )
    names = (
        *(FormerPathRow(old, None, None) for old in others),
        *(_name_row(item.path, item.until) for item in recorded.paths),
    )
    former = {row.path for row in names if row.path not in index.files}
    former |= {path} - index.files
    links, headings = list[BrokenLinkRow](), dict[str, FormerAnchorRow]()
    for source, link, cause, now in _find_broken(path, former, index, history):
        links.append(BrokenLinkRow(source, link.line, link.column, link.raw, cause))
        if now is not None:
            count = headings[link.subpath].links if link.subpath in headings else 0
            headings[link.subpath] = FormerAnchorRow(link.subpath, now.path, now.subpath, count + 1)
    is_deleted = path not in index.files
    return PastRow(
        path,
        _describe_deletion(path, history, recorded.deleted) if is_deleted else None,
        CommitRow(*recorded.created) if recorded.created else None,
        names,
        tuple(headings[subpath] for subpath in sorted(headings)),
        tuple(links),
    )


def _name_row(path: str, mark: CommitMark | None) -> FormerPathRow:
    return FormerPathRow(path, mark.commit if mark else None, mark.date if mark else None)


def _describe_deletion(path: str, history: History, mark: CommitMark | None) -> str:
    return history.reasons.get(path) or (
        f"deleted in {mark.commit} on {mark.date}" if mark else "deleted"
    )


# -- broken links ---------------------------------------------------------------------------------


def _find_broken(
    path: str, former: Collection[str], index: Index, history: History
) -> Iterator[tuple[str, Link, str, Destination | None]]:
    """Yield source, link, cause, and a former heading's place now."""
    # Files that git remembers longer than the history are looked up as well.
    gone = {**dict.fromkeys(former, 0), **history.gone}
    history = msgspec.structs.replace(history, gone=gone)
    for source in sorted(index.notes):
        led_to = history.led_to.get(source, {})
        for link, target in index.resolved_links(source):
            if link.external:
                continue
            if target is None:
                cause = _explain_broken(link, source, path, former, index, history)
                if cause:
                    yield source, link, cause, None
            elif target == path:
                now = _find_former_anchor(link, path, index, history)
                if now is not None:
                    yield source, link, "block" if "#^" in link.subpath else "heading", now
            elif _has_led_to(link, led_to, path):
                yield source, link, "retargeted", None


def _explain_broken(
    link: Link,
    source: str,
    path: str,
    former: Collection[str],
    index: Index,
    history: History,
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


def _find_former_anchor(
    link: Link, path: str, index: Index, history: History
) -> Destination | None:
    note = index.notes.get(path)
    if note is None or index.has_anchor(link, path) is not False:
        return None
    return find_renamed_anchor(link.subpath, note, history)


def _has_led_to(link: Link, led_to: Mapping[str, Destination], path: str) -> bool:
    meant = led_to.get(link.lookup_target)
    return meant is not None and meant.path == path


# -- output ---------------------------------------------------------------------------------------


def past_cells(row: PastRow) -> list[tuple[object, ...]]:
    """Return the rows of a past for tab-separated values.

    The cells are kind, path, line or None, text, and a detail or None.
    """
    return [
        *(("name", name.path, None, name.commit, name.until) for name in row.names),
        *(("heading", item.path, None, item.subpath, item.now) for item in row.headings),
        *(("link", link.path, link.line, link.raw, link.cause) for link in row.links),
    ]


def render_past(row: PastRow, width: int, palette: Palette = PLAIN) -> str:
    """Render the past of a note as a page of `width` columns."""
    created = [f"{row.created.commit} on {row.created.date}"] if row.created else []
    links = [
        (f"{link.path}:{link.line}", f"{link.raw} ({CAUSE_LABELS[link.cause]})")
        for link in row.links[:_MAX_SHOWN]
    ]
    rest = len(row.links) - _MAX_SHOWN
    more = [f"and {rest:,} more; --output-format tsv lists all"] if rest > 0 else []
    groups = [
        ("deleted", [row.deleted] if row.deleted else []),
        (
            "former paths",
            align_pairs([(name.path, _describe_until(name, row)) for name in row.names], width),
        ),
        ("created", created),
        ("former headings", align_pairs(_describe_anchors(row), width)),
        ("broken links", [*align_pairs(links, width), *more]),
    ]
    return render_page(row.note, groups, "no history found", palette, width)


CAUSE_LABELS = {
    "moved": "moved",
    "deleted": "deleted",
    "alias": "former alias",
    "title": "former title",
    "heading": "former heading",
    "block": "former block",
    "retargeted": "leads elsewhere now",
}
"""The displayed words for each cause of a broken link."""


def summarize_past(row: PastRow) -> str:
    """Return a sentence with the numbers of former paths and broken links."""
    return (
        f"{escape_controls(row.note)}: {format_count(len(row.names), 'former path')}, "
        f"{format_count(len(row.links), 'broken link')}."
    )


def _describe_until(name: FormerPathRow, row: PastRow) -> str:
    """Return until when a note had a path; "" if nothing of it is in git."""
    if name.commit:
        return f"until {name.commit} on {name.until}"
    is_in_git = row.created is not None or any(other.commit for other in row.names)
    return "until an uncommitted change" if is_in_git else ""


def _describe_anchors(row: PastRow) -> list[tuple[str, str]]:
    return [
        (
            item.subpath,
            f"now {item.path if item.path != row.note else ''}{item.now}, "
            f"{format_count(item.links, 'link')}",
        )
        for item in row.headings
    ]
