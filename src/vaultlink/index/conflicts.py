"""What tells that a note is in dispute: a copy that a sync service put beside it, or the marks of a merge in its text.

Paths and texts enter, answers leave. A note in dispute is nobody's to change until a person has settled it.
"""

import re
from collections.abc import Iterable

from vaultlink.index.resolve import file_name, parent_folder

_COPY_PATTERNS = (
    ("Syncthing", re.compile(r"\.sync-conflict-\d{8}-\d{6}(?:-[A-Z0-9]{7})?(?=\.|$)")),
    ("Obsidian Sync", re.compile(r" \(Conflicted copy .*\d{12}\)(?=\.|$)")),
    (
        "Dropbox or Nextcloud",
        re.compile(r" \([^()]*conflicted copy \d{4}-\d\d-\d\d[^()]*\)(?: \d+)?(?=\.|$)"),
    ),
    (
        "Dropbox",
        re.compile(
            r" \([^()]*(?:Konflikt|en conflit|en conflicto|em conflito|in conflitto)[^()]*"
            r" \d{4}-\d\d-\d\d[^()]*\)(?=\.|$)"
        ),
    ),
    ("ownCloud", re.compile(r"_conflict-\d{8}-\d{6}(?=\.|$)")),
    ("Seafile", re.compile(r" \(SFConflict [^()]*\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\)(?=\.|$)")),
)

_MERGE_MARKERS = re.compile(r"^<{7} .*?^={7}\r?\n.*?^>{7} ", re.MULTILINE | re.DOTALL)


def parse_conflict_copy(path: str) -> tuple[str, str] | None:
    """The service that made a copy because two devices changed the same file, and the path of that file; None for a file
    whose name does not say so."""
    if "onfli" not in path:
        return None
    name = file_name(path)
    for service, pattern in _COPY_PATTERNS:
        found = pattern.search(name)
        if found:
            return service, parent_folder(path) + name[: found.start()] + name[found.end() :]
    return None


def find_conflicted_files(files: Iterable[str]) -> frozenset[str]:
    """The files that have a conflicting copy, and these copies."""
    copies = {path: copy[1] for path in files if (copy := parse_conflict_copy(path))}
    return frozenset((*copies, *copies.values()))


def has_merge_markers(text: str) -> bool:
    """Whether a text holds the marks that a version control system leaves where two versions of it met."""
    return "<<<<<<< " in text and _MERGE_MARKERS.search(text) is not None
