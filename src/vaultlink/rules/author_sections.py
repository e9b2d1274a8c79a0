"""Checks of author's "Add backlinks" sections: their entries, lines and number."""

from collections.abc import Iterator

from vaultlink.model import Edit, Entry, Note, Owner, Section
from vaultlink.parse.backlinks_heading import QUOTE_MARKS
from vaultlink.rules.context import Context, Finding
from vaultlink.rules.section_defects import Defect
from vaultlink.rules.section_entries import STYLE_DEFECTS, find_section_defects, locate_heading


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
