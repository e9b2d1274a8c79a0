"""Find the mentions that the options of `vaultlink mentions` name, and print them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.cli.listing import Listing, print_data, print_lines
from vaultlink.cli.mention_options import MentionsOptions
from vaultlink.cli.mention_search import MentionSearch, build_mention_options, require_library
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, select_link_sources
from vaultlink.errors import UsageError
from vaultlink.fix.select import FindingWithFix
from vaultlink.index.resolve import is_note
from vaultlink.mentions.mention import LOWEST_MIN_SCORE, Mention, MentionOptions
from vaultlink.mentions.planning import MentionPlace, make_mention_fixes
from vaultlink.mentions.wanted_topics import (
    TopicStatus,
    WantedTopic,
    find_topic_sections,
    judge_topics,
    list_wanted_targets,
)
from vaultlink.model import SkippedNote
from vaultlink.report.fix_summary import skipped_rows
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import escape_controls, format_count, render_table
from vaultlink.report.listings import BacklinkRow
from vaultlink.report.mention_rows import (
    TSV_HEADER,
    MentionRow,
    describe_mentions,
    mention_cells,
    mention_rows,
    render_mentions,
)


class FoundMentions(NamedTuple):
    """The result of a search.

    Attributes:
        mentions: The mentions to list, in order.
        all: Those with a lower score too.
        topics: The topics of the section that was read, if one was.
    """

    mentions: tuple[Mention, ...]
    all: tuple[Mention, ...]
    topics: tuple[WantedTopic, ...] = ()

    @property
    def certain(self) -> list[Mention]:
        """The mentions that are certain enough to write."""
        return [item for item in self.mentions if item.certain]


def find_mentions(options: MentionsOptions, vault: Vault) -> FoundMentions:
    """Search for the mentions that the options name. Raises UsageError."""
    if options.from_section is not None:
        return _find_topics(options, vault)
    to = frozenset([_find_note(vault, options.to)]) if options.to is not None else None
    if to is None and not options.notes:
        require_library()
    paths = select_link_sources(vault, options.notes)
    search_options = _build_options(options, vault)
    found = tuple(MentionSearch(vault.state, vault.text, search_options).find(paths, to))
    listed = tuple([item for item in found if item.score >= search_options.min_score])
    return FoundMentions(listed, found)


def _find_topics(options: MentionsOptions, vault: Vault) -> FoundMentions:
    """Search a note for the topics that its section lists.

    The author wants these links, so a low score is enough.
    """
    assert options.from_section is not None
    path = _find_note(vault, options.from_section)
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
    options: MentionsOptions,
    vault: Vault,
    min_score: float | None = None,
    lowest: float = LOWEST_MIN_SCORE,
) -> MentionOptions:
    """Return the options of a search.

    `min_score` replaces the setting, not the option.
    """
    chosen = options.min_score if options.min_score is not None else min_score
    built = build_mention_options(
        vault.config.mentions,
        min_score=chosen,
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


def make_rows(vault: Vault, mentions: Sequence[Mention]) -> list[MentionRow]:
    """Return the JSON rows of mentions in the notes as they are on disk now."""
    fixes = make_mention_fixes(vault.state, vault.text, mentions)
    return mention_rows(mentions, fixes, vault.fixer.data)


def doubt_unwritable(
    vault: Vault, mentions: Sequence[Mention], fixes: Mapping[MentionPlace, FindingWithFix]
) -> list[Mention]:
    """Return mentions; those for which --write can't write a link are not certain.

    `fixes` are those that link them.
    """
    return [
        _doubt(item, reason)
        if item.certain and (reason := _explain_unwritable(vault, item, fixes))
        else item
        for item in mentions
    ]


def _doubt(mention: Mention, reason: str) -> Mention:
    return replace(mention, certain=False, why=f"{mention.why}, {reason}")


def _explain_unwritable(
    vault: Vault, mention: Mention, fixes: Mapping[MentionPlace, FindingWithFix]
) -> str:
    """Return why no link can be written for a mention; "" if it can be."""
    if reason := vault.fixer.explain_unchangeable(mention.path):
        return f"the note can't be changed: {reason}"
    has_fix = (mention.path, mention.start) in fixes
    return "" if has_fix else "no link to the note can be written here"


def list_document_keys(
    vault: Vault,
    topics: Sequence[WantedTopic],
    skipped: Sequence[SkippedNote] = (),
    run: str | None = None,
) -> Mapping[str, object]:
    """Return the keys of the JSON document besides the mentions.

    `run` is the id of the run for `undo`.
    """
    return {
        "vault": str(vault.root),
        "run": run,
        "skipped": skipped_rows(skipped),
        "topics": topics,
    }


def render_document(head: Mapping[str, object], rows: Sequence[MentionRow]) -> bytes:
    """Return mentions as one JSON document. All keys are always present."""
    return encode_document(head, "mentions", rows)


def print_mentions(
    terminal: Terminal, output_format: str, vault: Vault, found: FoundMentions
) -> None:
    """Print the mentions and topics that were found."""
    fixes = make_mention_fixes(vault.state, vault.text, found.mentions)
    mentions = doubt_unwritable(vault, found.mentions, fixes)
    if output_format == "json":
        rows = mention_rows(mentions, fixes, vault.fixer.data)
        terminal.print_results(render_document(list_document_keys(vault, found.topics), rows))
    elif output_format == "tsv":
        print_lines(terminal, TSV_HEADER, mention_cells(mentions))
    elif mentions:
        text = render_mentions(mentions, vault.text, terminal.width, terminal.palette)
        terminal.print_paged(text)
    print_topics(terminal, found.topics)
    terminal.print_message(describe_mentions(mentions, len(found.all) - len(mentions)))


def print_with_mentions(
    terminal: Terminal, output_format: str, vault: Vault, note: str, rows: Sequence[BacklinkRow]
) -> None:
    """Print the backlinks of a note, and its unlinked mentions as own entries."""
    options = build_mention_options(vault.config.mentions)
    search = MentionSearch(vault.state, vault.text, options)
    found = search.find(sorted(vault.index.notes), frozenset([note]))
    mentions = [item for item in found if item.score >= options.min_score]
    named = make_rows(vault, mentions) if output_format == "json" else ()
    links = [(row.path, row.count, ",".join(map(str, row.lines))) for row in rows]
    lines = [(*row, "link") for row in links]
    lines += [(item.path, 1, str(item.line), "mention") for item in mentions]
    columns = ("path", "count", "lines", "entry")
    listing = Listing("backlinks", rows, columns, lines, head={"note": note, "mentions": named})
    if print_data(terminal, output_format, listing):
        return
    words = [(item.path, item.line, item.words) for item in mentions]
    tables = [
        render_table(header, cells, terminal.table_width, terminal.palette)
        for header, cells in (
            (("linked from", "links", "lines"), links),
            (("mentioned in", "line", "words"), words),
        )
        if cells
    ]
    if tables:
        terminal.print_results("\n".join(tables))
    terminal.print_message(
        f"{format_count(sum(row.count for row in rows), 'link')} to {note} in "
        f"{format_count(len(rows), 'file')}, {format_count(len(mentions), 'unlinked mention')}."
    )


def print_topics(terminal: Terminal, topics: Sequence[WantedTopic]) -> None:
    """Print which topics of a section the text never names."""
    if not topics:
        return
    for status, describe in _TOPIC_SENTENCES.items():
        names = [item.topic for item in topics if item.status is status]
        if names:
            terminal.print_message(describe(names))


def _list_names(names: Sequence[str]) -> str:
    return "".join(f"\n  {escape_controls(name)}" for name in names)


def describe_redundant(topics: Sequence[WantedTopic]) -> str:
    """Return a sentence on how to remove the entries that are links in the text now."""
    if not topics:
        return ""
    return "`vaultlink fix --unsafe-fixes` removes the entries of the topics that are linked."


_TOPIC_SENTENCES: dict[TopicStatus, Callable[[Sequence[str]], str]] = {
    TopicStatus.LINKED: lambda names: (
        f"The text links to {format_count(len(names), 'topic')} of the section already."
    ),
    TopicStatus.UNNAMED: lambda names: (
        f"The text never names {format_count(len(names), 'topic')} of the section:"
        f"{_list_names(names)}"
    ),
    TopicStatus.DANGLING: lambda names: (
        f"{format_count(len(names), 'topic')} of the section without a note:{_list_names(names)}"
    ),
}
"""Sentences about the topics of each status."""
