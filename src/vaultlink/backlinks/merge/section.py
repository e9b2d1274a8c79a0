"""Three versions of a section become one.

Its entries are a set: what either side added is in it, what either side removed of the base is not. What a person typed
stays, unless one side deleted it and the other left it alone. A section that is not there holds nothing, and one of
vaultlink's own that would hold nothing is not there.
"""

from collections.abc import Iterable, Mapping

from vaultlink.backlinks.merge.contents import (
    EntryKey,
    MergeEntry,
    MergeLine,
    SectionContents,
    read_contents,
)
from vaultlink.backlinks.merge.order import order_merged_entries
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

LineEndCounts = tuple[int, int]
"""How many line ends were written before and behind a section."""


def merge_section(
    texts: ThreeWay[str | None], counts: ThreeWay[LineEndCounts | None]
) -> str | None:
    """The text of a merged section, from marker to marker; None if there is none any more."""
    if texts.ours == texts.theirs or texts.base in (texts.ours, texts.theirs):
        text = pick_changed(texts)
    else:
        end = pick_present(texts.map(_detect_line_end)) or "\n"
        text = _merge_contents(
            texts.map(
                lambda text: (
                    read_contents(text.replace("\r\n", "\n")) if text else SectionContents()
                )
            )
        )
        text = text and text.replace("\n", end)
    return text and _update_marker_counts(text, counts)


def _detect_line_end(text: str | None) -> str | None:
    """How the lines of a section end; None if it has none."""
    if text is None:
        return None
    windows = text.count("\r\n")
    if (
        text.count("\r") != windows
        or windows not in (0, text.count("\n"))
        or has_merge_markers(text)
    ):
        raise CannotMerge("line ends of several kinds, or an older conflict, in a section")
    return "\r\n" if windows else "\n"


def _update_marker_counts(text: str, counts: ThreeWay[LineEndCounts | None]) -> str:
    """A section whose marker says how many line ends were written around it, which each side may have changed."""
    [pair] = find_marker_pairs(text, 0)
    before, after = (
        pick_present(counts.map(lambda count, place=place: count and count[place]))  # type: ignore[misc]
        for place in (0, 1)
    )
    if (
        pair.adopted
        or None in (before, after)
        or (pair.newlines_before, pair.newlines_after) == (before, after)
    ):
        return text
    return format_begin_marker(f"before={before} after={after}") + text[pair.begin_end :]


def _merge_contents(versions: ThreeWay[SectionContents]) -> str | None:
    alive = {
        key
        for key in (*versions.ours.keys, *versions.theirs.keys)
        if _should_keep(_entry_versions(versions, key))
    }
    entries = {key: _merge_entry(_entry_versions(versions, key)) for key in alive}
    runs = versions.map(lambda version: version.group_typed_lines(alive))
    flow: list[MergeLine] = []
    for key in (None, *order_merged_entries(alive, entries, versions)):
        flow += [_join_entry(entries[key])] if key else []
        flow += merge_lists(runs.map(lambda run, key=key: run.get(key, [])))  # type: ignore[misc]
    adopted = pick_present(versions.map(lambda version: version.is_adopted))
    heading = _merge_heading(versions)
    if not flow and not adopted:
        if heading.strip() != (versions.base.heading or "").strip():
            raise CannotMerge("a new heading with nothing below it")
        return None
    text = "".join(
        [
            _merge_marker(versions, bool(adopted)),
            heading,
            *_add_gaps(flow, versions),
            pick_present(versions.map(lambda version: version.tail)) or "",
        ]
    )
    _verify_merge(text, versions)
    return text


def _entry_versions(
    versions: ThreeWay[SectionContents], key: EntryKey
) -> ThreeWay[MergeEntry | None]:
    return versions.map(lambda version: version.entries.get(key))


def _should_keep(three: ThreeWay[MergeEntry | None]) -> bool:
    """Whether an entry stays: one that a side removed only if the other wrote something below it."""
    base, ours, theirs = three
    kept = ours or theirs
    if base is None or (ours and theirs) or kept is None:
        return kept is not None
    return bool(set(kept.below) - set(base.below))


def _merge_entry(three: ThreeWay[MergeEntry | None]) -> MergeEntry:
    base, ours, theirs = three
    if ours is None or theirs is None:
        [entry] = [entry for entry in (ours, theirs) if entry]
        return entry
    own = theirs if base and ours.line == base.line else ours
    below = merge_lists(three.map(lambda entry: entry.below if entry else ()))
    gap = pick_present(three.map(lambda entry: entry.gap if entry else None))
    return own._replace(below=tuple(below), gap=gap)


def _join_entry(entry: MergeEntry) -> MergeLine:
    return MergeLine(
        entry.line + "".join(f"{line.gap}{line.text}" for line in entry.below), entry.gap
    )


def _merge_marker(versions: ThreeWay[SectionContents], adopted: bool) -> str:
    """The begin marker as one side has it, or a new one if it says something else than is true."""
    marker = pick_present(versions.map(lambda version: version.marker)) or ""
    own = next(
        version.is_adopted
        for version in (versions.ours, versions.theirs)
        if version.marker == marker
    )
    return (
        marker
        if own == adopted
        else format_begin_marker("adopted" if adopted else "before=0 after=0")
    )


def _merge_heading(versions: ThreeWay[SectionContents]) -> str:
    """What stands between the marker and what is listed. Two new headings may both be somebody's."""
    heading = pick_present(versions.map(lambda version: version.heading)) or ""
    for side in (versions.ours, versions.theirs):
        if side.heading is not None and side.heading.strip() not in (
            heading.strip(),
            (versions.base.heading or "").strip(),
        ):
            raise CannotMerge("two new headings")
    return heading


def _add_gaps(flow: list[MergeLine], versions: ThreeWay[SectionContents]) -> Iterable[str]:
    """The lines of a section with the line ends before each."""
    usual = _find_usual_gap(versions)
    for number, line in enumerate(flow):
        gap = (
            line.gap
            if number
            else pick_present(versions.map(lambda version: version.first_gap)) or "\n\n"
        )
        yield (gap or usual) + line.text


def _find_usual_gap(versions: ThreeWay[SectionContents]) -> str:
    """What stands between a section's entries."""
    entries = [
        entry
        for version in (versions.ours, versions.theirs, versions.base)
        for entry in version.entries.values()
    ]
    known = next((entry.gap for entry in entries if entry.gap), None)
    return known or ("\n" if entries and entries[0].parsed.is_list_item else "\n\n")


def _verify_merge(text: str, versions: ThreeWay[SectionContents]) -> None:
    """Make sure that a merged section is one, and that no line somebody typed since the base is missing."""
    new: Mapping[str, set[str]] = {
        side: getattr(versions, side).typed_lines() - versions.base.typed_lines()
        for side in ("ours", "theirs")
    }
    if not new["ours"] | new["theirs"] <= read_contents(text).typed_lines():
        raise CannotMerge("a typed line would be lost")
