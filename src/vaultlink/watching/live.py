"""A vault kept alive: its state, its graph and its figures, brought up to date look by look.

What was seen on disk enters, a batch leaves: what came of it. Nothing is written to the vault here.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import compress, filterfalse
from operator import is_not
from typing import NamedTuple

import msgspec

from vaultlink.api import Vault
from vaultlink.engine import Change, Examined, State, step
from vaultlink.graph import LiveGraph
from vaultlink.loading import changes_at
from vaultlink.model import Note, Tally
from vaultlink.resolve import is_note
from vaultlink.survey import Survey
from vaultlink.watching.batch import Batch, Cause, Fixed, Reported, Totals
from vaultlink.watching.difference import Known, delta, differing, identified
from vaultlink.watching.ignored import with_ignored
from vaultlink.watching.looking import Look
from vaultlink.watching.moving import Moving


class _Counts(NamedTuple):
    """What adds up in a state: its notes, and their links."""

    state: State
    notes: int
    links: Tally


class _Difference(NamedTuple):
    """Where findings differ, what tells those apart that are there now, and those that are new or healed."""

    paths: list[str]
    known: Known
    new: list[Reported]
    healed: list[Reported]


class Prepared(NamedTuple):
    """What will come of a look at a vault in a state, and whether there is anything to tell of it."""

    before: State
    look: Look
    seen: Survey
    state: State
    moving: Moving
    cause: Cause
    told: bool
    difference: _Difference


class Live:
    """A vault that is watched; `vault` is as it was last seen."""

    def __init__(self, vault: Vault):
        self.vault = vault
        self._number = 0
        self._moving = Moving(vault.state.setting.moves)
        vault.index.warm()
        self._graph = LiveGraph(vault.index)
        self._known = identified(vault.state.diagnostics, vault.state.diagnostics, vault.text)
        self._counts = _counted(vault.state)

    @property
    def seen(self) -> Survey:
        """The vault's files as they were last seen."""
        return self.vault.seen

    @property
    def graph(self) -> LiveGraph:
        """The vault's graph, changed in place and so always the same object."""
        self._graph.follow(self.vault.index)
        return self._graph

    def catch_up(self) -> None:
        """Bring up to date what is brought up to date when it is asked for, so that nobody has to wait for it then."""
        self.totals()

    def opened(self) -> Batch:
        """The vault as it was found."""
        found = self.vault.state.diagnostics
        new, _ = delta(({}, {}), (found, self._known), list(found), {})
        return self._batch(Cause(), new, [])

    def take(self, look: Look, fixed: Fixed | None = None) -> Batch | None:
        """Bring the vault up to date with what was seen; None if nothing in it is otherwise than it was."""
        return self.commit(self.prepare(look), fixed)

    def prepare(self, look: Look) -> Prepared:
        """Work out what would come of a look. Nothing is changed by that."""
        before, state, moving = self.vault, self.vault.state, self._moving.copy()
        seen = with_ignored(look.seen, look.came)
        setting = state.setting if seen.ignored is before.seen.ignored else before.setting_of(seen)
        changes = list(changes_at(seen, setting, look.paths))
        changed = [change for change in changes if _differs(state, change)]
        moved = self._follow(moving, look, changes)
        moves = moving.now(seen.listing.files) if look.moved else state.setting.moves
        if moves != setting.moves:
            setting = replace(setting, moves=moves)
        if changed or setting is not state.setting:
            state = step(state, changed, setting)
        told = bool(changed or look.saved)
        cause = _cause(look, moved, {change.path for change in changed})
        went, came = frozenset(look.went), frozenset(look.came)
        along = {
            old: new for old, new in moved.items() if old in went and new in came
        }  # else both were told of apart
        return Prepared(
            before.state, look, seen, state, moving, cause, told, self._difference(state, along)
        )

    def holds(self, prepared: Prepared, look: Look) -> bool:
        """Whether what was worked out is what would come of another look, now."""
        return prepared.before is self.vault.state and look.alike(prepared.look)

    def commit(self, prepared: Prepared, fixed: Fixed | None = None) -> Batch | None:
        """Let what was worked out be so; None if there is nothing to tell of it."""
        self.vault, self._moving = (
            self.vault.renewed(prepared.seen, prepared.state),
            prepared.moving,
        )
        if not (prepared.told or fixed):
            return None
        return self._told(Cause() if fixed else prepared.cause, prepared.difference, fixed)

    def replaced(self, vault: Vault, cause: Cause) -> Batch:
        """The vault was read anew, under other settings or after it had been away."""
        self._moving.learn(vault.state.setting.moves)
        vault.index.warm()
        moves = self._moving.now(vault.seen.listing.files)
        if moves != vault.state.setting.moves:
            vault = vault.renewed(
                vault.seen, step(vault.state, [], replace(vault.state.setting, moves=moves))
            )
        difference = self._difference(vault.state, {})
        self.vault = vault
        return self._told(cause, difference)

    def learn(self, moves: Mapping[str, str], words: str) -> Batch | None:
        """Somebody else tells where files went; None if that is nothing new."""
        self._moving.learn(moves)
        before = self.vault.state
        now = self._moving.now(self.seen.listing.files)
        if now == before.setting.moves:
            return None
        state = step(before, [], replace(before.setting, moves=now))
        difference = self._difference(state, {})
        self.vault = self.vault.renewed(self.seen, state)
        return self._told(Cause(words=words), difference)

    # -- what came of it ------------------------------------------------------------------------------------------

    def _follow(self, moving: Moving, look: Look, changes: list[Change]) -> dict[str, str]:
        """What the look tells of files that went elsewhere."""
        old, now = self.seen.listing.files, look.seen.listing.files
        fresh = {
            change.path: change.content.note
            for change in changes
            if isinstance(change.content, Examined)
        }
        notes: Callable[[str], Note | None] = self.vault.index.notes.get
        for path in look.went:
            moving.went(path, old[path], notes(path))
        for path in look.came:
            moving.came(path, now[path], fresh.get(path))
        for path in look.saved:
            moving.saved(path, now[path], fresh.get(path))
        return moving.pairs() if look.moved else {}

    def _difference(self, after: State, moved: Mapping[str, str]) -> _Difference:
        """What is new and what is healed in a later state."""
        before = self.vault.state.diagnostics
        paths = differing(before, after.diagnostics)
        fresh = identified(after.diagnostics, paths, self.vault.text)
        ways = (before, self._known), (after.diagnostics, fresh)
        return _Difference(paths, fresh, *delta(*ways, paths, moved))

    def _told(self, cause: Cause, difference: _Difference, fixed: Fixed | None = None) -> Batch:
        """The batch of a difference, which is none any more."""
        for path in difference.paths:
            if path in difference.known:
                self._known[path] = difference.known[path]
            else:
                self._known.pop(path, None)
        return self._batch(cause, difference.new, difference.healed, fixed)

    def _batch(
        self, cause: Cause, new: list[Reported], healed: list[Reported], fixed: Fixed | None = None
    ) -> Batch:
        number, self._number = self._number, self._number + 1
        return Batch(
            number, time.time_ns(), cause, tuple(new), tuple(healed), self.totals, self.vault, fixed
        )

    def totals(self) -> Totals:
        """The vault in figures."""
        self._counts = state, notes, links = _recounted(self._counts, self.vault.state)
        findings = sum(map(len, state.diagnostics.values()))
        return Totals(notes, len(state.index.files) - notes, links, self.graph.topics, findings)


def _differs(state: State, change: Change) -> bool:
    """Whether a note, as it was read now, is another than it was, or is found other things in. Files without a text come or
    go, else they are in no change."""
    content, note = change.content, state.index.notes.get(change.path)
    if not isinstance(content, Examined) or note is None:
        return True
    scopes = state.setting.scopes
    own = tuple(item for item in state.found.get(change.path, ()) if scopes[item.rule] == "note")
    return note != content.note or own != content.diagnostics


def _cause(look: Look, moved: Mapping[str, str], changed: set[str]) -> Cause:
    news = set(moved.values())
    saved = (*look.saved, *(path for path in look.doubtful if path in changed))
    return Cause(
        tuple(sorted(saved)),
        tuple(path for path in look.came if path not in news),
        tuple(path for path in look.went if path not in moved),
        tuple(sorted(moved.items())),
    )


# -- figures --------------------------------------------------------------------------------------------------------


def _counted(state: State) -> _Counts:
    rows = [msgspec.structs.astuple(tally) for tally in state.tallies.values()]
    return _Counts(
        state,
        sum(map(is_note, state.index.files)),
        Tally(*[sum(column) for column in zip(*rows, strict=True)]),
    )


def _recounted(counts: _Counts, after: State) -> _Counts:
    """The counts of a later state, at the cost of what differs."""
    if counts.state is after:
        return counts
    before, notes = counts.state, counts.notes
    if before.index.files is not after.index.files:
        notes += sum(map(is_note, after.index.files - before.index.files))
        notes -= sum(map(is_note, before.index.files - after.index.files))
    paths = list(
        compress(
            after.tallies,
            map(is_not, map(before.tallies.get, after.tallies), after.tallies.values()),
        )
    )
    gone = filterfalse(after.tallies.__contains__, before.tallies)
    links = msgspec.structs.astuple(counts.links)
    for sign, side, some in ((1, after, paths), (-1, before, [*paths, *gone])):
        for tally in map(side.tallies.get, some):
            if tally is not None:
                links = tuple(
                    [
                        had + sign * more
                        for had, more in zip(links, msgspec.structs.astuple(tally), strict=True)
                    ]
                )
    return _Counts(after, notes, Tally(*links))
