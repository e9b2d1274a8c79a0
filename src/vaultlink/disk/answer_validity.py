"""Tell which answers about a saved state are the same for a state that was loaded from it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from vaultlink.disk.answers import Facts
from vaultlink.disk.load import StateOrigin
from vaultlink.engine.step import State
from vaultlink.index.file_kinds import find_conflicted_files
from vaultlink.index.index import Index, LinkTargets, unresolved_keys
from vaultlink.index.packed_map import PackedMap
from vaultlink.links.style import list_link_traits
from vaultlink.model import Note


def make_validator(
    state: State, origin: StateOrigin | None, is_locked: Callable[[str], bool]
) -> Callable[[str, Facts], bool]:
    """Return a function that tells if an answer is the same in the saved state.

    `is_locked` returns True for the path of a file that can't be written.
    """
    if origin is not None and origin.is_saved:
        return lambda _path, facts: facts.needs is not None
    found, targets, names = state.diagnostics, state.index.targets, state.index.names
    if (
        origin is None
        or not isinstance(found, PackedMap)
        or not isinstance(targets, PackedMap)
        or not isinstance(names, PackedMap)
    ):
        return lambda _path, _facts: False
    validator = _Validator(origin, state.index, targets, names, found.keys_changed(), is_locked)
    return validator.is_valid


class _Validator:
    """Compares a state with the saved one that it was loaded from.

    `checked` are the paths that were checked again since.
    """

    def __init__(
        self,
        origin: StateOrigin,
        index: Index,
        targets: PackedMap[LinkTargets],
        names: PackedMap[tuple[str, ...]],
        checked: Iterable[str],
        is_locked: Callable[[str], bool],
    ):
        self._origin, self._index, self._is_locked = origin, index, is_locked
        self._targets, self._names = targets, names
        self._changed = {*index.notes.keys_changed(), *targets.keys_changed()}
        self._affected = self._changed.union(checked)

    def is_valid(self, path: str, facts: Facts) -> bool:
        needs, origin = facts.needs, self._origin
        return (
            needs is not None
            and path not in self._affected
            and not (needs.names and self._is_named_anew)
            and not (needs.links and path in self._linked)
            and (not needs.notes or self._changed.isdisjoint(needs.notes))
            and (needs.is_locked is None or self._is_writable_as(path, is_locked=needs.is_locked))
            and not (needs.history and not origin.has_same_history)
            and not (needs.style and self._has_other_style)
            and (not needs.targets or self._moved_targets.isdisjoint(needs.targets))
            and (not needs.words or self._moved_words.isdisjoint(needs.words))
            and (not needs.unchecked or self._is_apart(needs.unchecked))
        )

    def _is_writable_as(self, path: str, *, is_locked: bool) -> bool:
        """Return True if a note may be changed now if it could be then."""
        return path not in self._conflicted and not (
            path in self._origin.restamped and self._is_locked(path) != is_locked
        )

    def _is_apart(self, notes: Sequence[str]) -> bool:
        """Return True if what changed affects none of these notes, whatever their texts are."""
        return (
            self._affected.isdisjoint(notes)
            and self._origin.restamped.isdisjoint(notes)
            and not _has_changes(self._index.path_sources)
        )

    @cached_property
    def _is_named_anew(self) -> bool:
        return _has_changes(self._index.names) or _has_changes(self._index.titles_by_spelling)

    @cached_property
    def _conflicted(self) -> frozenset[str]:
        """The notes of which a sync service created or removed a conflicting copy."""
        names, moved = self._names, set[str]()
        for key in names.keys_changed():
            moved.update({*(names.saved_value(key) or ())} ^ {*names.get(key, ())})
        return find_conflicted_files(moved)

    @cached_property
    def _linked(self) -> set[str | None]:
        """The targets that changed notes have or had."""
        found: set[str | None] = set()
        for path in self._changed:
            found.update(self._targets.saved_value(path) or (), self._targets.get(path, ()))
        return found

    @cached_property
    def _before(self) -> Index:
        """The index with the changed notes as they were, and no others."""
        notes, targets = self._index.notes, self._targets
        old_notes = {path: notes.saved_value(path) for path in self._changed}
        old_targets = {path: targets.saved_value(path) for path in self._changed}
        return Index(
            PackedMap[Note](Note, {path: note for path, note in old_notes.items() if note}),
            self._index.names,
            {path: found for path, found in old_targets.items() if found is not None},
            self._index.files,
        )

    @cached_property
    def _has_other_style(self) -> bool:
        """True if the numbers of links with some traits may be others."""
        return self._is_named_anew or any(
            Counter(list_link_traits(self._before, path) if path in self._before.notes else ())
            != Counter(list_link_traits(self._index, path) if path in self._index.notes else ())
            for path in self._changed
        )

    @cached_property
    def _moved_targets(self) -> set[str]:
        """The unresolved targets that changed notes gained or lost."""
        moved: set[str] = set()
        for path in self._changed:
            moved.update(
                {*unresolved_keys(self._before, path)} ^ {*unresolved_keys(self._index, path)}
            )
        return moved

    @cached_property
    def _moved_words(self) -> set[str]:
        """The words in unresolved targets and headings that changed notes gained or lost."""
        from vaultlink.index.vocabulary import (  # noqa: PLC0415 - for tried fixes only
            list_compared_words,
            list_word_texts,
        )

        moved: set[str] = set()
        for path in self._changed:
            before, after = [
                set(list_word_texts(index.notes[path], index.targets[path]))
                if path in index.notes
                else set()
                for index in (self._before, self._index)
            ]
            moved |= before ^ after
        return list_compared_words(moved)


def _has_changes(values: Mapping[str, object]) -> bool:
    """Return True if a mapping may differ from the saved one."""
    return not isinstance(values, PackedMap) or any(True for _ in values.keys_changed())
