"""Find the most frequent case of the tags of a vault, level by level.

Tags are compared in groups that are equal except for case up to a level. A group of one tag has no
variants below that level, so that the time grows with the length of the tags, not with its square.
"""

from collections.abc import Iterator, Mapping

_Variant = list[tuple[str, int]]
"""Tags with equal levels up to an offset, and the offset at which the next level starts."""


def find_usual_tags(uses: Mapping[str, int]) -> dict[str, str]:
    """Return the tags that differ from the most frequent case, with that case.

    `uses` is the number of uses of each tag. A use of a nested tag is also one of its parents. If
    two variants are equally frequent, the first in the order of code points is the usual one.
    """
    changes: dict[str, list[tuple[int, int, str]]] = {}
    groups: list[list[_Variant]] = [[[(name, 0) for name in uses]]]
    while groups:
        for usual, group in _split_by_level(groups.pop(), uses):
            if sum(map(len, group)) < 2:
                continue
            groups.append(group)
            for variant in group:
                for name, end in variant:
                    start = name.rfind("/", 0, end - 1) + 1
                    if name[start : end - 1] != usual:
                        changes.setdefault(name, []).append((start, end - 1, usual))
    return {name: _apply_changes(name, levels) for name, levels in changes.items()}


def _split_by_level(
    variants: list[_Variant], uses: Mapping[str, int]
) -> Iterator[tuple[str, list[_Variant]]]:
    """Yield the groups of a group at the next level, and the usual case of that level."""
    groups: dict[str, dict[tuple[int, str], _Variant]] = {}
    for number, variant in enumerate(variants):
        for name, start in variant:
            if start > len(name):
                continue
            end = name.find("/", start)
            end = len(name) if end == -1 else end
            level = name[start:end]
            below = groups.setdefault(level.lower(), {})
            below.setdefault((number, level), []).append((name, end + 1))
    for below in groups.values():
        keys = sorted(below)
        usual = max(keys, key=lambda key: sum(uses[name] for name, _ in below[key]))
        yield usual[1], [below[key] for key in keys]


def _apply_changes(name: str, changes: list[tuple[int, int, str]]) -> str:
    """Replace spans of a tag, which are in order."""
    parts: list[str] = []
    done = 0
    for start, end, level in changes:
        parts += name[done:start], level
        done = end
    return "".join((*parts, name[done:]))
