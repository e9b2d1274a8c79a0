"""The watcher: waits for word of changes, looks, tells what came of it, and mends if that is asked for.

A vault's place and settings enter; batches and notices leave, one by one, for as long as somebody asks for the next. Nothing
is printed here.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from vaultlink.api import open_vault
from vaultlink.disk.load import Progress
from vaultlink.disk.scan import Settings, VaultScan, scan_vault
from vaultlink.watch.autofix import AutoFixer
from vaultlink.watch.backend import BackendFactory, EventSource, open_system_backend
from vaultlink.watch.debounce import Debounce
from vaultlink.watch.environment import Environment, use_single_process
from vaultlink.watch.events import ChangeHints, EventQueue
from vaultlink.watch.messages import Notice, Proposal, WatchUpdate
from vaultlink.watch.rescan import has_no_notes, rescan
from vaultlink.watch.session import PreparedUpdate, Session
from vaultlink.watch.settings_files import SettingsSnapshot
from vaultlink.watch.verify import VaultChanging, find_difference

_MAX_PREPARED_PATHS = 50
"""Notes that are read before it is sure that their writer has ended."""

_GIT_POLL_SECONDS = 0.05
"""Seconds until it is asked again whether git is still at work."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What a watcher is to do besides telling. `fix` mends, `propose` says what mending would write. `poll_seconds` is how many
    seconds pass between looks at everything, None where the system brings word by its `backend_factory`. `verify` compares with a fresh
    start after every batch. `command` is what the journal calls a run."""

    fix: bool = False
    propose: bool = False
    poll_seconds: float | None = None
    verify: bool = False
    command: str = "vaultlink watch"
    backend_factory: BackendFactory = open_system_backend
    debounce: Debounce = field(default_factory=Debounce)


class Watch:
    """A watcher on a vault; `session` is the vault as it was last seen, `verify_failures` how often that was not what a fresh start makes
    of it. Raises VaultError or ConfigError if the vault can't be opened, JournalError if it is to mend and could not keep a
    record."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        settings: Settings | None = None,
        wishes: WatchSettings = WatchSettings(),
        progress: Progress | None = None,
        scan: VaultScan | None = None,
    ):
        scan = scan or scan_vault(Path(root), settings)
        self.root, self._watch_settings, self._debounce = scan.root, wishes, wishes.debounce
        self.verify_failures = 0
        self._events = EventQueue()
        settings_files = SettingsSnapshot(scan)
        self.session = Session(open_vault(self.root, scan.settings, progress, scan))
        self._fixer = AutoFixer(self._debounce, wishes.command, writing=wishes.fix)
        self._event_source = EventSource(
            self._events,
            wishes.poll_seconds,
            self._debounce.rescan_interval,
            wishes.backend_factory,
        )
        self._environment = Environment(
            self.session,
            settings_files,
            self._events,
            self._event_source,
            self._fixer,
            fix=wishes.fix,
        )
        self._prepared: tuple[PreparedUpdate | None, int] | None = None
        self._last_heartbeat = time.monotonic()

    def stop(self) -> None:
        """End once what is in hand is done. May be called by a signal's handler, or from another thread."""
        self._events.stop()

    def updates(self) -> Iterator[WatchUpdate]:
        """What there is to tell: the vault as it was found, then whatever happens, until `stop` is called."""
        try:
            yield self.session.first_batch()
            self.session.vault = use_single_process(self.session.vault)
            self._event_source.start(self._folders, time.monotonic())
            yield from self._environment.report_peers()
            if self._watch_settings.fix or self._watch_settings.propose:
                self._fixer.schedule(time.monotonic())
            while not self._events.stopped:
                self._events.wait(self._seconds_to_wait())
                if not self._events.stopped:
                    yield from self._run_due_work()
        finally:
            self._event_source.stop()
            self._environment.close()

    # -- time -----------------------------------------------------------------------------------------------------

    def _seconds_to_wait(self) -> float:
        """Seconds until there is something to do even if nothing happens."""
        now = time.monotonic()
        beat = self._last_heartbeat + self._debounce.heartbeat - now
        if self._environment.is_away:
            return beat
        if not self._events:
            repair = self._fixer.seconds_until_fix(now)
            return min(
                beat,
                self._event_source.seconds_until_rescan(now),
                _GIT_POLL_SECONDS if repair <= 0 and self._environment.is_git_busy() else repair,
            )
        batch = self._debounce.seconds_until_batch(
            self._events.first_event, self._events.last_event, now
        )
        if self._prepared is None or self._prepared[1] != self._events.event_count:
            batch = min(
                batch, max(self._events.last_event + self._debounce.prepare_after - now, 0.001)
            )
        return min(
            beat, _GIT_POLL_SECONDS if batch <= 0 and self._environment.is_git_busy() else batch
        )

    def _run_due_work(self) -> Iterator[WatchUpdate]:
        """Do whatever it is time for."""
        now = time.monotonic()
        if now >= self._last_heartbeat + self._debounce.heartbeat:
            self._last_heartbeat = now
            yield from self._environment.check()
        if self._environment.is_away:
            self._events.take()
            return
        self._event_source.check(self._folders, now)
        yield from self._environment.notices.notify_once(
            "no watch", self._event_source.warning, wrong=True
        )
        now = time.monotonic()
        if not self._events:
            if self._fixer.seconds_until_fix(now) <= 0 and not self._environment.is_git_busy():
                yield from self._apply_fixes()
        elif (
            self._debounce.seconds_until_batch(
                self._events.first_event, self._events.last_event, now
            )
            > 0
        ):
            self._prepare_batch(now)
        elif not self._environment.is_git_busy():
            yield from self._process_events()

    @property
    def _folders(self) -> Mapping[str, str]:
        return self.session.scan.listing.folders

    # -- looking --------------------------------------------------------------------------------------------------

    def _prepare_batch(self, now: float) -> None:
        """Work out what a batch will have to tell while it is waited for whether more comes."""
        hints = self._events.peek()
        few = not hints.full_rescan and len(hints.paths) <= _MAX_PREPARED_PATHS
        if (
            few
            and now >= self._events.last_event + self._debounce.prepare_after
            and self._environment.is_in_place()
        ):
            self._prepared = (
                self.session.prepare(
                    rescan(self.session.scan, hints, self._event_source.watch_folders)
                ),
                hints.event_count,
            )
        elif not few:
            self._prepared = None, hints.event_count

    def _process_events(self) -> Iterator[WatchUpdate]:
        """Look where something may have changed, and tell what came of it."""
        early, known = self._prepared or (None, 0)
        hints, self._prepared = self._events.take(), None
        if not self._environment.is_in_place():
            yield from self._environment.recover_vault()
            return
        seen = rescan(self.session.scan, hints, self._event_source.watch_folders)
        if not self._environment.is_in_place() or has_no_notes(seen.scan):
            yield from self._environment.recover_vault()
            return
        if self._environment.has_new_settings(seen.scan):
            before = self.session.vault
            yield from self._environment.reload_settings()
            if self.session.vault is not before:
                return  # what was seen was seen of another state; everything is looked at again
        yield from self._environment.report_unreadable(seen.scan)
        if (
            early is None
            or known != hints.event_count
            or not self.session.is_still_valid(early, seen)
        ):
            early = self.session.prepare(seen)
        batch = self.session.commit(early)
        if batch:
            self._fixer.record_changes(seen.paths, time.monotonic())
            yield batch
            self.session.refresh_totals()
            yield from self._verify()

    def _apply_fixes(self) -> Iterator[WatchUpdate]:
        """Mend what can be mended now, and tell it."""
        now = time.monotonic()
        if not (
            self._watch_settings.propose
            or (self._watch_settings.fix and self._environment.is_fixer())
        ):
            self._fixer.cancel()
            return
        attempt = self._fixer.attempt_fix(self.session.vault, now)
        if attempt.broken_promise:
            rules = " or ".join(attempt.broken_promise.rules)
            yield from self._environment.notices.notify_once(
                "breach",
                f"nothing was mended: in {attempt.broken_promise.path} {attempt.broken_promise.problem}. A "
                f"fix of {rules} is to blame; please report it.",
                wrong=True,
            )
        yield from self._environment.notices.notify_once("trouble", attempt.error, wrong=True)
        if attempt.proposed_texts:
            yield Proposal(attempt.proposed_texts)
        if attempt.applied_fixes:
            for skipped_note in attempt.applied_fixes.skipped:
                yield from self._environment.notices.notify_once(
                    f"left {skipped_note.path}",
                    f"{skipped_note.path}: left alone: {skipped_note.reason}.",
                )
            if attempt.applied_fixes.written:
                seen = rescan(
                    self.session.scan,
                    ChangeHints(frozenset(attempt.applied_fixes.written)),
                    self._event_source.watch_folders,
                )
                batch = self.session.apply_rescan(seen, attempt.applied_fixes)
                if batch:
                    yield batch
                    yield from self._verify()

    def _verify(self) -> Iterator[WatchUpdate]:
        """Compare with a fresh start, if that is asked for and nothing waits."""
        told = None
        if self._watch_settings.verify and not self._events:
            with suppress(VaultChanging):  # then the next batch tells
                told = find_difference(self.session)
        if told:
            self.verify_failures += 1
            yield Notice(
                f"--verify: what is kept differs from a fresh start. {told}. This is a fault in vaultlink; please "
                "report it.",
                is_error=True,
            )
