"""Rows of listings, sorted: links, dangling topics, backlinks, orphans, dead ends.

Field names are JSON keys. Lines and columns count from 1.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.graph.build import is_dead_end, is_orphan, topic_name
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note, name_key
from vaultlink.links.intent import names_topic
from vaultlink.model import NO_HISTORY, History, Link, Suggestion
from vaultlink.report.finding_rows import SuggestionRow, suggestion_rows
from vaultlink.rules.former_targets import (
    NO_FORMER_TARGET,
    FormerTarget,
    find_former_target,
    put_first,
    suggest_former_target,
)


class LinkRow(msgspec.Struct, frozen=True, gc=False):
    """A link with its resolution.

    Attributes:
        path: Vault path of the file that contains the link.
        line: Line of the link, 1-based.
        column: Column of the link, 1-based, in code points.
        kind: `wikilink` or `markdown`.
        embed: True if the link starts with `!`.
        place: The part of the file that contains the link. `body`, `property`, `section` (a
            backlinks section) or `canvas`.
        raw: The link as written.
        target: The path part of the link, decoded. It is "" for a link to a heading of the same
            note.
        subpath: The part from the first `#`, decoded; None without one.
        display: The display text; None without one.
        status: `resolved`, `ambiguous` (resolved, but other files match too), `dangling` or
            `external`.
        resolved: Vault path of the file that the link leads to; None for dangling and external
            links.
        anchor: `found` or `missing` in that file; None if the link has no subpath, is not resolved,
            or the anchors of the file are unknown.
    """

    path: str
    line: int
    column: int
    kind: str
    embed: bool
    place: str
    raw: str
    target: str
    subpath: str | None
    display: str | None
    status: str
    resolved: str | None
    anchor: str | None


class TopicSource(msgspec.Struct, frozen=True, gc=False):
    """The line of a link to a topic.

    Attributes:
        path: Vault path of the file with the link.
        line: Line of the link, 1-based. A line with two links is listed twice.
    """

    path: str
    line: int


class DanglingTopicRow(msgspec.Struct, frozen=True, gc=False):
    """A dangling topic with the links to it, and suggested files.

    Attributes:
        topic: The target of the links, as the first of them has it.
        count: Number of links.
        sources: The places of these links.
        suggestions: Files that the topic may mean, best first.
        cause: What happened to the file that all of the links meant, as a clause for people; None
            if that is unknown.
    """

    topic: str
    count: int
    sources: tuple[TopicSource, ...]
    suggestions: tuple[SuggestionRow, ...]
    cause: str | None = None


class BacklinkRow(msgspec.Struct, frozen=True, gc=False):
    """A file with links to a note.

    Attributes:
        path: Vault path of the file with the links.
        count: Number of its links to the note.
        lines: The line of each of these links, 1-based.
    """

    path: str
    count: int
    lines: tuple[int, ...]


BACKLINKS_TABLE = {"linked from": "path", "links": "count", "lines": "lines"}
"""The field of a backlink below each header of a table."""


class FileBacklinksRow(msgspec.Struct, frozen=True, gc=False):
    """A file with its backlinks.

    Attributes:
        note: Vault path of the file that the links lead to.
        backlinks: The files that link to it.
    """

    note: str
    backlinks: tuple[BacklinkRow, ...]


def link_rows(index: Index, paths: Iterable[str]) -> list[LinkRow]:
    """Return a row for each link in these files, in order."""
    return [
        _link_row(index, path, link, resolved)
        for path in paths
        for link, resolved in index.resolved_links(path)
    ]


def _link_row(index: Index, path: str, link: Link, resolved: str | None) -> LinkRow:
    anchor = None
    if resolved is None:
        status = "external" if link.external else "dangling"
    else:
        status = (
            "ambiguous"
            if resolved in index.files_sharing_names and index.alternatives(path, link)
            else "resolved"
        )
        if link.subpath and (found := index.has_anchor(link, resolved)) is not None:
            anchor = "found" if found else "missing"
    return LinkRow(
        path,
        link.line,
        link.column,
        link.kind,
        link.embed,
        link.place,
        link.raw,
        link.target,
        link.subpath or None,
        link.display,
        status,
        resolved,
        anchor,
    )


class DanglingTopic(NamedTuple):
    """A dangling topic with the links to it, by path and line.

    `former` is what became of the file that all of the links meant; None if that is unknown.
    """

    name: str
    sources: Sequence[TopicSource]
    former: FormerTarget | None


def topic_rows(
    index: Index, suggest: Callable[[str], Sequence[Suggestion]], history: History = NO_HISTORY
) -> list[DanglingTopicRow]:
    """Return a row for each dangling topic, most links first, then by name."""
    return [topic_row(topic, suggest) for topic in rank_topics(index, history)]


def rank_topics(index: Index, history: History = NO_HISTORY) -> list[DanglingTopic]:
    """Return the dangling topics, most links first, then by name.

    Targets with and without `.md` are one topic. Text that was not meant as a link is left out.
    """
    by_topic: dict[str, list[TopicSource]] = {}
    causes: dict[str, set[FormerTarget]] = {}
    for path in sorted(index.notes):
        for link, resolved in index.resolved_links(path):
            if names_topic(link, resolved):
                source = TopicSource(path, link.line)
                topic = topic_name(link.target)
                by_topic.setdefault(topic, []).append(source)
                former = find_former_target(link, path, index, history) or NO_FORMER_TARGET
                causes.setdefault(topic, set()).add(former)
    ranked = sorted(by_topic.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        DanglingTopic(name, sources, causes[name].pop() if len(causes[name]) == 1 else None)
        for name, sources in ranked
    ]


def topic_row(
    topic: DanglingTopic, suggest: Callable[[str], Sequence[Suggestion]]
) -> DanglingTopicRow:
    name, sources, former = topic
    paths = {source.path for source in sources}
    others = [item for item in suggest(name) if item.path not in paths]
    suggestions = put_first(suggest_former_target(former), others)
    cause = (former.reason or None) if former else None
    return DanglingTopicRow(name, len(sources), tuple(sources), suggestion_rows(suggestions), cause)


def backlink_rows(index: Index, note: str) -> list[BacklinkRow]:
    """Return a row for each file that links to `note`, sorted by path.

    The note itself and canvases are included, as in Obsidian's command line.
    """
    return [
        _backlink_row(
            path, [link.line for link, resolved in index.resolved_links(path) if resolved == note]
        )
        for path in index.sources_of(note)
    ]


def _backlink_row(path: str, lines: Sequence[int]) -> BacklinkRow:
    return BacklinkRow(path, len(lines), tuple(sorted(set(lines))))


def all_backlink_rows(index: Index) -> list[FileBacklinksRow]:
    """Return every linked file with its backlinks."""
    by_note: dict[str, dict[str, list[int]]] = {}
    for source in sorted(index.notes):
        for link, resolved in index.resolved_links(source):
            if resolved is not None:
                by_note.setdefault(resolved, {}).setdefault(source, []).append(link.line)
    return [
        FileBacklinksRow(note, tuple([_backlink_row(*item) for item in by_note[note].items()]))
        for note in sorted(by_note)
    ]


def find_orphans(index: Index) -> list[str]:
    """Return the files of every type without backlinks, sorted.

    A link from the file itself counts as a backlink. Links from canvases count for other files, but
    not for notes: a note needs a link from a note.
    """
    return sorted(
        path for path in index.files if is_orphan(index, path, canvases=not is_note(path))
    )


def find_dead_ends(index: Index) -> list[str]:
    """Return the notes without a resolved link, sorted. Broken links do not count."""
    return sorted(path for path in index.notes if is_note(path) and is_dead_end(index, path))


def make_target_formatter(index: Index) -> Callable[[str], str]:
    """Return a function that returns the target of a link to a path.

    The target is the file name if it is unique in the vault, else the path; without `.md`.
    """

    def format_target(path: str) -> str:
        is_unique = len(index.names.get(name_key(path), ())) == 1
        target = path.rsplit("/", 1)[-1] if is_unique else path
        return target[:-3] if is_note(target) else target

    return format_target
