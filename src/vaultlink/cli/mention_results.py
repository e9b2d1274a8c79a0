"""Find the mentions that the options of `vaultlink mentions` name, and print them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.cli.listing import Listing, is_json, print_listing, render_rows
from vaultlink.cli.mention_search import MentionSearch, build_mention_options, require_library
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, select_link_sources
from vaultlink.errors import UsageError
from vaultlink.fix.select import FindingWithFix
from vaultlink.index.resolve import is_note
from vaultlink.mentions.mention import LOWEST_MIN_SCORE, Mention, MentionOptions
from vaultlink.mentions.planning import (
    TopicStatus,
    WantedTopic,
    find_topic_sections,
    judge_topics,
    list_wanted_targets,
    make_mention_fixes,
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

if TYPE_CHECKING:
    from vaultlink.cli.mention_options import MentionsOptions

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
    """The mentions to list, those with a lower score too, and the topics of a section."""

    mentions: tuple[Mention, ...]
    all: tuple[Mention, ...]
    topics: tuple[WantedTopic, ...] = ()


def find_mentions(options: "MentionsOptions", vault: Vault) -> FoundMentions:
    """Search for the mentions that the options name. Raises UsageError."""
    if options.from_section is not None:
        return _find_topics(options, vault, _find_note(vault, options.from_section))
    to = frozenset([_find_note(vault, options.to)]) if options.to is not None else None
    if to is None and not options.notes:
        require_library()
    paths = select_link_sources(vault, options.notes)
    search_options = _build_options(options, vault)
    found = tuple(MentionSearch(vault.state, vault.text, search_options).find(paths, to))
    listed = tuple([item for item in found if item.score >= search_options.min_score])
    return FoundMentions(listed, found)


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
    return FoundMentions(found, found, tuple(judge_topics(vault.index, note, found)))


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
            paged=True,
        )
    print_listing(terminal, output_format, listing)
    print_topics(terminal, found.topics)
    terminal.print_message(describe_mentions(mentions, len(found.all) - len(mentions)))


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
    if print_listing(terminal, output_format, listing):
        terminal.print_message(
            f"{format_count(sum(row.count for row in rows), 'link')} to {note} in "
            f"{format_count(len(rows), 'file')}, {format_count(len(mentions), 'unlinked mention')}."
        )


def print_topics(terminal: Terminal, topics: Sequence[WantedTopic]) -> None:
    """Print which topics of a section the text links to or never names."""
    for status, sentence in _TOPIC_SENTENCES.items():
        names = [item.topic for item in topics if item.status is status]
        if names:
            count = format_count(len(names), "topic")
            listed = "".join(f"\n  {escape_controls(name)}" for name in names)
            terminal.print_message(sentence.format(count=count, names=listed))
