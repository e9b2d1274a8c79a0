"""Print the rows of a command as a table, as tab-separated values or as JSON."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.opening import StartPaths, answer_from_options
from vaultlink.cli.options import OpenOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.errors import UsageError
from vaultlink.model import SkippedNote
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import format_count, render_table, render_tsv
from vaultlink.report.pages import BY_NUMBER, Order, Page, PageRows, RowT

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.fix.plan import VaultChanges

Columns = Sequence[str] | Mapping[str, str | Callable[[Any], object]]
"""The names of columns. Each shows a field of a row, that of its name or another, or the result of
a function of the row."""


class Listing(NamedTuple):
    """The rows of a command, and what each output format shows of them.

    The JSON document has `rows` below `key`, and the keys of `head`. The columns of tsv are
    `columns`, those of the table `table`. Their rows are `lines` and `shown`, if these differ.
    `empty` is the message instead of an empty table. With `fold`, long cells of the last column
    continue on the next lines. `text` renders what people read instead of a table, None for
    nothing. `cut` is the page, if its rows are others. `summary` returns sentences for people below
    the rows, and `notes` those for all formats.
    """

    key: str
    rows: PageRows[Any] | Iterable[Any]
    columns: Columns = ()
    table: Columns = ()
    head: Mapping[str, object] = {}
    lines: Iterable[Any] | None = None
    shown: Iterable[Any] | None = None
    empty: str = ""
    fold: bool = False
    text: Callable[[], str | None] | None = None
    cut: PageRows[Any] | None = None
    summary: Callable[[], Iterable[str]] = list
    notes: Callable[[], Iterable[str]] = list


_OptionsT = TypeVar("_OptionsT", bound=OpenOptions)


def answer_with_rows(
    name: str,
    options: _OptionsT,
    make_listing: "Callable[[_OptionsT, Terminal, Vault], Listing]",
    find_start: Callable[[], StartPaths],
    *,
    text: str = "table",
    is_kept: bool = True,
) -> int:
    """Print what a vault has, as `answer_from_options` does; return the exit code 0.

    The format for people is `text`, a table or a page. `find_start` returns where the vault is
    looked for, once the format is known to be one; it may raise UsageError.
    """
    terminal = Terminal(options)
    choose_listing_format(terminal, text, "tsv" if text == "table" else text)

    def answer(vault: "Vault") -> int:
        print_listing(terminal, make_listing(options, terminal, vault))
        return EXIT_CLEAN

    return answer_from_options(name, options, terminal, answer, find_start(), is_kept=is_kept)


class _PageOptions(Protocol):
    """The options of a command that lists a page."""

    @property
    def limit(self) -> int | None: ...
    @property
    def after(self) -> str: ...


_PAGED_FORMATS = ("json", "tsv")
"""The formats that name the place of the next page."""


def cut_rows(
    options: _PageOptions, terminal: Terminal, rows: Iterable[RowT], order: Order[RowT] = BY_NUMBER
) -> PageRows[RowT]:
    """Return the rows that the options want. Raises UsageError."""
    if options.after and terminal.output_format not in _PAGED_FORMATS:
        raise UsageError("--after requires --output-format json or tsv.")
    return Page(options.limit, options.after).cut(rows, order)


def refuse_page(options: _PageOptions, others: Iterable[str]) -> None:
    """Raise UsageError if a page is wanted beside one of the other options."""
    name = "--limit" if options.limit else "--after" if options.after else ""
    for other in others if name else ():
        raise UsageError(f"{name} and {other} can't be used together.")


def choose_listing_format(
    terminal: Terminal, text: str = "table", piped: str = "tsv", exports: Sequence[str] = ("json",)
) -> str:
    """Choose between `text` for people, tsv and `exports`.

    `text` is the default on a terminal, `piped` elsewhere.
    """
    return terminal.choose_format((text, "tsv", *exports), text, piped)


def choose_document_format(terminal: Terminal, text: str = "text") -> str:
    """Choose between the format for people and JSON, if a command has no rows."""
    return terminal.choose_format((text, "json"), text, text)


def is_json(terminal: Terminal) -> bool:
    return terminal.output_format == "json"


def print_listing(terminal: Terminal, listing: Listing) -> bool:
    """Print a listing; return True if people read it, unless it is an empty table."""
    head, cut, rows = listing.head, listing.cut, listing.rows
    if isinstance(rows, PageRows):
        cut, rows = rows, rows.rows
    lines = rows if listing.lines is None else listing.lines
    is_read = False
    if cut and cut.is_page:
        head = {**head, "next": cut.name_next()}
    if terminal.output_format == "tsv":
        cells = _list_cells(listing.columns, lines)
        terminal.print_results(render_tsv(tuple(listing.columns), cells))
        if sentence := describe_next(cut):
            terminal.print_message(sentence)
    elif not print_document(terminal, lambda: encode_document(head, listing.key, tuple(rows))):
        shown = lines if listing.shown is None else listing.shown
        is_read = _print_text(terminal, listing, shown, cut)
    for sentence in (*(listing.summary() if is_read else ()), *listing.notes()):
        terminal.print_message(sentence)
    return is_read


def describe_next(cut: PageRows[Any] | None) -> str:
    """Return a sentence with the option for the next page; "" if there is none."""
    place = cut.name_next() if cut else None
    if place is None:
        return ""
    return f"More rows follow: {shlex.quote(f'--after={place}')} lists them."


def _print_text(
    terminal: Terminal, listing: Listing, rows: Iterable[Any], cut: PageRows[Any] | None
) -> bool:
    if listing.text:
        text = listing.text()
    else:
        text = _render_rows(terminal, listing.table, rows, fold=listing.fold) or None
    if text is not None:
        terminal.print_paged(text)
    elif listing.empty:
        terminal.print_message(listing.empty)
    if cut and cut.has_more:
        terminal.print_message(f"Listed are the first {format_count(len(cut.rows), 'row')}.")
    return text is not None or listing.text is not None


def print_document(terminal: Terminal, render: Callable[[], bytes]) -> bool:
    """Print a JSON document; return False for another format."""
    if is_json(terminal):
        terminal.print_results(render())
    return is_json(terminal)


def print_plan(
    terminal: Terminal,
    command: str,
    changes: "VaultChanges",
    skipped: Sequence[SkippedNote] = (),
    more: Mapping[str, object] = {},
) -> None:
    """Print a plan as a patch, or as JSON with the keys of `more`."""
    from vaultlink.report.plan_result import render_plan  # noqa: PLC0415 - imports the linter

    if not print_document(terminal, lambda: render_plan(command, changes, skipped, more=more)):
        terminal.print_diff(changes.diff_lines())


def _render_rows(
    terminal: Terminal, columns: Columns, rows: Iterable[Any], *, fold: bool = False
) -> str:
    """Return rows as a table; "" if there are none, or no columns."""
    cells = [*_list_cells(columns, rows)] if columns else []
    if not cells:
        return ""
    return render_table(tuple(columns), cells, terminal.table_width, terminal.palette, fold=fold)


def _list_cells(columns: Columns, rows: Iterable[Any]) -> Iterator[list[object]]:
    fields = columns.values() if isinstance(columns, Mapping) else columns
    getters = [attrgetter(field) if isinstance(field, str) else field for field in fields]
    return ([get(row) for get in getters] for row in rows)
