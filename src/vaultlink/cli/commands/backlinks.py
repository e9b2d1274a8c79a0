"""`vaultlink backlinks`: what links to a note, or to each; keeping sections of it is `sections`' part."""

from vaultlink.api import Vault
from vaultlink.cli.backlinks_options import BacklinksOptions
from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import choose_listing_format, print_document, print_lines, print_rows
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, open_from_options
from vaultlink.report.layout import format_count
from vaultlink.report.listings import all_backlink_rows, backlink_rows


def backlinks(options: BacklinksOptions) -> int:
    """List what links to a note, or keep a section that does.

    Notes and canvases, with the lines the links stand on; without NOTE, how many links lead to each file, most
    first. The exit code is 0 whatever is listed.

    With --write, --adopt or --remove sections are written, adopted or taken out, and notes changed are listed;
    --check and --diff write nothing and end with 1 if anything would change. A section stands between two comments
    that tell vaultlink that it is its own; taking it out gives back every byte of the note. `vaultlink undo` takes
    a run back.

    Output formats: table (on a terminal), tsv (elsewhere), json.
    Columns of tsv: path, count, lines; without NOTE: path,
    number of links, number of files they stand in; where sections are kept: path, what is done.
    """
    if options.write or options.check or options.diff or options.adopt or options.remove:
        from vaultlink.cli.backlinks_write import maintain_sections  # noqa: PLC0415 - only where something is written

        return maintain_sections(options)
    terminal = Terminal(options)
    shape = choose_listing_format(terminal)
    vault = open_from_options(options, terminal)
    if options.note is None:
        _print_link_counts(terminal, shape, vault)
        return EXIT_CLEAN
    note = find_note_argument(vault, options.note)
    rows = backlink_rows(vault.index, note)
    cells = [(row.path, row.count, ",".join(map(str, row.lines))) for row in rows]
    if shape == "json":
        print_document(terminal, {"note": note}, "backlinks", rows)
    elif shape == "tsv":
        print_lines(terminal, cells)
    else:
        print_rows(
            terminal, ("linked from", "links", "lines"), cells, f"No backlinks of {note} found."
        )
        if rows:
            terminal.print_message(
                f"{format_count(sum(row.count for row in rows), 'link')} to {note} in {format_count(len(rows), 'file')}."
            )
    return EXIT_CLEAN


def _print_link_counts(terminal: Terminal, shape: str, vault: Vault) -> None:
    """How often each file is linked to."""
    rows = all_backlink_rows(vault.index)
    if shape == "json":
        print_document(terminal, {}, "notes", rows)
        return
    counts = [
        (row.note, sum(link.count for link in row.backlinks), len(row.backlinks)) for row in rows
    ]
    counts.sort(key=lambda row: (-row[1], row[0]))
    if shape == "tsv":
        print_lines(terminal, counts)
    else:
        print_rows(terminal, ("file", "links", "from files"), counts, "No backlinks found.")
