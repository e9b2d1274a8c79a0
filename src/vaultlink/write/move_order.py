"""Order the moves of a run so that each new name is free when it is needed.

Nothing is read from disk here. A move that blocks itself, as in an exchange of two names, goes
through a temporary name. Names that differ only in case or Unicode form count as one, as on some
disks.
"""

import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_TEMPORARY_PREFIX = ".moving-vaultlink-"
"""Begins the temporary names of moved files. They are not removed as strays: they hold notes."""

Move = tuple[str, str]
"""The old and the new vault path of a file or folder, without a slash at the end."""

_Blockers = list[dict[int, bool]]
"""The moves to make before each move, by number.

The value is True if the other one must have reached its new path, False if it is enough that it has
left its old path.
"""


class MoveStep(NamedTuple):
    """An elementary rename, with the number of the move that it belongs to."""

    number: int
    source: str
    target: str


def order_moves(moves: Sequence[Move], temporary_paths: Sequence[str]) -> list[MoveStep]:
    """Return the elementary renames in order; cycles use temporary paths."""
    blockers = _find_blockers(moves)
    blocked: list[list[int]] = [[] for _ in moves]
    for number, others in enumerate(blockers):
        for other in others:
            blocked[other].append(number)
    steps: list[MoveStep] = []
    waiting = dict.fromkeys(range(len(moves)))
    parked: set[int] = set()
    free = deque(number for number in waiting if not blockers[number])
    while waiting:
        if free:
            number = free.popleft()
            del waiting[number]
            source = temporary_paths[number] if number in parked else moves[number][0]
            steps.append(MoveStep(number, source, moves[number][1]))
        else:
            number = _find_in_cycle(blockers, next(iter(waiting)))
            parked.add(number)
            steps.append(MoveStep(number, moves[number][0], temporary_paths[number]))
        for other in blocked[number]:
            if number in blockers[other] and (number not in waiting or not blockers[other][number]):
                del blockers[other][number]
                if not blockers[other]:
                    free.append(other)
    return steps


def list_temporary_paths(moves: Sequence[Move], token: str) -> list[str]:
    """Return a hidden path for each move, beside its old path.

    None of them is in a folder that is moved. `token` makes the names unique.
    """
    olds = {old for old, _ in moves}
    paths = []
    for number, (old, _) in enumerate(moves):
        outermost = [path for path in list_ancestors(old) if path in olds] or [old]
        folder, slash, _ = outermost[-1].rpartition("/")
        paths.append(f"{folder}{slash}{_TEMPORARY_PREFIX}{token}-{number}")
    return paths


def map_path(path: str, moves: Mapping[str, str]) -> str:
    """Return where a file is after the moves, which may move it or a folder above it."""
    for prefix in (path, *list_ancestors(path)):
        if prefix in moves:
            return moves[prefix] + path[len(prefix) :]
    return path


def fold_path(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def list_ancestors(path: str) -> Iterator[str]:
    """Yield the folders above a path, inner ones first."""
    while "/" in path:
        path = path[: path.rindex("/")]
        yield path


def _find_blockers(moves: Sequence[Move]) -> _Blockers:
    olds = {fold_path(old): number for number, (old, _) in enumerate(moves)}
    news = {fold_path(new): number for number, (_, new) in enumerate(moves)}
    inner_olds: dict[str, list[int]] = {}
    for old, number in olds.items():
        for folder in list_ancestors(old):
            inner_olds.setdefault(folder, []).append(number)
    blockers: _Blockers = []
    for number, (old_path, new_path) in enumerate(moves):
        old, new = fold_path(old_path), fold_path(new_path)
        leaving = [*inner_olds.get(new, ()), *inner_olds.get(old, ())]
        if olds.get(new, number) != number:
            leaving.append(olds[new])
        leaving += [olds[folder] for folder in list_ancestors(new) if folder in olds]
        arriving = [news[folder] for folder in list_ancestors(new) if folder in news]
        blockers.append(dict.fromkeys(leaving, False) | dict.fromkeys(arriving, True))
    return blockers


def _find_in_cycle(blockers: _Blockers, start: int) -> int:
    """Return a move of a cycle whose old path blocks another move of the cycle.

    There is one: moves that only wait for others to arrive have ever shorter new paths.
    """
    order = {start: 0}
    current = start
    while True:
        current = next(iter(blockers[current]))
        if current in order:
            break
        order[current] = len(order)
    cycle = [*order][order[current] :]
    return next(
        blocker
        for number, blocker in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        if not blockers[number][blocker]
    )
