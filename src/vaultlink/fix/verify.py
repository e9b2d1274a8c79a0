"""The promises of fixing, checked on the result before anything is written.

The functions compare two states, given the edits between them. The promises: a link that no
edit touches stays in place and keeps its target; properties, headings, blocks and tags stay the
same; there is no new error.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from vaultlink.engine.step import State
from vaultlink.index.anchors import list_anchors
from vaultlink.index.index import Index, intended_target
from vaultlink.index.packed_map import list_changed_keys
from vaultlink.links.edit_math import OffsetShift
from vaultlink.links.kinds import shown_text
from vaultlink.model import Destination, Diagnostic, Edit, Link, Note, Place, Severity, SourceSpan
from vaultlink.rules.registry import Rule
from vaultlink.text import quote_name


class BrokenPromise(msgspec.Struct, frozen=True):
    """A promise that fixes would break.

    `path` is the note concerned, `problem` a clause, `edited_path` the note whose edits break the
    promise, `rules` the rules whose fixes may be the cause.
    """

    path: str
    problem: str
    edited_path: str
    rules: tuple[str, ...]


def find_broken_promises(
    before: State,
    after: State,
    edits: Mapping[str, Sequence[Edit]],
    rules: Mapping[str, Iterable[str]],
    unsafe: Collection[str] = (),
) -> Iterator[BrokenPromise]:
    """Yield the promises that edits break.

    `edits` are the edits between the states by path, in order; `rules` the names of the rules that
    made them. Fixes of the `unsafe` paths may introduce errors within the text they write.
    """
    shifts = {path: OffsetShift(path_edits) for path, path_edits in edits.items()}
    for path, source, problem in chain(
        _check_notes(before, after, shifts), _check_errors(before, after, shifts, unsafe)
    ):
        blamed = rules.get(source) or {name for names in rules.values() for name in names}
        yield BrokenPromise(path, problem, source, tuple(sorted(blamed)))


def _check_notes(
    before: State, after: State, shifts: Mapping[str, OffsetShift]
) -> Iterator[tuple[str, str, str]]:
    """Yield path, edited path and problem of broken promises in notes."""
    created = {path for path in shifts if path not in before.index.notes}
    for path, shift in shifts.items():
        old = before.index.notes.get(path)
        if old is not None:
            for what in chain(
                _check_untouched(old, after.index.notes[path], shift),
                _check_links(before.index, after.index, path, shift, created),
            ):
                yield path, path, what
            yield from _check_anchors(before.index, after.index, path, shifts)
    yield from _check_other_notes(before.index, after.index, shifts, created)


def find_broken_moves(
    before: State,
    after: State,
    edits: Mapping[str, Sequence[Edit]],
    paths: Iterable[str],
    moves: Mapping[str, str],
    destination: Callable[[Link, str], Destination | None],
    is_given_up: Callable[[str], bool] | None = None,
) -> Iterator[BrokenPromise]:
    """Yield what renames would change in files besides names, and the new errors.

    These and the paths of `edits` are those before the renames, which `moves` maps to the new ones.
    `destination` returns where a link must lead, given the link and the file it led to; None if
    that does not matter. The links to files for which `is_given_up` returns True, if given, may go,
    or stay and be unresolved.
    """
    for path in paths:
        shift, new_path = OffsetShift(edits.get(path, ())), moves.get(path, path)
        old = before.index.notes.get(path)
        given_up = {
            link.start
            for link, target in (before.index.resolved_links(path) if old and is_given_up else ())
            if target is not None and is_given_up and is_given_up(target)
        }
        staying = (start for start in given_up if not shift.is_changed(start, start + 1))
        left = set(map(shift.map_offset, staying))
        if old is not None:
            spans = [(edit.start, edit.end) for edit in edits.get(path, ())]
            had = _select_outside(before.index.resolved_links(path), spans)
            has = _select_outside(after.index.resolved_links(new_path), shift.new_spans)
            if given_up:
                had = [item for item in had if item[0].start not in given_up]
                has = [item for item in has if item[0].start not in left]
            changed: Iterable[str] = ("a link would be lost or added",)
            if len(had) == len(has):
                pairs = zip(had, has, strict=True)
                changed = find_changed_meanings(before.index, after.index, pairs, destination, old)
            new = after.index.notes[new_path]
            parts = () if new is old else _check_untouched(old, new, shift)
            for what in chain(parts, changed):
                yield BrokenPromise(path, what, path, ())
        was, now = before.all_findings.get(path, ()), after.all_findings.get(new_path, ())
        for item in _find_new_errors(was, now, shift):
            if item.start not in _find_dangling_starts(before.index, path, shift) | left:
                yield BrokenPromise(path, _describe_error(item), path, (item.rule,))


def check_errors_only(state: State) -> State:
    """Return a state in which steps check only what `find_broken_moves` reads.

    These are errors. Of links it compares the meaning itself, so of rules about links only those
    count that the configuration made errors, and none that needs suggestions.
    """
    settings = state.settings

    def is_read(rule: Rule) -> bool:
        is_link_rule = rule.scope == "links"
        return (
            settings.config.severity[rule.name] is Severity.ERROR
            and (is_link_rule or rule.scope == "note")
            and not (is_link_rule and rule.severity is Severity.ERROR)
            and rule.deferred_fix != "target"
        )

    rules = {
        scope: tuple(filter(is_read, group)) for scope, group in settings.rules_by_scope.items()
    }
    return replace(state, settings=replace(settings, rules_by_scope=rules), vault_findings={})


ResolvedLink = tuple[Link, str | None]
"""A link, and the file that it leads to."""


def _select_outside(
    links: Iterable[ResolvedLink], spans: Sequence[tuple[int, int]]
) -> list[ResolvedLink]:
    """Return the links that are not part of a replaced heading, whose spans are given."""
    if not spans:
        return list(links)

    def is_outside(link: Link) -> bool:
        count = bisect_right(spans, link.start, key=lambda span: span[0])
        start, end = spans[count - 1] if count else (0, 0)
        return end < link.end or end - start == link.end - link.start

    return [(link, target) for link, target in links if is_outside(link)]


def find_changed_meanings(
    before: Index,
    after: Index,
    pairs: Iterable[tuple[ResolvedLink, ResolvedLink]],
    destination: Callable[[Link, str], Destination | None],
    note: Note | None = None,
) -> Iterator[str]:
    """Yield the links that would lead elsewhere, or show another text.

    Each pair is a link before and the same one after. With the `note` of the links before, entries
    of sections may show another text, as may links that contain a link or tag.
    """
    for (link, target), (new_link, new_target) in pairs:
        if target is None and new_link is link:
            continue
        wanted = destination(link, target) if target is not None else None
        if new_link is not link and not _is_alike(link, new_link, note):
            yield f"the link {link.raw} would become {new_link.raw}"
        elif wanted and (new_target, new_link.subpath) != (wanted.path, wanted.subpath):
            yield f"the link {link.raw} would resolve to {new_target or 'nothing'}"
        elif wanted and not wanted.subpath:
            continue
        elif before.has_anchor(link, target) and not after.has_anchor(new_link, new_target):
            yield _describe_lost_anchor(link)


def _is_alike(link: Link, new_link: Link, note: Note | None) -> bool:
    """Return True if a link has the same kind afterwards, and shows what it may."""
    if _get_kind(link) != _get_kind(new_link):
        return False
    is_same_text = link.display in (None, new_link.display, shown_text(new_link))
    return is_same_text or (note is not None and _may_change_display(note, link))


_get_kind = attrgetter("kind", "embed", "external")


def _may_change_display(note: Note, link: Link) -> bool:
    """Return True for entries of sections, and texts with a link or tag."""
    return link.place is Place.SECTION or any(
        link.start < item.start and item.end < link.end
        for item in chain[SourceSpan](note.links, note.tags)
    )


def _check_untouched(old: Note, new: Note, shift: OffsetShift) -> Iterator[str]:
    """Yield problems of headings, blocks, tags and properties that no edit touches."""
    for what, had, has in (
        ("heading", old.headings, new.headings),
        ("block", old.blocks, new.blocks),
        ("tag", old.tags, new.tags),
    ):
        yield from _check_items(what, had, has, shift)
    if (old.properties is None) != (new.properties is None):
        yield "its properties block would be added or removed"
    changed = [  # a YAML alias repeats a link of another property
        link.key_path
        for link in old.links
        if link.place is Place.PROPERTY and shift.is_changed(link.start, link.end)
    ]
    untouched = [
        item
        for item in old.properties or ()
        if not shift.is_changed(item.start, item.value_end)
        and not any(f"{key}.".startswith(f"{item.key}.") for key in changed)
    ]
    values = [(item.key, item.value) for item in new.properties or ()]
    for item in untouched:
        if (item.key, item.value) not in values:
            yield f"its property {quote_name(item.key)} would change"
    more = _count_problems(new) - _count_problems(old)
    if more:
        yield f"it would have new parse problems: {', '.join(sorted(more))}"


_HARMLESS_KINDS = (
    "malformed-link",
    "unquoted-property-link",
    "link-in-html",
    "unread-block-id",
    "wikilink-with-destination",
)
"""Kinds of parse problems that do not change how the rest of a note is read."""


def _count_problems(note: Note) -> Counter[str]:
    """Count the parse problems by kind that change how the rest of a note is read."""
    return Counter(item.kind for item in note.problems if item.kind not in _HARMLESS_KINDS)


def _check_items(
    what: str, had: Sequence[SourceSpan], has: Sequence[SourceSpan], shift: OffsetShift
) -> Iterator[str]:
    remaining = {(item.start, _get_text(item)): item for item in has}
    for item in had:
        match = remaining.pop((shift.map_offset(item.start), _get_text(item)), None)
        if match is None and not shift.is_touched(item.start, item.end):
            yield f"its {what} {quote_name(_get_text(item))} would be lost"
    for item in remaining.values():  # values may become tags when their property gets its name
        is_property = getattr(item, "place", None) is Place.PROPERTY
        if not is_property and not shift.is_new(item.start, item.end):
            yield f"the {what} {quote_name(_get_text(item))} would be added"


def _get_text(item: SourceSpan) -> str:
    return str(getattr(item, "text", "") or getattr(item, "name", "") or getattr(item, "id", ""))


def _check_links(
    before: Index, after: Index, path: str, shift: OffsetShift, created: set[str]
) -> Iterator[str]:
    """Yield problems of untouched links: lost, new, or with another target."""
    remaining = {link.start: (link, target) for link, target in after.resolved_links(path)}
    for link, target in before.resolved_links(path):
        if shift.is_changed(link.start, link.end):
            continue
        now = remaining.pop(shift.map_offset(link.start), None)
        if now is None or now[0].raw != link.raw:
            yield f"the link {link.raw} would be lost"
        elif now[1] != target and not (target is None and now[1] in created):
            yield _describe_new_target(link, target, now[1])
    for link, _ in remaining.values():
        if not shift.is_new(link.start, link.end):
            yield f"the text {link.raw} would become a link"


def _check_anchors(
    before: Index, after: Index, path: str, shifts: Mapping[str, OffsetShift]
) -> Iterator[tuple[str, str, str]]:
    """Yield links to headings and blocks of an edited note that no longer resolve."""
    if list_anchors(before.notes[path]) == list_anchors(after.notes[path]):
        return
    for source in before.sources_of(path):
        shift = shifts.get(source)
        for link, target in before.resolved_links(source):
            if target != path or not link.subpath:
                continue
            if shift and shift.is_changed(link.start, link.end):
                continue
            if before.has_anchor(link, path) and not after.has_anchor(link, path):
                yield source, path, _describe_lost_anchor(link)


def _describe_lost_anchor(link: Link) -> str:
    return f"the link {link.raw} would no longer resolve to its heading or block"


def _describe_new_target(link: Link, was: str | None, now: str | None) -> str:
    instead = f"{now or 'nothing'} instead of {was or 'nothing'}"
    return f"the link {link.raw} would resolve to {instead}"


def _check_other_notes(
    before: Index, after: Index, shifts: Mapping[str, OffsetShift], created: set[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield links of unedited notes that would change their target."""
    for path in list_changed_keys(before.targets, after.targets):
        targets, now = before.targets.get(path), after.targets.get(path)
        if targets is None or now is targets or path in shifts:
            continue
        if now is None:
            yield path, path, "it would be removed"
        for link, was, is_ in zip(before.notes[path].links, targets, now or (), strict=False):
            if was != is_ and not (was is None and is_ in created):
                yield path, is_ or path, _describe_new_target(link, was, is_)


def _check_errors(
    before: State, after: State, shifts: Mapping[str, OffsetShift], unsafe: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    for path in list_changed_keys(before.all_findings, after.all_findings):
        was, now = before.all_findings.get(path, ()), after.all_findings.get(path, ())
        if now is not was:
            shift = shifts.get(path)
            for item in _find_new_errors(was, now, shift):
                if shift and path in unsafe and shift.is_new(item.start, item.end):
                    continue
                is_link = item.target is not None
                if is_link and item.start in _find_dangling_starts(before.index, path, shift):
                    continue  # it was unresolved before, whichever rule reported it
                if item.target in _find_intended_targets(before.index.notes.get(path), shift):
                    continue  # text that was meant as this link is now one
                yield path, path, _describe_error(item)


def _describe_error(item: Diagnostic) -> str:
    return f"there would be a new error, {item.rule}: {item.message}"


def _find_dangling_starts(index: Index, path: str, shift: OffsetShift | None) -> set[int]:
    """Return the starts of a note's unresolved links in the text after the edits."""
    return {
        shift.map_offset(link.start) if shift else link.start
        for link, target in (index.resolved_links(path) if path in index.notes else ())
        if target is None
    }


def _find_intended_targets(note: Note | None, shift: OffsetShift | None) -> set[str]:
    """Return the targets of a note's malformed links whose fixes are among the edits."""
    return {
        intended_target(problem)
        for problem in (note.problems if note and shift else ())
        if shift and any(shift.is_touched(start, end) for start, end, _ in problem.replacements)
    }


def _find_new_errors(
    was: Sequence[Diagnostic], now: Sequence[Diagnostic], shift: OffsetShift | None
) -> list[Diagnostic]:
    """Return the errors at places without one, or without so many in edited text."""
    old = [item for item in was if item.severity is Severity.ERROR]
    whole = {item.rule for item in old if item.end == 0}
    old = [item for item in old if item.end > 0]
    new = [
        item
        for item in now
        if item.severity is Severity.ERROR and (item.end > 0 or item.rule not in whole)
    ]
    if shift is None:
        places = {item.start for item in old}
        return [item for item in new if item.start not in places]
    known_starts = {
        shift.map_offset(item.start) for item in old if not shift.is_changed(item.start, item.end)
    }
    touched = sum(shift.is_changed(item.start, item.end) for item in old)
    added = [item for item in new if item.start not in known_starts]
    outside = [item for item in added if not shift.is_new(item.start, item.end)]
    return outside or added[touched:]
