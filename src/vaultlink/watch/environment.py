"""Environment of a watched vault: folder, settings, git, watchers, and fixes."""

import math
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence

import msgspec

from vaultlink.api import Vault
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import ConfigError, DamagedCacheError, JournalError, VaultError
from vaultlink.fix.plan import Plan
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import is_git_busy
from vaultlink.model import SkippedNote
from vaultlink.report.changed_lines import count_fixed_by_rule, describe_fixed
from vaultlink.report.layout import format_count
from vaultlink.serve.workspace import Workspace
from vaultlink.watch.events import Debounce
from vaultlink.watch.garbage import free_unused_objects
from vaultlink.watch.messages import AppliedFixes, BatchCause, Notice, WatchUpdate
from vaultlink.watch.peers import Peers
from vaultlink.watch.session import Session
from vaultlink.write.fixer import Fixer, apply_plan
from vaultlink.write.journal_files import LockTimeout, digest_content, lock_vault
from vaultlink.write.undo import remove_leftovers, revert_interrupted
from vaultlink.write.write_notes import WriteResult

# -- apply safe fixes while a vault is watched -----------------------------------------------------
# Fixes wait for a pause, skip notes that just changed, and are not applied again to a text from
# which they were reverted. Times are seconds on the monotonic clock.

_JUST_CHANGED = "it was changed a moment ago"
_FIX_REVERTED = "an earlier fix of this text was reverted"

_MAX_TYPED_FILES = 3
"""Files that a person may change within `fix_quiet`. If more change, a program is at work.

It may be Obsidian, which updates the links to a renamed note: what it has not reached yet looks
like a broken link. A rename changes two files.
"""

_MAX_REMEMBERED_TEXTS = 20
"""Number of earlier texts whose digests are remembered for each fixed note."""


class FixAttempt(msgspec.Struct):
    """Result of an attempt to apply fixes.

    `proposal` is a plan that is not written, `skipped` are the notes that it skips; `error` is a
    sentence on any other problem. The last two fields are as in `WriteResult`.
    """

    applied_fixes: AppliedFixes | None = None
    proposal: Plan | None = None
    skipped: tuple[SkippedNote, ...] = ()
    error: str = ""
    is_outdated: bool = False
    reverted: tuple[str, ...] = ()


class AutoFixer:
    """Apply safe fixes when it is time to. Only propose them if `writing` is False."""

    def __init__(self, debounce: Debounce, command: str, *, writing: bool):
        self._debounce, self._command, self._writes = debounce, command, writing
        self._first_change = self._last_change = -math.inf
        self._pending = self._has_swept = False
        self._changed_at: dict[str, float] = {}
        self._fixed_digests: dict[str, deque[bytes]] = {}

    def record_changes(self, paths: Sequence[str], now: float) -> None:
        """Record that another program changed these notes, and schedule a fix."""
        self._changed_at = {
            path: when
            for path, when in self._changed_at.items()
            if when > now - self._debounce.fix_quiet
        }
        self._changed_at.update(dict.fromkeys(paths, now))
        self.schedule(now)

    def schedule(self, now: float) -> None:
        self._first_change = self._first_change if self._pending else now
        self._last_change, self._pending = now, True

    def cancel(self) -> None:
        """Drop the pending fix: another watcher owns fixing."""
        self._pending = False

    def seconds_until_fix(self, now: float) -> float:
        if not self._pending:
            return math.inf
        is_busy = len(self._changed_at) > _MAX_TYPED_FILES
        return self._debounce.seconds_until_fix(
            self._first_change, self._last_change, now, is_busy=is_busy
        )

    def attempt_fix(self, vault: Vault, now: float) -> FixAttempt:
        """Apply the fixes that are possible now.

        Notes that changed a moment ago are fixed in another attempt, which is scheduled here. So is
        the whole attempt if another process holds the write lock.
        """
        self._pending = False
        fixer = vault.fixer.skipping(lambda path, text: self._skip_reason(path, text, now))
        if not self._writes:
            plan = fixer.plan()
            return FixAttempt(proposal=plan, skipped=_select_lasting(plan.skipped))
        try:
            return self._write_fixes(fixer, now)
        except LockTimeout:
            self.schedule(now)
            return FixAttempt()
        except JournalError as error:
            return FixAttempt(error=str(error))

    def _write_fixes(self, fixer: Fixer, now: float) -> FixAttempt:
        root = fixer.scan.root
        if not self._has_swept:
            with lock_vault(root, timeout=0.0):
                remove_leftovers(root, fixer.scan.listing.leftovers)
                self._has_swept = True
                reverted = tuple([item.describe() for item in revert_interrupted(root)])
            if reverted:
                self.schedule(now)
                return FixAttempt(is_outdated=True, reverted=reverted)
        plan, result = fixer.plan(), WriteResult((), ())
        if plan:
            summary = describe_fixed(count_fixed_by_rule(plan.fixed), len(plan.texts))
            result = apply_plan(fixer.scan, plan, self._command, summary, timeout=0.0)
        if result.is_outdated:
            self.schedule(now)
            return FixAttempt(is_outdated=True, reverted=result.reverted)
        for path in result.written:
            digests = self._fixed_digests.setdefault(path, deque(maxlen=_MAX_REMEMBERED_TEXTS))
            digests.append(_digest_text(plan.texts[path][0] or ""))
        skipped = result.skipped if plan else plan.skipped
        if any(note.reason == _JUST_CHANGED for note in skipped):
            self.schedule(now)
        fixes = plan.written(result.written).fixed
        return FixAttempt(
            AppliedFixes(fixes, result.written, _select_lasting(skipped), result.run_id)
        )

    def _skip_reason(self, path: str, text: str, now: float) -> str | None:
        if self._changed_at.get(path, -math.inf) > now - self._debounce.fix_quiet:
            return _JUST_CHANGED
        digests = self._fixed_digests.get(path)
        return _FIX_REVERTED if digests and _digest_text(text) in digests else None


def _select_lasting(skipped: Sequence[SkippedNote]) -> tuple[SkippedNote, ...]:
    return tuple(note for note in skipped if note.reason != _JUST_CHANGED)


def _digest_text(text: str) -> bytes:
    return digest_content(text.encode()) or b""


# -- environment of a watched vault: folder, settings, git and other watchers ----------------------


class Environment:
    """Reports a changed environment, and reopens the vault where necessary.

    `is_away` is True while the vault does not exist.
    """

    def __init__(self, workspace: Workspace, session: Session, fixer: AutoFixer, *, fix: bool):
        self._workspace, self._session, self._fixer = workspace, session, fixer
        self.root, self.is_away = workspace.root, False
        self._last_messages: dict[str, str] = {}
        self._peers: Peers | None = None
        try:
            self._peers = Peers(self.root, fixing=fix)
        except JournalError:  # there is no place to register
            if fix:
                raise

    def notify_once(
        self, topic: str, message: str, *, is_error: bool = False
    ) -> Iterator[WatchUpdate]:
        """Yield a notice, unless it is empty or repeats the last one on its topic."""
        if message and self._last_messages.get(topic) != message:
            self._last_messages[topic] = message
            yield Notice(message, is_error)

    def is_git_busy(self) -> bool:
        return is_git_busy(find_git_dir(self.root))

    def check(self) -> Iterator[WatchUpdate]:
        """Check what causes no event: the vault's folder, settings, git and peers."""
        if self.is_away or not self._workspace.is_in_place():
            yield from self.recover_vault()
        elif self._workspace.is_outdated():
            yield from self.reload_settings()
        yield from self.report_peers()

    def close(self) -> None:
        if self._peers:
            self._peers.close()

    def recover_vault(self) -> Iterator[WatchUpdate]:
        """Reopen the vault if its folder was replaced; else wait for it to come back."""
        before, is_back = self._session.vault, False
        try:
            self._workspace.reopen()
            is_back = True
        except DamagedCacheError:
            raise
        except VaultError:
            pass
        except ConfigError as error:
            yield from self.notify_once("settings", str(error), is_error=True)
        if not is_back:
            if not self.is_away:
                self.is_away = True
                yield Notice(
                    f"{self.root} does not exist or contains no notes. "
                    "Waiting for it to come back.",
                    is_error=True,
                )
            return
        if self.is_away:
            self.is_away = False
            yield Notice(f"{self.root} is back.")
        self._fixer.record_changes((), time.monotonic())
        yield self._session.record_switch(before, BatchCause(description="the vault came back"))
        del before
        free_unused_objects()

    def reload_settings(self) -> Generator[WatchUpdate, None, bool]:
        """Apply changed settings or git state; return True if the vault is another one.

        If the new settings are invalid, report that and keep the previous ones.
        """
        before = self._session.vault
        free_unused_objects()  # the new vault takes their place
        try:
            is_changed = self._workspace.reload_settings()
        except DamagedCacheError:
            raise
        except (ConfigError, VaultError) as error:
            yield from self.notify_once(
                "settings", f"{error} The previous settings stay in force.", is_error=True
            )
            return False
        self._last_messages.pop("settings", None)
        if is_changed:
            is_same = self._session.scan is before.scan
            description = "moves from git history" if is_same else "new settings"
            self._fixer.schedule(time.monotonic())
            yield self._session.record_switch(before, BatchCause(description=description))
            del before
            free_unused_objects()
        return is_changed

    def recover_cache(self, error: DamagedCacheError) -> Iterator[WatchUpdate]:
        """Read the vault again without a damaged cache file, and report what differs."""
        before = self._session.vault
        self._workspace.recover(error)
        self._fixer.record_changes((), time.monotonic())
        yield Notice(f"the cache file {error.file} was damaged. The vault was read again.")
        batch, missing = self._session.record_recovery(before, "the cache was damaged")
        if missing:
            lost = format_count(missing, "resolved finding")
            yield Notice(f"{lost} can't be named: the cache had them.", is_error=True)
        if batch.new or batch.resolved:
            yield batch
        del before, batch
        free_unused_objects()

    def report_peers(self) -> Iterator[WatchUpdate]:
        for sentence in self._peers.describe_changes() if self._peers else ():
            self._fixer.schedule(time.monotonic())
            yield Notice(sentence)

    def report_unreadable(self, scan: VaultScan) -> Iterator[WatchUpdate]:
        """Report folders that can't be read: their files seem not to exist."""
        for folder, reason in scan.listing.unreadable_folders:
            yield from self.notify_once(
                f"folder {folder}",
                f"the folder {folder or scan.root} can't be read: {reason}.",
                is_error=True,
            )

    def is_fixer(self) -> bool:
        return self._peers is None or self._peers.is_fixer()
