"""`vaultlink open`: print the address that opens a note in Obsidian, and open it."""

from typing import Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_ERROR
from vaultlink.cli.opening import find_note_argument, find_note_start, open_from_options
from vaultlink.cli.options import OpenOptions, argument, option
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.errors import UsageError
from vaultlink.obsidian import format_address
from vaultlink.programs import open_address


class OpenNoteOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `open`."""

    note: Annotated[
        str | None,
        argument("NOTE", "A path in the vault, or a name as in a link.", is_required=True),
    ] = None
    print_only: Annotated[bool, option("Print the address; do not open it.", "--print")] = False


def open_note(options: OpenNoteOptions) -> int:
    """Open a note in Obsidian.

    Prints the address of the note, `obsidian://open?vault=NAME&file=PATH`, and on a terminal passes
    it to the program that the system has for such addresses. Obsidian knows a vault by the name of
    its folder, once it was opened there. Nothing is written. The exit code is 0, or 2 if there is
    no such note or no such program.

    Output formats: none. Prints the address.
    """
    if not options.note:
        raise UsageError("open requires a note, as in `vaultlink open 'My note'`.")
    terminal = Terminal(options)
    terminal.refuse_format("open prints only the address")
    vault = open_from_options(options, terminal, find_note_start(options, (options.note,)))
    path = find_note_argument(vault, options.note)
    address = format_address(vault.root.name, path)
    if not address:
        raise UsageError("the path of this file is too long for an address.")
    terminal.print_results(f"{address}\n")
    if options.print_only or not terminal.is_terminal or open_address(address):
        return EXIT_CLEAN
    print_stderr(
        "error: no program of this system opens obsidian:// addresses. Install Obsidian, or open "
        "the address in a browser."
    )
    return EXIT_ERROR
