"""How a link to a file is written: the vault's own style of naming files (specification 10.4).

Paths and an index enter, the text that stands in a link leaves, or the edits that make a link lead to another file.
"""

from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_note, parent_folder, resolve
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Edit, Link, LinkKind


def format_target(source: str, path: str, index: Index, style: str) -> str:
    """The target by which a link in the note `source` names a file, without a note's extension. `style` is `shortest`,
    `relative_target` or `absolute`, as Obsidian's `newLinkFormat` has it; any other is read as `absolute`."""
    if style == "relative":
        return relative_target(source, path)
    if style == "shortest":
        name = strip_note_extension(file_name(path))
        return name if resolve(source, name, index.names) == path else strip_note_extension(path)
    return strip_note_extension(path)


def relative_target(source: str, path: str) -> str:
    """The way from a note's folder to a file."""
    here, there = parent_folder(source).split("/")[:-1], parent_folder(path).split("/")[:-1]
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    return "/".join(
        [".."] * (len(here) - common) + there[common:] + [strip_note_extension(file_name(path))]
    )


def strip_note_extension(path: str) -> str:
    """A path without a note's extension."""
    return path[:-3] if is_note(path) else path


def retarget_link(source: str, link: Link, path: str, index: Index, style: str) -> tuple[Edit, ...]:
    """The edits that make a dangling link lead to a file, named in the vault's style or, where that would lead elsewhere or
    can't be written, by its whole path. What the link shows stays."""
    for name in dict.fromkeys(
        (format_target(source, path, index, style), strip_note_extension(path))
    ):
        target = name + path[-3:] if link.kind is LinkKind.MARKDOWN and is_note(path) else name
        if resolve(source, target, index.names) == path:
            edits = rewrite_link(source, link, target, link.subpath)
            if edits:
                return edits
    return ()
