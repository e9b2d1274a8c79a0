"""A vault kept alive: its state, its graph and its figures, brought up to date look by look.

What was seen on disk enters, a batch leaves: what came of it. Nothing is written to the vault here.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import compress, filterfalse
from operator import is_not
from typing import NamedTuple

import msgspec

from vaultlink.api import Vault, rebuild_settings, replace_state
from vaultlink.disk.load import read_changes
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.step import AnalysedNote, Change, State, step
from vaultlink.graph.live import LiveGraph
from vaultlink.index.resolve import is_note
from vaultlink.model import LinkCounts, Note
from vaultlink.watch.finding_diff import (
    FindingIdentities,
    compare_findings,
    find_changed_paths,
    identify_findings,
)
from vaultlink.watch.ignored import update_ignored
from vaultlink.watch.messages import AppliedFixes, Batch, BatchCause, ReportedFinding, VaultTotals
from vaultlink.watch.renames import MoveTracker
from vaultlink.watch.rescan import Rescan


class _Counts(NamedTuple):
    """What adds up in a state: its notes, and their links."""

    state: State
    notes: int
    links: LinkCounts


class _FindingsDelta(NamedTuple):
    """Where findings differ, what tells those apart that are there now, and those that are new or healed."""

    paths: list[str]
    identities: FindingIdentities
    new: list[ReportedFinding]
    resolved: list[ReportedFinding]


class PreparedUpdate(NamedTuple):
    """What will come of a look at a vault in a state, and whether there is anything to tell of it."""

    before: State
    rescan: Rescan
    scan: VaultScan
    state: State
    move_tracker: MoveTracker
    cause: BatchCause
    is_reportable: bool
    delta: _FindingsDelta


class Session:
    """A vault that is watched; `vault` is as it was last seen."""

    def __init__(self, vault: Vault):
        self.vault = vault
        self._next_number = 0
        self._move_tracker = MoveTracker(vault.state.settings.moves)
        vault.index.compute_all()
        self._graph = LiveGraph(vault.index)
        self._identities = identify_findings(
            vault.state.diagnostics, vault.state.diagnostics, vault.text
        )
        self._counts = _count_state(vault.state)

    @property
    def scan(self) -> VaultScan:
        """The vault's files as they were last seen."""
        return self.vault.scan

    @property
    def graph(self) -> LiveGraph:
        """The vault's graph, changed in place and so always the same object."""
        self._graph.update_index(self.vault.index)
        return self._graph

    def refresh_totals(self) -> None:
        """Bring up to date what is brought up to date when it is asked for, so that nobody has to wait for it then."""
        self.count_totals()

    def first_batch(self) -> Batch:
        """The vault as it was found."""
        found = self.vault.state.diagnostics
        new, _ = compare_findings(({}, {}), (found, self._identities), list(found), {})
        return self._make_batch(BatchCause(), new, [])

    def apply_rescan(self, look: Rescan, fixed: AppliedFixes | None = None) -> Batch | None:
        """Bring the vault up to date with what was seen; None if nothing in it is otherwise than it was."""
        return self.commit(self.prepare(look), fixed)

    def prepare(self, look: Rescan) -> PreparedUpdate:
        """Work out what would come of a look. Nothing is changed by that."""
        before, state, tracker = self.vault, self.vault.state, self._move_tracker.copy()
        scan = update_ignored(look.scan, look.added)
        settings = (
            state.settings
            if scan.is_git_ignored is before.scan.is_git_ignored
            else rebuild_settings(before, scan)
        )
        changes = list(read_changes(scan, settings, look.paths))
        changed = [change for change in changes if _has_changed(state, change)]
        moved = self._track_moves(tracker, look, changes)
        moves = (
            tracker.current_moves(scan.listing.files)
            if look.has_added_or_removed
            else state.settings.moves
        )
        if moves != settings.moves:
            settings = replace(settings, moves=moves)
        if changed or settings is not state.settings:
            state = step(state, changed, settings)
        told = bool(changed or look.modified)
        cause = _make_cause(look, moved, {change.path for change in changed})
        went, came = frozenset(look.removed), frozenset(look.added)
        along = {
            old: new for old, new in moved.items() if old in went and new in came
        }  # else both were told of apart
        return PreparedUpdate(
            before.state, look, scan, state, tracker, cause, told, self._compute_delta(state, along)
        )

    def is_still_valid(self, prepared: PreparedUpdate, look: Rescan) -> bool:
        """Whether what was worked out is what would come of another look, now."""
        return prepared.before is self.vault.state and look.is_same(prepared.rescan)

    def commit(self, prepared: PreparedUpdate, fixed: AppliedFixes | None = None) -> Batch | None:
        """Let what was worked out be so; None if there is nothing to tell of it."""
        self.vault, self._move_tracker = (
            replace_state(self.vault, prepared.state, prepared.scan),
            prepared.move_tracker,
        )
        if not (prepared.is_reportable or fixed):
            return None
        return self._record_delta(BatchCause() if fixed else prepared.cause, prepared.delta, fixed)

    def replace_vault(self, vault: Vault, cause: BatchCause) -> Batch:
        """The vault was read anew, under other settings or after it had been away."""
        self._move_tracker.learn_moves(vault.state.settings.moves)
        vault.index.compute_all()
        moves = self._move_tracker.current_moves(vault.scan.listing.files)
        if moves != vault.state.settings.moves:
            vault = replace_state(
                vault, step(vault.state, [], replace(vault.state.settings, moves=moves))
            )
        difference = self._compute_delta(vault.state, {})
        self.vault = vault
        return self._record_delta(cause, difference)

    def learn_moves(self, moves: Mapping[str, str], words: str) -> Batch | None:
        """Somebody else tells where files went; None if that is nothing new."""
        self._move_tracker.learn_moves(moves)
        before = self.vault.state
        now = self._move_tracker.current_moves(self.scan.listing.files)
        if now == before.settings.moves:
            return None
        state = step(before, [], replace(before.settings, moves=now))
        difference = self._compute_delta(state, {})
        self.vault = replace_state(self.vault, state, self.scan)
        return self._record_delta(BatchCause(description=words), difference)

    # -- what came of it ------------------------------------------------------------------------------------------

    def _track_moves(
        self, tracker: MoveTracker, look: Rescan, changes: list[Change]
    ) -> dict[str, str]:
        """What the look tells of files that went elsewhere."""
        old, now = self.scan.listing.files, look.scan.listing.files
        fresh = {
            change.path: change.content.note
            for change in changes
            if isinstance(change.content, AnalysedNote)
        }
        notes: Callable[[str], Note | None] = self.vault.index.notes.get
        for path in look.removed:
            tracker.record_removed(path, old[path], notes(path))
        for path in look.added:
            tracker.record_added(path, now[path], fresh.get(path))
        for path in look.modified:
            tracker.record_modified(path, now[path], fresh.get(path))
        return tracker.match_new_moves() if look.has_added_or_removed else {}

    def _compute_delta(self, after: State, moved: Mapping[str, str]) -> _FindingsDelta:
        """What is new and what is healed in a later state."""
        before = self.vault.state.diagnostics
        paths = find_changed_paths(before, after.diagnostics)
        fresh = identify_findings(after.diagnostics, paths, self.vault.text)
        ways = (before, self._identities), (after.diagnostics, fresh)
        return _FindingsDelta(paths, fresh, *compare_findings(*ways, paths, moved))

    def _record_delta(
        self, cause: BatchCause, difference: _FindingsDelta, fixed: AppliedFixes | None = None
    ) -> Batch:
        """The batch of a difference, which is none any more."""
        for path in difference.paths:
            if path in difference.identities:
                self._identities[path] = difference.identities[path]
            else:
                self._identities.pop(path, None)
        return self._make_batch(cause, difference.new, difference.resolved, fixed)

    def _make_batch(
        self,
        cause: BatchCause,
        new: list[ReportedFinding],
        healed: list[ReportedFinding],
        fixed: AppliedFixes | None = None,
    ) -> Batch:
        number, self._next_number = self._next_number, self._next_number + 1
        return Batch(
            number,
            time.time_ns(),
            cause,
            tuple(new),
            tuple(healed),
            self.count_totals,
            self.vault,
            fixed,
        )

    def count_totals(self) -> VaultTotals:
        """The vault in figures."""
        self._counts = state, notes, links = _update_counts(self._counts, self.vault.state)
        findings = sum(map(len, state.diagnostics.values()))
        return VaultTotals(
            notes, len(state.index.files) - notes, links, self.graph.topic_count, findings
        )


def _has_changed(state: State, change: Change) -> bool:
    """Whether a note, as it was read now, is another than it was, or is found other things in. Files without a text come or
    go, else they are in no change."""
    content, note = change.content, state.index.notes.get(change.path)
    if not isinstance(content, AnalysedNote) or note is None:
        return True
    scopes = state.settings.scope_by_rule
    own = tuple(
        item for item in state.all_findings.get(change.path, ()) if scopes[item.rule] == "note"
    )
    return note != content.note or own != content.diagnostics


def _make_cause(look: Rescan, moved: Mapping[str, str], changed: set[str]) -> BatchCause:
    news = set(moved.values())
    saved = (*look.modified, *(path for path in look.maybe_modified if path in changed))
    return BatchCause(
        tuple(sorted(saved)),
        tuple(path for path in look.added if path not in news),
        tuple(path for path in look.removed if path not in moved),
        tuple(sorted(moved.items())),
    )


# -- figures --------------------------------------------------------------------------------------------------------


def _count_state(state: State) -> _Counts:
    rows = [msgspec.structs.astuple(tally) for tally in state.tallies.values()]
    return _Counts(
        state,
        sum(map(is_note, state.index.files)),
        LinkCounts(*[sum(column) for column in zip(*rows, strict=True)]),
    )


def _update_counts(counts: _Counts, after: State) -> _Counts:
    """The counts of a later state, at the cost of what differs."""
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
    gone = filterfalse(after.tallies.__contains__, before.tallies)
    links = msgspec.structs.astuple(counts.links)
    for sign, side, some in ((1, after, paths), (-1, before, [*paths, *gone])):
        for tally in map(side.tallies.get, some):
            if tally is not None:
                links = tuple(
                    [
                        had + sign * more
                        for had, more in zip(links, msgspec.structs.astuple(tally), strict=True)
                    ]
                )
    return _Counts(after, notes, LinkCounts(*links))
