"""New and resolved findings between two states.

Findings are compared by identity, which does not depend on line numbers. Texts are read only for
findings that are not about a link.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, filterfalse
from operator import is_not

from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.fingerprints import FindingIdentity, compute_identities, fingerprint
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.watch.messages import ReportedFinding

FindingIdentities = dict[str, tuple[FindingIdentity, ...]]
"""Path to the identities of its findings, in the order of the findings."""


def identify_findings(
    found: FindingsByPath, paths: Iterable[str], text: TextByPath
) -> FindingIdentities:
    """Return the identities of the findings at these paths."""
    return {path: tuple(compute_identities(found[path], text)) for path in paths if path in found}


def find_changed_paths(before: FindingsByPath, after: FindingsByPath) -> list[str]:
    """Return the paths at which findings may differ."""
    others = compress(after, map(is_not, map(before.get, after), after.values()))
    return [
        *(path for path in others if before.get(path) != after[path]),
        *filterfalse(after.__contains__, before),
    ]


def compare_findings(
    before: tuple[FindingsByPath, FindingIdentities],
    after: tuple[FindingsByPath, FindingIdentities],
    paths: Sequence[str],
    moved: Mapping[str, str],
) -> tuple[list[ReportedFinding], list[ReportedFinding]]:
    """Return the findings at these paths that are new, and those that are resolved.

    `moved` maps old paths to new ones: a finding of a moved note is the same at its new path.
    """
    origin = {new: old for old, new in moved.items()}
    new: list[ReportedFinding] = []
    resolved: list[ReportedFinding] = []
    for path in sorted(set(paths).union(moved.keys(), moved.values())):
        old_path = origin.get(path, path)
        identities = set(before[1].get(old_path, ())) if old_path in before[0] else set()
        new += _select_missing(path, after, identities)
        if path not in moved:
            resolved += _select_missing(old_path, before, set(after[1].get(path, ())))
    return new, sorted(resolved, key=_sort_key)


def _select_missing(
    path: str, side: tuple[FindingsByPath, FindingIdentities], others: set[FindingIdentity]
) -> list[ReportedFinding]:
    """Return the findings at a path whose identities are not in `others`."""
    findings, identities = side
    pairs: Iterable[tuple[Diagnostic, FindingIdentity]] = zip(
        findings.get(path, ()), identities.get(path, ()), strict=True
    )
    return [
        ReportedFinding(item, fingerprint(path, identity))
        for item, identity in pairs
        if identity not in others
    ]


def _sort_key(reported: ReportedFinding) -> tuple[str, int, str]:
    return reported.diagnostic.path, reported.diagnostic.start, reported.diagnostic.code
