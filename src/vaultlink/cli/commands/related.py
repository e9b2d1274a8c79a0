"""`vaultlink related`: the notes that are related to a note by links."""

from typing import Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import NoteArgument, OpenOptions, option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_note_argument, open_from_options
from vaultlink.errors import UsageError
from vaultlink.graph.related import find_related
from vaultlink.report.layout import format_count

_LIMIT = 10


class RelatedOptions(OpenOptions, frozen=True, kw_only=True):
    note: NoteArgument = None
    limit: Annotated[
        int | None,
        option("--limit", metavar="N", help=f"Maximum number of notes. Default: {_LIMIT}."),
    ] = None
    linked: Annotated[
        bool, option("--linked", help="List the notes that NOTE already links to as well.")
    ] = False


def related(options: RelatedOptions) -> int:
    """List the notes related to a note by links.

    Three things count: links with the same files and dangling topics, where rare ones count most;
    links from the notes most similar to NOTE; and a link to NOTE. The text of notes does not count.
    Notes that NOTE already links to are left out; with --linked, they are listed and marked. The
    exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: path, score,
    linked (true or false), why.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    if options.note is None:
        raise UsageError("related requires a note, as in `vaultlink related NOTE`.")
    vault = open_from_options(options, terminal)
    note = find_note_argument(vault, options.note)
    rows = find_related(vault.index, note, options.limit or _LIMIT, with_linked=options.linked)
    marked = {"linked": lambda row: "yes" if row.linked else "no"} if options.linked else {}
    listing = Listing(
        "related",
        rows,
        ("path", "score", "linked", "why"),
        {"score": "score", "note": "path", **marked, "why": "why"},
        head={"note": note},
        empty=f"No notes related to {note} found.",
        fold=True,
    )
    if print_listing(terminal, output_format, listing):
        terminal.print_message(f"{format_count(len(rows), 'note')} related to {note}.")
    return EXIT_CLEAN
