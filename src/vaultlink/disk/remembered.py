"""What a vault's saved state, its last commit and git remember of the past."""

from collections.abc import Mapping

from msgspec.structs import replace

from vaultlink.disk.cache import Cache, SavedStamps, digest_parts
from vaultlink.disk.past_state import Comparison, read_past_contents, remember_revision
from vaultlink.disk.saved_state import list_stamps, restore_index
from vaultlink.disk.scan import VaultScan, is_source_file
from vaultlink.disk.state_file import StoredState
from vaultlink.engine.step import State
from vaultlink.errors import VaultError
from vaultlink.git import find_git_dir
from vaultlink.history.cached_renames import VaultSnapshot, find_replacements, history_between
from vaultlink.history.git_anchors import PresentNotes, find_git_anchors
from vaultlink.history.git_renames import git_history
from vaultlink.history.link_changes import list_changed_keys, remember_links
from vaultlink.history.name_changes import remember_names
from vaultlink.history.rename_checks import extend_history
from vaultlink.index.anchors import heading_key, split_parts
from vaultlink.index.index import Index
from vaultlink.index.resolve import name_key, target_keys
from vaultlink.model import NO_HISTORY, History

_MAX_DANGLING = 5_000
"""Broken links above which deletions are not explained: looking each up takes too long."""

_MAX_ANCHORED = 2_000
"""Notes with links to headings or blocks above which git is not asked about missing ones."""


class GitStore:
    """Reads from the cache what was read from git, and collects what to keep there."""

    def __init__(self, cache: Cache | None):
        self._cache = cache
        self.to_save: dict[str, tuple[bytes, bytes]] = {}

    def load(self, key: str) -> bytes | None:
        """Return the value of a key; None if there is none."""
        return self._cache.load_result(_digest(key), _kind(key)) if self._cache else None

    def save(self, key: str, value: bytes) -> None:
        """Collect a value to keep in place of the former one of this kind."""
        self.to_save[_kind(key)] = _digest(key), value


def _digest(key: str) -> bytes:
    return digest_parts((key.encode("utf-8", "surrogatepass"),))


def _kind(key: str) -> str:
    return key.partition(" ")[0]


def ask_git(scan: VaultScan, state: State, store: GitStore) -> History:
    """Return what git knows of the targets of broken links; empty if there are none."""
    if find_git_dir(scan.root) is None:
        return NO_HISTORY
    dangling = sum(tally.dangling for tally in state.tallies.values())
    missing = _list_missing_anchors(state.index, NO_HISTORY)
    if not dangling and not missing:
        return NO_HISTORY
    wanted = None
    if dangling <= _MAX_DANGLING:
        wanted = _list_broken_names(state) | {name_key(path) for path in missing}
    return git_history(scan.root, scan.listing.files, store=store, wanted=wanted)


def ask_git_for_anchors(scan: VaultScan, state: State, known: History, store: GitStore) -> History:
    """Return a history with what git knows of missing headings and blocks."""
    missing = (
        _list_missing_anchors(state.index, known) if find_git_dir(scan.root) is not None else {}
    )
    if not missing:
        return known
    present = PresentNotes(scan.listing.files, state.index.notes.get, known.moves)
    found = find_git_anchors(scan.root, missing, present, store)
    return merge_histories(replace(NO_HISTORY, anchors=found), known)


def _list_broken_names(state: State) -> set[str]:
    """Return the name keys in broken links, and those of the notes with them."""
    index, names = state.index, set[str]()
    for path, tally in state.tallies.items():
        if tally.dangling:
            names.add(name_key(path))
            for link, target in index.resolved_links(path):
                if target is None and not link.external:
                    names.update(target_keys(link.target))
    return names


def _list_missing_anchors(index: Index, known: History) -> dict[str, set[str]]:
    """Return the headings and blocks that links name and their notes lack, by note.

    Those of which it is known what became of them are left out.
    """
    sources = {source for paths in index.anchor_sources.values() for source in paths}
    if len(sources) > _MAX_ANCHORED:
        return {}
    missing: dict[str, set[str]] = {}
    for source in sources:
        for link, target in index.resolved_links(source):
            if target is not None and link.subpath and index.has_anchor(link, target) is False:
                keys = {_anchor_key(part) for part in split_parts(link.subpath)}
                missing.setdefault(target, set()).update(
                    key for key in keys if key and key not in known.anchors.get(target, {})
                )
    return {path: keys for path, keys in missing.items() if keys}


def _anchor_key(part: str) -> str:
    return part.lower() if part.startswith("^") else heading_key(part)


def remember_saved(
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
    if known == NO_HISTORY and not now.notes.keys_changed() and files.keys() == before.files:
        return NO_HISTORY
    others = set(saved.differing or ())
    then = VaultSnapshot(list_stamps(stored, saved), before.notes.get)
    present = VaultSnapshot(
        {path: stamp for path, stamp in files.items() if path not in others}, now.notes.get
    )
    new = history_between(then, present)
    if others:
        return extend_history(known, new, files)
    changed = [path for path in list_changed_keys(before.notes, now.notes) if path in files]
    changed += [
        path
        for path, stamp in present.stamps.items()
        if not is_source_file(path) and then.stamps.get(path, stamp) != stamp
    ]
    committed = {old: path for old, path in git_moves.items() if old in before.files}
    replaced = find_replacements(then, present, changed)
    chained = {old: path for old, path in replaced.items() if old not in files}
    history = extend_history(known, replace(new, moves={**new.moves, **chained}), files)
    moves = {**committed, **new.moves, **replaced}
    history = replace(history, deleted=history.deleted.difference(moves))
    linked = remember_links(history, before, now, moves)
    return remember_names(
        linked, before, now, lambda path: moves.get(path, path if path in files else None)
    )


def remember_commit(scan: VaultScan, state: State, comparison: Comparison | None) -> History:
    """Return what links led to in the last commit, for a vault without a saved state."""
    if comparison is None or not state.settings.reads_history:
        return NO_HISTORY
    try:
        contents = read_past_contents(scan, (), comparison)
    except VaultError:  # there is no commit yet, or git can't read an old file
        return NO_HISTORY
    history = remember_revision(scan, state, contents, comparison)
    return replace(NO_HISTORY, anchors=history.anchors, led_to=history.led_to, names=history.names)


def merge_histories(one: History, other: History) -> History:
    """Return both histories. A file that was moved in one of them is not deleted.

    What the second one knows has precedence.
    """
    moves = {**one.moves, **other.moves}
    return History(
        moves,
        (one.deleted | other.deleted).difference(moves),
        {**one.gone, **other.gone},
        {old: new for old, new in {**one.likely, **other.likely}.items() if old not in moves},
        {
            path: {**one.anchors.get(path, {}), **other.anchors.get(path, {})}
            for path in {**one.anchors, **other.anchors}
        },
        {**one.led_to, **other.led_to},
        {**one.reasons, **other.reasons},
        {**one.names, **other.names},
        one.unseen or other.unseen,
    )
