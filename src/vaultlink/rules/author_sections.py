"""Checks of author's "Add backlinks" sections: their entries, lines and number."""

from collections.abc import Iterator

from vaultlink.backlinks.style import TOPICS_HEADING
from vaultlink.index.resolve import is_note, resolve
from vaultlink.links.naming import format_target
from vaultlink.links.rewrite import format_wikilink
from vaultlink.model import Edit, Entry, LinkKind, Note, Owner, Section, SourceSpan
from vaultlink.parse.backlinks_heading import QUOTE_MARKS
from vaultlink.parse.backlinks_problems import has_indented_entries
from vaultlink.rules.context import Context, Finding
from vaultlink.rules.section_defects import Defect
from vaultlink.rules.section_entries import find_entry_defects
from vaultlink.text import lazy_pattern


def broken_section_entry(note: Note, context: Context) -> Iterator[Finding]:
    """Report defects of author's sections and of their entries.

    An entry must be a title, a dash and a link to the note with that title. Defects of style are
    reported only if the option `style` is set.
    """
    if not note.sections or context.backlink_settings["mode"] == "off":
        return
    for section in note.sections:
        for defect in find_section_defects(section, note, context):
            if defect.reported and (context.options["style"] or defect.kind not in STYLE_DEFECTS):
                yield _to_finding(defect)


def repeated_section(note: Note, context: Context) -> Iterator[Finding]:
    """Report every section of a note except the last.

    Only the second to last has a fix: its entries move into the last section. Sections with a usual
    heading, such as "Backlinks", do not count.
    """
    sections = [section for section in note.sections if not section.usual]
    if len(sections) < 2 or context.backlink_settings["mode"] == "off":
        return
    *earlier, last = sections
    for number, section in enumerate(earlier, 2):
        edits = _build_merge_edits(note.path, section, last) if number == len(sections) else ()
        yield Finding(locate_heading(section), {"count": len(sections)}, edits=edits)


def _to_finding(defect: Defect) -> Finding:
    subject = (
        "Section"
        if defect.part
        else f"Entry “{defect.location.title}”"
        if isinstance(defect.location, Entry) and defect.location.title
        else "Entry"
        if isinstance(defect.location, Entry)
        else "Line"
    )
    return Finding(
        defect.location,
        {"what": subject, "problem": defect.problem, "remedy": defect.fix_title},
        defect.target,
        edits=defect.edits,
        safety=defect.safety,
        links=(defect.link,) if defect.link else (),
    )


# -- merging ---------------------------------------------------------------------------------------


def _build_merge_edits(path: str, section: Section, last: Section) -> tuple[Edit, ...]:
    """Return the edits that move a section's entries to the start of the last one.

    Return none if a section is managed or quoted, or if text other than entries would move.
    """
    if section.owner is not Owner.AUTHOR or last.owner is not Owner.AUTHOR or section.prose_lines:
        return ()
    if (
        _is_quoted(section)
        or _is_quoted(last)
        or any(entry.tail.count("\n") for entry in section.entries)
    ):
        return ()
    removal = Edit(path, section.cut_start, section.cut_end, "")
    lines = [entry.marks + entry.raw + entry.tail for entry in section.entries]
    if not lines:
        return (removal,)
    return (removal, _build_move_edit(path, lines, last))


def _build_move_edit(path: str, lines: list[str], last: Section) -> Edit:
    separator = last.entry_separator.rstrip(" \t-*+")
    if not last.entries or last.entries[0].line == last.line:
        return Edit(
            path, last.heading_end, last.heading_end, "".join(separator + line for line in lines)
        )
    first = last.entries[0]
    start = first.start - len(first.marks)
    return Edit(path, start, start, "".join(line + separator for line in lines))


def _is_quoted(section: Section) -> bool:
    marks = QUOTE_MARKS.match(section.heading)
    return bool(marks and ">" in marks[0])


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
    "trailing-whitespace": (
        "lines have trailing whitespace",
        "Remove trailing whitespace",
    ),
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


def find_section_defects(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Yield all defects of an author's section, including defects of style.

    What stands below a usual heading, such as "Backlinks", is not checked.
    """
    if section.owner is not Owner.AUTHOR or section.usual:
        return
    yield from _check_lines(section, note, context)
    yield from find_entry_defects(section, note, context)
    for line in section.prose_lines:
        yield Defect("prose", line, "it is among the entries but is not an entry")
    if not context.obsidian.use_markdown_links:
        yield from _check_markdown_links(section, note, context)


def locate_heading(section: Section) -> SourceSpan:
    """Return the span of a section's heading."""
    return SourceSpan(section.heading_start, section.heading_end, section.line, section.column)


def _check_lines(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Yield the defects of a section as a whole, of its heading and of its lines."""
    path = note.path
    if not section.entries and not section.prose_lines:
        yield Defect(
            "empty-section",
            locate_heading(section),
            "it has no entries",
            "Remove the heading",
            (Edit(path, section.cut_start, section.cut_end, ""),),
            safe=False,
            part="section",
        )
    for problem in section.problems:
        description, fix_title = _PROBLEM_TEXTS[problem.kind]
        edits = tuple(Edit(path, *change) for change in problem.replacements)
        span = SourceSpan(problem.start, problem.end, problem.line, problem.column)
        yield Defect(problem.kind, span, description, fix_title, edits, part="section")
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
            locate_heading(section),
            f"the heading is not the configured “{configured}”",
            "Write the configured heading",
            (Edit(path, section.heading_start, section.heading_end, configured),),
            part="section",
        )


def _check_markdown_links(section: Section, note: Note, context: Context) -> Iterator[Defect]:
    """Yield the Markdown links of a section whose vault uses wikilinks."""
    for entry in section.entries:
        link = entry.link
        target = (
            resolve(note.path, link.target, context.index.names)
            if link and link.kind is LinkKind.MARKDOWN
            else None
        )
        if (
            link
            and target
            and is_note(target)
            and link.display
            and not _MARKDOWN_SYNTAX.search(link.display)
        ):
            name = format_target(note.path, target, context.index, context.obsidian.new_link_format)
            edit = Edit(note.path, link.start, link.end, format_wikilink(link, name, link.subpath))
            yield Defect(
                "markdown-link",
                entry,
                "the link is a Markdown link, but the vault uses wikilinks",
                "Change the Markdown link to a wikilink",
                (edit,),
            )
