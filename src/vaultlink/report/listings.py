"""What the listing commands list, as rows: links, dangling topics, backlinks, orphans, dead ends.

An index enters, rows in the contract's words leave, sorted. How they are laid out is decided elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from vaultlink.graph.build import topic_name
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note, name_key
from vaultlink.model import Link, Suggestion
from vaultlink.report.finding_rows import SuggestionRow, suggestion_rows


class LinkRow(msgspec.Struct, frozen=True, gc=False):
    """A link with what it leads to."""

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
    """A place that names a topic."""

    path: str
    line: int


class TopicRow(msgspec.Struct, frozen=True, gc=False):
    """A dangling topic: who names it, and what may be meant."""

    topic: str
    count: int
    sources: tuple[TopicSource, ...]
    suggestions: tuple[SuggestionRow, ...]


class BacklinkRow(msgspec.Struct, frozen=True, gc=False):
    """A source that links to a note: how often, and on which lines."""

    path: str
    count: int
    lines: tuple[int, ...]


class FileBacklinksRow(msgspec.Struct, frozen=True, gc=False):
    """A file that links lead to, with its backlinks."""

    note: str
    backlinks: tuple[BacklinkRow, ...]


def link_rows(index: Index, paths: Iterable[str]) -> list[LinkRow]:
    """The links of some sources, in order."""
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


def topic_rows(index: Index, suggest: Callable[[str], Sequence[Suggestion]]) -> list[TopicRow]:
    """Dangling topics, most named first, then by name. Links to one topic may be spelled with or without `.md`."""
    named: dict[str, list[TopicSource]] = {}
    for path in sorted(index.notes):
        for link, resolved in index.resolved_links(path):
            if resolved is None and not link.external:
                named.setdefault(topic_name(link.target), []).append(TopicSource(path, link.line))
    ranked = sorted(named.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        TopicRow(name, len(sources), tuple(sources), suggestion_rows(suggest(name)))
        for name, sources in ranked
    ]


def backlink_rows(index: Index, note: str) -> list[BacklinkRow]:
    """What links to a file, by source; the file itself and canvases included, as in Obsidian's command line."""
    rows = []
    for source in index.backlinks.get(note, ()):
        lines = [link.line for link, resolved in index.resolved_links(source) if resolved == note]
        rows.append(BacklinkRow(source, len(lines), tuple(sorted(set(lines)))))
    return rows


def all_backlink_rows(index: Index) -> list[FileBacklinksRow]:
    """Every file that links lead to, with its backlinks."""
    found: dict[str, dict[str, list[int]]] = {}
    for source in sorted(index.notes):
        for link, resolved in index.resolved_links(source):
            if resolved is not None:
                found.setdefault(resolved, {}).setdefault(source, []).append(link.line)
    return [
        FileBacklinksRow(
            note,
            tuple(
                BacklinkRow(source, len(lines), tuple(sorted(set(lines))))
                for source, lines in found[note].items()
            ),
        )
        for note in sorted(found)
    ]


def find_orphans(index: Index) -> list[str]:
    """Files of every type that no link leads to; a link from the file itself counts.

    A canvas that shows a note does not take it out of the list: it is notes that a note should hang together with.
    """
    by_notes: set[str | None] = set()
    by_canvases: set[str | None] = set()
    for source, goals in index.targets.items():
        (by_notes if is_note(source) else by_canvases).update(goals)
    return sorted(
        path for path in index.files - by_notes if is_note(path) or path not in by_canvases
    )


def find_dead_ends(index: Index) -> list[str]:
    """Notes without a link that leads anywhere; dangling links do not help."""
    return sorted(path for path in index.notes if is_note(path) and not any(index.targets[path]))


def make_target_formatter(index: Index) -> Callable[[str], str]:
    """How a link to a path would be written: the bare name if only this file bears it, else the path; without `.md`."""

    def written(path: str) -> str:
        alone = len(index.names.get(name_key(path), ())) == 1
        text = path.rsplit("/", 1)[-1] if alone else path
        return text[:-3] if is_note(text) else text

    return written


def count_by_status(rows: Sequence[LinkRow]) -> Counter[str]:
    """How many links have each status."""
    return Counter([row.status for row in rows])
