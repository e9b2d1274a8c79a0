"""Checks of links that resolve, and of text that was meant as a link.

If several of these rules find something at the same link, `yields-to` in their YAML files decides
which one reports it.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from vaultlink.index.anchors import find_anchor, heading_key
from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_note, is_same_name, normalize_name, resolve, spelling_key
from vaultlink.links.naming import format_target, strip_note_extension
from vaultlink.links.rewrite import (
    convert_link,
    default_display_text,
    drop_display_text,
    format_markdown_link,
    format_wikilink,
    rewrite_link,
)
from vaultlink.model import Edit, Heading, Link, LinkKind, Note, Place
from vaultlink.rules.context import Context, Finding
from vaultlink.text import has_placeholder


def missing_block(note: Note, context: Context) -> Iterator[Finding]:
    """Report links to a block that does not exist in the note."""
    for link, target in _find_subpath_links(note, context):
        if _lacks_block(link, target, context):
            block = link.subpath[link.subpath.rfind("#") + 1 :].strip()
            yield Finding(
                link,
                {"note": link_name(target), "block": block},
                link.target,
                edits=_build_anchor_edits(link, target, note, context),
            )


def missing_heading(note: Note, context: Context) -> Iterator[Finding]:
    """Report links to a heading that does not exist in the note."""
    for link, target in _find_subpath_links(note, context):
        if _lacks_heading(link, target, context):
            values = {"note": link_name(target), "heading": link.subpath.lstrip("#").strip()}
            yield Finding(
                link, values, link.target, edits=_build_anchor_edits(link, target, note, context)
            )


def ambiguous_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that match several files. Obsidian opens one of them."""
    shared = context.index.files_sharing_names
    if shared and not shared.isdisjoint(context.index.targets.get(note.path, ())):
        for link, target in _find_resolved_links(note, context):
            others = context.index.alternatives(note.path, link) if target in shared else ()
            if others:
                values = {"target": link.target, "count": len(others) + 1, "chosen": target}
                yield Finding(link, values, link.target)


def self_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report links from a note to itself without a heading or block."""
    if note.path in context.index.targets.get(note.path, ()):
        for link, target in _find_resolved_links(note, context):
            if target == note.path and link.target and not link.subpath:
                yield Finding(link, {}, link.target)


def malformed_link(note: Note, context: Context) -> Iterator[Finding]:
    """Report text that names a file of the vault but is not a link because of a typo."""
    for problem in note.problems:
        if problem.kind == "malformed-link":
            target, _, fault = problem.detail.rpartition("\n")
            name = " ".join(target.split())
            if name and resolve(note.path, name, context.index.names):
                edits = tuple(Edit(note.path, *change) for change in problem.replacements)
                yield Finding(problem, {"target": name, "fault": fault}, name, edits=edits)


def case_mismatch(note: Note, context: Context) -> Iterator[Finding]:
    """Report links whose target differs in case from the file name."""
    for link, target in _find_resolved_links(note, context):
        if _has_other_case(link, target):
            values = {"target": link.target, "name": _take_tail(link.target, target)}
            yield Finding(
                link, values, link.target, edits=_build_case_edits(link, target, note, context)
            )


def redundant_display(note: Note, context: Context) -> Iterator[Finding]:
    """Report wikilinks with a display text that Obsidian would show anyway."""
    for link, _ in _find_resolved_links(note, context):
        if _has_redundant_display(link):
            yield Finding(
                link,
                {"display": link.display},
                link.target,
                edits=drop_display_text(note.path, link),
            )


def link_style(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that differ from the link style of the vault's settings."""
    markdown = _prefers_markdown(context)
    nested = _find_nested(note)
    for link, target in _find_resolved_links(note, context):
        if link.place is Place.BODY and (link.target or link.subpath):
            path = _format_target(link, target, note, context)
            other_kind = markdown is not None and markdown is not (link.kind is LinkKind.MARKDOWN)
            if other_kind or strip_note_extension(path) != strip_note_extension(
                link.target.removeprefix("./")
            ):
                to_markdown = other_kind is not (link.kind is LinkKind.MARKDOWN)
                name = strip_note_extension(path)
                if (
                    to_markdown
                    and path
                    and is_note(target)
                    and (other_kind or is_note(link.target))
                ):
                    name += ".md"
                change = (
                    rewrite_link
                    if not other_kind
                    else _make_no_edits
                    if link.start in nested
                    else convert_link
                )
                resolves = resolve(note.path, name, context.index.names) == target
                edits = change(note.path, link, name, link.subpath) if resolves else ()
                written = (format_markdown_link if to_markdown else format_wikilink)(
                    link, name, link.subpath
                )
                yield Finding(
                    link,
                    {"wanted": _preview_link(link, edits) or written},
                    link.target,
                    edits=edits,
                )


# -- tests of a link ------------------------------------------------------------------------------


def _find_resolved_links(note: Note, context: Context) -> Iterator[tuple[Link, str]]:
    for link, target in zip(note.links, context.index.targets.get(note.path, ()), strict=True):
        if target is not None and not link.external:
            yield link, target


def _find_subpath_links(note: Note, context: Context) -> list[tuple[Link, str]]:
    if not any([link.subpath for link in note.links]):  # noqa: C419 - a list is faster here, and most notes have none
        return []
    return [
        (link, target)
        for link, target in zip(note.links, context.index.targets.get(note.path, ()), strict=True)
        if link.subpath and target is not None
    ]


def _lacks_block(link: Link, target: str, context: Context) -> bool:
    return "#^" in link.subpath and _lacks_anchor(link, target, context)


def _lacks_heading(link: Link, target: str, context: Context) -> bool:
    return bool(link.subpath) and "#^" not in link.subpath and _lacks_anchor(link, target, context)


def _lacks_anchor(link: Link, target: str, context: Context) -> bool:
    """Return True if the heading or block that a visible link names is surely missing.

    Where it is unknown how Obsidian reads the subpath, return False.
    """
    if (
        link.in_comment
        or context.index.has_anchor(link, target) is not False
        or has_placeholder(link.subpath)
    ):
        return False
    note = context.index.notes.get(target)
    if (
        note is None
        or target.lower().endswith(".excalidraw.md")
        or note.property_value("excalidraw-plugin") is not None
    ):
        return False  # elements of a drawing have their own names
    if any(problem.kind in ("undecodable", "unreadable") for problem in note.problems):
        return False
    *_, last = link.subpath.split("#")
    name = last.strip()
    if name.startswith("[^"):
        return False  # a footnote (6.11)
    if name.startswith("^"):
        return all(block.id.lower() != name[1:].lower() for block in note.blocks)
    return link.subpath.count("#") > 1 or _normalize_heading(name) not in {
        _normalize_heading(heading.text) for heading in note.headings
    }


_TRAILING_BLOCK_ID = re.compile(r"\s\^[A-Za-z0-9-]+\s*$")


def _normalize_heading(heading: str) -> str:
    """Return a heading without its block id, in composed Unicode form.

    Whether Obsidian compares these is unknown (6.2, 6.6).
    """
    return heading_key(unicodedata.normalize("NFC", _TRAILING_BLOCK_ID.sub("", heading)))


def _has_other_case(link: Link, target: str) -> bool:
    written, name = _split_target(link.target), _split_target(_take_tail(link.target, target))
    return written != name and [normalize_name(step) for step in written] == [
        normalize_name(step) for step in name
    ]


def _has_redundant_display(link: Link) -> bool:
    if (
        link.kind is not LinkKind.WIKILINK
        or link.embed
        or link.place in (Place.SECTION, Place.CANVAS)
    ):
        return False
    return link.display == default_display_text(link.target, link.subpath)


# -- format of a link -----------------------------------------------------------------------------


def _split_target(path: str) -> list[str]:
    """Return folders and name of a target, in composed form, without `.`, `..` and `.md`."""
    plain = (
        unicodedata.normalize("NFC", strip_note_extension(path))
        .replace("\u00a0", " ")
        .replace("\u202f", " ")
    )
    return [step for step in plain.split("/") if step not in ("", ".", "..")]


def _take_tail(written: str, path: str) -> str:
    """Return the end of a path that has as many parts as a target.

    The path of a note comes without extension.
    """
    return "/".join(strip_note_extension(path).split("/")[-max(len(_split_target(written)), 1) :])


def _prefers_markdown(context: Context) -> bool | None:
    """Return True for Markdown links, False for wikilinks, None if both are allowed."""
    kind = context.options["kind"]
    return {"wikilink": False, "markdown": True, "any": None}.get(
        kind, context.obsidian.use_markdown_links
    )


def _format_target(link: Link, target: str, note: Note, context: Context) -> str:
    """Return the target in the configured style (10.4); unchanged if any style is allowed."""
    style = context.options["path"]
    style = context.obsidian.new_link_format if style == "vault" else style
    return (
        link.target
        if style == "any" or not link.target
        else format_target(note.path, target, context.index, style)
    )


def _find_nested(note: Note) -> set[int]:
    """Return the starts of links inside the text of a Markdown link.

    They can't become Markdown links.
    """
    outer_links = [
        text for text in note.links if text.kind is LinkKind.MARKDOWN and "[" in text.raw[2:]
    ]
    starts = sorted(link.start for link in note.links) if outer_links else []
    return {
        at
        for text in outer_links
        for at in starts[bisect_right(starts, text.start) : bisect_left(starts, text.end)]
    }


def _make_no_edits(_path: str, _link: Link, _target: str, _subpath: str) -> tuple[Edit, ...]:
    return ()


def _preview_link(link: Link, edits: tuple[Edit, ...]) -> str:
    """Return a link after edits, or an empty string if there are none."""
    text = link.raw
    for edit in reversed(edits):
        text = text[: edit.start - link.start] + edit.text + text[edit.end - link.start :]
    return text if edits else ""


def _build_case_edits(link: Link, target: str, note: Note, context: Context) -> tuple[Edit, ...]:
    """Return edits that give a target the case of its file name.

    Relative steps and the extension of a note stay.
    """
    steps = link.target.split("/")
    places = [at for at, step in enumerate(steps) if step not in ("", ".", "..")]
    own = _take_tail(link.target, target).split("/")
    if len(own) != len(places):
        return ()
    extension = link.target[-3:] if is_note(link.target) else ""
    for at, step in zip(places, own, strict=True):
        steps[at] = step
    name = "/".join(steps) + extension
    return (
        rewrite_link(note.path, link, name, link.subpath)
        if resolve(note.path, name, context.index.names) == target
        else ()
    )


# -- headings and blocks with another spelling ----------------------------------------------------

_NOT_IN_SUBPATHS = re.compile(r"[\s#|^\[\]%:\\`$*<>~=]+")
"""Characters that would end a subpath or the link, or close markup around it. Obsidian treats all
of them as a space (6.2, 6.15)."""


def _build_anchor_edits(link: Link, target: str, note: Note, context: Context) -> tuple[Edit, ...]:
    """Return edits that name the one heading or block that differs in case, punctuation or spacing.

    Empty if there is none or more than one.
    """
    meant = context.index.notes[target]
    parts = [part for part in link.subpath.split("#") if part.strip()]
    if len(parts) == 1 and parts[0].lstrip().startswith("^"):
        ids = [block.id for block in meant.blocks if _is_respelling(parts[0].strip()[1:], block.id)]
        return rewrite_link(note.path, link, link.target, f"#^{ids[0]}") if len(ids) == 1 else ()
    found = [_find_similar_heading(part, meant) for part in parts]
    subpath = "".join(f"#{words}" for _, words in found)
    if not all(words for _, words in found) or find_anchor(meant, subpath) is not found[-1][0]:
        return ()
    return rewrite_link(note.path, link, link.target, subpath)


def _find_similar_heading(part: str, note: Note) -> tuple[Heading | None, str]:
    """Return the heading that a part of a subpath means, and its text in a link.

    (None, "") if that is not sure.
    """
    alike = [heading for heading in note.headings if _is_respelling(part, heading.text)]
    if len(alike) != 1 or _TRAILING_BLOCK_ID.search(alike[0].text):
        return None, ""
    exact = heading_key(alike[0].text) == heading_key(part)
    return alike[0], part if exact else _NOT_IN_SUBPATHS.sub(" ", alike[0].text).strip()


def _is_respelling(one: str, other: str) -> bool:
    return (
        bool(spelling_key(one))
        and spelling_key(one) == spelling_key(other)
        and is_same_name(one, other)
    )
