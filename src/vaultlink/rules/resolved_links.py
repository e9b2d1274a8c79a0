"""Checks of links that resolve: what they lead to, and how they are written."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import takewhile

from vaultlink.index.resolve import (
    count_shared_folders,
    find_languages,
    is_note,
    join_relative,
    normalize_name,
    parent_folder,
    resolve,
)
from vaultlink.links.kinds import SYNTAX, default_display_text, find_nested_links, format_link
from vaultlink.links.naming import (
    LinkStyle,
    configure_link_style,
    format_target,
    retarget_link,
    strip_note_extension,
)
from vaultlink.links.rewrite import convert_link, drop_display_text, rewrite_link
from vaultlink.links.style import find_link_style
from vaultlink.model import Destination, Edit, Link, LinkKind, Note, Place, Safety
from vaultlink.rules.context import Context, Finding, find_resolved_links


def ambiguous_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that several files match, unless Obsidian opens the nearest one."""
    shared = context.index.files_sharing_names
    if shared and not shared.isdisjoint(context.index.targets.get(note.path, ())):
        for link, target in find_resolved_links(note, context):
            others = context.index.alternatives(note.path, link) if target in shared else ()
            if not others or _is_nearest(note.path, target, others):
                continue
            if not _names_sibling(link, note.path, target):
                yield Finding(link, _describe_match(link, note.path, target, others), link.target)


def _describe_match(
    link: Link, source: str, target: str, others: tuple[str, ...]
) -> Mapping[str, str]:
    """Return what a link matches and opens: only the folders if these have the same files."""
    for other in others:
        tree, opened = _find_trees(other, target)
        if tree and source.startswith(tree):
            folders = " and ".join(sorted((tree, opened or "the root folder")))
            match = f"Links in {tree} match files in {folders}"
            return {"match": match, "chosen": f"those in {opened or 'the root folder'}"}
    return {"match": f"“{link.target}” matches {len(others) + 1} files", "chosen": target}


def _find_trees(one: str, other: str) -> tuple[str, str]:
    """Return the folders below which two paths are the same; "" if they have only a name in common.

    A name is enough in folders of two languages.
    """
    parts, others = one.split("/"), other.split("/")
    pairs = zip(reversed(parts), reversed(others), strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if shared == 1 and not find_languages(one, other):
        return "", ""
    tree, opened = ("".join(f"{part}/" for part in path[:-shared]) for path in (parts, others))
    return tree, opened


def _is_nearest(source: str, target: str, others: tuple[str, ...]) -> bool:
    """Return True if a target is in the source's folder or alone in the tree of both.

    The tree is the innermost folder, below the root, that contains source and target. A note whose
    link leads to itself probably means another file.
    """
    folder = tree = parent_folder(source)
    if parent_folder(target) == folder:
        return target != source
    while not target.startswith(tree):
        tree = parent_folder(tree[:-1])
    return tree != "" and not any(path.startswith(tree) for path in others)


def _names_sibling(link: Link, source: str, target: str) -> bool:
    """Return True for a Markdown link that is the relative path of its file."""
    path = join_relative(source, normalize_name(f"./{link.target}"))
    return SYNTAX[link.kind].writes_paths and path == normalize_name(target)


def retargeted_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that lead elsewhere than before, although nobody changed them."""
    former = context.history.former_destinations.get(note.path)
    if not former:
        return
    has_anchor = context.index.has_anchor
    for link, target in find_resolved_links(note, context):
        meant = former.get(link.raw)
        if meant is not None and (meant.path != target or meant.subpath != link.subpath):
            is_other_file = meant.path != target
            if is_other_file and has_anchor(link, target) and has_anchor(link, meant.path) is False:
                continue  # only the present target has what the subpath names
            values = {
                "target": link.target + link.subpath,
                "now": target if is_other_file else f"another heading {link.subpath}",
                "before": meant.path if is_other_file else meant.subpath,
            }
            yield Finding(
                link,
                values,
                link.target,
                edits=partial(_name_former_target, link, note.path, meant, target, context),
                safety=_choose_safety(note.path, meant, target),
            )


def _choose_safety(source: str, meant: Destination, target: str) -> Safety:
    """Return SAFE if a former target is certain and no farther than the present one.

    An author means a file that shares more folders with the note rather than one that was there.
    """
    is_farther = count_shared_folders(source, meant.path) < count_shared_folders(source, target)
    return Safety.SAFE if meant.is_certain and not is_farther else Safety.UNSAFE


def _name_former_target(
    link: Link, source: str, meant: Destination, target: str, context: Context
) -> tuple[Edit, ...]:
    """Return the edits back to the former target; none if an equal link led elsewhere."""
    style = configure_link_style(context.obsidian, link.kind)
    edits = (
        rewrite_link(source, link, link.target, meant.subpath)
        if meant.path == target
        else retarget_link(source, link, meant.path, context.index, style)
    )
    is_ambiguous = _preview_link(link, edits) in context.history.former_destinations[source]
    return () if is_ambiguous else edits


def self_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links from a note to itself; those in a sentence with the option `prose`."""
    if note.path in context.index.targets.get(note.path, ()):
        for link, target in find_resolved_links(note, context):
            is_alone = link.embed or link.start in note.lone_self_links
            is_alone = is_alone or link.place is not Place.BODY or context.options["prose"]
            if is_alone and target == note.path and link.target and not link.subpath:
                yield Finding(link, {}, link.target)


# -- checks of the notation of links: kind, path, case and display text ----------------------------


def case_mismatch(note: Note, context: Context) -> Iterator[Finding]:
    for link, target in find_resolved_links(note, context):
        tail = _take_tail(link.target, target)
        written, name = _split_target(link.target), _split_target(tail)
        if written != name and list(map(normalize_name, written)) == list(
            map(normalize_name, name)
        ):
            values = {"target": link.target, "name": tail}
            edits = _build_case_edits(link, target, note, context)
            yield Finding(link, values, link.target, edits=edits)


def redundant_display(note: Note, context: Context) -> Iterator[Finding]:
    for link, _ in find_resolved_links(note, context):
        if _has_redundant_display(link):
            edits = drop_display_text(note.path, link)
            yield Finding(link, {"display": link.display}, link.target, edits=edits)


def link_style(note: Note, context: Context) -> Iterator[Finding]:
    nested = find_nested_links(note.links)
    for link, target in find_resolved_links(note, context):
        if link.place is not Place.BODY or not (link.target or link.subpath):
            continue
        style = _find_wanted_style(link, note, context)
        name = _write_target(link, target, note, context, style)
        if style.kind is link.kind and _is_written(link, name, style):
            continue
        edits: tuple[Edit, ...] = ()
        if resolve(note.path, name, context.index.names) == target:
            if style.kind is link.kind:
                edits = rewrite_link(note.path, link, name, link.subpath)
            elif link.start not in nested:
                edits = convert_link(note.path, link, style.kind, name, link.subpath)
        wanted = _preview_link(link, edits) or format_link(link, style.kind, name, link.subpath)
        yield Finding(link, {"wanted": wanted}, link.target, edits=edits)


def _find_wanted_style(link: Link, note: Note, context: Context) -> LinkStyle:
    """Return the required style of a link; its own kind if all are allowed."""
    option, index, obsidian = context.options["kind"], context.index, context.obsidian
    kind = link.kind if option == "any" else None
    if option in tuple(LinkKind):
        kind = LinkKind(option)
    style = find_link_style(note.path, index, obsidian, kind)
    path = context.options["path"]
    if path != "vault":
        return style._replace(path=path)
    # The settings are for links of all kinds.
    return style._replace(path=obsidian.new_link_format or style.path)


def _write_target(link: Link, target: str, note: Note, context: Context, style: LinkStyle) -> str:
    """Return the target in a style (10.4), unchanged if all paths are allowed."""
    if not link.target:
        return ""
    is_same_kind = style.kind is link.kind
    if is_same_kind:
        style = style._replace(has_extension=is_note(link.target))
    if style.path == "any":
        name = strip_note_extension(link.target)
        return style.complete_target(name, target) if is_note(target) else link.target
    name = format_target(note.path, target, context.index, style.path)
    return style.complete_target(name, target)


def _is_written(link: Link, name: str, style: LinkStyle) -> bool:
    """Return True if a link has a target, whatever its first characters."""
    written, wanted = strip_note_extension(link.target), strip_note_extension(name)
    if style.has_mark and style.path == "absolute":
        return written.removeprefix("/") == wanted.removeprefix("/")
    return written.removeprefix("./") == wanted.removeprefix("./")


def _has_redundant_display(link: Link) -> bool:
    shows_target = SYNTAX[link.kind].shows_target and not link.embed
    if not shows_target or link.place in (Place.SECTION, Place.CANVAS):
        return False
    return link.display == default_display_text(link.target, link.subpath)


def _split_target(path: str) -> list[str]:
    """Return folders and name in NFC, without relative steps and extension of a note."""
    plain = unicodedata.normalize("NFC", strip_note_extension(path))
    steps = plain.replace("\u00a0", " ").replace("\u202f", " ").split("/")
    return [step for step in steps if step not in ("", ".", "..")]


def _take_tail(written: str, path: str) -> str:
    """Return as many last steps of `path` as `written` has, without extension."""
    return "/".join(strip_note_extension(path).split("/")[-max(len(_split_target(written)), 1) :])


def _preview_link(link: Link, edits: tuple[Edit, ...]) -> str:
    """Return the text of a link after the edits; "" if there are none."""
    text = link.raw
    for edit in sorted(edits, key=lambda item: -item.start):
        text = text[: edit.start - link.start] + edit.text + text[edit.end - link.start :]
    return text if edits else ""


def _build_case_edits(link: Link, target: str, note: Note, context: Context) -> tuple[Edit, ...]:
    """Give a target the case of its file; relative steps and extension stay."""
    steps = link.target.split("/")
    positions = [number for number, step in enumerate(steps) if step not in ("", ".", "..")]
    file_steps = _take_tail(link.target, target).split("/")
    if len(file_steps) != len(positions):
        return ()
    extension = link.target[-3:] if is_note(link.target) else ""
    for number, step in zip(positions, file_steps, strict=True):
        steps[number] = step
    name = "/".join(steps) + extension
    leads_there = resolve(note.path, name, context.index.names) == target
    return rewrite_link(note.path, link, name, link.subpath) if leads_there else ()
