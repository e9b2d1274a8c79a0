"""Read what links say about a name: how often it is linked, and its distance."""

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice, takewhile
from operator import itemgetter
from typing import NamedTuple, Self

import msgspec

from vaultlink.config.dates import compile_periodic_notes
from vaultlink.config.patterns import compile_path_prefixes
from vaultlink.history.matcher import is_same_series, number_pattern
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import parent_folder
from vaultlink.links.index_notes import is_index_note
from vaultlink.mentions.names import fold_name, is_date
from vaultlink.mentions.visible import has_text
from vaultlink.model import Link, Place
from vaultlink.obsidian import ObsidianSettings
from vaultlink.text import group_by, lazy_pattern

_LONGEST_WORDING = 80

LinkUse = tuple[str, str]
"""The text that a link shows, and the note that it leads to; "" for a target without a note."""


class Wordings(msgspec.Struct):
    """The texts of the links in the bodies of a vault's notes: names, or what begins with one.

    `uses` maps a folded text to the links that show it, and the number of notes with each.
    """

    uses: dict[str, dict[LinkUse, int]]

    @classmethod
    def from_counts(cls, counts: Mapping[LinkUse, int], names: Container[str]) -> Self:
        """Fold the texts of links, and keep those that are or begin with one of the names."""
        uses: dict[str, dict[LinkUse, int]] = {}
        for use, count in counts.items():
            key = fold_name(use[0])
            if key in uses or key in names or any(start in names for start in list_starts(key)):
                uses.setdefault(key, {})[use] = count
        return cls(uses)

    def add(self, use: LinkUse, step: int) -> None:
        """Count a link once more, or less."""
        counts = self.uses.setdefault(fold_name(use[0]), {})
        counts[use] = counts.get(use, 0) + step
        if not counts[use]:
            del counts[use]

    def count(self, key: str, words: str, target: str) -> tuple[int, int]:
        """Return how many notes link to a target with a name, and with these words."""
        uses = self.uses.get(key)
        if not uses:
            return 0, 0
        total = sum([count for (_, path), count in uses.items() if path == target])
        return total, uses.get((words, target), 0)

    def count_targets(self, key: str) -> Mapping[str, int]:
        """Return the targets of links that show a folded name, each with its notes."""
        found: dict[str, int] = {}
        for (_, target), count in self.uses.get(key, {}).items():
            if target:
                found[target] = found.get(target, 0) + count
        return found

    def leads_elsewhere(self, term: str, target: str) -> bool:
        """Return True if links show a folded term, and none of them leads to a note."""
        uses = self.uses.get(term)
        return all(path != target for _, path in uses) if uses else False


def list_starts(key: str) -> Iterator[str]:
    """Yield the first words of a folded text: one, two, and so on, but not all."""
    at = key.find(" ")
    while at != -1:
        yield key[:at]
        at = key.find(" ", at + 1)


def list_uses(index: Index, path: str) -> set[LinkUse]:
    """Return the links of a note that stand in sentences, not in lists of links."""
    lone = index.notes[path].lone_links
    return {
        (shown, target or "")
        for link, target in index.resolved_links(path)
        if target != path
        and not link.external
        and not link.subpath
        and link.place is not Place.PROPERTY
        and link.start not in lone
        and len(shown := shown_words(link)) <= _LONGEST_WORDING
    }


def shown_words(link: Link) -> str:
    """Return the words that a link shows; those of a path are its last part."""
    return link.display or link.target.rsplit("/", 1)[-1].removesuffix(".md")


# -- tell which folders links connect --------------------------------------------------------------


def find_regions(source: str, target: str) -> tuple[str, str] | None:
    """Return the folders in which two paths begin to differ; None if one is within."""
    own, other = parent_folder(source).split("/")[:-1], parent_folder(target).split("/")[:-1]
    pairs = enumerate(zip(own, other, strict=False))
    depth = next((at for at, (one, two) in pairs if one != two), None)
    if depth is None:
        return None
    return "/".join(own[: depth + 1]), "/".join(other[: depth + 1])


FolderPair = tuple[str, str]
"""The folders of two notes of which the first links to the second."""


def list_linked_folders(index: Index, path: str) -> set[FolderPair]:
    """Return the folder of a note with those of the files that it links to."""
    folder = parent_folder(path)
    return {(folder, parent_folder(target)) for target in index.targets[path] if target is not None}


def list_linked_regions(pairs: Iterable[FolderPair]) -> frozenset[tuple[str, str]]:
    """Return the pairs of folders that a link connects, in both orders."""
    found = [find_regions(*pair) for pair in pairs]
    return frozenset(item for pair in found if pair for item in (pair, pair[::-1]))


# -- tell how near one note is to another, by folders and links ------------------------------------


MOST_LINKS = 60
"""A note with more links is an overview. That it links to two notes says little about them."""

_MIN_SHARED = 2

_MANY_FOLDERS = 5
"""A note that notes of so many folders link to is known in the whole vault."""


class Sources(NamedTuple):
    """The number of notes that link to a file, and the first `_MANY_FOLDERS` folders."""

    number: int
    folders: tuple[str, ...]


def find_sources(index: Index, path: str) -> Sources:
    sources = index.sources_of(path)
    return Sources(len(sources), tuple(sorted(set(map(parent_folder, sources))))[:_MANY_FOLDERS])


LONG_NAME = 3
"""The number of words from which a name means the same note nearly everywhere."""


def _find_main_folder(index: Index) -> str | None:
    """Return the folder in which most notes of a vault are, if there is one."""
    counts = Counter(map(parent_folder, index.notes))
    folder, count = max(counts.items(), key=itemgetter(1), default=("", 0))
    return folder if 2 * count > len(index.notes) else None


class Surroundings:
    """A note's folder, and the notes one or two links away."""

    def __init__(self, path: str, index: Index, find_sources: Callable[[str], Sources]):
        self._find_sources = find_sources
        self._path = path
        self._index = index
        self._folder = parent_folder(path)
        self._targets = frozenset(index.targets[path]) - {None, path}

    def is_in_folder(self, target: str) -> bool:
        return parent_folder(target) == self._folder

    def is_linked(self, target: str) -> bool:
        """Return True if links connect the notes: directly, or through one other note."""
        others = self._index.targets.get(target, ())
        if self._path in others:
            return True
        shared = len(self._targets.intersection(others)) if len(others) <= MOST_LINKS else 0
        return shared >= _MIN_SHARED or target in self._second

    @cached_property
    def _is_in_main_folder(self) -> bool:
        return self._index.derive(_find_main_folder) == self._folder

    def pick_nearest(self, targets: Collection[str]) -> str | None:
        for is_near in (self.is_in_folder, self.is_linked):
            near = [target for target in targets if is_near(target)]
            if near:
                return near[0] if len(near) == 1 else None
        return None

    def is_known(self, target: str) -> bool:
        """Return True if a note belongs to this folder, or to the whole vault.

        It is in the folder, or notes of the folder or of many folders link to it. A folder within
        the folder or around it counts as the same, except for the vault's root.
        """
        if self._is_related(parent_folder(target)):
            return True
        folders = self._find_sources(target).folders
        return len(folders) >= _MANY_FOLDERS or any(map(self._is_related, folders))

    def is_near(self, target: str) -> bool:
        """Return True if a note is in the folder, or known in it and linked.

        A folder with most of the vault's notes brings none near.
        """
        if self.is_in_folder(target) and not self._is_in_main_folder:
            return True
        return self.is_known(target) and self.is_linked(target)

    def is_nearer(self, one: str, other: str) -> bool:
        """Return True if the first of two notes shares more folders with this one."""
        return self._count_shared(one) > self._count_shared(other)

    def _count_shared(self, path: str) -> int:
        pairs = zip(self._folder.split("/"), parent_folder(path).split("/"), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1] != "", pairs))

    def is_far(self, target: str) -> bool:
        """Return True if neither links nor folders bring a note near; not from the root."""
        return bool(self._folder) and not (self.is_known(target) or self.is_linked(target))

    def _is_related(self, folder: str) -> bool:
        """Return True if a folder is the note's own, or one of the two contains the other."""
        own = self._folder
        if not own or not folder:
            return own == folder
        return own.startswith(folder) or folder.startswith(own)

    def describe(self, target: str, words: int) -> tuple[float, str]:
        """Return what the distance of a note adds to the score of a name of so many words."""
        if not self.is_known(target):
            if not self._folder and not self.is_linked(target):
                return -0.03, ""  # the root has notes of all subjects
            is_long = words >= LONG_NAME
            if self.is_linked(target):
                return (0.0 if is_long else -0.03), "two links away, but in another folder"
            return (-0.04 if is_long else -0.09), "in another folder"
        if self.is_linked(target):
            return 0.16, "two links away"
        if self.is_in_folder(target):
            return (0.08 if self._is_in_main_folder else 0.15), "in the same folder"
        return 0.03, "known in this folder"

    @cached_property
    def _second(self) -> frozenset[str | None]:
        """The notes two links away."""
        if len(self._targets) > MOST_LINKS:
            return frozenset()
        linked = (self._index.targets.get(target or "", ()) for target in self._targets)
        return frozenset(chain(*(others for others in linked if len(others) <= MOST_LINKS)))


# -- find notes that seldom help beside others: days, templates, indexes ---------------------------


_YEAR = lazy_pattern(r"\d{4}")
_TEMPLATE_FOLDERS = frozenset(("template", "templates"))


def make_minor_test(
    obsidian: ObsidianSettings, index: Index, read: Callable[[str], str | None]
) -> Callable[[str], bool]:
    """Return a predicate that is True for the paths of minor notes.

    These are periodic notes, templates, index notes, notes without text, and notes of a series
    whose names differ only in a date. `read` returns the text of a note by its path.
    """
    is_periodic = compile_periodic_notes(obsidian.periodic_notes)
    is_template = compile_path_prefixes(obsidian.templates)
    series = group_by(index.notes, number_pattern)

    def is_minor(path: str) -> bool:
        name = link_name(path)
        if is_periodic(path) or is_template(path):
            return True
        if not _TEMPLATE_FOLDERS.isdisjoint(parent_folder(path).casefold().split("/")):
            return True
        note = index.notes.get(path)
        if note is not None and (is_index_note(note) or not has_text(note, read)):
            return True
        if not _YEAR.search(name):
            return False
        others = islice(series.get(number_pattern(path), ()), 2)
        is_dated = any(is_same_series(other, path, dated=True) for other in others)
        return is_date(fold_name(name)) or is_dated

    return is_minor
