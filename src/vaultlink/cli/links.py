"""`vaultlink links`: every link with what it leads to."""

from vaultlink.cli import CLEAN
from vaultlink.cli.listing import form, print_document, print_lines, print_rows
from vaultlink.cli.opening import opened, sources
from vaultlink.cli.options import Noted
from vaultlink.cli.terminal import Terminal
from vaultlink.report.layout import number
from vaultlink.report.listings import LinkRow, counted, link_rows
from vaultlink.report.notes import destination

HEADER = ("where", "link", "leads to")


def links(options: Noted) -> int:
    """List links with what they lead to.

    Canvases are sources of links too. The exit code is 0 whatever is listed; `vaultlink check` judges.

    Forms: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, line, column, status, target, subpath,
    resolved, anchor, kind, place, embed, display, raw.
    """
    terminal = Terminal(options)
    shape = form(terminal)
    vault = opened(options, terminal)
    rows = link_rows(vault.index, sources(vault, options.notes))
    if shape == "json":
        print_document(terminal, {"vault": str(vault.root)}, "links", rows)
    elif shape == "tsv":
        print_lines(terminal, map(_cells, rows))
    else:
        entries = [
            (f"{row.path}:{row.line}:{row.column}", row.raw, destination(row)) for row in rows
        ]
        print_rows(terminal, HEADER, entries, "No links found.")
        if rows:
            counts = counted(rows)
            terminal.say(
                f"{number(len(rows), 'link')}: "
                + ", ".join(f"{counts[status]:,} {status}" for status in sorted(counts))
                + "."
            )
    return CLEAN


def _cells(row: LinkRow) -> tuple[object, ...]:
    return (
        row.path,
        row.line,
        row.column,
        row.status,
        row.target,
        row.subpath,
        row.resolved,
        row.anchor,
        row.kind,
        row.place,
        row.embed,
        row.display,
        row.raw,
    )
