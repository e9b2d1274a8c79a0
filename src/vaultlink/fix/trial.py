"""Find the fixes that break a promise, and leave only those out.

A round that breaks promises is tried again with half as many fixes in the notes concerned, until
one is left there. That one is tried alone after all others, and left out if it still breaks a
promise.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.engine.step import State
from vaultlink.fix.select import FindingWithFix, select_fixes
from vaultlink.fix.sources import FixSources
from vaultlink.fix.verify import BrokenPromise
from vaultlink.links.edits import OffsetShift
from vaultlink.model import Edit, Safety

_LIMITED_ROUND, _SINGLE_FIX = 0.01, 0.001
"""Shares of a round: one with few fixes in each note, and one with a single fix."""

_WHOLE_VAULT = ""
"""Stands for the path if no fix changes the note with the broken promise."""


class _FixKey(NamedTuple):
    code: str
    edits: tuple[Edit, ...]


class _Rejection(NamedTuple):
    path: str
    safety: Safety
    broken_promise: BrokenPromise


class FixTrial:
    """The fixes to try next, and those left out so far."""

    def __init__(self) -> None:
        self._limits: dict[str, int] = {}
        self._suspects: set[_FixKey] = set()
        self._rejected: dict[_FixKey, _Rejection] = {}
        self._has_progressed = False
        self._left_out: list[_Rejection] = []

    def select(self, fixes: Sequence[FindingWithFix]) -> list[FindingWithFix]:
        """Return the fixes to try next, which do not overlap.

        Suspects come last, one by one. Those left out are tried again if others were made since.
        """
        if not self._suspects and not self._rejected:
            return self._take_first(select_fixes(fixes))
        keys = [_make_key(item) for item in fixes]
        known = self._suspects | self._rejected.keys()
        fresh = [item for item, key in zip(fixes, keys, strict=True) if key not in known]
        if fresh:
            return self._take_first(select_fixes(fresh))
        if self._has_progressed and not self._suspects.intersection(keys):
            self._suspects |= self._rejected.keys()
            self._rejected, self._has_progressed = {}, False
        suspects = [item for item, key in zip(fixes, keys, strict=True) if key in self._suspects]
        self._left_out = [self._rejected[key] for key in keys if key in self._rejected]
        return select_fixes(suspects)[:1]

    def _take_first(self, fixes: list[FindingWithFix]) -> list[FindingWithFix]:
        """Return the fixes without those above the limits of their notes."""
        if not self._limits:
            return fixes
        selected, counts = [], Counter[str]()
        for item in fixes:
            paths = {*_list_paths(item), _WHOLE_VAULT}
            counts.update(paths)
            if all(counts[path] <= self._limits.get(path, counts[path]) for path in paths):
                selected.append(item)
        self._limits = {path: limit for path, limit in self._limits.items() if limit < counts[path]}
        return selected

    def reject(self, fixes: Sequence[FindingWithFix], broken: Iterable[BrokenPromise]) -> None:
        for item in broken:
            path = item.edited_path
            blamed = [pair for pair in fixes if path in _list_paths(pair)]
            if not blamed:
                path, blamed = _WHOLE_VAULT, list(fixes)
            if len(blamed) > 1:
                self._limits[path] = len(blamed) // 2
            elif len(fixes) > 1:
                self._suspects.add(_make_key(blamed[0]))
            else:
                diagnostic, fix = blamed[0]
                key = _make_key(blamed[0])
                self._suspects.discard(key)
                self._rejected.setdefault(key, _Rejection(diagnostic.path, fix.safety, item))

    def accept(self, fixes: Sequence[FindingWithFix], edits: Mapping[str, Sequence[Edit]]) -> float:
        """Record that these fixes were made; return the share of a round that they are.

        `edits` are their edits by path, in order.
        """
        self._has_progressed = True
        is_suspect = bool(self._suspects) and _make_key(fixes[0]) in self._suspects
        is_limited = _WHOLE_VAULT in self._limits or edits.keys() <= self._limits.keys()
        for path in {*edits, _WHOLE_VAULT} & self._limits.keys():
            self._limits[path] *= 2
        if self._suspects or self._rejected:
            shifts = {path: OffsetShift(group) for path, group in edits.items()}
            self._suspects = {
                moved for key in self._suspects if (moved := _shift_key(key, shifts)) is not None
            }
            self._rejected = {
                moved: item
                for key, item in self._rejected.items()
                if (moved := _shift_key(key, shifts)) is not None
            }
        return _SINGLE_FIX if is_suspect else _LIMITED_ROUND if is_limited else 1

    def broken_promises(self) -> tuple[BrokenPromise, ...]:
        """Return a promise that each safe fix left out would break."""
        promises = [
            item.broken_promise for item in self._left_out if item.safety is not Safety.UNSAFE
        ]
        return tuple(dict.fromkeys(promises))

    def blocked_paths(self) -> tuple[str, ...]:
        """Return the notes with unsafe fixes that were left out, sorted."""
        return tuple(sorted({item.path for item in self._left_out if item.safety is Safety.UNSAFE}))


class ChosenFixes:
    """Fixes of the original texts, each of which is to be made once.

    Called with a round's state, it returns those that remain.
    """

    def __init__(self, fixes: Sequence[FindingWithFix]):
        self._remaining = list(fixes)

    def __call__(self, _state: State, _sources: FixSources) -> list[FindingWithFix]:
        return self._remaining

    def drop(self, fixes: Sequence[FindingWithFix], edits: Mapping[str, Sequence[Edit]]) -> None:
        """Drop fixes that were made, and those that they touch."""
        made = {id(fix) for _, fix in fixes}
        shifts = {path: OffsetShift(group) for path, group in edits.items()}
        self._remaining = [
            (diagnostic, replace(fix, edits=moved))
            for diagnostic, fix in self._remaining
            if id(fix) not in made and (moved := _shift_edits(fix.edits, shifts)) is not None
        ]


def _make_key(item: FindingWithFix) -> _FixKey:
    diagnostic, fix = item
    return _FixKey(diagnostic.code, fix.edits)


def _list_paths(item: FindingWithFix) -> set[str]:
    return {edit.path for edit in item[1].edits}


def _shift_key(key: _FixKey, shifts: Mapping[str, OffsetShift]) -> _FixKey | None:
    edits = _shift_edits(key.edits, shifts)
    return None if edits is None else _FixKey(key.code, edits)


def _shift_edits(
    fix_edits: Iterable[Edit], shifts: Mapping[str, OffsetShift]
) -> tuple[Edit, ...] | None:
    """Return the edits of a fix after those of other fixes; None if these touch them."""
    edits = []
    for edit in fix_edits:
        shift = shifts.get(edit.path)
        if shift is None:
            edits.append(edit)
        elif shift.is_touched(edit.start, edit.end):
            return None
        else:
            start, end = shift.map_offset(edit.start), shift.map_offset(edit.end)
            edits.append(Edit(edit.path, start, end, edit.text))
    return tuple(edits)
