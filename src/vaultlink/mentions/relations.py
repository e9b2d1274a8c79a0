"""Tell how near one note is to another, by folders and links."""

from collections.abc import Collection

from vaultlink.index.index import Index
from vaultlink.index.resolve import parent_folder

_MOST_LINKS = 60
"""A note with more links is an overview. That it links to two notes says little about them."""

_MIN_SHARED = 2

_MANY_FOLDERS = 5
"""A note that notes of so many folders link to is known in the whole vault."""

_LONG_NAME = 3
"""The number of words from which a name means the same note nearly everywhere."""


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
            is_long = words >= _LONG_NAME
            if self.is_linked(target):
                return (0.0 if is_long else -0.03), "two links away, but in another folder"
            return (-0.04 if is_long else -0.09), "in another folder"
        if self.is_linked(target):
            return 0.08, "two links away"
        if self.is_in_folder(target):
            return 0.07, "in the same folder"
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
