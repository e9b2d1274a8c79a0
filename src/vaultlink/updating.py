"""From one index to the next: what a change of files and notes changes in it, and whose findings may differ."""

from collections.abc import Iterable, Mapping

from vaultlink.index import (
    Grouped,
    Index,
    Keys,
    Targets,
    aliases,
    called,
    defined,
    led_to,
    mentioned,
    renamed,
    spellings,
    titles,
)
from vaultlink.model import Link, Note, Place
from vaultlink.resolve import choose


def update(index: Index, notes: Mapping[str, Note | None], files: Mapping[str, bool]) -> tuple[Index, set[str]]:
    """The index after changes, and the notes whose findings may have changed.

    `notes`: path to the note now there, None if it is gone. `files`: path to whether a file of any kind is there now.
    """
    changed = set(notes)
    present = index.files.union(path for path, there in files.items() if there)
    present = present.difference(path for path, there in files.items() if not there)
    after = Index(index.notes.changed(notes), renamed(index.names, index.files, present), {}, present)
    moved = changed | {path for path, there in files.items() if there != (path in index.files)}
    if not index.files:
        after.targets = _resolved(after, after.notes)
        return after, set(after.notes)
    keys = _changed_keys(index, after, moved)
    again = {path for path in changed if path in after.notes}
    again.update(path for key in keys for path in index.mentions.get(key, ()) if path in after.notes)
    targets = {path: links for path, links in index.targets.items() if path in after.notes}
    targets.update(_resolved(after, again))
    after.targets = targets
    for name, of_path in _DERIVED:
        if name in index.__dict__:
            after.__dict__[name] = _patched(index.__dict__[name], index, after, moved, of_path)
    if "backlinks" in index.__dict__:
        after.__dict__["backlinks"] = _patched(index.backlinks, index, after, again | changed, led_to)
    return after, _affected(index, after, changed, again, keys)


def _affected(before: Index, after: Index, changed: set[str], again: set[str], keys: set[str]) -> set[str]:
    """Whose findings may differ: everyone re-resolved, targets gained, lost or spoken of by a changed note, notes that
    link to headings or blocks of a changed note, notes that share a name with what came or went, and whoever names
    those."""
    affected = set(again)
    for path in again | changed:
        old, new = set(before.targets.get(path, ())), set(after.targets.get(path, ()))
        affected.update(path for path in (old | new if path in changed else old ^ new) if path is not None)
    for path in changed:
        if _anchors(before.notes.get(path)) != _anchors(after.notes.get(path)):
            affected.update(after.backlinks.get(path, ()))
    sharing = {path for key in keys for path in after.definitions.get(key, ())}
    affected.update(sharing)
    for path in sharing:  # how a link to them is written may have changed, and with it what is advised
        for key in defined(after, path):
            affected.update(after.mentions.get(key, ()))
    return {path for path in affected if path in after.notes}


def _anchors(note: Note | None) -> object:
    """What checks of links to a note read of it: its names, headings and blocks, and whether it can be read at all."""
    return note and ([(heading.level, heading.text) for heading in note.headings], [block.id for block in note.blocks],
                     [trouble.kind for trouble in note.troubles], note.value_of("excalidraw-plugin"), note.title, note.aliases)


def _changed_keys(before: Index, after: Index, moved: Iterable[str]) -> set[str]:
    """Spellings of what files that came, changed or went are no longer called, or newly."""
    return {key for path in moved for _, _, key in called(before, path) ^ called(after, path)}


def _resolved(index: Index, paths: Iterable[str]) -> dict[str, Targets]:
    """Where the links of notes lead. A bare name that one file has leads there from everywhere, so it is looked up once."""
    everywhere: dict[str, str | None] = {}
    names = index.names

    def lead(path: str, link: Link) -> str | None:
        target = link.target if link.place is not Place.CANVAS else link.destination
        if target in everywhere:
            return everywhere[target]
        if link.external:
            return None
        chosen, others = choose(path, target, names)
        if target and "/" not in target and not others:
            everywhere[target] = chosen
        return chosen

    return {path: tuple([lead(path, link) for link in index.notes[path].links]) for path in paths}


def _patched(kept: Grouped, before: Index, after: Index, paths: Iterable[str], keys: Keys) -> Grouped:
    """A derived map of the index after, from the one before: only what these paths have is looked at."""
    patched = dict(kept)
    for path in paths:
        old, new = _keys(before, path, keys), _keys(after, path, keys)
        for key in old - new:
            rest = tuple(other for other in patched[key] if other != path)
            if rest:
                patched[key] = rest
            else:
                del patched[key]
        for key in new - old:
            patched[key] = tuple(sorted((*patched.get(key, ()), path)))
    return patched


def _keys(index: Index, path: str, keys: Keys) -> set[str]:
    """What a path has in a map; nothing if the index does not hold it."""
    on_notes = keys in (led_to, mentioned)
    return set(keys(index, path)) if path in (index.notes if on_notes else index.files) else set()


_DERIVED: tuple[tuple[str, Keys], ...] = (
    ("aliased", aliases), ("titled", titles), ("spelled", spellings), ("mentions", mentioned),
    ("definitions", defined))
