"""`vaultlink lsp` and `mcp`: serve editors and agents over their protocols."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

from vaultlink.api import build_linter, open_vault
from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.installation import importing_extra
from vaultlink.cli.opening import build_settings, scan_from_options
from vaultlink.cli.options import OpenOptions, option
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.disk.changes import Progress
from vaultlink.disk.processes import SpareProcess
from vaultlink.disk.scan import Settings, scan_vault
from vaultlink.errors import UsageError
from vaultlink.serve.workspace import Workspace


def _check_output(name: str, options: OpenOptions) -> None:
    """Raise UsageError if messages can't be read, or an option changes their form."""
    form = f"{name} prints the messages of the protocol"
    if sys.stdin is None or sys.stdout is None:
        raise UsageError(f"{name} reads requests from standard input, which is closed.")
    Terminal(options).refuse_format(form)
    if options.output_file is not None:
        raise UsageError(f"{form}; --output-file has no effect.")


_MANY_NOTES = 500
"""Notes above which another process reads them."""

_LSP_LIBRARIES = ("pygls>=2.1,<3", "lsprotocol==2025.0.0")


def lsp(options: OpenOptions) -> int:
    """Serve editors over the Language Server Protocol.

    An editor starts this command, writes requests to its standard input and reads the answers from
    its standard output. It gets diagnostics, completion of links, definitions, backlinks, hovers,
    symbols, renames of notes, headings, blocks and tags, and fixes. All edits are made by the
    editor; this command writes no note. The vaults are those of the folders that the editor has
    open, unless --vault names one. The server ends with the editor. The libraries pygls and
    lsprotocol are required, which are installed separately.

    Output formats: none. Prints the messages of the protocol.
    """
    _check_output("lsp", options)
    root = options.vault.resolve() if options.vault else None
    if root is not None:
        scan_vault(root, build_settings(options))  # its errors end the command before it serves
    opener = _Opener(build_settings(options))  # begins a process while there are no threads
    try:
        with importing_extra("lsp", *_LSP_LIBRARIES), _importing_types():
            from vaultlink.serve.lsp.server import serve  # noqa: PLC0415 - an extra library
        if sys.stdin.isatty():
            print_stderr("This serves an editor on standard input; Ctrl-C ends it.")
        serve(opener, os.fspath(root) if root else None)
    finally:
        opener.close()
    return EXIT_CLEAN


@contextmanager
def _importing_types() -> Iterator[None]:
    """Import the types of the protocol without comparisons and texts of values.

    Nothing here needs them, and they take 0.1 of the 0.25 seconds of that import.
    """
    import attrs  # noqa: PLC0415 - a part of an extra library

    define = attrs.define
    attrs.define = partial(define, eq=False, repr=False)
    try:
        yield
    finally:
        attrs.define = define


class _ManyNotesError(Exception):
    """Many notes are to be read, for which forks of another process are faster."""


class _Opener:
    """Opens vaults. One that must be read is read by another process, into the cache.

    This process has threads, so it can't be forked, and it would keep the memory of reading.
    """

    def __init__(self, settings: Settings):
        self._settings = settings
        self._spare = SpareProcess(self._read) if settings.cache else None

    def _read(self, root: str, progress: Progress) -> None:
        open_vault(root, self._settings, progress)

    def __call__(self, root: str, progress: Progress) -> Workspace:
        spare, self._spare = self._spare, None

        def refuse_many(done: int, total: int) -> None:
            if total - done > _MANY_NOTES:
                raise _ManyNotesError
            progress(done, total)

        folder = Path(root)
        try:
            return Workspace(scan_vault(folder, self._settings), refuse_many if spare else progress)
        except _ManyNotesError:
            if spare:
                spare.run(root, progress)
            return Workspace(scan_vault(folder, self._settings), progress)
        finally:
            if spare:
                spare.close()

    def close(self) -> None:
        """End the other process, if no vault was opened."""
        if self._spare:
            self._spare.close()


class McpOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `mcp`."""

    allow_writes: Annotated[bool, option("Offer the tools change, apply and undo as well.")] = False


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
    _check_output("mcp", options)
    scan = scan_from_options(options)
    build_linter(scan)  # errors of the settings end the command before it serves
    with importing_extra("mcp", "mcp>=2.3,<3"):
        from vaultlink.serve.mcp import serve  # noqa: PLC0415 - an extra library
    if sys.stdin.isatty():
        print_stderr("This serves an agent's program on standard input; Ctrl-C ends it.")
    serve(partial(Workspace, scan), allow_writes=options.allow_writes)
    return EXIT_CLEAN
