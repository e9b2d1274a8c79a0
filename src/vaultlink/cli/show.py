"""`vaultlink show`: what vaultlink sees in notes."""

from vaultlink.cli import CLEAN
from vaultlink.cli.opening import opened, sources
from vaultlink.cli.options import Noted
from vaultlink.cli.terminal import Terminal
from vaultlink.report.documents import document
from vaultlink.report.layout import tsv
from vaultlink.report.notes import facts, note_rows, page, totals

FORMS = ("page", "tsv", "json")


def show(options: Noted) -> int:
    """Show what vaultlink sees in notes.

    Properties, aliases, tags, headings, block identifiers and links with what they lead to.

    Forms: page (also when piped), tsv, json. Columns of tsv: path, what it is (property, alias, tag, heading, block,
    link), line, text, and for a property its value, for a link what it leads to.
    """
    terminal = Terminal(options)
    form = terminal.form(FORMS, "page", "page")
    vault = opened(options, terminal)
    paths = sources(vault, options.notes) if options.notes else list(vault.notes)
    rows = note_rows(vault.index, paths)
    if form == "json":
        terminal.show(document({"vault": str(vault.root)}, "notes", rows))
    elif form == "tsv":
        terminal.show(tsv([fact for row in rows for fact in facts(row)]))
    else:
        terminal.show("\n".join([page(row, terminal.table_room, terminal.palette) for row in rows]))
        if len(rows) > 1:
            terminal.say(totals(rows))
    return CLEAN
