"""Tell files apart by their paths: kinds, conflicting copies, copied folders."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, combinations

from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_note, name_key, parent_folder
from vaultlink.text import count_shared, group_by, lazy_pattern

# -- decide if a link's target and a file are of the same kind: note, image, audio, … --------------


_EXTENSION = lazy_pattern(r"\.([A-Za-z][A-Za-z0-9]{1,9})$")
_KINDS = tuple(
    frozenset(kind.split())
    for kind in (
        "png jpg jpeg gif svg webp bmp avif heic tiff ico",
        "mp3 m4a wav ogg flac aac opus 3gp",
        "mp4 mov webm mkv ogv avi",
        "pdf",
        "canvas",
        "base",
        "excalidraw",
        "docx doc odt xlsx xls ods pptx ppt csv tsv zip epub djvu html htm txt",
    )
)
"""Extensions of the files that may stand for each other in a link."""


def is_same_kind(target: str, path: str) -> bool:
    """Return True if a target and a file are notes, or attachments of one kind.

    Files without an extension are of no kind, because Obsidian does not open them.
    """
    wanted, actual = _kind_of(target), _kind_of(path)
    if actual is None:
        return wanted is None and (is_note(path) or "." in file_name(path))
    return wanted == actual


def _kind_of(name: str) -> frozenset[str] | None:
    """Return the kind of a file; None for a note or an unknown extension."""
    extension = _EXTENSION.search(name)
    key = extension[1].lower() if extension else ""
    return next((kind for kind in _KINDS if key in kind), None)


def has_known_extension(path: str) -> bool:
    """Return True if a path ends with a known extension, such as `.png`."""
    return _kind_of(file_name(path)) is not None


# -- recognize conflicting copies of sync services and merge conflict markers ----------------------
# vaultlink does not change a note in conflict until the user has resolved the conflict.


_COPY_PATTERNS = (
    ("Syncthing", lazy_pattern(r"\.sync-conflict-\d{8}-\d{6}(?:-[A-Z0-9]{7})?(?=\.|$)")),
    ("Obsidian Sync", lazy_pattern(r" \(Conflicted copy .*\d{12}\)(?=\.|$)")),
    (
        "Dropbox or Nextcloud",
        lazy_pattern(r" \([^()]*conflicted copy \d{4}-\d\d-\d\d[^()]*\)(?: \d+)?(?=\.|$)"),
    ),
    (
        "Dropbox",
        lazy_pattern(
            r" \([^()]*(?:Konflikt|en conflit|en conflicto|em conflito|in conflitto)[^()]*"
            r" \d{4}-\d\d-\d\d[^()]*\)(?=\.|$)"
        ),
    ),
    ("ownCloud", lazy_pattern(r"_conflict-\d{8}-\d{6}(?=\.|$)")),
    ("Seafile", lazy_pattern(r" \(SFConflict [^()]*\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\)(?=\.|$)")),
)

_MERGE_MARKERS = lazy_pattern(r"^<{7} .*?^={7}\r?\n.*?^>{7} ", re.MULTILINE | re.DOTALL)


def parse_conflict_copy(path: str) -> tuple[str, str] | None:
    """Return the service that wrote a conflicting copy, and the original's path.

    A service writes such a copy if two devices changed the same file. Returns None if the file's
    name does not match the pattern of any known service.
    """
    if "onfli" not in path:
        return None
    name = file_name(path)
    for service, pattern in _COPY_PATTERNS:
        match = pattern.search(name)
        if match:
            return service, parent_folder(path) + name[: match.start()] + name[match.end() :]
    return None


def find_conflicted_files(files: Iterable[str]) -> frozenset[str]:
    copies = {path: copy[1] for path in files if (copy := parse_conflict_copy(path))}
    return frozenset((*copies, *copies.values()))


def has_merge_markers(text: str) -> bool:
    return "<<<<<<< " in text and _MERGE_MARKERS.search(text) is not None


def find_conflict(path: str, text: str | None, conflicted: Collection[str]) -> str | None:
    """Return the conflict in which a note is, as a clause; None without one.

    Such a note must not be changed. `conflicted` are the conflicted files among those of the vault,
    or of the note's folder.
    """
    if path in conflicted:
        return "a sync service created a conflicting copy of it"
    if text is not None and has_merge_markers(text):
        return "it contains merge conflict markers"
    return None


# -- recognize folders that are copies of others ---------------------------------------------------


_MIN_COPIED_NOTES = 5
"""Notes that two folders have at the same paths. Fewer may be a template's."""

_MAX_SAME_NAMES = 8
"""Notes with one name, as `README`, above which the name says nothing about their folders."""


FolderPair = tuple[str, ...]
"""Two folders, sorted."""


def list_copied_paths(group: Sequence[str]) -> Iterator[FolderPair]:
    """Yield the folders below which two files of one name have the same path."""
    if 1 < len(group) <= _MAX_SAME_NAMES and is_note(group[0]):
        yield from (_strip_shared_path(one, other) for one, other in combinations(group, 2))


def count_copied_paths(index: Index) -> "Counter[FolderPair]":
    """Return how many notes two folders have at the same paths, for `Index.derive`."""
    groups = group_by(sorted(index.files_sharing_names), name_key)
    return Counter(pair for group in groups.values() for pair in list_copied_paths(group))


def find_copied_folders(index: Index) -> frozenset[str]:
    """Return the folders that are copies of others, with a slash at their ends.

    Two folders are copies if at least five notes, and half of those in the smaller folder, have the
    same path in both. Depends only on the files of the index.
    """
    shared = index.derive(count_copied_paths)
    pairs = {pair: count for pair, count in shared.items() if count >= _MIN_COPIED_NOTES}
    if not pairs:
        return frozenset()
    sizes = Counter(
        folder for path in index.files if is_note(path) for folder in _list_folders(path)
    )
    return frozenset(
        folder
        for pair, count in pairs.items()
        if 2 * count >= min(sizes[pair[0]], sizes[pair[1]])
        for folder in pair
        if folder
    )


def crosses_border(one: str, other: str, vaults: Iterable[str], index: Index) -> bool:
    """Return True if only one of two files is in a nested vault or a copied folder.

    `vaults` are the folders of the nested vaults.
    """
    return is_in_other_vault(one, other, vaults) or any(
        one.startswith(folder) != other.startswith(folder)
        for folder in index.derive(find_copied_folders)
    )


def is_in_other_vault(one: str, other: str, vaults: Iterable[str]) -> bool:
    """Return True if only one of two files is in a nested vault, one of these folders."""
    return any(one.startswith(f"{vault}/") != other.startswith(f"{vault}/") for vault in vaults)


def _strip_shared_path(one: str, other: str) -> FolderPair:
    """Return the two folders, sorted, below which two files have the same path."""
    parts, others = one.split("/"), other.split("/")
    shared = count_shared(parts[::-1], others[::-1])
    folders = parts[: len(parts) - shared], others[: len(others) - shared]
    return tuple(sorted("".join(f"{part}/" for part in folder) for folder in folders))


def _list_folders(path: str) -> Iterable[str]:
    """Return the folders that a file is in, the root, as "", first."""
    return accumulate((f"{part}/" for part in path.split("/")[:-1]), initial="")
