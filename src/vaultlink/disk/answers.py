"""Answers about single paths, kept from one run to the next.

An answer is what a run found out about a path of a saved state: bytes, and facts. A later run that
starts from the same saved state uses it again, unless `step` called the path affected since, or
something else changed that the answer depends on.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from vaultlink.disk.cache import ANSWERS_PREFIX, Cache, digest_parts
from vaultlink.disk.load import StateOrigin
from vaultlink.engine.step import State
from vaultlink.index.file_kinds import find_conflicted_files
from vaultlink.index.index import Index, LinkTargets, TraitCount, unresolved_keys
from vaultlink.index.packed_map import PackedMap
from vaultlink.index.resolve import parent_folder
from vaultlink.links.style import has_other_style, list_link_traits
from vaultlink.model import Note

if TYPE_CHECKING:
    from vaultlink.disk.scan import VaultScan


class Needs(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The parts of a vault that an answer depends on, beside its path.

    Attributes:
        notes: Other notes.
        names: The names of all files, the titles and the aliases.
        links: The links to the headings of the path.
        is_locked: True if the file could not be written; None if that does not matter.
        style: The style of the vault's links.
        history: What became of files, headings and blocks.
        targets: Targets that may be unresolved elsewhere.
        words: Words that may be in unresolved targets and headings elsewhere.
        unchecked: Notes that must not have been checked again. They have other texts in the states
            on which the answer depends.
    """

    notes: tuple[str, ...] = ()
    names: bool = False
    links: bool = False
    is_locked: bool | None = None
    style: bool = False
    history: bool = False
    targets: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The facts of an answer. Many paths share the same, so they are stored once.

    `needs` is None if the answer can't be kept. Subclasses add fields.
    """

    needs: Needs | None


F = TypeVar("F", bound=Facts)


class Answer(msgspec.Struct, Generic[F], frozen=True, array_like=True, gc=False):
    """The answer about one path."""

    text: bytes
    facts: F


class _StoredAnswers(msgspec.Struct, Generic[F], frozen=True, array_like=True, gc=False):
    """Answers as they are stored.

    `ends` are the ends of the paths' texts in `texts`, `numbers` the numbers of their facts.
    """

    paths: list[str]
    ends: bytes
    numbers: bytes
    facts: list[F]
    texts: bytes


class AnswerStore(Generic[F]):
    """The answers of one kind about the paths of a vault.

    Attributes:
        cache: The cache of the vault; None if no answers are kept.
        key: Identifies the saved state and the options of the answers.
        kind: The name of the entry in the cache.
        style_kind: The name of the entry with the traits of links, on which the style depends.
    """

    def __init__(
        self,
        scan: "VaultScan",
        state: State,
        origin: StateOrigin | None,
        kind: str,
        variant: object,
        facts_type: type[F],
        is_locked: Callable[[str], bool],
    ):
        """Open a store.

        Args:
            scan: The scan of the vault.
            state: The state that the answers are about.
            origin: The saved state that it was loaded from or saved as.
            kind: The name of the store. It keeps the answers of one run.
            variant: The options that the answers depend on; its `repr` tells them apart.
            facts_type: The type of the facts.
            is_locked: Returns True for the path of a file that can't be written.
        """
        self.kind = f"{ANSWERS_PREFIX}{kind}"
        self.key: bytes | None = None
        self.cache: Cache | None = None
        self._state, self._origin, self._type = state, origin, facts_type
        self.style_kind = f"{self.kind}-style"
        if origin is not None:
            self.cache = scan.open_cache()
            layers = [(layer.source, layer.values) for layer in scan.layers]
            self.key = digest_parts((origin.identity, repr((layers, variant)).encode()))
        self._validator = _find_validator(state, origin, is_locked, self._load_style)

    def holds(self, path: str, facts: Facts) -> bool:
        """Return True if an answer with these facts is that for the saved state."""
        if self._validator is None:
            return facts.needs is not None and self._origin is not None and self._origin.is_saved
        return self._validator.is_valid(path, facts)

    def take_over_style(self) -> None:
        """Take over the traits of links that an earlier run has counted."""
        if self._validator is not None:
            self._validator.find_style_indexes()

    def encode_style(self) -> bytes | None:
        """Encode the traits of links in the saved state; None if they are kept or unknown."""
        counts = self._state.index.memos.get(_LINK_TRAITS)
        if counts is None or self._origin is None:
            return None
        if self._origin.is_saved:
            return msgspec.msgpack.encode(counts)
        if self._validator is None or self._load_style() is not None:
            return None
        before = self._validator.remove_changes(counts)
        return None if before is None else msgspec.msgpack.encode(before)

    def _load_style(self) -> "Counter[str] | None":
        data = (
            self.cache.load_result(self.key, self.style_kind) if self.cache and self.key else None
        )
        with suppress(msgspec.MsgspecError, ValueError):
            return Counter(msgspec.msgpack.decode(data or b"", type=dict[str, int]))
        return None

    def load(self) -> dict[str, Answer[F]]:
        """Return the kept answers that still hold."""
        return {path: item for path, item in self._load_all() if self.holds(path, item.facts)}

    def encode(self, kept: Mapping[str, Answer[F]], made: Mapping[str, Answer[F]]) -> bytes | None:
        """Encode answers to keep; None if none of `made` holds for the saved state."""
        new = {path: item for path, item in made.items() if self.holds(path, item.facts)}
        if not new or self.cache is None:
            return None
        kept = {**kept, **new}
        by_id = {id(item.facts): item.facts for item in kept.values()}
        numbers = {facts: number for number, facts in enumerate(dict.fromkeys(by_id.values()))}
        numbers_by_id = {key: numbers[facts] for key, facts in by_id.items()}
        return msgspec.msgpack.encode(
            _StoredAnswers(
                list(kept),
                array("Q", accumulate(len(item.text) for item in kept.values())).tobytes(),
                array("I", [numbers_by_id[id(item.facts)] for item in kept.values()]).tobytes(),
                list(numbers),
                b"".join([item.text for item in kept.values()]),
            )
        )

    def _load_all(self) -> Iterator[tuple[str, Answer[F]]]:
        origin = self._origin
        if self.cache is None or self.key is None or origin is None or origin.is_saved:
            return
        try:
            stored: _StoredAnswers[F] = msgspec.msgpack.decode(
                self.cache.load_result(self.key, self.kind) or b"",
                type=_StoredAnswers[self._type],  # type: ignore[name-defined] # a type made here
            )
        except (msgspec.MsgspecError, ValueError):
            return
        ends, numbers, texts = array("Q"), array("I"), stored.texts
        ends.frombytes(stored.ends)
        numbers.frombytes(stored.numbers)
        bounds = pairwise(chain((0,), ends))
        for path, (start, end), number in zip(stored.paths, bounds, numbers, strict=True):
            yield path, Answer(texts[start:end], stored.facts[number])


# -- tell which answers about a saved state are the same for a state that was loaded from it ------


_LINK_TRAITS = TraitCount(list_link_traits, on_targets=True)


def _find_validator(
    state: State,
    origin: StateOrigin | None,
    is_locked: Callable[[str], bool],
    load_style: "Callable[[], Counter[str] | None]",
) -> "_Validator | None":
    """Return what compares a state with the saved one; None if there is no other.

    `is_locked` returns True for the path of a file that can't be written. `load_style` returns the
    traits of links in the saved state.
    """
    found, targets, names = state.diagnostics, state.index.targets, state.index.names
    if (
        origin is None
        or origin.is_saved
        or not isinstance(found, PackedMap)
        or not isinstance(targets, PackedMap)
        or not isinstance(names, PackedMap)
    ):
        return None
    return _Validator(origin, state, targets, names, found.keys_changed(), is_locked, load_style)


class _Validator:
    """Compares a state with the saved one that it was loaded from.

    `checked` are the paths that were checked again since.
    """

    def __init__(
        self,
        origin: StateOrigin,
        state: State,
        targets: PackedMap[LinkTargets],
        names: PackedMap[tuple[str, ...]],
        checked: Iterable[str],
        is_locked: Callable[[str], bool],
        load_style: "Callable[[], Counter[str] | None]",
    ):
        index, self._obsidian = state.index, state.settings.obsidian
        self._origin, self._index, self._is_locked = origin, index, is_locked
        self._load_style, self._styles = load_style, dict[str, bool]()
        self._targets, self._names = targets, names
        self._changed = {*index.notes.keys_changed(), *targets.keys_changed()}
        self._affected = self._changed.union(checked)

    def is_valid(self, path: str, facts: Facts) -> bool:
        needs, origin = facts.needs, self._origin
        return (
            needs is not None
            and path not in self._affected
            and not (needs.names and self._is_named_anew)
            and not (needs.links and path in self._link_targets)
            and (not needs.notes or self._changed.isdisjoint(needs.notes))
            and (needs.is_locked is None or self._is_writable_as(path, is_locked=needs.is_locked))
            and not (needs.history and not origin.has_same_history)
            and not (needs.style and self._has_other_style(path, needs))
            and (not needs.targets or self._moved_targets.isdisjoint(needs.targets))
            and (not needs.words or self._moved_words.isdisjoint(needs.words))
            and (not needs.unchecked or self._is_apart(needs.unchecked))
        )

    def _is_writable_as(self, path: str, *, is_locked: bool) -> bool:
        """Return True if a note may be changed now if it could be then."""
        return path not in self._conflict_notes and not (
            path in self._origin.restamped and self._is_locked(path) != is_locked
        )

    def _is_apart(self, notes: Sequence[str]) -> bool:
        """Return True if what changed affects none of these notes."""
        return self._affected.isdisjoint(notes) and not _has_changes(self._index.path_sources)

    @cached_property
    def _is_named_anew(self) -> bool:
        """True if a file was added or removed, or a title or an alias changed in a letter."""
        if _has_changes(self._names):
            return True
        pairs = [
            (self._before.notes.get(path), self._index.notes.get(path)) for path in self._changed
        ]
        return any(_list_titles(old) != _list_titles(new) for old, new in pairs)

    @cached_property
    def _conflict_notes(self) -> frozenset[str]:
        """The notes of which a sync service created or removed a conflicting copy."""
        names, moved = self._names, set[str]()
        for key in names.keys_changed():
            moved.update({*(names.saved_value(key) or ())} ^ {*names.get(key, ())})
        return find_conflicted_files(moved)

    @cached_property
    def _link_targets(self) -> set[str | None]:
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

    def _has_other_style(self, path: str, needs: Needs) -> bool:
        """Return True if links may be written in another style than then."""
        if self._is_named_anew or not self._moved_traits:
            return self._is_named_anew
        if needs.unchecked:
            return True  # in the states on which the answer depends, few links may decide
        folder = parent_folder(path)
        if folder not in self._styles:
            indexes = self.find_style_indexes()
            self._styles[folder] = indexes is None or has_other_style(
                f"{folder}.md", *indexes, self._obsidian
            )
        return self._styles[folder]

    @cached_property
    def _moved_traits(self) -> "Counter[str]":
        """The traits that links in changed notes gained, and, less than 0, lost."""
        moved = Counter[str]()
        for path in self._changed:
            moved.update(_LINK_TRAITS.list_traits(self._index, path))
            moved.subtract(Counter(_LINK_TRAITS.list_traits(self._before, path)))
        return Counter({trait: count for trait, count in moved.items() if count})

    def find_style_indexes(self) -> tuple[Index, Index] | None:
        """Return an index with the traits of links then, and the one with those of now.

        None if they are not known without counting.
        """
        if self._is_named_anew:
            return None
        if _LINK_TRAITS not in self._before.memos:
            counts = self._load_style()
            if counts is None:
                return None
            self._before.memos[_LINK_TRAITS] = counts
            now = counts.copy()
            now.update(self._moved_traits)
            self._index.memos.setdefault(
                _LINK_TRAITS, Counter({trait: count for trait, count in now.items() if count})
            )
        return self._before, self._index

    def remove_changes(self, counts: "Counter[str]") -> "Counter[str] | None":
        """Return the traits of links then, given those of now.

        None if a file was added or removed, or a title or an alias changed.
        """
        if self._is_named_anew:
            return None
        before = counts.copy()
        before.subtract(self._moved_traits)
        return Counter({trait: count for trait, count in before.items() if count})

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
        from vaultlink.index.vocabulary import list_compared_words, list_word_texts  # noqa: PLC0415 - for tried fixes only

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


def _list_titles(note: Note | None) -> object:
    return (note.title or "", note.aliases, note.property_value("slug")) if note else ("", (), None)


def _has_changes(values: Mapping[str, object]) -> bool:
    """Return True if a mapping may differ from the saved one."""
    return not isinstance(values, PackedMap) or any(True for _ in values.keys_changed())
