"""Answers about single paths, and whole outputs, kept from one run to the next.

An answer is what a run found out about a path of a saved state: bytes, and facts. A later run that
starts from the same saved state uses it again, unless `step` called the path affected since, or
something else changed that the answer depends on.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from vaultlink.disk.cache import ANSWERS_PREFIX, Cache, digest_parts
from vaultlink.index.packed_map import PackedMap

if TYPE_CHECKING:
    from vaultlink.disk.load import StateOrigin
    from vaultlink.disk.scan import VaultScan
    from vaultlink.engine.step import State


class KeptOutput(msgspec.Struct, array_like=True):
    """Everything that a command printed, kept for a run on the unchanged vault."""

    results: bytes
    messages: str
    exit_code: int


def load_output(cache: Cache, key: bytes, kind: str) -> KeptOutput | None:
    """Return the output that was kept with this key; None if none can be read."""
    data = cache.load_result(key, kind)
    with suppress(msgspec.MsgspecError, ValueError):
        return None if data is None else msgspec.msgpack.decode(data, type=KeptOutput)
    return None


class Needs(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The parts of a vault that an answer depends on, beside its path.

    Attributes:
        notes: Other notes.
        names: The names of all files, and the aliases.
        links: The links to the headings of the path.
        is_locked: True if the file could not be written; None if that does not matter.
    """

    notes: tuple[str, ...] = ()
    names: bool = False
    links: bool = False
    is_locked: bool | None = None


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
    """

    def __init__(
        self,
        scan: "VaultScan",
        state: "State",
        origin: "StateOrigin | None",
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
        self._origin, self._type = origin, facts_type
        self._holds = _make_validator(state, origin, is_locked)
        if origin is not None:
            self.cache = scan.open_cache()
            layers = [(layer.source, layer.values) for layer in scan.layers]
            self.key = digest_parts((origin.identity, repr((layers, variant)).encode()))

    def load(self) -> dict[str, Answer[F]]:
        """Return the kept answers that still hold."""
        return {path: item for path, item in self._load_all() if self._holds(path, item.facts)}

    def encode(self, kept: Mapping[str, Answer[F]], made: Mapping[str, Answer[F]]) -> bytes | None:
        """Encode answers to keep; None if none of `made` holds for the saved state."""
        new = {path: item for path, item in made.items() if self._holds(path, item.facts)}
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


def _make_validator(
    state: "State", origin: "StateOrigin | None", is_locked: Callable[[str], bool]
) -> Callable[[str, Facts], bool]:
    """Return a function that tells if an answer is the same in the saved state."""
    found, targets, names = state.diagnostics, state.index.targets, state.index.names
    notes = state.index.notes
    if origin is not None and origin.is_saved:
        return lambda _path, facts: facts.needs is not None
    if (
        origin is None
        or not isinstance(found, PackedMap)
        or not isinstance(targets, PackedMap)
        or not isinstance(names, PackedMap)
    ):
        return lambda _path, _facts: False
    restamped = origin.restamped
    changed = {*notes.keys_changed(), *targets.keys_changed()}
    affected = changed.union(found.keys_changed())
    linked = {
        target
        for path in changed
        for target in (*(targets.saved_value(path) or ()), *targets.get(path, ()))
    }
    is_named_anew = any(names.keys_changed())

    def is_valid(path: str, facts: Facts) -> bool:
        needs = facts.needs
        return (
            needs is not None
            and path not in affected
            and not (needs.names and is_named_anew)
            and not (needs.links and path in linked)
            and (not needs.notes or changed.isdisjoint(needs.notes))
            and not (
                needs.is_locked is not None
                and path in restamped
                and is_locked(path) != needs.is_locked
            )
        )

    return is_valid
