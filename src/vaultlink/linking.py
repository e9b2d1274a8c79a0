"""How a link to a file is written: the vault's own style of naming files (specification 10.4).

Paths and an index enter, the text that stands in a link leaves, or the edits that make a link lead to another file.
"""

from vaultlink.index import Index
from vaultlink.model import Edit, Kind, Link
from vaultlink.resolve import file_name, folder, is_note, resolve
from vaultlink.rewriting import rewritten


def named(source: str, path: str, index: Index, style: str) -> str:
    """The target by which a link in the note `source` names a file, without a note's extension. `style` is `shortest`,
    `relative` or `absolute`, as Obsidian's `newLinkFormat` has it; any other is read as `absolute`."""
    if style == "relative":
        return relative(source, path)
    if style == "shortest":
        name = bare(file_name(path))
        return name if resolve(source, name, index.names) == path else bare(path)
    return bare(path)


def relative(source: str, path: str) -> str:
    """The way from a note's folder to a file."""
    here, there = folder(source).split("/")[:-1], folder(path).split("/")[:-1]
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    return "/".join([".."] * (len(here) - common) + there[common:] + [bare(file_name(path))])


def bare(path: str) -> str:
    """A path without a note's extension."""
    return path[:-3] if is_note(path) else path


def retargeted(source: str, link: Link, path: str, index: Index, style: str) -> tuple[Edit, ...]:
    """The edits that make a dangling link lead to a file, named in the vault's style or, where that would lead elsewhere or
    can't be written, by its whole path. What the link shows stays."""
    for name in dict.fromkeys((named(source, path, index, style), bare(path))):
        target = name + path[-3:] if link.kind is Kind.MARKDOWN and is_note(path) else name
        if resolve(source, target, index.names) == path:
            edits = rewritten(source, link, target, link.subpath)
            if edits:
                return edits
    return ()
