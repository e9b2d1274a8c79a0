"""Doubt renames of notes that look like their neighbours, as from one template."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from vaultlink.history.file_similarity import measure_similarity, split_chunks
from vaultlink.history.rename_pairs import (
    Fate,
    FateKind,
    FileChanges,
    ReadContents,
    is_clearly_more,
)
from vaultlink.index.resolve import file_name, parent_folder

MAX_NEIGHBOURS = 20
"""Maximum number of notes of a folder that a moved note is compared with."""

_MAX_MOVES = 2_000
"""Maximum number of moves that are examined. More are all doubtful."""


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


def list_folders(notes: Iterable[RenamedNote]) -> set[str]:
    """Return the folders that the notes were and are in."""
    return {parent_folder(path) for note in notes for path in (note.old, note.new)}


def find_doubtful(
    notes: Collection[RenamedNote], kept: Mapping[str, Collection[str]], read: ReadContents
) -> set[str]:
    """Return the former paths of notes whose neighbours are about as similar to them.

    Args:
        notes: The renamed notes.
        kept: Names of the contents of the notes that stayed, by folder.
        read: Reads contents by their names.
    """
    examined = list(notes)[:_MAX_MOVES]
    doubtful = {note.old for note in notes} - {note.old for note in examined}
    neighbours = {
        note: {
            name
            for folder in (parent_folder(note.old), parent_folder(note.new))
            for name in kept.get(folder, ())
        }
        for note in examined
    }
    names = {name for note, others in neighbours.items() if others for name in (*note[2:], *others)}
    chunks = {name: split_chunks(data) for name, data in read(names).items() if data is not None}
    for note, others in neighbours.items():
        before, now = chunks.get(note.content_before), chunks.get(note.content_now)
        if before and now:
            similarity = measure_similarity(before, now)
            if any(
                not is_clearly_more(similarity, measure_similarity(chunks[name], now))
                for name in others
                if name in chunks
            ):
                doubtful.add(note.old)
    return doubtful


def doubt(fates: Mapping[str, Fate], doubtful: Collection[str]) -> dict[str, Fate]:
    """Return fates in which these moves are only likely."""
    return {
        old: (FateKind.LIKELY, fate[1]) if old in doubtful else fate for old, fate in fates.items()
    }
