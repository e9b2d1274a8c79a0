"""Recognize conflicting copies of sync services and merge conflict markers.

vaultlink does not change a note in conflict until the user has resolved the conflict.
"""

import re
from collections.abc import Iterable

from vaultlink.index.resolve import file_name, parent_folder
from vaultlink.text import lazy_pattern

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
