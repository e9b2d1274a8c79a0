"""Order the entries of a section by title, path, rank or time."""

from collections.abc import Callable, Mapping

from vaultlink.backlinks.expected import ExpectedSection
from vaultlink.backlinks.groups import group_key
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.model import Place

_DAMPING = 0.85
_MAX_ROUNDS = 100
_TOLERANCE = 1e-9


def order_backlinks(
    expected: ExpectedSection, order: str, index: Index, modified: Callable[[str], int]
) -> list[str]:
    """Return the paths of a section's entries in the configured order.

    Entries with equal rank or time are ordered by title. Groups stay together.
    """
    paths = list(expected.entries)
    if order == "rank":
        rank = index.derive(compute_pagerank)
        paths.sort(key=lambda path: -rank.get(path, 0.0))
    elif order == "recent":
        paths.sort(key=lambda path: -modified(path))
    if expected.is_grouped:
        paths.sort(key=group_key)
    return paths


def compute_pagerank(index: Index) -> Mapping[str, float]:
    """Return the PageRank of each note.

    It is the probability that a reader who follows links at random arrives at the note. Links in
    sections are not followed.
    """
    paths = sorted(path for path in index.notes if is_note(path))
    numbers = {path: number for number, path in enumerate(paths)}
    outgoing = [
        [
            numbers[target]
            for link, target in index.resolved_links(path)
            if target in numbers and link.place is not Place.SECTION
        ]
        for path in paths
    ]
    count = len(paths)
    ranks = [1 / count] * count
    for _ in range(_MAX_ROUNDS):
        dangling = sum(rank for rank, targets in zip(ranks, outgoing, strict=True) if not targets)
        new_ranks = [(1 - _DAMPING + _DAMPING * dangling) / count] * count
        for rank, targets in zip(ranks, outgoing, strict=True):
            if targets:
                share = _DAMPING * rank / len(targets)
                for target in targets:
                    new_ranks[target] += share
        change = sum(abs(old - new) for old, new in zip(ranks, new_ranks, strict=True))
        ranks = new_ranks
        if change < _TOLERANCE:
            break
    return {path: round(rank, 12) for path, rank in zip(paths, ranks, strict=True)}
