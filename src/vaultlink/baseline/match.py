"""Parts findings that are new from those that are known, and counts the known ones that are gone."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vaultlink.baseline.known import FindingKey, KnownFindings, digest_line, subject_keys
from vaultlink.engine.checks import FindingsByPath
from vaultlink.engine.fingerprints import KnownCount
from vaultlink.model import Diagnostic, TextByPath


@dataclass(frozen=True, slots=True)
class KnownSplit:
    """Findings in their order: those that are `new`, and the `known` ones; and for each place that old ones are known from, how
    many are left and how many are gone."""

    new: list[Diagnostic]
    known: list[Diagnostic]
    known_counts: tuple[KnownCount, ...]


def split_known(
    found: FindingsByPath,
    known: Sequence[KnownFindings],
    text: TextByPath,
    wanted: Callable[[str], bool],
) -> KnownSplit:
    """Part the findings at the paths that are wanted. What any of several places knows is old."""
    asked = {path: found[path] for path in sorted(found) if wanted(path)}
    items = [item for group in asked.values() for item in group]
    if not known:
        return KnownSplit(items, [], ())
    old: set[int] = set()
    debts = []
    for source in known:
        left, gone = _match_source(source, asked, text, wanted)
        old |= left
        debts.append(KnownCount(source.kind, source.name, len(left), gone))
    return KnownSplit(
        [item for item in items if id(item) not in old],
        [item for item in items if id(item) in old],
        tuple(debts),
    )


def _match_source(
    source: KnownFindings, found: FindingsByPath, text: TextByPath, wanted: Callable[[str], bool]
) -> tuple[set[int], int]:
    """Which findings a source knows, and how many it knows that are gone."""
    old: set[int] = set()
    gone = 0
    for path in source.paths | found.keys():
        items = found.get(path, ())
        if items and source.findings.get(path) == items:
            old.update(map(id, items))
        elif path in source.paths and wanted(path):
            known = source.keys_at(path)
            again = _match_findings(items, known, text)
            old.update(id(item) for item, is_old in zip(items, again, strict=True) if is_old)
            gone += len(known) - sum(again)
    return old, gone


def _match_findings(
    items: Sequence[Diagnostic], known: Sequence[FindingKey], text: TextByPath
) -> list[bool]:
    """Which findings at a path are among those known. Where there are more alike than were, the old ones are those on a line
    that was there before; only then lines are looked at."""
    asked = subject_keys(items, text)
    before, now = Counter((mark.code, mark.subject) for mark in known), Counter(asked)
    again = [before[key] >= now[key] for key in asked]
    unsure = [place for place, key in enumerate(asked) if 0 < before[key] < now[key]]
    if unsure:
        told = text(items[0].path)
        signed = {
            place: FindingKey(*asked[place], digest_line(told, items[place])) for place in unsure
        }
        lines, there = Counter(known), set[int]()
        for place in unsure:
            if lines[signed[place]] > 0:
                lines[signed[place]] -= 1
                there.add(place)
        for place in sorted(unsure, key=lambda place: place not in there):
            again[place] = before[asked[place]] > 0
            before[asked[place]] -= again[place]
    return again
