"""Collect what all notes of a vault say about its names, and update it."""

from collections import Counter
from collections.abc import Callable, Mapping, Set
from typing import NamedTuple, Self

import msgspec

from vaultlink.index.index import Index
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.index.resolve import is_note
from vaultlink.mentions.evidence import (
    MOST_LINKS,
    FolderPair,
    LinkUse,
    Sources,
    Wordings,
    find_sources,
    list_linked_folders,
    list_linked_regions,
    list_starts,
    list_uses,
)
from vaultlink.mentions.matcher import SampleNote, Tally
from vaultlink.mentions.mention import MentionOptions, NoteName
from vaultlink.mentions.names import fold_name, is_findable, list_names


class VaultEvidence(msgspec.Struct):
    """The names of a vault, and the evidence of all its notes about them.

    `names` maps folded names to the notes that have them; the `unlikely` ones mean no note in a
    text. `wordings` are the texts of links, `folder_pairs` the folders that these connect, with the
    numbers of notes that have them, `sources` what links to the notes that were looked at.
    """

    names: dict[str, tuple[NoteName, ...]]
    unlikely: set[str]
    wordings: Wordings
    tally: Tally
    folder_pairs: dict[FolderPair, int]
    sources: dict[str, Sources] = msgspec.field(default_factory=dict)

    @classmethod
    def collect(
        cls,
        index: Index,
        options: MentionOptions,
        sample: Mapping[str, str],
        is_excluded: Callable[[str], bool],
    ) -> Self:
        """Read all notes. `sample` are the texts of a sample of them."""
        tally = Tally.from_texts(sample)
        cjk = tally.is_mostly_cjk if options.cjk is None else options.cjk
        evidence = cls({}, set(), Wordings({}), tally, Counter())
        uses, pairs = Counter[LinkUse](), Counter[FolderPair]()
        for path in sorted(index.notes):
            uses.update(list_uses(index, path))
            pairs.update(list_linked_folders(index, path))
            if is_note(path) and not is_excluded(path):
                evidence._add_names(list_names(index, path), options, cjk=cjk)
        evidence.wordings = Wordings.from_counts(uses, evidence.names)
        evidence.folder_pairs = pairs
        return evidence

    def _add_names(
        self, found: Mapping[str, NoteName], options: MentionOptions, *, cjk: bool
    ) -> None:
        for key, name in found.items():
            if not is_findable(key, name.text, cjk=cjk):
                if options.lowest_score > 0:
                    continue
                self.unlikely.add(key)
            self.names[key] = (*self.names.get(key, ()), name)

    def find_sources(self, index: Index, path: str) -> Sources:
        """Return what links to a file."""
        if path not in self.sources:
            self.sources[path] = find_sources(index, path)
        return self.sources[path]

    def update(
        self,
        before: Index,
        after: Index,
        changed: Set[str],
        is_excluded: Callable[[str], bool],
        read_names: Callable[[str], SampleNote],
    ) -> "Outdated | None":
        """Follow changes of notes; return what other searches must not have asked for.

        None if all notes must be searched again: a note or a name was added or removed, or the
        scores of all mentions differ. `changed` are the notes whose texts or targets may differ.
        No link is wanted in and to notes for which `is_excluded` returns True. `read_names`
        returns what a changed note of the sample adds to the counts.
        """
        outdated = Outdated(set(), set())
        regions, traits = list_linked_regions(self.folder_pairs), self.tally.traits
        for path in changed:
            if (path in before.notes) != (path in after.notes):
                return None
            if path in after.notes:
                names = _list_keys(before, path, is_excluded)
                if names != _list_keys(after, path, is_excluded):
                    return None
                outdated.asked.update(names)
                self._update_links(before, after, path, outdated.asked)
        for path in _list_renamed(before, after):
            outdated.asked.update(_list_keys(after, path, is_excluded))
        for path in changed & self.tally.notes.keys():
            outdated.asked.update(self.tally.replace(path, read_names(path)))
        outdated.regions.update(regions ^ list_linked_regions(self.folder_pairs))
        return outdated if self.tally.traits == traits else None

    def _update_links(self, before: Index, after: Index, path: str, asked: set[str]) -> None:
        """Follow the changed links of a note; add the names and words in them."""
        for one, other, step in ((before, after, -1), (after, before, 1)):
            for use in list_uses(one, path) - list_uses(other, path):
                self.wordings.add(use, step)
                asked.update((key := fold_name(use[0]), *list_starts(key)))
            for pair in list_linked_folders(one, path) - list_linked_folders(other, path):
                self.folder_pairs[pair] = self.folder_pairs.get(pair, 0) + step
                if not self.folder_pairs[pair]:
                    del self.folder_pairs[pair]
        old, new = before.targets[path], after.targets[path]
        targets = set(old) ^ set(new)
        for target in targets - {None}:
            self.sources.pop(target or "", None)
        if (len(old) > MOST_LINKS) != (len(new) > MOST_LINKS):
            targets.update(old, new)  # other notes are two links away from them now, or no more
        for target in targets:
            if target is not None and target in after.notes:
                asked.update(list_names(after, target))


class Outdated(NamedTuple):
    """Changed names, words and pairs of folders: the searches that asked are outdated."""

    asked: set[str]
    regions: set[tuple[str, str]]


def _list_keys(
    index: Index, path: str, is_excluded: Callable[[str], bool]
) -> Mapping[str, NoteName]:
    return list_names(index, path) if is_note(path) and not is_excluded(path) else {}


def _list_renamed(before: Index, after: Index) -> set[str]:
    """Return the notes with the names of added or removed files."""
    keys = list_differing_keys(before.names, after.names)
    names = {name for key in keys for name in (key, f"{key}.md", key.removesuffix(".md"))}
    return {path for name in names for path in after.names.get(name, ()) if path in after.notes}
