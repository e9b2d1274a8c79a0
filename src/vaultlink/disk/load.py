"""Load the state of a vault: the cached state, updated by what changed on disk."""

from collections.abc import Set
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.disk.cache import SavedStamps, digest_parts
from vaultlink.disk.changes import KnownContents, Progress, find_changes
from vaultlink.disk.past_state import (
    Comparison,
    read_past_contents,
    remember_revision,
    start_comparison,
)
from vaultlink.disk.saved_state import (
    StateToSave,
    build_state_to_save,
    list_stamps,
    make_recheck,
    renew_stamps,
    restore_index,
    restore_state,
    split_digests,
)
from vaultlink.disk.scan import VaultScan
from vaultlink.disk.state_file import StateTable, StoredState
from vaultlink.disk.workers import share_checks
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State, step
from vaultlink.errors import VaultError
from vaultlink.history.cached_renames import VaultSnapshot, history_between
from vaultlink.history.git_renames import git_history
from vaultlink.history.link_changes import remember_links
from vaultlink.history.rename_checks import extend_history
from vaultlink.index.index import Index
from vaultlink.model import NO_HISTORY, History

_RESAVE_THRESHOLD = 25
"""Maximum number of changed notes for which the cache is not saved again.

Reading them again in the next run takes less time than saving.
"""

_SMALL_VAULT = 2_000
"""Files of a vault whose cache is saved after every change: the latest record is the best one."""


class StateOrigin(NamedTuple):
    """The saved state that a state was loaded from, or that it is saved as.

    `is_saved` is True in the second case. `restamped` are the files that have new times only.
    """

    identity: bytes
    is_saved: bool
    restamped: Set[str] = frozenset()


class LoadedState(NamedTuple):
    """A state, and what to save for the next run if the cache is outdated.

    `origin` is None if no state is saved.
    """

    state: State
    to_save: StateToSave | None = None
    origin: StateOrigin | None = None


def load_state(scan: VaultScan, settings: LinterSettings, progress: Progress) -> LoadedState:
    """Return the current state of a vault, from the cache and the changes since."""
    cache, share = scan.open_cache(), share_checks(scan.settings.jobs)
    stored, stamps = (cache.load(scan.listing.files) if cache else None) or (None, None)
    comparison = None if stamps else start_comparison(scan.root)
    settings_digest = _settings_digest(scan, settings)
    is_current = stored is not None and stored.table.settings_digest == settings_digest
    before, digests = State(settings), dict[str, bytes]()
    if stored is not None and (is_current or _can_recheck(settings, stored.table)):
        # The cached findings were made with this history; the current one is applied below.
        table = stored.table
        settings = replace(settings, history=table.history)
        before = restore_state(settings, stored)
        if not is_current:
            before = step(State(settings), make_recheck(before.index), share=share)
        digests = split_digests(table)
    known = KnownContents(list_stamps(stored, stamps) if digests else {}, digests)
    changes = find_changes(scan, before, known, progress)
    state = step(before, changes.batch, share=share) if changes.batch.files else before
    keeps_history = scan.settings.history
    remembered = NO_HISTORY
    if keeps_history:
        remembered = (
            _remember(scan, state.index, stored, stamps)
            if stored and stamps
            else _remember_commit(scan, state, comparison)
        )
    state = _apply_history(state, _merge_histories(_find_git_history(scan, state), remembered))
    if cache is None:
        return LoadedState(state)
    if stamps is not None and stamps.differing is None and not keeps_history:
        # Saving this state would lose what the vault's saved one remembers.
        return LoadedState(state)
    digests.update(changes.digests)
    changed = changes.batch.files
    is_small = len(scan.listing.files) <= _SMALL_VAULT
    is_own = stamps is not None and stamps.differing is None
    threshold = 0 if is_small and is_own else _RESAVE_THRESHOLD
    if stored is None or not is_current or len(changed) > threshold:
        saved = build_state_to_save(scan, state, settings_digest, digests, remembered)
        saved = saved._replace(source=stored.file if stored else None)
        return LoadedState(state, saved, StateOrigin(saved.stamps.identity, is_saved=True))
    origin = StateOrigin(stored.table.identity, is_saved=False, restamped=changes.restamped)
    if stamps is not None and len(changes.restamped) <= _RESAVE_THRESHOLD:
        return LoadedState(state, None, origin)
    differing = stamps.differing if stamps else [path for path in changed if changed[path]]
    known_stamps = list_stamps(stored, stamps)
    renewed = renew_stamps(scan, stored.table, changed, known_stamps, differing)
    return LoadedState(state, StateToSave(None, {}, renewed, stored.file), origin)


def _settings_digest(scan: VaultScan, settings: LinterSettings) -> str:
    """Return a digest of the settings that findings depend on."""
    ignored = (
        sorted(path for path in scan.listing.files if scan.is_git_ignored(path))
        if scan.is_git_ignored
        else []
    )
    return digest_parts(
        (settings.config.digest().encode(), repr((scan.obsidian, ignored)).encode())
    ).hex()


def _can_recheck(settings: LinterSettings, table: StateTable) -> bool:
    """Return True if the cached notes can be checked with other settings.

    No rule may need texts, and the section headings must be the same.
    """
    return table.headings == settings.section_headings and not any(
        rule.reads_text for rules in settings.rules_by_scope.values() for rule in rules
    )


# -- history --------------------------------------------------------------------------------------


def _find_git_history(scan: VaultScan, state: State) -> History:
    """Return the history that git knows; empty if there are no dangling links."""
    asked = (
        scan.settings.history
        and state.settings.reads_history
        and any(tally.dangling for tally in state.tallies.values())
    )
    return git_history(scan.root, scan.listing.files) if asked else NO_HISTORY


def _remember(scan: VaultScan, now: Index, stored: StoredState, saved: SavedStamps) -> History:
    """Return the history since the state was cached, and the earlier one still valid.

    The state of another vault has no earlier history, and says nothing of differing files.
    """
    files, before = scan.listing.files, restore_index(stored)
    known = stored.table.remembered if saved.differing is None else NO_HISTORY
    if known == NO_HISTORY and not now.notes.keys_changed() and files.keys() == before.files:
        return NO_HISTORY
    others = set(saved.differing or ())
    new = history_between(
        VaultSnapshot(list_stamps(stored, saved), before.notes.get),
        VaultSnapshot(
            {path: stamp for path, stamp in files.items() if path not in others}, now.notes.get
        ),
    )
    history = extend_history(known, new, files)
    return history if others else remember_links(history, before, now, new.moves)


def _remember_commit(scan: VaultScan, state: State, comparison: Comparison | None) -> History:
    """Return what links led to in the last commit, for a vault without a saved state."""
    if comparison is None or not state.settings.reads_history:
        return NO_HISTORY
    try:
        contents = read_past_contents(scan, (), comparison)
    except VaultError:  # there is no commit yet, or git can't read an old file
        return NO_HISTORY
    history = remember_revision(scan, state, contents, comparison)
    return replace(NO_HISTORY, anchors=history.anchors, led_to=history.led_to)


def _merge_histories(one: History, other: History) -> History:
    """Return both histories. A file that was moved in one of them is not deleted.

    What the second one knows has precedence.
    """
    moves = {**one.moves, **other.moves}
    return History(
        moves,
        (one.deleted | other.deleted).difference(moves),
        {**one.gone, **other.gone},
        {old: new for old, new in {**one.likely, **other.likely}.items() if old not in moves},
        {**one.anchors, **other.anchors},
        {**one.led_to, **other.led_to},
        {**one.reasons, **other.reasons},
        {**one.names, **other.names},
    )


def _apply_history(state: State, history: History) -> State:
    """Return the state with this history.

    Notes that name a file of which it knows something else are checked again.
    """
    before = state.settings
    return state if history == before.history else step(state, [], replace(before, history=history))
