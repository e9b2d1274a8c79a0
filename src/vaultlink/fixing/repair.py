"""The whole of fixing: rounds of choosing, applying and another step, until no fix applies; and a look at the promises.

A state and a way to ask for texts enter, the state afterwards and the changed texts leave. Nothing is written here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain

from vaultlink.anchors import find_anchor
from vaultlink.edits import applied, in_order
from vaultlink.engine import Change, State, step
from vaultlink.fixing.choice import Allowed, Repaired, chosen
from vaultlink.fixing.promise import Breach, breaches
from vaultlink.fixing.sources import Late, Sources
from vaultlink.index import Index
from vaultlink.model import Diagnostic, Edit, Fix, Heading, Safety

ROUNDS = 10
"""More rounds mean that fixes undo each other's work."""

LAST = frozenset(("missing-section", "stale-section"))
"""The rules whose fixes are made when there are no others left to make."""

_FIXES = 100
"""So many fixes made one by one count as a round."""

Examine = Callable[[Mapping[str, str]], Sequence[Change]]
"""Texts by path to the changes that a step takes."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What fixing comes to. `texts` has each changed note's text before (None if it is new) and after; `made` the findings
    that were mended, in order, the `first` of them in the first round, when texts were as they are before; `stuck` the
    notes whose text could not be had, `barred` those whose unsafe fixes would do more than they should; `breach` why nothing
    may be written."""

    before: State
    after: State
    texts: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    made: tuple[Repaired, ...] = ()
    stuck: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    breach: Breach | None = None
    first: int = 0


Picked = Callable[[State, Sources], Iterable[Diagnostic]]
"""The findings of a round's state that are to be fixed."""


def repair(
    state: State,
    sources: Sources,
    allowed: Allowed,
    late: Mapping[str, Late],
    examine: Examine | None = None,
    picked: Picked | None = None,
) -> Repair:
    """Make all fixes that are allowed, round by round; of the findings that are picked, if not of all."""
    return mend(state, sources, _Wishes(allowed, late, picked or _all), examine)


def _all(state: State, _sources: Sources) -> Iterator[Diagnostic]:
    return chain.from_iterable(state.diagnostics.values())


def mend(
    state: State,
    sources: Sources,
    wanted: Callable[[State, Sources], Iterable[Repaired]],
    examine: Examine | None = None,
) -> Repair:
    """Make the fixes that `wanted` asks for, of each round's state. Where an unsafe fix would break a promise, the unsafe
    ones of that note are not made; where a safe one would, nothing is."""
    work = _Work(state, sources, examine or _changes)
    while work.rounds < ROUNDS:
        fixes = work.possible(wanted(work.now, replace(sources, text=work.text)))
        if not fixes:
            return work.done()
        unforeseen = work.round(fixes)
        if unforeseen:
            return Repair(state, state, breach=unforeseen)
    rules = tuple(sorted({diagnostic.rule for diagnostic, _ in fixes}))
    path = fixes[0][0].path
    return Repair(
        state, state, breach=Breach(path, "its fixes would never come to an end", path, rules)
    )


class _Work:
    """Fixing in hand: the state as it is by now, the texts changed so far, what was made, and what can't be."""

    def __init__(self, state: State, sources: Sources, examine: Examine):
        self.now, self._before, self._sources, self._examine = state, state, sources, examine
        self._texts: dict[str, tuple[str | None, str]] = {}
        self._made: list[Repaired] = []
        self._stuck: set[str] = set()
        self.barred: set[str] = set()
        self._slow: set[str] = set()
        self.rounds, self._first = 0.0, 0

    def text(self, path: str) -> str | None:
        """A note's text as the state has it; None if it must not be changed."""
        return self._texts[path][1] if path in self._texts else self._sources.text(path)

    def possible(self, fixes: Iterable[Repaired]) -> list[Repaired]:
        """The fixes to make in a round: those that go together, whose notes can be had, and whose headings nobody asks
        for."""
        free = []
        for diagnostic, fix in fixes:
            closed = [
                edit.path
                for edit in fix.edits
                if edit.path in self.now.index.files
                and (self.text(edit.path) is None or self._sources.closed(edit.path))
            ]
            self._stuck.update(closed)
            barred = fix.safety is Safety.UNSAFE and any(
                edit.path in self.barred for edit in fix.edits
            )
            if not closed and not barred and not _unsettles(self.now.index, fix):
                free.append((diagnostic, fix))
        # Sections are made of the links of other notes: they wait until these are mended, so that they are written once.
        return _one_by_one(
            chosen([item for item in free if item[0].rule not in LAST] or free), self._slow
        )

    def round(self, fixes: list[Repaired]) -> Breach | None:
        """Make fixes, unless that would break promises. Fixes that each keep them may break them together: they are then made
        one by one. A note of which a single fix breaks them is barred from unsafe ones; for a safe one, that is told."""
        edits, rules = _by_path(fixes)
        fresh = {path: applied(self.text(path) or "", group) for path, group in edits.items()}
        after = step(self.now, self._examine(fresh))
        unsafe = {
            edit.path for _, fix in fixes if fix.safety is Safety.UNSAFE for edit in fix.edits
        }
        broken = list(breaches(self.now, after, edits, rules, unsafe))
        crowded = {
            path
            for path in {item.source for item in broken}
            if sum(path in _paths(fix) for _, fix in fixes) > 1
        }
        self._slow |= crowded
        self.barred.update(item.source for item in broken if item.source in unsafe - crowded)
        if not broken:
            for path, new in fresh.items():
                old = self._texts[path][0] if path in self._texts else self._old(path)
                self._texts[path] = old, new
            self.barred -= fresh.keys()  # in the new text they may do no harm
            self._made += fixes
            self._first = self._first or len(fixes)
            self.now = after
            self.rounds += 1 if fresh.keys() - self._slow else 1 / _FIXES
        return next((item for item in broken if item.source not in unsafe | crowded), None)

    def _old(self, path: str) -> str | None:
        return self._sources.text(path) if path in self._before.index.notes else None

    def done(self) -> Repair:
        """What it comes to."""
        return Repair(
            self._before,
            self.now,
            self._texts,
            tuple(self._made),
            tuple(sorted(self._stuck)),
            tuple(sorted(self.barred)),
            first=self._first,
        )


def _paths(fix: Fix) -> set[str]:
    return {edit.path for edit in fix.edits}


def _one_by_one(fixes: list[Repaired], slow: Set[str]) -> list[Repaired]:
    """Of the fixes of each of these notes only the first."""
    left, seen = [], set[str]()
    for diagnostic, fix in fixes:
        paths = _paths(fix) & slow
        if not paths & seen:
            left.append((diagnostic, fix))
            seen |= paths
    return left


def _changes(texts: Mapping[str, str]) -> list[Change]:
    return [Change(path, text) for path, text in texts.items()]


class _Wishes:
    """The findings of a state that have an allowed fix. What a late fix came to is remembered for the next round, in which
    a finding that nothing affected is still the same value; unless files are called otherwise since."""

    def __init__(self, allowed: Allowed, late: Mapping[str, Late], picked: Picked):
        self._allowed, self._late, self._picked = allowed, late, picked
        self._known: dict[int, tuple[Diagnostic, Fix | None]] = {}
        self._names: object = None

    def __call__(self, state: State, sources: Sources) -> Iterator[Repaired]:
        names = state.index.files, state.index.aliased, state.index.titled
        if names != self._names:
            self._names, self._known = names, {}
        for item in self._picked(state, sources):
            fix = item.fix or (self._fix(state, sources, item) if item.rule in self._late else None)
            if fix is not None and self._allowed(item, fix):
                yield item, fix

    def _fix(self, state: State, sources: Sources, item: Diagnostic) -> Fix | None:
        known = self._known.get(id(item))
        if known is None:
            known = self._known[id(item)] = item, fix_of(state, sources, item, self._late)
        return known[1]


def fix_of(
    state: State, sources: Sources, diagnostic: Diagnostic, late: Mapping[str, Late]
) -> Fix | None:
    """What mends a finding, if anything does."""
    if diagnostic.fix is not None or diagnostic.rule not in late:
        return diagnostic.fix
    return late[diagnostic.rule](state, sources, diagnostic)


def _unsettles(index: Index, fix: Fix) -> bool:
    """Whether a fix changes a heading that links ask for by its words."""
    for edit in fix.edits:
        changed = _headings_at(index, edit) if edit.path in index.notes else ()
        if changed and any(
            link.subpath
            and target == edit.path
            and find_anchor(index.notes[edit.path], link.subpath) in changed
            for source in index.backlinks.get(edit.path, ())
            for link, target in index.links(source)
        ):
            return True
    return False


def _headings_at(index: Index, edit: Edit) -> tuple[Heading, ...]:
    """The headings that an edit changes, or adds to."""
    headings = index.notes[edit.path].headings
    number = bisect_left(headings, edit.start, key=lambda heading: heading.end)
    end = bisect_right(headings, edit.end, key=lambda heading: heading.start)
    return headings[number:end]


def _by_path(fixes: Sequence[Repaired]) -> tuple[dict[str, list[Edit]], dict[str, set[str]]]:
    """The edits of fixes, and the rules they are of, by path."""
    edits: dict[str, list[Edit]] = {}
    rules: dict[str, set[str]] = {}
    for diagnostic, fix in fixes:
        for path, group in _grouped(fix.edits).items():
            edits.setdefault(path, []).extend(group)
            rules.setdefault(path, set()).add(diagnostic.rule)
    return {path: in_order(group) for path, group in edits.items()}, rules


def _grouped(edits: Iterable[Edit]) -> dict[str, list[Edit]]:
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        groups.setdefault(edit.path, []).append(edit)
    return groups
