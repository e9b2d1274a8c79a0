"""`vaultlink serve`: keep a vault in memory for the commands that ask about it."""

import os
import time
from functools import partial
from pathlib import Path
from typing import Annotated

from msgspec.structs import replace

from vaultlink.api import build_linter
from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.opening import choose_named_vault, find_vault_root, scan_from_options
from vaultlink.cli.options import OpenOptions, VaultArgument, option
from vaultlink.cli.proposed_commands import list_setting_words
from vaultlink.cli.terminal import Terminal
from vaultlink.errors import UsageError
from vaultlink.programs import BackgroundProgram, ProgramCall, build_own_command
from vaultlink.serve.client import NoAnswerError, ask, find_server, socket_path
from vaultlink.serve.socket import claim_socket, is_claimed
from vaultlink.serve.socket import serve as serve_socket

_IDLE_MINUTES = 30.0

_ASK_SECONDS = 5.0
"""Seconds to wait for a server that is asked to end."""

_START_SECONDS = 300.0
"""Seconds that a server in the background may take to read its vault."""

_LOOK_SECONDS = 0.02
"""Seconds between two looks whether a server has started or ended."""


class ServeOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `serve`."""

    folder: VaultArgument = None
    background: Annotated[bool, option("Start a server, and return when it answers.")] = False
    stop: Annotated[bool, option("End the server of the vault.")] = False
    idle: Annotated[
        float | None,
        option(
            f"End after this time without a request. Default: {_IDLE_MINUTES:.0f}.",
            metavar="MINUTES",
        ),
    ] = None


def serve(options: ServeOptions) -> int:
    """Keep a vault in memory for commands that ask about it.

    Reads the vault, follows its changes, and answers commands through a socket that only its user
    can open. While it runs, `check` of texts on standard input, `guard`, `backlinks`, `links`,
    `unresolved` and `mcp` ask it, if they have the same settings and print for a program. They
    print the same without it. It ends after 30 minutes without a request, on SIGTERM and on Ctrl-C.

    Output formats: none. Prints messages only.
    """
    terminal = Terminal(options)
    terminal.refuse_format("serve prints messages only")
    if options.output_file is not None:
        raise UsageError("serve prints messages only; --output-file has no effect.")
    if options.stop and options.background:
        raise UsageError("--stop and --background can't be used together.")
    options = replace(options, vault=choose_named_vault(options.vault, options.folder), folder=None)
    if options.stop:
        return _stop(options, terminal)
    return _start(options, terminal) if options.background else _serve(options, terminal)


def _serve(options: ServeOptions, terminal: Terminal) -> int:
    from vaultlink.cli.served import answer, open_workspace  # noqa: PLC0415 - imports what answers need

    scan = scan_from_options(options)
    build_linter(scan)  # errors of the settings end the command before it serves
    idle_seconds = 60 * (_IDLE_MINUTES if options.idle is None else options.idle)
    with claim_socket(scan.root) as path:
        terminal.print_message(f"Serving {scan.root} to commands. Ctrl-C ends it.")
        serve_socket(path, partial(open_workspace, scan), answer, idle_seconds=idle_seconds)
    return EXIT_CLEAN


def _start(options: ServeOptions, terminal: Terminal) -> int:
    """Start a server that outlives this process, unless one runs, and wait for it."""
    root = find_vault_root(options)
    number = find_server(root)
    if number is None:
        line = [*build_own_command(), "serve", "--vault", str(root)]
        line += list_setting_words(options)
        if options.idle is not None:
            line += ["--idle", str(options.idle)]
        # It starts in no folder that somebody may want to remove or unmount.
        program = BackgroundProgram(ProgramCall(tuple(line), os.environ, root.anchor))
        number = _wait_for_server(root, program)
        # Another one may have started at the same time. This one would take its place.
        messages = "" if number == program.number else program.end()
        if number is None:
            raise UsageError(_find_error(messages))
    terminal.print_message(f"Process {number} serves {root}. `vaultlink serve --stop` ends it.")
    return EXIT_CLEAN


def _wait_for_server(root: Path, program: BackgroundProgram) -> int | None:
    """Return the process that serves a vault; None if the started one ends before."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        has_ended = program.has_ended
        number = find_server(root)
        if number is not None or has_ended:
            return number
        time.sleep(_LOOK_SECONDS)
    return None


def _find_error(messages: str) -> str:
    return messages.strip().rpartition("error: ")[2] or "the server did not start."


def _stop(options: ServeOptions, terminal: Terminal) -> int:
    root = find_vault_root(options)
    try:
        number = ask(socket_path(root), {"end": True}, _ASK_SECONDS).get("process")
    except NoAnswerError:
        number = None
    deadline = time.monotonic() + _ASK_SECONDS
    while is_claimed(root):
        if time.monotonic() > deadline:
            raise UsageError(
                f"the server of {root} does not end. Try again if it has just started, or writes; "
                "else end its process."
            )
        time.sleep(_LOOK_SECONDS)
    if number is None:
        terminal.print_message(f"No server of this version runs for {root}.")
    else:
        terminal.print_message(f"Ended the server of {root}, process {number}.")
    return EXIT_CLEAN
