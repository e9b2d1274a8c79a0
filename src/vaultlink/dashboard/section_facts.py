"""The backlinks sections of a vault, and the findings about them."""

from collections.abc import Iterable, Iterator, Sequence

from vaultlink.backlinks.existing import is_managed_section
from vaultlink.dashboard.model import SectionRow
from vaultlink.engine.step import State
from vaultlink.model import Diagnostic, Note, Section
from vaultlink.rules.section_rules import ALL_SECTION_RULES

_IN_STEP = "in step"
_SECTION = "section"


def list_sections(state: State) -> list[SectionRow]:
    """Return a row for each backlinks section, those out of step first."""
    notes = state.index.notes
    rows = [
        row
        for path in notes
        if any(_checked_sections(notes[path]))
        for row in _describe_sections(notes[path], state.diagnostics.get(path, ()))
    ]
    return sorted(rows, key=lambda row: (row.in_step, row.path, row.line))


def count_sections(state: State) -> tuple[int, int]:
    """Return the number of backlinks sections, and of those that are in step.

    Of states that follow one another, only the changed notes are read.
    """
    notes = state.index.notes
    out_of_step = sum(
        not row.in_step
        for path, found in state.diagnostics.items()
        if path in notes and any(item.rule in ALL_SECTION_RULES for item in found)
        for row in _describe_sections(notes[path], found)
    )
    total = state.index.tally(_name_sections)[_SECTION]
    return total, total - out_of_step


def _checked_sections(note: Note) -> Iterator[Section]:
    """Yield the sections of a note, except those that only a usual heading starts."""
    return (section for section in note.sections if not section.usual)


def _name_sections(note: Note) -> Iterable[str]:
    return [_SECTION for _ in _checked_sections(note)]


def _describe_sections(note: Note, found: Sequence[Diagnostic]) -> Iterator[SectionRow]:
    """Yield a row for each section of a note, given the findings in the note.

    A finding at no section is about the first one: that a backlink is missing there.
    """
    sections = list(_checked_sections(note))
    messages: dict[int, str] = {}
    for item in found:
        if item.rule in ALL_SECTION_RULES:
            numbers = [
                number
                for number, section in enumerate(sections)
                if section.start <= item.start <= section.end
            ]
            messages.setdefault(numbers[0] if numbers else 0, item.message)
    for number, section in enumerate(sections):
        message = messages.get(number)
        yield SectionRow(
            note.path,
            section.line,
            is_managed_section(section),
            message is None,
            _IN_STEP if message is None else message,
        )
