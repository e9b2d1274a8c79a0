"""`vaultlink topics`: dangling topics, ranked by how often they are named."""

from vaultlink.cli import CLEAN
from vaultlink.cli.listing import form, print_document, print_lines, print_rows
from vaultlink.cli.opening import opened
from vaultlink.cli.options import Whole
from vaultlink.cli.terminal import Terminal
from vaultlink.report.frames import REASONS
from vaultlink.report.layout import number
from vaultlink.report.listings import TopicRow
from vaultlink.report.listings import topics as topic_rows

HEADER = ("count", "topic", "nearest note", "why", "score")


def topics(options: Whole) -> int:
    """List dangling topics, those named most first.

    A topic is what a link names; it dangles while no file answers to it. The exit code is 0 whatever is listed.

    Forms: table (on a terminal), tsv (elsewhere), json. Columns of tsv: topic, count, path and line of the first link,
    and of the nearest note its path, why it is near (title, alias, respelling, near) and how near (0 to 1).
    """
    terminal = Terminal(options)
    shape = form(terminal)
    vault = opened(options, terminal, options.folder)
    rows = topic_rows(vault.index, vault.suggest)
    if shape == "json":
        print_document(terminal, {}, "topics", rows)
    elif shape == "tsv":
        print_lines(terminal, [_cells(row) for row in rows])
    else:
        print_rows(terminal, HEADER, [_entry(row) for row in rows], "No dangling topics found.")
        if rows:
            named = number(sum(row.count for row in rows), "time")
            terminal.say(f"{number(len(rows), 'dangling topic')}, named {named}.")
    return CLEAN


def _cells(row: TopicRow) -> tuple[object, ...]:
    first, best = row.sources[0], row.suggestions[0] if row.suggestions else None
    nearest = (best.path, best.reason, best.score) if best else (None, None, None)
    return row.topic, row.count, first.path, first.line, *nearest


def _entry(row: TopicRow) -> tuple[object, ...]:
    if not row.suggestions:
        return row.count, row.topic, "", "", ""
    best = row.suggestions[0]
    return (
        row.count,
        row.topic,
        best.path,
        REASONS.get(best.reason, best.reason),
        f"{best.score:.2f}",
    )
