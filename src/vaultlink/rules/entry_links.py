"""What is wrong with the link of an entry in an "Add backlinks" section: where it leads, how it names that, what it shows."""

from collections.abc import Iterator

from vaultlink.index import stem
from vaultlink.linking import bare
from vaultlink.model import Edit, Entry, Kind, Link
from vaultlink.resolve import choose, comparable, is_note
from vaultlink.rewriting import as_wikilink, rewritten
from vaultlink.rules.defects import Defect, Desk
from vaultlink.rules.titles import exactly, fits, names_of, notes_called, same_title, title_now
from vaultlink.templates import has_placeholder


def link_defects(desk: Desk, entry: Entry, link: Link, target: str | None) -> Iterator[Defect]:
    """What is wrong with an entry's link, and with its title held against where that leads."""
    if link.embed:
        yield Defect(
            "embed",
            entry,
            "the note is embedded instead of linked",
            "Change the embed to a link",
            desk.edit(link.start, link.start + 1, ""),
            safe=False,
            link=link.start,
            target=link.target,
        )
    if target is None:
        yield _dangling(desk, entry, link)
    elif is_note(target):
        respelt = list(_respelt(desk, entry, link, target))
        yield from respelt
        if not any(defect.kind == "ambiguous-slug" for defect in respelt):
            yield from _titled(desk, entry, link, target)


def _dangling(desk: Desk, entry: Entry, link: Link) -> Defect:
    """A link that leads nowhere: to the note that title or display name, if that is one; else it is left to other rules."""
    untold = Defect("dangling-slug", entry, told=False)
    if desk.context.allow_dangling(link.target) or has_placeholder(link.raw):
        return untold
    swapped = _swapped(desk, entry, link)
    if swapped:
        return swapped
    notes = notes_called(entry.title, desk.index, desk.note.path) if entry.title else ()
    shown = notes_called(link.display, desk.index, desk.note.path) if link.display else ()
    meant = notes or shown
    if len(meant) != 1 or (notes and shown and notes != shown):
        return untold
    edits = _retargeted(desk, entry, link, meant[0])
    return (
        Defect(
            "dangling-slug",
            entry,
            f"“{link.target}” does not resolve to any file in the vault, but the title belongs to “{stem(meant[0])}”",
            "Link to the note with this title",
            edits,
            link=link.start,
            target=link.target,
        )
        if edits
        else untold
    )


def _swapped(desk: Desk, entry: Entry, link: Link) -> Defect | None:
    """A link whose target is the title and whose display is the note's name."""
    if link.kind is not Kind.WIKILINK or not link.display or link.subpath or "#" in link.display:
        return None
    chosen, others = choose(desk.note.path, link.display, desk.index.names)
    if not chosen or others or not is_note(chosen) or chosen == desk.note.path:
        return None
    if not fits(link.target, chosen, desk.index) and not (
        entry.title and same_title(entry.title, link.target)
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
        desk.edit(start, end, link.display + middle + link.target),
        link=link.start,
        target=link.target,
    )


def _retargeted(desk: Desk, entry: Entry, link: Link, path: str) -> tuple[Edit, ...]:
    """The edits that let an entry's link name a note; it goes on to show what it showed, or the title."""
    name = desk.name(path)
    if link.kind is Kind.MARKDOWN:
        return rewritten(desk.note.path, link, name + path[-3:], "")
    if link.display is None and entry.title:
        text = as_wikilink(link, name, "")[:-2]
        return desk.edit(link.start, link.end, f"{text}{desk.pipe}{entry.title}]]")
    return rewritten(desk.note.path, link, name, "")


def _respelt(desk: Desk, entry: Entry, link: Link, target: str) -> Iterator[Defect]:
    """A target that fits several files, or names its note otherwise than the vault does."""
    others = desk.index.others(desk.note.path, link)
    if others:
        fitting = [
            path
            for path in (target, *others)
            if entry.title and fits(entry.title, path, desk.index)
        ]
        meant = fitting[0] if len(fitting) == 1 else target
        yield Defect(
            "ambiguous-slug",
            entry,
            f"“{link.target}” matches {len(others) + 1} files",
            "Use the path of the note as target",
            _retargeted(desk, entry, link, meant),
            safe=False,
            link=link.start,
            target=link.target,
        )
        return
    kind, problem = _spelling(desk, link, target)
    if kind:
        edits = _retargeted(desk, entry, link, target)
        if edits:
            yield Defect(
                kind,
                entry,
                problem,
                "Use the name of the note as target",
                edits,
                link=link.start,
                target=link.target,
            )


def _spelling(desk: Desk, link: Link, target: str) -> tuple[str, str]:
    """How a target differs from the name of its note."""
    written, name = link.target, desk.name(target)
    if not written or "/." in written or written.startswith("."):
        return "", ""
    if link.kind is Kind.WIKILINK and link.subpath:
        return "slug-subpath", "the link points to a heading or block, not to the whole note"
    if link.kind is Kind.WIKILINK and bare(written) != written:
        return "slug-extension", f"“{written}” contains the file extension"
    tail = bare(target).split("/")[-written.strip("/").count("/") - 1 :]
    own = bare(written).strip("/").split("/")
    if own != tail and [comparable(part) for part in own] == [comparable(part) for part in tail]:
        return (
            "case-only",
            f"“{written}” is not spelt like the file name “{'/'.join(tail)}”",
        )
    plain = desk.context.obsidian.new_link_format == "shortest" and link.kind is Kind.WIKILINK
    if plain and "/" in written and "/" not in name:
        return "slug-path", f"“{written}” contains a path, but the file name alone is enough"
    return "", ""


def _titled(desk: Desk, entry: Entry, link: Link, target: str) -> Iterator[Defect]:
    """Title and display against each other and against what the note is called."""
    if not entry.title:
        return
    title, display = entry.title, link.display
    now = title_now(target, desk.index)
    right = fits(title, target, desk.index)
    if display is None or link.kind is Kind.MARKDOWN:
        if not right:
            yield _renamed(desk, entry, link, now)
        elif (
            link.kind is Kind.WIKILINK
            and not link.embed
            and not link.subpath
            and not exactly(link.target, title)
        ):
            yield _undisplayed(desk, entry, link)
    elif same_title(title, display):
        if not right:
            yield _renamed(desk, entry, link, now)
        elif not any(exactly(title, name) for name in names_of(target, desk.index)):
            yield Defect("title-target-mismatch", entry, told=False)
    else:
        yield _apart(desk, entry, link, target, right=right)


def _undisplayed(desk: Desk, entry: Entry, link: Link) -> Defect:
    missing = Defect("missing-alias", entry, "the link shows the file name instead of the title")
    spelt = _spelling(desk, link, desk.targets[link.start] or "")[0]
    if spelt or any(mark in entry.title for mark in ("[", "]", "\\")):
        return missing._replace(told=not spelt)
    at = link.end - 2
    return missing._replace(
        remedy="Show the title in the link", edits=desk.edit(at, at, desk.pipe + entry.title)
    )


def _apart(desk: Desk, entry: Entry, link: Link, target: str, *, right: bool) -> Defect:
    """A title and a display that differ: whichever is the note's is taken for both."""
    assert link.display is not None
    shown = fits(link.display, target, desk.index)
    mismatch = Defect(
        "title-alias-mismatch",
        entry,
        f"the link shows “{link.display}” instead of the title",
        safe=False,
    )
    if right and shown:
        return mismatch._replace(told=False)
    if shown:
        return mismatch._replace(
            remedy="Use the display text as title",
            edits=desk.edit(entry.start, entry.title_end, link.display),
        )
    if right:
        return mismatch._replace(
            remedy="Show the title in the link", edits=_displaying(desk, link, entry.title)
        )
    return _renamed(desk, entry, link, title_now(target, desk.index))._replace(
        kind="title-alias-mismatch"
    )


def _displaying(desk: Desk, link: Link, words: str) -> tuple[Edit, ...]:
    """The edits that let a link show other words."""
    if (
        link.kind is not Kind.WIKILINK
        or not link.display
        or any(mark in words for mark in ("[", "]", "\n"))
    ):
        return ()
    at = link.start + link.raw.rindex(link.display)
    return desk.edit(at, at + len(link.display), words)


def _renamed(desk: Desk, entry: Entry, link: Link, now: str) -> Defect:
    """A title that is none of the note's: what it is called now is written."""
    wrong = Defect(
        "title-target-mismatch", entry, f"the linked note has the title “{now}”", safe=False
    )
    if any(mark in now for mark in ("[", "]", "|", "\n")):
        return wrong
    edits = desk.edit(entry.start, entry.title_end, now)
    if link.display is not None and link.kind is Kind.WIKILINK:
        edits += _displaying(desk, link, now)
    return wrong._replace(remedy="Use the current title of the note", edits=edits)
