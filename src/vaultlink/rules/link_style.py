"""Checks of the notation of links: kind, path, case and display text."""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from vaultlink.index.resolve import is_note, normalize_name, resolve
from vaultlink.links.naming import format_target, strip_note_extension
from vaultlink.links.rewrite import (
    convert_link,
    default_display_text,
    drop_display_text,
    format_markdown_link,
    format_wikilink,
    rewrite_link,
)
from vaultlink.model import Edit, Link, LinkKind, Note, Place
from vaultlink.rules.context import Context, Finding, find_resolved_links


def case_mismatch(note: Note, context: Context) -> Iterator[Finding]:
    """Report links whose target differs in case from the name of the file."""
    for link, target in find_resolved_links(note, context):
        if _has_other_case(link, target):
            values = {"target": link.target, "name": _take_tail(link.target, target)}
            yield Finding(
                link, values, link.target, edits=_build_case_edits(link, target, note, context)
            )


def redundant_display(note: Note, context: Context) -> Iterator[Finding]:
    """Report wikilinks whose display text is the text that Obsidian shows without it."""
    for link, _ in find_resolved_links(note, context):
        if _has_redundant_display(link):
            yield Finding(
                link,
                {"display": link.display},
                link.target,
                edits=drop_display_text(note.path, link),
            )


def link_style(note: Note, context: Context) -> Iterator[Finding]:
    """Report links that are not written as the vault's settings require (10.4)."""
    markdown = _prefers_markdown(context)
    nested = _find_nested(note)
    for link, target in find_resolved_links(note, context):
        if link.place is not Place.BODY or not (link.target or link.subpath):
            continue
        path = _format_target(link, target, note, context)
        name = strip_note_extension(path)
        is_markdown = link.kind is LinkKind.MARKDOWN
        other_kind = markdown is not None and markdown is not is_markdown
        if not other_kind and name == strip_note_extension(link.target.removeprefix("./")):
            continue
        to_markdown = other_kind is not is_markdown
        if to_markdown and path and is_note(target) and (other_kind or is_note(link.target)):
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
        format_link = format_markdown_link if to_markdown else format_wikilink
        wanted = _preview_link(link, edits) or format_link(link, name, link.subpath)
        yield Finding(link, {"wanted": wanted}, link.target, edits=edits)


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


def _split_target(path: str) -> list[str]:
    """Return folders and name in NFC, without relative steps and extension of a note."""
    plain = (
        unicodedata.normalize("NFC", strip_note_extension(path))
        .replace("\u00a0", " ")
        .replace("\u202f", " ")
    )
    return [step for step in plain.split("/") if step not in ("", ".", "..")]


def _take_tail(written: str, path: str) -> str:
    """Return as many last steps of `path` as `written` has, without extension."""
    return "/".join(strip_note_extension(path).split("/")[-max(len(_split_target(written)), 1) :])


def _prefers_markdown(context: Context) -> bool | None:
    """Return True for Markdown links, False for wikilinks, None if both are allowed."""
    kind = context.options["kind"]
    return {"wikilink": False, "markdown": True, "any": None}.get(
        kind, context.obsidian.use_markdown_links
    )


def _format_target(link: Link, target: str, note: Note, context: Context) -> str:
    """Return the target as the settings say (10.4), unchanged if all is allowed."""
    style = context.options["path"]
    style = context.obsidian.new_link_format if style == "vault" else style
    return (
        link.target
        if style == "any" or not link.target
        else format_target(note.path, target, context.index, style)
    )


def _find_nested(note: Note) -> set[int]:
    """Return offsets of links in a Markdown link's text, which can hold no other."""
    outer = [link for link in note.links if link.kind is LinkKind.MARKDOWN and "[" in link.raw[2:]]
    starts = sorted(link.start for link in note.links) if outer else []
    return {
        start
        for link in outer
        for start in starts[bisect_right(starts, link.start) : bisect_left(starts, link.end)]
    }


def _make_no_edits(_path: str, _link: Link, _target: str, _subpath: str) -> tuple[Edit, ...]:
    return ()


def _preview_link(link: Link, edits: tuple[Edit, ...]) -> str:
    """Return the text of a link after the edits; "" if there are none."""
    text = link.raw
    for edit in reversed(edits):
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
    return (
        rewrite_link(note.path, link, name, link.subpath)
        if resolve(note.path, name, context.index.names) == target
        else ()
    )
