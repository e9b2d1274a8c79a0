"""When and how a watcher mends notes: after a pause, never a note that somebody is writing, and never the same text twice.

A vault and moments on the monotonic clock enter, what was written leaves. The mending itself is that of `vaultlink fix`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from vaultlink.api import Vault
from vaultlink.errors import JournalError
from vaultlink.fix.verify import BrokenPromise
from vaultlink.report.fix_summary import count_fixed_by_rule, describe_fixed
from vaultlink.watch.debounce import Debounce
from vaultlink.watch.messages import AppliedFixes
from vaultlink.write.fixer import Fixer
from vaultlink.write.journal_files import digest_content
from vaultlink.write.lock import LockTimeout, lock_vault

_JUST_CHANGED = "it changed a moment ago"
_FIX_REVERTED = "what was mended in it was taken back"

_MAX_REMEMBERED_TEXTS = 20
"""So many texts of one note are remembered from which it was mended."""


@dataclass(slots=True)
class FixAttempt:
    """What an attempt came to: what was written, or would be; a fault of a rule; a sentence on what else is in the way."""

    applied_fixes: AppliedFixes | None = None
    proposed_texts: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    broken_promise: BrokenPromise | None = None
    error: str = ""


class AutoFixer:
    """Mends what can be mended safely, when it is time to. With `writing` false it only says what it would write."""

    def __init__(self, debounce: Debounce, command: str, *, writing: bool):
        self._debounce, self._command, self._writes = debounce, command, writing
        self._first_change = self._last_change = -math.inf
        self._pending = False
        self._changed_at: dict[str, float] = {}
        self._fixed_digests: dict[str, list[bytes]] = {}

    def record_changes(self, paths: Sequence[str], now: float) -> None:
        """These notes were changed by somebody else."""
        self._changed_at = {
            path: when
            for path, when in self._changed_at.items()
            if when > now - self._debounce.fix_quiet
        }
        self._changed_at.update(dict.fromkeys(paths, now))
        self.schedule(now)

    def schedule(self, now: float) -> None:
        """There may be something to mend."""
        self._first_change = self._first_change if self._pending else now
        self._last_change, self._pending = now, True

    def cancel(self) -> None:
        """Somebody else mends; there is nothing to see to until something changes again."""
        self._pending = False

    def seconds_until_fix(self, now: float) -> float:
        """Seconds until it is time for an attempt; forever if there is nothing to see to."""
        return (
            self._debounce.seconds_until_fix(self._first_change, self._last_change, now)
            if self._pending
            else math.inf
        )

    def attempt_fix(self, vault: Vault, now: float) -> FixAttempt:
        """Mend what can be mended now. Notes that have to wait are seen to after another pause."""
        self._pending = False
        fixer = vault.fixer.skipping(lambda path, text: self._skip_reason(path, text, now))
        if not self._writes:
            plan = fixer.plan()
            return FixAttempt(proposed_texts=dict(plan.texts), broken_promise=plan.broken_promise)
        try:
            with lock_vault(vault.root, timeout=0.0):
                return self._write_fixes(fixer, now)
        except LockTimeout:
            self.schedule(now)
            return FixAttempt()
        except JournalError as error:
            return FixAttempt(error=str(error))

    def _write_fixes(self, fixer: Fixer, now: float) -> FixAttempt:
        plan = fixer.plan()
        if plan.broken_promise:
            return FixAttempt(broken_promise=plan.broken_promise)
        result = fixer.write(
            plan,
            self._command,
            describe_fixed(count_fixed_by_rule(plan.fixed), len(plan.texts)),
        )
        for path in result.written:
            old = _digest_text(plan.texts[path][0] or "")
            self._fixed_digests[path] = [*self._fixed_digests.get(path, []), old][
                -_MAX_REMEMBERED_TEXTS:
            ]
        if any(skipped_note.reason == _JUST_CHANGED for skipped_note in result.skipped):
            self.schedule(now)
        written = frozenset(result.written)
        made = tuple(
            (item, fix)
            for item, fix in plan.fixed
            if any(edit.path in written for edit in fix.edits)
        )
        refused = tuple(
            skipped_note for skipped_note in result.skipped if skipped_note.reason != _JUST_CHANGED
        )
        return FixAttempt(AppliedFixes(made, result.written, refused, result.run_id))

    def _skip_reason(self, path: str, text: str, now: float) -> str | None:
        """Why a note is not to be written now."""
        if self._changed_at.get(path, -math.inf) > now - self._debounce.fix_quiet:
            return _JUST_CHANGED
        return (
            _FIX_REVERTED
            if path in self._fixed_digests and _digest_text(text) in self._fixed_digests[path]
            else None
        )


def _digest_text(text: str) -> bytes:
    return digest_content(text.encode()) or b""
