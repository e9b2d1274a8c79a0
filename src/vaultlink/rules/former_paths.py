"""Look up unresolved links among the former paths of files."""

from collections.abc import Mapping

from vaultlink.index.index import Index, update_names
from vaultlink.index.resolve import PathsByName, name_key, resolve_with_alternatives
from vaultlink.model import NO_HISTORY, History, Link


class _FormerFiles:
    """The files of a history that no longer exist, prepared for looking up links."""

    def __init__(self, _index: Index) -> None:
        self.prepare(NO_HISTORY)

    def prepare(self, history: History) -> None:
        """Prepare for a history."""
        self.history = history
        paths = frozenset((*history.moves, *history.deleted, *history.gone))
        self.names = update_names({}, frozenset(), paths)
        self.old_paths = {new: old for old, new in history.moves.items()}

    def find(self, link: Link, source: str) -> str | None:
        """Return the former path of the file that a link resolved to last."""
        gone, former_source = self.history.gone, self.old_paths.get(source)
        if former_source is not None:
            found = self.resolve(former_source, link.lookup_target)
            # Otherwise the note had moved already when the file vanished.
            if found is not None and gone.get(found, 0) <= gone.get(former_source, 0):
                return found
        return self.resolve(source, link.lookup_target)

    def resolve(self, source: str, target: str) -> str | None:
        """Return the former file that a target names, seen from a path."""
        found, others = resolve_with_alternatives(source, target, self.names)
        if found is None or not others:
            return found
        # Files that vanished earlier did not exist any more when the link broke.
        gone = self.history.gone
        groups: dict[int, set[str]] = {}
        for path in (found, *others):
            groups.setdefault(gone.get(path, 0), set()).add(path)
        names = _keep_names(self.names, found, groups[max(groups)])
        return resolve_with_alternatives(source, target, names)[0]


def _keep_names(names: PathsByName, path: str, kept: set[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the names of files that are named like `path`, for the kept ones only."""
    key = name_key(path)
    return {key: tuple(other for other in names[key] if other in kept)}


def find_former_file(link: Link, source: str, index: Index, history: History) -> str | None:
    """Return the former path of the file that an unresolved link resolved to.

    Return None if it never resolved, as far as the history knows. A relative link is resolved from
    the former path of its own note.
    """
    former = _prepare_former_files(index, history)
    return former.find(link, source) if former else None


def resolve_former_path(target: str, index: Index, history: History) -> str | None:
    """Return the former path of the file that a path or name meant last."""
    former = _prepare_former_files(index, history)
    return former.resolve("", target) if former and target else None


def _prepare_former_files(index: Index, history: History) -> _FormerFiles | None:
    """Return the files of a history that no longer exist; None if there are none."""
    if not (history.moves or history.deleted or history.gone):
        return None
    former = index.derive(_FormerFiles)
    if former.history is not history:
        former.prepare(history)
    return former


def follow_move(link: Link, source: str, index: Index, history: History) -> str | None:
    """Return the current path of the file that a link resolved to before a move.

    Return None if the link did not resolve then, or if its target was not moved.
    """
    former = find_former_file(link, source, index, history)
    return None if former is None else history.moves.get(former)


def was_deleted(link: Link, source: str, index: Index, history: History) -> bool:
    """Return True if an unresolved link led to a file that was not found again."""
    former = find_former_file(link, source, index, history)
    return former is not None and former not in history.moves
