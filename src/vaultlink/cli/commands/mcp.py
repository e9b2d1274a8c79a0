"""`vaultlink mcp`: serve a vault to agents over the Model Context Protocol."""

import sys
from functools import partial
from typing import Annotated

from vaultlink.api import build_linter
from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.installation import importing_extra
from vaultlink.cli.options import OpenOptions, option
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.cli.vault import scan_from_options
from vaultlink.errors import UsageError
from vaultlink.serve.client import ToolServer
from vaultlink.serve.workspace import Workspace

_LIBRARY = "mcp>=2.3,<3"


class McpOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `mcp`."""

    allow_writes: Annotated[
        bool,
        option("--allow-writes", help="Offer the tools change, apply and undo as well."),
    ] = False


def mcp(options: McpOptions) -> int:
    """Serve the vault to agents over the Model Context Protocol.

    An agent's program starts this command, writes requests to its standard input and reads the
    answers from its standard output. The tools check, resolve, note, unresolved, mentions and
    related only read. With --allow-writes there are three more: change plans a rename, move,
    deletion, merge, extraction, link or fix, apply writes the plan, and undo reverts it. The
    settings `protect` and `write-paths` limit what they may change. The server ends with its
    standard input. The library mcp is required, which is installed separately.

    Output formats: none. Prints the messages of the protocol.
    """
    if sys.stdin is None or sys.stdout is None:
        raise UsageError("mcp reads requests from standard input, which is closed.")
    Terminal(options).refuse_format("mcp prints the messages of the protocol")
    if options.output_file is not None:
        raise UsageError("mcp prints the messages of the protocol; --output-file has no effect.")
    scan = scan_from_options(options)
    build_linter(scan)  # errors of the settings end the command before it serves
    with importing_extra("mcp", _LIBRARY):
        from vaultlink.serve.mcp import serve  # noqa: PLC0415 - an extra library
    if sys.stdin.isatty():
        print_stderr("This serves an agent's program on standard input; Ctrl-C ends it.")

    server = ToolServer(scan.root, scan.settings)
    serve(partial(Workspace, scan), allow_writes=options.allow_writes, server=server)
    return EXIT_CLEAN
