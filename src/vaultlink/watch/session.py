"""Batches of a watched vault: new and resolved findings of each step."""

import time
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import compress, filterfalse
from operator import is_not
from typing import NamedTuple

from vaultlink.api import Vault
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.diagnostics import FindingIdentity, compute_identities, fingerprint
from vaultlink.engine.step import State
from vaultlink.graph.build import LiveGraph
from vaultlink.index.resolve import is_note
from vaultlink.index.topics import TopicCounter
from vaultlink.model import Diagnostic, History, TextByPath, sum_counts
from vaultlink.serve.stepper import PreparedStep, Rescan, Stepper
from vaultlink.watch.messages import AppliedFixes, Batch, BatchCause, ReportedFinding, VaultTotals

# -- new and resolved findings of two states, by identities without line numbers -------------------


IdentifiedFindings = dict[str, dict[FindingIdentity, Diagnostic]]
"""Path to its findings by identity, in their order."""


def identify_findings(
    found: FindingsByPath, paths: Iterable[str], text: TextByPath
) -> IdentifiedFindings:
    return {
        path: dict(zip(compute_identities(found[path], text), found[path], strict=True))
        for path in paths
        if path in found
    }


def find_changed_paths(before: FindingsByPath, after: FindingsByPath) -> list[str]:
    others = compress(after, map(is_not, map(before.get, after), after.values()))
    return [
        *(path for path in others if before.get(path) != after[path]),
        *filterfalse(after.__contains__, before),
    ]


def compare_findings(
    before: IdentifiedFindings,
    after: IdentifiedFindings,
    paths: Iterable[str],
    moved: Mapping[str, str],
) -> tuple[list[ReportedFinding], list[ReportedFinding]]:
    """Return the findings at these paths that are new, and those that are resolved.

    `moved` maps old paths to new ones: a finding of a moved note is the same at its new path.
    """
    origin = {new: old for old, new in moved.items()}
    new: list[ReportedFinding] = []
    resolved: list[ReportedFinding] = []
    for path in sorted({*paths, *moved, *origin}):
        old_path = origin.get(path, path)
        was, now = before.get(old_path, {}), after.get(path, {})
        new += _report(path, now, was)
        if path not in moved:
            resolved += _report(old_path, was, now)
    return new, sorted(resolved, key=_sort_key)


def _report(
    path: str, findings: Mapping[FindingIdentity, Diagnostic], others: Container[FindingIdentity]
) -> list[ReportedFinding]:
    return [
        ReportedFinding(item, fingerprint(path, identity))
        for identity, item in findings.items()
        if identity not in others
    ]


def _sort_key(reported: ReportedFinding) -> tuple[str, int, str]:
    return reported.diagnostic.path, reported.diagnostic.start, reported.diagnostic.code


# -- a watched vault: its graph and figures --------------------------------------------------------


class _FindingsDelta(NamedTuple):
    """New and resolved findings, and all present ones at the paths that differ."""

    paths: Sequence[str]
    findings: IdentifiedFindings
    new: list[ReportedFinding]
    resolved: list[ReportedFinding]


class PreparedUpdate(NamedTuple):
    """A step that a rescan leads to; `cause` is None if there is nothing to report."""

    step: PreparedStep
    cause: BatchCause | None
    delta: _FindingsDelta


class Session:
    """A watched vault; `vault` is the vault as last scanned."""

    def __init__(self, stepper: Stepper):
        self._stepper = stepper
        self._next_number = 0
        vault = stepper.vault
        vault.state.compute_all()
        self._graph = LiveGraph(vault.index)
        found = vault.state.diagnostics
        self._findings = identify_findings(found, found, vault.text)
        self._totals: tuple[State, VaultTotals] | None = None
        self._topics = TopicCounter()
        self._counted: FindingsByPath = {}

    @property
    def vault(self) -> Vault:
        return self._stepper.vault

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
                self._count_topics(),
                sum(map(len, state.diagnostics.values())),
            )
            self._totals = state, totals
        return self._totals[1]

    def _count_topics(self) -> int:
        found = self.vault.state.diagnostics
        for path in find_changed_paths(self._counted, found):
            self._topics.update_note(path, found.get(path, ()))
        self._counted = found
        return self._topics.count()

    def first_batch(self) -> Batch:
        """Return the vault as found, as batch 0."""
        new, _ = compare_findings({}, self._findings, self._findings, {})
        return self._record_delta(BatchCause(), _FindingsDelta((), {}, new, []))

    def apply_rescan(self, rescan: Rescan, fixed: AppliedFixes | None = None) -> Batch | None:
        """Update the vault; return the batch, or None if nothing changed."""
        return self.commit(self.prepare(rescan), fixed)

    def prepare(self, rescan: Rescan) -> PreparedUpdate:
        """Compute the update that a rescan leads to. Changes nothing."""
        prepared = self._stepper.prepare(rescan)
        cause = _make_cause(prepared) if prepared.has_news else None
        removed, added = frozenset(rescan.removed), frozenset(rescan.added)
        reported_moves = {
            old: new for old, new in prepared.moved.items() if old in removed and new in added
        }  # other moves were reported as removed and added before
        delta = self._compute_delta(prepared.before, prepared.after.state, reported_moves)
        return PreparedUpdate(prepared, cause, delta)

    def is_still_valid(self, prepared: PreparedUpdate, rescan: Rescan) -> bool:
        return self._stepper.is_still_valid(prepared.step, rescan)

    def commit(self, prepared: PreparedUpdate, fixed: AppliedFixes | None = None) -> Batch | None:
        """Make a prepared update current; return None if there is nothing to report."""
        self._stepper.commit(prepared.step)
        cause = BatchCause() if fixed else prepared.cause
        return self._record_delta(cause, prepared.delta, fixed) if cause else None

    def replace_vault(self, vault: Vault, cause: BatchCause) -> Batch:
        """Continue with a vault that was opened again, and return the batch."""
        before = self.vault
        self._stepper.replace_vault(vault)
        return self._record_switch(before, cause)

    def learn_history(self, history: History, description: str) -> Batch | None:
        """Add a history from another source; return None if it is known already."""
        before = self.vault
        if not self._stepper.learn_history(history):
            return None
        return self._record_switch(before, BatchCause(description=description))

    def _record_switch(self, before: Vault, cause: BatchCause) -> Batch:
        return self._record_delta(cause, self._compute_delta(before, self.vault.state, {}))

    # -- comparing -----------------------------------------------------------------------------

    def _compute_delta(
        self, before: Vault, after: State, moved: Mapping[str, str]
    ) -> _FindingsDelta:
        paths = find_changed_paths(before.state.diagnostics, after.diagnostics)
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


def _make_cause(step: PreparedStep) -> BatchCause:
    rescan, moved = step.rescan, step.moved
    new_paths = set(moved.values())
    saved = (*rescan.modified, *(path for path in rescan.maybe_modified if path in step.changed))
    return BatchCause(
        tuple(sorted(saved)),
        tuple(path for path in rescan.added if path not in new_paths),
        tuple(path for path in rescan.removed if path not in moved),
        tuple(sorted(moved.items())),
    )
