"""Cases of a replay: a link, and what it leads to after its target went."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from replay_history import PROBE, History

UNLINKABLE = frozenset("[]|#^%\n")
"""Characters that a wikilink can't contain in a path or heading."""


_UNIFORM_KINDS = ("authors", "deleted")
"""Kinds with one sort of cases."""


class Place(NamedTuple):
    """A file, and a heading or block in it ("" for none)."""

    path: str
    subpath: str = ""

    def __str__(self) -> str:
        return self.path + self.subpath


@dataclass(frozen=True, slots=True)
class Case:
    """A link whose target went.

    Attributes:
        kind: Kind of the replay, such as "pairs".
        sort: What happened to the target, such as "same text".
        former: The target before.
        truth: The target now; None if it is gone or unknown.
        is_scored: False if the truth is unknown.
        link: The link to add to the probe; "" for a link that the vault has.
        source: The note with the link.
        start: Offset of the link in its source; only for links that the vault has.
    """

    kind: str
    sort: str
    former: Place
    truth: Place | None
    is_scored: bool = True
    link: str = ""
    source: str = PROBE
    start: int = -1


@dataclass(slots=True)
class Event:
    """Commits that follow each other, and the cases that they make.

    The first number is that of the commit before them; both count from the oldest commit.
    """

    before: int
    after: int
    cases: list[Case] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Limits:
    """The number of commits of each kind in a history, and of cases in a commit."""

    commits: int
    cases: int
    tries: int
    seed: str

    def shuffle(self, numbers: Sequence[int], kind: str) -> list[int]:
        """Return numbers in an order that depends on the seed and the kind only."""
        order = sorted(numbers)
        Random(f"{self.seed}:{kind}").shuffle(order)
        return order

    def sample(self, cases: Sequence[Case], number: int) -> list[Case]:
        """Return at most `cases` of the cases, in their order."""
        chosen = list(range(len(cases)))
        Random(f"{self.seed}:{number}").shuffle(chosen)
        return [cases[index] for index in sorted(chosen[: self.cases])]


Finder = Callable[[History, int], list[Case]]
"""Returns the cases of a commit, given by its number."""


def sample_events(
    history: History, numbers: Sequence[int], find: Finder, limits: Limits, kind: str
) -> list[Event]:
    """Return events of single commits, as many as the limits allow.

    All sorts of cases occur alike if possible: they take turns in choosing an event. Events without
    a known truth are left out.
    """
    events = []
    for number in limits.shuffle(numbers, kind)[: limits.tries]:
        cases = limits.sample(find(history, number), number)
        if any(case.is_scored for case in cases):
            events.append(Event(number - 1, number, cases))
        if kind in _UNIFORM_KINDS and len(events) >= limits.commits:
            return events
    chosen: list[Event] = []
    queues = [
        [event for event in events if any(case.sort == sort for case in event.cases)]
        for sort in sorted(
            {case.sort for event in events for case in event.cases if case.is_scored}
        )
    ]
    while any(queues) and len(chosen) < limits.commits:
        for queue in queues:
            event = next((event for event in queue if event not in chosen), None)
            queue[:] = queue[queue.index(event) + 1 :] if event else []
            if event and len(chosen) < limits.commits:
                chosen.append(event)
    return chosen


def is_linkable(path: str) -> bool:
    """Return True if a wikilink can name a path or heading."""
    return UNLINKABLE.isdisjoint(path) and path.strip() == path and path.isprintable()


def write_link(place: Place) -> str:
    """Return the wikilink with the whole path of a note."""
    return f"[[{place.path.removesuffix('.md')}{place.subpath}]]"
