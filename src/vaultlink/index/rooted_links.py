"""Markdown links whose destination starts with a slash.

In a vault they are paths from its root. In notes that are published they are often addresses of the
site, which name no file of the vault. Which of the two is meant depends on the vault as a whole.
"""

from collections.abc import Iterable

from vaultlink.index.index import Index
from vaultlink.index.resolve import normalize_name
from vaultlink.model import Link, LinkKind, Note


def is_rooted_link(link: Link) -> bool:
    """Return True for a Markdown link whose destination starts with a slash."""
    return link.target[:1] == "/" and link.kind is LinkKind.MARKDOWN and not link.external


def has_resolved_rooted_links(index: Index) -> bool:
    """Return True if such a link resolves: the vault uses paths from its root."""
    return any(
        target is not None and is_rooted_link(link)
        for path, note in index.notes.items()
        if _has_rooted_links(note)
        for link, target in index.resolved_links(path)
    )


def is_in_root_folder(target: str, index: Index) -> bool:
    """Return True if the vault has the first folder in the target of such a link."""
    folder, slash, _ = target[1:].partition("/")
    return bool(slash) and normalize_name(folder) + "/" in index.files_by_path


def find_notes_depending_on_roots(
    before: Index, after: Index, notes: Iterable[str], moved: Iterable[str]
) -> set[str]:
    """Return the notes whose links of this kind may have got another meaning.

    Args:
        before: The index before a change.
        after: The index after it.
        notes: The notes that were changed or resolved again.
        moved: The files that were added or removed.
    """
    folders = {normalize_name(path[: path.find("/") + 1]) for path in moved if "/" in path}
    changed = any(
        (folder in before.files_by_path) != (folder in after.files_by_path) for folder in folders
    ) or (
        any(
            _has_rooted_links(note)
            for path in notes
            for note in (before.notes.get(path), after.notes.get(path))
            if note
        )
        and before.derive(has_resolved_rooted_links) != after.derive(has_resolved_rooted_links)
    )
    return (
        {path for path, note in after.notes.items() if _has_rooted_links(note)}
        if changed
        else set()
    )


def _has_rooted_links(note: Note) -> bool:
    targets = [link.target[:1] for link in note.links]  # most notes have no such target
    return "/" in targets and any(map(is_rooted_link, note.links))
