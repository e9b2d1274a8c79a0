"""What the listing commands have in common: three forms, and an exit code of 0 whatever is listed."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from vaultlink.cli.terminal import Terminal
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import render_table, render_tsv

LISTING_FORMATS = ("table", "tsv", "json")


def choose_listing_format(terminal: Terminal) -> str:
    """A listing's form: a table for people, lines for programs."""
    return terminal.choose_format(LISTING_FORMATS, "table", "tsv")


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
        terminal.print_results(
            render_table(header, rows, terminal.table_width, terminal.palette, fold=fold)
        )
    else:
        terminal.print_message(nothing)


def print_lines(terminal: Terminal, rows: Iterable[Sequence[object]]) -> None:
    """Print rows as tab-separated lines without a header."""
    terminal.print_results(render_tsv(rows))


def print_document(
    terminal: Terminal, head: Mapping[str, object], name: str, rows: Sequence[msgspec.Struct | str]
) -> None:
    """Print rows as one JSON object."""
    terminal.print_results(encode_document(head, name, rows))
