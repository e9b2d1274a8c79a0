"""`vaultlink undo`: put back what a run wrote, or list the runs. The notes themselves are not looked into."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.listing import FORMS, print_document, print_lines, print_rows
from vaultlink.cli.options import Placed, option, words
from vaultlink.cli.terminal import Terminal, mark, tell
from vaultlink.cli.writing import alone, left_alone
from vaultlink.errors import UsageError
from vaultlink.files import find_vault
from vaultlink.journal import Run, runs, tidy
from vaultlink.report.diffs import unified
from vaultlink.report.layout import clean, number
from vaultlink.report.repairs import left_rows
from vaultlink.undoing import last, restoration, undo_run
from vaultlink.writing import Outcome

HEADER = ("when", "run", "notes", "command", "")


@dataclass(frozen=True, kw_only=True)
class Undo(Placed):
    """What `undo` is told."""

    run: Annotated[
        str | None,
        words("RUN", "A run as --list names it. Without it: the last that was not undone."),
    ] = None
    listed: Annotated[
        bool, option("--list", help="List the runs that can be undone, and change nothing.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what would be put back as a unified diff, and write nothing.",
        ),
    ] = False


class RunRow(msgspec.Struct, frozen=True):
    """A run as the listing has it."""

    id: str
    time: str
    command: str
    summary: str
    notes: int
    undone: bool


def undo(options: Undo) -> int:
    """Put back, byte for byte, what a run of vaultlink wrote.

    A note that was edited since is left alone and named; the others are put back. Undoing is a run as well: naming it
    undoes it, which brings the changes back. Runs are kept for 90 days. The exit code is 0 if all was put back, 1 if a
    note was left alone (with --diff: if anything would change), 2 if there is no such run.

    Forms: table (on a terminal), tsv (elsewhere), json. Columns of --list in tsv: run, time, command, what it did,
    number of notes, whether it was undone.
    """
    terminal = Terminal(options)
    form = terminal.form(FORMS, "table", "tsv")
    root = _root(options)
    if options.listed:
        return _list(terminal, form, runs(root, _complain))
    if options.diff:
        run = _chosen(root, options.run, terminal)
        return _differences(terminal, root, run) if run else CLEAN
    with alone(terminal, root):
        tidy(root)
        run = _chosen(root, options.run, terminal)
        outcome = undo_run(root, run) if run else None
    return _told(terminal, form, run, outcome) if run and outcome else CLEAN


def _root(options: Undo) -> Path:
    if options.vault and not options.vault.is_dir():
        raise UsageError(f"{options.vault}: there is no such folder.")
    return (options.vault or find_vault(Path())).resolve()


def _complain(sentence: str) -> None:
    tell(f"{mark('warning:')} {sentence}")


def _chosen(root: Path, name: str | None, terminal: Terminal) -> Run | None:
    """The run to undo: one is named, by the beginning of its name at least, or it is the last."""
    known = runs(root, _complain)
    if name is None:
        run = last(known)
        if run is None:
            hint = " `vaultlink undo --list` lists what was undone." if known else ""
            terminal.say(f"There is nothing to undo in {root}.{hint}")
        return run
    found = [run for run in known if run.id == name] or [
        run for run in known if name and run.id.startswith(name)
    ]
    if len(found) == 1:
        return found[0]
    from difflib import get_close_matches  # noqa: PLC0415

    near = [run.id for run in found][:2] or get_close_matches(
        name, [run.id for run in known], 2, 0.6
    )
    hint = (
        f"Did you mean {' or '.join(near)}?" if near else "`vaultlink undo --list` lists the runs."
    )
    raise UsageError(
        f'{"more than one" if found else "no"} run of this vault is called "{name}". {hint}'
    )


def _told(terminal: Terminal, form: str, run: Run, outcome: Outcome) -> int:
    """Tell what was put back, and what was left alone."""
    if form == "json":
        head = {"run": run.id, "undone_by": outcome.run, "restored": outcome.written}
        print_document(terminal, head, "left", left_rows(outcome.refused))
    left_alone(terminal, outcome.refused)
    if outcome.written:
        terminal.say(
            f"Put back {number(len(outcome.written), 'note')} as before {_named(run)}. "
            f"`vaultlink undo {outcome.run}` takes that back."
        )
    elif not outcome.refused:
        terminal.say(f"Nothing to put back: every note is as it was before {_named(run)}.")
    return FOUND if outcome.refused else CLEAN


def _differences(terminal: Terminal, root: Path, run: Run) -> int:
    plan = restoration(root, run)
    terminal.show(
        unified(
            [(item.path, _text(item.old), _text(item.new)) for item in plan.writes],
            terminal.palette,
        )
    )
    left_alone(terminal, plan.refused)
    terminal.say(f"Would put back {number(len(plan.writes), 'note')} as before {_named(run)}.")
    return FOUND if plan.writes or plan.refused else CLEAN


def _text(content: bytes | None) -> str | None:
    """Bytes as a text that is printed as the same bytes."""
    return None if content is None else content.decode("utf-8", "surrogateescape")


def _named(run: Run) -> str:
    return f"the run of {_time(run):%d %b %Y, %H:%M} ({clean(run.command)})"


def _time(run: Run) -> datetime:
    return datetime.fromtimestamp(run.when // 10**9).astimezone()


def _list(terminal: Terminal, form: str, known: list[Run]) -> int:
    rows = [
        RunRow(
            run.id, _time(run).isoformat(), run.command, run.summary, len(run.changes), run.undone
        )
        for run in known
    ]
    if form == "json":
        print_document(terminal, {}, "runs", rows)
    elif form == "tsv":
        print_lines(
            terminal,
            [(row.id, row.time, row.command, row.summary, row.notes, row.undone) for row in rows],
        )
    else:
        cells = [
            (
                f"{_time(run):%d %b %Y %H:%M}",
                run.id,
                len(run.changes),
                run.command,
                "undone" if run.undone else "",
            )
            for run in known
        ]
        print_rows(terminal, HEADER, cells, "No runs found.")
        if rows:
            terminal.say(
                f"{number(len(rows), 'run')}; `vaultlink undo RUN --diff` shows what undoing one would change."
            )
    return CLEAN
