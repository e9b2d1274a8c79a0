"""Plan fixes in rounds until no fix applies.

Each round selects fixes, applies them, steps to the next state and verifies it. The result is a
plan with the final state and the changed texts. Nothing is written here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain

import msgspec
from msgspec.structs import replace

from vaultlink.edits import apply_edits, sort_edits
from vaultlink.engine.step import Change, State, step
from vaultlink.fix.select import FindingWithFix, FixFilter, select_fixes
from vaultlink.fix.sources import FixMaker, FixSources
from vaultlink.fix.verify import BrokenPromise, find_broken_promises
from vaultlink.index.anchors import find_anchor
from vaultlink.index.index import Index
from vaultlink.model import Diagnostic, Edit, Fix, Heading, Safety

MAX_ROUNDS = 10
"""More rounds mean that fixes undo each other."""

_SINGLE_FIXES_PER_ROUND = 100
"""This many fixes made one by one count as one round."""

TextAnalyser = Callable[[Mapping[str, str]], Sequence[Change]]
"""Turns texts by path into the changes that a step takes."""


class FixPlan(msgspec.Struct, frozen=True):
    """The result of fixing, before it is written.

    `texts` has the text of each changed note before (None if it is new) and after. `fixed` are the
    fixed findings in order; the first `first_round_count` of them were fixed in the first round,
    on the original texts. `candidates` are the findings of the state before that had an allowed
    fix. `skipped` are the notes whose text could not be read or must not change,
    `blocked` those whose unsafe fixes would break a promise. If `broken_promise` is set, nothing
    may be written.
    """

    before: State
    after: State
    texts: Mapping[str, tuple[str | None, str]] = msgspec.field(default_factory=dict)
    fixed: tuple[FindingWithFix, ...] = ()
    skipped: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    broken_promise: BrokenPromise | None = None
    first_round_count: int = 0
    candidates: tuple[FindingWithFix, ...] = ()


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
) -> FixPlan:
    """Plan the fixes that `wanted` returns, round by round, until it returns none.

    `wanted` takes the state of each round. Does not write.

    If an unsafe fix would break a promise, the unsafe fixes of that note are left out; if a safe
    one would, the plan has no changes.
    """
    work = _FixLoop(state, sources, examine or _make_changes)
    while work.rounds < MAX_ROUNDS:
        candidates = list(wanted(work.state, replace(sources, text=work.get_text)))
        work.candidates = work.candidates or tuple(candidates)
        fixes = work.select_applicable(candidates)
        if not fixes:
            return work.build_plan()
        broken_promise = work.apply_round(fixes)
        if broken_promise:
            return FixPlan(state, state, broken_promise=broken_promise)
    rules = tuple(sorted({diagnostic.rule for diagnostic, _ in fixes}))
    path = fixes[0][0].path
    return FixPlan(
        state,
        state,
        broken_promise=BrokenPromise(path, "its fixes undo each other without end", path, rules),
    )


class _FixLoop:
    """The plan in progress.

    It has the current state, the changed texts, the fixed findings, and the skipped and blocked
    notes.
    """

    def __init__(self, state: State, sources: FixSources, examine: TextAnalyser):
        self.state, self._initial_state, self._sources, self._analyse = (
            state,
            state,
            sources,
            examine,
        )
        self._changed_texts: dict[str, tuple[str | None, str]] = {}
        self._fixed: list[FindingWithFix] = []
        self._skipped: set[str] = set()
        self.blocked: set[str] = set()
        self._one_by_one_paths: set[str] = set()
        self.rounds, self._first_round_count = 0.0, 0
        self.candidates: tuple[FindingWithFix, ...] = ()

    def get_text(self, path: str) -> str | None:
        """Return the text of a note in the current state; None if it must not be changed."""
        return (
            self._changed_texts[path][1]
            if path in self._changed_texts
            else self._sources.text(path)
        )

    def select_applicable(self, fixes: Iterable[FindingWithFix]) -> list[FindingWithFix]:
        """Return the fixes to make in a round.

        They do not overlap, their notes can be read and changed, and they change no heading that a
        link names.
        """
        applicable = []
        for diagnostic, fix in fixes:
            locked = [
                edit.path
                for edit in fix.edits
                if edit.path in self.state.index.files
                and (self.get_text(edit.path) is None or self._sources.is_protected(edit.path))
            ]
            self._skipped.update(locked)
            blocked = fix.safety is Safety.UNSAFE and any(
                edit.path in self.blocked for edit in fix.edits
            )
            if not locked and not blocked and not changes_linked_heading(self.state.index, fix):
                applicable.append((diagnostic, fix))
        # Sections list links of other notes. They wait until those are fixed, so that each is
        # written once.
        rules = self.state.settings.rules_by_name
        return _take_first_fixes(
            select_fixes(
                [item for item in applicable if not rules[item[0].rule].fixed_last] or applicable
            ),
            self._one_by_one_paths,
        )

    def apply_round(self, fixes: list[FindingWithFix]) -> BrokenPromise | None:
        """Apply fixes unless they break a promise; return one that a safe fix breaks.

        Fixes that break no promise alone may break one together; they are then made one by one. If
        a single unsafe fix breaks one, its note is blocked for unsafe fixes.
        """
        edits, rules = _group_by_path(fixes)
        fresh = {
            path: apply_edits(self.get_text(path) or "", group) for path, group in edits.items()
        }
        after = step(self.state, self._analyse(fresh))
        unsafe = {
            edit.path for _, fix in fixes if fix.safety is Safety.UNSAFE for edit in fix.edits
        }
        broken = list(find_broken_promises(self.state, after, edits, rules, unsafe))
        shared = {
            path
            for path in {item.edited_path for item in broken}
            if sum(path in _list_paths(fix) for _, fix in fixes) > 1
        }
        self._one_by_one_paths |= shared
        self.blocked.update(
            item.edited_path for item in broken if item.edited_path in unsafe - shared
        )
        if not broken:
            for path, new in fresh.items():
                old = (
                    self._changed_texts[path][0]
                    if path in self._changed_texts
                    else self._read_original(path)
                )
                self._changed_texts[path] = old, new
            self.blocked -= fresh.keys()  # they may be harmless in the new text
            self._fixed += fixes
            self._first_round_count = self._first_round_count or len(fixes)
            self.state = after
            self.rounds += (
                1 if fresh.keys() - self._one_by_one_paths else 1 / _SINGLE_FIXES_PER_ROUND
            )
        return next((item for item in broken if item.edited_path not in unsafe | shared), None)

    def _read_original(self, path: str) -> str | None:
        return self._sources.text(path) if path in self._initial_state.index.notes else None

    def build_plan(self) -> FixPlan:
        """Return the plan."""
        return FixPlan(
            self._initial_state,
            self.state,
            self._changed_texts,
            tuple(self._fixed),
            tuple(sorted(self._skipped)),
            tuple(sorted(self.blocked)),
            first_round_count=self._first_round_count,
            candidates=self.candidates,
        )


def _list_paths(fix: Fix) -> set[str]:
    return {edit.path for edit in fix.edits}


def _take_first_fixes(fixes: list[FindingWithFix], slow: Set[str]) -> list[FindingWithFix]:
    """Return the fixes with only the first one of each of the `slow` notes."""
    selected, seen = [], set[str]()
    for diagnostic, fix in fixes:
        paths = _list_paths(fix) & slow
        if not paths & seen:
            selected.append((diagnostic, fix))
            seen |= paths
    return selected


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
