"""Apply safe fixes while a vault is watched.

Fixes wait for a pause, skip notes that just changed, and are not applied again to a text from which
they were reverted. Times are seconds on the monotonic clock.
"""

import math
from collections import deque
from collections.abc import Sequence

import msgspec

from vaultlink.api import Vault
from vaultlink.errors import JournalError
from vaultlink.fix.plan import Plan
from vaultlink.model import SkippedNote
from vaultlink.report.fix_summary import count_fixed_by_rule, describe_fixed
from vaultlink.watch.debounce import Debounce
from vaultlink.watch.messages import AppliedFixes
from vaultlink.write.apply import apply_plan
from vaultlink.write.fixer import Fixer
from vaultlink.write.journal_files import digest_content
from vaultlink.write.lock import LockTimeout, lock_vault
from vaultlink.write.strays import sweep_strays
from vaultlink.write.undo import revert_interrupted
from vaultlink.write.write import WriteResult

_JUST_CHANGED = "it was changed a moment ago"
_FIX_REVERTED = "an earlier fix of this text was reverted"

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
        return self._debounce.seconds_until_fix(self._first_change, self._last_change, now)

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
                sweep_strays(root, fixer.scan.listing.strays)
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
