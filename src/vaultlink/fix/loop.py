"""Plan fixes in rounds until no fix applies, without those that break a promise."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.engine.step import Change, State, step_and_list
from vaultlink.fix.footprint import FootprintRecorder
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import (
    FindingWithFix,
    FixFilter,
    edits_only_read,
    find_settled_notes,
    select_fixes,
)
from vaultlink.fix.sources import FixInputs, FixMaker
from vaultlink.fix.verify import BrokenPromise, find_broken_promises
from vaultlink.index.anchors import find_anchor
from vaultlink.index.index import Index
from vaultlink.index.packed_map import list_changed_keys
from vaultlink.links.edit_math import OffsetShift, apply_edits, join_edits, sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, Heading, Safety, SkippedNote

# -- find the fixes that break a promise, and leave only those out ---------------------------------
# A round that breaks promises is tried again with half as many fixes in the notes concerned, until
# one is left there. That one is tried alone after all others, and left out if it still breaks a
# promise.

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


class _FixTrial:
    """The fixes to try next, and those left out so far."""

    def __init__(self) -> None:
        self._limits: dict[str, int] = {}
        self._suspects: set[_FixKey] = set()
        self._rejected: dict[_FixKey, _Rejection] = {}
        self._has_progressed = False
        self._left_out: list[_Rejection] = []

    def select(self, fixes: Sequence[FindingWithFix]) -> list[FindingWithFix]:
        """Return the fixes to try next, which do not overlap; suspects last, one by one."""
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
        """Record that fixes were made; return the share of a round that they are."""
        self._has_progressed = True
        is_suspect = bool(self._suspects) and _make_key(fixes[0]) in self._suspects
        is_limited = _WHOLE_VAULT in self._limits or edits.keys() <= self._limits.keys()
        for path in {*edits, _WHOLE_VAULT} & self._limits.keys():
            self._limits[path] *= 2
        if self._suspects or self._rejected:
            shifts = {path: OffsetShift(group) for path, group in edits.items()}
            self._suspects = set(_shift_keys(self._suspects, shifts).values())
            moved = _shift_keys(self._rejected, shifts)
            self._rejected = {key: self._rejected[old] for old, key in moved.items()}
        return _SINGLE_FIX if is_suspect else _LIMITED_ROUND if is_limited else 1

    def broken_promises(self) -> tuple[BrokenPromise, ...]:
        """Return, for each safe fix that was left out, a promise that it would break."""
        safe = (item for item in self._left_out if item.safety is not Safety.UNSAFE)
        return tuple(dict.fromkeys(item.broken_promise for item in safe))

    def blocked_paths(self) -> tuple[str, ...]:
        """Return the notes with unsafe fixes that were left out, sorted."""
        return tuple(sorted({item.path for item in self._left_out if item.safety is Safety.UNSAFE}))


class ChosenFixes:
    """Fixes of the original texts, each made once: a round gets those that remain."""

    def __init__(self, fixes: Sequence[FindingWithFix]):
        self._remaining = list(fixes)

    def __call__(self, _state: State, _sources: FixInputs) -> list[FindingWithFix]:
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


def _shift_keys(
    keys: Iterable[_FixKey], shifts: Mapping[str, OffsetShift]
) -> dict[_FixKey, _FixKey]:
    moved = {key: _shift_edits(key.edits, shifts) for key in keys}
    return {key: _FixKey(key.code, edits) for key, edits in moved.items() if edits is not None}


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


# -- plan fixes in rounds until no fix applies -----------------------------------------------------
# Each round selects fixes, applies them, steps to the next state and verifies it. The result is a
# plan with the final state and the changed texts. Nothing is written here.


MAX_ROUNDS = 10
"""More rounds mean that fixes undo each other."""

_ENDLESS = "its fixes undo each other without end"

TextAnalyser = Callable[[Mapping[str, str]], Sequence[Change]]
"""Turns texts by path into the changes that a step takes."""

FixRecorder = Callable[[Sequence[FindingWithFix], Mapping[str, Sequence[Edit]]], None]
"""Takes the fixes that a round made, and their edits by path."""

FindingSelector = Callable[[State, FixInputs], Iterable[Diagnostic]]
"""Returns the findings of a round's state that are to be fixed."""


def apply_rounds(
    state: State,
    sources: FixInputs,
    wanted: Callable[[State, FixInputs], Iterable[FindingWithFix]],
    examine: TextAnalyser | None = None,
    made: FixRecorder = lambda _fixes, _edits: None,
    recorder: FootprintRecorder | None = None,
    *,
    is_preview: bool = False,
) -> Plan:
    """Plan the fixes that `wanted` returns, round by round, until it returns none.

    `made` takes the fixes of each round and their edits by path, `recorder` all steps. Does not
    write. A fix that would break a promise is left out, as are the fixes of a rule in a note that
    undo each other without end. With `is_preview`, fixes that cause no others are not tried,
    and the state after the plan is without them.
    """
    endless: dict[_RuleInNote, BrokenPromise] = {}
    while True:
        work = _FixLoop(state, sources, examine or _make_changes, endless.keys(), made, recorder)
        plan = work.run(wanted, is_preview=is_preview)
        if work.is_unsettled:
            is_preview = False
            continue
        if plan is not None:
            broken = (*endless.values(), *plan.broken_promises)
            skipped = [SkippedNote(item.path, _describe_promise(item)) for item in broken]
            return replace(plan, broken_promises=broken, skipped=(*plan.skipped, *skipped))
        for key in work.last_rules:
            endless[key] = BrokenPromise(key.path, _ENDLESS, key.path, (key.rule,))


def _describe_promise(item: BrokenPromise) -> str:
    """Return the reason why a safe fix was left out, as a clause."""
    rules = " or ".join(item.rules) or "a rule"
    problem = f"a fix of {rules} was left out because {item.problem.rstrip('.')}."
    return f"{problem} This is a bug in vaultlink; please report it"


class _RuleInNote(NamedTuple):
    path: str
    rule: str


class _FixLoop:
    """The plan in progress. `last_rules` are the rules and notes of the last round.

    Notes are settled if their fixes, made without a round, cause no others. `is_unsettled` says
    that a round found a fix that may depend on these.
    """

    def __init__(
        self,
        state: State,
        sources: FixInputs,
        examine: TextAnalyser,
        endless: Collection[_RuleInNote],
        made: FixRecorder,
        recorder: FootprintRecorder | None,
    ):
        self._state, self._initial_state, self._sources = state, state, sources
        self._analyse, self._endless, self._record = examine, endless, made
        self._recorder = recorder
        self._texts: dict[str, tuple[str | None, str]] = {}
        self._edits: dict[str, tuple[Edit, ...]] = {}
        self._done: list[FindingWithFix] = []
        self._locked: set[str] = set()
        self._trial = _FixTrial()
        self._early_count = 0
        self._settled: dict[str, set[FindingPlace]] = {}
        self.last_rules: set[_RuleInNote] = set()
        self.is_unsettled = False

    def run(
        self,
        wanted: Callable[[State, FixInputs], Iterable[FindingWithFix]],
        *,
        is_preview: bool = False,
    ) -> Plan | None:
        rounds, candidates = 0.0, tuple[FindingWithFix, ...]()
        sources = replace(self._sources, text=self._get_text)
        state, found = None, list[FindingWithFix]()
        while rounds < MAX_ROUNDS:
            if state is not self._state:
                state, found = self._state, list(wanted(self._state, sources))
                if is_preview and not candidates:
                    self._settle(found)
                candidates = candidates or tuple(found)
                found = self._leave_settled(found)
            if self.is_unsettled:
                return None
            fixes = self._select_applicable(found)
            if not fixes:
                return self._build_plan(candidates)
            rounds += self._apply_round(fixes)
        return None

    def _settle(self, found: Sequence[FindingWithFix]) -> None:
        """Take the fixes of the notes in which they cause no others; rounds do not make them."""
        paths = {
            path for path in find_settled_notes(self._state, found) if not self._is_locked(path)
        }
        self._done = [pair for pair in found if pair[0].path in paths]
        for item, _ in self._done:
            self._settled.setdefault(item.path, set()).add(place_finding(item))

    def _edit_settled(self) -> None:
        """Make the fixes of settled notes. Until then, their texts are those of the state."""
        edits, _ = _group_by_path([pair for pair in self._done if pair[0].path in self._settled])
        for path, group in edits.items():
            old = self._get_text(path) or ""
            self._texts[path] = old, apply_edits(old, group)
            self._edits[path] = tuple(group)

    def _leave_settled(self, found: list[FindingWithFix]) -> list[FindingWithFix]:
        """Return the fixes of notes that are not settled."""
        if not self._settled:
            return found
        rules, others = self._state.settings.rules_by_name, []
        for pair in found:
            places = self._settled.get(pair[0].path)
            if places is None:
                others.append(pair)
                self.is_unsettled |= rules[pair[0].rule].fixed_last
            else:
                self.is_unsettled |= place_finding(pair[0]) not in places
        return others

    def _is_locked(self, path: str) -> bool:
        """Return True for notes that must not be changed."""
        return self._sources.is_protected(path) or (
            path in self._state.index.files and self._get_text(path) is None
        )

    def _get_text(self, path: str) -> str | None:
        """Return the text of a note in the current state; None if it must not be changed."""
        return self._texts[path][1] if path in self._texts else self._sources.text(path)

    def _select_applicable(self, fixes: Iterable[FindingWithFix]) -> list[FindingWithFix]:
        """Return the fixes of a round: no overlaps, writable notes, no heading with links."""
        applicable = []
        for diagnostic, fix in fixes:
            locked = [edit.path for edit in fix.edits if self._is_locked(edit.path)]
            self._locked.update(locked)
            is_endless = (diagnostic.path, diagnostic.rule) in self._endless
            if locked or is_endless or changes_linked_heading(self._state.index, fix.edits):
                continue
            applicable.append((diagnostic, fix))
        # Sections list links of other notes. They wait until those are fixed, so that each is
        # written once.
        rules = self._state.settings.rules_by_name
        late = {name for name, rule in rules.items() if rule.fixed_last}
        early = [item for item in applicable if item[0].rule not in late]
        return self._trial.select(early) or self._trial.select(applicable)

    def _apply_round(self, fixes: list[FindingWithFix]) -> float:
        edits, rules = _group_by_path(fixes)
        old = {path: self._get_text(path) or "" for path in edits}
        new = {path: apply_edits(old[path], group) for path, group in edits.items()}
        after, checked = step_and_list(self._state, self._analyse(new))
        if self._recorder:
            self._recorder.add_step(self._state, after, edits, checked)
        made_unsafe = [fix for _, fix in fixes if fix.safety is Safety.UNSAFE]
        unsafe = {edit.path for fix in made_unsafe for edit in fix.edits}
        broken = list(find_broken_promises(self._state, after, edits, rules, unsafe))
        if broken:
            self._trial.reject(fixes, broken)
            return 0
        for path, text in new.items():
            if path in self._texts:
                original = self._texts[path][0]
            else:
                is_known = path in self._initial_state.index.notes
                original = self._sources.text(path) if is_known else None
            self._texts[path] = original, text
            self._edits[path] = join_edits(self._edits.get(path, ()), edits[path], old[path])
        self._done += fixes
        self._early_count = self._early_count or len(self._done)
        self._state = after
        self.last_rules = {_RuleInNote(item.path, item.rule) for item, _ in fixes}
        self._record(fixes, edits)
        return self._trial.accept(fixes, edits)

    def _build_plan(self, candidates: tuple[FindingWithFix, ...]) -> Plan:
        self._edit_settled()
        texts = {path: pair for path, pair in self._texts.items() if pair[0] != pair[1]}
        early = self._done[: self._early_count or len(self._done)]
        fixed = _find_resolved(
            self._initial_state, self._state, candidates, early, self._settled.keys()
        )
        made = {place_finding(item) for item, _ in early}
        return Plan(
            texts=texts,
            edits={path: self._edits[path] for path, pair in texts.items() if pair[0] is not None},
            marked=frozenset(filter(self._sources.has_mark, texts)),
            before=self._initial_state,
            after=self._state,
            done=tuple(self._done),
            fixed=tuple(fixed),
            early_count=sum(place_finding(item) in made for item, _ in fixed),
            skipped=(
                *self._sources.skip(self._locked),
                *(SkippedNote(path, _UNSAFE_BLOCKED) for path in self._trial.blocked_paths()),
            ),
            broken_promises=self._trial.broken_promises(),
        )


_UNSAFE_BLOCKED = "its unsafe fixes would also change other content or cause new errors"


def _find_resolved(
    before: State,
    after: State,
    candidates: Sequence[FindingWithFix],
    early: Sequence[FindingWithFix],
    settled: Collection[str],
) -> list[FindingWithFix]:
    """Return the findings with a fix that are gone, those fixed first before others.

    All of those in `settled` notes are gone: the state after has these notes as they were.

    A finding can also be resolved by another fix at the same place. Findings that only the fixes
    themselves cause do not count: the numbers are those that a check reports before. A finding that
    was made on demand is resolved if its fix was made.
    """
    paths = {item.path for item, _ in candidates}.difference(settled)
    known = {place_finding(item) for path in paths for item in before.diagnostics.get(path, ())}
    counts = _count_findings(before.diagnostics.get(path, ()) for path in paths)
    counts.subtract(_count_findings(after.diagnostics.get(path, ()) for path in paths))
    made = {place_finding(item) for item, _ in early}
    resolved = []
    for pair in sorted(candidates, key=lambda pair: place_finding(pair[0]) not in made):
        if pair[0].path in settled:
            resolved.append(pair)
            continue
        key, place = _finding_key(pair[0]), place_finding(pair[0])
        if counts[key] > 0 if place in known else place in made:
            counts[key] -= 1
            resolved.append(pair)
    return resolved


class FindingPlace(NamedTuple):
    path: str
    start: int
    end: int
    code: str
    message: str


def place_finding(item: Diagnostic) -> FindingPlace:
    """Return what tells a finding from others: the object may be decoded anew."""
    return FindingPlace(item.path, item.start, item.end, item.code, item.message)


def _count_findings(groups: Iterable[Iterable[Diagnostic]]) -> "Counter[tuple[str, str, str]]":
    return Counter(map(_finding_key, chain.from_iterable(groups)))


def _finding_key(item: Diagnostic) -> tuple[str, str, str]:
    return item.path, item.code, item.message


def _make_changes(texts: Mapping[str, str]) -> list[Change]:
    return [Change(path, text) for path, text in texts.items()]


class FixSelector:
    """Selects findings with an allowed fix, again only where a step may have changed findings."""

    def __init__(
        self,
        allowed: FixFilter,
        deferred: Mapping[str, FixMaker],
        picked: FindingSelector | None = None,
    ):
        self._is_allowed, self._deferred, self._pick = allowed, deferred, picked
        self._before: State | None = None
        self._fixes: dict[str, list[FindingWithFix]] = {}
        self._cache: dict[int, tuple[Diagnostic, Fix | None]] = {}
        self._known_names: object = None

    def __call__(self, state: State, sources: FixInputs) -> Iterable[FindingWithFix]:
        names = state.index.files, state.index.notes_by_alias, state.index.notes_by_title
        if names != self._known_names:
            self._known_names, self._cache = names, {}
            self._before, self._fixes = None, {}
        if self._pick:
            return self._select(self._pick(state, sources), state, sources)
        found = self._before.diagnostics if self._before else {}
        for path in list_changed_keys(found, state.diagnostics):
            self._fixes[path] = [*self._select(state.diagnostics.get(path, ()), state, sources)]
        self._before = state
        return chain.from_iterable(self._fixes[path] for path in sorted(self._fixes))

    def _select(
        self, found: Iterable[Diagnostic], state: State, sources: FixInputs
    ) -> Iterator[FindingWithFix]:
        for item in found:
            fix = item.fix
            if fix is None and item.rule in self._deferred:
                if id(item) not in self._cache:
                    self._cache[id(item)] = item, find_fix(state, sources, item, self._deferred)
                fix = self._cache[id(item)][1]
            if fix is not None and self._is_allowed(item, fix) and not edits_only_read(state, fix):
                yield item, fix


def find_fix(
    state: State, sources: FixInputs, diagnostic: Diagnostic, deferred: Mapping[str, FixMaker]
) -> Fix | None:
    """Return the fix, made on demand if deferred; None if it changes what is only read."""
    fix = diagnostic.fix
    if fix is None and diagnostic.rule in deferred:
        fix = deferred[diagnostic.rule](state, sources, diagnostic)
    return None if fix is None or edits_only_read(state, fix) else fix


def changes_linked_heading(index: Index, edits: Iterable[Edit]) -> bool:
    for edit in edits:
        note = index.notes.get(edit.path)
        changed = _find_headings_at(note.headings, edit) if note else ()
        if note and changed:
            subpaths = {
                link.subpath
                for source in index.anchor_sources_of(edit.path)
                for link, target in index.resolved_links(source)
                if link.subpath and target == edit.path
            }
            if any(find_anchor(note, subpath) in changed for subpath in subpaths):
                return True
    return False


def _find_headings_at(headings: tuple[Heading, ...], edit: Edit) -> tuple[Heading, ...]:
    number = bisect_left(headings, edit.start, key=lambda heading: heading.end)
    end = bisect_right(headings, edit.end, key=lambda heading: heading.start)
    return headings[number:end]


def _group_by_path(
    fixes: Sequence[FindingWithFix],
) -> tuple[dict[str, list[Edit]], dict[str, set[str]]]:
    edits: dict[str, list[Edit]] = {}
    rules: dict[str, set[str]] = {}
    for diagnostic, fix in fixes:
        for edit in fix.edits:
            edits.setdefault(edit.path, []).append(edit)
            rules.setdefault(edit.path, set()).add(diagnostic.rule)
    return {path: sort_edits(group) for path, group in edits.items()}, rules
