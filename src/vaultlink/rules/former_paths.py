"""Look up unresolved links among the former paths of files."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from vaultlink.index.index import Index, update_names
from vaultlink.index.resolve import PathsByName, resolve_with_alternatives
from vaultlink.model import Link


class KnownPast(Protocol):
    """Object with the moves (old path to current path) and the deleted paths of a run."""

    @property
    def moves(self) -> Mapping[str, str]: ...
    @property
    def deleted(self) -> frozenset[str]: ...


class _MoveCache:
    """The moves of a run, prepared for looking up links."""

    def __init__(self, _index: Index) -> None:
        self.prepare({})

    def prepare(self, moves: Mapping[str, str]) -> None:
        """Prepare for `moves`: old path to new path."""
        self.moves = moves
        self.old_names = update_names({}, frozenset(), frozenset(moves))
        self.old_paths = {new: old for old, new in moves.items()}


def follow_move(link: Link, source: str, index: Index, past: KnownPast) -> str | None:
    """Return the current path of the file that a link resolved to before a move.

    Return None if the link did not resolve then, or if its target was not moved. A relative link is
    resolved from the former path of its own note.
    """
    cache = _prepare_moves(index, past)
    old, _ = resolve_with_alternatives(
        cache.old_paths.get(source, source), link.lookup_target, cache.old_names
    )
    return cache.moves.get(old) if old is not None else None


def was_deleted(link: Link, source: str, index: Index, past: KnownPast) -> bool:
    """Return True if an unresolved link formerly resolved to a deleted file.

    A relative link is resolved from the former path of its own note.
    """
    if not past.deleted:
        return False
    old_paths = _prepare_moves(index, past).old_paths
    old, _ = resolve_with_alternatives(
        old_paths.get(source, source), link.lookup_target, _name_deleted(past.deleted)
    )
    return old is not None


def _prepare_moves(index: Index, past: KnownPast) -> _MoveCache:
    cache = index.derive(_MoveCache)
    if cache.moves is not past.moves:
        cache.prepare(past.moves)
    return cache


@lru_cache(maxsize=2)  # the same in all states of a run
def _name_deleted(deleted: frozenset[str]) -> PathsByName:
    return update_names({}, frozenset(), deleted)
