"""Checks of the link graph and of unused attachments."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from vaultlink.config.patterns import compile_loose_globs
from vaultlink.graph.build import find_islands, is_dead_end, is_orphan
from vaultlink.index.index import Index
from vaultlink.index.resolve import (
    file_name,
    is_note,
    list_outer_folders,
    name_key,
    normalize_name,
    parent_folder,
)
from vaultlink.model import Note, Place
from vaultlink.rules.context import FILE_START, Context, Finding


def orphan_note(note: Note, context: Context) -> Iterator[Finding]:
    if is_orphan(context.index, note.path):
        yield from _report_note(note, context)


def dead_end(note: Note, context: Context) -> Iterator[Finding]:
    if is_dead_end(context.index, note.path):
        yield from _report_note(note, context)


def _report_note(note: Note, context: Context) -> Iterator[Finding]:
    if is_note(note.path) and not _is_ignored(note.path, context):
        yield Finding(FILE_START, {"name": file_name(note.path)})


def missing_backlink(note: Note, context: Context) -> Iterator[Finding]:
    index = context.index
    sources = index.backlinks.get(note.path, ())
    if not sources or not is_note(note.path) or _is_ignored(note.path, context):
        return
    linked = set(index.targets.get(note.path, ()))
    for source in sources:
        # Links in backlinks sections do not count: otherwise each section would require others.
        links = (
            link
            for link, target in index.resolved_links(source)
            if target == note.path and link.place is not Place.SECTION
        )
        if (
            source != note.path
            and source not in linked
            and is_note(source)
            and not _is_ignored(source, context)
            and next(links, None)
        ):
            yield Finding(FILE_START, {"source": source[:-3]})


UNUSED_ATTACHMENT = "unused-attachment"
"""Rule whose findings a report lists even if the rule is off."""


def unused_attachment(context: Context) -> Iterator[Finding]:
    for path in _find_unlinked_attachments(context):
        if not context.index.derive(_NamingNotes).find(path):
            yield Finding(FILE_START, {"name": file_name(path)}, path=path)


def unlinked_attachment(context: Context) -> Iterator[Finding]:
    for path in _find_unlinked_attachments(context):
        if found := context.index.derive(_NamingNotes).find(path):
            values = {"name": file_name(path), "how": found.how, "note": found.note}
            yield Finding(FILE_START, values, path=path)


def _find_unlinked_attachments(context: Context) -> list[str]:
    """Return the attachments that no link, property or base of the vault uses."""
    index = context.index
    endings = tuple(f".{item.lower().lstrip('.')}" for item in context.options["extensions"])
    candidates = [
        path
        for path in index.files
        if path.lower().endswith(endings)
        and is_orphan(index, path)
        and path[: path.rfind(".")] + ".md" not in index.notes
        and not _is_ignored(path, context)
    ]
    if not candidates:
        return []
    texts, base_text = index.derive(_collect_property_texts), index.derive(_join_base_texts)
    return [
        path
        for path in candidates
        if texts.isdisjoint((normalize_name(path), name_key(path)))
        and name_key(path) not in base_text
    ]


def island(context: Context) -> Iterator[Finding]:
    """Report groups of notes apart from the rest; not the largest, nor single notes."""
    for first, *others in find_islands(context.index):
        if not _is_ignored(first, context):
            yield Finding(FILE_START, {"count": 1 + len(others)}, path=first)


def required_link(context: Context) -> Iterator[Finding]:
    """Report notes that no index of their folder links to."""
    index, options = context.index, context.options
    names = tuple(glob.lower() for glob in options["indexes"])
    for notes, indexes in _group_by_index(index.files, names, options["folder-notes"]):
        linked = {target for path in indexes for target in index.targets[path]}
        missing = [path for path in notes if path not in linked]
        listed = 100 * (len(notes) - len(missing)) / len(notes)
        if (
            missing
            and listed >= options["min-listed"]
            and not any(_lists_by_query(index, path) for path in indexes)
        ):
            for path in missing:
                if not _is_ignored(path, context):
                    values = {"index": min(indexes)[:-3], "name": path[:-3]}
                    yield Finding(FILE_START, values, path=path)


@lru_cache(maxsize=4)
def _group_by_index(
    files: frozenset[str], names: tuple[str, ...], has_folder_notes: bool
) -> tuple[tuple[list[str], list[str]], ...]:
    """Return the notes of each folder with its indexes.

    These are those of the folder, or of the nearest one above that has any. An index counts as a
    note of the folder above its own. Most changes of a vault leave its files as they are.
    """
    paths = list(filter(is_note, files))
    folders: dict[str, list[str]] = {"": [], **{parent_folder(path): [] for path in paths}}
    for folder in list(folders):
        folders |= {f"{outer}/": [] for outer in list_outer_folders(folder)}
    indexes = _find_indexes(paths, names, sorted(folders) if has_folder_notes else [])
    for path in paths:
        folder = parent_folder(path)
        if path not in indexes.get(folder, ()):
            folders[folder].append(path)
        elif folder:
            folders[parent_folder(folder[:-1])].append(path)
    found = []
    for folder, notes in folders.items():
        above = (f"{outer}/" for outer in list_outer_folders(folder))
        nearest = next((indexes[outer] for outer in (*above, "") if outer in indexes), None)
        if nearest and notes:
            found.append((notes, nearest))
    return tuple(found)


def _find_indexes(
    paths: list[str], names: tuple[str, ...], folders: list[str]
) -> dict[str, list[str]]:
    """Return the index notes by folder: those with these names, and notes of folders."""
    is_index = compile_loose_globs(names)
    by_key = {folder.lower(): folder for folder in folders}
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, key = parent_folder(path), path.lower()
        own_folder = f"{key[:-3]}/"  # of the note beside it
        is_inside = f"/{folder.lower()}".endswith(f"/{file_name(key)[:-3]}/")
        if is_index(key) or (by_key and is_inside):
            found.setdefault(folder, []).append(path)
        elif own_folder in by_key:
            found.setdefault(by_key[own_folder], []).append(path)
    return found


def _lists_by_query(index: Index, path: str) -> bool:
    """Return True if queries or bases of a note may list other notes."""
    targets = index.targets[path]
    return bool(index.notes[path].queries) or any(
        target is not None and target.lower().endswith(".base") for target in targets
    )


def _is_ignored(path: str, context: Context) -> bool:
    ignore = context.options["ignore"]
    return bool(ignore) and bool(compile_loose_globs(tuple(ignore))(path))


def _collect_property_texts(index: Index) -> frozenset[str]:
    """Return all texts of properties as paths and file names: plugins use such names."""
    texts: set[str] = set()
    for note in index.notes.values():
        for item in note.properties or ():
            for value in item.value if isinstance(item.value, list) else [item.value]:
                if isinstance(value, str) and "." in value:
                    plain = normalize_name(value.strip().strip("/"))
                    texts.update((plain, file_name(plain)))
    return frozenset(texts)


def _join_base_texts(index: Index) -> str:
    """Return the normalized text of all bases, which the index holds as a property."""
    bases = (path for path in sorted(index.files) if path.lower().endswith(".base"))
    notes = (index.notes[path] for path in bases if path in index.notes)
    return normalize_name(
        "\n".join(str(item.value) for it in notes for item in it.properties or ())
    )


class _NamingNote(NamedTuple):
    """The first note that names a file, and how: `a broken link`, `the text`."""

    note: str
    how: str


class _NamingNotes:
    """Notes by the names of files in their unresolved links and in their texts."""

    def __init__(self, index: Index):
        self._by_link: dict[str, str] = {}
        self._by_text: dict[str, str] = {}
        for path in sorted(index.notes):
            note = index.notes[path]
            for name in _find_broken_names(note, index.targets[path]):
                self._by_link.setdefault(name, path)
            for text in note.named_files:
                for name in _list_possible_names(normalize_name(text)):
                    self._by_text.setdefault(name, path)

    def find(self, path: str) -> _NamingNote | None:
        name = name_key(path)
        stem = name[: name.rfind(".")]
        for notes, key, how in (
            (self._by_link, name, "a broken link"),
            (self._by_link, stem, "a broken embed without extension"),
            (self._by_text, name, "the text"),
        ):
            if key in notes:
                return _NamingNote(notes[key].removesuffix(".md"), how)
        return None


def _find_broken_names(note: Note, targets: tuple[str | None, ...]) -> Iterator[str]:
    for link, target in zip(note.links, targets, strict=True):
        if target is None and not link.external:
            name = name_key(link.target)
            if link.embed or "." in name:
                yield name


def _list_possible_names(text: str) -> Iterator[str]:
    """Yield the ends of a text, behind a space or another script, that may be names."""
    decoded = text.replace("%20", " ")
    for at, char in enumerate(decoded):
        before = decoded[at - 1] if at else " "
        if not char.isspace() and (before.isspace() or before.isascii() != char.isascii()):
            yield decoded[at:]
