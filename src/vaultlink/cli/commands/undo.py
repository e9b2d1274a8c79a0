"""`vaultlink undo`: revert a run, or list the runs. Notes are not parsed."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import (
    Listing,
    choose_listing_format,
    is_json,
    print_document,
    print_listing,
    print_plan,
)
from vaultlink.cli.options import DiffOption, VaultOptions, argument, option
from vaultlink.cli.terminal import Terminal, format_label, print_stderr
from vaultlink.cli.vault import find_root
from vaultlink.cli.write_run import print_skipped_notes, report_reverted, wait_for_lock
from vaultlink.errors import UsageError, propose
from vaultlink.report.changed_lines import skipped_rows
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.write.journal_files import RecordedRun, list_runs
from vaultlink.write.moves import expand_moves
from vaultlink.write.recovery import is_final, plan_undo
from vaultlink.write.undo import (
    RevertedRun,
    find_last_run,
    revert_interrupted,
    undo_run,
)
from vaultlink.write.write_notes import WriteResult


class UndoOptions(VaultOptions, frozen=True, kw_only=True):
    """Options of `undo`."""

    run: Annotated[
        str | None,
        argument("RUN", "A run as in --list. Default: the last run that was not undone."),
    ] = None
    list_runs: Annotated[
        bool, option("--list", help="List the runs that can be undone; change nothing.")
    ] = False
    diff: DiffOption = False


class RunRow(msgspec.Struct, frozen=True):
    """A run, as JSON.

    Attributes:
        id: The id, for `vaultlink undo`. It begins with the time of the run in UTC.
        time: Local time of the run with its offset from UTC, as in ISO 8601.
        command: The command line.
        summary: The sentence that the run printed about its changes.
        notes: Number of notes that it wrote; of an interrupted run, those to restore.
        undone: True if a later run reverted it.
        moves: Number of files and folders that it moved.
    """

    id: str
    time: str
    command: str
    summary: str
    notes: int
    undone: bool
    moves: int


def undo(options: UndoOptions) -> int:
    """Revert a run of vaultlink, byte for byte.

    Renamed files get their old paths back. A note that was edited since the run is skipped and
    named; the others are restored. Undoing is a
    run too: undo it by its name to get the changes back. A run that was interrupted is reverted
    before any other. Runs are kept for 90 days. The exit code
    is 0 if everything was restored, 1 if a note was skipped (with --diff: if anything would
    change), 2 if there is no such run.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of --list in tsv: run,
    time, command, summary, number of notes, true if the run was undone, and number of moved paths.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    root = find_root(options, terminal)
    if options.list_runs:
        return _print_runs(terminal, output_format, root, list_runs(root, _print_warning))
    if options.diff:
        run = _select_run(root, options.run, terminal)
        return _print_diff(terminal, output_format, root, run) if run else EXIT_CLEAN
    terminal.check_output_file()
    with wait_for_lock(terminal, root):
        undone = _undo(root, options.run, terminal)
    return _report_undone(terminal, output_format, *undone) if undone else EXIT_CLEAN


def _undo(root: Path, name: str | None, terminal: Terminal) -> RevertedRun | None:
    """Undo the named, interrupted or last run, and return it with the result.

    Return None if there is none. Interrupted runs are reverted in any case.
    """
    run = _select_run(root, name, terminal)
    reverted = revert_interrupted(root)
    report_reverted(terminal, [item for item in reverted if run is None or item.run.id != run.id])
    if run is None:
        return None
    same = next((item for item in reverted if item.run.id == run.id), None)
    if same:
        return same
    recorded = next((item for item in list_runs(root) if item.id == run.id), None)
    if recorded is None:  # it was interrupted before its first change
        return RevertedRun(run, WriteResult((), ()))
    return RevertedRun(recorded, undo_run(root, recorded))


def _print_warning(sentence: str) -> None:
    print_stderr(f"{format_label('warning:')} {sentence}")


def _select_run(root: Path, name: str | None, terminal: Terminal) -> RecordedRun | None:
    """Return the named run, else an interrupted one, else the last one.

    The start of a name is enough if no other run matches. The result is None if there is none.
    """
    runs = list_runs(root, _print_warning)
    if name is None:
        run = find_last_run([item for item in runs if item.is_interrupted]) or find_last_run(runs)
        if run is None:
            hint = " `vaultlink undo --list` lists the undone runs." if runs else ""
            terminal.print_message(f"There is nothing to undo in {root}.{hint}")
        return run
    matches = [run for run in runs if run.id == name] or [
        run for run in runs if name and run.id.startswith(name)
    ]
    if len(matches) == 1:
        return matches[0]
    from difflib import get_close_matches  # noqa: PLC0415

    suggestions = [run.id for run in matches][:2] or get_close_matches(
        name, [run.id for run in runs], 2, 0.6
    )
    hint = propose(suggestions, "`vaultlink undo --list` lists the runs.")
    raise UsageError(
        f'{"several runs match" if matches else "no run of this vault matches"} "{name}". {hint}'
    )


def _report_undone(
    terminal: Terminal, output_format: str, run: RecordedRun, result: WriteResult
) -> int:
    head = {
        "run": run.id,
        "undone_by": result.run_id,
        "restored": result.written,
        "moved": [{"from": source, "to": target} for source, target in result.moved],
    }
    print_document(
        terminal,
        output_format,
        lambda: encode_document(head, "left", skipped_rows(result.skipped)),
    )
    print_skipped_notes(result.skipped)
    if result.written or result.moved:
        terminal.print_message(
            f"Restored {_count_changes(len(result.written), len(result.moved))} to the state "
            f"before {_describe_run(run)}. "
            + (
                f"`vaultlink undo {result.run_id}` reverts this."
                if result.run_id
                else "That run had been interrupted."
                if run.is_interrupted
                else "This can't be reverted, because the journal can't be written."
            )
        )
    elif not result.skipped:
        terminal.print_message(
            f"Nothing to restore: every note is as it was before {_describe_run(run)}."
        )
    else:
        terminal.print_message("Nothing was restored.")
    if not is_final(result.skipped):
        terminal.print_message(f"`vaultlink undo {run.id}` tries the rest again.")
    return EXIT_FINDINGS if result.skipped else EXIT_CLEAN


def _count_changes(notes: int, moves: int) -> str:
    counts = [format_count(notes, "note")] if notes or not moves else []
    return " and ".join([*counts, *([format_count(moves, "path")] if moves else [])])


def _print_diff(terminal: Terminal, output_format: str, root: Path, run: RecordedRun) -> int:
    from vaultlink.fix.plan import VaultChanges  # noqa: PLC0415 - imports the linter

    plan = plan_undo(root, run)
    changes = VaultChanges(moves=plan.moves, files=expand_moves(root, plan.moves))
    for item in plan.writes:
        changes = changes.with_write(item)
    print_plan(terminal, output_format, "undo", changes, plan.skipped)
    print_skipped_notes(plan.skipped)
    terminal.print_message(
        f"Would restore {_count_changes(len(plan.writes), len(plan.moves))} to the state "
        f"before {_describe_run(run)}."
    )
    return EXIT_FINDINGS if changes or plan.skipped else EXIT_CLEAN


def _describe_run(run: RecordedRun) -> str:
    return f"the run of {_to_local_time(run):%d %b %Y, %H:%M} ({escape_controls(run.command)})"


def _to_local_time(run: RecordedRun) -> datetime:
    return datetime.fromtimestamp(run.time_ns // 10**9).astimezone()


def _make_row(root: Path, run: RecordedRun) -> RunRow:
    """Return the row of a run. Only the changes that an interrupted run made count."""
    plan = plan_undo(root, run) if run.is_interrupted else None
    return RunRow(
        run.id,
        _to_local_time(run).isoformat(),
        run.command,
        run.summary,
        len(plan.writes if plan else run.changes),
        run.undone,
        len(plan.moves if plan else run.moves),
    )


def _print_runs(terminal: Terminal, output_format: str, root: Path, runs: list[RecordedRun]) -> int:
    rows = [_make_row(root, run) for run in runs]
    interrupted = {run.id for run in runs if run.is_interrupted}
    listing = Listing(
        "runs",
        rows,
        {"run": "id", **{name: name for name in RunRow.__struct_fields__[1:]}},
        {
            "when": lambda row: f"{datetime.fromisoformat(row.time):%d %b %Y %H:%M}",
            "run": "id",
            "notes": "notes",
            "command": "command",
            "": lambda row: (
                "interrupted" if row.id in interrupted else "undone" if row.undone else ""
            ),
        },
    )
    if print_listing(terminal, output_format, listing):
        terminal.print_message(
            f"{format_count(len(rows), 'run')}; "
            "`vaultlink undo RUN --diff` shows what undoing one would change."
        )
    elif not rows and not is_json(output_format):
        terminal.print_message("No runs found.")
    return EXIT_CLEAN
