"""What fixing promises, checked on the result before anything is written.

Two states and the edits between them enter; the first promise that is broken leaves, or nothing. The promises: a link that
no edit touches stands where it stood and leads where it led; what else is in a note, properties, headings, blocks, tags,
stays as it was; and there is no new error.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from vaultlink.edits import Shift
from vaultlink.engine import State
from vaultlink.index import Index
from vaultlink.model import Diagnostic, Edit, Note, Place, Severity, Spot


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that fixing would break: the note in which, how, the note whose edits break it, and the rules whose fixes
    may be to blame."""

    path: str
    what: str
    source: str
    rules: tuple[str, ...]


def breaches(
    before: State,
    after: State,
    edits: Mapping[str, Sequence[Edit]],
    rules: Mapping[str, Iterable[str]],
    unsafe: Collection[str] = (),
) -> Iterator[Breach]:
    """The broken promises. `edits` are those between the states, by path and in order; `rules` names whose
    fixes they are. Where `unsafe` ones are made, they may bring errors to light in what they write themselves."""
    shifts = {path: Shift(made) for path, made in edits.items()}
    for path, source, what in chain(
        _breaches(before, after, shifts), _errors(before, after, shifts, unsafe)
    ):
        blamed = rules.get(source) or {name for names in rules.values() for name in names}
        yield Breach(path, what, source, tuple(sorted(blamed)))


def _breaches(
    before: State, after: State, shifts: Mapping[str, Shift]
) -> Iterator[tuple[str, str, str]]:
    """Broken promises: the note, the note whose edits broke it, and what happened."""
    created = {path for path in shifts if path not in before.index.notes}
    for path, shift in shifts.items():
        old = before.index.notes.get(path)
        if old is not None:
            new = after.index.notes[path]
            for what in _lost(old, new, shift):
                yield path, path, what
            yield from (
                (path, path, what)
                for what in _misled(before.index, after.index, path, shift, created)
            )
            yield from _unanchored(before.index, after.index, path, shifts)
    yield from _elsewhere(before.index, after.index, shifts, created)


# -- in an edited note --------------------------------------------------------------------------------------------


def _lost(old: Note, new: Note, shift: Shift) -> Iterator[str]:
    """What is in a note and no edit touches, but is not there afterwards."""
    for what, had, has in (
        ("heading", old.headings, new.headings),
        ("block", old.blocks, new.blocks),
        ("tag", old.tags, new.tags),
    ):
        yield from _missing(what, had, has, shift)
    if (old.properties is None) != (new.properties is None):
        yield "its properties would come or go"
    kept = [item for item in old.properties or () if not shift.inside(item.start, item.value_end)]
    values = [(item.key, item.value) for item in new.properties or ()]
    for item in kept:
        if (item.key, item.value) not in values:
            yield f"its property “{item.key}” would change"
    more = _troubles(new) - _troubles(old)
    if more:
        yield f"there would be trouble of a new kind in it: {', '.join(sorted(more))}"


def _troubles(note: Note) -> Counter[str]:
    """How often there is trouble of each kind that changes how the rest of a note is read."""
    return Counter(
        item.kind
        for item in note.troubles
        if item.kind not in ("malformed-link", "unquoted-property-link")
    )


def _missing(what: str, had: Sequence[Spot], has: Sequence[Spot], shift: Shift) -> Iterator[str]:
    there = {(item.start, _words(item)): item for item in has}
    for item in had:
        kept = there.pop((shift.after(item.start), _words(item)), None)
        if kept is None and not shift.touched(item.start, item.end):
            yield f"its {what} “{_words(item)}” would be lost"
    for item in there.values():  # a property that gets its name may make tags of its values
        if (
            not shift.made(item.start, item.end)
            and getattr(item, "place", None) is not Place.PROPERTY
        ):
            yield f"the {what} “{_words(item)}” would come into being"


def _words(item: Spot) -> str:
    return str(getattr(item, "text", "") or getattr(item, "name", "") or getattr(item, "id", ""))


def _misled(
    before: Index, after: Index, path: str, shift: Shift, created: set[str]
) -> Iterator[str]:
    """Links of an edited note that no edit touches, but that would be lost, made, or led elsewhere."""
    there = {link.start: (link, target) for link, target in after.links(path)}
    for link, target in before.links(path):
        if shift.inside(link.start, link.end):
            continue
        now = there.pop(shift.after(link.start), None)
        if now is None or now[0].raw != link.raw:
            yield f"the link {link.raw} would be lost"
        elif now[1] != target and not (target is None and now[1] in created):
            yield f"the link {link.raw} would lead to {now[1] or 'nothing'} instead of {target or 'nothing'}"
    for link, _ in there.values():
        if not shift.made(link.start, link.end):
            yield f"the text {link.raw} would become a link"


def _unanchored(
    before: Index, after: Index, path: str, shifts: Mapping[str, Shift]
) -> Iterator[tuple[str, str, str]]:
    """Links to headings and blocks of an edited note that would no longer find them."""
    if _anchors(before.notes[path]) == _anchors(after.notes[path]):
        return
    for source in before.backlinks.get(path, ()):
        shift = shifts.get(source)
        for link, target in before.links(source):
            asks = (
                target == path
                and link.subpath
                and not (shift and shift.inside(link.start, link.end))
            )
            if asks and before.anchor(link, path) and not after.anchor(link, path):
                yield source, path, f"the link {link.raw} would no longer find its heading or block"


def _anchors(note: Note) -> object:
    return [(item.level, item.text) for item in note.headings], [item.id for item in note.blocks]


# -- in all others ------------------------------------------------------------------------------------------------


def _elsewhere(
    before: Index, after: Index, shifts: Mapping[str, Shift], created: set[str]
) -> Iterator[tuple[str, str, str]]:
    """Links of notes without edits that would lead elsewhere; a dangling one may lead to a note that was made."""
    for path, targets in before.targets.items():
        now = after.targets.get(path)
        if now is targets or path in shifts:
            continue
        if now is None:
            yield path, path, "it would be gone"
        for link, was, is_ in zip(before.notes[path].links, targets, now or (), strict=False):
            if was != is_ and not (was is None and is_ in created):
                yield (
                    path,
                    is_ or path,
                    f"the link {link.raw} would lead to {is_ or 'nothing'} instead of {was or 'nothing'}",
                )


def _errors(
    before: State, after: State, shifts: Mapping[str, Shift], unsafe: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    """Errors where there were none."""
    for path, now in after.found.items():
        was = before.found.get(path, ())
        if now is not was:
            shift = shifts.get(path)
            for item in _new_errors(was, now, shift):
                if shift and path in unsafe and shift.made(item.start, item.end):
                    continue
                if item.target is not None and item.start in _nowhere(before.index, path, shift):
                    continue  # it led nowhere before, whichever rule told so
                yield path, path, f"there would be a new error, {item.rule}: {item.message}"


def _nowhere(index: Index, path: str, shift: Shift | None) -> set[int]:
    """Where the dangling links of a note stand afterwards."""
    return {
        shift.after(link.start) if shift else link.start
        for link, target in index.links(path)
        if target is None
    }


def _new_errors(
    was: Sequence[Diagnostic], now: Sequence[Diagnostic], shift: Shift | None
) -> list[Diagnostic]:
    """Errors at places that had none; where edits were made, more errors than there were."""
    old = [item for item in was if item.severity is Severity.ERROR]
    new = [item for item in now if item.severity is Severity.ERROR]
    if shift is None:
        places = {item.start for item in old}
        return [item for item in new if item.start not in places]
    kept = {shift.after(item.start) for item in old if not shift.inside(item.start, item.end)}
    touched = sum(shift.inside(item.start, item.end) for item in old)
    there = [item for item in new if item.start not in kept]
    outside = [item for item in there if not shift.made(item.start, item.end)]
    return outside or there[touched:]
