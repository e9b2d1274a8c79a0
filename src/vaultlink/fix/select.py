"""Which of the fixes at hand are made in one go. The order in which they are found makes no difference."""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence

from vaultlink.config.settings import Config
from vaultlink.edits import edits_overlap
from vaultlink.index.resolve import normalize_name
from vaultlink.model import Diagnostic, Edit, Fix, Safety
from vaultlink.rules.registry import Rule, select_rules

FixFilter = Callable[[Diagnostic, Fix], bool]
"""Whether a fix may be made."""

FindingWithFix = tuple[Diagnostic, Fix]
"""A finding and what mends it."""


def select_fixes(fixes: Iterable[FindingWithFix]) -> list[FindingWithFix]:
    """Fixes that go together, the first of those that collide: by path, place and code. The others may follow in the next
    round, if their findings are still there. Names in other capitals are the same file on many systems."""
    taken: dict[str, list[tuple[int, int, Edit]]] = {}
    left = []
    for diagnostic, fix in sorted(fixes, key=_sort_key):
        if not any(
            _has_overlap(edit, taken.get(normalize_name(edit.path), [])) for edit in fix.edits
        ):
            for edit in fix.edits:
                insort(
                    taken.setdefault(normalize_name(edit.path), []),
                    (edit.start, edit.end, edit),
                    key=lambda item: item[:2],
                )
            left.append((diagnostic, fix))
    return left


def allowed_fixes(
    rules: Sequence[Rule],
    config: Config,
    *,
    unsafe: bool = False,
    wanted: Callable[[str], bool] = lambda _path: True,
) -> FixFilter:
    """Whether a fix is of a rule that the settings want fixed, in a note that is wanted, and safe unless unsafe ones may be
    made as well."""
    fixable = select_rules(rules, config.fixable or ("ALL",)) - select_rules(
        rules, config.unfixable
    )
    return lambda item, fix: (
        item.rule in fixable and (unsafe or fix.safety is not Safety.UNSAFE) and wanted(item.path)
    )


def _sort_key(item: FindingWithFix) -> tuple[str, int, str, int, str]:
    diagnostic, _ = item
    return diagnostic.path, diagnostic.start, diagnostic.code, diagnostic.end, diagnostic.message


def _has_overlap(edit: Edit, taken: list[tuple[int, int, Edit]]) -> bool:
    """Whether an edit collides with one of those taken of its text, which are sorted and apart."""
    low, high = 0, len(taken)
    while low < high:  # the first that ends at or behind the edit's start
        middle = (low + high) // 2
        if taken[middle][1] < edit.start:
            low = middle + 1
        else:
            high = middle
    while low < len(taken) and taken[low][0] <= edit.end:
        other = taken[low][2]
        if edits_overlap(Edit(other.path, edit.start, edit.end, edit.text), other):
            return True
        low += 1
    return False
