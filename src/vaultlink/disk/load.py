"""Load the state of a vault: the cached state, updated by what changed on disk."""

from collections.abc import Mapping, Set
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.disk.cache import Cache, GitStore, SavedStamps, digest_parts
from vaultlink.disk.changes import KnownContents, Progress, begin_phase, find_changes
from vaultlink.disk.history_sources import NO_RECORDED_MOVES, RecordedMoves, find_history
from vaultlink.disk.processes import FileSpool, OpenScratchFile, open_no_file
from vaultlink.disk.saved_state import (
    Memory,
    StateToSave,
    build_state_to_save,
    list_stamps,
    make_recheck,
    renew_stamps,
    restore_state,
    split_digests,
)
from vaultlink.disk.scan import VaultScan
from vaultlink.disk.state_file import StateTable, StoredState
from vaultlink.disk.workers import share_checks
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State, step
from vaultlink.model import NO_HISTORY

_RESAVE_THRESHOLD = 25
"""Maximum number of changed notes for which the cache is not saved again.

Reading them again in the next run takes less time than saving.
"""

_SMALL_VAULT = 300
"""Files of a vault whose cache is saved after every change: the latest record is the best one."""


class StateOrigin(NamedTuple):
    """The saved state that a state was loaded from, or that it is saved as.

    `is_saved` is True in the second case. `restamped` are the files that may have other times than
    then with the same content. The findings of the saved state were made with the same history as
    now if `has_same_history` is True.
    """

    identity: bytes
    is_saved: bool
    restamped: Set[str] = frozenset()
    has_same_history: bool = True


class LoadedState(NamedTuple):
    """A state, and what to save for the next run if the cache is outdated.

    `origin` is None if no state is saved. `kept` are the query and result to save of each kind.
    """

    state: State
    to_save: StateToSave | None = None
    origin: StateOrigin | None = None
    kept: Mapping[str, tuple[bytes, bytes]] = {}


def load_state(
    scan: VaultScan,
    settings: LinterSettings,
    progress: Progress,
    recorded: RecordedMoves = NO_RECORDED_MOVES,
    open_scratch_file: OpenScratchFile = open_no_file,
) -> LoadedState:
    """Return the current state of a vault, from the cache and the changes since.

    The values of a large vault are kept in a scratch file beside the cache, if there is one.
    """
    cache = scan.open_cache()
    store = GitStore(cache)
    spool = FileSpool(cache.folder.parent if cache else None, open_scratch_file)
    loaded = _load(scan, settings, progress, cache, store, recorded, spool)
    return loaded._replace(kept=store.to_save)


def _load(
    scan: VaultScan,
    settings: LinterSettings,
    progress: Progress,
    cache: Cache | None,
    store: GitStore,
    recorded: RecordedMoves,
    spool: FileSpool,
) -> LoadedState:
    share = share_checks(scan.settings.jobs, spool, lambda: begin_phase(progress, "Checking notes"))
    stored, stamps = (cache.load(scan.listing.files) if cache else None) or (None, None)
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
    changes = find_changes(scan, before, known, progress, spool)
    begin_phase(progress, "Resolving links")
    memory = Memory()

    def know(unchecked: State) -> LinterSettings:
        nonlocal memory
        history, memory = find_history(scan, unchecked, stored, stamps, store, recorded)
        return settings if history == settings.history else replace(settings, history=history)

    if changes.batch.files:
        state = step(before, changes.batch, know, share)
    else:
        now = know(before)
        # Notes that name a file of which the history says something else are checked again.
        state = before if now is settings else step(before, [], now, share)
    if cache is None:
        return LoadedState(state)
    if stamps is not None and stamps.differing is None and not scan.settings.history:
        # Saving this state would lose what the vault's saved one remembers.
        return LoadedState(state)
    known_digests = {**digests, **changes.digests} if digests else changes.digests
    changed = changes.batch.files
    few = _max_unsaved(scan, stamps)
    if scan.settings.overrides and digests and not is_current and len(changed) <= few:
        # The saved state stays that of the settings without the options of this run.
        return LoadedState(state)
    has_news = stored is not None and _has_news(stored, stamps, memory)
    if stored is None or not is_current or len(changed) > few or has_news:
        saved = build_state_to_save(scan, state, settings_digest, known_digests, memory, spool)
        saved = saved._replace(source=stored.file if stored else None)
        return LoadedState(state, saved, StateOrigin(saved.stamps.identity, is_saved=True))
    is_same = state.settings.history is stored.table.history
    all_paths = frozenset(stored.table.paths if stamps and stamps.are_renewed else ())
    origin = StateOrigin(stored.table.identity, False, all_paths or changes.restamped, is_same)
    is_known = stamps is not None and stamps.knows_commits == memory.knows_commits
    if is_known and len(changes.restamped) <= _RESAVE_THRESHOLD:
        return LoadedState(state, None, origin)
    return LoadedState(state, _renew_stamps(scan, stored, stamps, changed, memory), origin)


def _renew_stamps(
    scan: VaultScan,
    stored: StoredState,
    stamps: SavedStamps | None,
    changed: Mapping[str, bool],
    memory: Memory,
) -> StateToSave:
    """Return what saves new stamps of a stored state.

    Without stamps, the state is that of another vault.
    """
    differing = stamps.differing if stamps else [path for path in changed if changed[path]]
    before, knows_commits = list_stamps(stored, stamps), memory.knows_commits
    renewed = renew_stamps(
        scan, stored.table, changed, before, differing, knows_commits=knows_commits
    )
    return StateToSave(None, {}, renewed, stored.file)


def _has_news(stored: StoredState, stamps: SavedStamps | None, memory: Memory) -> bool:
    """Return True if the vault remembers what only a new saved state keeps.

    Files may have names that the saved state does not know. Links may be written to these names
    now. If a file gets another name before the state is saved, nothing knows what they meant. What
    commits say is asked only once. The state of another vault knows nothing of that.
    """
    is_own = stamps is not None and stamps.differing is None
    known = stored.table.remembered if is_own else NO_HISTORY
    if stamps is None or memory.knows_commits > stamps.knows_commits:
        return memory.history != known
    return not memory.history.moves.items() <= known.moves.items()


def _max_unsaved(scan: VaultScan, stamps: SavedStamps | None) -> int:
    """Return how many files may change until the state is saved again."""
    is_small = len(scan.listing.files) <= _SMALL_VAULT
    return 0 if is_small and stamps and stamps.differing is None else _RESAVE_THRESHOLD


def _settings_digest(scan: VaultScan, settings: LinterSettings) -> str:
    ignored = (
        sorted(path for path in scan.listing.files if scan.is_git_ignored(path))
        if scan.is_git_ignored
        else []
    )
    return digest_parts(
        (settings.config.digest().encode(), repr((scan.obsidian, ignored)).encode())
    ).hex()


def _can_recheck(settings: LinterSettings, table: StateTable) -> bool:
    """Return True if no rule needs texts and the section headings are the same."""
    return table.headings == settings.section_headings and not any(
        rule.reads_text for rules in settings.rules_by_scope.values() for rule in rules
    )
