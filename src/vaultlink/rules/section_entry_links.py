"""Defects of links in entries of "Add backlinks" sections.

They concern the target, its spelling and the display text.
"""

from collections.abc import Iterator

from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_note, normalize_name, resolve_with_alternatives
from vaultlink.index.titles import (
    find_notes_by_title,
    get_current_title,
    is_same_text,
    is_same_title,
    is_title_of,
    list_note_names,
)
from vaultlink.links.naming import strip_note_extension
from vaultlink.links.rewrite import format_wikilink, rewrite_link
from vaultlink.model import Edit, Entry, Link, LinkKind
from vaultlink.rules.section_defects import Defect, EntryContext
from vaultlink.text import has_placeholder


def find_link_defects(
    context: EntryContext, entry: Entry, link: Link, target: str | None
) -> Iterator[Defect]:
    """Yield the defects of an entry's link and title.

    The title is compared with the linked note.
    """
    if link.embed:
        yield Defect(
            "embed",
            entry,
            "the note is embedded instead of linked",
            "Change the embed to a link",
            context.make_edit(link.start, link.start + 1, ""),
            safe=False,
            link=link,
            target=link.target,
        )
    if target is None:
        yield _check_dangling(context, entry, link)
    elif is_note(target):
        respelt = list(_check_spelling(context, entry, link, target))
        yield from respelt
        if not any(defect.kind == "ambiguous-slug" for defect in respelt):
            yield from _check_title(context, entry, link, target)


def _check_dangling(context: EntryContext, entry: Entry, link: Link) -> Defect:
    """Return the defect of an unresolved link.

    The fix links to the note that has the title or display text as its title. If there is no such
    note, other rules report the link.
    """
    unreported = Defect("dangling-slug", entry, reported=False)
    if context.context.allows_dangling(link.target) or has_placeholder(link.raw):
        return unreported
    swapped = _check_swapped(context, entry, link)
    if swapped:
        return swapped
    notes = (
        find_notes_by_title(entry.title, context.index, context.note.path) if entry.title else ()
    )
    shown = (
        find_notes_by_title(link.display, context.index, context.note.path) if link.display else ()
    )
    meant = notes or shown
    if len(meant) != 1 or (notes and shown and notes != shown):
        return unreported
    edits = _build_retarget_edits(context, entry, link, meant[0])
    return (
        Defect(
            "dangling-slug",
            entry,
            f"“{link.target}” does not resolve to any file in the vault, "
            f"but the title belongs to “{link_name(meant[0])}”",
            "Link to the note with this title",
            edits,
            link=link,
            target=link.target,
        )
        if edits
        else unreported
    )


def _check_swapped(context: EntryContext, entry: Entry, link: Link) -> Defect | None:
    """Return a defect if target and display text are swapped.

    They are if the target is the title and the display text is the note's name.
    """
    if (
        link.kind is not LinkKind.WIKILINK
        or not link.display
        or link.subpath
        or "#" in link.display
    ):
        return None
    chosen, others = resolve_with_alternatives(context.note.path, link.display, context.index.names)
    if not chosen or others or not is_note(chosen) or chosen == context.note.path:
        return None
    if not is_title_of(link.target, chosen, context.index) and not (
        entry.title and is_same_title(entry.title, link.target)
    ):
        return None
    start = link.start + link.raw.index(link.target)
    middle = link.raw[
        link.raw.index(link.target) + len(link.target) : link.raw.rindex(link.display)
    ]
    end = link.start + link.raw.rindex(link.display) + len(link.display)
    return Defect(
        "swapped-operands",
        entry,
        "the target and the display text of the link are swapped",
        "Swap target and display text",
        context.make_edit(start, end, link.display + middle + link.target),
        link=link,
        target=link.target,
    )


def _build_retarget_edits(
    context: EntryContext, entry: Entry, link: Link, path: str
) -> tuple[Edit, ...]:
    """Return edits that link an entry to a note.

    The link keeps its display text; a link without one shows the title.
    """
    name = context.format_target(path)
    if link.kind is LinkKind.MARKDOWN:
        return rewrite_link(context.note.path, link, name + path[-3:], "")
    if link.display is None and entry.title:
        text = format_wikilink(link, name, "")[:-2]
        return context.make_edit(link.start, link.end, f"{text}{context.pipe}{entry.title}]]")
    return rewrite_link(context.note.path, link, name, "")


def _check_spelling(
    context: EntryContext, entry: Entry, link: Link, target: str
) -> Iterator[Defect]:
    """Yield a defect if the target is ambiguous or not spelt as configured.

    A target is ambiguous if it matches several files. The settings determine the spelling of the
    note's name.
    """
    others = context.index.alternatives(context.note.path, link)
    if others:
        fitting = [
            path
            for path in (target, *others)
            if entry.title and is_title_of(entry.title, path, context.index)
        ]
        meant = fitting[0] if len(fitting) == 1 else target
        yield Defect(
            "ambiguous-slug",
            entry,
            f"“{link.target}” matches {len(others) + 1} files",
            "Use the path of the note as target",
            _build_retarget_edits(context, entry, link, meant),
            safe=False,
            link=link,
            target=link.target,
        )
        return
    kind, problem = _describe_spelling(context, link, target)
    if kind:
        edits = _build_retarget_edits(context, entry, link, target)
        if edits:
            yield Defect(
                kind,
                entry,
                problem,
                "Use the name of the note as target",
                edits,
                link=link,
                target=link.target,
            )


def _describe_spelling(context: EntryContext, link: Link, target: str) -> tuple[str, str]:
    """Return the defect kind and the problem of a target's spelling.

    The target differs from the name of its note. Return ("", "") if there is no problem.
    """
    written, name = link.target, context.format_target(target)
    if not written or "/." in written or written.startswith("."):
        return "", ""
    if link.kind is LinkKind.WIKILINK and link.subpath:
        return "slug-subpath", "the link points to a heading or block, not to the whole note"
    if link.kind is LinkKind.WIKILINK and strip_note_extension(written) != written:
        return "slug-extension", f"“{written}” contains the file extension"
    tail = strip_note_extension(target).split("/")[-written.strip("/").count("/") - 1 :]
    own = strip_note_extension(written).strip("/").split("/")
    if own != tail and [normalize_name(part) for part in own] == [
        normalize_name(part) for part in tail
    ]:
        return (
            "case-only",
            f"“{written}” is not spelt like the file name “{'/'.join(tail)}”",
        )
    plain = (
        context.context.obsidian.new_link_format == "shortest" and link.kind is LinkKind.WIKILINK
    )
    if plain and "/" in written and "/" not in name:
        return "slug-path", f"“{written}” contains a path, but the file name alone is enough"
    return "", ""


def _check_title(context: EntryContext, entry: Entry, link: Link, target: str) -> Iterator[Defect]:
    """Yield defects of title and display text, compared with each other and the note."""
    if not entry.title:
        return
    title, display = entry.title, link.display
    now = get_current_title(target, context.index)
    right = is_title_of(title, target, context.index)
    if display is None or link.kind is LinkKind.MARKDOWN:
        if not right:
            yield _replace_title(context, entry, link, now)
        elif (
            link.kind is LinkKind.WIKILINK
            and not link.embed
            and not link.subpath
            and not is_same_text(link.target, title)
        ):
            yield _check_missing_display(context, entry, link)
    elif is_same_title(title, display):
        if not right:
            yield _replace_title(context, entry, link, now)
        elif not any(is_same_text(title, name) for name in list_note_names(target, context.index)):
            yield Defect("title-target-mismatch", entry, reported=False)
    else:
        yield _check_mismatch(context, entry, link, target, right=right)


def _check_missing_display(context: EntryContext, entry: Entry, link: Link) -> Defect:
    missing = Defect("missing-alias", entry, "the link shows the file name instead of the title")
    spelt = _describe_spelling(context, link, context.targets[link.start] or "")[0]
    if spelt or any(mark in entry.title for mark in ("[", "]", "\\")):
        return missing._replace(reported=not spelt)
    at = link.end - 2
    return missing._replace(
        fix_title="Show the title in the link",
        edits=context.make_edit(at, at, context.pipe + entry.title),
    )


def _check_mismatch(
    context: EntryContext, entry: Entry, link: Link, target: str, *, right: bool
) -> Defect:
    """Return the defect of a title and a display text that differ.

    The one that belongs to the note is used for both.
    """
    assert link.display is not None
    shown = is_title_of(link.display, target, context.index)
    mismatch = Defect(
        "title-alias-mismatch",
        entry,
        f"the link shows “{link.display}” instead of the title",
        safe=False,
    )
    if right and shown:
        return mismatch._replace(reported=False)
    if shown:
        return mismatch._replace(
            fix_title="Use the display text as title",
            edits=context.make_edit(entry.start, entry.title_end, link.display),
        )
    if right:
        return mismatch._replace(
            fix_title="Show the title in the link",
            edits=_build_display_edits(context, link, entry.title),
        )
    return _replace_title(context, entry, link, get_current_title(target, context.index))._replace(
        kind="title-alias-mismatch"
    )


def _build_display_edits(context: EntryContext, link: Link, words: str) -> tuple[Edit, ...]:
    """Return edits that change the display text of a link."""
    if (
        link.kind is not LinkKind.WIKILINK
        or not link.display
        or any(mark in words for mark in ("[", "]", "\n"))
    ):
        return ()
    at = link.start + link.raw.rindex(link.display)
    return context.make_edit(at, at + len(link.display), words)


def _replace_title(context: EntryContext, entry: Entry, link: Link, now: str) -> Defect:
    """Return the defect of a title that the note does not have.

    The fix writes the note's title.
    """
    wrong = Defect(
        "title-target-mismatch", entry, f"the linked note has the title “{now}”", safe=False
    )
    if any(mark in now for mark in ("[", "]", "|", "\n")):
        return wrong
    edits = context.make_edit(entry.start, entry.title_end, now)
    if link.display is not None and link.kind is LinkKind.WIKILINK:
        edits += _build_display_edits(context, link, now)
    return wrong._replace(fix_title="Use the current title of the note", edits=edits)
