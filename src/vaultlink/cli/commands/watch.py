"""`vaultlink watch`: what changes in a vault on stdout, as it happens; a status line and everything else on stderr."""

import gc
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_ERROR
from vaultlink.cli.options import RuleSelectionOptions, argument, option
from vaultlink.cli.terminal import Terminal, format_label, print_stderr
from vaultlink.cli.vault import make_suggester, scan_from_options
from vaultlink.errors import UsageError
from vaultlink.fix.sources import FixAnswers
from vaultlink.report.concise import render_concise, render_statistics, summarize_check
from vaultlink.report.finding_rows import finding_rows
from vaultlink.report.full import FullRenderer
from vaultlink.report.json_document import encode_json_lines
from vaultlink.report.layout import escape_controls
from vaultlink.report.listings import make_target_formatter
from vaultlink.report.unified_diff import unified_diff
from vaultlink.watch.loop import Watch as Watcher
from vaultlink.watch.loop import WatchSettings
from vaultlink.watch.messages import Batch, Notice, Proposal, WatchUpdate
from vaultlink.watch.output import (
    format_batch,
    format_headline,
    format_resolved,
    format_status,
    make_batch_row,
    make_resolved_rows,
    make_watch_rows,
)

WATCH_FORMATS = ("concise", "full", "json-lines")

_MAX_LISTED = 50
"""More findings than these are only counted at the start, where a person watches."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions(RuleSelectionOptions):
    """What `watch` is told."""

    folder: Annotated[Path | None, argument("VAULT", "The vault, or a folder in it.")] = None
    fix: Annotated[
        bool, option("--fix", help="Fix what can be fixed safely, whenever there is a pause.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what --fix would write as unified_diff diffs, and write nothing.",
        ),
    ] = False
    poll: Annotated[
        float | None,
        option(
            "--poll",
            metavar="SECONDS",
            help="Look at everything this often, where the system tells of no changes.",
        ),
    ] = None
    verify: Annotated[
        bool,
        option(
            "--verify", help="Compare with a fresh start after every change, and say what differs."
        ),
    ] = False


class _StoppedEarly(KeyboardInterrupt):
    """A signal that came before there was anything to bring to its end."""


def watch(options: WatchOptions) -> int:
    """Keep checking, and with --fix keep fixing, as the vault changes.

    The vault is checked once; then whatever is saved, made, renamed or deleted is looked at within a moment, and only what it
    broke (+) or healed (-) is told, wherever in the vault that is. With --fix safe fixes are made once nothing has changed for
    three seconds, never in a note that changed within them; links to a note that was moved are followed if nothing else, such
    as Obsidian, does so first. `vaultlink undo` takes a fix back, and it is not made again. Changed settings are obeyed at
    once. SIGTERM and Ctrl-C end the watch with 0, once the run of fixes in hand is written; with --verify, 2 says that something
    differed.

    Output formats: concise, full, json-lines (one object per line: the findings that are new or
    healed, then their batch).
    """
    terminal = Terminal(options)
    form = terminal.choose_format(WATCH_FORMATS, "concise", "concise")
    with _handle_signals() as handled:
        try:
            watcher = _start_watcher(options, terminal)
            handled(watcher.stop)
        except _StoppedEarly:
            return EXIT_CLEAN
        printer = _NewsPrinter(options, terminal, form)
        for news in watcher.updates():
            printer.print_news(news)
            if terminal.is_pipe_closed:
                watcher.stop()
        printer.close()
    return EXIT_ERROR if watcher.verify_failures else EXIT_CLEAN


def _start_watcher(options: WatchOptions, terminal: Terminal) -> Watcher:
    scan = scan_from_options(options, options.folder)
    terminal.check_output_file(scan.root)
    if terminal.output_file is not None and terminal.output_file.resolve().is_relative_to(
        scan.root
    ):
        raise UsageError(
            "--output-file: results of a watch can't be kept in the vault that is watched."
        )
    settings = WatchSettings(
        options.fix and not options.diff,
        options.diff,
        options.poll,
        options.verify,
        shlex.join(["vaultlink", *sys.argv[1:]]),
    )
    with terminal.progress_line() as progress:
        return Watcher(scan.root, scan.settings, settings, progress, scan)


@contextmanager
def _handle_signals() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Let the signals that end a program end the watch: first what is in hand, and at once if they come again."""
    ends: list[Callable[[], None]] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if not ends:
            raise _StoppedEarly
        signal.signal(number, signal.default_int_handler)
        ends[0]()

    numbers = [
        getattr(signal, name)
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        if hasattr(signal, name)
    ]
    heard = [
        number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN
    ]  # as under nohup
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield ends.append
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _NewsPrinter:
    """Prints what a watcher tells."""

    def __init__(self, options: WatchOptions, terminal: Terminal, form: str):
        self._options, self._terminal, self._format = options, terminal, form
        self._status = terminal.status_line()
        self._printed_diffs: set[str] = set()

    def print_news(self, news: WatchUpdate) -> None:
        """Print one piece of news."""
        self._status.clear()
        if isinstance(news, Notice):
            print_stderr(
                f"{format_label('warning:')} {escape_controls(news.message)}"
            ) if news.is_error else self._terminal.print_message(escape_controls(news.message))
        elif isinstance(news, Proposal):
            self._print_proposal(news)
        else:
            self._print_batch(news)
            self._status.set_text(
                lambda: format_status(news.totals(), format_headline(news) if news.number else "")
            )
        self._status.draw()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._status.clear()

    def _print_batch(self, batch: Batch) -> None:
        if batch.number == 0:
            self._print_first_batch(batch)
        elif self._format == "json-lines":
            self._print_rows(batch)
        elif batch.new or batch.resolved or batch.applied_fixes or self._options.verbose:
            self._terminal.print_part(
                self._render_batch(batch)
                if self._format == "full"
                else format_batch(batch, self._terminal.palette)
            )

    def _print_first_batch(self, batch: Batch) -> None:
        """The vault as it was found."""
        terminal, found = self._terminal, [diagnostic for diagnostic, _ in batch.new]
        if self._format == "json-lines":
            self._print_rows(batch)
        elif terminal.is_terminal and len(found) > _MAX_LISTED:
            terminal.print_part(render_statistics(found, terminal.palette))
            terminal.print_message("`vaultlink check` lists them.")
        elif self._format == "full":
            terminal.print_part(self._make_frames(batch).render(found))
        else:
            terminal.print_part(render_concise(found, terminal.palette))
        terminal.print_message(summarize_check(found, batch.totals().notes))
        terminal.print_message(f"Watching {batch.vault.root}; Ctrl-C ends it.")
        gc.collect()  # what lies in memory now stays as long as the watch: it is not to be looked through for rubbish,
        gc.freeze()  # and of what comes little goes in circles, so it is looked through rarely
        gc.set_threshold(100_000, 20, 100)
        gc.enable()

    def _print_rows(self, batch: Batch) -> None:
        vault, found = batch.vault, [diagnostic for diagnostic, _ in batch.new]
        mend = vault.fixer.lookup(found, FixAnswers())
        rows = finding_rows(
            found,
            vault.text,
            make_suggester(vault, found),
            mend,
            vault.fixer.data,
            [mark for _, mark in batch.new],
        )
        self._terminal.print_part(
            encode_json_lines(
                [
                    *make_watch_rows("new", batch.number, rows),
                    *make_watch_rows("healed", batch.number, make_resolved_rows(batch.resolved)),
                ]
            )
        )
        self._terminal.print_part(encode_json_lines([make_batch_row(batch)]))

    def _render_batch(self, batch: Batch) -> str:
        frames = self._make_frames(batch).render([diagnostic for diagnostic, _ in batch.new])
        p = self._terminal.palette
        return (
            f"{p.bold}{format_headline(batch)}{p.reset}\n\n{frames}"
            + format_resolved(batch, p)
            + "\n"
        )

    def _make_frames(self, batch: Batch) -> FullRenderer:
        vault, found = batch.vault, [diagnostic for diagnostic, _ in batch.new]
        return FullRenderer(
            vault.text,
            make_suggester(vault, found),
            make_target_formatter(vault.index),
            self._terminal.width,
            self._terminal.palette,
        )

    def _print_proposal(self, proposal: Proposal) -> None:
        """What would be written, unless it was shown already."""
        shown = unified_diff(
            [(path, *texts) for path, texts in sorted(proposal.texts.items())],
            self._terminal.palette,
        )
        if shown not in self._printed_diffs:
            self._printed_diffs = {shown}
            self._terminal.print_part(shown)
