"""From one index to the next: what a change of files and notes changes in it, and whose findings may differ."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from vaultlink.index.index import (
    Index,
    KeyFunction,
    LinkTargets,
    PathsByKey,
    alias_keys,
    defined_spellings,
    file_spellings,
    mentioned_spellings,
    names_of_file,
    outgoing_targets,
    path_keys,
    title_keys,
    update_names,
)
from vaultlink.index.resolve import name_key, resolve_with_alternatives
from vaultlink.model import Link, Note, Place


def update(
    index: Index, notes: Mapping[str, Note | None], files: Mapping[str, bool]
) -> tuple[Index, set[str]]:
    """The index after changes, and the notes whose findings may have changed.

    `notes`: path to the note now there, None if it is gone. `files`: path to whether a file of any kind is there now.
    """
    moved = {path for path, there in files.items() if there != (path in index.files)}
    present = (
        index.files ^ moved if moved else index.files
    )  # the same one, which tells whoever asks that no file moved
    after = Index(
        index.notes.with_changes(notes),
        update_names(index.names, index.files & moved, present & moved),
        {},
        present,
    )
    if not index.files:
        after.targets = _resolve_links(after, after.notes)
        return after, set(after.notes)
    changed = set(notes)
    keys = _find_changed_spellings(index, after, changed | moved)
    again = {path for path in changed if path in after.notes}
    again.update(
        path for key in keys for path in index.mentions.get(key, ()) if path in after.notes
    )
    targets = dict(index.targets)
    for path in changed - again:
        targets.pop(path, None)
    targets.update(_resolve_links(after, again))
    after.targets = targets
    _update_derived_maps(index, after, changed | moved, again | changed)
    return after, _find_affected_notes(index, after, changed, again, keys)


def files_with_changed_names(before: Index, after: Index, changed: Iterable[str]) -> set[str]:
    """The files of which checks of names may find something else: those that came; those whose path is that of one that came
    or went but for case and Unicode form; and of the folders in their paths the first file in each that is so called."""
    if before.files is after.files:
        return set()
    if not before.files:
        return set(after.files)
    moved = [path for path in changed if (path in before.files) != (path in after.files)]
    places = {place for path in moved for place in path_keys(after, path)}
    return {
        path
        for index in (before, after)
        for place in places
        for path in _first_per_folder(place, index.files_by_path.get(place, ()))
        if path in after.files
    }


def _first_per_folder(place: str, paths: Sequence[str]) -> Iterable[str]:
    """Of the files at a place those that are told of: all, or if it is a folder the first one in each so called."""
    if not place.endswith("/"):
        return paths
    depth, at, firsts = place.count("/"), 0, []
    while at < len(paths):
        firsts.append(paths[at])
        folder = "/".join(paths[at].split("/")[:depth])
        at = bisect_left(paths, folder + chr(ord("/") + 1), at)  # behind all that lies in it
    return firsts


def _find_affected_notes(
    before: Index, after: Index, changed: set[str], again: set[str], keys: set[str]
) -> set[str]:
    """Whose findings may differ: everyone re-resolved, targets gained, lost or spoken of by a changed note, notes that
    link to headings or blocks of a changed note, notes that share a name with what came or went, and whoever names
    those."""
    affected = set(again)
    for path in again | changed:
        old, new = set(before.targets.get(path, ())), set(after.targets.get(path, ()))
        affected.update(
            path for path in (old | new if path in changed else old ^ new) if path is not None
        )
    for path in changed:
        if _linkable_parts(before.notes.get(path)) != _linkable_parts(after.notes.get(path)):
            affected.update(after.backlinks.get(path, ()))
    sharing = {path for key in keys for path in after.definitions.get(key, ())}
    affected.update(sharing)
    for (
        path
    ) in sharing:  # how a link to them is written may have changed, and with it what is advised
        for key in defined_spellings(after, path):
            affected.update(after.mentions.get(key, ()))
    return {path for path in affected if path in after.notes}


def _linkable_parts(note: Note | None) -> object:
    """What checks of links to a note read of it: its names, headings and blocks, and whether it can be read at all."""
    return note and (
        [(heading.level, heading.text) for heading in note.headings],
        [block.id for block in note.blocks],
        [problem.kind for problem in note.problems],
        note.property_value("excalidraw-plugin"),
        note.title,
        note.aliases,
    )


def _find_changed_spellings(before: Index, after: Index, moved: Iterable[str]) -> set[str]:
    """Spellings of what files that came, changed or went are no longer called, or newly."""
    return {
        key
        for path in moved
        for _, _, key in names_of_file(before, path) ^ names_of_file(after, path)
    }


def _resolve_links(index: Index, paths: Iterable[str]) -> dict[str, LinkTargets]:
    """Where the links of notes lead. A bare name that one file has leads there from everywhere, so it is looked up once."""
    everywhere: dict[str, str | None] = {}
    names = index.names

    def lead(path: str, link: Link) -> str | None:
        target = link.target if link.place is not Place.CANVAS else link.lookup_target
        if target in everywhere:
            return everywhere[target]
        if link.external:
            return None
        chosen, others = resolve_with_alternatives(path, target, names)
        if target and "/" not in target and not others:
            everywhere[target] = chosen
        return chosen

    return {path: tuple([lead(path, link) for link in index.notes[path].links]) for path in paths}


def _update_derived_maps(before: Index, after: Index, moved: set[str], resolved: set[str]) -> None:
    """Bring along what was derived from the index before: only what has to do with these paths is looked at."""
    for name, of_path in _DERIVED_MAPS:
        if name in before.__dict__:
            paths = resolved if of_path is outgoing_targets else moved
            after.__dict__[name] = _patch_map(before.__dict__[name], before, after, paths, of_path)
    if "files_sharing_names" in before.__dict__:
        after.__dict__["files_sharing_names"] = _update_shared_names(before, after, moved)


def _patch_map(
    kept: PathsByKey, before: Index, after: Index, paths: Iterable[str], keys: KeyFunction
) -> PathsByKey:
    """A derived map of the index after, from the one before: the same one if these paths have in it what they had."""
    lost: dict[str, set[str]] = {}
    gained: dict[str, list[str]] = {}
    for path in paths:
        old, new = _compute_keys(before, path, keys), _compute_keys(after, path, keys)
        for key in old - new:
            lost.setdefault(key, set()).add(path)
        for key in new - old:
            gained.setdefault(key, []).append(path)
    if not lost and not gained:
        return kept
    patched = dict(kept)
    for key in (
        lost.keys() | gained.keys()
    ):  # once for each key: a folder may have as many files as there are changes
        gone = lost.get(key, ())
        group = [*(path for path in patched.get(key, ()) if path not in gone), *gained.get(key, ())]
        if group:
            patched[key] = tuple(sorted(group))
        else:
            del patched[key]
    return patched


def _update_shared_names(before: Index, after: Index, moved: Iterable[str]) -> frozenset[str]:
    """The files that share their name: only for names of files that came or went can this be any different."""
    if before.names is after.names:
        return before.files_sharing_names
    keys = {name_key(path) for path in moved}
    groups = (after.names.get(key, ()) for key in keys)
    unsure = (before.names.get(key, ()) for key in keys)
    return before.files_sharing_names.difference(*unsure).union(
        *(group for group in groups if len(group) > 1)
    )


def _compute_keys(index: Index, path: str, keys: KeyFunction) -> set[str]:
    """What a path has in a map; nothing if the index does not hold it."""
    on_notes = keys in (outgoing_targets, mentioned_spellings)
    return set(keys(index, path)) if path in (index.notes if on_notes else index.files) else set()


_DERIVED_MAPS: tuple[tuple[str, KeyFunction], ...] = (
    ("notes_by_alias", alias_keys),
    ("notes_by_title", title_keys),
    ("files_by_spelling", file_spellings),
    ("mentions", mentioned_spellings),
    ("definitions", defined_spellings),
    ("files_by_path", path_keys),
    ("backlinks", outgoing_targets),
)
