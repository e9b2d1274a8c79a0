"""`vaultlink orphans` and `deadends`: files without backlinks, or without links."""

from collections.abc import Callable

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_listing
from vaultlink.cli.options import FolderOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options
from vaultlink.index.index import Index
from vaultlink.report.layout import format_count
from vaultlink.report.listings import find_dead_ends, find_orphans


def orphans(options: FolderOptions) -> int:
    """List files without backlinks.

    Files of every type are listed, as by Obsidian's own command. A link from the file to itself
    counts as a backlink, a link in a managed backlinks section does not. The exit code is 0
    whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere, one path a line below a header), json.
    """
    return _print_listing(options, find_orphans, "orphan")


def deadends(options: FolderOptions) -> int:
    """List notes without links to files.

    Links that do not resolve to a file don't count. The exit code is 0 whatever is listed.

    Output formats: table (on a terminal), tsv (elsewhere, one path a line below a header), json.
    """
    return _print_listing(options, find_dead_ends, "dead end")


def _print_listing(
    options: FolderOptions, find_paths: Callable[[Index], list[str]], name: str
) -> int:
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    paths = find_paths(open_from_options(options, terminal, options.folder).index)
    listing = Listing("notes", paths, {"path": str}, {f"{name}s": str}, empty=f"No {name}s found.")
    if print_listing(terminal, output_format, listing):
        terminal.print_message(f"{format_count(len(paths), name)}.")
    return EXIT_CLEAN
