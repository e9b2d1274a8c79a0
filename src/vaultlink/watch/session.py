"""Batches of a watched vault: new and resolved findings of each step."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, overload

import msgspec

from vaultlink.api import Vault
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.diagnostics import compute_identities, fingerprint
from vaultlink.engine.step import State
from vaultlink.errors import DamagedCacheError
from vaultlink.graph.build import LiveGraph
from vaultlink.index.packed_map import (
    count_items,
    list_changed_keys,
    list_differing_keys,
    read_items,
)
from vaultlink.index.resolve import is_note
from vaultlink.index.topics import TopicCounter
from vaultlink.model import Diagnostic, LinkCounts, TextByPath, sum_counts
from vaultlink.serve.stepper import PreparedStep, Rescan, Stepper
from vaultlink.watch.messages import AppliedFixes, Batch, BatchCause, ReportedFinding, VaultTotals

# -- new and resolved findings of two states, by identities without line numbers -------------------

_MARK_SIZE = 16
"""Bytes of a mark: the hash of an identity, and a fingerprint."""


class MarkedFindings(NamedTuple):
    """The findings at a path, and a mark for each, by which it is known again.

    There are no findings but marks if the findings can't be read any more.
    """

    findings: Sequence[Diagnostic]
    marks: bytes

    def iterate(self) -> Iterator[tuple[Diagnostic, bytes]]:
        marks = (self.marks[at : at + _MARK_SIZE] for at in range(0, len(self.marks), _MARK_SIZE))
        return zip(self.findings, marks, strict=bool(self.findings))

    def list_identities(self) -> set[bytes]:
        starts = range(0, len(self.marks), _MARK_SIZE)
        return {self.marks[at : at + 8] for at in starts}


_NO_FINDINGS = MarkedFindings((), b"")


def identify_findings(
    found: FindingsByPath, paths: Iterable[str], text: TextByPath
) -> dict[str, MarkedFindings]:
    return {
        path: MarkedFindings(found[path], _mark_findings(path, found[path], text))
        for path in paths
        if path in found
    }


def _mark_findings(path: str, findings: Sequence[Diagnostic], text: TextByPath) -> bytes:
    """Return the marks of all findings at a path.

    Identities need the text that the findings are about, which the next step may replace.
    """
    return b"".join(
        [
            hash(identity).to_bytes(8, "big", signed=True)
            + bytes.fromhex(fingerprint(path, identity))
            for identity in compute_identities(findings, text)
        ]
    )


def _recall_findings(vault: Vault, path: str, marks: bytes) -> MarkedFindings:
    """Return the findings at a path of a vault whose cache may be damaged."""
    try:
        found = vault.state.diagnostics.get(path, ())
    except DamagedCacheError:
        found = ()
    return MarkedFindings(found if len(found) * _MARK_SIZE == len(marks) else (), marks)


def compare_findings(
    before: Mapping[str, MarkedFindings],
    after: Mapping[str, MarkedFindings],
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
        was, now = before.get(old_path, _NO_FINDINGS), after.get(path, _NO_FINDINGS)
        new += _report(now, was)
        if path not in moved:
            resolved += _report(was, now)
    return new, sorted(resolved, key=_sort_key)


def _report(found: MarkedFindings, others: MarkedFindings) -> list[ReportedFinding]:
    known = others.list_identities()
    return [
        ReportedFinding(item, mark[8:].hex())
        for item, mark in found.iterate()
        if mark[:8] not in known
    ]


def _sort_key(reported: ReportedFinding) -> tuple[str, int, str]:
    return reported.diagnostic.path, reported.diagnostic.start, reported.diagnostic.code


class FoundFindings(Sequence[ReportedFinding]):
    """All findings of a state, in order; each is decoded when it is read."""

    def __init__(self, found: FindingsByPath, marks: Mapping[str, bytes]):
        self._found, self._marks = found, marks

    def __len__(self) -> int:
        return count_items(self._found, self._found)

    def __iter__(self) -> Iterator[ReportedFinding]:
        for path, findings in read_items(self._found):
            yield from _report(MarkedFindings(findings, self._marks[path]), _NO_FINDINGS)

    @overload
    def __getitem__(self, index: int) -> ReportedFinding: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ReportedFinding]: ...

    def __getitem__(self, index: int | slice) -> ReportedFinding | Sequence[ReportedFinding]:
        return list(self)[index]


# -- a watched vault: its graph and figures --------------------------------------------------------


class _FindingsDelta(NamedTuple):
    """New and resolved findings, and the marks at the paths that differ.

    Marks are None at a path without findings.
    """

    marks: Mapping[str, bytes | None]
    new: Sequence[ReportedFinding]
    resolved: Sequence[ReportedFinding]


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
        self._live_graph: LiveGraph | None = None
        self._links: LinkCounts | None = None
        self._topics = TopicCounter()
        self._files: frozenset[str] = frozenset()
        self._notes = 0
        self._marks: dict[str, bytes] = {}
        for path, findings in read_items(vault.state.diagnostics):
            self._marks[path] = _mark_findings(path, findings, vault.text)
            self._topics.update_note(path, findings)

    @property
    def vault(self) -> Vault:
        return self._stepper.vault

    @property
    def scan(self) -> VaultScan:
        return self.vault.scan

    @property
    def graph(self) -> LiveGraph:
        """The vault's graph. It is updated in place, so this is always the same object."""
        if self._live_graph is None:
            self._live_graph = LiveGraph(self.vault.index)
        self._live_graph.update_index(self.vault.index)
        return self._live_graph

    def count_totals(self) -> VaultTotals:
        """Return the figures of the vault.

        All links are counted once, then those of the notes that change.
        """
        state = self.vault.state
        if self._links is None:
            self._links = sum_counts(counts for _, counts in read_items(state.tallies))
        files, topics = state.index.files, self._topics.count()
        if self._files is not files:
            self._files, self._notes = files, sum(map(is_note, files))
        return VaultTotals(
            self._notes,
            len(files) - self._notes,
            self._links,
            topics.topics,
            sum(map(len, self._marks.values())) // _MARK_SIZE,
            topics.mistakes,
        )

    def first_batch(self) -> Batch:
        """Return the vault as found, as batch 0."""
        found = FoundFindings(self.vault.state.diagnostics, self._marks)
        return self._record_delta(BatchCause(), _FindingsDelta({}, found, ()))

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
        links = self._links and _update_counts(
            self._links, prepared.step.before.state.tallies, prepared.step.after.state.tallies
        )
        self._stepper.commit(prepared.step)
        self._links = links
        cause = BatchCause() if fixed else prepared.cause
        return self._record_delta(cause, prepared.delta, fixed) if cause else None

    def record_switch(self, before: Vault, cause: BatchCause) -> Batch:
        """Return the batch of a vault that took the place of another one."""
        self._links = None
        return self._record_delta(cause, self._compute_delta(before, self.vault.state, {}))

    def record_recovery(self, before: Vault, description: str) -> tuple[Batch, int]:
        """Return the batch of a vault that took the place of one with a damaged cache.

        Also returns how many resolved findings it lacks, as they can't be read.
        """
        self._links = None
        text, after = self.vault.text, self.vault.state.diagnostics
        marks = {path: _mark_findings(path, items, text) for path, items in read_items(after)}
        paths = [
            path for path in {**self._marks, **marks} if self._marks.get(path) != marks.get(path)
        ]
        was = {path: _recall_findings(before, path, self._marks.get(path, b"")) for path in paths}
        now = identify_findings(after, paths, text)
        missing = sum(
            len(found.list_identities() - now.get(path, _NO_FINDINGS).list_identities())
            for path, found in was.items()
            if not found.findings
        )
        new, resolved = compare_findings(was, now, paths, {})
        delta = _FindingsDelta({path: marks.get(path) for path in paths}, new, resolved)
        return self._record_delta(BatchCause(description=description), delta), missing

    # -- comparing -----------------------------------------------------------------------------

    def _compute_delta(
        self, before: Vault, after: State, moved: Mapping[str, str]
    ) -> _FindingsDelta:
        found = before.state.diagnostics
        paths = list_differing_keys(found, after.diagnostics)
        now = identify_findings(after.diagnostics, {*paths, *moved.values()}, self.vault.text)
        was = {
            path: MarkedFindings(found[path], self._marks[path])
            for path in {*paths, *moved}
            if path in found
        }
        new, resolved = compare_findings(was, now, paths, moved)
        marks = {path: now[path].marks if path in now else None for path in paths}
        return _FindingsDelta(marks, new, resolved)

    def _record_delta(
        self, cause: BatchCause, delta: _FindingsDelta, fixed: AppliedFixes | None = None
    ) -> Batch:
        marks = {**self._marks, **delta.marks}
        self._marks = {path: data for path, data in marks.items() if data is not None}
        for path in delta.marks:
            self._topics.update_note(path, self.vault.state.diagnostics.get(path, ()))
        number, self._next_number = self._next_number, self._next_number + 1
        return Batch(
            number,
            time.time_ns(),
            cause,
            delta.new,
            delta.resolved,
            self.count_totals,
            self.vault,
            fixed,
        )


def _update_counts(
    links: LinkCounts, before: Mapping[str, LinkCounts], after: Mapping[str, LinkCounts]
) -> LinkCounts:
    """Return the number of links after a step, given that before it."""
    changed = list(list_changed_keys(before, after))
    lost = sum_counts(before[path] for path in changed if path in before)
    kept = sum_counts([links, *(after[path] for path in changed if path in after)])
    pairs = zip(msgspec.structs.astuple(kept), msgspec.structs.astuple(lost), strict=True)
    return LinkCounts(*[one - other for one, other in pairs])


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
