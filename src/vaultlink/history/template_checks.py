"""Doubt renames of notes that look like their neighbours, as from one template."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from vaultlink.history.file_similarity import measure_similarity, split_chunks
from vaultlink.history.rename_checks import choose_evenly
from vaultlink.history.rename_pairs import (
    Fate,
    FateKind,
    FileChanges,
    ReadContents,
    is_clearly_more,
)
from vaultlink.index.resolve import file_name, parent_folder

_NEXT, _ANYWHERE = 1, 3
"""Maximum numbers of notes of a folder that a renamed note is compared with.

The first are those with the next names on each side, the others are anywhere.
"""

_MAX_NOTES = 2_000
"""Maximum number of renamed notes that are compared with others. More are all doubtful."""


class RenamedNote(NamedTuple):
    """A note that was given another name, with the names of its contents."""

    old: str
    new: str
    content_before: str
    content_now: str


def list_renamed(files: FileChanges, fates: Mapping[str, Fate]) -> list[RenamedNote]:
    """Return the notes that certainly were given another name."""
    return [
        RenamedNote(
            old,
            new,
            files.removed[old] if old in files.removed else files.changed[old][0],
            files.added[new] if new in files.added else files.changed[new][1],
        )
        for old, (kind, new) in fates.items()
        if kind == FateKind.MOVED and new[-3:].lower() == ".md" and file_name(old) != file_name(new)
    ]


class Neighbours:
    """The present notes by folder, of which some may look like a renamed note."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = files

    @cached_property
    def _by_folder(self) -> Mapping[str, list[str]]:
        folders: dict[str, list[str]] = {}
        for path in sorted(path for path in self._files if path[-3:].lower() == ".md"):
            folders.setdefault(parent_folder(path), []).append(path)
        return folders

    def choose(self, note: RenamedNote, files: FileChanges) -> list[str]:
        """Return some unchanged notes of the folders that a note was and is in.

        Some have the names next to that of the note.
        """
        chosen: dict[str, None] = {}
        for folder in dict.fromkeys((parent_folder(note.old), parent_folder(note.new))):
            paths = self._by_folder.get(folder, [])
            at = bisect_left(paths, note.new)
            chosen.update(dict.fromkeys(paths[max(0, at - _NEXT) : at + _NEXT + 1]))
            chosen.update(dict.fromkeys(choose_evenly(paths, _ANYWHERE)))
        return [path for path in chosen if path not in files.added and path not in files.changed]


def find_doubtful(
    neighbours: Mapping[RenamedNote, Collection[str]], read: ReadContents
) -> set[str]:
    """Return the former paths of notes whose neighbours are about as similar to them.

    Args:
        neighbours: Renamed notes, each with the names of the contents of others near it.
        read: Reads contents by their names.
    """
    examined = dict(islice(((k, v) for k, v in neighbours.items() if v), _MAX_NOTES))
    doubtful = {note.old for note, names in neighbours.items() if names and note not in examined}
    asked = {name for note, names in examined.items() for name in (*note[2:], *names)}
    chunks = {name: split_chunks(data) for name, data in read(asked).items() if data is not None}
    for note, names in examined.items():
        before, now = chunks.get(note.content_before), chunks.get(note.content_now)
        if before and now:
            similarity = measure_similarity(before, now)
            if any(
                not is_clearly_more(similarity, measure_similarity(chunks[name], now))
                for name in names
                if name in chunks
            ):
                doubtful.add(note.old)
    return doubtful


def doubt(fates: Mapping[str, Fate], doubtful: Collection[str]) -> dict[str, Fate]:
    """Return fates in which these moves are only likely."""
    return {
        old: (FateKind.LIKELY, fate[1]) if old in doubtful else fate for old, fate in fates.items()
    }
