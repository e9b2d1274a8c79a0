"""`vaultlink watch`: print changes to stdout as they happen.

The status line and messages go to stderr.
"""

import os
import select
import shlex
import signal
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from itertools import islice
from threading import Thread
from types import FrameType
from typing import Annotated

from msgspec.structs import replace

from vaultlink.api import make_suggester
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_ERROR
from vaultlink.cli.opening import (
    choose_named_vault,
    describe_skipped_preview,
    scan_from_options,
    warn_of_scan,
)
from vaultlink.cli.options import RuleSelectionOptions, VaultArgument, option
from vaultlink.cli.proposed_commands import format_vault_option
from vaultlink.cli.terminal import Terminal, format_label, print_stderr, wrap_lines
from vaultlink.errors import DamagedCacheError, UsageError
from vaultlink.fix.forecast import count_by_rule
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.suggest import list_unresolved
from vaultlink.report.check_result import make_target_formatter
from vaultlink.report.concise import render_concise, render_statistics, summarize_counts
from vaultlink.report.full import FullRenderer
from vaultlink.report.json_document import encode_json_lines, finding_rows
from vaultlink.report.layout import escape_controls, make_path_linker
from vaultlink.watch.garbage import exempt_present_objects
from vaultlink.watch.loop import Watch, WatchSettings
from vaultlink.watch.messages import Batch, Notice, Proposal, WatchUpdate
from vaultlink.watch.output import (
    SessionSummary,
    format_batch,
    format_batch_causes,
    format_headline,
    format_resolved,
    format_status,
    make_batch_row,
    make_resolved_rows,
    make_watch_rows,
)

_MAX_LISTED = 50
"""On a terminal, more findings than these are only counted at the start."""

_MAX_ROWS = 1_000
"""Findings that are made rows at once."""


class WatchOptions(RuleSelectionOptions, frozen=True, kw_only=True):
    """Options of `watch`."""

    folder: VaultArgument = None
    fix: Annotated[bool, option("Apply safe fixes in every pause between changes.")] = False
    diff: Annotated[
        bool,
        option(
            "Print unified diffs of what --fix would write; write nothing.", "--diff", "--dry-run"
        ),
    ] = False
    poll: Annotated[
        float | None,
        option("Scan the vault this often; for systems without change events.", metavar="SECONDS"),
    ] = None
    verify: Annotated[
        bool, option("Compare with a fresh start after every change; report differences.")
    ] = False


class _StoppedEarly(KeyboardInterrupt):
    """A signal arrived before the watcher was started."""


def watch(options: WatchOptions) -> int:
    """Check, and with --fix also fix, the vault whenever it changes.

    The vault is checked once. Then every saved, created, renamed or deleted file is processed
    within a moment, and only new (+) and resolved (-) findings are printed, for all notes of the
    vault. On a terminal, findings with one cause are one line; elsewhere and with --verbose, only
    five or more of them in one note are. With --fix,
    safe fixes are applied when nothing has changed for three seconds, never to a note that changed
    within that time. Links to a moved note are updated if nothing else, such as Obsidian, updates
    them first. A fix that was reverted with `vaultlink undo` is not applied again. Changed settings
    take effect at once. SIGTERM and Ctrl-C end the watcher with 0, after a run of fixes that has
    begun; with --verify, 2 means that a difference was found.

    Output formats: concise, full, json-lines (one object a line: new and resolved findings, then
    their batch).
    """
    terminal = Terminal(options)
    output_format = terminal.choose_format(("concise", "full", "json-lines"), "concise", "concise")
    with _handle_signals() as on_signal:
        try:
            watcher = _start_watcher(options, terminal)
            on_signal(watcher.stop)
            _stop_without_reader(terminal, watcher.stop)
        except _StoppedEarly:
            return EXIT_CLEAN
        printer = _UpdatePrinter(options, terminal, output_format)
        for update in watcher.updates():
            try:
                printer.print_update(update)
            except DamagedCacheError as error:
                if not isinstance(update, Batch) or update.number == 0:
                    raise  # the command starts anew
                watcher.recover(error)
                printer.print_update(replace(update, vault=watcher.session.vault))
            if terminal.is_pipe_closed:
                watcher.stop()
        printer.close()
    return EXIT_ERROR if watcher.verify_failures else EXIT_CLEAN


def _start_watcher(options: WatchOptions, terminal: Terminal) -> Watch:
    options = replace(options, vault=choose_named_vault(options.vault, options.folder))
    scan = scan_from_options(options)
    warn_of_scan(scan, terminal)
    terminal.check_output_file()
    file = terminal.output_file
    if file is not None and file.resolve().is_relative_to(scan.root):
        raise UsageError("--output-file: the file must not be in the watched vault.")
    settings = WatchSettings(
        options.fix and not options.diff,
        options.diff,
        options.poll,
        options.verify,
        shlex.join(["vaultlink", *sys.argv[1:]]),
    )
    with terminal.progress_line() as progress:
        watch = Watch(scan.root, scan.settings, settings, progress, scan)
    if warning := describe_skipped_preview(watch.session.vault.config):
        terminal.print_message(warning)
    return watch


@contextmanager
def _handle_signals() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Make termination signals stop the watcher; a second one ends the program."""
    stop_functions: list[Callable[[], None]] = []

    def handle_signal(number: int, _frame: FrameType | None) -> None:
        if not stop_functions:
            raise _StoppedEarly
        signal.signal(number, signal.default_int_handler)
        stop_functions[0]()

    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    previous = {
        number: signal.signal(number, handle_signal)
        for number in signals
        if signal.getsignal(number) is not signal.SIG_IGN  # ignored under nohup, for example
    }
    try:
        yield stop_functions.append
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop_without_reader(terminal: Terminal, stop: Callable[[], None]) -> None:
    """Call `stop` once nobody reads stdout: the next change may be days away.

    Nothing happens if stdout is neither a pipe nor a socket, or the system has no `poll`.
    """
    try:
        number = sys.stdout.fileno()
        mode = os.fstat(number).st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) or not hasattr(select, "poll"):
        return
    poll = select.poll()
    poll.register(number, 0)  # errors and hang-ups are always reported

    def wait() -> None:
        poll.poll()
        terminal.is_pipe_closed = True
        stop()

    Thread(target=wait, daemon=True).start()


def _make_status(batch: Batch) -> Callable[[], Callable[[int], str]]:
    """Return what makes the status line. It does not keep the batch and its vault."""
    count_totals, headline = batch.totals, format_headline(batch) if batch.number else ""

    def make() -> Callable[[int], str]:
        totals = count_totals()
        return lambda width: format_status(totals, headline, width)

    return make


class _UpdatePrinter:
    def __init__(self, options: WatchOptions, terminal: Terminal, output_format: str):
        self._options, self._terminal, self._format = options, terminal, output_format
        self._status, self._summary = terminal.status_line(), SessionSummary()
        if hasattr(signal, "SIGWINCH"):
            signal.signal(signal.SIGWINCH, lambda _number, _frame: self._status.redraw())
        self._printed_diffs: set[str] = set()

    def print_update(self, update: WatchUpdate) -> None:
        self._status.clear()
        if isinstance(update, Notice):
            message = escape_controls(update.message)
            if update.is_error:
                print_stderr(f"{format_label('warning:')} {message}")
            else:
                self._terminal.print_message(message)
        elif isinstance(update, Proposal):
            self._print_proposal(update)
        else:
            self._print_batch(update)
            self._summary.record(update)
            self._status.set_text(_make_status(update))
        self._status.draw()

    def close(self) -> None:
        self._status.clear()
        if not self._terminal.is_pipe_closed:  # else nobody reads
            self._terminal.print_message(self._summary.describe())

    def _print_batch(self, batch: Batch) -> None:
        if batch.number == 0:
            self._print_first_batch(batch)
        elif self._format == "json-lines":
            self._print_rows(batch)
        elif batch.new or batch.resolved or batch.applied_fixes or self._options.verbose:
            self._print_text(self._render_batch(batch))

    def _print_first_batch(self, batch: Batch) -> None:
        """Print the vault as found. There may be many findings, so few are held at once."""
        terminal = self._terminal
        severities = Counter(item.severity for item, _ in batch.new)
        files = len({item.path for item, _ in batch.new})
        if self._format == "json-lines":
            self._print_rows(batch)
        elif terminal.is_terminal and len(batch.new) > _MAX_LISTED:
            counts = count_by_rule(item for item, _ in batch.new)
            terminal.print_part(render_statistics(counts, terminal.palette, has_fixes=False))
            options = self._options
            named = format_vault_option(options, batch.vault.root)
            terminal.print_message(f"`vaultlink check{named}` lists the findings.")
        elif self._format == "full":
            findings = [item for item, _ in batch.new]
            terminal.print_part(self._make_renderer(batch).render(findings))
        else:
            self._print_text(render_concise([item for item, _ in batch.new], terminal.palette))
        terminal.print_message(summarize_counts(severities, files, batch.totals().notes))
        terminal.print_message(f"Watching {batch.vault.root}; Ctrl-C ends it.")
        exempt_present_objects()

    def _print_text(self, text: str) -> None:
        """Print text for people; on a terminal, lines break between words."""
        is_wrapped = self._terminal.is_terminal and self._format != "full"
        self._terminal.print_part(wrap_lines(text) if is_wrapped else text)

    def _print_rows(self, batch: Batch) -> None:
        vault = copy(batch.vault)  # without what the batch's own one would keep
        print_part = self._terminal.print_part
        targets = list_unresolved((item for item, _ in batch.new), vault.index.names)
        suggestions, new = vault.suggest_all(targets), iter(batch.new)
        while part := list(islice(new, _MAX_ROWS)):
            findings, fixer = [diagnostic for diagnostic, _ in part], copy(vault.fixer)
            rows = finding_rows(
                findings,
                vault.text,
                make_suggester(vault, findings, suggestions),
                fixer.lookup(findings, FixAnswers()),
                fixer.data,
                [fingerprint for _, fingerprint in part],
            )
            print_part(encode_json_lines(make_watch_rows("new", batch.number, rows)))
        rows = make_resolved_rows(batch.resolved)
        print_part(encode_json_lines(make_watch_rows("healed", batch.number, rows)))
        print_part(encode_json_lines([make_batch_row(batch)]))

    def _render_batch(self, batch: Batch) -> str:
        p = self._terminal.palette
        if self._format == "full":
            text = self._make_renderer(batch).render([diagnostic for diagnostic, _ in batch.new])
            resolved = format_resolved(batch, p)
            return f"{p.bold}{format_headline(batch)}{p.reset}\n\n{text}{resolved}\n"
        is_brief = self._terminal.is_terminal and not self._options.verbose
        return format_batch_causes(batch, p) if is_brief else format_batch(batch, p)

    def _make_renderer(self, batch: Batch) -> FullRenderer:
        vault, findings = batch.vault, [diagnostic for diagnostic, _ in batch.new]
        renderer = FullRenderer(
            vault.text,
            make_suggester(vault, findings),
            make_target_formatter(vault.index),
            self._terminal.width,
            self._terminal.palette,
        )
        renderer.wraps = self._terminal.is_terminal
        renderer.link_path = make_path_linker(self._terminal.format_link_prefix(vault.root))
        return renderer

    def _print_proposal(self, proposal: Proposal) -> None:
        """Print the diff of a proposal, unless it was printed last."""
        diff = proposal.plan.diff()
        if diff not in self._printed_diffs:
            self._printed_diffs = {diff}
            self._terminal.print_diff(proposal.plan.diff_lines(), is_part=True)
