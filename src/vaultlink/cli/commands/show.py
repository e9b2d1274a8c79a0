"""`vaultlink show`: the contents of notes as vaultlink reads them."""

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import NotesOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options, select_link_sources
from vaultlink.report.listings import (
    NoteElement,
    describe_totals,
    list_elements,
    note_rows,
    render_note_page,
)


def show(options: NotesOptions) -> int:
    """Show the contents of notes as vaultlink reads them.

    Prints properties, aliases, tags, headings, block identifiers, and links with their
    destinations.

    Output formats: page (also when piped), tsv, json. Columns of tsv: path, kind (property, alias,
    tag, heading, block, link), line, text, and detail: the value of a property or the destination
    of a link.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal, "page", "page")
    vault = open_from_options(options, terminal)
    paths = select_link_sources(vault, options.notes) if options.notes else list(vault.notes)
    rows = note_rows(vault.index, paths)
    listing = Listing(
        "notes",
        rows,
        NoteElement._fields,
        head={"vault": str(vault.root)},
        lines=(element for row in rows for element in list_elements(row)),
        text=lambda: "\n".join(
            [render_note_page(row, terminal.table_width, terminal.palette) for row in rows]
        ),
    )
    if print_listing(terminal, output_format, listing) and len(rows) > 1:
        terminal.print_message(describe_totals(rows))
    return EXIT_CLEAN
