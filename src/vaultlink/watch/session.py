"""A watched vault in memory: its state, graph and figures, updated by each rescan."""

import os
import sys
import time
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from itertools import compress, filterfalse
from operator import is_not
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.api import Vault, rebuild_settings, replace_state
from vaultlink.disk.changes import read_changes
from vaultlink.disk.scan import RACY_WINDOW_NS, VaultScan, is_source_file, list_files, read_stamp
from vaultlink.engine.checks import FindingsByPath, LinterSettings
from vaultlink.engine.diagnostics import FindingIdentity, compute_identities, fingerprint
from vaultlink.engine.step import AnalysedNote, Change, State, step
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import filter_ignored
from vaultlink.graph.build import LiveGraph
from vaultlink.history.file_pairs import UNCOMMITTED, Snapshot, follow
from vaultlink.history.link_changes import leave_out, remember_created, remember_links
from vaultlink.history.matcher import PieceIndex
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.index.topics import TopicCounter
from vaultlink.model import (
    NO_HISTORY,
    Diagnostic,
    FileStamp,
    History,
    Note,
    TextByPath,
    sum_counts,
)
from vaultlink.watch.events import ChangeHints
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


# -- moves and deletions of files while a vault is watched, found by content -----------------------


_MAX_AGE_SECONDS = 600.0
"""Maximum seconds between the removal and the addition of a moved file.

The order does not matter: a file may be copied before it is deleted.
"""

_MAX_REMEMBERED = 10_000
"""Maximum number of removed files and of added files that are remembered."""


class _SeenFile(NamedTuple):
    """A file when it was removed or added; `seen_at` is on the monotonic clock."""

    stamp: FileStamp
    note: Note | None
    seen_at: float


class MoveTracker:
    def __init__(self, history: History):
        self._past = _keep_files(history)
        self._removed: dict[str, _SeenFile] = {}
        self._added: dict[str, _SeenFile] = {}
        self._fresh = NO_HISTORY
        self._forgotten: frozenset[str] = frozenset()

    def copy(self) -> "MoveTracker":
        other = MoveTracker(self._past)
        other._past = self._past  # with what was created
        other._removed, other._added = dict(self._removed), dict(self._added)
        other._forgotten = self._forgotten
        return other

    def learn_history(self, history: History) -> None:
        self._past = self._past.then(_keep_files(history))

    def record_removed(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        self._added.pop(path, None)
        self._removed[path] = _SeenFile(stamp, note, monotonic())

    def record_added(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        self._removed.pop(path, None)
        self._added[path] = _SeenFile(stamp, note, monotonic())

    def record_modified(self, path: str, stamp: FileStamp, note: Note | None) -> None:
        if path in self._added:
            self._added[path] = self._added[path]._replace(stamp=stamp, note=note)

    def match_new_moves(self, notes: Mapping[str, Note]) -> dict[str, str]:
        """Return the moves found since the last call, old path to new path.

        `notes` are those of the vault. `settle` must follow: else all removals count.
        """
        self._past = self._past.then(self._fresh)
        self._removed, self._added = _keep_recent(self._removed), _keep_recent(self._added)
        since = max(self._past.vanished.values(), default=UNCOMMITTED) + 1
        before, now = _to_snapshot(self._removed), _to_snapshot(self._added)
        fresh = follow(before, now, (), PieceIndex(notes), since)
        self._forgotten = self._forgotten & self._removed.keys() - fresh.moves.keys()
        fresh = leave_out(fresh, self._forgotten)
        for old, new in fresh.moves.items():
            del self._removed[old], self._added[new]
        known = {
            path: self._past.vanished[path]
            for path in fresh.vanished
            if path in self._past.vanished
        }
        self._fresh = replace(fresh, vanished={**fresh.vanished, **known})
        return dict(fresh.moves)

    def settle(self, before: Index, now: Index) -> None:
        """Add what `match_new_moves` found to the history.

        A file that was created and removed again is forgotten, as in other runs.
        """
        known, fresh = self._past.then(self._fresh), self._fresh
        self._past = remember_created(self._past, fresh, before, now)
        self._forgotten |= known.vanished.keys() - self._past.vanished.keys()
        self._fresh = NO_HISTORY

    def current_history(self, files: Collection[str]) -> History:
        return self._past.then(self._fresh).within(files)


def _keep_files(history: History) -> History:
    return History(history.moves, history.deleted, history.vanished)


def _keep_recent(seen: dict[str, _SeenFile]) -> dict[str, _SeenFile]:
    since = monotonic() - _MAX_AGE_SECONDS
    recent = [(path, item) for path, item in seen.items() if item.seen_at >= since]
    return dict(recent[-_MAX_REMEMBERED:])


def _to_snapshot(seen: Mapping[str, _SeenFile]) -> Snapshot:
    return Snapshot(
        {path: item.stamp for path, item in seen.items()},
        lambda path: seen[path].note if path in seen else None,
    )


# -- check hinted files on disk and compare with the last scan. No note is read here ---------------


WatchFolders = Callable[[Mapping[str, str]], bool]
"""Starts to watch the folders of a vault; returns True if one was added."""


class Rescan(NamedTuple):
    """The new scan, and the paths that differ from the last one.

    `modified` files have another size or time; `maybe_modified` ones may have changed all the same.
    """

    scan: VaultScan
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    maybe_modified: tuple[str, ...] = ()

    @property
    def has_added_or_removed(self) -> bool:
        return bool(self.added or self.removed)

    def is_same(self, other: "Rescan") -> bool:
        files, others = self.scan.listing.files, other.scan.listing.files
        return self[1:] == other[1:] and all(
            files.get(path) == others.get(path) for path in self.paths
        )

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.added, *self.removed, *self.modified, *self.maybe_modified)


def folder_identity(root: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder, which identify it; None if there is none."""
    try:
        status = os.stat(root)  # noqa: PTH116 - faster, runs for every batch
    except OSError:
        return None
    return status.st_dev, status.st_ino


def rescan(scan: VaultScan, hints: ChangeHints, watch_folders: WatchFolders) -> Rescan:
    """Compare the files on disk with a scan.

    In a full rescan new folders are watched (`watch_folders`) before their content is listed, so
    that no change is missed.
    """
    started = time.time_ns()
    files = None if hints.full_rescan else _update_files(scan, hints)
    if files is None:
        listing = list_files(scan.root)
        while watch_folders(listing.folders):
            listing = list_files(scan.root)
        paths: Iterable[str] = [
            *listing.files,
            *(path for path in scan.listing.files if path not in listing.files),
        ]
    else:
        listing, paths = replace(scan.listing, files=files), hints.paths
    after = replace(scan, listing=listing, started=started)
    return Rescan(after, *_compare_scans(scan, after, paths))


def _update_files(scan: VaultScan, hints: ChangeHints) -> dict[str, FileStamp] | None:
    """Return the files of `scan` with hinted paths read again; None for a full rescan.

    A full rescan is needed where folders behind symbolic links are added or removed, where a
    .gitignore changes, and on systems that may report file names in another spelling than they list
    them.
    """
    root, before = os.fspath(scan.root), scan.listing
    if sys.platform != "linux" and not hints.paths <= before.files.keys():
        return None
    files = dict(before.files)
    for path in hints.paths:
        stamp = read_stamp(root, path)
        if stamp:
            files[path] = stamp
        elif (
            path.endswith(".gitignore")
            or path in before.folders
            or os.path.islink(f"{root}/{path}")  # noqa: PTH114 - faster, runs for every file
        ):
            return None
        else:
            files.pop(path, None)
    return files


def _compare_scans(
    scan: VaultScan, after: VaultScan, paths: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    before, now, trusted = scan.listing.files, after.listing.files, scan.started - RACY_WINDOW_NS
    added, removed, modified, maybe_modified = [], [], [], []
    for path in sorted(paths):
        old, new = before.get(path), now.get(path)
        if old is None or new is None:
            if new:
                added.append(path)
            elif old:
                removed.append(path)
        elif is_source_file(path):
            if old[:2] != new[:2]:
                modified.append(path)
            elif old != new or old.changed > trusted:
                maybe_modified.append(path)
    return tuple(added), tuple(removed), tuple(modified), tuple(maybe_modified)


def has_no_notes(scan: VaultScan) -> bool:
    """Return True if a vault has no notes, like an empty mount point."""
    return not any(is_note(path) for path in scan.listing.files)


class _IgnoredPaths(msgspec.Struct, frozen=True):
    """Test of the vault paths that git ignores.

    `is_known_ignored` answers for the files of the last full query, `ignored_since` holds the
    ignored files that were added since.
    """

    is_known_ignored: Callable[[str], bool] | None
    ignored_since: frozenset[str]

    def __call__(self, path: str) -> bool:
        return path in self.ignored_since or bool(
            self.is_known_ignored and self.is_known_ignored(path)
        )


def update_ignored(scan: VaultScan, added: Sequence[str]) -> VaultScan:
    """Return the scan with git's answer on the added files."""
    ignored = filter_ignored(scan.root, added) if added and find_git_dir(scan.root) else frozenset()
    before = (
        scan.is_git_ignored
        if isinstance(scan.is_git_ignored, _IgnoredPaths)
        else _IgnoredPaths(scan.is_git_ignored, frozenset())
    )
    ignored = frozenset(path for path in ignored if not before(path))
    if not ignored:
        return scan
    since = ignored.union(before.ignored_since & scan.listing.files.keys())
    return replace(scan, is_git_ignored=_IgnoredPaths(before.is_known_ignored, since))


# -- A watched vault in memory: its state, graph and figures, updated by each rescan ---------------
# Nothing is written to the vault here.


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
        self._topics = TopicCounter()
        self._counted: FindingsByPath = {}

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
            if rescan.has_added_or_removed:
                tracker.settle(before.index, state.index)
                settings = _with_history(settings, tracker.current_history(scan.listing.files))
            known, moves = settings.history, {**moved, **past.moves}
            history = remember_links(known, before.index, state.index, moves)
            if history != state.settings.history:
                state = step(state, [], replace(settings, history=history))
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
    later = replace(known, moves=history.moves, deleted=history.deleted, vanished=history.vanished)
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
