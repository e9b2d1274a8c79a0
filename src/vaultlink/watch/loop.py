"""The watcher: waits for events, rescans, yields changes, and applies fixes."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from vaultlink.api import Vault, rebuild_settings, replace_state
from vaultlink.disk.changes import Progress, read_changes
from vaultlink.disk.scan import RACY_WINDOW_NS, Settings, VaultScan, list_files, scan_vault
from vaultlink.engine.step import State, step
from vaultlink.errors import DamagedCacheError
from vaultlink.graph.build import build_graph
from vaultlink.serve.stepper import Stepper, has_no_notes
from vaultlink.serve.workspace import Workspace
from vaultlink.text import group_by
from vaultlink.watch.backend import BackendFactory, open_system_backend
from vaultlink.watch.environment import AutoFixer, Environment, FixAttempt
from vaultlink.watch.events import ChangeHints, Debounce
from vaultlink.watch.garbage import CollectionTimer, free_new_objects
from vaultlink.watch.messages import Notice, Proposal, WatchUpdate
from vaultlink.watch.session import PreparedUpdate, Session

_MAX_PREPARED_PATHS = 50
"""Maximum number of changed notes that are read before a batch is due."""

_GIT_POLL_SECONDS = 0.05
"""Seconds between checks of whether git is still changing files."""


class WatchSettings(msgspec.Struct, frozen=True):
    """Settings of a watcher.

    - fix: apply safe fixes. propose: yield what fixing would write instead.
    - poll_seconds: seconds between full rescans; None to use the events of `backend_factory`.
    - verify: compare the state with a fresh start after every batch.
    - command: name of the command in the records of runs that `vaultlink undo` lists.
    """

    fix: bool = False
    propose: bool = False
    poll_seconds: float | None = None
    verify: bool = False
    command: str = "vaultlink watch"
    backend_factory: BackendFactory = open_system_backend
    debounce: Debounce = Debounce()


class Watch:
    """A watcher of a vault; `session` is the vault as last scanned.

    `verify_failures` counts how often it differed from a fresh start. Raises VaultError or
    ConfigError if the vault can't be opened, and JournalError if the watcher should fix but can't
    record its runs.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        settings: Settings | None = None,
        watch_settings: WatchSettings | None = None,
        progress: Progress | None = None,
        scan: VaultScan | None = None,
    ):
        scan = scan or scan_vault(Path(root), settings)
        self._settings = watch_settings or WatchSettings()
        self.root, self._debounce = scan.root, self._settings.debounce
        self.verify_failures = 0
        self._workspace = Workspace(
            scan,
            progress,
            poll_seconds=self._settings.poll_seconds,
            rescan_interval=self._debounce.rescan_interval,
            backend_factory=self._settings.backend_factory,
        )
        self._events, self._event_source = self._workspace.events, self._workspace.feed
        self.session = Session(self._workspace.stepper)
        self._fixer = AutoFixer(self._debounce, self._settings.command, writing=self._settings.fix)
        self._environment = Environment(
            self._workspace, self.session, self._fixer, fix=self._settings.fix
        )
        self._prepared: PreparedUpdate | None = None
        self._prepared_count = -1  # the number of events before `_prepared`
        self._pending: list[WatchUpdate] = []
        self._last_heartbeat = time.monotonic()
        self._collection = CollectionTimer(self._last_heartbeat)

    def stop(self) -> None:
        """End after the current work. Safe to call in a signal handler or another thread."""
        self._events.stop()

    def updates(self) -> Iterator[WatchUpdate]:
        """Yield the initial findings, then every change, until `stop` is called.

        Yields:
            The updates in order: batches, notices and proposals.
        """
        try:
            yield self.session.first_batch()
            self._workspace.start()
            self._workspace.fold()
            yield from self._environment.report_peers()
            if self._settings.fix or self._settings.propose:
                self._fixer.schedule(time.monotonic())
            while not self._events.stopped:
                self._events.wait(self._seconds_to_wait())
                if not self._events.stopped:
                    yield from self._run_due_work_safely()
        finally:
            self._workspace.close()
            self._environment.close()

    def recover(self, error: DamagedCacheError) -> None:
        """Read the vault again without a damaged cache file, and report what differs.

        Args:
            error: The error that names the file.

        Raises:
            VaultError: The file can't be deleted, or the vault can't be opened.
        """
        self._prepared, self._prepared_count = None, -1
        self._pending += self._environment.recover_cache(error)

    def _run_due_work_safely(self) -> Iterator[WatchUpdate]:
        try:
            yield from self._run_due_work()
        except DamagedCacheError as error:
            self.recover(error)
        while self._pending:
            yield self._pending.pop(0)

    # -- timing --------------------------------------------------------------------------------

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        until_other = self._last_heartbeat + self._debounce.heartbeat - now
        if self._environment.is_away:
            return until_other
        if self._events:
            until_work = self._seconds_until_batch(now)
            if self._prepared_count != self._events.event_count:
                until_prepare = self._events.last_event + self._debounce.prepare_after - now
                until_work = min(until_work, max(until_prepare, 0.001))
        else:
            until_work = self._fixer.seconds_until_fix(now)
            until_other = min(until_other, self._event_source.seconds_until_rescan(now))
        if until_work <= 0 and self._environment.is_git_busy():
            until_work = _GIT_POLL_SECONDS
        return min(until_other, until_work)

    def _seconds_until_batch(self, now: float) -> float:
        events = self._events
        return self._debounce.seconds_until_batch(events.first_event, events.last_event, now)

    def _run_due_work(self) -> Iterator[WatchUpdate]:
        now = time.monotonic()
        if now >= self._last_heartbeat + self._debounce.heartbeat:
            self._last_heartbeat = now
            yield from self._environment.check()
        if self._environment.is_away:
            self._events.take()
            return
        self._event_source.check(self._folders, now)
        yield from self._environment.notify_once(
            "no watch", self._event_source.warning, is_error=True
        )
        now = time.monotonic()
        if not self._events:
            if self._are_fixes_due(now):
                yield from self._apply_fixes()
            elif self._collection.is_due(now):
                self._collection.collect(self._workspace.fold)
        elif self._seconds_until_batch(now) > 0:
            self._prepare_batch(now)
        elif not self._environment.is_git_busy():
            yield from self._process_events()

    def _are_fixes_due(self, now: float) -> bool:
        return self._fixer.seconds_until_fix(now) <= 0 and not self._environment.is_git_busy()

    @property
    def _folders(self) -> Mapping[str, str]:
        return self.session.scan.listing.folders

    # -- rescanning ----------------------------------------------------------------------------

    def _prepare_batch(self, now: float) -> None:
        """Compute the next batch while waiting for more changes."""
        hints = self._events.peek()
        if hints.full_rescan or len(hints.paths) > _MAX_PREPARED_PATHS:
            self._prepared, self._prepared_count = None, hints.event_count
        elif (
            now >= self._events.last_event + self._debounce.prepare_after
            and self._workspace.is_in_place()
        ):
            self._prepared = self.session.prepare(self._workspace.rescan(hints))
            self._prepared_count = hints.event_count

    def _process_events(self) -> Iterator[WatchUpdate]:
        prepared, event_count = self._prepared, self._prepared_count
        hints = self._events.take()
        self._prepared, self._prepared_count = None, -1
        if not self._workspace.is_in_place():
            yield from self._environment.recover_vault()
            return
        result = self._workspace.rescan(hints)
        if not self._workspace.is_in_place() or has_no_notes(result.scan):
            yield from self._environment.recover_vault()
            return
        if self._workspace.has_new_settings(result.scan):
            is_replaced = yield from self._environment.reload_settings()
            if is_replaced:
                return  # the rescan belongs to the previous state; a full rescan follows
        yield from self._environment.report_unreadable(result.scan)
        if (
            prepared is None
            or event_count != hints.event_count
            or not self.session.is_still_valid(prepared, result)
        ):
            prepared = self.session.prepare(result)
        batch = self.session.commit(prepared)
        if batch:
            self._fixer.record_changes(result.paths, time.monotonic())
            self._collection.record_batch()
            overdue = list[WatchUpdate]()
            if self._are_fixes_due(time.monotonic()):
                overdue += self._apply_fixes()  # now: the vault may change while a batch is read
            yield batch
            yield from overdue
            self.session.count_totals()  # now, so that the next batch does not wait for it
            self._workspace.stepper.fold()
            free_new_objects()
            yield from self._verify()

    def _apply_fixes(self) -> Iterator[WatchUpdate]:
        now = time.monotonic()
        if not self._settings.propose and not (self._settings.fix and self._environment.is_fixer()):
            self._fixer.cancel()
            return
        attempt = self._fixer.attempt_fix(self.session.vault, now)
        if attempt.is_outdated:
            self._events.request_full_rescan()
        yield from (Notice(sentence) for sentence in attempt.reverted)
        yield from self._environment.notify_once("fix error", attempt.error, is_error=True)
        if attempt.proposal:
            yield Proposal(attempt.proposal)
        yield from self._report_skipped(attempt)
        if attempt.applied_fixes and attempt.applied_fixes.written:
            result = self._workspace.rescan(ChangeHints(frozenset(attempt.applied_fixes.written)))
            batch = self.session.apply_rescan(result, attempt.applied_fixes)
            if batch:
                yield batch
                yield from self._verify()

    def _report_skipped(self, attempt: FixAttempt) -> Iterator[WatchUpdate]:
        skipped = attempt.applied_fixes.skipped if attempt.applied_fixes else attempt.skipped
        for path, notes in group_by(skipped, lambda note: note.path).items():
            reasons = ". Also, ".join([note.reason for note in notes])
            sentence = f"{path}: skipped: {reasons}."
            yield from self._environment.notify_once(f"skipped {path}", sentence)

    def _verify(self) -> Iterator[WatchUpdate]:
        """Compare with a fresh start if `verify` is set and nothing changed since the batch."""
        difference = None
        if self._settings.verify and not self._events:
            with suppress(VaultChanging):  # the next batch is compared instead
                difference = find_difference(self.session)
        if difference and not self._workspace.is_outdated():
            self.verify_failures += 1
            yield Notice(
                f"--verify: the state differs from a fresh start. {difference}. "
                "This is a bug in vaultlink; please report it.",
                is_error=True,
            )


_INDEX_MAPS = (
    *("notes", "names", "targets", "backlinks", "notes_by_alias", "notes_by_title"),
    *("files_by_spelling", "titles_by_spelling", "notes_by_spelling"),
)


class VaultChanging(Exception):  # noqa: N818 - a state, not a mistake
    """The vault changes during the comparison, so there is no result."""


def find_difference(session: Session) -> str | None:
    """Return the first difference from a fresh start as a sentence, or None.

    Raises VaultChanging.
    """
    fresh = build_fresh_state(session.vault)
    differences = chain(
        iterate_differences(session.vault.state, fresh), _iterate_graph_differences(session, fresh)
    )
    return next(differences, None)


def build_fresh_state(vault: Vault) -> State:
    """Return the state of a vault that is read anew, with the texts that are held.

    Raises VaultChanging.
    """
    scan = scan_vault(vault.root, vault.scan.settings)
    settings = rebuild_settings(vault, scan)
    state = step(State(settings), list(read_changes(scan, settings, scan.listing.files)))
    fresh = Vault(scan, state)
    for path, content in vault.overlays.items():
        fresh = fresh.holding(path, content)
    now, known = list_files(vault.root), vault.scan.listing
    is_racy = any(stamp.changed > scan.started - RACY_WINDOW_NS for stamp in now.files.values())
    is_changed = not now.files == scan.listing.files == known.files
    if is_racy or is_changed or now.gitignores != known.gitignores:
        raise VaultChanging
    return fresh.state


def iterate_differences(current: State, fresh: State) -> Iterator[str]:
    """Yield the differences of two states as sentences."""
    sides: list[tuple[str, Any, Any]] = [
        *((name, getattr(current.index, name), getattr(fresh.index, name)) for name in _INDEX_MAPS),
        ("findings", current.all_findings, fresh.all_findings),
        ("reported findings", current.diagnostics, fresh.diagnostics),
        ("tallies", current.tallies, fresh.tallies),
    ]
    yield from _compare_maps(sides)
    if current.index.files != fresh.index.files:
        yield f"files: {sorted(current.index.files ^ fresh.index.files)[:3]} exist on one side only"


def _iterate_graph_differences(session: Session, fresh: State) -> Iterator[str]:
    graph: Any = session.graph.nx_graph
    fresh_graph: Any = build_graph(fresh.index)
    sides: list[tuple[str, Any, Any]] = [
        ("nodes of the graph", dict(graph.nodes(data=True)), dict(fresh_graph.nodes(data=True))),
        ("edges of the graph", _collect_edges(graph), _collect_edges(fresh_graph)),
    ]
    yield from _compare_maps(sides)
    fresh_session = Session(Stepper(replace_state(session.vault, fresh)))
    if session.count_totals() != fresh_session.count_totals():
        yield "the totals differ"


def _compare_maps(sides: Iterable[tuple[str, Any, Any]]) -> Iterator[str]:
    for label, current_map, fresh_map in sides:
        for key in sorted(current_map.keys() | fresh_map.keys()):
            one, other = current_map.get(key), fresh_map.get(key)
            if one != other:
                yield f"{label}: {key}: current {_truncate(one)}, fresh {_truncate(other)}"


def _collect_edges(graph: Any) -> dict[str, list[str]]:
    edges = group_by(graph.edges(data=True), lambda edge: edge[0])
    return {
        source: sorted(f"{target} {sorted(data.items())}" for _, target, data in group)
        for source, group in edges.items()
    }


def _truncate(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"
