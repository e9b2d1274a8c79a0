"""Print the results of the listing commands.

There are three output formats. The exit code is 0 for any result.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from vaultlink.cli.terminal import Terminal
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import render_table, render_tsv

LISTING_FORMATS = ("table", "tsv", "json")


def choose_listing_format(terminal: Terminal) -> str:
    """Choose the output format of a listing.

    The default is table on a terminal and tsv elsewhere.
    """
    return terminal.choose_format(LISTING_FORMATS, "table", "tsv")


def print_rows(
    terminal: Terminal,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    empty_message: str,
    *,
    fold: bool = False,
) -> None:
    """Print rows as a table with a header.

    If there are no rows, print `empty_message` on stderr.
    """
    if rows:
        terminal.print_results(
            render_table(header, rows, terminal.table_width, terminal.palette, fold=fold)
        )
    else:
        terminal.print_message(empty_message)


def print_lines(
    terminal: Terminal, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Print rows as tab-separated values, with the names of the columns above them."""
    terminal.print_results(render_tsv(header, rows))


def print_document(
    terminal: Terminal, head: Mapping[str, object], name: str, rows: Sequence[msgspec.Struct | str]
) -> None:
    """Print one JSON object: the keys of `head`, then `rows` under `name`."""
    terminal.print_results(encode_document(head, name, rows))
