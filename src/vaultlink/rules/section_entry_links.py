"""Find defects of the links of section entries: target, spelling and display text."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import is_note, normalize_name, resolve_with_alternatives
from vaultlink.index.titles import (
    find_notes_by_title,
    get_current_title,
    is_same_text,
    is_same_title,
    is_title_of,
    list_note_names,
)
from vaultlink.links.kinds import add_extension, is_wikilink
from vaultlink.links.naming import (
    LinkStyle,
    configure_link_style,
    format_target,
    strip_note_extension,
)
from vaultlink.links.rewrite import rewrite_link
from vaultlink.model import Edit, Entry, Link, Note, Safety, Section, SourceSpan
from vaultlink.rules.context import Context
from vaultlink.text import has_placeholder


class Defect(NamedTuple):
    """Something wrong with an entry or a section.

    `reported` is False for defects that other rules report or that need no report. `link` is
    the link or malformed link that the defect is about. `safe` is True if `edits` are a safe
    fix. `part` names the part of a section that is wrong, "" for an entry.
    """

    kind: str
    location: SourceSpan
    problem: str = ""
    fix_title: str = ""
    edits: tuple[Edit, ...] = ()
    safe: bool = True
    reported: bool = True
    link: SourceSpan | None = None
    target: str | None = None
    part: str = ""

    @property
    def safety(self) -> Safety | None:
        return (Safety.SAFE if self.safe else Safety.UNSAFE) if self.edits else None


class EntryContext(msgspec.Struct, frozen=True):
    """Context for checks of the entries of one section.

    `targets` maps the offset of each link in the note's sections to the path that it resolves
    to. `body_targets` are the paths that links in the note's text resolve to.
    `has_indented_entries` is True if the removal of text may make code of entries.
    """

    note: Note
    section: Section
    check_context: Context
    targets: dict[int, str | None]
    body_targets: frozenset[str]
    has_indented_entries: bool

    @property
    def index(self) -> Index:
        return self.check_context.index

    def make_edit(self, start: int, end: int, text: str) -> tuple[Edit, ...]:
        return (Edit(self.note.path, start, end, text),)

    def format_target(self, path: str) -> str:
        return format_target(self.note.path, path, self.index, self.link_style.path)

    @property
    def link_style(self) -> LinkStyle:
        return configure_link_style(self.check_context.obsidian)

    @property
    def pipe(self) -> str:
        """Pipe of the section's links: with spaces around it unless most have none."""
        raws = [entry.link.raw for entry in self.section.entries if entry.link]
        piped = [raw for raw in raws if "|" in raw]
        return " | " if sum(" | " in raw for raw in piped) * 2 >= len(piped) else "|"

    def find_titled(self, title: str | None) -> Sequence[str]:
        """Return the other notes with a title."""
        return find_notes_by_title(title, self.index, self.note.path) if title else ()


def find_link_defects(
    context: EntryContext, entry: Entry, link: Link, target: str | None
) -> Iterator[Defect]:
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
        spelling_defects = list(_check_spelling(context, entry, link, target))
        yield from spelling_defects
        if not any(defect.kind == "ambiguous-slug" for defect in spelling_defects):
            yield from _check_title(context, entry, link, target)


def _check_dangling(context: EntryContext, entry: Entry, link: Link) -> Defect:
    """Return the defect of an unresolved link, which only a unique title fixes."""
    unreported = Defect("dangling-slug", entry, reported=False)
    if context.check_context.allows_dangling(link.target) or has_placeholder(link.raw):
        return unreported
    swapped = _check_swapped(context, entry, link)
    if swapped:
        return swapped
    by_title, by_display = context.find_titled(entry.title), context.find_titled(link.display)
    candidates = by_title or by_display
    if len(candidates) != 1 or (by_title and by_display and by_title != by_display):
        return unreported
    edits = _build_retarget_edits(context, entry, link, candidates[0])
    if not edits:
        return unreported
    problem = (
        f"“{link.target}” does not resolve to any file in the vault, "
        f"but the title belongs to “{link_name(candidates[0])}”"
    )
    advice = "Link to the note with this title"
    return Defect("dangling-slug", entry, problem, advice, edits, link=link, target=link.target)


def _check_swapped(context: EntryContext, entry: Entry, link: Link) -> Defect | None:
    """Return a defect if the target is the title and the display text a note's name."""
    if not is_wikilink(link) or not link.display or link.subpath or "#" in link.display:
        return None
    chosen, others = resolve_with_alternatives(context.note.path, link.display, context.index.names)
    if not chosen or others or not is_note(chosen) or chosen == context.note.path:
        return None
    if not is_title_of(link.target, chosen, context.index) and not (
        entry.title and is_same_title(entry.title, link.target)
    ):
        return None
    at, at_display = link.raw.index(link.target), link.raw.rindex(link.display)
    middle = link.raw[at + len(link.target) : at_display]
    start, end = link.start + at, link.start + at_display + len(link.display)
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
    """Point a link to a note; without display text, it shows the entry's title."""
    name = context.format_target(path)
    if is_wikilink(link) and link.display is None and entry.title:
        text = f"{'!' * link.embed}[[{name}{context.pipe}{entry.title}]]"
        return context.make_edit(link.start, link.end, text)
    return rewrite_link(context.note.path, link, add_extension(name, path, link.kind), "")


def _check_spelling(
    context: EntryContext, entry: Entry, link: Link, target: str
) -> Iterator[Defect]:
    """Yield a defect if a target matches several files or is not the name of the note."""
    others = context.index.alternatives(context.note.path, link)
    if others:
        paths = (target, *others) if entry.title else ()
        titled = [path for path in paths if is_title_of(entry.title, path, context.index)]
        chosen = titled[0] if len(titled) == 1 else target
        yield Defect(
            "ambiguous-slug",
            entry,
            f"“{link.target}” matches {len(others) + 1} files",
            "Use the path of the note as target",
            _build_retarget_edits(context, entry, link, chosen),
            safe=False,
            link=link,
            target=link.target,
        )
        return
    kind, problem = _describe_spelling(context, link, target)
    edits = _build_retarget_edits(context, entry, link, target) if kind else ()
    if edits:
        advice = "Use the name of the note as target"
        yield Defect(kind, entry, problem, advice, edits, link=link, target=link.target)


def _describe_spelling(context: EntryContext, link: Link, target: str) -> tuple[str, str]:
    """Return kind and problem of a target that is not its note's name; else ""."""
    written, name = link.target, context.format_target(target)
    if not written or "/." in written or written.startswith("."):
        return "", ""
    if is_wikilink(link) and link.subpath:
        return "slug-subpath", "the link points to a heading or block, not to the whole note"
    if is_wikilink(link) and strip_note_extension(written) != written:
        return "slug-extension", f"“{written}” contains the file extension"
    tail = strip_note_extension(target).split("/")[-written.strip("/").count("/") - 1 :]
    steps = strip_note_extension(written).strip("/").split("/")
    if steps != tail and list(map(normalize_name, steps)) == list(map(normalize_name, tail)):
        return "case-only", f"“{written}” is not spelt like the file name “{'/'.join(tail)}”"
    is_shortest = context.link_style.path == "shortest" and is_wikilink(link)
    if is_shortest and "/" in written and "/" not in name:
        return "slug-path", f"“{written}” contains a path, but the file name alone is enough"
    return "", ""


def _check_title(context: EntryContext, entry: Entry, link: Link, target: str) -> Iterator[Defect]:
    """Check that title and display text are the same, and a title of the target."""
    if not entry.title:
        return
    title, display = entry.title, link.display
    current = get_current_title(target, context.index)
    is_correct = is_title_of(title, target, context.index)
    if display is None or not is_wikilink(link):
        is_plain = is_wikilink(link) and not link.embed and not link.subpath
        if not is_correct:
            yield _replace_title(context, entry, link, current)
        elif is_plain and not is_same_text(link.target, title):
            yield _check_missing_display(context, entry, link)
    elif is_same_title(title, display):
        if not is_correct:
            yield _replace_title(context, entry, link, current)
        elif not any(is_same_text(title, name) for name in list_note_names(target, context.index)):
            yield Defect("title-target-mismatch", entry, reported=False)
    else:
        yield _check_mismatch(context, entry, link, target, is_correct=is_correct)


def _check_missing_display(context: EntryContext, entry: Entry, link: Link) -> Defect:
    defect = Defect("missing-alias", entry, "the link shows the file name instead of the title")
    other_defect = _describe_spelling(context, link, context.targets[link.start] or "")[0]
    if other_defect or any(char in entry.title for char in ("[", "]", "\\")):
        return defect._replace(reported=not other_defect)
    end = link.end - 2
    edits = context.make_edit(end, end, context.pipe + entry.title)
    return defect._replace(fix_title="Show the title in the link", edits=edits)


def _check_mismatch(
    context: EntryContext, entry: Entry, link: Link, target: str, *, is_correct: bool
) -> Defect:
    """Return the defect of a title and a display text that differ.

    The fix uses the one that is a title of the target for both; if neither is, the current title.
    If both are titles of the target, the defect is not reported. `is_correct` is True if the
    entry's title is one.
    """
    assert link.display is not None
    is_display_correct = is_title_of(link.display, target, context.index)
    problem = f"the link shows “{link.display}” instead of the title"
    mismatch = Defect("title-alias-mismatch", entry, problem, safe=False)
    if is_correct and is_display_correct:
        return mismatch._replace(reported=False)
    if is_display_correct:
        edits = context.make_edit(entry.start, entry.title_end, link.display)
        return mismatch._replace(fix_title="Use the display text as title", edits=edits)
    if is_correct:
        edits = _build_display_edits(context, link, entry.title)
        return mismatch._replace(fix_title="Show the title in the link", edits=edits)
    current = get_current_title(target, context.index)
    return _replace_title(context, entry, link, current)._replace(kind=mismatch.kind)


def _build_display_edits(context: EntryContext, link: Link, display: str) -> tuple[Edit, ...]:
    """Return the edits that replace a wikilink's display text; none if impossible."""
    if not is_wikilink(link) or not link.display or set("[]\n") & set(display):
        return ()
    start = link.start + link.raw.rindex(link.display)
    return context.make_edit(start, start + len(link.display), display)


def _replace_title(context: EntryContext, entry: Entry, link: Link, current: str) -> Defect:
    """Report a wrong title; the fix puts the current one there and in the link."""
    problem = f"the linked note has the title “{current}”"
    defect = Defect("title-target-mismatch", entry, problem, safe=False)
    if any(char in current for char in ("[", "]", "|", "\n")):
        return defect
    edits = context.make_edit(entry.start, entry.title_end, current)
    if link.display is not None and is_wikilink(link):
        edits += _build_display_edits(context, link, current)
    return defect._replace(fix_title="Use the current title of the note", edits=edits)
