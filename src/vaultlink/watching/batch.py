"""What a watcher tells: batches of changes with what they broke and healed, and sentences about its own affairs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vaultlink.api import Vault
from vaultlink.fixing.choice import Repaired
from vaultlink.model import Diagnostic, Tally
from vaultlink.writing import Refusal


@dataclass(frozen=True, slots=True)
class Cause:
    """What brought a batch about: files that were saved, made, deleted, and those that went elsewhere, old path and new one.
    `words` say it where it is something else, such as new settings."""

    saved: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    words: str = ""


class Reported(NamedTuple):
    """A finding, and the fingerprint by which it is known wherever it moves in its note."""

    diagnostic: Diagnostic
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Totals:
    """The vault in figures: its files, what becomes of its links, how many topics dangle, how many findings there are."""

    notes: int
    attachments: int
    links: Tally
    topics: int
    findings: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """What the watcher itself mended: the findings, the notes written, those left alone, and the run that `undo` knows."""

    made: tuple[Repaired, ...]
    written: tuple[str, ...]
    refused: tuple[Refusal, ...]
    run: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that were looked at together. `time` is in nanoseconds since 1970; `vault` is the vault after it, and `totals`
    counts it, which takes longer than telling what is new. Batches are counted from 1; batch 0 is the vault as it was found,
    all its findings new."""

    number: int
    time: int
    cause: Cause
    new: tuple[Reported, ...]
    healed: tuple[Reported, ...]
    totals: Callable[[], Totals]
    vault: Vault
    fixed: Fixed | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the watcher itself that a person should know: a sentence, and whether something is wrong."""

    sentence: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be written if writing were asked for: path to the text before (None if it is new) and after."""

    texts: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)


News = Batch | Notice | Proposal
