"""Updates that a watcher yields: batches of changes, notices, and proposed fixes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.api import Vault
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import FindingWithFix
from vaultlink.model import Diagnostic, LinkCounts, SkippedNote


class BatchCause(msgspec.Struct, frozen=True):
    """Cause of a batch: changed files, and moves as (old path, new path).

    `description` names any other cause, such as new settings.
    """

    saved: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    description: str = ""


class ReportedFinding(NamedTuple):
    """A finding and its fingerprint, which does not change when the finding moves."""

    diagnostic: Diagnostic
    fingerprint: str


class VaultTotals(msgspec.Struct, frozen=True):
    """The figures of a vault. `mistakes` are topics; the others are planned notes."""

    notes: int
    attachments: int
    links: LinkCounts
    dangling_topics: int
    findings: int
    mistakes: int


class AppliedFixes(msgspec.Struct, frozen=True):
    """Fixes applied by the watcher; `run_id` is the run to undo."""

    fixes: tuple[FindingWithFix, ...]
    written: tuple[str, ...]
    skipped: tuple[SkippedNote, ...]
    run_id: str | None


class Batch(msgspec.Struct, frozen=True):
    """Changes that were processed together, numbered from 1.

    Batch 0 is the vault as found, with all its findings as new. `time_ns` is in nanoseconds since
    1970, `vault` is the vault after the changes. `totals` counts it, which takes longer than
    comparing findings.
    """

    number: int
    time_ns: int
    cause: BatchCause
    new: Sequence[ReportedFinding]
    resolved: Sequence[ReportedFinding]
    totals: Callable[[], VaultTotals]
    vault: Vault
    applied_fixes: AppliedFixes | None = None


class Notice(msgspec.Struct, frozen=True):
    """A sentence on the watcher itself."""

    message: str
    is_error: bool = False


class Proposal(msgspec.Struct, frozen=True):
    plan: Plan


WatchUpdate = Batch | Notice | Proposal
