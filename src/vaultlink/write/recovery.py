"""Revert a run that was interrupted. The caller must hold the write lock.

The moves are reverted first, then the notes. Both can be interrupted and repeated: the journal
identifies the moved files until all of them are at their old paths, and the bytes of a note show if
it was restored.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, reduce
from html import unescape
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from vaultlink.errors import JournalError
from vaultlink.index.file_kinds import find_conflict, find_conflicted_files
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.text import fold_letters
from vaultlink.write.journal_files import (
    RecordedChange,
    RecordedRun,
    delete_run,
    digest_content,
    journal_folder,
    list_recorded_runs,
    list_runs,
    load_old_bytes,
    mark_undone,
    read_moving,
    remove_moving,
    write_ended,
)
from vaultlink.write.moves import (
    FileIdentity,
    MovePlan,
    NameLookup,
    find_move_barriers,
    is_temporary_path,
    list_temporary_paths,
    locate_files,
    make_identifier,
    make_moves,
    map_path,
)
from vaultlink.write.open_folders import remove_empty_folders, split_path
from vaultlink.write.overlaps import Overlap, is_whole, list_later_runs
from vaultlink.write.write_notes import (
    DISK_REASONS,
    NAME_TAKEN,
    WriteResult,
    describe_os_error,
    find_write_barriers,
    has_leftovers,
    read_bytes,
    write_notes,
)

EDITED_SINCE = "it was edited since"
GONE_SINCE = "it was removed or renamed since"
CREATED_SINCE = "a file with this name was created since"
DAMAGED = "its old text in the journal is damaged"
_NOTHING: Mapping[str, str] = MappingProxyType({})
_OLD_NAME_TAKEN = "another file has its old name now"
NEEDED = "another note that was not restored may need it"
_LEFT_WITH_FILE = "it may link to a file that was not restored"
_MOVED_TOGETHER = "a note that was not restored may link to it"
_LASTING_REASONS = frozenset((EDITED_SINCE, GONE_SINCE, DAMAGED))
"""Reasons to skip a note that stay: trying again can't restore it."""

FOLLOWING_REASONS = frozenset((NEEDED, _LEFT_WITH_FILE, _MOVED_TOGETHER))
"""Reasons that hold as long as another note or file of the run is skipped."""

_UNBLOCKED = (*_LASTING_REASONS, *FOLLOWING_REASONS, CREATED_SINCE, _OLD_NAME_TAKEN)
"""Begins of the reasons for which what can be restored is restored all the same."""


def is_final(skipped: Iterable[SkippedNote]) -> bool:
    """Return True if trying again can't restore any of the skipped notes."""
    return (_LASTING_REASONS | FOLLOWING_REASONS).issuperset(note.reason for note in skipped)


def list_blocked(skipped: Iterable[SkippedNote]) -> list[SkippedNote]:
    """Return what can't be written or moved now, but perhaps later."""
    return [note for note in skipped if not note.reason.startswith(_UNBLOCKED)]


def describe_blocked(skipped: Iterable[SkippedNote]) -> str:
    """Return what is blocked, with the reasons, as a clause."""
    return "; ".join(f"{note.path}: {note.reason}" for note in list_blocked(skipped))


def plan_restored_notes(
    root: Path, run: RecordedRun, moved: Mapping[str, str]
) -> tuple[list[PendingWrite], list[SkippedNote]]:
    """Return what restores a run's notes, and what is skipped, by present paths."""
    writes: list[PendingWrite] = []
    skipped: list[SkippedNote] = []
    try:
        get_old_bytes = load_old_bytes(root, run)
    except OSError as error:
        reason = f"its old text can't be read: {describe_os_error(error)}"
        return [], [SkippedNote(change.path, reason) for change in run.changes]
    for number, change in enumerate(run.changes):
        if change.path in run.skipped:
            continue
        path = map_path(change.path, moved)
        try:
            current = read_bytes(root, path)
        except OSError as error:
            skipped.append(SkippedNote(path, describe_os_error(error)))
            continue
        digest = digest_content(current)
        if digest == change.old:
            continue
        if digest != change.new:
            skipped.append(SkippedNote(path, _skip_reason(change, current)))
            continue
        old = get_old_bytes(number, current)
        if old is None and change.old is not None:
            skipped.append(SkippedNote(path, DAMAGED))
        else:
            writes.append(PendingWrite(path, current, old, change.mode))
    barriers = _find_barriers(root, writes)
    skipped += [SkippedNote(path, reason) for path, reason in barriers.items()]
    return [item for item in writes if item.path not in barriers], skipped


def _find_barriers(root: Path, writes: Sequence[PendingWrite]) -> dict[str, str]:
    """Return why notes can't or must not be written now, by path.

    These are the reasons for which any run skips a note, except for what the settings protect.
    """
    found = {note.path: note.reason for note in find_write_barriers(root, writes)}

    @cache
    def list_conflicted(folder: str) -> frozenset[str]:
        with suppress(OSError), os.scandir(root / folder) as entries:
            prefix = f"{folder}/" if folder else ""
            return find_conflicted_files([f"{prefix}{entry.name}" for entry in entries])
        return frozenset()  # writing reports it

    for item in writes:
        if item.old is not None and item.new is not None:
            text = item.old.decode("utf-8", "replace")
            conflict = find_conflict(item.path, text, list_conflicted(split_path(item.path)[0]))
            if conflict:
                found.setdefault(item.path, conflict)
    return found


def _skip_reason(change: RecordedChange, current: bytes | None) -> str:
    if current is None:
        return GONE_SINCE
    return CREATED_SINCE if change.new is None else EDITED_SINCE


class UndoPlan(msgspec.Struct, frozen=True):
    """The changes that undo a run, and the notes that would be skipped.

    The writes are at the present paths of notes; `moves` are from the present to the old paths.
    `left` are the old paths of the moves that are not reverted, `failed` the reasons for those of
    them that could not be. `overlaps` are what later runs changed too: it is skipped. A plan that
    `is_refused` has no changes, as half of them would be wrong: `skipped` says what prevents it.
    """

    run: RecordedRun
    writes: Sequence[PendingWrite]
    skipped: Sequence[SkippedNote]
    moves: Mapping[str, str] = {}
    left: frozenset[str] = frozenset()
    failed: Mapping[str, str] = {}
    overlaps: Sequence[Overlap] = ()
    is_refused: bool = False


def plan_revert(
    root: Path,
    run: RecordedRun,
    failed: Mapping[str, str] = _NOTHING,
    located: Mapping[str, str | None] | None = None,
    renamed: Mapping[str, str] = _NOTHING,
    restored: Collection[str] = (),
) -> UndoPlan:
    """Plan to revert a run. Writes nothing.

    `failed` are reasons not to revert moves, by old path; `located` says where the moved files are,
    if that is known; `renamed` where notes are that later runs renamed, by recorded path; the notes
    at `restored` need nothing. What can't be written now is skipped. Where a file can't be moved
    back, or a removed note can't be created again, the notes that may link to it or have its text
    stay as they are, and so do the other files that these may link to.
    """
    located = _locate_moved_files(root, run) if located is None else located
    moved = {old: place for old, place in located.items() if place is not None}
    reasons = {**dict.fromkeys(located.keys() - moved.keys(), GONE_SINCE), **failed}
    places = {**moved, **renamed}
    writes, found = plan_restored_notes(root, run, places)
    skipped = [note for note in found if note.path not in restored]
    links = _FollowedLinks(root, run, moved)
    named = {note.path for note in skipped}
    removed = [change.path for change in run.changes if change.new is None]
    replaced = {path for path in removed if map_path(path, places) in named}
    while True:
        left = frozenset(reasons)
        moves = {place: old for old, place in moved.items() if old not in left}
        barriers = find_move_barriers(root, moves, run.folders)
        reasons |= {moves[note.path]: note.reason for note in barriers}
        stuck = reasons.keys() | replaced
        tied = {old for item in writes for old in links.list_tied(item, stuck) if old in moved}
        reasons |= dict.fromkeys(tied - reasons.keys(), _MOVED_TOGETHER)
        if len(reasons) == len(left):
            break
    new_paths = dict(run.moves)
    for old, cause in reasons.items():
        reason = _OLD_NAME_TAKEN if cause == NAME_TAKEN else cause
        place = moved.get(old, new_paths[old])
        if is_temporary_path(place):
            place, reason = new_paths[old], f"{reason}, so it is kept as {place}"
        skipped.append(SkippedNote(place, reason))
    plan = UndoPlan(run, writes, skipped, moves, left, failed)
    return _leave_notes(root, plan, lambda item: bool(links.list_tied(item, left | replaced)))


def _leave_notes(root: Path, plan: UndoPlan, is_left: Callable[[PendingWrite], bool]) -> UndoPlan:
    """Return a plan without notes that must stay, as something else is not restored."""
    kept, reasons = [], {note.path: note.reason for note in plan.skipped}
    has_moved_text = bool(reasons) and is_whole(plan.run, list_recorded_runs(root))
    for item in plan.writes:
        if is_left(item):
            reasons.setdefault(item.path, _LEFT_WITH_FILE)
        elif reasons and may_be_needed(item, has_moved_text=has_moved_text):
            reasons[item.path] = NEEDED
        else:
            kept.append(item)
    skipped = [SkippedNote(path, reason) for path, reason in sorted(reasons.items())]
    return replace(plan, writes=kept, skipped=skipped)


def may_be_needed(item: PendingWrite, *, has_moved_text: bool = False) -> bool:
    """Return True if an undo may take the only copy of a text from a note.

    Then it stays as long as another note is not restored. It is so for each created note that is
    not empty; if a run `has_moved_text` between notes, also for one that would lose lines.
    """
    if item.new is None:
        return bool((item.old or b"").strip())
    return has_moved_text and _count_lines(item.old or b"") > _count_lines(item.new)


def _count_lines(text: bytes) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


class _FollowedLinks:
    """Finds the moves and removals that links in a note followed, by the names in it.

    What it finds may be too much, but never too little: a link that is restored though its file was
    not could lead to another file.
    """

    def __init__(self, root: Path, run: RecordedRun, moved: Mapping[str, str]):
        self._root, self._moved = root, moved
        self._moves = run.moves
        self._removed = [change.path for change in run.changes if change.new is None]
        self._tied: dict[str, frozenset[str]] = {}

    def list_tied(self, item: PendingWrite, left: Collection[str]) -> frozenset[str]:
        """Return the old paths that a note may link to; none if none is in `left`."""
        if not left:
            return frozenset()
        if item.path not in self._tied:
            lines = _list_changed_lines(item.old or b"", item.new or b"")
            is_spelled = "\\u" in lines  # a canvas may spell names in escapes
            text = _read_names(lines)
            self._tied[item.path] = frozenset(
                old
                for old, names in self._names.items()
                if is_spelled
                or map_path(old, self._moved) == item.path
                or any(name in text for name in names)
            )
        tied = self._tied[item.path]
        return frozenset() if tied.isdisjoint(left) else tied

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        """The names of moved and removed files, "" where any note may depend on one.

        Links to any file in it follow a folder; any note may have got the text of a removed one.
        """
        return {path: {""} for path in self._removed} | {
            old: {""}
            if (self._root / self._moved.get(old, old)).is_dir()
            else {*map(_read_stem, (old, new))}
            for old, new in self._moves
        }


def _read_stem(path: str) -> str:
    name = split_path(path)[1]
    return _read_names(name.rpartition(".")[0] or name)


def _read_names(text: str) -> str:
    """Return a text so that a name in it is found however a link spells it."""
    from urllib.parse import unquote  # noqa: PLC0415 - slow to import, rarely needed

    return fold_letters(unquote(unescape(text.replace("\\", ""))))


def _list_changed_lines(one: bytes, other: bytes) -> str:
    """Return the lines of two texts from the first to the last that differ."""
    lines, others = one.splitlines(), other.splitlines()
    while lines and others and lines[-1] == others[-1]:
        del lines[-1], others[-1]
    same = takewhile(lambda pair: pair[0] == pair[1], zip(lines, others, strict=False))
    begin = len(list(same))
    return b"\n".join([*lines[begin:], *others[begin:]]).decode("utf-8", "replace")


def _locate_moved_files(root: Path, run: RecordedRun) -> dict[str, str | None]:
    """Return where the files that a run moved are now, by old path.

    None stands for those that are gone, also because a later run moved them on. Those that are at
    their old paths are left out.
    """
    identities = read_moving(journal_folder(root), run) if run.moves else None
    if identities is None and (run.is_interrupted or not run.moves):
        return {}
    unknown = [FileIdentity(-1, -1)] * len(run.moves)
    places = _list_places(root, run, [] if run.is_interrupted else list_runs(root))
    identify = make_identifier(root, list_digests(run))
    located = locate_files(root, run.moves, list(places), identities or unknown, identify)
    return {
        old: found.place
        for (old, _), found in zip(run.moves, located, strict=True)
        if found.place != old and (found.is_certain or old not in run.unmoved)
    }


def list_digests(run: RecordedRun) -> dict[str, frozenset[bytes]]:
    """Return the digests of each changed note before and after a run, by old path."""
    return {
        change.path: frozenset(filter(None, (change.old, change.new))) for change in run.changes
    }


def _list_places(
    root: Path, run: RecordedRun, runs: Sequence[RecordedRun]
) -> Iterator[Sequence[str]]:
    """Yield for each move where its file may be now, the likeliest place first.

    An undo that did not move a file back may have left it at a hidden path, moved the folder that
    it is in, or moved another file to its new path.
    """
    names = NameLookup(root)
    later = [item.made_moves for item in list_later_runs(runs, run) if item.undoes is None]
    undos = [item for item in reversed(runs) if item.undoes == run.id]
    hidden = [{new: path for (_, new), path in _hide_moves(item).items()} for item in undos]
    made = [item.made_moves for item in undos if item.ended and not item.undone]
    taken = {path for moves in made for path in moves.values()}
    for (old, new), path in _hide_moves(run).items():
        found = [paths[old] for paths in hidden if old in paths]
        is_gone = _is_passed_on(new, later, names)
        moved = {reduce(map_path, made, new)} - taken
        yield () if is_gone else (path, *found, *moved, old, new)


def _hide_moves(run: RecordedRun) -> dict[tuple[str, str], str]:
    return dict(zip(run.moves, list_temporary_paths(run.moves, run.id), strict=True))


def _is_passed_on(path: str, runs: Sequence[Mapping[str, str]], names: NameLookup) -> bool:
    """Return True if a file at a path is not the one that was there before some runs."""
    place = path
    for moves in runs:
        place = map_path(place, moves)
    return place != path and (names.has(place) or any(path in moves.values() for moves in runs))


def list_created_folders(run: RecordedRun, moved: Collection[str]) -> list[str]:
    """Return the folders that a run created and that are at their paths now.

    `moved` are the old paths of the moves that are made now. Where another folder was before it was
    moved away, the created one is only while that is moved.
    """
    before, now = dict(run.moves), {old: new for old, new in run.moves if old in moved}
    return [
        path
        for path in run.folders
        if map_path(path, before) == path or map_path(path, now) != path
    ]


def recover_run(root: Path, run: RecordedRun, *, skips_unwritable: bool = False) -> WriteResult:
    """Revert an interrupted run; `moved` has present and old paths of moved files.

    If something can't be written now, that is all in `skipped`, and nothing is reverted; with
    `skips_unwritable`, the rest is.
    """
    located = _locate_moved_files(root, run)
    plan = plan_revert(root, run, located=located)
    if (blocked := list_blocked(plan.skipped)) and not skips_unwritable:
        return WriteResult((), tuple(blocked))
    back = list(plan.moves.items())
    hidden = {old: path for (old, _), path in _hide_moves(run).items()}
    remove_empty_folders(root, list_created_folders(run, located))
    reasons = make_moves(root, MovePlan(back, [hidden[old] for _, old in back]), run.folders)
    failed = {back[number][1]: reason for number, reason in reasons.items()}
    left = {old: place for old, place in located.items() if old in plan.left or old in failed}
    left |= {old: hidden[old] for old in failed if os.path.lexists(root / hidden[old])}
    if back:
        plan = plan_revert(root, run, failed, left)
    if run.moves and not any(left.values()):
        remove_moving(journal_folder(root), run)
    result = _write_restored(root, run, plan.writes)
    remove_empty_folders(root, list_created_folders(run, left))
    return WriteResult(
        result.written,
        tuple(sorted([*plan.skipped, *result.skipped], key=lambda note: note.path)),
        moved=tuple(move for number, move in enumerate(back) if number not in reasons),
    )


def _write_restored(root: Path, run: RecordedRun, writes: Sequence[PendingWrite]) -> WriteResult:
    """Write notes; leave those whose text may be needed if another one is skipped."""
    lasting = [item for item in writes if may_be_needed(item, has_moved_text=True)]
    first = [item for item in writes if item not in lasting]
    result = write_notes(root, first, run.id)
    kept = list[PendingWrite]()
    if result.skipped:
        has_moved_text = is_whole(run, list_recorded_runs(root))
        kept = [item for item in lasting if may_be_needed(item, has_moved_text=has_moved_text)]
    rest = [item for item in lasting if item not in kept]
    last = write_notes(root, rest, run.id, len(first))
    left = [SkippedNote(item.path, NEEDED) for item in kept]
    return WriteResult((*result.written, *last.written), (*result.skipped, *last.skipped, *left))


def is_complete_run(root: Path, run: RecordedRun) -> bool:
    """Return True if only the mark that an interrupted run has ended is missing."""
    return not run.moves and all(_has_new_bytes(root, change) for change in run.changes)


def end_complete_run(root: Path, run: RecordedRun) -> bool:
    """Mark an interrupted run as ended if only this is missing; return True then."""
    is_complete = is_complete_run(root, run)
    if is_complete:
        write_ended(journal_folder(root), run, ())
    return is_complete


def _has_new_bytes(root: Path, change: RecordedChange) -> bool:
    try:
        return digest_content(read_bytes(root, change.path)) == change.new
    except OSError:
        return False


def revert_run(root: Path, run: RecordedRun, *, skips_unwritable: bool = False) -> WriteResult:
    """Revert an interrupted run, and mark it as ended.

    It stays interrupted if something can't be written, except with `skips_unwritable`. It is marked
    as undone too, except if trying again may restore more. If nothing had to be reverted, its
    record is deleted, unless temporary files of it could not be. Raises JournalError if the disk
    can't be read or written; the run stays interrupted then.
    """
    folder = journal_folder(root)
    result = recover_run(root, run, skips_unwritable=skips_unwritable)
    for note in result.skipped:
        if any(reason in note.reason for reason in DISK_REASONS):
            raise JournalError(
                f"can't revert the interrupted run {run.id} ({run.command}): {note.path}: "
                f"{note.reason}. Nothing else was written. The next run that writes tries it again."
            )
    is_changed = bool(result.written or result.moved or result.skipped)
    if not (is_changed or has_leftovers(root, [change.path for change in run.changes], run.id)):
        delete_run(folder, run.id)
        return result
    if list_blocked(result.skipped) and not skips_unwritable:
        return result
    located = _locate_moved_files(root, run)
    if is_final(result.skipped):
        mark_undone(root, run)
    write_ended(folder, run, run.skipped, [old for old, _ in run.moves if not located.get(old)])
    return result
