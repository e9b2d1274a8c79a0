"""New and resolved findings of two states, by identities without line numbers."""

from collections.abc import Container, Iterable, Mapping
from itertools import compress, filterfalse
from operator import is_not

from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.fingerprints import FindingIdentity, compute_identities, fingerprint
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.watch.messages import ReportedFinding

IdentifiedFindings = dict[str, dict[FindingIdentity, Diagnostic]]
"""Path to its findings by identity, in their order."""


def identify_findings(
    found: FindingsByPath, paths: Iterable[str], text: TextByPath
) -> IdentifiedFindings:
    return {
        path: dict(zip(compute_identities(found[path], text), found[path], strict=True))
        for path in paths
        if path in found
    }


def find_changed_paths(before: FindingsByPath, after: FindingsByPath) -> list[str]:
    others = compress(after, map(is_not, map(before.get, after), after.values()))
    return [
        *(path for path in others if before.get(path) != after[path]),
        *filterfalse(after.__contains__, before),
    ]


def compare_findings(
    before: IdentifiedFindings,
    after: IdentifiedFindings,
    paths: Iterable[str],
    moved: Mapping[str, str],
) -> tuple[list[ReportedFinding], list[ReportedFinding]]:
    """Return the findings at these paths that are new, and those that are resolved.

    `moved` maps old paths to new ones: a finding of a moved note is the same at its new path.
    """
    origin = {new: old for old, new in moved.items()}
    new: list[ReportedFinding] = []
    resolved: list[ReportedFinding] = []
    for path in sorted({*paths, *moved, *origin}):
        old_path = origin.get(path, path)
        was, now = before.get(old_path, {}), after.get(path, {})
        new += _report(path, now, was)
        if path not in moved:
            resolved += _report(old_path, was, now)
    return new, sorted(resolved, key=_sort_key)


def _report(
    path: str, findings: Mapping[FindingIdentity, Diagnostic], others: Container[FindingIdentity]
) -> list[ReportedFinding]:
    return [
        ReportedFinding(item, fingerprint(path, identity))
        for identity, item in findings.items()
        if identity not in others
    ]


def _sort_key(reported: ReportedFinding) -> tuple[str, int, str]:
    return reported.diagnostic.path, reported.diagnostic.start, reported.diagnostic.code
