"""Checks of author's "Add backlinks" sections: their entries, lines and number."""

from collections.abc import Iterator

from vaultlink.backlinks.style import TOPICS_HEADING
from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_note, resolve, resolve_with_alternatives
from vaultlink.index.titles import find_notes_by_title
from vaultlink.links.kinds import format_link, list_kinds
from vaultlink.links.naming import configure_link_style
from vaultlink.links.style import find_link_style
from vaultlink.model import Edit, Entry, Link, Note, Owner, Place, Section, SourceSpan
from vaultlink.parse.backlinks_heading import QUOTE_MARKS
from vaultlink.parse.backlinks_problems import has_indented_entries
from vaultlink.parse.link_parts import parse_wikilink
from vaultlink.rules.context import Context, Finding, build_replacement_edits, remember
from vaultlink.rules.section_entry_links import Defect, EntryContext, find_link_defects
from vaultlink.text import lazy_pattern

TITLE_DASH = " – "
"""En dash between the title and the link of an entry, with its spaces."""


def _find_entry_defects(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Yield defects (11.5); an entry that a fix removes has no other, if certain."""
    if section.owner is not Owner.AUTHOR:
        return
    targets, body_targets = remember(_resolve_links, note, context)
    entry_context = EntryContext(
        note, section, context, targets, body_targets, has_indented_entries(section)
    )
    seen: set[tuple[str, str]] = set()
    for entry in section.entries:
        if entry.link is None:
            yield from _check_entry_without_link(entry_context, entry)
            continue
        target = targets.get(entry.link.start)
        redundant = list(_check_redundant(entry_context, entry, entry.link, target, seen))
        yield from redundant
        if target is not None:
            seen.add((target, ""))
        if not any(defect.reported and defect.edits for defect in redundant) or any(
            defect.kind == "already-linked" for defect in redundant
        ):
            yield from find_link_defects(entry_context, entry, entry.link, target)
            yield from _check_dash(entry_context, entry)


def _resolve_links(note: Note, context: Context) -> tuple[dict[int, str | None], frozenset[str]]:
    """Return link targets: by offset in sections, and as a set in the note's text."""
    links = list(context.index.resolved_links(note.path))
    section_targets = {link.start: target for link, target in links if link.place is Place.SECTION}
    body_targets = frozenset(
        target
        for link, target in links
        if target and link.place is Place.BODY and not link.in_comment and not link.embed
    )
    return section_targets, body_targets


def _check_redundant(
    context: EntryContext, entry: Entry, link: Link, target: str | None, seen: set[tuple[str, str]]
) -> Iterator[Defect]:
    if target is None:
        return
    edits = (
        context.make_edit(entry.cut_start, entry.cut_end, "")
        if entry.cut_start < entry.cut_end
        else ()
    )
    loses_no_text = not entry.tail.strip(" \t.,;") and not context.has_indented_entries
    if target == context.note.path and link.target and not link.subpath:
        problem = "the link points to the note that contains it"
        parts = ("self-link", entry, problem, "Remove the entry", edits, loses_no_text)
        yield Defect(*parts, link=link, target=link.target)
    elif (target, "") in seen:
        problem = "an earlier entry links to the same file"
        parts = ("duplicate-entry", entry, problem, "Remove the later entry", edits, loses_no_text)
        yield Defect(*parts, link=link, target=link.target)
    elif target in context.body_targets:
        yield Defect(
            "already-linked",
            entry,
            "the note's text already links to the same file",
            "Remove the entry",
            edits,
            safe=False,
            target=link.target,
        )


def _check_dash(context: EntryContext, entry: Entry) -> Iterator[Defect]:
    if not entry.title:
        return
    edits = context.make_edit(entry.title_end, entry.dash_end, TITLE_DASH)
    expected = "expected “–” (en dash) between title and link, found"
    if not entry.dash:
        advice = "Insert an en dash before the link"
        yield Defect("missing-dash", entry, f"{expected} no dash", advice, edits)
    elif entry.dash != "–":
        advice = "Write an en dash before the link"
        yield Defect("wrong-dash", entry, f"{expected} “{entry.dash}”", advice, edits)


def _check_entry_without_link(context: EntryContext, entry: Entry) -> Iterator[Defect]:
    if entry.fault == "nested-link":
        problem = "a link starts inside another one, so only the inner one is a link"
        yield Defect("nested-link", entry, problem)
    elif entry.fault == "malformed-link":
        yield _check_malformed_link(context, entry)
        yield from _check_dash(context, entry)
    else:
        yield _check_missing_link(context, entry)


def _check_missing_link(context: EntryContext, entry: Entry) -> Defect:
    """Return a missing link if a note has the entry's title, else prose."""
    notes = find_notes_by_title(entry.title, context.index, context.note.path)
    if len(notes) == 1 and notes[0] not in context.targets.values():
        link = _format_new_link(context, entry.title, notes[0])
        return Defect(
            "missing-link",
            entry,
            f"the link is missing; the title belongs to “{link_name(notes[0])}”",
            "Add the link",
            context.make_edit(entry.title_end, entry.end, TITLE_DASH + link) if link else (),
        )
    if len(notes) > 1:
        problem = f"the link is missing, and the title belongs to {len(notes)} notes"
        return Defect("missing-link", entry, problem)
    if notes:
        problem = "the link is missing, and another entry links to the note"
        return Defect("missing-link", entry, problem)
    return Defect("prose", entry, "it is not an entry, and no note has this title")


def _format_new_link(context: EntryContext, title: str, path: str) -> str:
    """Return a wikilink to a note that shows a title; "" if a wikilink cannot show it."""
    name = context.format_target(path)
    if (
        any(char in title for char in ("[", "]", "|"))
        or resolve(context.note.path, name, context.index.names) != path
    ):
        return ""
    return f"[[{name}]]" if name == title else f"[[{name}{context.pipe}{title}]]"


def _check_malformed_link(context: EntryContext, entry: Entry) -> Defect:
    """Judge a link without brackets; its target, or else its title, tells the file."""
    start = entry.dash_end
    inner = entry.raw[start - entry.start :].strip("[]")
    target, _, display = parse_wikilink(inner)
    chosen, others = (
        resolve_with_alternatives(context.note.path, target, context.index.names)
        if target
        else (None, ())
    )
    if chosen and not others:
        text = f"[[{inner}]]"
    else:
        title = entry.title or display or target
        notes = find_notes_by_title(title, context.index, context.note.path)
        is_clear = len(notes) == 1 and not chosen
        text = _format_new_link(context, title, notes[0]) if is_clear else ""
    problem = "brackets are missing, so this is not a link"
    span = SourceSpan(start, entry.end, entry.line, entry.column)
    defect = Defect("malformed-link", entry, problem, link=span, target=target)
    if not text:
        return defect
    edits = context.make_edit(start, entry.end, text)
    return defect._replace(fix_title="Add the missing brackets", edits=edits)


_MARKDOWN_SYNTAX = lazy_pattern(r"[\[\]|`$*<>\\\n]")
"""Characters that have another meaning in a wikilink than in the text of a Markdown link."""

STYLE_DEFECTS = frozenset(
    (
        "glued-entries",
        "trailing-whitespace",
        "missing-final-newline",
        "extra-final-newlines",
        "heading-variant",
        "markdown-link",
    )
)
"""Kinds of defects that are reported only if the option `style` is set."""

_PROBLEM_TEXTS = {
    "no-blank-before": (
        "there is no blank line before the heading, so Markdown joins it to the line before",
        "Insert a blank line before the heading",
    ),
    "one-line": ("entries are on the same line as the heading", "Put each entry on its own line"),
    "several-on-a-line": ("several entries are on one line", "Put each entry on its own line"),
    "mixed-newlines": (
        "its line endings differ from the rest of the note",
        "Use the line endings of the note",
    ),
    "not-last": ("it is not at the end of the note", ""),
    "glued-entries": (
        "there are no blank lines between the entries",
        "Insert blank lines between the entries",
    ),
    "trailing-whitespace": ("lines have trailing whitespace", "Remove trailing whitespace"),
    "missing-final-newline": (
        "the note does not end with a newline",
        "End the note with a newline",
    ),
    "extra-final-newlines": (
        "the note ends with several newlines",
        "End the note with one newline",
    ),
}
"""Problem and fix title of each kind of problem that the parser finds in a section."""


def _find_section_defects(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Yield all defects, also of style; usual headings are not checked."""
    if section.owner is not Owner.AUTHOR or section.usual:
        return
    yield from _check_lines(section, note, context)
    yield from _find_entry_defects(section, note, context)
    for line in section.prose_lines:
        yield Defect("prose", line, "it is among the entries but is not an entry")
    yield from _check_markdown_links(section, note, context)


def _locate_heading(section: Section) -> SourceSpan:
    return SourceSpan(section.heading_start, section.heading_end, section.line, section.column)


def _check_lines(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Yield the defects of a section as a whole, of its heading and of its lines."""
    path = note.path
    if not section.entries and not section.prose_lines:
        yield Defect(
            "empty-section",
            _locate_heading(section),
            "it has no entries",
            "Remove the heading",
            (Edit(path, section.cut_start, section.cut_end, ""),),
            safe=False,
            part="section",
        )
    for problem in section.problems:
        description, fix_title = _PROBLEM_TEXTS[problem.kind]
        edits = build_replacement_edits(problem, note)
        yield Defect(problem.kind, problem, description, fix_title, edits, part="section")
    configured = context.backlink_settings["heading"].strip() or TOPICS_HEADING
    is_plain = (
        section.entries
        and not has_indented_entries(section)
        and "\n" not in section.heading
        and section.heading[:1] not in " >-+\t"
    )
    if (
        is_plain
        and section.heading != configured
        and not any(problem.kind == "one-line" for problem in section.problems)
    ):
        yield Defect(
            "heading-variant",
            _locate_heading(section),
            f"the heading is not the configured “{configured}”",
            "Write the configured heading",
            (Edit(path, section.heading_start, section.heading_end, configured),),
            part="section",
        )


def _check_markdown_links(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Yield the Markdown links of a section whose vault, or else note, uses wikilinks."""
    kind, _ = list_kinds(use_markdown_links=False)
    if all(entry.link is None or entry.link.kind is kind for entry in section.entries):
        return
    index, own = context.index, tuple(context.index.resolved_links(note.path))
    if find_link_style(note.path, index, context.obsidian, own=own, reads_vault=False).kind != kind:
        return
    for entry in section.entries:
        link = entry.link
        if not link or link.kind is kind or not link.display:
            continue
        target = resolve(note.path, link.target, context.index.names)
        if target and is_note(target) and not _MARKDOWN_SYNTAX.search(link.display):
            style = configure_link_style(context.obsidian, kind)
            name = style.format_target(note.path, target, context.index)
            text = format_link(link, kind, name, link.subpath)
            yield Defect(
                "markdown-link",
                entry,
                "the link is a Markdown link, but the vault uses wikilinks",
                "Change the Markdown link to a wikilink",
                (Edit(note.path, link.start, link.end, text),),
            )


def broken_section_entry(note: Note, context: Context) -> Iterator[Finding]:
    """Report defects of author's sections; those of style with the option `style`."""
    for section in note.sections:
        for defect in _find_section_defects(section, note, context):
            if defect.reported and (context.options["style"] or defect.kind not in STYLE_DEFECTS):
                yield _to_finding(defect)


def repeated_section(note: Note, _context: Context) -> Iterator[Finding]:
    """Report all sections but the last; the fix of the second to last joins them."""
    sections = [section for section in note.sections if not section.usual]
    if len(sections) < 2:
        return
    *earlier, last = sections
    for number, section in enumerate(earlier, 2):
        edits = _build_merge_edits(note.path, section, last) if number == len(sections) else ()
        yield Finding(_locate_heading(section), {"count": len(sections)}, edits=edits)


def _to_finding(defect: Defect) -> Finding:
    subject = "Section" if defect.part else "Line"
    if isinstance(defect.location, Entry) and not defect.part:
        subject = f"Entry “{defect.location.title}”" if defect.location.title else "Entry"
    return Finding(
        defect.location,
        {"what": subject, "problem": defect.problem, "remedy": defect.fix_title},
        defect.target,
        edits=defect.edits,
        safety=defect.safety,
        links=(defect.link,) if defect.link else (),
    )


def _build_merge_edits(path: str, section: Section, last: Section) -> tuple[Edit, ...]:
    """Return the edits that move a section's entries to the start of the last one."""
    if section.owner is not Owner.AUTHOR or last.owner is not Owner.AUTHOR or section.prose_lines:
        return ()
    if any(map(_is_quoted, (section, last))) or any("\n" in item.tail for item in section.entries):
        return ()
    removal = Edit(path, section.cut_start, section.cut_end, "")
    lines = [entry.marks + entry.raw + entry.tail for entry in section.entries]
    if not lines:
        return (removal,)
    return (removal, _build_move_edit(path, lines, last))


def _build_move_edit(path: str, lines: list[str], last: Section) -> Edit:
    separator = last.entry_separator.rstrip(" \t-*+")
    if not last.entries or last.entries[0].line == last.line:
        text = "".join(separator + line for line in lines)
        return Edit(path, last.heading_end, last.heading_end, text)
    start = last.entries[0].start - len(last.entries[0].marks)
    return Edit(path, start, start, "".join(line + separator for line in lines))


def _is_quoted(section: Section) -> bool:
    marks = QUOTE_MARKS.match(section.heading)
    return bool(marks and ">" in marks[0])
