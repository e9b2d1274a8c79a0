"""`vaultlink doctor`: check the installation, the vault and the system."""

from collections.abc import Sequence

import vaultlink
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import FolderOptions
from vaultlink.cli.system_checks import CheckRow, check_program
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import scan_from_options
from vaultlink.cli.vault_checks import check_vault
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import USER_ERRORS
from vaultlink.report.layout import Palette, escape_controls, format_count, wrap_text

_MAX_WIDTH = 80
"""Columns of the page; longer lines are harder to read."""


def doctor(options: FolderOptions) -> int:
    """Check the installation, the vault and the system.

    Prints the version, the vault and how it was found, the settings in force, the places of the
    cache and the journal, what git and the disk can do, and what is left of killed runs. Advice
    stands below what needs attention. Nothing is written, and no note is read. The exit code is 0
    if everything is fine, 1 if something needs attention.

    Output formats: page (also when piped), tsv, json.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal, "page", "page")
    rows = list(check_program())
    scan = _scan_vault(options, rows)
    if scan is not None:
        rows += check_vault(scan, is_named=options.vault is not None)
    attention = sum(row.attention for row in rows)
    head = {
        "version": vaultlink.__version__,
        "vault": str(scan.root) if scan else None,
        "attention": attention,
    }
    listing = Listing(
        "checks",
        rows,
        CheckRow.__struct_fields__,
        head=head,
        text=lambda: render_checks(rows, min(terminal.width, _MAX_WIDTH), terminal.palette),
    )
    print_listing(terminal, output_format, listing)
    terminal.print_message(
        f"{format_count(attention, 'line')} marked with ! need attention."
        if attention > 1
        else "1 line marked with ! needs attention."
        if attention
        else "Everything is fine."
    )
    return EXIT_FINDINGS if attention else EXIT_CLEAN


def _scan_vault(options: FolderOptions, rows: list[CheckRow]) -> VaultScan | None:
    """Return the scanned vault; None, and a row, if there is a problem with it."""
    try:
        return scan_from_options(options, options.folder)
    except USER_ERRORS as error:
        rows.append(CheckRow("vault", True, "can't be opened.", str(error)))
        return None


def render_checks(rows: Sequence[CheckRow], width: int, palette: Palette) -> str:
    size = max(len(row.check) for row in rows)
    indent = " " * (size + 4)
    lines: list[str] = []
    for row in rows:
        mark = f"{palette.red}!{palette.reset}" if row.attention else " "
        detail, *more = wrap_text(escape_controls(row.detail), width - len(indent))
        lines.append(f"{mark} {palette.bold}{row.check:<{size}}{palette.reset}  {detail}")
        if row.advice:
            more += wrap_text(escape_controls(row.advice), width - len(indent))
        lines += [f"{indent}{line}" for line in more]
    return "".join(f"{line.rstrip()}\n" for line in lines)
