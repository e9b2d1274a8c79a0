"""Findings that are known already, and what they are known by.

A finding stays the same however its lines move and whatever else is edited: it goes by its note, its rule and what it is about.
Where a note has several such, the line they stand on tells which of them are the old ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.fingerprints import compute_identities
from vaultlink.model import Diagnostic, TextByPath

BASELINE_FILE = ".vaultlink-baseline.json"
"""The name of a baseline's file, in the vault's folder. The dot keeps it out of the vault."""

SubjectKey = tuple[str, str]
"""What a finding is known by at its path, wherever it stands: its code, and what it is about."""


class FindingKey(NamedTuple):
    """A known finding: its code, what it is about, and a sign of the line it stands on."""

    code: str
    subject: str
    line_digest: str


def subject_keys(found: Sequence[Diagnostic], text: TextByPath) -> list[SubjectKey]:
    """What findings at one path are known by, in their order."""
    return [
        (item.known_as or code, subject)
        for item, (code, subject, _) in zip(found, compute_identities(found, text), strict=True)
    ]


def finding_keys(found: Sequence[Diagnostic], text: TextByPath) -> list[FindingKey]:
    """Findings at one path as they are remembered, in their order."""
    told = text(found[0].path) if found else ""
    return [
        FindingKey(*key, digest_line(told, item))
        for key, item in zip(subject_keys(found, lambda _path: told), found, strict=True)
    ]


def digest_line(text: str, item: Diagnostic) -> str:
    """What tells the line that a finding stands on from others, wherever in the note that line is."""
    end = text.find("\n", item.start)
    return _hash_line(
        text[text.rfind("\n", 0, item.start) + 1 : len(text) if end == -1 else end].strip()
    )


@lru_cache(maxsize=16)  # a paragraph is one line and may hold many links
def _hash_line(line: str) -> str:
    return blake2b(line.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class KnownFindings:
    """Findings known from somewhere: `kind` is `baseline` or `revision`, `name` that of the file or of the revision.

    `keys_at` asks what the findings at a path, as it is called now, were known by; `paths` are all that had any. `findings` are the
    findings themselves, as far as they are had as values: where a path has the same ones now, nothing more is asked.
    """

    kind: str
    name: str
    paths: frozenset[str]
    keys_at: Callable[[str], Sequence[FindingKey]]
    findings: FindingsByPath = field(default_factory=dict)


def follow_moves(paths: Mapping[str, object], moves: Mapping[str, str]) -> dict[str, list[str]]:
    """The paths that findings have now, each with those at which they were known: what moved goes with its note."""
    now: dict[str, list[str]] = {}
    for path in paths:
        now.setdefault(moves.get(path, path), []).append(path)
    return now
