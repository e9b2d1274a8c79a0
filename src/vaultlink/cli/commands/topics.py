"""`vaultlink topics`: dangling topics, most referenced first."""

from collections.abc import Callable, Mapping, Sequence

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Columns, Listing, choose_listing_format, print_listing
from vaultlink.cli.options import FolderOptions
from vaultlink.cli.shown_paths import format_vault_option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options
from vaultlink.report.full import REASON_LABELS
from vaultlink.report.layout import format_count
from vaultlink.report.listings import DanglingTopicRow, topic_rows

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
    listing = Listing(
        "topics",
        rows,
        _COLUMNS,
        choose_columns(rows, terminal.table_width),
        empty="No dangling topics found.",
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


def choose_columns(rows: Sequence[DanglingTopicRow], width: int) -> Columns:
    """Return the columns of the table.

    The cause is left out if no topic has one. In a narrow table it takes the place of reason and
    score.
    """
    omitted = {"reason", "score"} if width < _MIN_WIDE else set()
    if not any(row.cause for row in rows):
        omitted = {"cause"}
    return {header: field for header, field in _TABLE.items() if header not in omitted}


def _format_nearest(field: str, form: str = "{}") -> Callable[[DanglingTopicRow], str]:
    """Return a function that formats a field of the most similar note of a topic."""
    return lambda row: form.format(getattr(row.suggestions[0], field)) if row.suggestions else ""


def _label_reason(row: DanglingTopicRow) -> str:
    reason = _format_nearest("reason")(row)
    return REASON_LABELS.get(reason, reason)


_COLUMNS: Columns = {
    "topic": "topic",
    "count": "count",
    "path": lambda row: row.sources[0].path,
    "line": lambda row: row.sources[0].line,
    "note": _format_nearest("path"),
    "reason": _format_nearest("reason"),
    "score": _format_nearest("score"),
    "cause": "cause",
}
_TABLE: Mapping[str, str | Callable[[DanglingTopicRow], str]] = {
    "count": "count",
    "topic": "topic",
    "similar note": _format_nearest("path"),
    "reason": _label_reason,
    "score": _format_nearest("score", "{:.2f}"),
    "cause": "cause",
}
