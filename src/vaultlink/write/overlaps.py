"""Find the later runs that changed the same notes as a run.

They must be undone before it. Digests decide: a note overlaps if undoing later runs would bring
back the bytes that the run left. If somebody edited it in between, it does not. A note that later
runs only renamed can be restored where it is now. Nothing is written here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.index.resolve import list_outer_folders
from vaultlink.model import PendingWrite
from vaultlink.text import fold_letters
from vaultlink.write.journal_files import (
    RecordedChange,
    RecordedRun,
    digest_content,
    list_recorded_runs,
    subtract_undone_moves,
)
from vaultlink.write.moves import map_path
from vaultlink.write.open_folders import split_path
from vaultlink.write.write_notes import read_bytes


class Overlap(NamedTuple):
    """A note or moved file of a run, and the later runs that changed it.

    The latest of these is the first. `path` is its present path, `former` the one at which the run
    left it.
    """

    path: str
    former: str
    runs: tuple[RecordedRun, ...]

    @property
    def reason(self) -> str:
        names = ", ".join(f"{run.id} ({run.command})" for run in self.runs)
        if len(self.runs) == 1:
            return f"a later run changed it too: {names}; undo that first"
        return f"later runs changed it too: {names}; undo these first"


class LaterChanges(NamedTuple):
    """The changes of the notes of a run after it.

    `restored` are the present paths of notes that an undo of the run has restored; it does not
    matter what other runs did to them since.
    """

    overlaps: Sequence[Overlap] = ()
    restored: frozenset[str] = frozenset()


class LaterRun(NamedTuple):
    """A run that ended after another one.

    `moves` are those that it made. `names` are the old and new paths of the moves that no undo
    reverted, `arrivals` the new ones, `folders` all folders above `names`. `undoes` is the run that
    it undoes, if that is the other run or a later one; what both did has no effect.
    """

    run: RecordedRun
    changes: Mapping[str, RecordedChange]
    moves: Mapping[str, str]
    names: frozenset[str]
    arrivals: frozenset[str]
    folders: frozenset[str]
    undoes: str | None

    def has_moved(self, path: str) -> bool:
        """Return True if the run moved a path, a folder above it or something below it."""
        return path in self.folders or not self.names.isdisjoint((path, *list_outer_folders(path)))


class RunReach(NamedTuple):
    """The paths that a run writes to or moves, and the names that it gives or takes.

    Names are without folders and extensions, as links have them; all are folded.
    """

    paths: frozenset[str]
    names: frozenset[str]

    def meets(self, other: "RunReach") -> bool:
        """Return True if both runs concern a path, a name, or what is in a moved folder."""
        return not (
            self.names.isdisjoint(other.names)
            and self.paths.isdisjoint(_add_folders(other.paths))
            and other.paths.isdisjoint(_add_folders(self.paths))
        )


def _add_folders(paths: Iterable[str]) -> set[str]:
    return {place for path in paths for place in (path, *list_outer_folders(path))}


def find_reach(
    changes: Iterable[RecordedChange | PendingWrite], moves: Mapping[str, str]
) -> RunReach:
    """Return what a run concerns that makes these changes and moves."""
    named, paths = [*moves, *moves.values()], set[str]()
    for item in changes:
        paths.update((item.path, map_path(item.path, moves)))
        named += [item.path] if None in (item.old, item.new) else []
    names = [split_path(path)[1] for path in named]
    return RunReach(
        frozenset(map(fold_letters, (*paths, *named))),
        frozenset(fold_letters(name.rpartition(".")[0] or name) for name in names),
    )


class RunSequel(NamedTuple):
    """The moves that a run made, and the runs after it, the earliest first.

    `interrupted` are the other runs that did not end, whenever they began.
    """

    moves: Mapping[str, str] = {}
    runs: Sequence[LaterRun] = ()
    interrupted: Sequence[RecordedRun] = ()


class _Step(NamedTuple):
    """A later run, and the place of a note before it.

    `arrives` is true if the run moved another file to this place.
    """

    later: LaterRun
    place: str
    arrives: bool


class Journal(NamedTuple):
    """All recorded runs, the latest first.

    `lasting` are the moves of each that no undo reverted, `changes` the notes of each that it
    wrote, by path.
    """

    recorded: Sequence[RecordedRun]
    lasting: Mapping[str, Mapping[str, str]]
    changes: Mapping[str, Mapping[str, RecordedChange]]


def read_journal(root: Path) -> Journal:
    recorded = list_recorded_runs(root)
    return Journal(
        recorded,
        {item.id: item.made_moves for item in subtract_undone_moves(recorded)},
        {
            item.id: {one.path: one for one in item.changes if one.path not in item.skipped}
            for item in recorded
        },
    )


def find_sequel(journal: Journal, run: RecordedRun) -> RunSequel:
    """Find which runs ended after a run."""
    if run.is_interrupted:
        return RunSequel()
    later = list_later_runs(journal.recorded, run)
    known = {run.id, *(item.id for item in later)}
    made = next((item.made_moves for item in journal.recorded if item.id == run.id), {})
    return RunSequel(
        made,
        [_make_later_run(journal, item, has_undone=item.undoes in known) for item in later],
        [item for item in journal.recorded if item.is_interrupted and item.id != run.id],
    )


def list_later_runs(runs: Sequence[RecordedRun], run: RecordedRun) -> list[RecordedRun]:
    """Return the runs, given the latest first, that ended after one, reversed.

    A run whose undo could not be recorded is left out.
    """
    undone = {item.undoes for item in runs}
    return [
        item
        for item in reversed(runs)
        if item.time_ns > run.time_ns
        and not item.is_interrupted
        and (not item.undone or item.id in undone)
    ]


def _make_later_run(journal: Journal, run: RecordedRun, *, has_undone: bool) -> LaterRun:
    moves = {} if has_undone else journal.lasting[run.id]
    names = frozenset((*moves, *moves.values()))
    return LaterRun(
        run,
        journal.changes[run.id],
        run.made_moves,
        names,
        frozenset(moves.values()),
        frozenset(folder for path in names for folder in list_outer_folders(path)),
        run.undoes if has_undone else None,
    )


def is_whole(run: RecordedRun, runs: Iterable[RecordedRun]) -> bool:
    """Return True if half an undo of a run would leave a vault that nobody planned.

    Records of 0.5.0 do not say so: runs that move or remove files are whole there. An undo is whole
    if the run that it undoes is.
    """
    if run.undoes is not None:
        return any(is_whole(item, ()) for item in runs if item.id == run.undoes) or bool(run.moves)
    return run.whole or bool(run.moves) or any(change.new is None for change in run.changes)


# -- follow each note through the later runs, then back by digests ---------------------------------


def find_renamed_notes(root: Path, run: RecordedRun, sequel: RunSequel) -> dict[str, str]:
    """Return where the notes of a run went, by the recorded paths."""
    places = {}
    for change in run.changes if any(item.moves for item in sequel.runs) else ():
        start, place, _ = _trace_change(change, sequel)
        if place != start and (change.new is None or os.path.lexists(root / place)):
            places[change.path] = place
    return places


def locate_folders(run: RecordedRun, journal: Journal) -> Iterator[str]:
    """Yield the present paths of the folders that a run created and did not move."""
    sequel = find_sequel(journal, run) if run.folders else RunSequel()
    for path in run.folders:
        if map_path(path, sequel.moves) == path:
            yield _trace(path, sequel.runs, exists=True)[0]


def find_overlaps(root: Path, run: RecordedRun, journal: Journal) -> Sequence[Overlap]:
    """Return the notes and moved files that later runs changed too, sorted by path."""
    return find_later_changes(root, run, find_sequel(journal, run)).overlaps


def find_later_changes(root: Path, run: RecordedRun, sequel: RunSequel) -> LaterChanges:
    """Compare the vault with what a run left, and find what later runs did.

    So are the notes and names that an interrupted run did not give back: that must be reverted.
    """
    if not (sequel.runs or sequel.interrupted):
        return LaterChanges()
    found: dict[tuple[str, str], set[str]] = {}
    restored = set()
    for change in run.changes:
        if change.path not in run.skipped:
            former, place, steps = _trace_change(change, sequel)
            names = _find_changing_runs(root, run.id, change, place, steps)
            reach = find_reach([change, replace(change, path=place)], {})
            found.setdefault((place, former), set()).update(
                names or (), _find_interrupted(sequel, reach)
            )
            if names is None:
                restored.add(place)
    for old, new in run.made_moves.items():
        place, steps = _trace(new, sequel.runs, exists=True)
        is_elsewhere = os.path.lexists(root / place) or not os.path.lexists(root / new)
        found.setdefault((place, new), set()).update(
            _find_moving_runs(steps) if is_elsewhere else (),
            _find_runs_at_old_path(root, old, sequel),
            _find_interrupted(sequel, find_reach([], {old: new, new: place})),
        )
    latest_first = [*sequel.interrupted, *(item.run for item in reversed(sequel.runs))]
    overlaps = [
        Overlap(*paths, tuple(item for item in latest_first if item.id in names))
        for paths, names in sorted(found.items())
        if names
    ]
    return LaterChanges(overlaps, frozenset(restored))


def _find_interrupted(sequel: RunSequel, reach: RunReach) -> Iterator[str]:
    for item in sequel.interrupted:
        if reach.meets(find_reach(item.changes, dict(item.moves))):
            yield item.id


def list_runs_to_undo(root: Path, overlaps: Iterable[Overlap]) -> list[RecordedRun]:
    """Return the runs of overlaps and those to undo before them, the latest first."""
    found: dict[str, RecordedRun] = {}
    journal = read_journal(root)
    waiting = [run for overlap in overlaps for run in overlap.runs]
    while waiting:
        run = waiting.pop()
        if run.id not in found:
            found[run.id] = run
            others = find_overlaps(root, run, journal)
            waiting += [item for overlap in others for item in overlap.runs]
    return sorted(found.values(), key=lambda run: run.time_ns, reverse=True)


def _trace_change(change: RecordedChange, sequel: RunSequel) -> tuple[str, str, list[_Step]]:
    """Return the path of a note after the run, its present one, and the steps."""
    start = map_path(change.path, sequel.moves)
    return start, *_trace(start, sequel.runs, exists=change.new is not None)


def _trace(path: str, runs: Sequence[LaterRun], *, exists: bool) -> tuple[str, list[_Step]]:
    """Follow a note, or a free name, through runs that changed a note or moved a file."""
    place, steps, is_name = path, [], not exists
    for later in runs:
        before, change = place, later.changes.get(place)
        if not (change or later.moves or is_name):
            continue
        if change and None in (change.old, change.new):
            exists = change.new is not None
        place = map_path(place, later.moves) if exists else _map_folder(place, later.moves)
        above = list_outer_folders(place) if place == before else ()
        arrives = not exists and not later.arrivals.isdisjoint((place, *above))
        steps.append(_Step(later, before, arrives))
    return place, steps


def _map_folder(path: str, moves: Mapping[str, str]) -> str:
    folder, name = split_path(path)
    return f"{map_path(folder, moves)}/{name}" if folder else path


def _find_changing_runs(
    root: Path, run: str, change: RecordedChange, place: str, steps: Sequence[_Step]
) -> list[str] | None:
    """Return the later runs to undo first; None if an undo has restored the note."""
    try:
        content = digest_content(read_bytes(root, place))
    except OSError:
        return []
    if content != change.new:
        return _go_back(run, change, content, steps)
    if None in (change.old, change.new):  # without the note, a later move could not be undone
        return [step.later.run.id for step in steps if step.place in step.later.names]
    return []


def _go_back(
    run: str, change: RecordedChange, content: bytes | None, steps: Sequence[_Step]
) -> list[str] | None:
    """Return the later runs that lead back from a digest to that which a run left.

    There are none if somebody edited the note. None: they lead to an undo of the run.
    """
    found: list[str] = []
    ends_before: str | None = None
    for later, place, arrives in reversed(steps):
        touched = later.changes.get(place)
        if ends_before is not None:
            ends_before = None if later.run.id == ends_before else ends_before
        elif content == change.new:
            break
        elif arrives and content is not None:
            found.append(later.run.id)
            content = None
        elif touched and touched.new == content:
            if later.undoes == run:
                return None
            ends_before = later.undoes
            if ends_before is None:
                found.append(later.run.id)
                content = touched.old
    return found if content == change.new else []


def _find_moving_runs(steps: Sequence[_Step]) -> Iterator[str]:
    """Yield the runs that moved or removed a file, or moved files in a folder."""
    for later, place, _ in steps:
        removed = later.changes.get(place)
        if later.has_moved(place) or (
            removed and removed.new is None and not later.run.undone and not later.undoes
        ):
            yield later.run.id


def _find_runs_at_old_path(root: Path, old: str, sequel: RunSequel) -> Iterator[str]:
    """Yield the runs that took the old path of a moved file, or moved its folder."""
    place, steps = _trace(old, sequel.runs, exists=False)
    is_taken = os.path.lexists(root / place)
    for later, path, _ in steps:
        creates = (item for item, change in later.changes.items() if change.old is None)
        if later.has_moved(path) or (
            is_taken
            and not later.run.undone
            and not later.undoes
            and any(path == item or path in list_outer_folders(item) for item in creates)
        ):
            yield later.run.id
