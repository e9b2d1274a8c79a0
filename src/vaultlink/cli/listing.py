"""What the listing commands have in common: three forms, and an exit code of 0 whatever is listed."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from vaultlink.cli.terminal import Terminal
from vaultlink.report.documents import document
from vaultlink.report.layout import table, tsv

FORMS = ("table", "tsv", "json")


def form(terminal: Terminal) -> str:
    """A listing's form: a table for people, lines for programs."""
    return terminal.form(FORMS, "table", "tsv")


def print_rows(
    terminal: Terminal,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    nothing: str,
    *,
    fold: bool = False,
) -> None:
    """Print rows as a table with a header, or a sentence beside an empty result."""
    if rows:
        terminal.show(table(header, rows, terminal.table_room, terminal.palette, fold=fold))
    else:
        terminal.say(nothing)


def print_lines(terminal: Terminal, rows: Iterable[Sequence[object]]) -> None:
    """Print rows as tab-separated lines without a header."""
    terminal.show(tsv(rows))


def print_document(
    terminal: Terminal, head: Mapping[str, object], name: str, rows: Sequence[msgspec.Struct | str]
) -> None:
    """Print rows as one JSON object."""
    terminal.show(document(head, name, rows))
