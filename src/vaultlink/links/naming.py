"""Format the target of a link to a file in the vault's style (section 10.4)."""

from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_note, parent_folder, resolve
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Edit, Link, LinkKind


def format_target(source: str, path: str, index: Index, style: str) -> str:
    """Return the target of a link to a file.

    Args:
        source: Vault path of the note that contains the link.
        path: Vault path of the file.
        index: The index of the vault.
        style: `shortest`, `relative` or `absolute`, as in Obsidian's `newLinkFormat`. Any other
            value means `absolute`.

    Returns:
        The target, without the extension of a note.
    """
    if style == "relative":
        return relative_target(source, path)
    if style == "shortest":
        name = strip_note_extension(file_name(path))
        return name if resolve(source, name, index.names) == path else strip_note_extension(path)
    return strip_note_extension(path)


def relative_target(source: str, path: str) -> str:
    """Return the relative path from a note's folder to a file."""
    start, end = (
        parent_folder(source).split("/")[:-1],
        parent_folder(path).split("/")[:-1],
    )
    common = 0
    while common < min(len(start), len(end)) and start[common] == end[common]:
        common += 1
    return "/".join(
        [".."] * (len(start) - common) + end[common:] + [strip_note_extension(file_name(path))]
    )


def strip_note_extension(path: str) -> str:
    """Return a path without the extension of a note."""
    return path[:-3] if is_note(path) else path


def retarget_link(source: str, link: Link, path: str, index: Index, style: str) -> tuple[Edit, ...]:
    """Return the edits that make a broken link resolve to a file.

    The new target has the vault's style. If this would resolve to another file or cannot be
    written, the target is the full path. The displayed text does not change.

    Args:
        source: Vault path of the note that contains the link.
        link: The link.
        path: Vault path of the file.
        index: The index of the vault.
        style: See `format_target`.

    Returns:
        The edits; empty if no target works.
    """
    for name in dict.fromkeys(
        (format_target(source, path, index, style), strip_note_extension(path))
    ):
        target = name + path[-3:] if link.kind is LinkKind.MARKDOWN and is_note(path) else name
        if resolve(source, target, index.names) == path:
            edits = rewrite_link(source, link, target, link.subpath)
            if edits:
                return edits
    return ()
