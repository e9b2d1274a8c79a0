"""Order the entries of a merged section: sorted if all versions are."""

from collections.abc import Callable, Collection, Mapping, Sequence

from vaultlink.backlinks.merge.contents import (
    MENTIONS_KEY,
    EntryKey,
    MergeEntry,
    SectionContents,
)
from vaultlink.backlinks.merge.three_way import ThreeWay
from vaultlink.text import lazy_pattern

_BACKSLASH_ESCAPE = lazy_pattern(r"\\(?=[!-/:-@\[-`{-~])")

SortKey = Callable[[EntryKey, MergeEntry], tuple[str, ...]]


def order_merged_entries(
    kept_keys: Collection[EntryKey],
    entries: Mapping[EntryKey, MergeEntry],
    versions: ThreeWay[SectionContents],
) -> list[EntryKey]:
    """Return the keys of the kept entries, in order; `entries` are the merged ones.

    They are sorted by title or target if all versions are; else they are in the order of one side:
    theirs if only they changed the order, otherwise ours. Groups stay together, in their order, and
    the list of mentions is last.
    """
    ordered = _order_keys(kept_keys, entries, versions)
    return sorted(ordered, key=lambda key: _group_key(key, entries[key]))


def _group_key(key: EntryKey, entry: MergeEntry) -> tuple[bool, str, str]:
    text = _BACKSLASH_ESCAPE.sub("", entry.group)[2:-3]  # the marks and the last slash
    return key == MENTIONS_KEY, text.casefold(), text


def _order_keys(
    kept_keys: Collection[EntryKey],
    entries: Mapping[EntryKey, MergeEntry],
    versions: ThreeWay[SectionContents],
) -> list[EntryKey]:
    for sort_key in (_title_key, _target_key):
        if all(_is_sorted(version, sort_key) for version in versions):
            return sorted(kept_keys, key=lambda key: sort_key(key, entries[key]))
    keys = versions.map(lambda version: version.keys)
    if _is_in_base_order(keys.ours, keys.base) and not _is_in_base_order(keys.theirs, keys.base):
        return _insert_missing(kept_keys, keys.theirs, keys.ours)
    return _insert_missing(kept_keys, keys.ours, keys.theirs)


def _title_key(key: EntryKey, entry: MergeEntry) -> tuple[str, ...]:
    return _BACKSLASH_ESCAPE.sub("", entry.parsed.title or entry.parsed.display).casefold(), key[0]


def _target_key(key: EntryKey, _: MergeEntry) -> tuple[str, ...]:
    return (key[0],)


def _is_sorted(version: SectionContents, sort_key: SortKey) -> bool:
    sort_values = [
        (_group_key(key, entry), sort_key(key, entry)) for key, entry in version.entries.items()
    ]
    return sort_values == sorted(sort_values)


def _is_in_base_order(keys: Sequence[EntryKey], base: Sequence[EntryKey]) -> bool:
    """Return True if the keys that are also in the base have the base's order."""
    return [key for key in keys if key in base] == [key for key in base if key in keys]


def _insert_missing(
    kept_keys: Collection[EntryKey], first: Sequence[EntryKey], second: Sequence[EntryKey]
) -> list[EntryKey]:
    """Return the kept keys in the order of the first list.

    Keys that only the second list has follow the key that precedes them there.
    """
    ordered = [key for key in first if key in kept_keys]
    position = 0
    for key in second:
        if key in ordered:
            position = ordered.index(key) + 1
        elif key in kept_keys:
            ordered.insert(position, key)
            position += 1
    return ordered
