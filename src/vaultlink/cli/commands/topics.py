"""`vaultlink topics`: dangling topics, most referenced first."""

from collections.abc import Sequence

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import FolderOptions
from vaultlink.cli.shown_paths import format_vault_option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options
from vaultlink.report.full import REASON_LABELS
from vaultlink.report.layout import format_count
from vaultlink.report.listings import DanglingTopicRow, topic_rows

COLUMNS = ("topic", "count", "path", "line", "note", "reason", "score", "cause")
HEADER = ("count", "topic", "similar note", "reason", "score", "cause")
_MIN_WIDE = 100
"""Columns of a table from which there is room for a cause beside the reason and the score."""


def topics(options: FolderOptions) -> int:
    """List dangling topics, most referenced first.

    A topic is the target of a link; it is dangling if it does not resolve to a file. The exit code
    is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: topic, count, path
    and line of the first link, for the most similar note its path, the reason (title, alias,
    respelling, folder, near, history) and the score (0 to 1), and what happened to the file that
    the links meant before.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    vault = open_from_options(options, terminal, options.folder)
    rows = topic_rows(vault.index, vault.suggest, vault.state.settings.history)
    columns = choose_columns(rows, terminal.table_width)
    listing = Listing(
        "topics",
        rows,
        COLUMNS,
        map(_format_tsv_cells, rows),
        [HEADER[column] for column in columns],
        ([_format_table_cells(row)[column] for column in columns] for row in rows),
        "No dangling topics found.",
    )
    if print_listing(terminal, output_format, listing):
        terminal.print_message(_describe_counts(rows, vault.index.count_all_links().dangling))
        option = format_vault_option(options.vault or options.folder, vault.root)
        terminal.print_message(
            f"`vaultlink fix --interactive{option}` links, creates, unlinks or allows each."
        )
    return EXIT_CLEAN


def _describe_counts(rows: Sequence[DanglingTopicRow], dangling: int) -> str:
    references = sum(row.count for row in rows)
    sentence = (
        f"{format_count(len(rows), 'dangling topic')}, "
        f"referenced by {format_count(references, 'link')}."
    )
    rest = dangling - references
    if not rest:
        return sentence
    is_one = rest == 1
    return (
        f"{sentence} {format_count(rest, 'more dangling link')} {'is' if is_one else 'are'} "
        f"not listed: {'its' if is_one else 'their'} text was not meant as a link."
    )


def _format_tsv_cells(row: DanglingTopicRow) -> tuple[object, ...]:
    first, best = row.sources[0], row.suggestions[0] if row.suggestions else None
    nearest = (best.path, best.reason, best.score) if best else (None, None, None)
    return row.topic, row.count, first.path, first.line, *nearest, row.cause


def choose_columns(rows: Sequence[DanglingTopicRow], width: int) -> Sequence[int]:
    """Return the numbers of the columns to print.

    The cause is left out if no topic has one. In a narrow table it takes the place of reason and
    score.
    """
    if not any(row.cause for row in rows):
        return (0, 1, 2, 3, 4)
    return (0, 1, 2, 3, 4, 5) if width >= _MIN_WIDE else (0, 1, 2, 5)


def _format_table_cells(row: DanglingTopicRow) -> tuple[object, ...]:
    if not row.suggestions:
        return row.count, row.topic, "", "", "", row.cause
    best = row.suggestions[0]
    reason = REASON_LABELS.get(best.reason, best.reason)
    return row.count, row.topic, best.path, reason, f"{best.score:.2f}", row.cause
