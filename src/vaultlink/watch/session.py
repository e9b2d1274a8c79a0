"""A watched vault in memory: its state, graph and figures, updated by each rescan.

Nothing is written to the vault here.
"""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault, rebuild_settings, replace_state
from vaultlink.disk.changes import read_changes
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import AnalysedNote, Change, State, step
from vaultlink.graph.live import LiveGraph
from vaultlink.history.file_pairs import Snapshot, follow
from vaultlink.history.link_changes import remember_links
from vaultlink.history.matcher import PieceIndex
from vaultlink.index.resolve import is_note
from vaultlink.model import History, sum_counts
from vaultlink.watch.finding_diff import (
    IdentifiedFindings,
    compare_findings,
    find_changed_paths,
    identify_findings,
)
from vaultlink.watch.messages import AppliedFixes, Batch, BatchCause, ReportedFinding, VaultTotals
from vaultlink.watch.renames import MoveTracker
from vaultlink.watch.rescan import Rescan, update_ignored


class _FindingsDelta(NamedTuple):
    """New and resolved findings, and all present ones at the paths that differ."""

    paths: Sequence[str]
    findings: IdentifiedFindings
    new: list[ReportedFinding]
    resolved: list[ReportedFinding]


class PreparedUpdate(NamedTuple):
    """The result of a rescan; `cause` is None if there is nothing to report."""

    before: State
    rescan: Rescan
    scan: VaultScan
    state: State
    move_tracker: MoveTracker
    cause: BatchCause | None
    delta: _FindingsDelta


class Session:
    """A watched vault; `vault` is the vault as last scanned."""

    def __init__(self, vault: Vault):
        self.vault = vault
        self._next_number = 0
        self._move_tracker = MoveTracker(vault.state.settings.history)
        vault.state.compute_all()
        self._graph = LiveGraph(vault.index)
        found = vault.state.diagnostics
        self._findings = identify_findings(found, found, vault.text)
        self._totals: tuple[State, VaultTotals] | None = None

    @property
    def scan(self) -> VaultScan:
        return self.vault.scan

    @property
    def graph(self) -> LiveGraph:
        """The vault's graph. It is updated in place, so this is always the same object."""
        self._graph.update_index(self.vault.index)
        return self._graph

    def count_totals(self) -> VaultTotals:
        """Return the figures of the vault, which are counted once for each state."""
        state = self.vault.state
        if self._totals is None or self._totals[0] is not state:
            notes = sum(map(is_note, state.index.files))
            totals = VaultTotals(
                notes,
                len(state.index.files) - notes,
                sum_counts(state.tallies.values()),
                self.graph.topic_count,
                sum(map(len, state.diagnostics.values())),
            )
            self._totals = state, totals
        return self._totals[1]

    def first_batch(self) -> Batch:
        """Return the vault as found, as batch 0."""
        new, _ = compare_findings({}, self._findings, self._findings, {})
        return self._record_delta(BatchCause(), _FindingsDelta((), {}, new, []))

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
            known, moves = state.settings.history, {**moved, **past.moves}
            history = remember_links(known, before.index, state.index, moves)
            if history != known:
                state = step(state, [], replace(state.settings, history=history))
        cause = None
        if changed or rescan.modified:
            cause = _make_cause(rescan, moved, {change.path for change in changed})
        removed, added = frozenset(rescan.removed), frozenset(rescan.added)
        reported_moves = {
            old: new for old, new in moved.items() if old in removed and new in added
        }  # other moves were reported as removed and added before
        delta = self._compute_delta(state, reported_moves)
        return PreparedUpdate(before.state, rescan, scan, state, tracker, cause, delta)

    def is_still_valid(self, prepared: PreparedUpdate, rescan: Rescan) -> bool:
        return prepared.before is self.vault.state and rescan.is_same(prepared.rescan)

    def commit(self, prepared: PreparedUpdate, fixed: AppliedFixes | None = None) -> Batch | None:
        """Make a prepared update current; return None if there is nothing to report."""
        self.vault = replace_state(self.vault, prepared.state, prepared.scan)
        self._move_tracker = prepared.move_tracker
        cause = BatchCause() if fixed else prepared.cause
        return self._record_delta(cause, prepared.delta, fixed) if cause else None

    def replace_vault(self, vault: Vault, cause: BatchCause) -> Batch:
        """Continue with a vault that was opened again, and return the batch."""
        vault.state.compute_all()
        return self._switch(self._learn(vault, vault.state.settings.history), cause)

    def learn_history(self, history: History, description: str) -> Batch | None:
        """Add a history from another source; return None if it is known already."""
        vault = self._learn(self.vault, history)
        return (
            None
            if vault is self.vault
            else self._switch(vault, BatchCause(description=description))
        )

    def _learn(self, vault: Vault, history: History) -> Vault:
        """Return a vault that knows these moves and deletions; the same one if it did."""
        self._move_tracker.learn_history(history)
        before = vault.state.settings
        current = self._move_tracker.current_history(vault.scan.listing.files)
        settings = _with_history(before, current)
        return (
            vault if settings is before else replace_state(vault, step(vault.state, [], settings))
        )

    def _switch(self, vault: Vault, cause: BatchCause) -> Batch:
        delta = self._compute_delta(vault.state, {})
        self.vault = vault
        return self._record_delta(cause, delta)

    # -- comparing -----------------------------------------------------------------------------

    def _track_moves(
        self, tracker: MoveTracker, rescan: Rescan, changes: list[Change]
    ) -> dict[str, str]:
        old, now = self.scan.listing.files, rescan.scan.listing.files
        notes = self.vault.index.notes
        notes_read = {
            change.path: change.content.note
            for change in changes
            if isinstance(change.content, AnalysedNote)
        }
        for path in rescan.removed:
            tracker.record_removed(path, old[path], notes.get(path))
        for path in rescan.added:
            tracker.record_added(path, now[path], notes_read.get(path))
        for path in rescan.modified:
            tracker.record_modified(path, now[path], notes_read.get(path))
        return tracker.match_new_moves(notes) if rescan.has_added_or_removed else {}

    def _compute_delta(self, after: State, moved: Mapping[str, str]) -> _FindingsDelta:
        paths = find_changed_paths(self.vault.state.diagnostics, after.diagnostics)
        findings = identify_findings(after.diagnostics, paths, self.vault.text)
        new, resolved = compare_findings(self._findings, findings, paths, moved)
        return _FindingsDelta(paths, findings, new, resolved)

    def _record_delta(
        self, cause: BatchCause, delta: _FindingsDelta, fixed: AppliedFixes | None = None
    ) -> Batch:
        for path in delta.paths:
            self._findings.pop(path, None)
        self._findings |= delta.findings
        number, self._next_number = self._next_number, self._next_number + 1
        return Batch(
            number,
            time.time_ns(),
            cause,
            tuple(delta.new),
            tuple(delta.resolved),
            self.count_totals,
            self.vault,
            fixed,
        )


def _with_history(settings: LinterSettings, history: History) -> LinterSettings:
    """Return settings with the files of this history; the same object if equal."""
    known = settings.history
    later = replace(known, moves=history.moves, deleted=history.deleted, gone=history.gone)
    return settings if later == known else replace(settings, history=later)


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
