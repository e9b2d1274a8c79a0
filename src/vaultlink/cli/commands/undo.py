"""`vaultlink undo`: put back what a run wrote, or list the runs. The notes themselves are not looked into."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import LISTING_FORMATS, print_document, print_lines, print_rows
from vaultlink.cli.options import VaultOptions, argument, option
from vaultlink.cli.terminal import Terminal, format_label, print_stderr
from vaultlink.cli.write_run import hold_write_lock, print_skipped_notes
from vaultlink.disk.scan import find_vault
from vaultlink.errors import UsageError
from vaultlink.report.fix_summary import skipped_rows
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.report.unified_diff import unified_diff
from vaultlink.write.journal import clean_up_journal
from vaultlink.write.journal_files import RecordedRun, list_runs
from vaultlink.write.undo import find_last_run, plan_undo, undo_run
from vaultlink.write.write import WriteResult

HEADER = ("when", "run", "notes", "command", "")


@dataclass(frozen=True, kw_only=True)
class UndoOptions(VaultOptions):
    """What `undo` is told."""

    run: Annotated[
        str | None,
        argument(
            "RUN", "A run as --list names it. Without it: the find_last_run that was not undone."
        ),
    ] = None
    list_runs: Annotated[
        bool, option("--list", help="List the list_runs that can be undone, and change nothing.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what would be put back as a unified_diff diff, and write nothing.",
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


def undo(options: UndoOptions) -> int:
    """Put back, byte for byte, what a run of vaultlink wrote.

    A note that was edited since is left alone and named; the others are put back. Undoing is a run as well: naming it
    undoes it, which brings the changes back. Runs are kept for 90 days. The exit code is 0 if all was put back, 1 if a
    note was left alone (with --diff: if anything would change), 2 if there is no such run.

    Output formats: table (on a terminal), tsv (elsewhere), json.
    Columns of --list in tsv: run, time, command, what it did,
    number of notes, whether it was undone.
    """
    terminal = Terminal(options)
    form = terminal.choose_format(LISTING_FORMATS, "table", "tsv")
    root = _find_root(options)
    if options.list_runs:
        return _print_runs(terminal, form, list_runs(root, _print_warning))
    if options.diff:
        run = _select_run(root, options.run, terminal)
        return _print_diff(terminal, root, run) if run else EXIT_CLEAN
    with hold_write_lock(terminal, root):
        clean_up_journal(root)
        run = _select_run(root, options.run, terminal)
        result = undo_run(root, run) if run else None
    return _report_undone(terminal, form, run, result) if run and result else EXIT_CLEAN


def _find_root(options: UndoOptions) -> Path:
    if options.vault and not options.vault.is_dir():
        raise UsageError(f"{options.vault}: there is no such folder.")
    return (options.vault or find_vault(Path())).resolve()


def _print_warning(sentence: str) -> None:
    print_stderr(f"{format_label('warning:')} {sentence}")


def _select_run(root: Path, name: str | None, terminal: Terminal) -> RecordedRun | None:
    """The run to undo: one is named, by the beginning of its name at least, or it is the last."""
    known = list_runs(root, _print_warning)
    if name is None:
        run = find_last_run(known)
        if run is None:
            hint = " `vaultlink undo --list` lists what was undone." if known else ""
            terminal.print_message(f"There is nothing to undo in {root}.{hint}")
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


def _report_undone(terminal: Terminal, form: str, run: RecordedRun, result: WriteResult) -> int:
    """Tell what was put back, and what was left alone."""
    if form == "json":
        head = {"run": run.id, "undone_by": result.run_id, "restored": result.written}
        print_document(terminal, head, "left", skipped_rows(result.skipped))
    print_skipped_notes(terminal, result.skipped)
    if result.written:
        terminal.print_message(
            f"Put back {format_count(len(result.written), 'note')} as before {_describe_run(run)}. "
            f"`vaultlink undo {result.run_id}` takes that back."
        )
    elif not result.skipped:
        terminal.print_message(
            f"Nothing to put back: every note is as it was before {_describe_run(run)}."
        )
    return EXIT_FINDINGS if result.skipped else EXIT_CLEAN


def _print_diff(terminal: Terminal, root: Path, run: RecordedRun) -> int:
    plan = plan_undo(root, run)
    terminal.print_results(
        unified_diff(
            [(item.path, _decode_text(item.old), _decode_text(item.new)) for item in plan.writes],
            terminal.palette,
        )
    )
    print_skipped_notes(terminal, plan.skipped)
    terminal.print_message(
        f"Would put back {format_count(len(plan.writes), 'note')} as before {_describe_run(run)}."
    )
    return EXIT_FINDINGS if plan.writes or plan.skipped else EXIT_CLEAN


def _decode_text(content: bytes | None) -> str | None:
    """Bytes as a text that is printed as the same bytes."""
    return None if content is None else content.decode("utf-8", "surrogateescape")


def _describe_run(run: RecordedRun) -> str:
    return f"the run of {_to_local_time(run):%d %b %Y, %H:%M} ({escape_controls(run.command)})"


def _to_local_time(run: RecordedRun) -> datetime:
    return datetime.fromtimestamp(run.time_ns // 10**9).astimezone()


def _print_runs(terminal: Terminal, form: str, known: list[RecordedRun]) -> int:
    rows = [
        RunRow(
            run.id,
            _to_local_time(run).isoformat(),
            run.command,
            run.summary,
            len(run.changes),
            run.undone,
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
                f"{_to_local_time(run):%d %b %Y %H:%M}",
                run.id,
                len(run.changes),
                run.command,
                "undone" if run.undone else "",
            )
            for run in known
        ]
        print_rows(terminal, HEADER, cells, "No runs found.")
        if rows:
            terminal.print_message(
                f"{format_count(len(rows), 'run')}; `vaultlink undo RUN --diff` shows what undoing one would change."
            )
    return EXIT_CLEAN
