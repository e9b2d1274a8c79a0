"""`vaultlink orphans` and `vaultlink deadends`: files nothing links to, notes that link nowhere."""

from collections.abc import Callable

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import choose_listing_format, print_document, print_lines, print_rows
from vaultlink.cli.options import FolderOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options
from vaultlink.index.index import Index
from vaultlink.report.layout import format_count
from vaultlink.report.listings import find_dead_ends as list_deadends
from vaultlink.report.listings import find_orphans as list_orphans


def orphans(options: FolderOptions) -> int:
    """List files that nothing links to.

    Files of every type, as in Obsidian's own command; a link from the file itself counts. The exit code is 0 whatever
    is listed.

    Output formats: table (on a terminal), tsv (elsewhere, one path a line), json.
    """
    return _print_listing(options, list_orphans, "orphan")


def deadends(options: FolderOptions) -> int:
    """List notes that link nowhere.

    Notes without a link that leads to a file; dangling links do not help. The exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere, one path a line), json.
    """
    return _print_listing(options, list_deadends, "dead end")


def _print_listing(
    options: FolderOptions, question: Callable[[Index], list[str]], name: str
) -> int:
    terminal = Terminal(options)
    shape = choose_listing_format(terminal)
    paths = question(open_from_options(options, terminal, options.folder).index)
    if shape == "json":
        print_document(terminal, {}, "notes", paths)
    elif shape == "tsv":
        print_lines(terminal, [(path,) for path in paths])
    else:
        print_rows(terminal, (f"{name}s",), [(path,) for path in paths], f"No {name}s found.")
        if paths:
            terminal.print_message(f"{format_count(len(paths), name)}.")
    return EXIT_CLEAN
