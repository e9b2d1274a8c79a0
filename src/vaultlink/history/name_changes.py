"""Remember the aliases and titles that notes of an earlier state had."""

from collections.abc import Callable, Iterator, Mapping

from msgspec.structs import replace

from vaultlink.history.link_changes import list_changed_keys
from vaultlink.index.index import Index, target_spellings
from vaultlink.index.resolve import normalize_name
from vaultlink.model import FormerName, History, Note


def remember_names(
    known: History,
    before: Index,
    now: Index,
    follow: Callable[[str], str | None],
    until: str = "",
) -> History:
    """Return a history with the aliases and titles that notes had before and lack now.

    A name that several notes had is left out, and one that a note has again. So is a name that no
    link contains.

    Args:
        known: What is known already.
        before: The earlier state.
        now: The present state.
        follow: Returns the present path of a file of the earlier state; None if it is gone.
        until: When the names were removed, as a clause; "" if that is unknown.
    """
    names = dict(_follow_names(known.names, follow))
    shared = set[str]()
    for path in sorted(list_changed_keys(before.notes, now.notes)):
        old, present = before.notes.get(path), follow(path)
        for key, kind in _list_names(old).items() if old else ():
            holders = {*before.notes_by_alias.get(key, ()), *before.notes_by_title.get(key, ())}
            if len(holders) > 1:
                shared.add(key)
            elif present is not None and present in now.notes:
                names[key] = FormerName(present, kind, until)
    kept = {
        key: name
        for key, name in names.items()
        if key not in shared and not _has_name(key, now) and _is_mentioned(key, now)
    }
    return known if kept == known.names else replace(known, names=kept)


def _follow_names(
    known: Mapping[str, FormerName], follow: Callable[[str], str | None]
) -> Iterator[tuple[str, FormerName]]:
    for key, name in known.items():
        path = follow(name.path)
        if path is not None:
            yield key, name._replace(path=path)


def _list_names(note: Note) -> dict[str, str]:
    names = {normalize_name(alias): "alias" for alias in note.aliases} if note.properties else {}
    if note.title:
        names[normalize_name(note.title)] = "title"
    return names


def _has_name(key: str, index: Index) -> bool:
    return bool(index.notes_by_alias.get(key) or index.notes_by_title.get(key))


def _is_mentioned(key: str, index: Index) -> bool:
    return bool(index.notes_mentioning(set(target_spellings(key))))
