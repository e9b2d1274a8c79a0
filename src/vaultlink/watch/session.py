"""A watched vault in memory: its state, graph and figures, updated by each rescan.

Nothing is written to the vault here.
"""

import time
from collections.abc import Callable, Mapping
from itertools import compress, filterfalse
from operator import is_not
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.api import Vault, rebuild_settings, replace_state
from vaultlink.disk.changes import read_changes
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import AnalysedNote, Change, State, step
from vaultlink.graph.live import LiveGraph
from vaultlink.history.follow import Snapshot, follow
from vaultlink.history.link_changes import remember_links
from vaultlink.history.piece_index import PieceIndex
from vaultlink.index.resolve import is_note
from vaultlink.model import History, LinkCounts, Note, sum_counts
from vaultlink.watch.finding_diff import (
    FindingIdentities,
    compare_findings,
    find_changed_paths,
    identify_findings,
)
from vaultlink.watch.messages import AppliedFixes, Batch, BatchCause, ReportedFinding, VaultTotals
from vaultlink.watch.renames import MoveTracker
from vaultlink.watch.rescan import Rescan, update_ignored


class _Counts(NamedTuple):
    """Counts of a state that can be updated incrementally."""

    state: State
    notes: int
    links: LinkCounts


class _FindingsDelta(NamedTuple):
    """New and resolved findings, and the identities at the paths that differ."""

    paths: list[str]
    identities: FindingIdentities
    new: list[ReportedFinding]
    resolved: list[ReportedFinding]


class PreparedUpdate(NamedTuple):
    """Result of a rescan that is not committed yet."""

    before: State
    rescan: Rescan
    scan: VaultScan
    state: State
    move_tracker: MoveTracker
    cause: BatchCause
    is_reportable: bool
    delta: _FindingsDelta


class Session:
    """A watched vault; `vault` is the vault as last scanned."""

    def __init__(self, vault: Vault):
        self.vault = vault
        self._next_number = 0
        self._move_tracker = MoveTracker(vault.state.settings.history)
        vault.state.compute_all()
        self._graph = LiveGraph(vault.index)
        self._identities = identify_findings(
            vault.state.diagnostics, vault.state.diagnostics, vault.text
        )
        self._counts = _count_state(vault.state)

    @property
    def scan(self) -> VaultScan:
        """The last scan of the vault's files."""
        return self.vault.scan

    @property
    def graph(self) -> LiveGraph:
        """The vault's graph. It is updated in place, so this is always the same object."""
        self._graph.update_index(self.vault.index)
        return self._graph

    def refresh_totals(self) -> None:
        """Compute the totals in advance, so that the next batch does not wait for them."""
        self.count_totals()

    def first_batch(self) -> Batch:
        """Return the vault as found, as batch 0."""
        found = self.vault.state.diagnostics
        new, _ = compare_findings(({}, {}), (found, self._identities), list(found), {})
        return self._make_batch(BatchCause(), new, [])

    def apply_rescan(self, rescan: Rescan, fixed: AppliedFixes | None = None) -> Batch | None:
        """Update the vault; return the batch, or None if nothing changed."""
        return self.commit(self.prepare(rescan), fixed)

    def prepare(self, rescan: Rescan) -> PreparedUpdate:
        """Compute the update that a rescan leads to. Changes nothing."""
        before, state, tracker = self.vault, self.vault.state, self._move_tracker.copy()
        scan = update_ignored(rescan.scan, rescan.added)
        settings = (
            state.settings
            if scan.is_git_ignored is before.scan.is_git_ignored
            else rebuild_settings(before, scan)
        )
        changes = list(read_changes(scan, settings, rescan.paths))
        changed = [change for change in changes if _has_changed(state, change)]
        moved = self._track_moves(tracker, rescan, changes)
        if rescan.has_added_or_removed:
            settings = _with_history(settings, tracker.current_history(scan.listing.files))
        if changed or settings is not state.settings:
            state = step(state, changed, settings)
            past = follow(
                Snapshot(before.scan.listing.files, before.index.notes.get),
                Snapshot(scan.listing.files, state.index.notes.get),
                [change.path for change in changed],
                PieceIndex(state.index.notes),
            )
            state = _remember_links(before.state, state, {**moved, **past.moves})
        is_reportable = bool(changed or rescan.modified)
        cause = _make_cause(rescan, moved, {change.path for change in changed})
        removed, added = frozenset(rescan.removed), frozenset(rescan.added)
        reported_moves = {
            old: new for old, new in moved.items() if old in removed and new in added
        }  # other moves were reported as removed and added before
        return PreparedUpdate(
            before.state,
            rescan,
            scan,
            state,
            tracker,
            cause,
            is_reportable,
            self._compute_delta(state, reported_moves),
        )

    def is_still_valid(self, prepared: PreparedUpdate, rescan: Rescan) -> bool:
        """Return True if preparing `rescan` now would give the same result."""
        return prepared.before is self.vault.state and rescan.is_same(prepared.rescan)

    def commit(self, prepared: PreparedUpdate, fixed: AppliedFixes | None = None) -> Batch | None:
        """Make a prepared update current; return None if there is nothing to report."""
        self.vault, self._move_tracker = (
            replace_state(self.vault, prepared.state, prepared.scan),
            prepared.move_tracker,
        )
        if not (prepared.is_reportable or fixed):
            return None
        return self._record_delta(BatchCause() if fixed else prepared.cause, prepared.delta, fixed)

    def replace_vault(self, vault: Vault, cause: BatchCause) -> Batch:
        """Continue with a vault that was opened again, and return the batch."""
        self._move_tracker.learn_history(vault.state.settings.history)
        vault.state.compute_all()
        history = self._move_tracker.current_history(vault.scan.listing.files)
        settings = _with_history(vault.state.settings, history)
        if settings is not vault.state.settings:
            vault = replace_state(vault, step(vault.state, [], settings))
        delta = self._compute_delta(vault.state, {})
        self.vault = vault
        return self._record_delta(cause, delta)

    def learn_history(self, history: History, description: str) -> Batch | None:
        """Add a history from another source; return None if it is known already."""
        self._move_tracker.learn_history(history)
        before = self.vault.state
        current = self._move_tracker.current_history(self.scan.listing.files)
        settings = _with_history(before.settings, current)
        if settings is before.settings:
            return None
        state = step(before, [], settings)
        delta = self._compute_delta(state, {})
        self.vault = replace_state(self.vault, state, self.scan)
        return self._record_delta(BatchCause(description=description), delta)

    # -- comparing -----------------------------------------------------------------------------

    def _track_moves(
        self, tracker: MoveTracker, rescan: Rescan, changes: list[Change]
    ) -> dict[str, str]:
        """Track removed, added and modified files; return newly found moves."""
        old, now = self.scan.listing.files, rescan.scan.listing.files
        notes_read = {
            change.path: change.content.note
            for change in changes
            if isinstance(change.content, AnalysedNote)
        }
        notes: Callable[[str], Note | None] = self.vault.index.notes.get
        for path in rescan.removed:
            tracker.record_removed(path, old[path], notes(path))
        for path in rescan.added:
            tracker.record_added(path, now[path], notes_read.get(path))
        for path in rescan.modified:
            tracker.record_modified(path, now[path], notes_read.get(path))
        return (
            tracker.match_new_moves(self.vault.index.notes) if rescan.has_added_or_removed else {}
        )

    def _compute_delta(self, after: State, moved: Mapping[str, str]) -> _FindingsDelta:
        before = self.vault.state.diagnostics
        paths = find_changed_paths(before, after.diagnostics)
        identities = identify_findings(after.diagnostics, paths, self.vault.text)
        sides = (before, self._identities), (after.diagnostics, identities)
        return _FindingsDelta(paths, identities, *compare_findings(*sides, paths, moved))

    def _record_delta(
        self, cause: BatchCause, delta: _FindingsDelta, fixed: AppliedFixes | None = None
    ) -> Batch:
        for path in delta.paths:
            if path in delta.identities:
                self._identities[path] = delta.identities[path]
            else:
                self._identities.pop(path, None)
        return self._make_batch(cause, delta.new, delta.resolved, fixed)

    def _make_batch(
        self,
        cause: BatchCause,
        new: list[ReportedFinding],
        resolved: list[ReportedFinding],
        fixed: AppliedFixes | None = None,
    ) -> Batch:
        number, self._next_number = self._next_number, self._next_number + 1
        return Batch(
            number,
            time.time_ns(),
            cause,
            tuple(new),
            tuple(resolved),
            self.count_totals,
            self.vault,
            fixed,
        )

    def count_totals(self) -> VaultTotals:
        """Return the figures of the vault."""
        self._counts = state, notes, links = _update_counts(self._counts, self.vault.state)
        findings = sum(map(len, state.diagnostics.values()))
        return VaultTotals(
            notes, len(state.index.files) - notes, links, self.graph.topic_count, findings
        )


def _with_history(settings: LinterSettings, history: History) -> LinterSettings:
    """Return settings with the files of this history; the same object if equal."""
    known = settings.history
    later = replace(known, moves=history.moves, deleted=history.deleted, gone=history.gone)
    return settings if later == known else replace(settings, history=later)


def _remember_links(before: State, state: State, moved: Mapping[str, str]) -> State:
    """Return the state with what its links led to before."""
    known = state.settings.history
    history = remember_links(known, before.index, state.index, moved)
    if history == known:
        return state
    return step(state, [], replace(state.settings, history=history))


def _has_changed(state: State, change: Change) -> bool:
    """Return True if content or own findings changed; files without text always do."""
    content, note = change.content, state.index.notes.get(change.path)
    if not isinstance(content, AnalysedNote) or note is None:
        return True
    scopes = state.settings.scope_by_rule
    note_findings = tuple(
        item for item in state.all_findings.get(change.path, ()) if scopes[item.rule] == "note"
    )
    return note != content.note or note_findings != content.diagnostics


def _make_cause(rescan: Rescan, moved: Mapping[str, str], changed: set[str]) -> BatchCause:
    new_paths = set(moved.values())
    saved = (*rescan.modified, *(path for path in rescan.maybe_modified if path in changed))
    return BatchCause(
        tuple(sorted(saved)),
        tuple(path for path in rescan.added if path not in new_paths),
        tuple(path for path in rescan.removed if path not in moved),
        tuple(sorted(moved.items())),
    )


# -- counts ----------------------------------------------------------------------------------


def _count_state(state: State) -> _Counts:
    notes = sum(map(is_note, state.index.files))
    return _Counts(state, notes, sum_counts(state.tallies.values()))


def _update_counts(counts: _Counts, after: State) -> _Counts:
    """Return the counts of a later state, at the cost of the differences only."""
    if counts.state is after:
        return counts
    before, notes = counts.state, counts.notes
    if before.index.files is not after.index.files:
        notes += sum(map(is_note, after.index.files - before.index.files))
        notes -= sum(map(is_note, before.index.files - after.index.files))
    paths = list(
        compress(
            after.tallies,
            map(is_not, map(before.tallies.get, after.tallies), after.tallies.values()),
        )
    )
    removed = filterfalse(after.tallies.__contains__, before.tallies)
    links = msgspec.structs.astuple(counts.links)
    for sign, side, changed in ((1, after, paths), (-1, before, [*paths, *removed])):
        for tally in map(side.tallies.get, changed):
            if tally is not None:
                links = tuple(
                    [
                        count + sign * delta
                        for count, delta in zip(links, msgspec.structs.astuple(tally), strict=True)
                    ]
                )
    return _Counts(after, notes, LinkCounts(*links))
