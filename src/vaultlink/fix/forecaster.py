"""Find which fixes of findings would be made, without writing anything."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

from vaultlink.engine.step import State
from vaultlink.fix.causes import list_fix_makers
from vaultlink.fix.forecast import MAX_TRIED, FixForecast, count_fixes
from vaultlink.fix.loop import (
    FindingSelector,
    TextAnalyser,
    changes_linked_heading,
    find_fix,
    place_finding,
    plan_fixes,
)
from vaultlink.fix.select import make_fix_filter
from vaultlink.fix.sources import FixAnswers, FixInputs
from vaultlink.model import Diagnostic, Fix, Safety


class FixForecaster:
    """Forecasts the fixes of findings of one state; call it with the findings.

    `wanted` returns True for the paths of notes that may be fixed. `prepare` finds the suggestions
    for many findings that `sources` then returns; None leaves out fixes of unresolved targets.
    """

    def __init__(
        self,
        state: State,
        sources: FixInputs,
        analyse: TextAnalyser,
        wanted: Callable[[str], bool],
        prepare: Callable[[Sequence[Diagnostic]], None] | None,
    ):
        settings = state.settings
        self.sources = sources
        self._state, self._analyse, self._prepare = state, analyse, prepare
        self._allow = partial(make_fix_filter, settings.rules, settings.config, wanted=wanted)
        self._is_allowed = self._allow(unsafe=True)
        self._makers = list_fix_makers(settings.rules, FixAnswers() if prepare else None)
        self._is_locked = cache(self._is_unchangeable)

    def __call__(
        self,
        findings: Sequence[Diagnostic],
        known: Sequence[Diagnostic] = (),
        select: FindingSelector | None = None,
        *,
        tries: bool = True,
    ) -> FixForecast:
        """Return the forecast for reported findings and known ones.

        Fixes are tried if there are not more than `MAX_TRIED`, nor more known findings. Fixes that
        are not tried are those that change no linked heading and no file that can't be changed.
        They can be found for each note on its own: they depend on its findings, its headings and
        the links to these.

        Args:
            findings: Reported findings of the state.
            known: Known findings of the state. If there are too many, none is counted.
            select: Decides which findings to fix; by default all.
            tries: False never tries fixes, and looks up the suggestions one by one.
        """
        has_few_known = len(known) <= MAX_TRIED
        items = [*findings, *known] if has_few_known else findings
        if tries and self._prepare:
            self._prepare(items)
        fixes = [self._find_allowed(item) for item in items]
        candidates = len(fixes) - fixes.count(None)
        is_tried = tries and has_few_known and candidates <= MAX_TRIED
        made = self._try(items, fixes, select) if is_tried else self._select_applicable(fixes)
        rules, number = self._state.settings.rules_by_name, len(findings)
        return count_fixes(made[:number], made[number:])._replace(
            candidates=candidates,
            is_exact=is_tried or (has_few_known and not candidates),
            has_guesses=self._prepare is None
            and any(rules[item.rule].deferred_fix == "target" for item in items),
        )

    def _find_allowed(self, item: Diagnostic) -> Fix | None:
        fix = item.fix or find_fix(self._state, self.sources, item, self._makers)
        return fix if fix and self._is_allowed(item, fix) else None

    def _select_applicable(self, fixes: Iterable[Fix | None]) -> list[Fix | None]:
        index, is_locked = self._state.index, self._is_locked
        return [
            fix
            if fix
            and not any([is_locked(edit.path) for edit in fix.edits])  # noqa: C419 - mostly one
            and not changes_linked_heading(index, fix)
            else None
            for fix in fixes
        ]

    def _is_unchangeable(self, path: str) -> bool:
        sources = self.sources
        return path in self._state.index.files and (
            sources.text(path) is None or sources.is_protected(path)
        )

    def _try(
        self,
        items: Sequence[Diagnostic],
        fixes: Sequence[Fix | None],
        select: FindingSelector | None,
    ) -> list[Fix | None]:
        """Return the fixes of findings that plans resolve: of the safe fixes, and of all."""
        made = {}
        for safety in {fix.safety for fix in fixes if fix}:
            is_unsafe = safety is Safety.UNSAFE
            makers = self._makers if is_unsafe else list_fix_makers(self._state.settings.rules)
            is_allowed = self._allow(unsafe=is_unsafe)
            plan = plan_fixes(self._state, self.sources, is_allowed, makers, self._analyse, select)
            made[safety] = {place_finding(item) for item, _ in plan.fixed}
        return [
            fix if fix and place_finding(item) in made[fix.safety] else None
            for item, fix in zip(items, fixes, strict=True)
        ]
