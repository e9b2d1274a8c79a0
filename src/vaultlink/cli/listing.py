"""Print the results of the listing commands.

There are three output formats. The exit code is 0 for any result.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.cli.terminal import Terminal
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import render_table, render_tsv

LISTING_FORMATS = ("table", "tsv", "json")

PAGE_FORMATS = ("page", "tsv", "json")


class Listing(NamedTuple):
    """The results of a command in its output formats.

    Attributes:
        key: The JSON key of the rows.
        rows: The rows, as JSON.
        columns: The names of the columns of tsv.
        lines: The cells of tsv; None for the fields of each row that `columns` names.
        header: The names of the columns of the table.
        cells: The cells of the table; None for those of tsv.
        empty: The message for an empty table.
        head: The other keys of the JSON document.
    """

    key: str
    rows: Sequence[msgspec.Struct | str]
    columns: Sequence[str]
    lines: Iterable[Sequence[object]] | None = None
    header: Sequence[str] = ()
    cells: Iterable[Sequence[object]] | None = None
    empty: str = ""
    head: Mapping[str, object] = {}

    def list_lines(self) -> Iterable[Sequence[object]]:
        """Return the cells of tsv."""
        if self.lines is not None:
            return self.lines
        return ([getattr(row, name) for name in self.columns] for row in self.rows)


def choose_listing_format(terminal: Terminal) -> str:
    """Choose the output format of a listing.

    The default is table on a terminal and tsv elsewhere.
    """
    return terminal.choose_format(LISTING_FORMATS, "table", "tsv")


def print_listing(
    terminal: Terminal, output_format: str, listing: Listing, *, fold: bool = False
) -> bool:
    """Print a listing; return True if it was a table with rows."""
    if print_data(terminal, output_format, listing):
        return False
    rows = list(listing.list_lines() if listing.cells is None else listing.cells)
    print_rows(terminal, listing.header, rows, listing.empty, fold=fold)
    return bool(rows)


def print_data(terminal: Terminal, output_format: str, listing: Listing) -> bool:
    """Print a listing as JSON or TSV; return False for another format."""
    if output_format == "json":
        print_document(terminal, listing.head, listing.key, listing.rows)
    elif output_format == "tsv":
        print_lines(terminal, listing.columns, listing.list_lines())
    return output_format in ("json", "tsv")


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
