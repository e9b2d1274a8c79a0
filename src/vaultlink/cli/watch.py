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

from vaultlink.cli import CLEAN, FAULT
from vaultlink.cli.opening import suggestions, surveyed
from vaultlink.cli.options import Choosing, option, words
from vaultlink.cli.terminal import Terminal, mark, tell
from vaultlink.errors import UsageError
from vaultlink.fixing.sources import Answers
from vaultlink.report.diffs import unified
from vaultlink.report.documents import json_lines
from vaultlink.report.findings import concise, statistics, summary
from vaultlink.report.frames import Frames
from vaultlink.report.layout import clean
from vaultlink.report.listings import wording
from vaultlink.report.records import finding_rows
from vaultlink.watching.batch import Batch, News, Notice, Proposal
from vaultlink.watching.telling import (
    batch_lines,
    batch_row,
    headline,
    healed_lines,
    healed_rows,
    status,
    watched_rows,
)
from vaultlink.watching.watch import Watch as Watcher
from vaultlink.watching.watch import Wishes

FORMS = ("concise", "full", "json-lines")

_MANY = 50
"""More findings than these are only counted at the start, where a person watches."""


@dataclass(frozen=True, kw_only=True)
class Watch(Choosing):
    """What `watch` is told."""

    folder: Annotated[Path | None, words("VAULT", "The vault, or a folder in it.")] = None
    fix: Annotated[
        bool, option("--fix", help="Fix what can be fixed safely, whenever there is a pause.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what --fix would write as unified diffs, and write nothing.",
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


class _Ended(KeyboardInterrupt):
    """A signal that came before there was anything to bring to its end."""


def watch(options: Watch) -> int:
    """Keep checking, and with --fix keep fixing, as the vault changes.

    The vault is checked once; then whatever is saved, made, renamed or deleted is looked at within a moment, and only what it
    broke (+) or healed (-) is told, wherever in the vault that is. With --fix safe fixes are made once nothing has changed for
    three seconds, never in a note that changed within them; links to a note that was moved are followed if nothing else, such
    as Obsidian, does so first. `vaultlink undo` takes a fix back, and it is not made again. Changed settings are obeyed at
    once. SIGTERM and Ctrl-C end the watch with 0, once the run of fixes in hand is written; with --verify, 2 says that something
    differed.

    Forms: concise, full, json-lines (one object a line: findings that are new or healed, and behind them their batch).
    """
    terminal = Terminal(options)
    form = terminal.form(FORMS, "concise", "concise")
    with _signals() as handled:
        try:
            watcher = _watcher(options, terminal)
            handled(watcher.stop)
        except _Ended:
            return CLEAN
        printer = _Printer(options, terminal, form)
        for news in watcher.news():
            printer.show(news)
            if terminal.unread:
                watcher.stop()
        printer.end()
    return FAULT if watcher.faults else CLEAN


def _watcher(options: Watch, terminal: Terminal) -> Watcher:
    seen = surveyed(options, options.folder)
    terminal.ready(seen.root)
    if terminal.file is not None and terminal.file.resolve().is_relative_to(seen.root):
        raise UsageError(
            "--output-file: results of a watch can't be kept in the vault that is watched."
        )
    wishes = Wishes(
        options.fix and not options.diff,
        options.diff,
        options.poll,
        options.verify,
        shlex.join(["vaultlink", *sys.argv[1:]]),
    )
    with terminal.progress() as progress:
        return Watcher(seen.root, seen.settings, wishes, progress, seen)


@contextmanager
def _signals() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Let the signals that end a program end the watch: first what is in hand, and at once if they come again."""
    ends: list[Callable[[], None]] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if not ends:
            raise _Ended
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


class _Printer:
    """Prints what a watcher tells."""

    def __init__(self, options: Watch, terminal: Terminal, form: str):
        self._options, self._terminal, self._form = options, terminal, form
        self._status = terminal.status()
        self._shown: set[str] = set()

    def show(self, news: News) -> None:
        """Print one piece of news."""
        self._status.clear()
        if isinstance(news, Notice):
            tell(
                f"{mark('warning:')} {clean(news.sentence)}"
            ) if news.wrong else self._terminal.say(clean(news.sentence))
        elif isinstance(news, Proposal):
            self._propose(news)
        else:
            self._batch(news)
            self._status.say(lambda: status(news.totals(), headline(news) if news.number else ""))
        self._status.draw()

    def end(self) -> None:
        """Leave the terminal as it was."""
        self._status.clear()

    def _batch(self, batch: Batch) -> None:
        if batch.number == 0:
            self._begin(batch)
        elif self._form == "json-lines":
            self._stream_rows(batch)
        elif batch.new or batch.healed or batch.fixed or self._options.verbose:
            self._terminal.stream(
                self._full(batch)
                if self._form == "full"
                else batch_lines(batch, self._terminal.palette)
            )

    def _begin(self, batch: Batch) -> None:
        """The vault as it was found."""
        terminal, found = self._terminal, [diagnostic for diagnostic, _ in batch.new]
        if self._form == "json-lines":
            self._stream_rows(batch)
        elif terminal.tty and len(found) > _MANY:
            terminal.stream(statistics(found, terminal.palette))
            terminal.say("`vaultlink check` lists them.")
        elif self._form == "full":
            terminal.stream(self._frames(batch).render(found))
        else:
            terminal.stream(concise(found, terminal.palette))
        terminal.say(summary(found, batch.totals().notes))
        terminal.say(f"Watching {batch.vault.root}; Ctrl-C ends it.")
        gc.collect()  # what lies in memory now stays as long as the watch: it is not to be looked through for rubbish,
        gc.freeze()  # and of what comes little goes in circles, so it is looked through rarely
        gc.set_threshold(100_000, 20, 100)
        gc.enable()

    def _stream_rows(self, batch: Batch) -> None:
        vault, found = batch.vault, [diagnostic for diagnostic, _ in batch.new]
        mend = vault.fixes(found, Answers())
        rows = finding_rows(
            found,
            vault.text,
            suggestions(vault, found),
            mend,
            vault.data,
            [mark for _, mark in batch.new],
        )
        self._terminal.stream(
            json_lines(
                [
                    *watched_rows("new", batch.number, rows),
                    *watched_rows("healed", batch.number, healed_rows(batch.healed)),
                ]
            )
        )
        self._terminal.stream(json_lines([batch_row(batch)]))

    def _full(self, batch: Batch) -> str:
        frames = self._frames(batch).render([diagnostic for diagnostic, _ in batch.new])
        p = self._terminal.palette
        return f"{p.bold}{headline(batch)}{p.off}\n\n{frames}" + healed_lines(batch, p) + "\n"

    def _frames(self, batch: Batch) -> Frames:
        vault, found = batch.vault, [diagnostic for diagnostic, _ in batch.new]
        return Frames(
            vault.text,
            suggestions(vault, found),
            wording(vault.index),
            self._terminal.room,
            self._terminal.palette,
        )

    def _propose(self, proposal: Proposal) -> None:
        """What would be written, unless it was shown already."""
        shown = unified(
            [(path, *texts) for path, texts in sorted(proposal.texts.items())],
            self._terminal.palette,
        )
        if shown not in self._shown:
            self._shown = {shown}
            self._terminal.stream(shown)
