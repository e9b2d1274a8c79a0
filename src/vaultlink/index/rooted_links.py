"""Markdown links whose destination starts with a slash.

In a vault they are paths from its root. In notes that are published they are often addresses of the
site, which name no file of the vault. Which of the two is meant depends on the vault as a whole.
"""

from collections.abc import Iterable

from vaultlink.index.index import Index
from vaultlink.index.resolve import normalize_name


def has_resolved_rooted_links(index: Index) -> bool:
    return "resolved" in index.rooted_sources


def is_in_root_folder(target: str, index: Index) -> bool:
    """Return True if the vault has the first folder in the target of such a link."""
    folder, slash, _ = target[1:].partition("/")
    return bool(slash) and normalize_name(folder) + "/" in index.files_by_path


def find_notes_depending_on_roots(before: Index, after: Index, moved: Iterable[str]) -> set[str]:
    """Return the notes whose rooted links may mean something else after moves."""
    folders = {normalize_name(path[: path.find("/") + 1]) for path in moved if "/" in path}
    changed = any(
        (folder in before.files_by_path) != (folder in after.files_by_path) for folder in folders
    ) or has_resolved_rooted_links(before) != has_resolved_rooted_links(after)
    return set(after.rooted_sources.get("any", ())) if changed else set()
