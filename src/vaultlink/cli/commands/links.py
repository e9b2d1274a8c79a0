"""`vaultlink links`: list links with their destinations."""

from collections import Counter
from collections.abc import Sequence

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import NotesOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options, select_link_sources
from vaultlink.report.layout import format_count
from vaultlink.report.listings import LinkRow, describe_destination, link_rows

_COLUMNS = (
    *("path", "line", "column", "status", "target", "subpath", "resolved", "anchor"),
    *("kind", "place", "embed", "display", "raw"),
)


def links(options: NotesOptions) -> int:
    """List links with their destinations.

    Canvases are sources of links too. The exit code is 0 whatever is listed; to check links use
    `vaultlink check`.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, line,
    column, status, target, subpath, resolved, anchor, kind, place, embed, display, raw.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    vault = open_from_options(options, terminal)
    rows = link_rows(vault.index, select_link_sources(vault, options.notes))
    listing = Listing(
        "links",
        rows,
        _COLUMNS,
        {
            "where": lambda row: f"{row.path}:{row.line}:{row.column}",
            "link": "raw",
            "destination": describe_destination,
        },
        head={"vault": str(vault.root)},
        empty="No links found.",
    )
    if print_listing(terminal, output_format, listing):
        terminal.print_message(_describe_counts(rows))
    return EXIT_CLEAN


def _describe_counts(rows: Sequence[LinkRow]) -> str:
    """Return a sentence with the numbers that `check` has in its summary."""
    counts = Counter([row.status for row in rows])
    ambiguous = counts["ambiguous"]
    parts = [f"{counts['resolved'] + ambiguous:,} resolved"]
    parts[0] += f" ({ambiguous:,} ambiguous)" if ambiguous else ""
    parts += [f"{counts[name]:,} {name}" for name in ("dangling", "external") if counts[name]]
    return f"{format_count(len(rows), 'link')}: {', '.join(parts)}."
