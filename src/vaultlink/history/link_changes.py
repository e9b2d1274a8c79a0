"""Remember what links led to in an earlier state, names of notes, and new files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.history.headings import (
    align_headings,
    anchor_keys,
    find_moved_anchor,
    group_gained,
    last_key,
    match_anchors_of,
)
from vaultlink.index.anchors import find_anchor, find_slug_heading, list_anchors
from vaultlink.index.index import Index, LinkTargets, target_spellings
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.index.resolve import file_name, normalize_name, resolve
from vaultlink.index.suggest_headings import build_subpath
from vaultlink.model import MAX_DELETED, Destination, FormerName, Heading, History, Link, Note

_MAX_ALIGNED = 4_000_000
"""Product of the numbers of links in two versions of a note up to which they are aligned."""


class _Changes(NamedTuple):
    """Two states of a vault, and what happened in between.

    `moves` are those of all files; `notes` are the present paths of the notes that changed, with
    the earlier path of each (None if new). `lone` are the files of `list_lone`.
    """

    before: Index
    now: Index
    moves: Mapping[str, str]
    notes: Mapping[str, str | None]
    lone: frozenset[str]

    def follow(self, path: str) -> str | None:
        return self.moves.get(path, path if path in self.now.files else None)

    def follow_all(
        self, known: Mapping[str, Mapping[str, Destination]]
    ) -> Iterator[tuple[str, str, Mapping[str, Destination]]]:
        """Yield earlier and present path, and the entries, of the notes that still exist."""
        for old_path, entries in known.items():
            present = self.follow(old_path)
            if present is not None and present in self.now.notes:
                yield old_path, present, entries

    def find_former(self, path: str) -> Note | None:
        old_path = self.notes[path]
        return self.before.notes.get(old_path) if old_path else None


def remember_links(known: History, before: Index, now: Index, moves: Mapping[str, str]) -> History:
    """Return a history with what links meant before, as far as that is elsewhere now.

    The moves and deletions of the known history are kept. `moves` are those of all files in
    between, also of those whose earlier path another file has now.
    """
    sources = {new: old for old, new in moves.items()}
    notes = {
        path: sources.get(path, path if path in before.notes and path not in moves else None)
        for path in {*list_differing_keys(before.notes, now.notes), *moves, *moves.values()}
        if path in now.notes
    }
    changes = _Changes(before, now, moves, notes, list_lone(moves))
    anchors = _remember_anchors(known.anchors, changes)
    targets = _remember_targets(known.former_destinations, changes)
    return replace(known, anchors=anchors, former_destinations=targets)


def doubt_targets(known: History, now: Index) -> History:
    """Return a history in which no former target of a link that resolves is certain.

    Another version remembered them, which may have taken a copy for the renamed note.
    """

    def doubt(source: str, entries: Mapping[str, Destination]) -> dict[str, Destination]:
        links = now.resolved_links(source) if source in now.notes else ()
        targets = {link.raw: target for link, target in links}
        return {
            written: place._replace(
                is_certain=place.is_certain and targets.get(written) in (None, place.path)
            )
            for written, place in entries.items()
        }

    former = {source: doubt(source, found) for source, found in known.former_destinations.items()}
    return replace(known, former_destinations=former)


def _remember_anchors(
    known: Mapping[str, Mapping[str, Destination]], changes: _Changes
) -> dict[str, dict[str, Destination]]:
    before, now = changes.before, changes.now
    versions = {path: (changes.find_former(path), now.notes[path]) for path in changes.notes}
    renewed: dict[str, dict[str, Destination]] = {}
    lost: dict[str, Note] = {}
    for path, (old, new) in versions.items():
        if old and before.anchor_sources.get(old.path) and list_anchors(old) != list_anchors(new):
            renewed[path] = match_anchors_of(old, new, _list_subpaths(old.path, before))
            lost[path] = old
    gained = group_gained(versions) if renewed else {}
    for path, old in lost.items():
        entries = renewed[path]
        for key in sorted((anchor_keys(old) - anchor_keys(now.notes[path])) & gained.keys()):
            place = find_moved_anchor(key, old, {other: versions[other] for other in gained[key]})
            if place and not (key in entries and entries[key].is_certain):
                entries[key] = place
    result: dict[str, dict[str, Destination]] = {}
    for _, present, known_entries in changes.follow_all(known):
        result.setdefault(present, {}).update(
            (key, destination)
            for key, old_destination in known_entries.items()
            if (destination := _follow(old_destination, renewed, changes))
        )
    for path, entries in renewed.items():
        result.setdefault(path, {}).update(entries)
    kept: dict[str, dict[str, Destination]] = {}
    for path, entries in result.items():
        present_keys = anchor_keys(now.notes[path]) if entries else ()
        if gone := {key: place for key, place in entries.items() if key not in present_keys}:
            kept[path] = gone
    return kept


def _list_subpaths(path: str, index: Index) -> set[str]:
    return {
        link.subpath
        for source in index.anchor_sources.get(path, ())
        for link, target in index.resolved_links(source)
        if target == path and link.subpath
    }


def _follow(
    destination: Destination, renewed: Mapping[str, Mapping[str, Destination]], changes: _Changes
) -> Destination | None:
    path = changes.follow(destination.path)
    if path is None:
        return None
    note, key = changes.now.notes.get(path), last_key(destination.subpath)
    if destination.subpath and note is not None:
        place = renewed.get(path, {}).get(key)
        if place is not None:
            has_left = place.path != path  # then only the move itself must be certain
            is_certain = place.is_certain and (has_left or destination.is_certain)
            return place._replace(is_certain=is_certain)
        if find_anchor(note, destination.subpath) is None:
            return None
    return destination._replace(path=path)


def _remember_targets(
    known: Mapping[str, Mapping[str, Destination]], changes: _Changes
) -> dict[str, dict[str, Destination]]:
    now = changes.now
    result: dict[str, dict[str, Destination]] = {}
    for old_source, present, known_entries in changes.follow_all(known):
        doubtful = _list_doubtful(old_source, present, changes)
        result[present] = {
            written: destination._replace(
                is_certain=destination.is_certain and written not in doubtful
            )
            for written, old in known_entries.items()
            if (destination := _follow(old, {}, changes))
        }
    for source in _list_sources(changes):
        for written, destination in _find_retargeted(source, changes):
            result.setdefault(source, {}).setdefault(written, destination)
    return {
        source: kept
        for source, entries in result.items()
        if (kept := _keep_retargeted(source, entries, now))
    }


def _list_doubtful(old_source: str, source: str, changes: _Changes) -> set[str]:
    """Return the links to a file in an edited note, and those that led nowhere before."""
    links = {link.raw for link, target in changes.now.resolved_links(source) if target}
    if not _is_untouched(old_source, source, changes):
        return links
    was = {link.raw for link, target in changes.before.resolved_links(old_source) if not target}
    return links & was


def _list_sources(changes: _Changes) -> set[str]:
    before, now = changes.before, changes.now
    sources = {*list_differing_keys(before.targets, now.targets), *changes.notes}
    for path in changes.notes:
        old = changes.find_former(path)
        if old is not None and list_anchors(old) != list_anchors(now.notes[path]):
            sources |= set(now.anchor_sources.get(path, ()))
    # A link to a file that is replaced by another keeps its target.
    for path in changes.moves:
        if path in now.files:
            sources |= set(now.sources_of(path))
    return {source for source in sources if source in now.notes}


def _find_retargeted(source: str, changes: _Changes) -> Iterator[tuple[str, Destination]]:
    before, now = changes.before, changes.now
    old_source = changes.notes.get(source, source)
    if old_source is None or old_source not in before.notes:
        return
    is_untouched = _is_untouched(old_source, source, changes)
    former = _list_former_targets(
        before.notes[old_source].links, before.targets[old_source], now.notes[source].links
    )
    for link, target in now.resolved_links(source):
        old_target = former.get(link.raw)
        if old_target is None or link.external:
            continue
        expected = changes.follow(old_target)
        is_place = source != old_source and link.target.startswith(".")
        if expected is None or (is_place and target is not None):
            continue  # a relative link of a moved note may mean what is at that place
        if expected != target:
            is_certain = target is None or (
                is_untouched
                and not (target == old_target and target in changes.lone)
                and not is_remainder(target, expected, now)
            )
            subpath = _keep_subpath(link, old_target, before)
            yield link.raw, Destination(expected, subpath, is_certain)
        elif link.subpath:
            subpath = _find_shadowed(link, old_target, target, changes)
            if subpath:
                yield link.raw, Destination(target, subpath, is_untouched)


def _keep_subpath(link: Link, path: str, before: Index) -> str:
    """Return the subpath of a link; "" if the link led to the whole note without it."""
    if before.has_anchor(link, path) is not False:
        return link.subpath
    return link.subpath if find_slug_heading(before.notes[path], link.subpath) else ""


def list_lone(moves: Mapping[str, str]) -> frozenset[str]:
    """Return the moved files whose paths no other one was moved from or to.

    If such a note lives on at its path too, it may have been copied: one is no series.
    """
    ends = {*moves.values()}
    return frozenset(old for old, new in moves.items() if old not in ends and new not in moves)


def is_remainder(path: str | None, moved: str, now: Index) -> bool:
    """Return True if a note is empty or links to `moved`, where its text may be."""
    note = now.notes.get(path) if path else None
    return note is not None and (
        note.blank or any(target == moved for _, target in now.resolved_links(note.path))
    )


def _is_untouched(old_source: str, source: str, changes: _Changes) -> bool:
    """Return True if a note was not edited since, and no new note is a copy of it.

    An edited note may mean the new target, and a copy may be the note that meant the former one.
    """
    old, note = changes.before.notes.get(old_source), changes.now.notes[source]
    if old is None or (old_source == source and source in changes.notes):
        return False  # it was read again, so its text differs
    return replace(old, path="") == replace(note, path="") and not _is_copied(source, old, changes)


def _is_copied(source: str, note: Note, changes: _Changes) -> bool:
    return any(
        old is None and path != source and content_of(changes.now.notes[path]) == content_of(note)
        for path, old in changes.notes.items()
    )


def content_of(note: Note) -> object:
    return [link.raw for link in note.links], list_anchors(note)


def _list_former_targets(
    links: Sequence[Link], targets: LinkTargets, now: Sequence[Link]
) -> dict[str, str]:
    """Return what the links led to that a note still has at their place."""
    old, new = [link.raw for link in links], [link.raw for link in now]
    if len(old) == len(new):
        numbers = [n for n, raw in enumerate(old) if raw == new[n]]
    elif len(old) * len(new) > _MAX_ALIGNED:
        counts, counts_now = Counter(old), Counter(new)
        numbers = [n for n, raw in enumerate(old) if counts[raw] == counts_now[raw]]
    else:
        from difflib import SequenceMatcher  # noqa: PLC0415 - only for links that changed

        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        numbers = [n for begin, _, size in blocks for n in range(begin, begin + size)]
    return {old[n]: target for n in numbers if (target := targets[n]) is not None}


def _find_shadowed(link: Link, old_path: str, path: str, changes: _Changes) -> str:
    old, new = changes.before.notes.get(old_path), changes.now.notes.get(path)
    if old is None or new is None or old is new or list_anchors(old) == list_anchors(new):
        return ""
    was, present = find_anchor(old, link.subpath), find_anchor(new, link.subpath)
    if not isinstance(was, Heading) or not isinstance(present, Heading):
        return ""
    number = next(n for n, heading in enumerate(old.headings) if heading is was)
    other, is_certain = align_headings(old, new).get(number, (None, False))
    if other is None or not is_certain or new.headings[other] is present:
        return ""
    return build_subpath(new, new.headings[other])


def _keep_retargeted(
    source: str, entries: Mapping[str, Destination], now: Index
) -> dict[str, Destination]:
    """Return the entries of links that still lead elsewhere, or nowhere."""
    links = {link.raw: (link, target) for link, target in now.resolved_links(source)}
    kept = {}
    for written, place in entries.items():
        if written in links:
            link, target = links[written]
            if target != place.path or _means_other_anchor(link, place, now):
                kept[written] = place
    return kept


def _means_other_anchor(link: Link, place: Destination, now: Index) -> bool:
    note = now.notes.get(place.path) if place.subpath else None
    if note is None:
        return False
    meant = find_anchor(note, place.subpath)
    return meant is not None and find_anchor(note, link.subpath) is not meant


# -- remember the aliases and titles that notes of an earlier state had ----------------------------


def remember_names(known: History, before: Index, now: Index, moves: Mapping[str, str]) -> History:
    """Return a history with the aliases and titles that notes had before and lack now.

    A name that several notes had is left out, and one that a note has again. So is a name that no
    link contains. `moves` maps the paths of the earlier state to present ones.
    """
    names = {}
    for key, name in known.names.items():
        path = moves.get(name.path, name.path)
        if path in now.files:
            names[key] = name._replace(path=path)
    shared = set[str]()
    for path in sorted(list_differing_keys(before.notes, now.notes)):
        old, present = before.notes.get(path), moves.get(path, path)
        for key, kind in _list_names(old).items() if old else ():
            holders = {*before.notes_by_alias.get(key, ()), *before.notes_by_title.get(key, ())}
            if len(holders) > 1:
                shared.add(key)
            elif present in now.notes:
                names[key] = FormerName(present, kind)
    kept = {
        key: name
        for key, name in names.items()
        if key not in shared
        and not (now.notes_by_alias.get(key) or now.notes_by_title.get(key))
        and now.notes_mentioning(set(target_spellings(key)))
    }
    return known if kept == known.names else replace(known, names=kept)


def _list_names(note: Note) -> dict[str, str]:
    names = {normalize_name(alias): "alias" for alias in note.aliases} if note.properties else {}
    if note.title:
        names[normalize_name(note.title)] = "title"
    return names


# -- remember the files that were created: to remove one again is no deletion ----------------------


_FEW_FILES = 20
"""New files up to which the notes that mention each are searched one by one."""


def remember_created(known: History, new: History, before: Index, now: Index) -> History:
    """Return `known` and the later `new`, without removals of what was created.

    Such a removal, as by undo, leaves the links as they were before: no note names the file that
    did not do so then. A file to which links were written since counts as deleted. So does one
    that was known as deleted before it was created.
    """
    created = {
        new.moves.get(path, path): tuple([new.moves.get(note, note) for note in notes])
        for path, notes in known.created.items()
    }
    moved = {*new.moves, *new.moves.values(), *new.likely_moves}
    added = now.files - before.files - moved - known.deleted
    wanted = before.notes_by_spelling if len(added) > _FEW_FILES else None
    for path in added:
        keys = target_spellings(file_name(path))
        if wanted is None or any(key in wanted for key in keys):
            created.setdefault(path, _list_wanting(path, before))
        else:
            created.setdefault(path, ())
    removed = [path for path in new.vanished if path in created and path not in moved]
    undone = {path for path in removed if set(_list_wanting(path, now)) <= set(created[path])}
    kept = {path: notes for path, notes in created.items() if path in now.files}
    latest = dict(list(kept.items())[-MAX_DELETED:])
    return replace(known.then(leave_out(new, undone)), created=latest)


def leave_out(history: History, paths: Set[str]) -> History:
    """Return a history that does not know that these files vanished."""
    if not paths:
        return history
    return replace(
        history,
        deleted=history.deleted - paths,
        vanished={path: n for path, n in history.vanished.items() if path not in paths},
    )


def _list_wanting(path: str, index: Index) -> tuple[str, ...]:
    """Return the notes with unresolved links that a file would resolve, sorted."""
    names = {normalize_name(file_name(path)): (path,)}
    sources = index.notes_mentioning(set(target_spellings(file_name(path))))

    def is_wanting(source: str) -> bool:
        return any(
            target is None and resolve(source, link.target, names) == path
            for link, target in index.resolved_links(source)
        )

    return tuple(sorted(filter(is_wanting, sources)))
