"""Find the unlinked mentions that the options of a run name, and print them."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cache
from importlib.util import find_spec
from typing import Annotated, Any, NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.backlinks.existing import blank_managed_sections
from vaultlink.cli.installation import format_install_command
from vaultlink.cli.listing import Listing, is_json, print_listing, render_rows
from vaultlink.cli.options import NotesOptions, option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, select_link_sources
from vaultlink.config.mention_settings import parse_ignored
from vaultlink.config.patterns import compile_path_prefixes
from vaultlink.engine.step import State
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import CountPaths, FindingWithFix
from vaultlink.index.file_kinds import is_in_other_vault
from vaultlink.index.resolve import is_note
from vaultlink.mentions.finder import MentionFinder
from vaultlink.mentions.matcher import sample_paths
from vaultlink.mentions.mention import LOWEST_MIN_SCORE, Mention, MentionOptions
from vaultlink.mentions.planning import (
    FrequentNote,
    TopicStatus,
    WantedTopic,
    find_topic_sections,
    judge_topics,
    list_wanted_targets,
    make_mention_fixes,
    sift_frequent,
)
from vaultlink.model import SkippedNote
from vaultlink.report.changed_lines import skipped_rows
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.report.listings import BACKLINKS_TABLE, BacklinkRow
from vaultlink.report.mention_rows import (
    MentionRow,
    describe_mentions,
    mention_rows,
    render_mentions,
)
from vaultlink.report.read_only_notes import describe_read_only

# -- search a vault for unlinked mentions, with the settings and options of a run ------------------


_LIBRARY = "ahocorasick_rs"


def has_library() -> bool:
    """Return True if a whole vault can be searched in a reasonable time."""
    return find_spec(_LIBRARY) is not None


def require_library() -> None:
    if not has_library():
        raise UsageError(
            "searching a whole vault for mentions requires an extra library. Install it with "
            f"`{format_install_command('ahocorasick-rs')}`, or name the notes to search."
        )


def build_mention_options(settings: Mapping[str, Any], **changes: Any) -> MentionOptions:
    """Return the options of a search: the settings of `[mentions]` with changes.

    Changes that are None have no effect.
    """
    ignored = parse_ignored(settings["ignore"])
    options = MentionOptions(
        min_score=settings["min-score"],
        headings=settings["headings"],
        each_section=settings["each-section"],
        cjk=settings["cjk"],
        ignored_names=ignored.names,
        ignored_notes=ignored.notes,
        ignored_pairs=ignored.pairs,
        ignored_folders=ignored.folders,
    )
    return replace(options, **{name: value for name, value in changes.items() if value is not None})


def _doubt(mention: Mention, reason: str) -> Mention:
    return replace(mention, certain=False, why=f"{mention.why}, {reason}")


class MentionSearch:
    """Searches the notes of one state.

    Templates and notes that are not linted are never searched and never linked to. Notes that are
    only read are linked to, but not searched. Managed sections do not count, so writing them
    changes no result.
    """

    def __init__(self, state: State, text: Callable[[str], str | None], options: MentionOptions):
        self._state, self._text = state, text
        self._is_template = compile_path_prefixes(state.settings.obsidian.templates)
        sample = {path: self._read(path) or "" for path in sample_paths(state.index)}
        self._finder = MentionFinder(
            state.index, options, sample, self._is_excluded, read=self._read
        )

    def _is_excluded(self, path: str) -> bool:
        """Return True for notes in which and to which no link is wanted."""
        return not self._state.settings.is_linted(path) or self._is_template(path)

    def find(self, paths: Iterable[str], to: Set[str] | None = None) -> list[Mention]:
        """Return the mentions in notes, in order; those of the notes in `to` only.

        A topic that the author's section of a note lists is not certain: its link would make the
        entry redundant. Neither is a note of another vault, nested or around this one.
        """
        index, vaults = self._state.index, self._state.settings.obsidian.vaults
        found = []
        for path in paths:
            mentions = self.find_wanted(path, to)
            listed = list_wanted_targets(index, index.notes[path]) if mentions else frozenset()
            for item in mentions:
                if item.target in listed:
                    found.append(_doubt(item, "listed in the backlinks section"))
                elif is_in_other_vault(path, item.target, vaults):
                    found.append(_doubt(item, "in another vault"))
                else:
                    found.append(item)
        return found

    def find_wanted(self, path: str, to: Set[str] | None) -> list[Mention]:
        """Return the mentions in a note, although its section may list their topics."""
        index, settings = self._state.index, self._state.settings
        if not is_note(path) or settings.find_read_only_reason(index, index.notes[path]):
            return []
        text = self._read(path)
        return self._finder.find(path, text, to) if text else []

    def _read(self, path: str) -> str | None:
        """Return the text of a note with blanks in the place of managed sections."""
        text = self._text(path)
        return None if text is None else blank_managed_sections(self._state.index.notes[path], text)


class CertainPlan(NamedTuple):
    """A plan with the links of certain mentions, and the notes with too many of them."""

    plan: Plan
    frequent: tuple[FrequentNote, ...]


def plan_certain_mentions(
    vault: "Vault", plan: Plan, wanted: Callable[[str], bool], count: CountPaths = iter
) -> CertainPlan:
    """Return a plan and the links of the mentions that are certain after it.

    `wanted` returns True for the paths of notes that may be changed. `count` yields the paths that
    are searched, and may show how many were.
    """
    paths = [path for path in sorted(plan.after.index.notes) if is_note(path) and wanted(path)]
    if len(paths) > 1:
        require_library()
    options = build_mention_options(vault.config.mentions)
    texts = plan.texts
    search = MentionSearch(
        plan.after,
        lambda path: texts[path][1] if path in texts else vault.text(path),
        replace(options, lowest_score=options.min_score),
    )
    found = sift_frequent(search.find(count(paths)))
    certain = [item for item in found.mentions if item.certain]
    linked = vault.fixer.after(plan).plan_mentions(certain)
    return CertainPlan(plan.then(linked), found.frequent)


def find_certain_mentions(
    state: State, text: Callable[[str], str | None], settings: Mapping[str, Any], note: str | None
) -> dict[str, set[str]]:
    """Return the notes that certainly mention a note, by the path of that note.

    `note` is the only note whose mentions are wanted; None for all notes. Raises UsageError.
    """
    if note is None:
        require_library()
    options = build_mention_options(settings)
    search = MentionSearch(state, text, replace(options, lowest_score=options.min_score))
    found: dict[str, set[str]] = {}
    for item in search.find(sorted(state.index.notes), None if note is None else {note}):
        if item.certain:
            found.setdefault(item.target, set()).add(item.path)
    return found


def find_linkable_mentions(vault: Vault, count: CountPaths = iter) -> list[Mention]:
    """Return the mentions in all notes that `mentions --write` links, in order.

    `count` is as in `plan_certain_mentions`.
    """
    options = build_mention_options(vault.config.mentions)
    read = cache(vault.text)  # a text is read for the sample, the search and the links
    search = MentionSearch(vault.state, read, replace(options, lowest_score=options.min_score))
    mentions = sift_frequent(search.find(count(select_link_sources(vault, ())))).mentions
    found = [item for item in mentions if item.certain]
    fixes = make_mention_fixes(vault.state, read, found)
    return [
        item
        for item in found
        if _doubt_unwritable(item, vault, fixes.get((item.path, item.start))).certain
    ]


# -- find the mentions that the options of `vaultlink mentions` name, and print them ---------------


_MENTIONS_TABLE = {"mentioned in": "path", "line": "line", "words": "words"}
_COLUMNS = {
    "note": "path",
    **{name: name for name in ("line", "column", "words", "target", "score", "certain", "why")},
}
_TOPIC_SENTENCES = {
    TopicStatus.LINKED: "The text links to {count} of the section already.",
    TopicStatus.UNNAMED: "The text never names {count} of the section:{names}",
    TopicStatus.DANGLING: "{count} of the section without a note:{names}",
}


class FoundMentions(NamedTuple):
    """The mentions to list, those with a lower score too, and the topics of a section.

    `only_read` is a line about the notes that were not searched because they are only read, and
    `frequent` are the notes that have or contain too many of the certain mentions.
    """

    mentions: tuple[Mention, ...]
    all: tuple[Mention, ...]
    topics: tuple[WantedTopic, ...] = ()
    only_read: str = ""
    frequent: tuple[FrequentNote, ...] = ()


def find_mentions(options: "MentionsOptions", vault: Vault, terminal: Terminal) -> FoundMentions:
    """Search for the mentions that the options name. Raises UsageError."""
    if options.from_section is not None:
        return _find_topics(options, vault, _find_note(vault, options.from_section))
    to = frozenset([_find_note(vault, options.to)]) if options.to is not None else None
    if to is None and not options.notes:
        require_library()
    paths = select_link_sources(vault, options.notes)
    search_options = _build_options(options, vault)
    with terminal.progress_line("Searching mentions") as progress:
        search = MentionSearch(vault.state, vault.text, search_options)
        found = tuple(search.find(progress.count(paths), to))
    frequent: tuple[FrequentNote, ...] = ()
    if to is None and not options.interactive:
        found, frequent = sift_frequent(found)
    listed = tuple([item for item in found if item.score >= search_options.min_score])
    only_read = describe_read_only(vault.state, paths)
    return FoundMentions(listed, found, only_read=only_read, frequent=frequent)


def _find_topics(options: "MentionsOptions", vault: Vault, path: str) -> FoundMentions:
    """Search a note for the topics that its section lists.

    The author wants these links, so a low score is enough.
    """
    note = vault.index.notes[path]
    if not find_topic_sections(note):
        raise UsageError(
            f"{path} has no section that lists topics, such as “Add backlinks using these topics”."
        )
    search_options = _build_options(options, vault, LOWEST_MIN_SCORE, lowest=0.0)
    wanted = list_wanted_targets(vault.index, note)
    search = MentionSearch(vault.state, vault.text, search_options)
    found = tuple(search.find_wanted(path, wanted))
    topics = tuple(judge_topics(vault.index, note, found))
    return FoundMentions(found, found, topics, describe_read_only(vault.state, [path]))


def _build_options(
    options: "MentionsOptions",
    vault: Vault,
    min_score: float | None = None,
    lowest: float = LOWEST_MIN_SCORE,
) -> MentionOptions:
    """Return the options of a search; `min_score` replaces the setting only."""
    built = build_mention_options(
        vault.config.mentions,
        min_score=options.min_score if options.min_score is not None else min_score,
        headings=options.headings or None,
        each_section=options.each_section or None,
    )
    return replace(built, lowest_score=min(lowest, built.min_score))


def _find_note(vault: Vault, name: str) -> str:
    path = find_note_argument(vault, name)
    if not is_note(path):
        raise UsageError(f"{path} is not a note.")
    return path


# -- output ---------------------------------------------------------------------------------------


def make_mention_listing(
    vault: Vault,
    rows: Iterable[MentionRow],
    mentions: Sequence[Mention],
    topics: Sequence[WantedTopic],
    skipped: Sequence[SkippedNote] = (),
    run: str | None = None,
) -> Listing:
    """Return the listing of mentions; `run` is the id of the run for `undo`."""
    head = {
        "vault": str(vault.root),
        "run": run,
        "skipped": skipped_rows(skipped),
        "topics": topics,
    }
    return Listing("mentions", rows, _COLUMNS, head=head, lines=mentions)


def print_mentions(
    terminal: Terminal, output_format: str, vault: Vault, found: FoundMentions
) -> None:
    fixes = make_mention_fixes(vault.state, vault.text, found.mentions)
    mentions = [
        _doubt_unwritable(item, vault, fixes.get((item.path, item.start)))
        for item in found.mentions
    ]
    rows = mention_rows(mentions, fixes, vault.fixer.data)
    listing = make_mention_listing(vault, rows, mentions, found.topics)
    if mentions:
        listing = listing._replace(
            text=lambda: render_mentions(mentions, vault.text, terminal.width, terminal.palette),
        )
    print_listing(terminal, output_format, listing)
    print_topics(terminal, found.topics)
    print_only_read(terminal, found.only_read)
    terminal.print_message(describe_mentions(mentions, len(found.all) - len(mentions)))
    print_frequent(terminal, found.frequent)


def print_frequent(terminal: Terminal, frequent: Sequence[FrequentNote]) -> None:
    """Print which mentions with a high score are not linked unasked, and why."""
    for path, count, total, is_source in frequent:
        name = escape_controls(path)
        reason, option = (
            (f"{name} contains so many", "") if is_source else (f"so many name {name}", "--to ")
        )
        command = f"vaultlink mentions {option}{shlex.quote(name)} --interactive"
        terminal.print_message(
            f"{count:,} of {total:,} mentions with a high score are not certain, because {reason}: "
            f"`{command}` asks about them."
        )


def _doubt_unwritable(mention: Mention, vault: Vault, fix: FindingWithFix | None) -> Mention:
    """Return a mention that is not certain if --write can't write a link for it."""
    reason = vault.fixer.explain_unchangeable(mention.path) if mention.certain else ""
    if reason:
        reason = f"the note can't be changed: {reason}"
    elif mention.certain and fix is None:
        reason = "no link to the note can be written here"
    return replace(mention, certain=False, why=f"{mention.why}, {reason}") if reason else mention


class _BacklinkEntry(BacklinkRow, frozen=True):
    entry: str


def print_with_mentions(
    terminal: Terminal, output_format: str, vault: Vault, note: str, rows: Sequence[BacklinkRow]
) -> None:
    """Print the backlinks of a note, and its unlinked mentions as own entries."""
    options = build_mention_options(vault.config.mentions)
    search = MentionSearch(vault.state, vault.text, options)
    found = search.find(sorted(vault.index.notes), frozenset([note]))
    mentions = [item for item in found if item.score >= options.min_score]
    named: Sequence[MentionRow] = ()
    if is_json(output_format):
        fixes = make_mention_fixes(vault.state, vault.text, mentions)
        named = mention_rows(mentions, fixes, vault.fixer.data)
    listing = Listing(
        "backlinks",
        rows,
        _BacklinkEntry.__struct_fields__,
        head={"note": note, "mentions": named},
        lines=[
            *(_BacklinkEntry(row.path, row.count, row.lines, "link") for row in rows),
            *(_BacklinkEntry(item.path, 1, (item.line,), "mention") for item in mentions),
        ],
        text=lambda: (
            "\n".join(
                filter(
                    None,
                    (
                        render_rows(terminal, BACKLINKS_TABLE, rows),
                        render_rows(terminal, _MENTIONS_TABLE, mentions),
                    ),
                )
            )
            or None
        ),
    )
    is_message_wanted = print_listing(terminal, output_format, listing)
    print_only_read(terminal, describe_read_only(vault.state, vault.index.notes))
    if is_message_wanted:
        terminal.print_message(
            f"{format_count(sum(row.count for row in rows), 'link')} to {note} in "
            f"{format_count(len(rows), 'file')}, {format_count(len(mentions), 'unlinked mention')}."
        )


def print_only_read(terminal: Terminal, sentence: str) -> None:
    if sentence:
        terminal.print_message(sentence)


def print_topics(terminal: Terminal, topics: Sequence[WantedTopic]) -> None:
    """Print which topics of a section the text links to or never names."""
    for status, sentence in _TOPIC_SENTENCES.items():
        names = [item.topic for item in topics if item.status is status]
        if names:
            count = format_count(len(names), "topic")
            listed = "".join(f"\n  {escape_controls(name)}" for name in names)
            terminal.print_message(sentence.format(count=count, names=listed))


# -- the options of `vaultlink mentions` -----------------------------------------------------------


class MentionsOptions(NotesOptions, frozen=True, kw_only=True):
    """Options of `mentions`."""

    to: Annotated[
        str | None, option("--to", metavar="NOTE", help="Only mentions of this note.")
    ] = None
    from_section: Annotated[
        str | None,
        option(
            "--from-section",
            metavar="NOTE",
            help="Only mentions in NOTE of the topics that its backlinks section lists.",
        ),
    ] = None
    write: Annotated[
        bool, option("--write", help="Turn the mentions that are certain into links.")
    ] = False
    interactive: Annotated[
        bool,
        option("-i", "--interactive", help="Ask for each mention whether to link it, by target."),
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print a unified diff of what --write would change; write nothing.",
        ),
    ] = False
    min_score: Annotated[
        float | None,
        option(
            "--min-score",
            metavar="S",
            help="Lowest score from 0 to 1 of mentions to list and to link, such as 0.5.",
            highest=1,
        ),
    ] = None
    headings: Annotated[bool, option("--headings", help="Find mentions in headings too.")] = False
    each_section: Annotated[
        bool,
        option("--each-section", help="Find the first mention of each section, not of each note."),
    ] = False

    @property
    def words(self) -> tuple[str | None, ...]:
        """All words that name notes."""
        return (*self.notes, self.to, self.from_section)


def reject_conflicting_options(options: MentionsOptions) -> None:
    section = ["--from-section"] if options.from_section is not None else []
    for names in (
        [f"--{name}" for name in ("write", "interactive", "diff") if getattr(options, name)],
        [*section, *(["NOTE"] if options.notes else [])],
        [*section, *(["--to"] if options.to is not None else [])],
    ):
        if len(names) > 1:
            raise UsageError(f"{' and '.join(names[:2])} can't be used together.")
