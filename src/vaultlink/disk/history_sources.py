"""Find the history of a vault: in its saved state, in its last commit, and in git.

What compares texts and what asks git is imported when it is needed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.disk.cache import GitStore, SavedStamps
from vaultlink.disk.saved_state import Memory, list_stamps, restore_index
from vaultlink.disk.scan import VaultScan
from vaultlink.disk.state_file import StoredState
from vaultlink.engine.step import State
from vaultlink.git.location import find_git_dir
from vaultlink.index.index import Index
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.index.update import is_plain_edit
from vaultlink.model import NO_HISTORY, UNCOMMITTED, History


class RecordedMoves(NamedTuple):
    """Access to the moves of recorded runs.

    `find_undone` returns which of the present files an undo moved: former path to present path.
    `follow` returns the paths that runs gave to files since a time, in nanoseconds since the epoch:
    by the path at that time, in order. Files that no run moved are left out.
    """

    find_undone: Callable[[Collection[str]], Mapping[str, str]] = lambda _files: {}
    follow: Callable[[Collection[str], int], Mapping[str, Sequence[str]]] = lambda _files, _time: {}


NO_RECORDED_MOVES = RecordedMoves()


def find_history(
    scan: VaultScan,
    state: State,
    stored: StoredState | None,
    saved: SavedStamps | None,
    store: GitStore,
    recorded: RecordedMoves,
) -> tuple[History, Memory]:
    """Return what is known of the past, and the part of it to save for later runs.

    `stored` and `saved` are the vault's saved state and its stamps, if there are any. The journal
    knows the moves of runs even if no state was saved between a run and the next change. Commits
    are asked once what links led to, by the first run with rules that read it.
    """
    knows_commits = _knows_commits(scan, stored, saved)
    known = _renew_history(scan, state.index, NO_HISTORY if saved else store.load_history())
    if not scan.settings.history:
        return NO_HISTORY, Memory(known, knows_commits)
    git = None
    if state.settings.reads_history and find_git_dir(scan.root) is not None:
        from vaultlink.disk.git_history import GitPast  # noqa: PLC0415 - only in a git repository

        git = GitPast(scan, state, store)
    asked = git.asked if git else NO_HISTORY
    remembered = known
    if stored and saved:
        remembered = _remember_saved(scan, state, stored, saved, asked.moves, recorded)
    if git and not knows_commits:
        remembered = remembered.then(git.remember_commits())
    undone = _list_undone(scan, state, recorded)
    history = undone.then(asked).then(replace(remembered, created={}))
    memory = Memory(remembered, knows_commits or git is not None)
    return git.add_anchors(history) if git else history, memory


def _knows_commits(scan: VaultScan, stored: StoredState | None, saved: SavedStamps | None) -> bool:
    """Return True if git was asked about commits, also by a run whose stamps are lost."""
    if saved is not None or stored is None:
        return saved is not None and saved.knows_commits
    cache = scan.open_cache()
    return cache is not None and cache.holds(stored) and stored.table.knows_commits


def _list_undone(scan: VaultScan, state: State, recorded: RecordedMoves) -> History:
    moves = recorded.find_undone(scan.listing.files)
    if not moves or not _has_broken_links(state):
        return NO_HISTORY
    vanished = dict.fromkeys(moves, UNCOMMITTED)
    return replace(NO_HISTORY, moves=moves, vanished=vanished).within(scan.listing.files)


def _has_broken_links(state: State) -> bool:
    return bool(state.index.unresolved_sources)


def _remember_saved(
    scan: VaultScan,
    state: State,
    stored: StoredState,
    saved: SavedStamps,
    git_moves: Mapping[str, str],
    recorded: RecordedMoves,
) -> History:
    """Return the history since the state was cached, and the earlier one still valid.

    The state of another vault has no earlier history, and says nothing of differing files.
    `git_moves` are the moves that git knows.
    """
    files, before, now = scan.listing.files, restore_index(stored), state.index
    known = stored.table.remembered if saved.differing is None else NO_HISTORY
    others = set(saved.differing or ())
    stamps = list_stamps(stored, saved)
    present = {path: stamp for path, stamp in files.items() if path not in others}
    changed = [path for path in list_differing_keys(before.notes, now.notes) if path in files]
    changed += [
        path
        for path in stored.table.attachments
        if path in stamps  # else only the other vault has it
        and stamps[path] != present.get(path, stamps[path])
    ]
    if known == NO_HISTORY and not changed and files.keys() == before.files:
        return NO_HISTORY
    has_same_files = files.keys() == before.files and not (others or git_moves)
    if known == NO_HISTORY and has_same_files and len(changed) == 1:
        [path] = changed
        if is_plain_edit(before, now, path):
            return NO_HISTORY
    from vaultlink.history.file_pairs import (  # noqa: PLC0415 - not for a draft
        Snapshot,
        follow,
        follow_merges,
        rename_files,
    )
    from vaultlink.history.link_changes import remember_created, remember_links, remember_names  # noqa: PLC0415 - as above
    from vaultlink.history.matcher import PieceIndex  # noqa: PLC0415 - as above

    since = max(known.vanished.values(), default=UNCOMMITTED) + 1
    names: Mapping[str, Sequence[str]] = {}
    if not others and (not before.files <= files.keys() or _has_broken_links(state)):
        names = recorded.follow(before.files, stored.saved_at)
    renamed = rename_files(Snapshot(stamps, before.notes.get), names, since)
    after = Snapshot(present, now.notes.get)
    later = follow(
        renamed.files,
        after,
        () if others else (*changed, *renamed.origins),
        PieceIndex(now.notes),
        since + 1,
    )
    new = renamed.history.then(later)
    if others:
        return known.then(new).within(files)
    history = remember_created(known, new, before, now).within(files)
    history = follow_merges(history, renamed.files, after, changed)
    committed = {old: path for old, path in git_moves.items() if old in before.files}
    moves = {**committed, **renamed.join_moves(later.moves, files)}
    history = replace(history, deleted=history.deleted.difference(moves))
    return remember_names(remember_links(history, before, now, moves), before, now, moves)


def _renew_history(scan: VaultScan, now: Index, known: History) -> History:
    """Return what still holds of a history that was remembered without a state."""
    if known == NO_HISTORY:
        return known
    from vaultlink.history.link_changes import doubt_targets, remember_links, remember_names  # noqa: PLC0415 - only after an update

    history = doubt_targets(known.within(scan.listing.files), now)
    return remember_names(remember_links(history, now, now, {}), now, now, {})
