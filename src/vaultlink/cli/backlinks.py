"""`vaultlink backlinks`: what links to a note, or to each."""

from dataclasses import dataclass
from typing import Annotated

from vaultlink.api import Vault
from vaultlink.cli import CLEAN
from vaultlink.cli.listing import form, print_document, print_lines, print_rows
from vaultlink.cli.opening import found, opened
from vaultlink.cli.options import Opening, words
from vaultlink.cli.terminal import Terminal
from vaultlink.report.layout import number
from vaultlink.report.listings import all_backlinks
from vaultlink.report.listings import backlinks as backlink_rows


@dataclass(frozen=True, kw_only=True)
class Backlinks(Opening):
    """What `backlinks` is told."""

    note: Annotated[str | None, words("NOTE", "A path in the vault, or a name as a link would give it.")] = None


def backlinks(options: Backlinks) -> int:
    """List what links to a note.

    Notes and canvases, with the lines the links stand on; without NOTE, how many links lead to each file, most
    first. The exit code is 0 whatever is listed.

    Forms: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, count, lines; without NOTE: path,
    number of links, number of files they stand in.
    """
    terminal = Terminal(options)
    shape = form(terminal)
    vault = opened(options, terminal)
    if options.note is None:
        _all(terminal, shape, vault)
        return CLEAN
    note = found(vault, options.note)
    rows = backlink_rows(vault.index, note)
    cells = [(row.path, row.count, ",".join(map(str, row.lines))) for row in rows]
    if shape == "json":
        print_document(terminal, {"note": note}, "backlinks", rows)
    elif shape == "tsv":
        print_lines(terminal, cells)
    else:
        print_rows(terminal, ("linked from", "links", "lines"), cells, f"No backlinks of {note} found.")
        if rows:
            terminal.say(f"{number(sum(row.count for row in rows), 'link')} to {note} in {number(len(rows), 'file')}.")
    return CLEAN


def _all(terminal: Terminal, shape: str, vault: Vault) -> None:
    """How often each file is linked to."""
    rows = all_backlinks(vault.index)
    if shape == "json":
        print_document(terminal, {}, "notes", rows)
        return
    counts = [(row.note, sum(link.count for link in row.backlinks), len(row.backlinks)) for row in rows]
    counts.sort(key=lambda row: (-row[1], row[0]))
    if shape == "tsv":
        print_lines(terminal, counts)
    else:
        print_rows(terminal, ("file", "links", "from files"), counts, "No backlinks found.")
