"""When and how a watcher mends notes: after a pause, never a note that somebody is writing, and never the same text twice.

A vault and moments on the monotonic clock enter, what was written leaves. The mending itself is that of `vaultlink fix`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from vaultlink.api import Vault
from vaultlink.errors import JournalError
from vaultlink.fixing.promise import Breach
from vaultlink.journal import digest
from vaultlink.locking import Busy, lock
from vaultlink.report.repairs import counted, fixed_sentence
from vaultlink.watching.batch import Fixed
from vaultlink.watching.pauses import Pauses

_WRITING = "it changed a moment ago"
_TAKEN_BACK = "what was mended in it was taken back"

_MOST = 20
"""So many texts of one note are remembered from which it was mended."""


@dataclass(slots=True)
class Attempt:
    """What an attempt came to: what was written, or would be; a fault of a rule; a sentence on what else is in the way."""

    fixed: Fixed | None = None
    proposed: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    breach: Breach | None = None
    trouble: str = ""


class Repairing:
    """Mends what can be mended safely, when it is time to. With `writing` false it only says what it would write."""

    def __init__(self, pauses: Pauses, command: str, *, writing: bool):
        self._pauses, self._command, self._writing = pauses, command, writing
        self._first = self._last = -math.inf
        self._wanted = False
        self._touched: dict[str, float] = {}
        self._mended: dict[str, list[bytes]] = {}

    def changed(self, paths: Sequence[str], now: float) -> None:
        """These notes were changed by somebody else."""
        self._touched = {
            path: when for path, when in self._touched.items() if when > now - self._pauses.calm
        }
        self._touched.update(dict.fromkeys(paths, now))
        self.want(now)

    def want(self, now: float) -> None:
        """There may be something to mend."""
        self._first = self._first if self._wanted else now
        self._last, self._wanted = now, True

    def postpone(self) -> None:
        """Somebody else mends; there is nothing to see to until something changes again."""
        self._wanted = False

    def wait(self, now: float) -> float:
        """Seconds until it is time for an attempt; forever if there is nothing to see to."""
        return self._pauses.until_repair(self._first, self._last, now) if self._wanted else math.inf

    def attempt(self, vault: Vault, now: float) -> Attempt:
        """Mend what can be mended now. Notes that have to wait are seen to after another pause."""
        self._wanted = False
        vault = vault.guarded(lambda path, text: self._bar(path, text, now))
        if not self._writing:
            repair = vault.repair()
            return Attempt(proposed=dict(repair.texts), breach=repair.breach)
        try:
            with lock(vault.root, patience=0.0):
                return self._written(vault, now)
        except Busy:
            self.want(now)
            return Attempt()
        except JournalError as error:
            return Attempt(trouble=str(error))

    def _written(self, vault: Vault, now: float) -> Attempt:
        repair = vault.repair()
        if repair.breach:
            return Attempt(breach=repair.breach)
        outcome = vault.write(
            repair, self._command, fixed_sentence(counted(repair.made), len(repair.texts))
        )
        for path in outcome.written:
            old = _sign(repair.texts[path][0] or "")
            self._mended[path] = [*self._mended.get(path, []), old][-_MOST:]
        if any(refusal.why == _WRITING for refusal in outcome.refused):
            self.want(now)
        written = frozenset(outcome.written)
        made = tuple(
            (item, fix)
            for item, fix in repair.made
            if any(edit.path in written for edit in fix.edits)
        )
        refused = tuple(refusal for refusal in outcome.refused if refusal.why != _WRITING)
        return Attempt(Fixed(made, outcome.written, refused, outcome.run))

    def _bar(self, path: str, text: str, now: float) -> str | None:
        """Why a note is not to be written now."""
        if self._touched.get(path, -math.inf) > now - self._pauses.calm:
            return _WRITING
        return _TAKEN_BACK if path in self._mended and _sign(text) in self._mended[path] else None


def _sign(text: str) -> bytes:
    return digest(text.encode()) or b""
