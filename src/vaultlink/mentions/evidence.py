"""Read what links say about a name: how often it is linked, and its distance."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from itertools import takewhile
from operator import itemgetter
from typing import NamedTuple

from vaultlink.index.index import Index
from vaultlink.index.resolve import parent_folder
from vaultlink.mentions.names import fold_name
from vaultlink.model import Link, Place

# -- count how often the author links the names of notes -------------------------------------------


_LONGEST_WORDING = 80


class Wording(NamedTuple):
    """The links that show a name: notes by target, and by exact text and target."""

    targets: dict[str, int]
    forms: dict[tuple[str, str], int]


class Wordings:
    """The texts of the links in the bodies of a vault's notes.

    Attributes:
        terms: Folded text of several words to the targets of links that show or name it; None
            stands for a target without a note.
    """

    def __init__(self, index: Index):
        self._uses: Counter[tuple[str, str | None]] = Counter()
        for path in index.notes:
            self._add(index, path)
        self.terms: dict[str, set[str | None]] = {}
        self._by_key: dict[str, Wording] = {}

    def _add(self, index: Index, path: str) -> None:
        """Count the links of a note that stand in sentences, not in lists of links."""
        lone = index.notes[path].lone_links
        self._uses.update(
            {
                (shown, target)
                for link, target in index.resolved_links(path)
                if target != path
                and not link.external
                and not link.subpath
                and link.place is not Place.PROPERTY
                and link.start not in lone
                and len(shown := shown_words(link)) <= _LONGEST_WORDING
            }
        )

    def sort_by_name(self, names: Iterable[str]) -> None:
        """Fold the texts, and keep those that are one of the folded names."""
        wanted = frozenset(names)
        for (shown, target), count in self._uses.items():
            key = fold_name(shown)
            if " " in key:
                self.terms.setdefault(key, set()).add(target)
            if target is None or key not in wanted:
                continue
            wording = self._by_key.get(key)
            if wording is None:
                wording = self._by_key[key] = Wording({}, {})
            wording.targets[target] = wording.targets.get(target, 0) + count
            wording.forms[shown, target] = count
        self._uses.clear()

    def count(self, key: str, words: str, target: str) -> tuple[int, int]:
        """Return how many notes link to a target with a name, and with these words."""
        wording = self._by_key.get(key)
        if wording is None:
            return 0, 0
        return wording.targets.get(target, 0), wording.forms.get((words, target), 0)

    def count_targets(self, key: str) -> Mapping[str, int]:
        """Return the targets of links that show a folded name, each with its notes."""
        wording = self._by_key.get(key)
        return wording.targets if wording else {}


def shown_words(link: Link) -> str:
    """Return the words that a link shows; those of a path are its last part."""
    if link.display:
        return link.display
    return link.target.rsplit("/", 1)[-1].removesuffix(".md")


# -- tell which folders links connect --------------------------------------------------------------


def find_regions(source: str, target: str) -> tuple[str, str] | None:
    """Return the two folders in which the paths of two notes begin to differ.

    None if the folder of one is that of the other, or contains it.
    """
    own, other = parent_folder(source).split("/")[:-1], parent_folder(target).split("/")[:-1]
    pairs = enumerate(zip(own, other, strict=False))
    depth = next((at for at, (one, two) in pairs if one != two), None)
    if depth is None:
        return None
    return "/".join(own[: depth + 1]), "/".join(other[: depth + 1])


def list_linked_regions(index: Index) -> frozenset[tuple[str, str]]:
    """Return the pairs of folders that a link connects, in both orders."""
    folders = {
        (parent_folder(source), parent_folder(target))
        for source, targets in index.targets.items()
        for target in targets
        if target is not None
    }
    found = [find_regions(*pair) for pair in folders]
    return frozenset(item for pair in found if pair for item in (pair, pair[::-1]))


# -- tell how near one note is to another, by folders and links ------------------------------------


_MOST_LINKS = 60
"""A note with more links is an overview. That it links to two notes says little about them."""

_MIN_SHARED = 2

_MANY_FOLDERS = 5
"""A note that notes of so many folders link to is known in the whole vault."""

LONG_NAME = 3
"""The number of words from which a name means the same note nearly everywhere."""


def _find_main_folder(index: Index) -> str | None:
    """Return the folder in which most notes of a vault are, if there is one."""
    counts = Counter(map(parent_folder, index.notes))
    folder, count = max(counts.items(), key=itemgetter(1), default=("", 0))
    return folder if 2 * count > len(index.notes) else None


class Surroundings:
    """A note's folder, and the notes one or two links away."""

    def __init__(self, path: str, index: Index):
        self._path = path
        self._index = index
        self._folder = parent_folder(path)
        self._targets = frozenset(index.targets[path]) - {None, path}
        self._second: frozenset[str | None] | None = None

    def is_in_folder(self, target: str) -> bool:
        return parent_folder(target) == self._folder

    def is_linked(self, target: str) -> bool:
        """Return True if links connect the notes: directly, or through one other note."""
        others = self._index.targets.get(target, ())
        if self._path in others:
            return True
        shared = len(self._targets.intersection(others)) if len(others) <= _MOST_LINKS else 0
        return shared >= _MIN_SHARED or target in self._find_second()

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
        folders = {parent_folder(source) for source in self._index.sources_of(target)}
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
        """Return True if neither links nor folders bring a note near.

        None is far from the vault's root, which has notes of all subjects.
        """
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

    def _find_second(self) -> frozenset[str | None]:
        if self._second is None:
            found: set[str | None] = set()
            if len(self._targets) <= _MOST_LINKS:
                for target in self._targets:
                    others = self._index.targets.get(target or "", ())
                    if len(others) <= _MOST_LINKS:
                        found.update(others)
            self._second = frozenset(found)
        return self._second
