"""What is new among findings and what is healed, from one state to the next. A finding is the same one however its lines move.

States enter, findings with their fingerprints leave. Texts are asked for where a finding is not about a link.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, filterfalse
from operator import is_not

from vaultlink.engine import Found
from vaultlink.fingerprints import Identity, fingerprint, identities
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.watching.batch import Reported

Known = dict[str, tuple[Identity, ...]]
"""Path to what tells its findings apart, in their order."""


def identified(found: Found, paths: Iterable[str], text: TextByPath) -> Known:
    """What tells the findings at these paths apart."""
    return {path: tuple(identities(found[path], text)) for path in paths if path in found}


def differing(before: Found, after: Found) -> list[str]:
    """The paths at which findings may not be what they were."""
    others = compress(after, map(is_not, map(before.get, after), after.values()))
    return [
        *(path for path in others if before.get(path) != after[path]),
        *filterfalse(after.__contains__, before),
    ]


def delta(
    before: tuple[Found, Known],
    after: tuple[Found, Known],
    paths: Sequence[str],
    moved: Mapping[str, str],
) -> tuple[list[Reported], list[Reported]]:
    """The findings that are new at these paths, and those that are healed. What was found in a note that `moved`, old path to
    new one, is the same where it is now."""
    origin = {new: old for old, new in moved.items()}
    new: list[Reported] = []
    healed: list[Reported] = []
    for path in sorted(set(paths).union(moved.keys(), moved.values())):
        was = origin.get(path, path)
        old = set(before[1].get(was, ())) if was in before[0] else set()
        new += _missing(path, after, old)
        if path not in moved:
            healed += _missing(was, before, set(after[1].get(path, ())))
    return new, sorted(healed, key=_place)


def _missing(path: str, side: tuple[Found, Known], others: set[Identity]) -> list[Reported]:
    """The findings at a path that are not among others."""
    found, known = side
    pairs: Iterable[tuple[Diagnostic, Identity]] = zip(
        found.get(path, ()), known.get(path, ()), strict=True
    )
    return [
        Reported(item, fingerprint(path, identity))
        for item, identity in pairs
        if identity not in others
    ]


def _place(reported: Reported) -> tuple[str, int, str]:
    return reported.diagnostic.path, reported.diagnostic.start, reported.diagnostic.code
