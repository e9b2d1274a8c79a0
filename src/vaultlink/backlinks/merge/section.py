"""Merge three versions of a section.

Entries are a set: those that either side added are kept, those that either side removed are not.
Typed text is kept, unless one side deleted it and the other did not change it. A missing section
has no items, and a section that vaultlink wrote is removed if it would have none.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from vaultlink.backlinks.merge.contents import (
    MENTIONS_KEY,
    EntryKey,
    MergeEntry,
    MergeLine,
    SectionContents,
    read_contents,
)
from vaultlink.backlinks.merge.three_way import (
    CannotMerge,
    ThreeWay,
    merge_lists,
    pick_changed,
    pick_present,
)
from vaultlink.backlinks.placement import format_begin_marker
from vaultlink.index.conflicts import has_merge_markers
from vaultlink.parse.backlinks_markers import find_marker_pairs
from vaultlink.text import lazy_pattern

LineEndCounts = tuple[int, int]
"""Numbers of line ends that were added before and after a section."""


def merge_section(
    texts: ThreeWay[str | None], counts: ThreeWay[LineEndCounts | None]
) -> str | None:
    """Return a merged section, from marker to marker; None if it is removed.

    Raises:
        CannotMerge: The versions can't be merged safely.
    """
    if texts.ours == texts.theirs or texts.base in (texts.ours, texts.theirs):
        text = pick_changed(texts)
    else:
        line_end = pick_present(texts.map(_detect_line_end)) or "\n"
        text = _merge_contents(
            texts.map(
                lambda text: (
                    read_contents(text.replace("\r\n", "\n")) if text else SectionContents()
                )
            )
        )
        text = text and text.replace("\n", line_end)
    return text and _update_marker_counts(text, counts)


def _detect_line_end(text: str | None) -> str | None:
    """Return the line end of a section; None for a missing section."""
    if text is None:
        return None
    windows = text.count("\r\n")
    if (
        text.count("\r") != windows
        or windows not in (0, text.count("\n"))
        or has_merge_markers(text)
    ):
        raise CannotMerge("a section has mixed line ends or an unresolved conflict")
    return "\r\n" if windows else "\n"


def _update_marker_counts(text: str, counts: ThreeWay[LineEndCounts | None]) -> str:
    """Update the counts of line ends, which each side may have changed."""
    [pair] = find_marker_pairs(text, 0)
    before, after = (
        pick_present(counts.map(lambda count, index=index: count and count[index]))  # type: ignore[misc]
        for index in (0, 1)
    )
    if (
        pair.adopted
        or None in (before, after)
        or (pair.newlines_before, pair.newlines_after) == (before, after)
    ):
        return text
    return format_begin_marker(f"before={before} after={after}") + text[pair.begin_end :]


def _merge_contents(versions: ThreeWay[SectionContents]) -> str | None:
    kept_keys = {
        key
        for key in (*versions.ours.keys, *versions.theirs.keys)
        if _should_keep(_entry_versions(versions, key))
    }
    is_grouped = pick_present(
        versions.map(lambda version: version.is_grouped if version.entries else None)
    )
    entries = {
        key: _merge_entry(_entry_versions(versions, key), is_grouped=bool(is_grouped))
        for key in kept_keys
    }
    typed_lines = versions.map(lambda version: version.group_typed_lines(kept_keys))
    lines: list[MergeLine] = []
    group = ""
    for key in (None, *order_merged_entries(kept_keys, entries, versions)):
        if key and entries[key].group not in ("", group):
            group = entries[key].group
            lines.append(MergeLine(group, "\n\n"))
            entries[key] = entries[key]._replace(gap="\n\n")
        lines += [_join_entry(entries[key])] if key else []
        lines += merge_lists(typed_lines.map(lambda groups, key=key: groups.get(key, [])))  # type: ignore[misc]
    is_adopted = pick_present(versions.map(lambda version: version.is_adopted))
    heading = _merge_heading(versions)
    if not lines and not is_adopted:
        if heading.strip() != (versions.base.heading or "").strip():
            raise CannotMerge("a section has a new heading and no entries")
        return None
    text = "".join(
        [
            _merge_marker(versions, bool(is_adopted)),
            heading,
            *_add_gaps(lines, versions),
            pick_present(versions.map(lambda version: version.tail)) or "",
        ]
    )
    _verify_merge(text, versions)
    return text


def _entry_versions(
    versions: ThreeWay[SectionContents], key: EntryKey
) -> ThreeWay[MergeEntry | None]:
    return versions.map(lambda version: version.entries.get(key))


def _should_keep(versions: ThreeWay[MergeEntry | None]) -> bool:
    """Keep an entry that one side removed only if the other added lines below it."""
    base, ours, theirs = versions
    present = ours or theirs
    if base is None or (ours and theirs) or present is None:
        return present is not None
    return bool(set(present.below) - set(base.below))


def _merge_entry(versions: ThreeWay[MergeEntry | None], *, is_grouped: bool) -> MergeEntry:
    base, ours, theirs = versions
    group = pick_present(versions.map(lambda entry: entry.group or None if entry else None))
    group = (group or "") if is_grouped else ""
    if ours is None or theirs is None:
        [entry] = [entry for entry in (ours, theirs) if entry]
        return entry._replace(group=group)
    merged = theirs if base and ours.line == base.line else ours
    below = merge_lists(versions.map(lambda entry: entry.below if entry else ()))
    gap = pick_present(versions.map(lambda entry: entry.gap if entry else None))
    return merged._replace(below=tuple(below), gap=gap, group=group)


def _join_entry(entry: MergeEntry) -> MergeLine:
    return MergeLine(
        entry.line + "".join(f"{line.gap}{line.text}" for line in entry.below), entry.gap
    )


def _merge_marker(versions: ThreeWay[SectionContents], is_adopted: bool) -> str:
    """Return the begin marker of one side, or a new one if that one is wrong."""
    marker = pick_present(versions.map(lambda version: version.marker)) or ""
    marker_is_adopted = next(
        version.is_adopted
        for version in (versions.ours, versions.theirs)
        if version.marker == marker
    )
    return (
        marker
        if marker_is_adopted == is_adopted
        else format_begin_marker("adopted" if is_adopted else "before=0 after=0")
    )


def _merge_heading(versions: ThreeWay[SectionContents]) -> str:
    """Return the text between the marker and the first item.

    Raises:
        CannotMerge: Both sides changed the heading; both may be typed by a person.
    """
    heading = pick_present(versions.map(lambda version: version.heading)) or ""
    for side in (versions.ours, versions.theirs):
        if side.heading is not None and side.heading.strip() not in (
            heading.strip(),
            (versions.base.heading or "").strip(),
        ):
            raise CannotMerge("both sides changed the heading of a section")
    return heading


def _add_gaps(lines: list[MergeLine], versions: ThreeWay[SectionContents]) -> Iterable[str]:
    """Yield the lines of a section, each with the line ends before it."""
    usual_gap = _find_usual_gap(versions)
    for number, line in enumerate(lines):
        gap = (
            line.gap
            if number
            else pick_present(versions.map(lambda version: version.first_gap)) or "\n\n"
        )
        yield (gap or usual_gap) + line.text


def _find_usual_gap(versions: ThreeWay[SectionContents]) -> str:
    """Return the line ends between a section's entries."""
    entries = [
        entry
        for version in (versions.ours, versions.theirs, versions.base)
        for entry in version.entries.values()
    ]
    gap = next((entry.gap for entry in entries if entry.gap), None)
    return gap or ("\n" if entries and entries[0].parsed.is_list_item else "\n\n")


def _verify_merge(text: str, versions: ThreeWay[SectionContents]) -> None:
    """Check that a merged section is valid and has all newly typed lines.

    Raises:
        CannotMerge: It is not, or a line that somebody typed since the base is missing.
    """
    new: Mapping[str, set[str]] = {
        side: getattr(versions, side).typed_lines() - versions.base.typed_lines()
        for side in ("ours", "theirs")
    }
    if not new["ours"] | new["theirs"] <= read_contents(text).typed_lines():
        raise CannotMerge("a typed line would be lost")


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
