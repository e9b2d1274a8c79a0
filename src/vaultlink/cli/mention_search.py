"""Find the unlinked mentions that the options of a run name, and print them."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault, find_origin
from vaultlink.cli.installation import format_install_command
from vaultlink.cli.listings import (
    Listing,
    cut_rows,
    refuse_page,
)
from vaultlink.cli.opening import find_note_argument, select_link_sources
from vaultlink.cli.options import NotesOptions, option
from vaultlink.cli.terminal import Terminal
from vaultlink.errors import UsageError
from vaultlink.fix.select import CountPaths
from vaultlink.index.resolve import is_note
from vaultlink.mentions.mention import LOWEST_MIN_SCORE, Mention, MentionOptions
from vaultlink.mentions.planning import (
    FrequentNote,
    MentionPlace,
    TopicStatus,
    WantedTopic,
    find_topic_sections,
    judge_topics,
    list_wanted_targets,
    make_mention_links,
    sift_frequent,
)
from vaultlink.mentions.search import (
    MentionSearch,
    build_mention_options,
    doubt_unwritable,
    require_library,
)
from vaultlink.model import Edit, SkippedNote
from vaultlink.report.changed_lines import skipped_rows
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.report.mention_rows import (
    MentionRow,
    describe_mentions,
    mention_rows,
    render_mentions,
)
from vaultlink.report.pages import BY_POSITION
from vaultlink.report.read_only_notes import describe_read_only, describe_read_only_notes
from vaultlink.write.vault_mentions import find_certain_mentions, find_vault_mentions


def find_linkable_mentions(vault: Vault, count: CountPaths = iter) -> list[Mention]:
    """Return the mentions in all notes that `mentions --write` links, in order.

    `count` yields the paths that are searched, and may show how many were.
    """
    found = find_certain_mentions(vault.fixer, count, find_origin(vault))
    certain = [item for item in sift_frequent(found.mentions).mentions if item.certain]
    return [item for item in certain if _doubt_unwritable(item, vault, found.links).certain]


# -- find the mentions that the options of `vaultlink mentions` name, and print them ---------------

MentionLinks = Mapping[MentionPlace, Edit]
"""The edits that link mentions, by place."""

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
    `frequent` are the notes that have or contain too many of the certain mentions. `links` are the
    edits that link them, if they are known.
    """

    mentions: tuple[Mention, ...]
    all: tuple[Mention, ...]
    topics: tuple[WantedTopic, ...] = ()
    only_read: str = ""
    frequent: tuple[FrequentNote, ...] = ()
    links: MentionLinks | None = None


def find_mentions(options: "MentionsOptions", vault: Vault, terminal: Terminal) -> FoundMentions:
    """Search for the mentions that the options name. Raises UsageError."""
    if options.from_section is not None:
        return _find_topics(options, vault, _find_note(vault, options.from_section))
    to = frozenset([_find_note(vault, options.to)]) if options.to is not None else None
    if to is None and not options.notes:
        require_library(format_install_command("ahocorasick-rs"))
    search_options, links = _build_options(options, vault), None
    paths = select_link_sources(vault, options.notes)
    with terminal.progress_line("Searching mentions") as progress:
        if to is None and not options.notes:
            in_all = find_vault_mentions(
                vault.fixer, search_options, progress.count, find_origin(vault)
            )
            found, links = tuple(in_all.mentions), in_all.links
            only_read = describe_read_only_notes(in_all.read_only)
        else:
            search = MentionSearch(vault.state, vault.text, search_options)
            paths = sorted(paths) if options.limit or options.after else paths
            found = tuple(search.find(progress.count(paths), to))
            only_read = describe_read_only(vault.state, paths)
    frequent: tuple[FrequentNote, ...] = ()
    if to is None and not options.interactive:
        found, frequent = sift_frequent(found)
    listed = tuple([item for item in found if item.score >= search_options.min_score])
    return FoundMentions(listed, found, (), only_read, frequent, links)


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
    """Return the options of a search; `min_score` counts if none was given."""
    built = build_mention_options(
        vault.config.mentions,
        options.min_score if options.min_score is not None else min_score,
    )
    return replace(built, lowest_score=min(lowest, built.min_score))


def _find_note(vault: Vault, name: str) -> str:
    path = find_note_argument(vault, name)
    if not is_note(path):
        raise UsageError(f"{path} is not a note.")
    return path


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


def list_mentions(options: "MentionsOptions", terminal: Terminal, vault: Vault) -> Listing:
    """Find the mentions that the options name, and list them."""
    found = find_mentions(options, vault, terminal)
    links = found.links
    if links is None:
        links = make_mention_links(vault.state, vault.text, found.mentions)
    mentions = [_doubt_unwritable(item, vault, links) for item in found.mentions]
    cut = cut_rows(options, terminal, mentions, BY_POSITION)
    rows = mention_rows(cut.rows, links, vault.fixer.data)
    listing = make_mention_listing(vault, rows, cut.rows, found.topics)._replace(
        cut=cut,
        notes=lambda: [
            *describe_topics(found.topics),
            *filter(None, [found.only_read]),
            describe_mentions(mentions, len(found.all) - len(mentions)),
            *describe_frequent(found.frequent),
        ],
    )
    if not cut.rows:
        return listing
    return listing._replace(
        text=lambda: render_mentions(cut.rows, vault.text, terminal.width, terminal.palette)
    )


def describe_frequent(frequent: Sequence[FrequentNote]) -> Iterator[str]:
    """Yield which mentions with a high score are not linked unasked, and why."""
    for path, count, total, is_source in frequent:
        name = escape_controls(path)
        reason, option = (
            (f"{name} contains so many", "") if is_source else (f"so many name {name}", "--to ")
        )
        command = f"vaultlink mentions {option}{shlex.quote(name)} --interactive"
        yield (
            f"{count:,} of {total:,} mentions with a high score are not certain, because {reason}: "
            f"`{command}` asks about them."
        )


def _doubt_unwritable(mention: Mention, vault: Vault, links: MentionLinks) -> Mention:
    """Return a mention that is not certain if --write can't write a link for it."""
    reason = vault.fixer.explain_unchangeable(mention.path) if mention.certain else ""
    return doubt_unwritable(mention, links.get((mention.path, mention.start)), reason)


def describe_topics(topics: Sequence[WantedTopic]) -> Iterator[str]:
    """Yield which topics of a section the text links to or never names."""
    for status, sentence in _TOPIC_SENTENCES.items():
        names = [item.topic for item in topics if item.status is status]
        if names:
            count = format_count(len(names), "topic")
            listed = "".join(f"\n  {escape_controls(name)}" for name in names)
            yield sentence.format(count=count, names=listed)


class MentionsOptions(NotesOptions, frozen=True, kw_only=True):
    """Options of `mentions`."""

    to: Annotated[str | None, option("Only mentions of this note.", metavar="NOTE")] = None
    from_section: Annotated[
        str | None,
        option(
            "Only mentions in NOTE of the topics that its backlinks section lists.", metavar="NOTE"
        ),
    ] = None
    write: Annotated[bool, option("Turn the mentions that are certain into links.")] = False
    interactive: Annotated[
        bool, option("Ask for each mention whether to link it, by target.", "-i")
    ] = False
    diff: Annotated[
        bool,
        option(
            "Print a unified diff of what --write would change; write nothing.",
            "--diff",
            "--dry-run",
        ),
    ] = False
    min_score: Annotated[
        float | None,
        option(
            "Lowest score from 0 to 1 of mentions to list and to link, such as 0.5.",
            metavar="S",
            highest=1,
        ),
    ] = None

    @property
    def words(self) -> tuple[str | None, ...]:
        """All words that name notes."""
        return (*self.notes, self.to, self.from_section)


def reject_conflicting_options(options: MentionsOptions) -> None:
    words = ("--write", "--interactive", "--diff")
    writing = [word for word in words if getattr(options, word[2:])]
    refuse_page(options, writing)
    section = ["--from-section"] if options.from_section is not None else []
    for names in (
        writing,
        [*section, *(["NOTE"] if options.notes else [])],
        [*section, *(["--to"] if options.to is not None else [])],
    ):
        if len(names) > 1:
            raise UsageError(f"{' and '.join(names[:2])} can't be used together.")
