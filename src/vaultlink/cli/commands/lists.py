"""The commands that list what a vault contains, and the past of a note."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec.structs import asdict, replace

from vaultlink.cli.listings import Columns, Listing, answer_with_rows, cut_rows, is_json
from vaultlink.cli.opening import (
    StartPaths,
    find_note_argument,
    find_note_start,
    make_part_filter,
    select_link_sources,
)
from vaultlink.cli.options import (
    AfterOption,
    LimitOption,
    ListOptions,
    NoteArgument,
    NotesOptions,
    OpenOptions,
    argument,
    option,
)
from vaultlink.cli.proposed_commands import describe_shortened, format_part
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.git_history import read_git_log
from vaultlink.errors import UsageError
from vaultlink.graph.related import RelatedNote
from vaultlink.graph.twins import TwinPair
from vaultlink.history.git_renames import (
    NO_NOTE_HISTORY,
    FormerPath,
    NoteHistory,
    git_history,
    read_note_history,
)
from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, name_key, parent_folder
from vaultlink.index.titles import unwrap_link
from vaultlink.model import LinkCounts, sum_counts
from vaultlink.report.full import REASON_LABELS
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.report.listings import (
    DanglingTopic,
    DanglingTopicRow,
    NoteElement,
    describe_destination,
    describe_totals,
    find_dead_ends,
    find_orphans,
    link_rows,
    list_elements,
    list_reported_topics,
    list_unreadable,
    note_rows,
    rank_topics,
    render_note_page,
    topic_rows,
)
from vaultlink.report.note_past import (
    PastEvent,
    PastLine,
    build_past,
    list_events,
    list_past,
    summarize_past,
)
from vaultlink.report.pages import BY_NUMBER, BY_PATH, BY_POSITION, Order, PageRows, RowT
from vaultlink.rules.former_targets import resolve_former_path

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.model import History

_COLUMNS = (
    *("path", "line", "column", "status", "target", "subpath", "resolved", "anchor"),
    *("kind", "place", "embed", "display", "raw"),
)


def links(options: NotesOptions) -> int:
    """List links with their destinations.

    Canvases are sources of links too. The exit code is 0 whatever is listed; to check links use
    `vaultlink check`.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, line,
    column, status, target, subpath, resolved, anchor, kind, place, embed, display, raw.
    """
    find_start = partial(find_note_start, options, options.notes)
    return answer_with_rows("links", options, _list_links, find_start, is_kept=not options.notes)


def _list_links(options: NotesOptions, terminal: Terminal, vault: "Vault") -> Listing:
    sources = _select_sources(options, vault)
    return Listing(
        "links",
        cut_rows(options, terminal, link_rows(vault.index, sources), BY_POSITION),
        _COLUMNS,
        {
            "where": lambda row: f"{row.path}:{row.line}:{row.column}",
            "link": "raw",
            "destination": describe_destination,
        },
        head={"vault": str(vault.root)},
        empty="No links found.",
        summary=lambda: [_describe_counts(sum_counts(map(vault.index.count_links, sources)))],
    )


def _select_sources(options: NotesOptions, vault: "Vault") -> list[str]:
    """Return the named sources of links, else all. Pages have the order of paths."""
    sources = select_link_sources(vault, options.notes)
    return sorted(sources) if options.limit or options.after else sources


def _describe_counts(counts: LinkCounts) -> str:
    """Return a sentence with the numbers that `check` has in its summary."""
    ambiguous = f" ({counts.ambiguous:,} ambiguous)" if counts.ambiguous else ""
    parts = [f"{counts.resolved:,} resolved{ambiguous}"]
    parts += [f"{counts.dangling:,} dangling"] if counts.dangling else []
    parts += [f"{counts.external:,} external"] if counts.external else []
    return f"{format_count(counts.links, 'link')}: {', '.join(parts)}."


def orphans(options: ListOptions) -> int:
    """List files without backlinks.

    Files of every type are listed, as by Obsidian's own command. A link from the file to itself
    counts as a backlink, a link in a managed backlinks section does not. With PATHS, only files in
    them are listed; links from the whole vault count. The page of `vaultlink report` is not listed.
    The exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere, one path a line below a header), json.
    """
    return _list_paths(options, find_orphans, "orphan")


def deadends(options: ListOptions) -> int:
    """List notes without links to files.

    Links that do not resolve to a file don't count. With PATHS, only notes in them are listed. The
    exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere, one path a line below a header), json.
    """
    return _list_paths(options, find_dead_ends, "dead end")


def _list_paths(options: ListOptions, find_paths: Callable[[Index], list[str]], name: str) -> int:
    def list_rows(options: ListOptions, terminal: Terminal, vault: "Vault") -> Listing:
        paths = list(filter(make_part_filter(options, vault), find_paths(vault.index)))
        return Listing(
            "notes",
            cut_rows(options, terminal, paths, BY_PATH),
            {"path": str},
            {f"{name}s": str},
            empty=f"No {name}s found.",
            summary=lambda: [f"{format_count(len(paths), name)}."],
        )

    return answer_with_rows(name.replace(" ", "-"), options, list_rows, lambda: options.paths)


_LIMIT = 10


class RelatedOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `related`."""

    note: NoteArgument = None
    limit: Annotated[
        int | None, option(f"Maximum number of rows. Default: {_LIMIT}.", metavar="N")
    ] = None
    after: AfterOption = ""
    linked: Annotated[bool, option("List the notes that NOTE already links to as well.")] = False
    twins: Annotated[
        bool, option("List pairs of near-duplicate notes instead, most similar first.")
    ] = False


def related(options: RelatedOptions) -> int:
    """List the notes related to a note, or near-duplicates.

    Links and words count: links with the same files and unresolved topics, where rare ones count
    most; links from the notes most similar to NOTE; a link to NOTE; and the words of both notes,
    where rare ones count most. So a note without links has related notes, too. Near-duplicates of
    NOTE come first and are marked as twins; days, templates and other notes of a dated series come
    last. Notes that NOTE already links to are left out; with --linked, they are listed and marked.

    With --twins, pairs of notes of the whole vault are listed, by the share of lines and sentences
    that they have in common. No share tells copies from notes that only resemble each other, so no
    rule reports them. The exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, score,
    linked (true or false), why, twin (true or false); with --twins: path, twin, score, shared
    (about the number of common bytes).
    """

    def find_start() -> StartPaths:
        if options.twins and (options.note is not None or options.linked):
            raise UsageError(
                "--twins compares all notes, so it allows neither a note nor --linked."
            )
        if options.note is None and not options.twins:
            raise UsageError("related requires a note, as in `vaultlink related NOTE`, or --twins.")
        return find_note_start(options, (options.note,))

    if options.twins:
        return answer_with_rows("twins", options, _list_twins, find_start)
    return answer_with_rows("related", options, _list_related, find_start)


def _list_related(options: RelatedOptions, terminal: Terminal, vault: "Vault") -> Listing:
    note = find_note_argument(vault, options.note or "")
    cut = _cut_ranked(
        options, terminal, lambda limit: vault.related(note, limit, with_linked=options.linked)
    )
    marked: dict[str, Callable[[RelatedNote], str]] = {}
    if options.linked:
        marked["linked"] = lambda row: "yes" if row.linked else "no"
    if any(row.twin for row in cut.rows):
        marked["twin"] = lambda row: "yes" if row.twin else ""
    is_folded = terminal.is_terminal and not terminal.verbose
    hint = " -v shows the whole reasons." if is_folded else ""
    return Listing(
        "related",
        cut,
        ("path", "score", "linked", "why", "twin"),
        {"score": _format_score, "note": "path", **marked, "why": "why"},
        head={"note": note},
        empty=f"No notes related to {note} found.",
        fold=terminal.verbose,
        summary=lambda: [f"{format_count(len(cut.rows), 'note')} related to {note}.{hint}"],
    )


def _list_twins(options: RelatedOptions, terminal: Terminal, vault: "Vault") -> Listing:
    cut = _cut_ranked(options, terminal, vault.twins, _TWINS)
    return Listing(
        "twins",
        cut,
        TwinPair.__struct_fields__,
        {
            "score": _format_score,
            "note": lambda row: file_name(row.path),
            "twin": _format_twin,
            "folder": lambda row: parent_folder(row.path),
        },
        empty="No near-duplicate notes found.",
        summary=lambda: [f"{format_count(len(cut.rows), 'pair')} of notes, most similar first."],
    )


_TWINS: Order[TwinPair] = Order(
    (float, int, str, str), lambda row: (-row.score, -row.shared, row.path, row.twin)
)


def _cut_ranked(
    options: RelatedOptions,
    terminal: Terminal,
    rank: Callable[[int], list[RowT]],
    order: Order[RowT] = BY_NUMBER,
) -> PageRows[RowT]:
    """Return a page of ranked rows. `rank` returns the first ones, up to a number."""
    if options.limit is None and not options.after:
        return PageRows(rank(_LIMIT), [], is_page=False)
    wanted = replace(options, limit=options.limit or _LIMIT)
    number = sys.maxsize if options.after else min(options.limit or _LIMIT, sys.maxsize - 1) + 1
    return cut_rows(wanted, terminal, rank(number), order)


def _format_twin(row: TwinPair) -> str:
    """Return the name of a twin, or its path if it is in another folder."""
    is_near = parent_folder(row.path) == parent_folder(row.twin)
    return file_name(row.twin) if is_near else row.twin


def _format_score(row: RelatedNote | TwinPair) -> str:
    return f"{row.score:.2f}"


_MIN_WIDE = 100
"""Columns of a table from which there is room for the reason and the score."""

_MIN_NARROW = 60
"""Columns of a table from which there is room for anything besides the topics."""


def unresolved(options: ListOptions) -> int:
    """List what unresolved links name, most links first.

    A topic is what unresolved links want; spellings that differ in case, spaces or punctuation are
    one. Links that `vaultlink check` does not report are not counted: those that the settings
    allow, for example. With PATHS, only links in them are counted. The exit code is 0 whatever is
    listed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: topic, count, path
    and line of the first link, for the most similar note its path, the reason (title, alias,
    respelling, folder, near, history) and the score (0 to 1), what happened to the file that the
    links meant before, and kind: planned for a note that is not written yet, else mistake.
    """
    return answer_with_rows("unresolved", options, _list_topics, lambda: options.paths)


def _list_topics(options: ListOptions, terminal: Terminal, vault: "Vault") -> Listing:
    wanted = make_part_filter(options, vault)
    ranked = rank_topics(vault.state, wanted)
    cut = cut_rows(options, terminal, ranked, _TOPICS)
    suggestions = vault.suggest_all([topic.name for topic in cut.rows])
    rows = topic_rows(vault.state, suggestions.__getitem__, cut.rows)

    def summarize() -> Iterator[str]:
        dangling = vault.index.count_all_links(wanted).dangling
        topics = list_reported_topics(vault.state, wanted)
        mixed = sum(topic.count_planned() for topic in topics if not topic.is_planned)
        yield _describe_topics(ranked, dangling, mixed)
        part = format_part(options, vault)
        yield f"`vaultlink fix --interactive{part}` links, creates, unlinks or allows each."
        yield from filter(None, [describe_shortened(options, vault)])

    return Listing(
        "topics",
        rows,
        _TOPIC_COLUMNS,
        choose_columns(rows, terminal.table_width),
        empty="No unresolved links found.",
        cut=cut,
        summary=summarize,
    )


_TOPICS: Order[DanglingTopic] = Order((int, str), lambda topic: (-len(topic.sources), topic.name))


def _describe_topics(rows: Sequence[DanglingTopic], dangling: int, mixed: int) -> str:
    """Return the numbers of topics, and of `mixed` links that look planned."""
    references = sum(len(row.sources) for row in rows)
    planned = sum(row.is_planned for row in rows)
    sentence = (
        f"{format_count(len(rows), 'topic')} in {format_count(references, 'unresolved link')}: "
        f"{format_count(planned, 'planned note')}, {format_count(len(rows) - planned, 'mistake')}."
    )
    if mixed:
        sentence += (
            f" {format_count(mixed, 'link')} to these mistakes look planned; "
            "a topic is a mistake if one of its links is."
        )
    rest = dangling - references
    if rest <= 0:
        return sentence
    is_one = rest == 1
    return (
        f"{sentence} {format_count(rest, 'more unresolved link')} {'is' if is_one else 'are'} "
        f"not listed, because `vaultlink check` does not report {'it' if is_one else 'them'}."
    )


def choose_columns(rows: Sequence[DanglingTopicRow], width: int) -> Columns:
    """Return the columns of the table: in a narrow one, those that tell topics apart.

    The cause is left out if no topic has one.
    """
    omitted = {"reason", "score"} if width < _MIN_WIDE else set()
    if width < _MIN_NARROW:
        omitted |= {"kind", "cause", "similar note"}
    if not any(row.cause for row in rows):
        omitted.add("cause")
    return {header: field for header, field in _TABLE.items() if header not in omitted}


def _format_nearest(field: str, form: str = "{}") -> Callable[[DanglingTopicRow], str]:
    """Return a function that formats a field of the most similar note of a topic."""
    return lambda row: form.format(getattr(row.suggestions[0], field)) if row.suggestions else ""


def _label_reason(row: DanglingTopicRow) -> str:
    reason = _format_nearest("reason")(row)
    return REASON_LABELS.get(reason, reason)


_TOPIC_COLUMNS: Columns = {
    "topic": "topic",
    "count": "count",
    "path": lambda row: row.sources[0].path,
    "line": lambda row: row.sources[0].line,
    "note": _format_nearest("path"),
    "reason": _format_nearest("reason"),
    "score": _format_nearest("score"),
    "cause": "cause",
    "kind": "kind",
}
_TABLE: Mapping[str, str | Callable[[DanglingTopicRow], str]] = {
    "count": "count",
    "topic": "topic",
    "kind": "kind",
    "similar note": _format_nearest("path"),
    "reason": _label_reason,
    "score": _format_nearest("score", "{:.2f}"),
    "cause": "cause",
}


def show(options: NotesOptions) -> int:
    """Show the contents of notes as vaultlink reads them.

    Prints properties, aliases, tags, headings, block identifiers, and links with their
    destinations.

    Output formats: page (also when piped), tsv, json. Columns of tsv: path, kind (property, alias,
    tag, heading, block, link), line, text, and detail: the value of a property or the destination
    of a link.
    """
    find_start = partial(find_note_start, options, options.notes)
    is_kept = not options.notes
    return answer_with_rows("show", options, _list_notes, find_start, text="page", is_kept=is_kept)


def _list_notes(options: NotesOptions, terminal: Terminal, vault: "Vault") -> Listing:
    paths = _select_sources(options, vault) if options.notes else list(vault.notes)
    cut = cut_rows(options, terminal, paths, BY_PATH)
    rows = note_rows(vault.index, cut.rows)

    def summarize() -> Iterator[str]:
        if len(paths) > 1:
            is_whole = len(rows) == len(paths)
            yield describe_totals(rows if is_whole else note_rows(vault.index, paths))

    return Listing(
        "notes",
        rows,
        NoteElement._fields,
        head={"vault": str(vault.root)},
        lines=(element for row in rows for element in list_elements(row)),
        text=lambda: "\n".join(
            [render_note_page(row, terminal.table_width, terminal.palette) for row in rows]
        ),
        cut=cut,
        summary=summarize,
        notes=lambda: [
            f"warning: {escape_controls(path)} can't be read: {reason}."
            for path, reason in list_unreadable(vault.index, paths)
        ],
    )


_MAX_TRIED = 5
"""Maximum number of former paths that git searches for the last committed one."""


class HistoryOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `history`."""

    note: Annotated[
        str | None,
        argument(
            "NOTE",
            "A path in the vault or a name as in a link, also a former one.",
            is_required=True,
        ),
    ] = None
    limit: LimitOption = None
    after: AfterOption = ""


def history(options: HistoryOptions) -> int:
    """List the former paths of a note, and the links they broke.

    Prints the former paths of the note with the commits that renamed it, its former headings and
    blocks that links still name, and the links that were broken by its changes. A note that was
    renamed or deleted can be named by its former path. Paths come from git; without git, from
    earlier runs. The exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: kind (name,
    heading, link), path, line, text and detail: for a former path the commit and the date; for a
    heading its former and its present place; for a link its text and the cause (moved, deleted,
    alias, title, heading, block, retargeted).
    """

    def find_start() -> StartPaths:
        if options.note is None:
            raise UsageError("history requires a note, as in `vaultlink history NOTE`.")
        if options.no_history:
            raise UsageError("--no-history can't be used with `vaultlink history`.")
        return find_note_start(options, (options.note,))

    return answer_with_rows("history", options, _list_past, find_start, is_kept=False)


def _list_past(options: HistoryOptions, terminal: Terminal, vault: "Vault") -> Listing:
    known = _load_history(vault)
    path = _find_note(vault, options.note or "", known)
    row = build_past(path, vault.index, known, _read_recorded(vault, path, known))
    head = asdict(row)
    links, shown = head.pop("links"), list(list_events(row))
    rows, order = (links, BY_POSITION) if is_json(terminal) else (list_past(row), BY_NUMBER)
    return Listing(
        "links",
        cut_rows(options, terminal, rows, order),
        PastLine._fields,
        PastEvent._fields,
        head=head,
        shown=shown[: options.limit],
        empty=f"No history of {path} found.",
        summary=lambda: [summarize_past(row)],
    )


def _load_history(vault: "Vault") -> "History":
    """Return the history of the vault, read from git even if no link is broken."""
    known = vault.state.settings.history
    if vault.summary()["dangling"]:
        return known
    found = git_history(vault.root, vault.scan.listing.files, vault.index.notes)
    return found.then(known)


def _find_note(vault: "Vault", name: str, known: "History") -> str:
    """Return the path of a note, or the last one if it is gone. Raises UsageError."""
    word = unwrap_link(name, vault.index)
    if vault.find(word) is None:
        former = resolve_former_path(word, vault.index, known)
        if former is not None:
            return known.moves.get(former, former)
    return find_note_argument(vault, name)


def _read_recorded(vault: "Vault", path: str, known: "History") -> NoteHistory:
    """Return git's record of a note, or of its path before an uncommitted rename."""
    former = [old for old, new in known.moves.items() if new == path]
    commits = read_git_log(vault.scan, vault.index, {name_key(item) for item in (path, *former)})
    recorded = read_note_history(vault.root, commits, path)
    if path not in vault.index.files:
        return recorded
    if recorded.deleted is None and (recorded.created or recorded.paths or not former):
        return recorded
    if not former:
        return NO_NOTE_HISTORY  # that of another note, which had the path before
    former.sort(key=lambda item: (-known.vanished.get(item, 0), item))
    for old in former[:_MAX_TRIED]:
        earlier = read_note_history(vault.root, commits, old)
        if earlier.deleted is None:  # the last committed path
            return earlier._replace(paths=(FormerPath(old, None), *earlier.paths))
    return NO_NOTE_HISTORY
