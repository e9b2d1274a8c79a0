"""Format the target of a link to a file in the vault's style (section 10.4)."""

from collections import Counter

from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_note, name_key, parent_folder, resolve
from vaultlink.links.kinds import SYNTAX, add_extension
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Edit, Link
from vaultlink.obsidian import ObsidianSettings


def format_target(source: str, path: str, index: Index, style: str) -> str:
    """Return the target of a link to a file, without the extension of a note.

    `style` is `shortest`, `relative` or `absolute`, as in Obsidian's `newLinkFormat`. Any other
    value means `absolute`.
    """
    if style == "relative":
        return relative_target(source, path)
    if style == "shortest":
        name = strip_note_extension(file_name(path))
        return name if resolve(source, name, index.names) == path else strip_note_extension(path)
    return strip_note_extension(path)


def relative_target(source: str, path: str) -> str:
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
    return path[:-3] if is_note(path) else path


def retarget_link(
    source: str,
    link: Link,
    path: str,
    index: Index,
    obsidian: ObsidianSettings,
    subpath: str | None = None,
) -> tuple[Edit, ...]:
    """Return the edits that make a link resolve to a file; none if no target works.

    The new target has the style of the link, else that of its note, else that of the vault. If
    this would resolve to another file or cannot be written, the target is the full path. The
    displayed text does not change. `subpath` is the new one, with its `#`, or ""; None keeps
    that of the link.
    """
    kept = link.subpath if subpath is None else subpath
    style = detect_target_style(source, link, index, obsidian)
    if style == "shortest" and len(index.names.get(name_key(path), ())) > 1:
        style = "absolute"  # a bare name would lead elsewhere from another folder
    first, whole = format_target(source, path, index, style), strip_note_extension(path)
    for name in (first,) if first == whole else (first, whole):
        target = add_extension(name, path, link.kind)
        if style == "relative" and link.target.startswith("./") and not target.startswith("../"):
            target = "./" + target
        elif SYNTAX[link.kind].writes_paths and link.target.startswith("/"):
            target = "/" + target.removeprefix("/")
        is_resolved = style == "shortest" and target == first != whole  # by `format_target`
        if is_resolved or resolve(source, target, index.names) == path:
            edits = rewrite_link(source, link, target, kept)
            if edits:
                return edits
    return ()


def detect_target_style(source: str, link: Link, index: Index, obsidian: ObsidianSettings) -> str:
    """Return the style in which a link's target is written: see `format_target`.

    Markdown links also serve other renderers, which know only paths. Without evidence they are
    relative, unless Obsidian itself writes such links in this vault.
    """
    if link.target.startswith(("./", "../")):
        return "relative"
    if not SYNTAX[link.kind].writes_paths:
        return obsidian.new_link_format
    if link.target.startswith("/"):
        return "absolute"
    votes = Counter(
        style
        for other, target in index.resolved_links(source)
        if target is not None and other.kind is link.kind and other.target
        for style in _list_styles(source, other.target, target)
    )
    ranked = votes.most_common(2)
    if ranked and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
        return ranked[0][0]
    is_default = obsidian.new_link_format == "shortest" and not obsidian.use_markdown_links
    return "relative" if is_default else obsidian.new_link_format


def _list_styles(source: str, target: str, path: str) -> tuple[str, ...]:
    """Return the style of a Markdown link's target; empty if several styles fit."""
    written = strip_note_extension(target.removeprefix("./"))
    styles = {
        "relative": relative_target(source, path),
        "absolute": strip_note_extension(path),
        "shortest": strip_note_extension(file_name(path)),
    }
    fitting = tuple(style for style, text in styles.items() if text == written)
    return fitting if len(fitting) == 1 else ()
