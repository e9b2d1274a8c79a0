"""`vaultlink undo`: revert, list or verify runs. Notes are not parsed."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listings import (
    Listing,
    choose_listing_format,
    is_json,
    print_document,
    print_listing,
    print_plan,
)
from vaultlink.cli.opening import build_settings, find_root, name_vault
from vaultlink.cli.options import DiffOption, OpenOptions, VaultOptions, argument, option
from vaultlink.cli.terminal import ProgressLine, Terminal, format_label, print_stderr
from vaultlink.cli.write_run import (
    name_writing,
    print_skipped_notes,
    report_reverted,
    wait_for_lock,
)
from vaultlink.errors import ConfigError, UsageError, VaultError
from vaultlink.files import is_folder, path_exists
from vaultlink.index.resolve import file_name
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import Safety, SkippedNote
from vaultlink.obsidian import TRASH_FOLDER
from vaultlink.report.changed_lines import skipped_rows
from vaultlink.report.json_document import encode_document
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.write.journal_files import RecordedRun, list_record_files, list_runs
from vaultlink.write.moves import expand_moves, map_path
from vaultlink.write.overlaps import Journal, Overlap, is_whole, list_runs_to_undo, read_journal
from vaultlink.write.recovery import FOLLOWING_REASONS, UndoPlan, is_final, list_blocked
from vaultlink.write.undo import (
    EDITED_REASONS,
    LaterRunsError,
    UndoForecast,
    UndoneRun,
    forecast_undo,
    list_barring,
    plan_undo,
    revert_interrupted,
    select_run,
    undo_selected,
)
from vaultlink.write.write_notes import WriteResult


class UndoOptions(VaultOptions, frozen=True, kw_only=True):
    """Options of `undo`."""

    run: Annotated[
        str | None,
        argument("RUN", "A run as in --list. Default: the last run that was not undone."),
    ] = None
    list_runs: Annotated[
        bool, option("List the runs that can be undone; change nothing.", "--list")
    ] = False
    verify: Annotated[bool, option("Compare the recorded runs with the vault; change nothing.")] = (
        False
    )
    skip_edited: Annotated[
        bool,
        option("Leave out notes that were edited since, also of a rename, merge or extraction."),
    ] = False
    skip_unwritable: Annotated[
        bool,
        option("Leave out notes that can't be restored now, such as read-only ones."),
    ] = False
    diff: DiffOption = False


class RunRow(msgspec.Struct, frozen=True):
    """A run, as JSON.

    Attributes:
        id: The id, for `vaultlink undo`. It begins with the local time of the run.
        time: Local time of the run with its offset from UTC, as in ISO 8601.
        command: The command line.
        summary: The sentence that the run printed about its changes.
        notes: Number of notes that it wrote; of an interrupted run, those to restore.
        undone: True if a later run reverted it.
        moves: Number of files and folders that it moved.
        interrupted: True if it was killed and not reverted yet.
        undoes: The id of the run that it reverted; None if it is no undo.
    """

    id: str
    time: str
    command: str
    summary: str
    notes: int
    undone: bool
    moves: int
    interrupted: bool
    undoes: str | None


class RunStateRow(msgspec.Struct, frozen=True):
    """A recorded run compared with the vault, as JSON.

    Attributes:
        id: The id, for `vaultlink undo`.
        command: The command line.
        state: `exact` if it can be undone exactly; `later` if later runs must be undone first;
            `refused` if it is undone whole or not at all, and one of its notes was edited since or
            can't be restored;
            `part` if some of its notes can't be restored; `damaged` if an old text can't be read;
            `nothing` if there is nothing to restore; `undone`; `interrupted`.
        exact: Number of notes and moved paths that are as the run left them, and would be restored.
        later: Number of those that later runs changed too.
        edited: Number of those that were edited or created since.
        gone: Number of those that were removed or renamed since.
        damaged: Number of those whose old text in the journal is damaged.
        blocked: Number of those that can't be restored for another reason.
    """

    id: str
    command: str
    state: str
    exact: int
    later: int
    edited: int
    gone: int
    damaged: int
    blocked: int


def undo(options: UndoOptions) -> int:
    """Revert a run of vaultlink, byte for byte.

    Renamed files get their old paths back. A note that was edited since the run, or can't be
    written, is skipped and named; the others are restored. A rename, merge, extraction or deletion
    is undone whole or not at all: if a note of it was edited since, nothing is written without
    --skip-edited, and if one can't be written, nothing without --skip-unwritable. A note that the
    run created stays as long as another one that may need its text is skipped. Undoing is a run
    too: undo it by its name to get the changes back. A run that was interrupted is reverted whole
    before any other; it stays interrupted as long as a note of it can't be written. Runs are kept
    for 90 days, or as `keep-runs` and `keep-runs-size` say.

    RUN may be any run. A note that a later run changed too is skipped, and that run is named.

    The exit code is 0 if everything was restored, 1 if a note was skipped or the record of a later
    run can't be read (with --diff: if anything would change; with --verify: if the last run can't
    be undone exactly or a record is damaged), 2 if there is no such run, no record can be read, or
    later runs must be undone first.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of --list in tsv: run,
    time, command, summary, number of notes, true if the run was undone, number of moved paths, true
    if it was interrupted, and the run that it undoes. Columns of --verify in tsv: run, command,
    state, and the numbers of notes and moved paths that are as the run left them, that later runs
    changed too, that were edited since, that are gone, whose old text is damaged, and others that
    can't be restored.
    """
    terminal = Terminal(options)
    choose_listing_format(terminal)
    _refuse_contradiction(options)
    root = find_root(options, terminal)
    if options.verify:
        return _print_states(options, terminal, root)
    if options.list_runs:
        return _print_runs(terminal, root, list_runs(root, _print_warning))
    if options.diff:
        run = _select_run(root, options.run, terminal)
        return _print_diff(options, terminal, root, run) if run else EXIT_CLEAN
    terminal.check_output_file()
    with wait_for_lock(terminal, root), terminal.progress_line(_COMPARING) as progress:
        undone = _undo(options, root, terminal, progress)
    if undone is None:
        return EXIT_CLEAN
    code = _report_undone(options, terminal, root, undone)
    is_exact = options.run is not None or not _has_unreadable_since(root, undone.run)
    return code if is_exact else max(code, EXIT_FINDINGS)


def _refuse_contradiction(options: UndoOptions) -> None:
    """Raise UsageError for options of which one would have no effect."""
    chosen = {
        "--verify": options.verify,
        "--list": options.list_runs,
        "--diff": options.diff,
        "--skip-edited": options.skip_edited,
        "--skip-unwritable": options.skip_unwritable,
    }
    names = [name for name, is_chosen in chosen.items() if is_chosen]
    if len(names) > 1 and not {*names} <= {"--diff", "--skip-edited", "--skip-unwritable"}:
        raise UsageError(f"{names[0]} and {names[1]} can't be used together.")


def _has_unreadable_since(root: Path, run: RecordedRun) -> bool:
    """Return True if a record of the same time or later can't be read."""
    readable = {item.id for item in list_runs(root)}
    second = run.id.rpartition("-")[0]
    return any(
        file.suffix == ".run" and file.stem not in readable and file.stem >= second
        for file in list_record_files(root)
    )


_COMPARING = "Comparing notes"
"""The phase of a run in which records are compared with the vault."""


def _undo(
    options: UndoOptions, root: Path, terminal: Terminal, progress: ProgressLine
) -> UndoneRun | None:
    """Undo the named, interrupted or last run, and return it with the result.

    Return None if there is none. Interrupted runs are reverted in any case. Raises UsageError if
    later runs must be undone first.
    """
    run = _select_run(root, options.run, terminal)
    reverted = revert_interrupted(root)
    report_reverted(terminal, [item for item in reverted if run is None or item.run.id != run.id])
    if run is None:
        return None
    try:
        return undo_selected(
            root,
            run,
            reverted,
            skips_edited=options.skip_edited,
            skips_unwritable=options.skip_unwritable,
            begin=lambda notes: progress.begin(name_writing(notes)),
        )
    except LaterRunsError as error:
        raise _refuse(options, root, error.run, error.overlaps) from None


def _refuse(
    options: UndoOptions, root: Path, run: RecordedRun, overlaps: Sequence[Overlap]
) -> UsageError:
    """Name what later runs changed too; return the error with the runs to undo."""
    print_skipped_notes([SkippedNote(overlap.path, overlap.reason) for overlap in overlaps])
    first = list_runs_to_undo(root, overlaps)
    return UsageError(
        f"can't undo {_describe_run(run)} in part, and later runs changed the same notes. Nothing "
        f"was written. {_propose_undo(options, root, first)}"
    )


def _propose_undo(options: UndoOptions, root: Path, runs: Sequence[RecordedRun]) -> str:
    vault = name_vault(options.vault, root)
    commands = ", ".join(f"`vaultlink undo {run.id}{vault}`" for run in runs)
    return f"Undo {'this run' if len(runs) == 1 else 'these runs'} first: {commands}."


def _print_warning(sentence: str) -> None:
    print_stderr(f"{format_label('warning:')} {sentence}")


def _select_run(root: Path, name: str | None, terminal: Terminal) -> RecordedRun | None:
    """Return the named run, else an interrupted one, else the last one.

    None: there is none.
    """
    problems: list[str] = []
    runs = list_runs(root, problems.append)
    run = select_run(runs) if name is None else None
    if problems and name is None and run is None:
        raise UsageError(f"nothing can be undone: {problems[-1]}")
    for problem in problems:
        _print_warning(problem)
    if name is not None:
        return select_run(runs, name)
    if run is None:
        hint = " `vaultlink undo --list` lists the undone runs." if runs else ""
        terminal.print_message(f"There is nothing to undo in {root}.{hint}")
    return run


def _report_undone(options: UndoOptions, terminal: Terminal, root: Path, undone: UndoneRun) -> int:
    run, result, first = undone
    head = {
        "run": run.id,
        "undone_by": result.run_id,
        "restored": result.written,
        "moved": [{"from": source, "to": target} for source, target in result.moved],
        "undo_first": [item.id for item in first],
    }
    skipped, why = skipped_rows(result.skipped), ""
    print_document(terminal, lambda: encode_document(head, "left", skipped))
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
        why = _explain_whole(options, root, undone)
        terminal.print_message(f"Nothing was restored. {why}".rstrip())
    if options.skip_edited and _list_edited(result) and (result.written or result.moved):
        terminal.print_message(_describe_left_links(options, root, result))
    if first:
        terminal.print_message(_propose_undo(options, root, first))
    elif not (why or is_final(result.skipped)):
        terminal.print_message(f"`vaultlink undo {run.id}` tries the rest again.")
    return EXIT_FINDINGS if result.skipped else EXIT_CLEAN


def _list_edited(result: WriteResult) -> list[str]:
    return [note.path for note in result.skipped if note.reason in EDITED_REASONS]


def _describe_left_links(options: UndoOptions, root: Path, result: WriteResult) -> str:
    """Return what fixes the links in edited notes that name what was moved back."""
    from vaultlink.api import open_vault  # noqa: PLC0415 - imports the linter

    left, moved = _list_edited(result), dict(result.moved)
    left = list(dict.fromkeys([*left, *(map_path(path, moved) for path in left)]))
    names = [strip_note_extension(file_name(path)).lower() for path in moved]
    vault = name_vault(options.vault, root)
    count = 0
    with suppress(VaultError, ConfigError, UsageError):  # the undo itself needs no settings
        found = open_vault(root, build_settings(OpenOptions())).state.diagnostics
        count = sum(
            item.fix is not None
            and item.fix.safety is Safety.SAFE
            and any(name in (item.target or "").lower() for name in names)
            for path in left
            for item in found.get(path, ())
        )
    if count:
        links = format_count(count, "link")
        verb, them = ("names", "it") if count == 1 else ("name", "them")
        command = f"`vaultlink fix{vault}`"
        return f"{links} in the skipped notes {verb} a new name. {command} fixes {them}."
    return (
        f"`vaultlink check{vault}` shows the links in the skipped notes that no longer resolve, "
        "or lead elsewhere."
    )


def _explain_whole(options: UndoOptions, root: Path, undone: UndoneRun) -> str:
    """Return what to do if notes prevent the undo of a whole run; "" otherwise."""
    run, result, _ = undone
    refuses = is_whole(run, read_journal(root).recorded)
    barring = list_barring(
        UndoPlan(run, (), result.skipped),
        is_whole=refuses,
        skips_edited=options.skip_edited,
        skips_unwritable=options.skip_unwritable,
    )
    if not barring:
        return ""
    edited = bool(_list_edited(result))
    is_blocked = any(note.reason not in EDITED_REASONS for note in barring)
    flags = " --skip-edited" * (edited or options.skip_edited)
    flags += " --skip-unwritable" * (is_blocked or options.skip_unwritable)
    left_out = ["what was edited"] * edited + ["what can't be restored"] * is_blocked
    vault, what = name_vault(options.vault, root), " and ".join(left_out)
    subject = _INTERRUPTED if run.is_interrupted else _WHOLE
    sentence = (
        f"{subject} whole or not at all. {'Remove the cause and try again; ' * is_blocked}"
        f"`vaultlink undo {run.id}{vault}{flags}` leaves out {what}."
    )
    if (back := _find_way_back(root, run)) and not is_blocked:
        words = shlex.join(map(escape_controls, back))
        return f"`vaultlink rename {words}{vault}` renames it back and keeps your edits. {sentence}"
    return sentence


_WHOLE = "A rename, merge, extraction or deletion is undone"
_INTERRUPTED = "An interrupted run is reverted"
"""Begin the sentence on a run of which no part alone is undone."""


def _find_way_back(root: Path, run: RecordedRun) -> list[str]:
    """Return the words of the `rename` that reverts that of one path; [] for none."""
    if len(run.moves) != 1 or not all(item.old and item.new for item in run.changes):
        return []
    [(old, new)] = run.moves
    is_hidden = any(path.startswith(f"{TRASH_FOLDER}/") for path in (old, new))
    if is_hidden or not path_exists(root / new) or path_exists(root / old):
        return []
    back = f"{new}/" if is_folder(root / new) else new
    is_rooted = ("/" in new and "/" not in old) or old.startswith("-")
    return [f"/{back}" if back.startswith("-") else back, f"/{old}" if is_rooted else old]


def _count_changes(notes: int, moves: int) -> str:
    counts = [format_count(notes, "note")] if notes or not moves else []
    return " and ".join([*counts, *([format_count(moves, "path")] if moves else [])])


def _print_diff(options: UndoOptions, terminal: Terminal, root: Path, run: RecordedRun) -> int:
    from vaultlink.fix.plan import VaultChanges  # noqa: PLC0415 - imports the linter

    with terminal.progress_line(_COMPARING):
        plan = plan_undo(
            root,
            run,
            skips_edited=options.skip_edited,
            skips_unwritable=options.skip_unwritable,
        )
    if plan.overlaps and plan.is_refused:
        raise _refuse(options, root, run, plan.overlaps)
    changes = VaultChanges(moves=plan.moves, files=expand_moves(root, plan.moves))
    for item in plan.writes:
        changes = changes.with_write(item)
    print_plan(terminal, "undo", changes, plan.skipped)
    print_skipped_notes(plan.skipped)
    undone = UndoneRun(run, WriteResult((), tuple(plan.skipped)))
    terminal.print_message(
        f"Nothing would be restored. {_explain_whole(options, root, undone)}".rstrip()
        if plan.is_refused
        else f"Would restore {_count_changes(len(plan.writes), len(plan.moves))} to the state "
        f"before {_describe_run(run)}."
    )
    return EXIT_FINDINGS if changes or plan.skipped else EXIT_CLEAN


def _describe_run(run: RecordedRun) -> str:
    return f"the run of {_to_local_time(run):%d %b %Y, %H:%M} ({escape_controls(run.command)})"


def _to_local_time(run: RecordedRun) -> datetime:
    return datetime.fromtimestamp(run.time_ns // 10**9).astimezone()


# -- `vaultlink undo --list`: what each run changed ------------------------------------------------

_WIDE = 110
"""Columns of a terminal from which on a table has the command lines too."""


def _make_row(root: Path, run: RecordedRun) -> RunRow:
    """Return the row of a run. Only the changes that an interrupted run made count."""
    notes, moves = len(run.changes), len(run.moves)
    if run.is_interrupted:
        plan = plan_undo(root, run, in_part=True)
        waiting = [note for note in plan.skipped if note.reason in FOLLOWING_REASONS]
        waiting += list_blocked(plan.skipped)
        notes, moves = len(plan.writes) + len(waiting), len(plan.moves)
    return RunRow(
        run.id,
        _to_local_time(run).isoformat(),
        run.command,
        run.summary,
        notes,
        run.undone,
        moves,
        run.is_interrupted,
        run.undoes,
    )


def _print_runs(terminal: Terminal, root: Path, runs: list[RecordedRun]) -> int:
    rows, last = [_make_row(root, run) for run in runs], select_run(runs)
    listing = Listing(
        "runs",
        rows,
        {"run": "id", **{name: name for name in RunRow.__struct_fields__[1:]}},
        {
            "when": lambda row: f"{datetime.fromisoformat(row.time):%d %b %H:%M}",
            "run": "id",
            "changed": _describe_changes,
            **_list_commands(terminal),
        },
        head={"last": last and last.id},
    )
    if print_listing(terminal, listing):
        terminal.print_message(
            f"{format_count(len(rows), 'run')}; "
            "`vaultlink undo RUN --diff` shows what undoing one would change."
        )
    elif not rows and not is_json(terminal):
        terminal.print_message("No runs found.")
    return EXIT_CLEAN


def _list_commands(terminal: Terminal) -> dict[str, str]:
    """Return the column with the command lines, for a terminal that is wide enough."""
    return {"command": "command"} if terminal.table_width >= _WIDE else {}


def _describe_changes(row: RunRow) -> str:
    """Return in one line what a run changed, and if that is no longer so."""
    counts = _count_changes(row.notes, row.moves)
    changes = row.summary or f"{row.command}: {counts}"
    if row.interrupted:
        return f"interrupted, {counts} to restore: {changes}"
    return f"undone: {changes}" if row.undone else changes


# -- `vaultlink undo --verify`: compare the journal with the vault ---------------------------------

_STATES = {
    "exact": "can be undone",
    "later": "undo later runs first",
    "refused": "not while a note prevents it",
    "part": "in part",
    "damaged": "damaged",
    "nothing": "nothing to restore",
    "undone": "undone",
    "interrupted": "interrupted",
}
"""The states of runs, as the table has them."""

_COUNTS = UndoForecast.__struct_fields__[:-1]


def _print_states(options: UndoOptions, terminal: Terminal, root: Path) -> int:
    """Print what undoing each run would do now; return the exit code."""
    problems: list[str] = []
    runs = list_runs(root, problems.append)
    for problem in problems:
        _print_warning(problem)
    if options.run is not None:
        runs = [run for run in [select_run(runs, options.run)] if run]
    with terminal.progress_line("Comparing runs") as progress:
        journal = read_journal(root)
        rows = [_make_state_row(root, run, journal) for run in progress.count(runs)]
    last = select_run(runs) if options.run is None else runs[0]
    listing = Listing(
        "runs",
        rows,
        {"run": "id", **{name: name for name in RunStateRow.__struct_fields__[1:]}},
        {
            "run": "id",
            "state": lambda row: _STATES[row.state],
            **{name: name for name in _COUNTS if any(getattr(row, name) for row in rows)},
            **_list_commands(terminal),
        },
        empty="No runs found.",
    )
    print_listing(terminal, listing)
    forecast = None if last is None else forecast_undo(root, last, journal)
    is_exact = forecast is None or forecast.is_exact
    if last is not None and forecast is not None:
        terminal.print_message(
            f"Undoing {_describe_run(last)} would restore everything."
            if is_exact
            else f"Undoing {_describe_run(last)} would "
            f"{'restore nothing' if forecast.is_refused else 'not restore everything'}: "
            f"`vaultlink undo {last.id} --diff{name_vault(options.vault, root)}` says why."
        )
    is_damaged = bool(problems) or any(row.damaged for row in rows)
    return EXIT_CLEAN if is_exact and not is_damaged else EXIT_FINDINGS


def _make_state_row(root: Path, run: RecordedRun, journal: Journal) -> RunStateRow:
    """Return the row of a run. One that was undone is not compared."""
    forecast = UndoForecast(0, 0, 0, 0, 0, 0) if run.undone else forecast_undo(root, run, journal)
    numbers = [getattr(forecast, name) for name in _COUNTS]
    return RunStateRow(run.id, run.command, _name_state(run, forecast), *numbers)


def _name_state(run: RecordedRun, forecast: UndoForecast) -> str:
    states = {
        "undone": run.undone,
        "interrupted": run.is_interrupted,
        "damaged": forecast.damaged,
        "later": forecast.later,
        "refused": forecast.is_refused,
        "part": not forecast.is_exact,
        "nothing": not forecast.exact,
    }
    return next((state for state, applies in states.items() if applies), "exact")
