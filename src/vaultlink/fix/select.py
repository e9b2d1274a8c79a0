"""Select the fixes that can be made in one round.

The result does not depend on the order of the fixes.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, takewhile

from msgspec.structs import replace

from vaultlink.config.settings import Config
from vaultlink.engine.step import State
from vaultlink.index.resolve import is_any_path, normalize_name
from vaultlink.links.edit_math import edits_overlap
from vaultlink.model import Diagnostic, Edit, Fix, Safety
from vaultlink.rules.registry import Rule, find_split_rules, select_rules

FixFilter = Callable[[Diagnostic, Fix], bool]
"""Returns True if a fix may be made."""

FindingWithFix = tuple[Diagnostic, Fix]
"""A finding and its fix."""

CountPaths = Callable[[Sequence[str]], Iterator[str]]
"""Yields paths, and may show how many were taken."""


def select_fixes(fixes: Iterable[FindingWithFix]) -> list[FindingWithFix]:
    """Return fixes that do not overlap, the first by path in any case and position."""
    taken: dict[str, list[Edit]] = {}
    selected = []
    for diagnostic, fix in sorted(fixes, key=_sort_key):
        edits = [(taken.setdefault(normalize_name(edit.path), []), edit) for edit in fix.edits]
        if not any(_has_overlap(edit, others) for others, edit in edits):
            for others, edit in edits:
                insort(others, edit, key=lambda item: (item.start, item.end))
            selected.append((diagnostic, fix))
    return selected


def make_fix_filter(
    rules: Sequence[Rule],
    config: Config,
    *,
    unsafe: bool = False,
    wanted: Callable[[str], bool] = is_any_path,
) -> FixFilter:
    """Return a filter by the settings `fixable` and `unfixable`, safety and path."""
    fixable = _select_all(rules, config.fixable or ("ALL",), config.unfixable)
    fixable -= _select_all(rules, config.unfixable, config.fixable)
    return lambda item, fix: (
        item.rule in fixable and (unsafe or fix.safety is not Safety.UNSAFE) and wanted(item.path)
    )


def edits_only_read(state: State, fix: Fix) -> bool:
    """Return True if an unsafe fix would change a note that is only read."""
    index = state.index
    return fix.safety is Safety.UNSAFE and any(
        edit.path in index.notes
        and state.settings.find_read_only_reason(index, index.notes[edit.path])
        for edit in fix.edits
    )


def _select_all(
    rules: Sequence[Rule], selectors: Sequence[str], others: Sequence[str]
) -> frozenset[str]:
    """Return the selected rules and those split from them, unless `others` name these."""
    named, split = frozenset(others), find_split_rules(rules, selectors)
    added = [rule for rule in rules if rule.name in split]
    return select_rules(rules, selectors).union(
        rule.name for rule in added if named.isdisjoint((rule.name, rule.code))
    )


def _sort_key(item: FindingWithFix) -> tuple[str, int, str, int, str]:
    diagnostic, _ = item
    return diagnostic.path, diagnostic.start, diagnostic.code, diagnostic.end, diagnostic.message


def _has_overlap(edit: Edit, taken: Sequence[Edit]) -> bool:
    """Return True if an edit overlaps one of `taken`, which are sorted and separate."""
    first = bisect_left(taken, edit.start, key=lambda item: item.end)
    same_file = takewhile(lambda other: other.start <= edit.end, islice(taken, first, None))
    # Paths that differ in case are one file.
    return any(edits_overlap(replace(edit, path=other.path), other) for other in same_file)
