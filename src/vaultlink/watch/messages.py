"""What a watcher tells: batches of changes with what they broke and healed, and sentences about its own affairs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vaultlink.api import Vault
from vaultlink.fix.select import FindingWithFix
from vaultlink.model import Diagnostic, LinkCounts, SkippedNote


@dataclass(frozen=True, slots=True)
class BatchCause:
    """What brought a batch about: files that were saved, made, deleted, and those that went elsewhere, old path and new one.
    `description` say it where it is something else, such as new settings."""

    saved: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    description: str = ""


class ReportedFinding(NamedTuple):
    """A finding, and the fingerprint by which it is known wherever it moves in its note."""

    diagnostic: Diagnostic
    fingerprint: str


@dataclass(frozen=True, slots=True)
class VaultTotals:
    """The vault in figures: its files, what becomes of its links, how many topics dangle, how many findings there are."""

    notes: int
    attachments: int
    links: LinkCounts
    dangling_topics: int
    findings: int


@dataclass(frozen=True, slots=True)
class AppliedFixes:
    """What the watcher itself mended: the findings, the notes written, those left alone, and the run that `undo` knows."""

    fixes: tuple[FindingWithFix, ...]
    written: tuple[str, ...]
    skipped: tuple[SkippedNote, ...]
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that were looked at together. `time_ns` is in nanoseconds since 1970; `vault` is the vault after it, and `totals`
    counts it, which takes longer than telling what is new. Batches are counted from 1; batch 0 is the vault as it was found,
    all its findings new."""

    number: int
    time_ns: int
    cause: BatchCause
    new: tuple[ReportedFinding, ...]
    resolved: tuple[ReportedFinding, ...]
    totals: Callable[[], VaultTotals]
    vault: Vault
    applied_fixes: AppliedFixes | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the watcher itself that a person should know: a sentence, and whether something is wrong."""

    message: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be written if writing were asked for: path to the text before (None if it is new) and after."""

    texts: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)


WatchUpdate = Batch | Notice | Proposal
