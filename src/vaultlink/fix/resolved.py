"""Findings that fixing resolves, and the number of fixes of each safety."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from vaultlink.fix.loop import changes_linked_heading
from vaultlink.fix.plan import Plan
from vaultlink.fix.totals import FixTotals
from vaultlink.index.index import Index
from vaultlink.model import Diagnostic, Fix, Safety


class ResolvableFindings(NamedTuple):
    """Findings that `vaultlink fix` resolves: their fixes and numbers.

    `fixes` has the fix of each reported finding that it resolves, None for the others;
    `known_fixes` likewise for known findings. If `has_all_safe` or `has_all_unsafe` is False, there
    may be more of that safety.
    """

    fixes: Sequence[Fix | None]
    known_fixes: Sequence[Fix | None] = ()
    has_all_safe: bool = True
    has_all_unsafe: bool = True

    def totals(self) -> FixTotals:
        """Return the numbers of findings that fixes of each safety resolve."""
        return FixTotals(
            (self.count(Safety.SAFE), self.count_known(Safety.SAFE)),
            (self.count(Safety.UNSAFE), self.count_known(Safety.UNSAFE)),
            self.has_all_safe,
            self.has_all_unsafe,
        )

    def count(self, safety: Safety) -> int:
        """Return the number of reported findings with a fix of this safety."""
        return sum(fix is not None and fix.safety is safety for fix in self.fixes)

    def count_known(self, safety: Safety) -> int:
        """Return the number of known findings with a fix of this safety."""
        return sum(fix is not None and fix.safety is safety for fix in self.known_fixes)


class ApplicableFixes(NamedTuple):
    """The fixes of findings that can be applied, None for the others.

    `allowed` is the number of all fixes that the settings allow.
    """

    fixes: list[Fix | None]
    allowed: int


def select_applicable(
    index: Index, fixes: Iterable[Fix | None], is_locked: Callable[[str], bool]
) -> list[Fix | None]:
    """Return the fixes that can be applied, None for the others.

    They change no heading that a link names and no note that `is_locked` returns True for. The
    fixes of each note can be selected on their own: the result for the fixes of a note in itself
    changes only if its findings, its headings or the links to these change.
    """
    return [
        fix
        if fix
        and not any([is_locked(edit.path) for edit in fix.edits])  # noqa: C419 - mostly one
        and not changes_linked_heading(index, fix)
        else None
        for fix in fixes
    ]


def select_resolvable(
    findings: Sequence[Diagnostic],
    fixes: Sequence[Fix | None],
    make_plan: Callable[[Safety], Plan],
) -> list[Fix | None]:
    """Return the fixes of findings that plans resolve, None for the others.

    `make_plan` returns the plan of the safe fixes, or for unsafe that of all fixes. It is called
    only for a safety that occurs.
    """
    resolved = {
        safety: {id(item) for item, _ in make_plan(safety).fixed}
        for safety in {fix.safety for fix in fixes if fix}
    }
    return [
        fix if fix and id(item) in resolved[fix.safety] else None
        for item, fix in zip(findings, fixes, strict=True)
    ]
