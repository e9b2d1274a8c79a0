"""Find the history of a vault: in its saved state, in its last commit, and in git."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.disk.cache import Cache, SavedStamps, digest_parts
from vaultlink.disk.revisions import CommitComparison, read_past_contents, remember_revision
from vaultlink.disk.saved_state import list_stamps, restore_index
from vaultlink.disk.scan import VaultScan
from vaultlink.disk.state_file import StoredState
from vaultlink.engine.step import State
from vaultlink.errors import VaultError
from vaultlink.git.location import find_git_dir
from vaultlink.history.file_pairs import UNCOMMITTED, Snapshot, follow
from vaultlink.history.git_anchors import PresentNotes, find_git_anchors
from vaultlink.history.git_log import LogCommit, read_log
from vaultlink.history.git_renames import git_history
from vaultlink.history.git_targets import find_git_targets
from vaultlink.history.headings import last_key
from vaultlink.history.link_changes import (
    remember_created,
    remember_links,
    remember_names,
)
from vaultlink.history.matcher import PieceIndex
from vaultlink.index.anchors import part_key, split_parts
from vaultlink.index.index import Index, target_spellings
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.index.resolve import file_name, name_key, target_keys
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.naming import find_query_target
from vaultlink.model import NO_HISTORY, Destination, History
from vaultlink.rules.former_targets import follow_move

_MAX_DANGLING = 5_000
"""Broken links above which deletions are not explained: looking each up takes too long."""

_MAX_ANCHORED = 2_000
"""Notes with links to headings or blocks above which git is not asked about missing ones."""


FindUndoneMoves = Callable[[Collection[str]], Mapping[str, str]]
"""Returns which of the present files an undo moved: former path to present path."""


class GitStore:
    """Reads from the cache what was read from git, and collects what to keep there."""

    def __init__(self, cache: Cache | None):
        self._cache = cache
        self.to_save: dict[str, tuple[bytes, bytes]] = {}

    def load(self, key: str) -> bytes | None:
        """Return the value of a key; None if there is none."""
        digest, value = self.to_save.get(_kind(key), (b"", b""))
        if digest == _digest(key):
            return value
        return self._cache.load_result(_digest(key), _kind(key)) if self._cache else None

    def load_history(self) -> History:
        """Return what another version of this program remembered of this vault."""
        return self._cache.load_history() if self._cache else NO_HISTORY

    def save(self, key: str, value: bytes) -> None:
        """Collect a value to keep in place of the former one of this kind."""
        self.to_save[_kind(key)] = _digest(key), value


def _digest(key: str) -> bytes:
    return digest_parts((key.encode("utf-8", "surrogatepass"),))


def _kind(key: str) -> str:
    return key.partition(" ")[0]


def find_history(
    scan: VaultScan,
    state: State,
    stored: StoredState | None,
    saved: SavedStamps | None,
    store: GitStore,
    find_undone_moves: FindUndoneMoves,
) -> tuple[History, History]:
    """Return what is known of the past, and the part of it to save for later runs.

    `stored` and `saved` are the vault's saved state and its stamps, if there are any. The journal
    knows the undone moves even if no state was saved between a run and its undo.
    """
    if not scan.settings.history:
        return NO_HISTORY, NO_HISTORY
    is_asked = state.settings.reads_history and find_git_dir(scan.root) is not None
    missing = _list_missing_anchors(state.index) if is_asked else {}
    asked = _ask_git(scan, state, missing, store) if is_asked else NO_HISTORY
    if stored and saved:
        remembered = _remember_saved(scan, state.index, stored, saved, asked.moves)
    else:
        known = _renew_history(scan, state.index, store.load_history())
        committed = NO_HISTORY
        if is_asked:
            commits = _remember_commits(scan, state, asked, store)
            committed = commits.then(_remember_commit(scan, state))
        remembered = known.then(committed)
    undone = _list_undone(scan, state, find_undone_moves)
    history = undone.then(asked).then(replace(remembered, created={}))
    return _add_git_anchors(scan, state, missing, history, store), remembered


def _list_undone(scan: VaultScan, state: State, find: FindUndoneMoves) -> History:
    if not any(tally.dangling for tally in state.tallies.values()):
        return NO_HISTORY
    moves = find(scan.listing.files)
    vanished = dict.fromkeys(moves, UNCOMMITTED)
    return replace(NO_HISTORY, moves=moves, vanished=vanished).within(scan.listing.files)


# -- git ------------------------------------------------------------------------------------------


def find_git_history(scan: VaultScan, state: State) -> History:
    """Return what git knows of the files in broken links, with the log that is kept."""
    return _ask_git(scan, state, {}, GitStore(scan.open_cache()))


def read_git_log(scan: VaultScan, now: Index, wanted: Collection[str]) -> Sequence[LogCommit]:
    """Return the commits in which files vanished, the latest one first.

    `wanted` are the name keys of the notes that are followed although they were edited.
    """
    store = GitStore(scan.open_cache())
    return read_log(scan.root, scan.listing.files, PieceIndex(now.notes), store, wanted).commits


def _ask_git(
    scan: VaultScan, state: State, missing: Mapping[str, Collection[str]], store: GitStore
) -> History:
    dangling = sum(tally.dangling for tally in state.tallies.values())
    queried = _list_queried_names(state.index)
    if not dangling and not missing and not queried:
        return NO_HISTORY
    wanted = None
    if dangling <= _MAX_DANGLING:
        wanted = _list_broken_names(state) | {name_key(path) for path in missing} | queried
    return git_history(scan.root, scan.listing.files, state.index.notes, store=store, wanted=wanted)


def _add_git_anchors(
    scan: VaultScan,
    state: State,
    missing: Mapping[str, Collection[str]],
    known: History,
    store: GitStore,
) -> History:
    wanted = {
        path: unknown
        for path, keys in missing.items()
        if (unknown := set(keys).difference(known.anchors.get(path, ())))
    }
    moved = _list_missing_moved(state, known) if not known.blind_spots else []
    for item in moved:
        if item.key not in known.anchors.get(item.path, ()):
            wanted.setdefault(item.path, set()).add(item.key)
    if not wanted:
        return known
    present = PresentNotes(scan.listing.files, state.index.notes, known.moves)
    found = find_git_anchors(scan.root, wanted, present, store)
    former_destinations: dict[str, dict[str, Destination]] = {}
    for source, raw, path, key in moved:
        place = found.get(path, {}).get(key)
        if place is not None and not place.subpath:
            former_destinations.setdefault(source, {})[raw] = place
    anchors = {
        path: {key: place for key, place in places.items() if place.subpath}
        for path, places in found.items()
    }
    return known.then(replace(NO_HISTORY, anchors=anchors, former_destinations=former_destinations))


class _MissingAnchor(NamedTuple):
    """A link in `source` to a file that is at `path` now, where a heading is missing."""

    source: str
    raw: str
    path: str
    key: str


def _list_missing_moved(state: State, history: History) -> list[_MissingAnchor]:
    """Return the links to moved notes that lack the heading or block.

    A Markdown link without spaces may name a heading by its GitHub anchor.
    """
    index, found = state.index, list[_MissingAnchor]()
    names = {key for old in history.moves for key in target_spellings(file_name(old))}
    sources = index.notes_mentioning(names) if names else ()
    for source in sources:
        tally = state.tallies.get(source)
        for link, target in index.resolved_links(source) if tally and tally.dangling else ():
            if target is None and (
                (link.subpath and not SYNTAX[link.kind].reads_slugs) or " " in link.subpath
            ):
                path, key = follow_move(link, source, index, history), last_key(link.subpath)
                if path and key and index.has_anchor(link, path) is False:
                    found.append(_MissingAnchor(source, link.raw, path, key))
    return found[:_MAX_ANCHORED]


def _list_broken_names(state: State) -> set[str]:
    index, names = state.index, set[str]()
    for path, tally in state.tallies.items():
        if tally.dangling:
            names.add(name_key(path))
            for link, target in index.resolved_links(path):
                if target is None and not link.external:
                    names.update(target_keys(link.target))
    return names


def _list_queried_names(index: Index) -> set[str]:
    """Return the name keys of what queries name, but does not exist."""
    return {
        key
        for path in index.query_sources.get("", ())
        for query in index.notes[path].queries
        if query.kind != "tag" and find_query_target(query, path, index) is None
        for key in target_keys(query.text)
    }


def _list_missing_anchors(index: Index) -> dict[str, set[str]]:
    sources = {source for paths in index.anchor_sources.values() for source in paths}
    if len(sources) > _MAX_ANCHORED:
        return {}
    missing: dict[str, set[str]] = {}
    for source in sources:
        for link, target in index.resolved_links(source):
            if target is not None and link.subpath and index.has_anchor(link, target) is False:
                keys = {part_key(part) for part in split_parts(link.subpath)} - {""}
                missing.setdefault(target, set()).update(keys)
    return {path: keys for path, keys in missing.items() if keys}


# -- the saved state and the last commit ----------------------------------------------------------


def _remember_saved(
    scan: VaultScan,
    now: Index,
    stored: StoredState,
    saved: SavedStamps,
    git_moves: Mapping[str, str],
) -> History:
    """Return the history since the state was cached, and the earlier one still valid.

    The state of another vault has no earlier history, and says nothing of differing files.
    `git_moves` are the moves that git knows.
    """
    files, before = scan.listing.files, restore_index(stored)
    known = stored.table.remembered if saved.differing is None else NO_HISTORY
    others = set(saved.differing or ())
    then = Snapshot(list_stamps(stored, saved), before.notes.get)
    present = Snapshot(
        {path: stamp for path, stamp in files.items() if path not in others}, now.notes.get
    )
    changed = [path for path in list_differing_keys(before.notes, now.notes) if path in files]
    changed += [
        path
        for path in stored.table.attachments
        if path in then.stamps  # else only the other vault has it
        and then.stamps[path] != present.stamps.get(path, then.stamps[path])
    ]
    if known == NO_HISTORY and not changed and files.keys() == before.files:
        return NO_HISTORY
    since = max(known.vanished.values(), default=UNCOMMITTED) + 1
    new = follow(then, present, () if others else changed, PieceIndex(now.notes), since)
    if others:
        return known.then(new).within(files)
    history = remember_created(known, new, before, now).within(files)
    committed = {old: path for old, path in git_moves.items() if old in before.files}
    moves = {**committed, **new.moves}
    history = replace(history, deleted=history.deleted.difference(moves))
    return remember_names(remember_links(history, before, now, moves), before, now, moves)


def _renew_history(scan: VaultScan, now: Index, known: History) -> History:
    """Return what still holds of a history that was remembered without a state."""
    if known == NO_HISTORY:
        return known
    history = known.within(scan.listing.files)
    return remember_names(remember_links(history, now, now, {}), now, now, {})


def _remember_commit(scan: VaultScan, state: State) -> History:
    """Return what links led to in the last commit, for a vault without a saved state.

    The history of `state` may be that of another copy of the vault, so it is not used.
    """
    state = replace(state, settings=replace(state.settings, history=NO_HISTORY))
    comparison = CommitComparison(scan.root)
    try:
        contents = read_past_contents(scan, (), comparison)
    except VaultError:  # there is no commit yet, or git can't read an old file
        return NO_HISTORY
    history = remember_revision(scan, state, contents, comparison)
    return replace(
        NO_HISTORY,
        anchors=history.anchors,
        former_destinations=history.former_destinations,
        names=history.names,
    )


def _remember_commits(scan: VaultScan, state: State, asked: History, store: GitStore) -> History:
    """Return what links led to in earlier commits, for a vault without a saved state."""
    broken = [path for path, tally in state.tallies.items() if tally.dangling]
    log = read_log(scan.root, scan.listing.files, PieceIndex(state.index.notes), store, ())
    moved = {
        old: new for old, new in asked.moves.items() if asked.vanished.get(old, 0) >= UNCOMMITTED
    }
    former_destinations = find_git_targets(scan.root, state.index, broken, log, moved)
    return replace(NO_HISTORY, former_destinations=former_destinations)
