"""Rows of listings: links, topics, backlinks, orphans, dead ends, parsed notes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from typing import Any, NamedTuple

import msgspec

from vaultlink.engine.step import State
from vaultlink.graph.build import is_dead_end, is_orphan
from vaultlink.index.file_kinds import is_in_other_vault
from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_any_path, is_note
from vaultlink.index.topics import Topic, list_topics
from vaultlink.model import Diagnostic, Link, Suggestion
from vaultlink.report import REPORT_FILE
from vaultlink.report.json_document import SuggestionRow, suggestion_rows
from vaultlink.report.layout import (
    PLAIN,
    Palette,
    display_width,
    escape_controls,
    format_count,
    pad,
    truncate,
)
from vaultlink.rules.former_targets import (
    NO_FORMER_TARGET,
    FormerTarget,
    find_former_target,
    put_first,
    suggest_former_target,
)

# -- rows of listings, sorted: links, unresolved topics, backlinks, orphans, dead ends -------------
# Field names are JSON keys. Lines and columns count from 1.


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


class TopicLink(msgspec.Struct, frozen=True, gc=False):
    """The place of a link to a topic.

    Attributes:
        path: Vault path of the file with the link.
        line: Line of the link, 1-based. A line with two links is listed twice.
        column: Column of its first character, 1-based.
    """

    path: str
    line: int
    column: int


class DanglingTopicRow(msgspec.Struct, frozen=True, gc=False):
    """An unresolved topic with the links to it, and suggested files.

    Attributes:
        topic: The target of the links, as the first of them has it.
        count: Number of links.
        sources: The places of these links.
        suggestions: Files that the topic may mean, best first.
        cause: What happened to the file that all of the links meant, as a clause for people; None
            if that is unknown.
        kind: `planned` for a note that is not written yet; `mistake` if another target was meant.
    """

    topic: str
    count: int
    sources: tuple[TopicLink, ...]
    suggestions: tuple[SuggestionRow, ...]
    cause: str | None
    kind: str


class BacklinkRow(msgspec.Struct, frozen=True, gc=False):
    """A file with links to a note.

    Attributes:
        path: Vault path of the file with the links.
        count: Number of its links to the note.
        lines: The line of each of these links, 1-based.
        columns: The column of the first link in each of these lines, 1-based.
    """

    path: str
    count: int
    lines: tuple[int, ...]
    columns: tuple[int, ...]


BACKLINKS_COLUMNS = ("path", "count", "lines")
"""The fields of a backlink that tsv has."""

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


def link_rows(index: Index, paths: Iterable[str]) -> Iterator[LinkRow]:
    """Yield a row for each link in these files, in order."""
    return (
        _link_row(index, path, link, resolved)
        for path in paths
        for link, resolved in index.resolved_links(path)
    )


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
    """An unresolved topic with the links to it, by path and line.

    `former` is what became of the file that all of the links meant; None if that is unknown.
    `is_planned` is True for a note that is not written yet.
    """

    name: str
    sources: Sequence[TopicLink]
    former: FormerTarget | None
    is_planned: bool


def topic_rows(
    state: State,
    suggest: Callable[[str], Sequence[Suggestion]],
    topics: Iterable[DanglingTopic] | None = None,
) -> list[DanglingTopicRow]:
    """Return a row for each topic, by default all: most links first, then by name."""
    vaults = state.settings.obsidian.vaults
    found = rank_topics(state) if topics is None else topics
    return [topic_row(topic, suggest, vaults) for topic in found]


def rank_topics(state: State, wanted: Callable[[str], bool] = is_any_path) -> list[DanglingTopic]:
    """Return the topics of the links in wanted paths, most links first.

    They are those of the unresolved links that a check reports, of known findings, too. See
    `vaultlink.index.topics`.
    """
    former = FormerTargets(state)
    return [former.describe(topic) for topic in list_reported_topics(state, wanted)]


def list_reported_topics(state: State, wanted: Callable[[str], bool] = is_any_path) -> list[Topic]:
    """Return the topics of the unresolved links in wanted paths that a check reports."""
    found = state.diagnostics
    return list_topics(chain.from_iterable(found[path] for path in found if wanted(path)))


class FormerTargets:
    """Finds what became of the files that unresolved links meant."""

    def __init__(self, state: State):
        self._index, self._history = state.index, state.settings.history
        known = self._history
        self._knows_any = bool(known.moves or known.deleted or known.vanished or known.names)
        self._links = cache(self._list_links)

    def describe(self, topic: Topic) -> DanglingTopic:
        """Return a topic with the places of its links, and what became of their file."""
        places = [TopicLink(item.path, item.line, item.column) for item in topic.findings]
        former = self._find_common(topic.findings)
        return DanglingTopic(topic.name, places, former, topic.is_planned)

    def _find_common(self, findings: Iterable[Diagnostic]) -> FormerTarget | None:
        """Return what became of the file that all links meant; None if unknown."""
        found = {self._find(item) for item in findings}
        return found.pop() if len(found) == 1 else None

    def _find(self, item: Diagnostic) -> FormerTarget:
        if not self._knows_any:
            return NO_FORMER_TARGET
        link = self._links(item.path).get((item.start, item.end, item.target))
        former = link and find_former_target(link, item.path, self._index, self._history)
        return former or NO_FORMER_TARGET

    def _list_links(self, path: str) -> Mapping[tuple[int, int, str | None], Link]:
        return {
            (link.start, link.end, link.target): link
            for link, resolved in self._index.resolved_links(path)
            if resolved is None
        }


def topic_row(
    topic: DanglingTopic, suggest: Callable[[str], Sequence[Suggestion]], vaults: Sequence[str]
) -> DanglingTopicRow:
    """Return the row of a topic. No name is near across the border of one of `vaults`."""
    name, sources, former, is_planned = topic
    paths = {source.path for source in sources}
    others = [
        item
        for item in suggest(name)
        if item.path not in paths
        and (
            item.reason != "near"
            or any(not is_in_other_vault(path, item.path, vaults) for path in paths)
        )
    ]
    suggestions = put_first(suggest_former_target(former), others)
    cause = (former.reason or None) if former else None
    return DanglingTopicRow(
        name,
        len(sources),
        tuple(sources),
        suggestion_rows(suggestions),
        cause,
        "planned" if is_planned else "mistake",
    )


def backlink_rows(index: Index, note: str) -> list[BacklinkRow]:
    """Return a row for each file that links to `note`, sorted by path.

    The note itself and canvases are included, as in Obsidian's command line.
    """
    return [
        _backlink_row(
            path, [link for link, resolved in index.resolved_links(path) if resolved == note]
        )
        for path in index.sources_of(note)
    ]


def _backlink_row(path: str, links: Sequence[Link]) -> BacklinkRow:
    places = sorted([(link.line, link.column) for link in links], reverse=True)
    first = dict(places)  # the last of a line that is assigned is its first one
    lines = sorted(first)
    return BacklinkRow(path, len(links), tuple(lines), tuple([first[line] for line in lines]))


def all_backlink_rows(index: Index) -> list[FileBacklinksRow]:
    """Return every linked file with its backlinks."""
    by_note: dict[str, dict[str, list[Link]]] = {}
    for source in sorted(index.notes):
        for link, resolved in index.resolved_links(source):
            if resolved is not None:
                by_note.setdefault(resolved, {}).setdefault(source, []).append(link)
    return [
        FileBacklinksRow(note, tuple([_backlink_row(*item) for item in by_note[note].items()]))
        for note in sorted(by_note)
    ]


def find_orphans(index: Index) -> list[str]:
    """Return the files of every type without backlinks, sorted.

    A link from the file itself counts as a backlink. Links from canvases count for other files, but
    not for notes: a note needs a link from a note. The page of `vaultlink report` is left out.
    """
    return sorted(
        path
        for path in index.files
        if is_orphan(index, path, canvases=not is_note(path)) and file_name(path) != REPORT_FILE
    )


def find_dead_ends(index: Index) -> list[str]:
    """Return the notes without a resolved link, sorted. Broken links do not count."""
    return sorted(path for path in index.notes if is_note(path) and is_dead_end(index, path))


# -- parsed notes for `show`: rows for JSON, elements for tsv and pages for people -----------------
# Field names are JSON keys. Lines count from 1.


class TagRow(msgspec.Struct, frozen=True, gc=False):
    """A tag without its `#`.

    Attributes:
        name: The tag, such as `a/b`.
        line: Line of the tag, 1-based.
        place: The part of the note that contains it. `body`, `property` or `section` (a backlinks
            section).
    """

    name: str
    line: int
    place: str


class HeadingRow(msgspec.Struct, frozen=True, gc=False):
    """A heading.

    Attributes:
        level: Level from 1 to 6.
        text: The heading as written, without its marks.
        line: Line of the heading, 1-based.
    """

    level: int
    text: str
    line: int


class BlockRow(msgspec.Struct, frozen=True, gc=False):
    """A block identifier without its `^`.

    Attributes:
        id: The identifier.
        line: Line of the identifier, 1-based.
    """

    id: str
    line: int


class ParsedNoteRow(msgspec.Struct, frozen=True):
    """Everything that vaultlink parsed in a note.

    Attributes:
        path: Vault path of the note.
        properties: The properties by key, as Obsidian reads them; None if the note has none.
        aliases: The aliases in the properties.
        tags: The tags in the text and in the properties.
        headings: The headings in their order.
        blocks: The block identifiers in their order.
        links: The links in their order, as `vaultlink links` lists them.
    """

    path: str
    properties: dict[str, Any] | None
    aliases: tuple[str, ...]
    tags: tuple[TagRow, ...]
    headings: tuple[HeadingRow, ...]
    blocks: tuple[BlockRow, ...]
    links: tuple[LinkRow, ...]


def note_rows(index: Index, paths: Sequence[str]) -> list[ParsedNoteRow]:
    links = link_rows(index, paths)
    return [
        ParsedNoteRow(
            note.path,
            None if note.properties is None else {item.key: item.value for item in note.properties},
            note.aliases,
            tuple([TagRow(tag.name, tag.line, tag.place) for tag in note.tags]),
            tuple([HeadingRow(item.level, item.text, item.line) for item in note.headings]),
            tuple([BlockRow(block.id, block.line) for block in note.blocks]),
            tuple(islice(links, len(note.links))),
        )
        for note in map(index.notes.__getitem__, paths)
    ]


def list_unreadable(index: Index, paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return the paths of sources whose text can't be read, with the reasons."""
    return [
        (path, problem.detail)
        for path in paths
        for problem in index.notes[path].problems
        if problem.kind in ("undecodable", "unreadable")
    ]


def count_unreadable(index: Index, findings: Iterable[Diagnostic]) -> int:
    """Return the number of files with findings whose text can't be read."""
    paths = {item.path for item in findings if item.severity == "error"}
    return len(list_unreadable(index, paths.intersection(index.notes)))


def render_note_page(row: ParsedNoteRow, width: int, palette: Palette = PLAIN) -> str:
    """Render a note as a page with a group for each kind of element."""
    properties = [(key, _format_value(value)) for key, value in (row.properties or {}).items()]
    tags = [(f"#{tag.name}", f"line {tag.line}") for tag in row.tags]
    blocks = [(f"^{block.id}", f"line {block.line}") for block in row.blocks]
    links = [(link.raw, describe_destination(link)) for link in row.links]
    groups = [
        ("properties", _align_pairs(properties, width)),
        ("aliases", [escape_controls(alias) for alias in row.aliases]),
        ("tags", _align_pairs(tags, width)),
        ("headings", [f"{'#' * item.level} {escape_controls(item.text)}" for item in row.headings]),
        ("blocks", _align_pairs(blocks, width)),
        ("links", _align_pairs(links, width)),
    ]
    lines = [f"{palette.bold}{escape_controls(row.path)}{palette.reset}"]
    for name, entries in groups:
        if entries:
            lines.append(f"  {palette.dim}{name}{palette.reset}")
            lines += [f"    {truncate(entry, width - 4)}" for entry in entries]
    if len(lines) == 1:
        lines.append(f"  {palette.dim}nothing found{palette.reset}")
    return "\n".join(lines) + "\n"


class NoteElement(NamedTuple):
    """An element of a note, such as a property or a link, as tab-separated values.

    `line` is None for properties and aliases. `detail` is the value of a property, the place of a
    tag, the level of a heading or the destination of a link.
    """

    path: str
    kind: str
    line: int | None
    text: str
    detail: object


def list_elements(row: ParsedNoteRow) -> Iterator[NoteElement]:
    """Yield the elements of a note, those of the same kind together."""
    path = row.path
    for key, value in (row.properties or {}).items():
        yield NoteElement(path, "property", None, key, _format_value(value))
    for alias in row.aliases:
        yield NoteElement(path, "alias", None, alias, None)
    for tag in row.tags:
        yield NoteElement(path, "tag", tag.line, tag.name, tag.place)
    for heading in row.headings:
        yield NoteElement(path, "heading", heading.line, heading.text, heading.level)
    for block in row.blocks:
        yield NoteElement(path, "block", block.line, block.id, None)
    for link in row.links:
        yield NoteElement(path, "link", link.line, link.raw, describe_destination(link))


def describe_destination(link: LinkRow) -> str:
    """Return the file and anchor that a link resolves to, or its status."""
    if link.resolved is None:
        return link.status
    anchor = (
        f" {link.subpath}"
        if link.anchor == "found"
        else f" ({link.subpath} not found)"
        if link.anchor
        else ""
    )
    return f"{link.resolved}{anchor}" + (" (ambiguous)" if link.status == "ambiguous" else "")


def describe_totals(rows: Sequence[ParsedNoteRow]) -> str:
    totals = (
        format_count(sum(len(row.headings) for row in rows), "heading"),
        format_count(sum(len(row.blocks) for row in rows), "block"),
        format_count(sum(len(row.tags) for row in rows), "tag"),
        format_count(sum(len(row.links) for row in rows), "link"),
    )
    return f"{format_count(len(rows), 'note')}: {', '.join(totals)}."


def _align_pairs(pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Align pairs in two columns; the first takes at most half of the width."""
    if not pairs:
        return []
    cells = [
        (truncate(escape_controls(left), width // 2), escape_controls(right))
        for left, right in pairs
    ]
    column = max(display_width(left) for left, _ in cells)
    return [f"{pad(left, column)}  {right}".rstrip() for left, right in cells]


def _format_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(_format_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_format_value(item)}" for key, item in value.items())
    return str(value)
