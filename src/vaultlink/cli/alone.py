"""`vaultlink orphans` and `vaultlink deadends`: files nothing links to, notes that link nowhere."""

from collections.abc import Callable

from vaultlink.cli import CLEAN
from vaultlink.cli.listing import form, print_document, print_lines, print_rows
from vaultlink.cli.opening import opened
from vaultlink.cli.options import Whole
from vaultlink.cli.terminal import Terminal
from vaultlink.index import Index
from vaultlink.report.layout import number
from vaultlink.report.listings import deadends as list_deadends
from vaultlink.report.listings import orphans as list_orphans


def orphans(options: Whole) -> int:
    """List files that nothing links to.

    Files of every type, as in Obsidian's own command; a link from the file itself counts. The exit code is 0 whatever
    is listed.

    Forms: table (on a terminal), tsv (elsewhere, one path a line), json.
    """
    return _list(options, list_orphans, "orphan")


def deadends(options: Whole) -> int:
    """List notes that link nowhere.

    Notes without a link that leads to a file; dangling links do not help. The exit code is 0 whatever is listed.

    Forms: table (on a terminal), tsv (elsewhere, one path a line), json.
    """
    return _list(options, list_deadends, "dead end")


def _list(options: Whole, question: Callable[[Index], list[str]], name: str) -> int:
    terminal = Terminal(options)
    shape = form(terminal)
    paths = question(opened(options, terminal, options.folder).index)
    if shape == "json":
        print_document(terminal, {}, "notes", paths)
    elif shape == "tsv":
        print_lines(terminal, [(path,) for path in paths])
    else:
        print_rows(terminal, (f"{name}s",), [(path,) for path in paths], f"No {name}s found.")
        if paths:
            terminal.say(f"{number(len(paths), name)}.")
    return CLEAN
