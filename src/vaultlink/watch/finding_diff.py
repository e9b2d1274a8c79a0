"""What is new among findings and what is healed, from one state to the next. A finding is the same one however its lines move.

States enter, findings with their fingerprints leave. Texts are asked for where a finding is not about a link.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, filterfalse
from operator import is_not

from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.fingerprints import FindingIdentity, compute_identities, fingerprint
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.watch.messages import ReportedFinding

FindingIdentities = dict[str, tuple[FindingIdentity, ...]]
"""Path to what tells its findings apart, in their order."""


def identify_findings(
    found: FindingsByPath, paths: Iterable[str], text: TextByPath
) -> FindingIdentities:
    """What tells the findings at these paths apart."""
    return {path: tuple(compute_identities(found[path], text)) for path in paths if path in found}


def find_changed_paths(before: FindingsByPath, after: FindingsByPath) -> list[str]:
    """The paths at which findings may not be what they were."""
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
    """The findings that are new at these paths, and those that are healed. What was found in a note that `moved`, old path to
    new one, is the same where it is now."""
    origin = {new: old for old, new in moved.items()}
    new: list[ReportedFinding] = []
    healed: list[ReportedFinding] = []
    for path in sorted(set(paths).union(moved.keys(), moved.values())):
        was = origin.get(path, path)
        old = set(before[1].get(was, ())) if was in before[0] else set()
        new += _select_missing(path, after, old)
        if path not in moved:
            healed += _select_missing(was, before, set(after[1].get(path, ())))
    return new, sorted(healed, key=_sort_key)


def _select_missing(
    path: str, side: tuple[FindingsByPath, FindingIdentities], others: set[FindingIdentity]
) -> list[ReportedFinding]:
    """The findings at a path that are not among others."""
    found, known = side
    pairs: Iterable[tuple[Diagnostic, FindingIdentity]] = zip(
        found.get(path, ()), known.get(path, ()), strict=True
    )
    return [
        ReportedFinding(item, fingerprint(path, identity))
        for item, identity in pairs
        if identity not in others
    ]


def _sort_key(reported: ReportedFinding) -> tuple[str, int, str]:
    return reported.diagnostic.path, reported.diagnostic.start, reported.diagnostic.code
