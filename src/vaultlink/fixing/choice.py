"""Which of the fixes at hand are made in one go. The order in which they are found makes no difference."""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence

from vaultlink.catalog import Rule, select
from vaultlink.config import Config
from vaultlink.edits import collide
from vaultlink.model import Diagnostic, Edit, Fix, Safety
from vaultlink.resolve import comparable

Allowed = Callable[[Diagnostic, Fix], bool]
"""Whether a fix may be made."""

Repaired = tuple[Diagnostic, Fix]
"""A finding and what mends it."""


def chosen(fixes: Iterable[Repaired]) -> list[Repaired]:
    """Fixes that go together, the first of those that collide: by path, place and code. The others may follow in the next
    round, if their findings are still there. Names in other capitals are the same file on many systems."""
    taken: dict[str, list[tuple[int, int, Edit]]] = {}
    left = []
    for diagnostic, fix in sorted(fixes, key=_place):
        if not any(_taken(edit, taken.get(comparable(edit.path), [])) for edit in fix.edits):
            for edit in fix.edits:
                insort(
                    taken.setdefault(comparable(edit.path), []),
                    (edit.start, edit.end, edit),
                    key=lambda item: item[:2],
                )
            left.append((diagnostic, fix))
    return left


def allowed(
    rules: Sequence[Rule],
    config: Config,
    *,
    unsafe: bool = False,
    wanted: Callable[[str], bool] = lambda _path: True,
) -> Allowed:
    """Whether a fix is of a rule that the settings want fixed, in a note that is wanted, and safe unless unsafe ones may be
    made as well."""
    fixable = select(rules, config.fixable or ("ALL",)) - select(rules, config.unfixable)
    return lambda item, fix: (
        item.rule in fixable and (unsafe or fix.safety is not Safety.UNSAFE) and wanted(item.path)
    )


def _place(item: Repaired) -> tuple[str, int, str, int, str]:
    diagnostic, _ = item
    return diagnostic.path, diagnostic.start, diagnostic.code, diagnostic.end, diagnostic.message


def _taken(edit: Edit, taken: list[tuple[int, int, Edit]]) -> bool:
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
        if collide(Edit(other.path, edit.start, edit.end, edit.text), other):
            return True
        low += 1
    return False
