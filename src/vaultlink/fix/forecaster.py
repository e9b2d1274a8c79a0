"""Find which fixes of findings would be made, without writing anything."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import chain

from vaultlink.engine.step import State
from vaultlink.fix.causes import list_fix_makers
from vaultlink.fix.footprint import Footprint, FootprintRecorder
from vaultlink.fix.forecast import MAX_TRIED, FixForecast, count_fixes
from vaultlink.fix.loop import (
    FindingPlace,
    FindingSelector,
    FixSelector,
    TextAnalyser,
    apply_rounds,
    find_fix,
    place_finding,
)
from vaultlink.fix.select import FindingWithFix, LinkEditFinder, make_fix_filter
from vaultlink.fix.sources import FixAnswers, FixInputs, FixMaker
from vaultlink.model import Diagnostic, Fix, Safety


class FixForecaster:
    """Forecasts the fixes of findings of one state; call it with the findings.

    `wanted` returns True for the paths of notes that may be fixed. `prepare` finds the suggestions
    for many findings that `sources` then returns; None leaves out fixes of unresolved targets.

    Most fixes change the target of one link, and nothing else: they are made whatever the others
    are, and so need no trial. The other fixes of a note are tried together, as `vaultlink fix`
    makes them. Safe fixes are all counted, however many there are; only the number of unsafe ones
    that are tried is limited.
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
        self._direct_makers = list_fix_makers(settings.rules)
        self._makers = list_fix_makers(settings.rules, FixAnswers() if prepare else None)
        self._is_locked = cache(self._is_unchangeable)
        self._link_edits = LinkEditFinder(state)
        self._recorder: FootprintRecorder | None = None

    def __call__(
        self,
        findings: Sequence[Diagnostic],
        known: Sequence[Diagnostic] = (),
        select: FindingSelector | None = None,
        *,
        tries: bool = True,
    ) -> FixForecast:
        """Return the forecast for reported findings and known ones.

        The fixes of unresolved targets of known findings are left out if there are too many of
        these: they take time to find. `select` decides which findings to fix, by default all.

        Unless `tries`, no fixes are tried, and the suggestions are looked up one by one. The
        forecast has the number of fixes to try, which are counted as if they were made. It can be
        found for each note on its own: it depends on its findings, its headings and the links to
        these.
        """
        counts_known = self._prepare is not None and len(known) <= MAX_TRIED
        if tries and self._prepare:
            self._prepare([*findings, *known] if counts_known else findings)
        known_makers = self._makers if counts_known else self._direct_makers
        items = [*findings, *known]
        fixes = [self._find_allowed(item, self._makers) for item in findings]
        fixes += [self._find_allowed(item, known_makers) for item in known]
        if select:
            chosen = {place_finding(item) for item in select(self._state, self.sources)}
            fixes = [
                fix if fix and place_finding(item) in chosen else None
                for item, fix in zip(items, fixes, strict=True)
            ]
        pairs = [(item, fix) for item, fix in zip(items, fixes, strict=True) if fix]
        is_joint = self._link_edits.are_joint(pairs)
        paths = self._link_edits.find_notes_to_try(pairs, is_joint=is_joint)
        made = self._try(pairs, paths, select, is_joint=is_joint) if tries and paths else {}
        for number, (item, fix) in enumerate(zip(items, fixes, strict=True)) if made else ():
            is_tried = fix is not None and item.path in paths
            if fix and is_tried and place_finding(item) not in (made[fix.safety] or ()):
                fixes[number] = None
        number, is_cut = len(findings), None in made.values()
        return count_fixes(fixes[:number], fixes[number:])._replace(
            untried=0 if tries else sum(item.path in paths for item, _ in pairs),
            is_joint=is_joint,
            has_guesses=is_cut or (self._prepare is None and self._have_guesses(findings)),
            has_known_guesses=is_cut or (not counts_known and self._have_guesses(known)),
        )

    def describe_trial(self) -> Footprint | None:
        """Return what the last trial depends on; None if that is unknown, or too much."""
        return self._recorder.describe() if self._recorder else None

    def _find_allowed(self, item: Diagnostic, makers: Mapping[str, FixMaker]) -> Fix | None:
        """Return the fix of a finding if its files may be changed."""
        fix = find_fix(self._state, self.sources, item, makers)
        if not fix or not self._is_allowed(item, fix):
            return None
        is_locked = any([self._is_locked(edit.path) for edit in fix.edits])  # noqa: C419 - mostly one
        return None if is_locked else fix

    def _is_unchangeable(self, path: str) -> bool:
        if path not in self._state.index.files:
            return False
        return self.sources.text(path) is None or self.sources.is_protected(path)

    def _have_guesses(self, findings: Iterable[Diagnostic]) -> bool:
        rules = self._state.settings.rules_by_name
        return any(rules[item.rule].deferred_fix == "target" for item in findings)

    def _try(
        self,
        pairs: Sequence[FindingWithFix],
        paths: Collection[str],
        select: FindingSelector | None,
        *,
        is_joint: bool,
    ) -> Mapping[Safety, Collection[FindingPlace] | None]:
        """Return the places that plans resolve, by safety; None for too many fixes."""
        made: dict[Safety, Collection[FindingPlace] | None] = {}
        self._recorder = None
        if not is_joint and select is None:
            self._recorder = FootprintRecorder(
                self._state,
                self.sources.suggest if self._prepare else None,
                has_usual_errors=bool(self._link_edits.about_links),
            )
            self._recorder.add_notes(self._state, paths)
        for safety in dict.fromkeys(fix.safety for item, fix in pairs if item.path in paths):
            is_unsafe = safety is Safety.UNSAFE
            tried = [item.path for item, fix in pairs if fix.safety is safety]
            if is_unsafe and sum(path in paths for path in tried) > MAX_TRIED:
                made[safety] = None
                continue
            chosen = select if is_joint else partial(_pick_at, {*tried}.intersection(paths), select)
            makers = self._makers if is_unsafe else self._direct_makers
            plan = apply_rounds(
                self._state,
                self.sources,
                FixSelector(self._allow(unsafe=is_unsafe), makers, chosen),
                self._analyse,
                recorder=self._recorder,
            )
            made[safety] = {place_finding(item) for item, _ in plan.fixed}
        return made


def _pick_at(
    paths: Collection[str], select: FindingSelector | None, state: State, sources: FixInputs
) -> Iterator[Diagnostic]:
    """Yield the selected findings of a state at some paths, by default all of them."""
    if select:
        yield from (item for item in select(state, sources) if item.path in paths)
    else:
        yield from chain.from_iterable(state.diagnostics.get(path, ()) for path in sorted(paths))
