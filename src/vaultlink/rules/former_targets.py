"""Explain unresolved links by the former file, alias or title that they name."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from vaultlink.index.anchors import find_anchor, part_key, split_parts
from vaultlink.index.index import FilesByPath, Index, update_names
from vaultlink.index.resolve import name_key, normalize_name, resolve, resolve_with_alternatives
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import (
    NO_HISTORY,
    Destination,
    Heading,
    History,
    Link,
    Note,
    Suggestion,
)


class _FormerFiles:
    """The files of a history that no longer exist, prepared for looking up links."""

    is_weak = True

    def __init__(self, index: Index) -> None:
        self.index = index
        self.prepare(NO_HISTORY)

    def prepare(self, history: History) -> None:
        self.history = history
        paths = frozenset((*history.moves, *history.deleted, *history.vanished))
        self.names = update_names({}, frozenset(), paths)
        self.by_path = FilesByPath(paths)
        self.moved_folders: dict[str, str | None] = {}
        self.old_paths: dict[str, list[str]] = {}
        for old in sorted(history.moves, key=lambda old: -history.vanished.get(old, 0)):
            self.old_paths.setdefault(history.moves[old], []).append(old)

    def find(self, link: Link, source: str) -> str | None:
        """Return the former path of the file that a link resolved to last."""
        gone, target = self.history.vanished, link.lookup_target
        for place, earlier in pairwise((source, *self.old_paths.get(source, ()), "")):
            found = self.resolve(place, target)
            since = gone.get(found or "", 0)
            # Otherwise the file vanished when the note was not there yet, or not any more.
            if found is not None and gone.get(earlier, -1) < since <= gone.get(place, since):
                return found
            if resolve(place, target, self.index.names) is not None:
                return None  # it may have meant this file
        return None

    def resolve(self, source: str, target: str) -> str | None:
        found, others = resolve_with_alternatives(source, target, self.names)
        if found is None or not others:
            return found
        # Files that vanished earlier did not exist any more when the link broke.
        gone = self.history.vanished
        groups: dict[int, set[str]] = {}
        for path in (found, *others):
            groups.setdefault(gone.get(path, 0), set()).add(path)
        key, latest = name_key(found), groups[max(groups)]
        names = {key: tuple(path for path in self.names[key] if path in latest)}
        return resolve_with_alternatives(source, target, names)[0]


def find_former_file(link: Link, source: str, index: Index, history: History) -> str | None:
    """Return the path of the file that an unresolved link resolved to, if known."""
    former = _prepare_former_files(index, history)
    return former.find(link, source) if former else None


def resolve_former_path(target: str, index: Index, history: History) -> str | None:
    """Return the former path of the file that a path or name meant last."""
    former = _prepare_former_files(index, history)
    return former.resolve("", target) if former and target else None


def _prepare_former_files(index: Index, history: History) -> _FormerFiles | None:
    """Return the files of a history that no longer exist; None if there are none."""
    if not (history.moves or history.deleted or history.vanished):
        return None
    former = index.derive(_FormerFiles)
    if former.history is not history:
        former.prepare(history)
    return former


def follow_move(link: Link, source: str, index: Index, history: History) -> str | None:
    """Return where the file of a link is now, if it or the linking note was moved."""
    meant = history.former_destinations.get(source, {}).get(link.raw)
    if meant is not None and meant.is_certain:
        return meant.path
    former = find_former_file(link, source, index, history)
    return None if former is None else history.moves.get(former)


def was_deleted(link: Link, source: str, index: Index, history: History) -> bool:
    """Return True if an unresolved link led to a file that was not found again."""
    former = find_former_file(link, source, index, history)
    return former is not None and former not in history.moves


def find_moved_folder(folder: str, index: Index, history: History) -> str | None:
    """Return the present path of a folder that was renamed as a whole.

    Return None unless most of the files that vanished last from it are at the same places below
    one other folder, are most of that folder's files, and more than left for elsewhere before.
    A folder whose files left otherwise, such as an inbox, may be meant to be empty, which
    neither git nor an index shows.
    """
    former = _prepare_former_files(index, history)
    if former is None:
        return None
    key = f"{normalize_name(folder)}/"
    if key not in former.moved_folders:
        former.moved_folders[key] = _follow_folder(
            former.by_path[key], key.count("/"), index, history
        )
    return former.moved_folders[key]


def _follow_folder(files: Sequence[str], depth: int, index: Index, history: History) -> str | None:
    """Return the present path of the folder that had these files, `depth` levels down."""
    if not files:
        return None
    last = max(history.vanished.get(path, 0) for path in files)
    vanished = [path for path in files if history.vanished.get(path, 0) == last]
    places: Counter[str] = Counter()
    for path in vanished:
        ending = "/" + "/".join(path.split("/")[depth:])
        place = history.moves.get(path, "")
        if place.endswith(ending):
            places[place.removesuffix(ending)] += 1
    if not places:
        return None
    [(place, count)] = places.most_common(1)
    size = max(len(vanished), len(index.files_by_path[f"{normalize_name(place)}/"]))
    earlier = [path for path in files if history.vanished.get(path, 0) != last]
    left = sum(not history.moves.get(path, "").startswith(f"{place}/") for path in earlier)
    return place if 2 * count > size and count > left else None


_SCORE = 0.9
"""Score of suggestions from the history. They come first: only they are based on facts."""


class FormerTarget(NamedTuple):
    """The former target of a link, what happened to it, and what may be meant now.

    `reason` is a clause, "" if that is unknown. `is_named` is True if it names `path`.
    """

    reason: str = ""
    path: str | None = None
    is_named: bool = False


NO_FORMER_TARGET = FormerTarget()


def find_former_target(
    link: Link, source: str, index: Index, history: History
) -> FormerTarget | None:
    """Return what became of the target of an unresolved link.

    Return None if it was no file, alias or title before, as far as the history knows. A file that
    was certainly moved is not suggested: `moved-link` reports links to it.
    """
    path = find_former_file(link, source, index, history)
    if path is not None:
        return _describe_file(path, history)
    name = history.names.get(normalize_name(link.target)) if history.names else None
    if name is None or name.path == source:
        return None
    kind, until = _ARTICLES[name.kind], f" until {name.until}" if name.until else " before"
    reason = f"was {kind} of “{strip_note_extension(name.path)}”{until}"
    return FormerTarget(reason, name.path, is_named=True)


def suggest_former_target(target: FormerTarget | None) -> tuple[Suggestion, ...]:
    """Return the file that a link may mean now as a suggestion, if it is known."""
    if target is None or target.path is None:
        return ()
    return (Suggestion(target.path, "history", _SCORE),)


def put_first(
    former: tuple[Suggestion, ...], others: Sequence[Suggestion]
) -> tuple[Suggestion, ...]:
    """Return suggestions that begin with those of the history, each file once."""
    paths = {item.path for item in former}
    return (*former, *(item for item in others if item.path not in paths))


def explain_loss(path: str, history: History) -> str:
    """Return what happened to a file that is gone, as a participle; "" if unknown."""
    return history.reasons.get(path) or ("deleted" if path in history.deleted else "")


def _describe_file(path: str, history: History) -> FormerTarget:
    reason = explain_loss(path, history)
    likely = history.likely_moves.get(path) if path not in history.moves else None
    is_named = likely is not None and strip_note_extension(likely) in reason
    return FormerTarget(reason, likely, is_named)


_ARTICLES = {"alias": "an alias", "title": "the title"}


def find_renamed_anchor(subpath: str, target: Note, history: History) -> Destination | None:
    """Return what a subpath's heading or block is now; any part may have changed."""
    former = history.anchors.get(target.path)
    parts = split_parts(subpath)
    if not former or not parts:
        return None
    keys = [part_key(part) for part in parts]
    whole = former.get("#".join(keys))
    if whole is not None:
        return whole
    if keys[-1] in former:
        return former[keys[-1]]
    renamed = [former.get(key) for key in keys]
    if not any(renamed):
        return None
    written = "".join(
        f"#{new.subpath.rpartition('#')[2] if new else part}"
        for part, new in zip(parts, renamed, strict=True)
    )
    if not _is_below_parent(written, target):
        return None
    return Destination(target.path, written, all(new.is_certain for new in renamed if new))


def _is_below_parent(subpath: str, note: Note) -> bool:
    """Return True if `#A#B` is in its parent's section; Obsidian finds later ones too."""
    found = find_anchor(note, subpath)
    parent = find_anchor(note, subpath[: subpath.rfind("#")])
    if not isinstance(found, Heading) or not isinstance(parent, Heading):
        return False
    return all(
        heading.level > parent.level
        for heading in note.headings
        if parent.start < heading.start <= found.start
    )
