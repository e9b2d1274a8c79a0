"""Plan fixes in rounds until no fix applies.

Each round selects fixes, applies them, steps to the next state and verifies it. The result is a
plan with the final state and the changed texts. Nothing is written here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.engine.step import Change, State, step
from vaultlink.fix.select import FindingWithFix, FixFilter
from vaultlink.fix.sources import FixMaker, FixSources
from vaultlink.fix.trial import FixTrial
from vaultlink.fix.verify import BrokenPromise, find_broken_promises
from vaultlink.index.anchors import find_anchor
from vaultlink.index.index import Index
from vaultlink.links.edits import apply_edits, sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, Heading, Safety

MAX_ROUNDS = 10
"""More rounds mean that fixes undo each other."""

_ENDLESS = "its fixes undo each other without end"

TextAnalyser = Callable[[Mapping[str, str]], Sequence[Change]]
"""Turns texts by path into the changes that a step takes."""


class FixPlan(msgspec.Struct, frozen=True):
    """The result of fixing, before it is written.

    `texts` has the text of each changed note before (None if it is new) and after. `fixed` are the
    fixed findings in order; the first `first_round_count` of them were fixed in the first round,
    on the original texts. `candidates` are the findings of the state before that had an allowed
    fix. `skipped` are the notes whose text could not be read or must not change,
    `blocked` those with unsafe fixes that were left out because they would break a promise.
    `broken_promises` are those of safe fixes that were left out; each is a bug.
    """

    before: State
    after: State
    texts: Mapping[str, tuple[str | None, str]] = msgspec.field(default_factory=dict)
    fixed: tuple[FindingWithFix, ...] = ()
    skipped: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    broken_promises: tuple[BrokenPromise, ...] = ()
    first_round_count: int = 0
    candidates: tuple[FindingWithFix, ...] = ()


FixRecorder = Callable[[Sequence[FindingWithFix], Mapping[str, Sequence[Edit]]], None]
"""Takes the fixes that a round made, and their edits by path."""

FindingSelector = Callable[[State, FixSources], Iterable[Diagnostic]]
"""Returns the findings of a round's state that are to be fixed."""


def plan_fixes(
    state: State,
    sources: FixSources,
    allowed: FixFilter,
    deferred: Mapping[str, FixMaker],
    examine: TextAnalyser | None = None,
    picked: FindingSelector | None = None,
) -> FixPlan:
    """Plan all allowed fixes round by round. Does not write.

    `deferred` maps rules to the makers of deferred fixes. `picked` restricts the findings; without
    it, all are fixed.
    """
    return apply_rounds(
        state, sources, _FixSelector(allowed, deferred, picked or _list_all_findings), examine
    )


def _list_all_findings(state: State, _sources: FixSources) -> Iterator[Diagnostic]:
    return chain.from_iterable(state.diagnostics.values())


def apply_rounds(
    state: State,
    sources: FixSources,
    wanted: Callable[[State, FixSources], Iterable[FindingWithFix]],
    examine: TextAnalyser | None = None,
    made: FixRecorder = lambda _fixes, _edits: None,
) -> FixPlan:
    """Plan the fixes that `wanted` returns, round by round, until it returns none.

    `wanted` takes the state of each round, `made` the fixes of each round and their edits by path.
    Does not write. A fix that would break a promise is left
    out, as are the fixes of a rule in a note that undo each other without end.
    """
    endless: dict[_RuleInNote, BrokenPromise] = {}
    while True:
        work = _FixLoop(state, sources, examine or _make_changes, endless.keys(), made)
        plan = work.run(wanted)
        if plan is not None:
            return replace(plan, broken_promises=(*endless.values(), *plan.broken_promises))
        endless.update(
            (key, BrokenPromise(key.path, _ENDLESS, key.path, (key.rule,)))
            for key in work.last_rules
        )


class _RuleInNote(NamedTuple):
    path: str
    rule: str


class _FixLoop:
    """The plan in progress.

    It has the current state, the changed texts, the fixed findings, and the skipped notes.
    `last_rules` are the rules and notes of the last round.
    """

    def __init__(
        self,
        state: State,
        sources: FixSources,
        examine: TextAnalyser,
        endless: Collection[_RuleInNote],
        made: FixRecorder,
    ):
        self._state, self._initial_state, self._sources = state, state, sources
        self._analyse, self._endless, self._record = examine, endless, made
        self._changed_texts: dict[str, tuple[str | None, str]] = {}
        self._fixed: list[FindingWithFix] = []
        self._skipped: set[str] = set()
        self._trial = FixTrial()
        self._first_round_count = 0
        self.last_rules: set[_RuleInNote] = set()

    def run(
        self, wanted: Callable[[State, FixSources], Iterable[FindingWithFix]]
    ) -> FixPlan | None:
        """Apply rounds until no fix applies; return None if there are too many rounds."""
        rounds, candidates = 0.0, tuple[FindingWithFix, ...]()
        sources = replace(self._sources, text=self._get_text)
        state, found = None, list[FindingWithFix]()
        while rounds < MAX_ROUNDS:
            if state is not self._state:
                state, found = self._state, list(wanted(self._state, sources))
            candidates = candidates or tuple(found)
            fixes = self._select_applicable(found)
            if not fixes:
                return self._build_plan(candidates)
            rounds += self._apply_round(fixes)
        return None

    def _get_text(self, path: str) -> str | None:
        """Return the text of a note in the current state; None if it must not be changed."""
        return (
            self._changed_texts[path][1]
            if path in self._changed_texts
            else self._sources.text(path)
        )

    def _select_applicable(self, fixes: Iterable[FindingWithFix]) -> list[FindingWithFix]:
        """Return the fixes to make in a round.

        They do not overlap, their notes can be read and changed, and they change no heading that a
        link names.
        """
        applicable = []
        for diagnostic, fix in fixes:
            locked = [
                edit.path
                for edit in fix.edits
                if edit.path in self._state.index.files
                and (self._get_text(edit.path) is None or self._sources.is_protected(edit.path))
            ]
            self._skipped.update(locked)
            if (
                not locked
                and (diagnostic.path, diagnostic.rule) not in self._endless
                and not changes_linked_heading(self._state.index, fix)
            ):
                applicable.append((diagnostic, fix))
        # Sections list links of other notes. They wait until those are fixed, so that each is
        # written once.
        rules = self._state.settings.rules_by_name
        late = {name for name, rule in rules.items() if rule.fixed_last}
        early = [item for item in applicable if item[0].rule not in late]
        return self._trial.select(early) or self._trial.select(applicable)

    def _apply_round(self, fixes: list[FindingWithFix]) -> float:
        """Apply fixes unless they break a promise; return the share of a round."""
        edits, rules = _group_by_path(fixes)
        fresh = {
            path: apply_edits(self._get_text(path) or "", group) for path, group in edits.items()
        }
        after = step(self._state, self._analyse(fresh))
        unsafe = {
            edit.path for _, fix in fixes if fix.safety is Safety.UNSAFE for edit in fix.edits
        }
        broken = list(find_broken_promises(self._state, after, edits, rules, unsafe))
        if broken:
            self._trial.reject(fixes, broken)
            return 0
        for path, new in fresh.items():
            old = (
                self._changed_texts[path][0]
                if path in self._changed_texts
                else self._read_original(path)
            )
            self._changed_texts[path] = old, new
        self._fixed += fixes
        self._first_round_count = self._first_round_count or len(fixes)
        self._state = after
        self.last_rules = {_RuleInNote(item.path, item.rule) for item, _ in fixes}
        self._record(fixes, edits)
        return self._trial.accept(fixes, edits)

    def _read_original(self, path: str) -> str | None:
        return self._sources.text(path) if path in self._initial_state.index.notes else None

    def _build_plan(self, candidates: tuple[FindingWithFix, ...]) -> FixPlan:
        return FixPlan(
            self._initial_state,
            self._state,
            self._changed_texts,
            tuple(self._fixed),
            tuple(sorted(self._skipped)),
            self._trial.blocked_paths(),
            self._trial.broken_promises(),
            self._first_round_count,
            candidates,
        )


def _make_changes(texts: Mapping[str, str]) -> list[Change]:
    return [Change(path, text) for path, text in texts.items()]


class _FixSelector:
    """Selects the findings of a state that have an allowed fix.

    Deferred fixes are cached for the next round, in which an unaffected finding is still the same
    value. The cache is cleared when files, aliases or titles change.
    """

    def __init__(
        self, allowed: FixFilter, deferred: Mapping[str, FixMaker], picked: FindingSelector
    ):
        self._is_allowed, self._deferred, self._select = allowed, deferred, picked
        self._cache: dict[int, tuple[Diagnostic, Fix | None]] = {}
        self._known_names: object = None

    def __call__(self, state: State, sources: FixSources) -> Iterator[FindingWithFix]:
        names = state.index.files, state.index.notes_by_alias, state.index.notes_by_title
        if names != self._known_names:
            self._known_names, self._cache = names, {}
        for item in self._select(state, sources):
            fix = item.fix or (
                self._find_fix(state, sources, item) if item.rule in self._deferred else None
            )
            if fix is not None and self._is_allowed(item, fix):
                yield item, fix

    def _find_fix(self, state: State, sources: FixSources, item: Diagnostic) -> Fix | None:
        known = self._cache.get(id(item))
        if known is None:
            known = self._cache[id(item)] = item, find_fix(state, sources, item, self._deferred)
        return known[1]


def find_fix(
    state: State, sources: FixSources, diagnostic: Diagnostic, deferred: Mapping[str, FixMaker]
) -> Fix | None:
    """Return the fix of a finding, made on demand if it is deferred, or None."""
    if diagnostic.fix is not None or diagnostic.rule not in deferred:
        return diagnostic.fix
    return deferred[diagnostic.rule](state, sources, diagnostic)


def touches_heading(index: Index, fix: Fix) -> bool:
    """Return True if a fix changes a heading."""
    return any(
        note is not None and bool(_find_headings_at(note.headings, edit))
        for edit in fix.edits
        for note in (index.notes.get(edit.path),)
    )


def changes_linked_heading(index: Index, fix: Fix) -> bool:
    """Return True if a fix changes a heading that a link names."""
    for edit in fix.edits:
        note = index.notes.get(edit.path)
        changed = _find_headings_at(note.headings, edit) if note and note.headings else ()
        if (
            note
            and changed
            and any(
                find_anchor(note, subpath) in changed
                for subpath in _find_linked_subpaths(index, edit.path)
            )
        ):
            return True
    return False


def _find_linked_subpaths(index: Index, path: str) -> set[str]:
    """Return the subpaths of the links to a file."""
    return {
        link.subpath
        for source in index.anchor_sources.get(path, ())
        for link, target in index.resolved_links(source)
        if link.subpath and target == path
    }


def _find_headings_at(headings: tuple[Heading, ...], edit: Edit) -> tuple[Heading, ...]:
    """Return the headings that an edit changes or adds to."""
    number = bisect_left(headings, edit.start, key=lambda heading: heading.end)
    end = bisect_right(headings, edit.end, key=lambda heading: heading.start)
    return headings[number:end]


def _group_by_path(
    fixes: Sequence[FindingWithFix],
) -> tuple[dict[str, list[Edit]], dict[str, set[str]]]:
    """Return the edits of fixes and the names of their rules, both by path."""
    edits: dict[str, list[Edit]] = {}
    rules: dict[str, set[str]] = {}
    for diagnostic, fix in fixes:
        for path, group in _group_edits(fix.edits).items():
            edits.setdefault(path, []).extend(group)
            rules.setdefault(path, set()).add(diagnostic.rule)
    return {path: sort_edits(group) for path, group in edits.items()}, rules


def _group_edits(edits: Iterable[Edit]) -> dict[str, list[Edit]]:
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        groups.setdefault(edit.path, []).append(edit)
    return groups
