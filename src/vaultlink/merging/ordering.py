"""In which order the entries of a merged section stand: sorted if its versions are, else as ours has them."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from vaultlink.merging.contents import Contents, Entry, Key
from vaultlink.merging.threes import Three

_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")

Rank = Callable[[Key, Entry], tuple[str, ...]]


def ordered(
    alive: Collection[Key], entries: Mapping[Key, Entry], versions: Three[Contents]
) -> list[Key]:
    """The keys of the entries that stay, in order; `entries` are the merged ones."""
    for rank in (_title, _target):
        if all(_is_sorted(version, rank) for version in versions):
            return sorted(alive, key=lambda key: rank(key, entries[key]))
    keys = versions.each(lambda version: version.keys)
    if _in_order(keys.ours, keys.base) and not _in_order(keys.theirs, keys.base):
        return _inserted(alive, keys.theirs, keys.ours)
    return _inserted(alive, keys.ours, keys.theirs)


def _title(key: Key, entry: Entry) -> tuple[str, ...]:
    return _ESCAPED.sub("", entry.named.title or entry.named.shown).casefold(), key[0]


def _target(key: Key, _: Entry) -> tuple[str, ...]:
    return (key[0],)


def _is_sorted(version: Contents, rank: Rank) -> bool:
    ranks = [rank(key, entry) for key, entry in version.entries.items()]
    return ranks == sorted(ranks)


def _in_order(keys: Sequence[Key], base: Sequence[Key]) -> bool:
    """Whether what is left of the base stands in the base's order."""
    return [key for key in keys if key in base] == [key for key in base if key in keys]


def _inserted(alive: Collection[Key], first: Sequence[Key], second: Sequence[Key]) -> list[Key]:
    """The keys that stay as the first list has them, those of the second alone behind what precedes them there."""
    found = [key for key in first if key in alive]
    at = 0
    for key in second:
        if key in found:
            at = found.index(key) + 1
        elif key in alive:
            found.insert(at, key)
            at += 1
    return found
