"""In which order a section lists its notes, where that is more than their titles or paths."""

from collections.abc import Callable, Mapping

from vaultlink.backlinks.expected import ExpectedSection
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.model import Place

_DAMPING = 0.85
_MAX_ROUNDS = 100
_TOLERANCE = 1e-9


def order_backlinks(
    wanted: ExpectedSection, order: str, index: Index, modified: Callable[[str], int]
) -> list[str]:
    """The paths that a section holds, as they are listed; equals in the order of titles."""
    held = list(wanted.entries)
    if order == "rank":
        rank = index.derive(compute_pagerank)
        held.sort(key=lambda path: -rank.get(path, 0.0))
    elif order == "recent":
        held.sort(key=lambda path: -modified(path))
    return held


def compute_pagerank(index: Index) -> Mapping[str, float]:
    """The PageRank of each note: how often a reader who follows links at random comes by. Links in sections are not
    followed."""
    paths = sorted(path for path in index.notes if is_note(path))
    number = {path: place for place, path in enumerate(paths)}
    ways = [
        [
            number[target]
            for link, target in index.resolved_links(path)
            if target in number and link.place is not Place.SECTION
        ]
        for path in paths
    ]
    count = len(paths)
    now = [1 / count] * count
    for _ in range(_MAX_ROUNDS):
        lost = sum(share for share, onward in zip(now, ways, strict=True) if not onward)
        after = [(1 - _DAMPING + _DAMPING * lost) / count] * count
        for share, onward in zip(now, ways, strict=True):
            if onward:
                part = _DAMPING * share / len(onward)
                for goal in onward:
                    after[goal] += part
        moved = sum(abs(one - other) for one, other in zip(now, after, strict=True))
        now = after
        if moved < _TOLERANCE:
            break
    return {path: round(share, 12) for path, share in zip(paths, now, strict=True)}
