"""Compare files by their names: extensions, equal names, series of numbers."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from vaultlink.index.resolve import file_name, name_key
from vaultlink.text import group_by, lazy_pattern

_DIGITS = lazy_pattern(r"\d+")
_DATED_NAME = lazy_pattern(r"(?:.*\D)?\d{4}\D?(?:W?\d\d?)(?:\D?\d\d)?(?:\D.*)?")


def is_same_series(old: str, new: str, *, dated: bool = False) -> bool:
    """Return True if two file names differ only in numbers, as daily notes do.

    Such files come from one template and are similar, but none of them is a renamed other. With
    `dated` only names with dates count. The same numbers with zeros in front, or in another order,
    are no other numbers.
    """
    old_name, new_name = (path[path.rfind("/") + 1 :] for path in (old, new))
    if old_name == new_name or _DIGITS.sub("0", old_name) != _DIGITS.sub("0", new_name):
        return False
    if _list_numbers(old_name) == _list_numbers(new_name):
        return False
    return not dated or _DATED_NAME.fullmatch(old_name.rpartition(".")[0]) is not None


def number_pattern(path: str) -> str:
    """Return a path with 0 for each number of the file name. It is equal in a series."""
    start = path.rfind("/") + 1
    return path[:start] + _DIGITS.sub("0", path[start:])


def _list_numbers(name: str) -> list[int]:
    return sorted(int(number) for number in _DIGITS.findall(name))


def list_unique_names(before: Iterable[str], now: Iterable[str]) -> dict[str, str]:
    """Map each path to the one with its file name, if no other path has it."""
    old, new = group_by(before, name_key), group_by(now, name_key)
    return {
        paths[0]: new[name][0]
        for name, paths in old.items()
        if len(paths) == 1 and len(new.get(name, ())) == 1
    }


# -- files with the same content -------------------------------------------------------------------

_MAX_PAIRS = 4_000_000
"""Maximum number of pairs of files with the same content that are compared by their paths."""


def pair_names(
    old_paths: Collection[str], new_paths: Collection[str], is_empty: bool, any_alike: bool
) -> Iterator[tuple[str, str]]:
    """Yield the pairs of files with the same content, by their paths.

    One that is alone is paired whatever its path is. Clear pairs are taken out before the others
    are looked at again.
    """
    if len(old_paths) == len(new_paths) == 1 and not is_empty:
        yield next(iter(old_paths)), next(iter(new_paths))
        return
    if len(old_paths) * len(new_paths) > _MAX_PAIRS:
        return
    scores = {
        (old, new): score
        for old in old_paths
        for new in new_paths
        if any(score := _compare_paths(old, new)) and (score[0] or not is_empty)
    }
    if any_alike:
        yield from pick_best(
            {(old, new): (0, False) for old in old_paths for new in new_paths} | scores
        )
        return
    while clear := _find_clear(scores):
        yield from clear
        olds, news = {old for old, _ in clear}, {new for _, new in clear}
        scores = {
            pair: score
            for pair, score in scores.items()
            if pair[0] not in olds and pair[1] not in news
        }


def _compare_paths(old: str, new: str) -> "_Score":
    """Return the number of equal names from the end, and True for one folder."""
    old_parts, new_parts = old.casefold().split("/"), new.casefold().split("/")
    return count_equal(old_parts[::-1], new_parts[::-1]), old_parts[:-1] == new_parts[:-1]


def count_equal(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of equal items at the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


_Pair = tuple[str, str]
_Score = tuple[int, bool]


def _find_clear(scores: Mapping[_Pair, _Score]) -> list[_Pair]:
    """Return the pairs with a higher score than any other pair with either path."""
    best: dict[tuple[int, str], list[_Score]] = {}
    for pair, score in scores.items():
        for end in enumerate(pair):
            best[end] = sorted((*best.get(end, ()), score))[-2:]
    return [
        pair
        for pair, score in scores.items()
        if all(best[end][-1] == score and best[end].count(score) == 1 for end in enumerate(pair))
    ]


def pick_best(scores: Mapping[_Pair, Any]) -> Iterator[_Pair]:
    """Yield the best pairs, each path once; of equals, those with one name first."""
    used: set[tuple[int, str]] = set()

    def has_same_name(pair: _Pair) -> bool:
        return file_name(pair[0]).casefold() == file_name(pair[1]).casefold()

    ranked = sorted(scores, key=lambda pair: (not has_same_name(pair), pair))
    for pair in sorted(ranked, key=lambda pair: scores[pair], reverse=True):
        ends = {(0, pair[0]), (1, pair[1])}
        if not ends & used:
            used |= ends
            yield pair
