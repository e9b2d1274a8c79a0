"""Remember the aliases and titles that notes of an earlier state had."""

from collections.abc import Mapping

from msgspec.structs import replace

from vaultlink.history.link_changes import list_changed_keys
from vaultlink.index.index import Index, target_spellings
from vaultlink.index.resolve import normalize_name
from vaultlink.model import FormerName, History, Note


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
    for path in sorted(list_changed_keys(before.notes, now.notes)):
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
