"""Find the reason why a note is only read.

Links for mentions, sections and unsafe fixes are not written into such a note, and no safe fixes
if it is in a declared folder. Links follow what is renamed.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from vaultlink.index.index import Index
from vaultlink.index.resolve import name_key, normalize_name, parent_folder
from vaultlink.links.intent import is_copied_page
from vaultlink.model import DECLARING_NAMES, Note


class ReadOnlyKind(StrEnum):
    """The sign that a note is only to be read."""

    FOLDER = "folder"
    CLIPPED = "clipped"
    SCRIPT = "script"


class ReadOnlyReason(NamedTuple):
    """Why a note is only read; a declared folder has a slash and the declaring note."""

    kind: ReadOnlyKind
    folder: str = ""
    declared_by: str = ""


_CLIPPED, _SCRIPT = ReadOnlyReason(ReadOnlyKind.CLIPPED), ReadOnlyReason(ReadOnlyKind.SCRIPT)


def find_read_only_reason(index: Index, note: Note) -> ReadOnlyReason | None:
    """Return why a note is only read; None if it may be written."""
    declared = index.derive(find_declared_folders)
    if declared:
        path = note.path
        for at, char in enumerate(path):
            if char == "/" and path[: at + 1] in declared:
                folder = path[: at + 1]
                return ReadOnlyReason(ReadOnlyKind.FOLDER, folder, declared[folder])
    if note.script:
        return _SCRIPT
    return _CLIPPED if is_copied_page(note) else None


def find_declared_folders(index: Index) -> Mapping[str, str]:
    """Return the read-only folders below the root with the notes that declare them."""
    declared: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in _list_declaring_notes(index):
        note = index.notes.get(path)
        for name in note.read_only if note else ():
            folders = folders or _list_folders(index)
            folder = _resolve_folder(name, path, folders)
            if folder:
                declared.setdefault(folder, path)
    return declared


def find_notes_with_other_reason(before: Index, after: Index) -> set[str]:
    """Return the notes in folders that were declared before, or are now, but not both."""
    folders = before.derive(find_declared_folders).keys() ^ after.derive(find_declared_folders)
    starts = tuple(folders)
    return {path for path in after.notes if path.startswith(starts)} if starts else set()


def _list_declaring_notes(index: Index) -> Iterator[str]:
    """Yield the notes that may declare folders, those nearest to the root first."""
    paths = {path for name in DECLARING_NAMES for path in index.names.get(name_key(name), ())}
    yield from sorted(paths, key=lambda path: (path.count("/"), path))


def _list_folders(index: Index) -> dict[str, str]:
    """Return the folders of a vault by normalized paths, all with a final slash."""
    found: set[str] = set()
    for path in index.files:
        folder = parent_folder(path)
        while folder and folder not in found:
            found.add(folder)
            folder = parent_folder(folder.removesuffix("/"))
    return {normalize_name(folder): folder for folder in sorted(found)}


def _resolve_folder(name: str, source: str, folders: Mapping[str, str]) -> str:
    """Return the folder that a note means by a name; "" if no folder fits.

    It is in the folder of the note, or at the root of the vault, or the only one that ends so. A
    README in a folder means only what is in that folder.
    """
    base = parent_folder(source)
    if name == ".":
        return base
    key, start = f"{normalize_name(name)}/", normalize_name(base)
    if f"/{start}".endswith(f"/{key}"):  # the note is in that folder
        return base
    is_own = source.lower().endswith("/readme.md")
    for place in (start,) if is_own else (start, ""):
        if place + key in folders:
            return folders[place + key]
    ends = [folder for known, folder in folders.items() if known.endswith(f"/{key}")]
    if is_own:
        ends = [folder for folder in ends if normalize_name(folder).startswith(start)]
    return ends[0] if len(ends) == 1 else ""
