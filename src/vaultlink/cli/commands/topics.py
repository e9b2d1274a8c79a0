"""`vaultlink topics`: dangling topics, most referenced first."""

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import choose_listing_format, print_document, print_lines, print_rows
from vaultlink.cli.options import FolderOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options
from vaultlink.report.full import REASON_LABELS
from vaultlink.report.layout import format_count
from vaultlink.report.listings import TopicRow, topic_rows

HEADER = ("count", "topic", "similar note", "reason", "score")


def topics(options: FolderOptions) -> int:
    """List dangling topics, most referenced first.

    A topic is the target of a link; it is dangling if it does not resolve to a file. The exit code
    is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: topic, count, path
    and line of the first link, and for the most similar note its path, the reason (title, alias,
    respelling, folder, near) and the score (0 to 1).
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    vault = open_from_options(options, terminal, options.folder)
    rows = topic_rows(vault.index, vault.suggest)
    if output_format == "json":
        print_document(terminal, {}, "topics", rows)
    elif output_format == "tsv":
        print_lines(terminal, [_format_tsv_cells(row) for row in rows])
    else:
        print_rows(
            terminal,
            HEADER,
            [_format_table_cells(row) for row in rows],
            "No dangling topics found.",
        )
        if rows:
            references = format_count(sum(row.count for row in rows), "link")
            terminal.print_message(
                f"{format_count(len(rows), 'dangling topic')}, referenced by {references}."
            )
    return EXIT_CLEAN


def _format_tsv_cells(row: TopicRow) -> tuple[object, ...]:
    first, best = row.sources[0], row.suggestions[0] if row.suggestions else None
    nearest = (best.path, best.reason, best.score) if best else (None, None, None)
    return row.topic, row.count, first.path, first.line, *nearest


def _format_table_cells(row: TopicRow) -> tuple[object, ...]:
    if not row.suggestions:
        return row.count, row.topic, "", "", ""
    best = row.suggestions[0]
    return (
        row.count,
        row.topic,
        best.path,
        REASON_LABELS.get(best.reason, best.reason),
        f"{best.score:.2f}",
    )
