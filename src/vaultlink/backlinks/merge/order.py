"""In which order the entries of a merged section stand: sorted if its versions are, else as ours has them."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from vaultlink.backlinks.merge.contents import EntryKey, MergeEntry, SectionContents
from vaultlink.backlinks.merge.three_way import ThreeWay

_BACKSLASH_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")

SortKey = Callable[[EntryKey, MergeEntry], tuple[str, ...]]


def order_merged_entries(
    alive: Collection[EntryKey],
    entries: Mapping[EntryKey, MergeEntry],
    versions: ThreeWay[SectionContents],
) -> list[EntryKey]:
    """The keys of the entries that stay, in order; `entries` are the merged ones."""
    for rank in (_title_key, _target_key):
        if all(_is_sorted(version, rank) for version in versions):
            return sorted(alive, key=lambda key: rank(key, entries[key]))
    keys = versions.map(lambda version: version.keys)
    if _is_in_base_order(keys.ours, keys.base) and not _is_in_base_order(keys.theirs, keys.base):
        return _insert_missing(alive, keys.theirs, keys.ours)
    return _insert_missing(alive, keys.ours, keys.theirs)


def _title_key(key: EntryKey, entry: MergeEntry) -> tuple[str, ...]:
    return _BACKSLASH_ESCAPE.sub("", entry.parsed.title or entry.parsed.display).casefold(), key[0]


def _target_key(key: EntryKey, _: MergeEntry) -> tuple[str, ...]:
    return (key[0],)


def _is_sorted(version: SectionContents, rank: SortKey) -> bool:
    ranks = [rank(key, entry) for key, entry in version.entries.items()]
    return ranks == sorted(ranks)


def _is_in_base_order(keys: Sequence[EntryKey], base: Sequence[EntryKey]) -> bool:
    """Whether what is left of the base stands in the base's order."""
    return [key for key in keys if key in base] == [key for key in base if key in keys]


def _insert_missing(
    alive: Collection[EntryKey], first: Sequence[EntryKey], second: Sequence[EntryKey]
) -> list[EntryKey]:
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
