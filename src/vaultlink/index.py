"""What a vault's names mean and who mentions them. A value: updating it returns a new one and says whom that affects.

Why one update serves full and partial runs: the answer for a link depends only on its source, its text and the files and
notes that bear its names. So each note and attachment *defines* keys (its name, its spelling, aliases and title), each
link *mentions* keys, and when a definition comes or goes exactly the mentioners of its key are looked at again.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from vaultlink.model import Link, Note
from vaultlink.anchors import find_anchor
from vaultlink.resolve import Names, choose, comparable, file_name, is_note, name_key, resolve, spelling

Targets = tuple[str | None, ...]
"""Where a note's links lead, in the order of `note.links`; None for dangling and external ones."""


class Index:
    """Notes (canvases included), the names of all files, and where every link leads.

    Immutable by convention: nothing is changed after it was made, derived maps are computed when first asked for.
    """

    def __init__(self, notes: Mapping[str, Note], names: Names, targets: Mapping[str, Targets], files: frozenset[str]):
        self.notes = notes
        self.names = names
        self.targets = targets
        self.files = files

    # -- asked of a link ------------------------------------------------------------------------------------------

    def others(self, source: str, link: Link) -> tuple[str, ...]:
        """The files a resolved link's text fits as well; empty unless the link is ambiguous."""
        return () if link.external else choose(source, link.target, self.names)[1]

    def anchor(self, link: Link, resolved: str | None) -> bool | None:
        """Whether the heading or block a link names exists; None where there is nothing to look for: no subpath, a
        dangling link, or a target that is not a note (6.12)."""
        if not link.subpath or resolved is None or not is_note(resolved):
            return None
        note = self.notes.get(resolved)
        return note is not None and find_anchor(note, link.subpath) is not None

    # -- asked of a note ------------------------------------------------------------------------------------------

    def links(self, path: str) -> Iterator[tuple[Link, str | None]]:
        """A note's links, each with the file it leads to."""
        return zip(self.notes[path].links, self.targets[path], strict=True)

    @cached_property
    def backlinks(self) -> Mapping[str, tuple[str, ...]]:
        """For each file that links lead to, the sources of these links, sorted."""
        found: dict[str, set[str]] = {}
        for source, targets in self.targets.items():
            for target in targets:
                if target is not None:
                    found.setdefault(target, set()).add(source)
        return {path: tuple(sorted(sources)) for path, sources in found.items()}

    # -- asked of a name ------------------------------------------------------------------------------------------

    @cached_property
    def aliased(self) -> Mapping[str, tuple[str, ...]]:
        """Comparable alias to the notes that have it."""
        return _by_key((comparable(alias), path) for path, note in self.notes.items() if note.properties
                       for alias in note.aliases)

    @cached_property
    def titled(self) -> Mapping[str, tuple[str, ...]]:
        """Comparable `title` property to the notes that have it."""
        return _by_key((comparable(note.title), path) for path, note in self.notes.items()
                       if note.properties and note.title)

    @cached_property
    def spelled(self) -> Mapping[str, tuple[str, ...]]:
        """Spelling of a file's name (a note's without extension) to the files so called."""
        return _by_key((spelling(stem(path)), path) for path in self.files)

    @cached_property
    def mentions(self) -> Mapping[str, tuple[str, ...]]:
        """Spelling of what links name to the notes that name it: whom a coming or going name concerns."""
        found: dict[str, set[str]] = {}
        for path, note in self.notes.items():
            for target in {link.target for link in note.links if not link.external}:
                for key in _mention_keys(target):
                    found.setdefault(key, set()).add(path)
        return {key: tuple(paths) for key, paths in found.items()}


def stem(path: str) -> str:
    """A note's file name without `.md`; any other file's whole name, since links must write its extension."""
    name = file_name(path)
    return name[:-3] if is_note(name) else name


def _by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, path in pairs:
        found.setdefault(key, []).append(path)
    return {key: tuple(sorted(set(paths))) for key, paths in found.items()}
