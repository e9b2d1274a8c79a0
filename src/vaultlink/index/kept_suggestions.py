"""Suggestions of an earlier run, as far as they still hold.

A suggestion that was found by looking up names depends only on the names, titles and aliases of the
files. If some of them change, only the targets that may mean one of these are looked up again.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from vaultlink.index.index import Index, link_name
from vaultlink.index.near_keys import NearKeys
from vaultlink.index.resolve import file_name, name_key, spelling_key, target_keys
from vaultlink.index.suggest import split_folders
from vaultlink.index.words import split_name
from vaultlink.model import Suggestion

_MAX_CHANGED = 1_000
"""Number of files with changed names above which nothing is kept."""

_MAX_SURPLUS = 2
"""Number of kept suggestions, as a multiple of those that a run asks for."""

NamesByPath = Mapping[str, tuple[str, ...]]
"""Path of each file to the title of the note, "" for none, and its aliases."""


class KeptSuggestions(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Suggestions by target, and what they depend on.

    `vault_key` identifies the state of the vault, `names` the names in it. `near` are the targets
    that were compared with near names: their suggestions also depend on words in notes.
    """

    vault_key: bytes = b""
    names: NamesByPath = {}
    answers: dict[str, tuple[Suggestion, ...]] = {}
    near: list[str] = []

    @classmethod
    def decode(cls, data: bytes | None) -> "KeptSuggestions":
        """Return stored suggestions; none if there are none or they are damaged."""
        try:
            return msgspec.msgpack.decode(data or b"", type=cls)
        except (msgspec.MsgspecError, ValueError):
            return cls()

    def select_valid(self, names: NamesByPath) -> "KeptSuggestions":
        """Return the suggestions that are those of a vault with these names."""
        old = self.names
        changed = [path for path in {**old, **names} if old.get(path) != names.get(path)]
        answers: dict[str, tuple[Suggestion, ...]] = {}
        if len(changed) <= _MAX_CHANGED:
            answers = dict(self.answers)
            for target in self.near:
                del answers[target]
        if changed and answers:
            changes = _ChangedNames(_list_names(old, changed), _list_names(names, changed))
            answers = {
                target: found for target, found in answers.items() if not changes.concern(target)
            }
        return KeptSuggestions(b"", names, answers, [])

    def with_answers(
        self,
        vault_key: bytes,
        answers: Mapping[str, tuple[Suggestion, ...]],
        near: Iterable[str],
        targets: Collection[str],
    ) -> "KeptSuggestions":
        """Return these and more suggestions.

        If there are many for other targets, only those for `targets` are kept.
        """
        known = {**self.answers, **answers}
        if len(known) > _MAX_SURPLUS * len(targets):
            known = {target: known[target] for target in targets}
        others = [target for target in (*self.near, *near) if target in known]
        return KeptSuggestions(vault_key, self.names, known, others)


def list_names_by_path(index: Index) -> dict[str, tuple[str, ...]]:
    titled = {
        path: (note.title or "", *note.aliases)
        for path, note in index.notes.items()
        if note.properties
    }
    return dict.fromkeys(index.files, ()) | titled


def _list_names(names: NamesByPath, paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        if path in names:
            found.update((link_name(path), file_name(path), *filter(None, names[path])))
    return found


class _ChangedNames:
    """The old and the new names of the files of which a name changed."""

    def __init__(self, old: set[str], new: set[str]):
        both = old | new
        self._spellings = set(map(spelling_key, both))
        self._name_keys = set(map(name_key, both))
        self._old_words = {word for name in old for word in split_name(name)}
        self._near_keys = NearKeys(new)

    def concern(self, target: str) -> bool:
        """Return True if the names may change the suggestions for a target."""
        name = file_name(target)
        text = link_name(name)
        folders = split_folders(target)[-1:] if name != target else ()
        return (
            not self._spellings.isdisjoint(map(spelling_key, (target, text, *folders)))
            or not self._name_keys.isdisjoint(target_keys(target))
            or not self._old_words.isdisjoint(split_name(text))
            or self._near_keys.may_have_near_name(text)
        )
