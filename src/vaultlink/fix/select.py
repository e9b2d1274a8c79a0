"""Select the fixes that can be made in one round, or without any.

The result does not depend on the order of the fixes.
"""

import sys
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, chain, islice, takewhile

from msgspec.structs import replace

from vaultlink.config.settings import Config
from vaultlink.engine.checks import check_links
from vaultlink.engine.step import State
from vaultlink.index.resolve import is_any_path, normalize_name
from vaultlink.index.update import replace_links
from vaultlink.links.edit_math import OffsetShift, apply_edits, edits_overlap, sort_edits
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.read_only import ReadOnlyKind, find_declared_folders
from vaultlink.model import Diagnostic, Edit, Fix, Link, Note, Place, Safety, Severity, SourceSpan
from vaultlink.rules.registry import Rule, find_split_rules, select_rules
from vaultlink.text import group_by

FixFilter = Callable[[Diagnostic, Fix], bool]
"""Returns True if a fix may be made."""

FindingWithFix = tuple[Diagnostic, Fix]
"""A finding and its fix."""

CountPaths = Callable[[Sequence[str]], Iterator[str]]
"""Yields paths, and may show how many were taken."""


def select_fixes(fixes: Iterable[FindingWithFix]) -> list[FindingWithFix]:
    """Return fixes that do not overlap, the first by path in any case and position."""
    taken: dict[str, list[Edit]] = {}
    selected = []
    for diagnostic, fix in sorted(fixes, key=_sort_key):
        edits = [(taken.setdefault(normalize_name(edit.path), []), edit) for edit in fix.edits]
        if not any(_has_overlap(edit, others) for others, edit in edits):
            for others, edit in edits:
                insort(others, edit, key=lambda item: (item.start, item.end))
            selected.append((diagnostic, fix))
    return selected


def make_fix_filter(
    rules: Sequence[Rule],
    config: Config,
    *,
    unsafe: bool = False,
    wanted: Callable[[str], bool] = is_any_path,
) -> FixFilter:
    """Return a filter by the settings `fixable` and `unfixable`, safety and path."""
    fixable = _select_all(rules, config.fixable or ("ALL",), config.unfixable)
    fixable -= _select_all(rules, config.unfixable, config.fixable)
    return lambda item, fix: (
        item.rule in fixable and (unsafe or fix.safety is not Safety.UNSAFE) and wanted(item.path)
    )


def edits_only_read(state: State, fix: Fix) -> bool:
    """Return True if a fix would change a note that is only read.

    Safe fixes may change all of these but those in folders that the vault declares read-only.
    """
    index, is_unsafe = state.index, fix.safety is Safety.UNSAFE
    if not (is_unsafe or index.derive(find_declared_folders)):
        return False
    for edit in fix.edits:
        note = index.notes.get(edit.path)
        reason = note and state.settings.find_read_only_reason(index, note)
        if reason and (is_unsafe or reason.kind is ReadOnlyKind.FOLDER):
            return True
    return False


def _select_all(
    rules: Sequence[Rule], selectors: Sequence[str], others: Sequence[str]
) -> frozenset[str]:
    """Return the selected rules and those split from them, unless `others` name these."""
    named, split = frozenset(others), find_split_rules(rules, selectors)
    added = [rule for rule in rules if rule.name in split]
    return select_rules(rules, selectors).union(
        rule.name for rule in added if named.isdisjoint((rule.name, rule.code))
    )


def _sort_key(item: FindingWithFix) -> tuple[str, int, str, int, str]:
    diagnostic, _ = item
    return diagnostic.path, diagnostic.start, diagnostic.code, diagnostic.end, diagnostic.message


def _has_overlap(edit: Edit, taken: Sequence[Edit]) -> bool:
    """Return True if an edit overlaps one of `taken`, which are sorted and separate."""
    first = bisect_left(taken, edit.start, key=lambda item: item.end)
    same_file = takewhile(lambda other: other.start <= edit.end, islice(taken, first, None))
    # Paths that differ in case are one file.
    return any(edits_overlap(replace(edit, path=other.path), other) for other in same_file)


# -- fixes that only retarget links in plain text --------------------------------------------------
# They are made whatever the fixes of other notes are, so no round is needed to count them. In most
# notes they cause no other fix either: then none is needed to preview them.


class LinkEditFinder:
    """Finds the notes of one state whose fixes only retarget links in plain text."""

    def __init__(self, state: State):
        self._state = state
        self.about_links = _find_link_rules(state)

    def are_joint(self, pairs: Iterable[FindingWithFix]) -> bool:
        """Return True if fixes of notes depend on others: in sections, or several files."""
        rules = self._state.settings.rules_by_name
        return any(
            rules[item.rule].fixed_last or any([edit.path != item.path for edit in fix.edits])  # noqa: C419
            for item, fix in pairs
        )

    def find_notes_to_try(
        self, pairs: Iterable[FindingWithFix], *, is_joint: bool
    ) -> Collection[str]:
        """Return the notes whose fixes must be tried; all of them if `is_joint`."""
        by_path = group_by(pairs, lambda pair: pair[0].path)
        # Paths that differ only in case count as one file.
        if is_joint or len(set(map(normalize_name, by_path))) < len(by_path):
            return by_path.keys()
        return {path for path, group in by_path.items() if not self._are_link_edits(path, group)}

    def _are_link_edits(self, path: str, pairs: Sequence[FindingWithFix]) -> bool:
        """Return True if fixes only retarget links in plain text, outside sections."""
        index = self._state.index
        note = index.notes.get(path)
        if note is None or note.directives:
            return False
        links = {_get_span(link) for link in note.links if link.place is Place.BODY}
        spans = {(item.start, item.end) for item, _ in pairs}
        if len(spans) != len(pairs) or not spans <= links:
            return False
        for item, fix in pairs:
            if item.rule not in self.about_links:
                return False
            for edit in fix.edits:
                if edit.path != path or not item.start < edit.start <= edit.end < item.end:
                    return False
        if _have_overlaps(spans, [*links, *map(_get_span, note.sections)]):
            return False
        is_in_heading = _have_overlaps(spans, [*links, *map(_get_span, note.headings)])
        return not (is_in_heading and any(index.anchor_sources_of(path)))


def find_settled_notes(state: State, pairs: Sequence[FindingWithFix]) -> Collection[str]:
    """Return notes whose fixes, all that are wanted there, are not known to cause other fixes.

    They only retarget links in plain text that name no part of a note. Checks find nothing to fix
    in these links afterwards. Neither the note nor one to which it links has a section. No other
    note has an unsafe fix of a link with the same target, which may become safe.
    """
    settings, finder = state.settings, LinkEditFinder(state)
    lists_links = settings.config.backlinks["mode"] == "write"
    if lists_links or settings.reads_style or not finder.about_links or finder.are_joint(pairs):
        return ()
    by_path = group_by(pairs, lambda pair: pair[0].path)
    edited: dict[str, Note] = {}
    names_parts = any("#" in edit.text for _, fix in pairs for edit in fix.edits)
    for path in sorted(by_path.keys() - finder.find_notes_to_try(pairs, is_joint=False)):
        group = by_path[path]
        if state.index.notes[path].sections or _list_other_fixes(state.diagnostics[path], group):
            continue
        note = _keep_edited_links(state.index.notes[path], group, names_parts=names_parts)
        if note:
            edited[path] = note
    index = replace_links(state.index, edited)
    found = check_links(settings, index, sorted(edited))
    settled = {
        path
        for path in edited
        if None not in index.targets[path]
        and not any(item.fix or item.severity is Severity.ERROR for item in found[path])
    }
    led = {
        path: set(filter(None, (*state.index.targets[path], *index.targets[path])))
        for path in settled
    }
    notes = state.index.notes
    targets = ({*chain.from_iterable(led.values())} - edited.keys()) & notes.keys()
    listing = {note.path for note in notes.read_as(Note, targets) if note.sections}
    settled = {path for path in settled if listing.isdisjoint(led[path])}
    return settled.difference(_find_deciding(state, by_path, settled))


def _keep_edited_links(
    note: Note, pairs: Sequence[FindingWithFix], *, names_parts: bool
) -> Note | None:
    """Return a note with nothing but its edited links; None if they may matter elsewhere.

    Such links lead to a part of a note; with `names_parts`, as some fixes do, they are also those
    in headings.
    """
    links = {_get_span(link): link for link in note.links}
    spans = {(item.start, item.end) for item, _ in pairs}
    if names_parts and _have_overlaps(spans, [*links, *map(_get_span, note.headings)]):
        return None
    shift = OffsetShift(sort_edits(chain.from_iterable(fix.edits for _, fix in pairs)))
    edited = [_edit_link(links[item.start, item.end], fix.edits, shift) for item, fix in pairs]
    if None in edited:
        return None
    kept = tuple(filter(None, edited))
    return Note(note.path, properties=note.properties, headings=note.headings, links=kept)


def _edit_link(link: Link, edits: Iterable[Edit], shift: OffsetShift) -> Link | None:
    """Return a link after edits; None if it names a part of a note."""
    moved = [
        replace(edit, start=edit.start - link.start, end=edit.end - link.start) for edit in edits
    ]
    raw = apply_edits(link.raw, moved)
    parts = SYNTAX[link.kind].read(raw, link.in_table_cell)
    if parts is None or parts[1]:
        return None
    start = shift.map_offset(link.start)
    end = start + len(raw)
    return replace(link, start=start, end=end, raw=raw, target=parts[0], display=parts[2])


def _list_other_fixes(
    findings: Iterable[Diagnostic], pairs: Iterable[FindingWithFix]
) -> list[Diagnostic]:
    """Return the findings that have a fix beside those of `pairs`."""
    places = {(item.start, item.end, item.code) for item, _ in pairs}
    return [
        item for item in findings if item.fix and (item.start, item.end, item.code) not in places
    ]


def _find_deciding(
    state: State, pairs: Mapping[str, Sequence[FindingWithFix]], settled: Collection[str]
) -> Iterator[str]:
    """Yield the settled notes with a target for which another note has a fix that waits."""
    sources = state.index.unresolved_sources

    @cache
    def waits(target: str) -> bool:
        return any(
            item.target == target
            for path in sources.get(target, ())
            if path not in settled
            for item in _list_other_fixes(state.diagnostics.get(path, ()), pairs.get(path, ()))
        )

    for path in settled:
        if any(item.target is not None and waits(item.target) for item, _ in pairs[path]):
            yield path


def _find_link_rules(state: State) -> Collection[str]:
    """Return the names of the rules about targets, headings and blocks of links.

    They are none if the settings make an error of what another rule reports: a link that leads
    somewhere may then cause an error in another note, so that its fix is not made.
    """
    rules = state.settings.rules_by_name
    link_rules = {name for name, rule in rules.items() if rule.about}
    severities = state.settings.config.severity
    made_errors = [
        name
        for name, rule in rules.items()
        if severities[name] is Severity.ERROR and rule.severity is not Severity.ERROR
    ]
    return link_rules if link_rules.issuperset(made_errors) else ()


def _get_span(item: SourceSpan) -> tuple[int, int]:
    return item.start, item.end


def _have_overlaps(spans: Collection[tuple[int, int]], others: Iterable[tuple[int, int]]) -> bool:
    """Return True if a span overlaps another one of `others`, which contain it."""
    ordered = sorted(others)
    previous_ends = chain((0,), accumulate([end for _, end in ordered], max))
    next_starts = chain([start for start, _ in ordered[1:]], (sys.maxsize,))
    return any(
        span in spans and (previous > span[0] or following < span[1])
        for span, previous, following in zip(ordered, previous_ends, next_starts, strict=False)
    )
