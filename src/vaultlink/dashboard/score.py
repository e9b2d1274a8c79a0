"""The health score of a vault."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from vaultlink.backlinks.existing import is_managed_section
from vaultlink.dashboard.model import HealthScore, ScorePart, SectionRow
from vaultlink.engine.step import State
from vaultlink.index.index import Index, LinkTargets
from vaultlink.index.resolve import is_note
from vaultlink.model import UNRESOLVED, Diagnostic, Note, Section, Severity, sum_counts
from vaultlink.rules.section_rules import ALL_SECTION_RULES
from vaultlink.text import group_by


class ScoreCounts(NamedTuple):
    """The counts of a vault that the health score is computed from.

    `links_internal` are all links but external ones; those with `links_resolved` lead to one file.
    Unlinked notes are linked with no other file, in neither direction. `errors_and_warnings` are
    the findings with these severities.
    """

    links_resolved: int
    links_internal: int
    notes: int
    notes_with_errors_or_warnings: int
    notes_unlinked: int
    sections: int
    sections_in_step: int
    errors_and_warnings: int = 0


def compute_score(counts: ScoreCounts) -> HealthScore:
    """Return the health score of a vault, from 0 to 100.

    Each part gives its share of 100 points times the square of its healthy share. A part without
    anything to count gives nothing, and the others share its points. The sum is rounded down, so
    that only a vault without any defect has 100, and limited by the number of defects.
    """
    numbers = (
        (counts.links_resolved, counts.links_internal),
        (counts.notes - counts.notes_with_errors_or_warnings, counts.notes),
        (counts.notes - counts.notes_unlinked, counts.notes),
        (counts.sections_in_step, counts.sections),
    )
    whole = sum(weight for (_, _, weight), (_, total) in zip(_PARTS, numbers, strict=True) if total)
    parts = []
    exact = Fraction(0)  # the sum of rounded points may be larger
    for (name, label, weight), (healthy, total) in zip(_PARTS, numbers, strict=True):
        most = Fraction(100 * weight, whole) if total else Fraction(0)
        points = most * Fraction(healthy, total) ** 2 if total else most
        exact += points
        rounded = round(float(points), 2), round(float(most), 2)
        parts.append(ScorePart(name, label, healthy, total, weight, *rounded))
    found = counts.errors_and_warnings
    limit = next((limit for least, limit in _LIMITS if found >= least), 100)
    return HealthScore(min(int(exact), limit), tuple(parts), limit)


_PARTS = (
    ("links", "links that resolve", 60),
    ("notes", "notes without errors and warnings", 20),
    ("connections", "notes linked with another file", 10),
    ("sections", "backlinks sections up to date", 10),
)
"""Name, label and weight of each part. Links weigh most: they are what vaultlink checks."""

_LIMITS = ((10_000, 80), (1_000, 90), (100, 94), (10, 97))
"""Numbers of errors and warnings, and the highest score of a vault with at least as many.

A share hides how much is left to do: 2,000 broken links are less than 2 % of a large vault.
"""

_COUNTED_SEVERITIES = (Severity.ERROR, Severity.WARNING)


def count_score(state: State) -> ScoreCounts:
    """Count the links, notes and sections of a state, for `compute_score`.

    The counts are those of the whole vault: they include the findings of a baseline.
    """
    links = sum_counts(state.tallies.values())
    notes = [path for path in state.index.notes if is_note(path)]
    linked = _find_linked_files(state.index.targets)
    defects = {path: sum(map(_is_defect, found)) for path, found in state.diagnostics.items()}
    return ScoreCounts(
        links.resolved,
        links.links - links.external,
        len(notes),
        sum(count > 0 and is_note(path) for path, count in defects.items()),
        sum(path not in linked for path in notes),
        *_count_sections(state),
        sum(defects.values()),
    )


def _is_defect(finding: Diagnostic) -> bool:
    """Return True for an error or a warning, which lower the score."""
    return finding.severity in _COUNTED_SEVERITIES


def _find_linked_files(targets: Mapping[str, LinkTargets]) -> set[str]:
    """Return the files that a link in either direction connects with another one."""
    linked: set[str] = set()
    for source, paths in targets.items():
        if others := set(paths) - {None, source}:
            linked |= {source, *filter(None, others)}
    return linked


# -- the score after a step -----------------------------------------------------------------------


def estimate_points(
    state: State,
    counts: ScoreCounts,
    resolved: Sequence[Diagnostic] = (),
    connected: Collection[str] = (),
) -> float:
    """Return the points that the score can gain, rounded to one digit.

    The `resolved` findings go away; notes at the `connected` paths get a link to another file, or
    from one.
    """
    after = _count_after(state, counts, resolved, connected)
    return max(round(_sum_points(compute_score(after)) - _sum_points(compute_score(counts)), 1), 0)


def _sum_points(score: HealthScore) -> float:
    return min(sum(part.points for part in score.parts), score.limit)


def _count_after(
    state: State, counts: ScoreCounts, resolved: Sequence[Diagnostic], connected: Collection[str]
) -> ScoreCounts:
    links = sum(item.about in UNRESOLVED for item in resolved)
    gone = group_by(resolved, lambda item: item.path)
    cleared = sections = defects = 0
    for path, items in gone.items():
        removed, found = set(map(id, items)), state.diagnostics.get(path, ())
        left = [item for item in found if id(item) not in removed]
        less = sum(map(_is_defect, items))
        defects += less
        cleared += less > 0 and is_note(path) and not any(map(_is_defect, left))
        if path in state.index.notes and any(item.rule in ALL_SECTION_RULES for item in items):
            sections += _count_out_of_step(state, path, found)
            sections -= _count_out_of_step(state, path, left)
    linked = _find_linked_files(state.index.targets) if connected else set()
    return counts._replace(
        links_resolved=min(counts.links_resolved + links, counts.links_internal),
        notes_with_errors_or_warnings=counts.notes_with_errors_or_warnings - cleared,
        notes_unlinked=counts.notes_unlinked - len(set(connected) - linked),
        sections_in_step=min(counts.sections_in_step + sections, counts.sections),
        errors_and_warnings=counts.errors_and_warnings - defects,
    )


def _count_out_of_step(state: State, path: str, found: Sequence[Diagnostic]) -> int:
    return sum(not row.in_step for row in _describe_sections(state.index.notes[path], found))


# -- backlinks sections ---------------------------------------------------------------------------

_IN_STEP = "in step"


def list_sections(state: State) -> list[SectionRow]:
    """Return a row for each backlinks section, those out of step first."""
    notes = state.index.notes
    rows = [
        row
        for path in state.index.tally(_locate_sections)
        for row in _describe_sections(notes[path], state.diagnostics.get(path, ()))
    ]
    return sorted(rows, key=lambda row: (row.in_step, row.path, row.line))


def _count_sections(state: State) -> tuple[int, int]:
    """Return the number of backlinks sections, and of those that are up to date.

    Of states that follow one another, only the changed notes are read.
    """
    notes = state.index.notes
    out_of_step = sum(
        _count_out_of_step(state, path, found)
        for path, found in state.diagnostics.items()
        if path in notes and any(item.rule in ALL_SECTION_RULES for item in found)
    )
    total = state.index.tally(_locate_sections).total()
    return total, total - out_of_step


def _checked_sections(note: Note) -> Iterator[Section]:
    """Yield the sections of a note, except those that only a usual heading starts."""
    return (section for section in note.sections if not section.usual)


def _locate_sections(index: Index, path: str) -> Iterable[str]:
    """Return the path of a note once for each section."""
    return [path for _ in _checked_sections(index.notes[path])]


def _describe_sections(note: Note, found: Sequence[Diagnostic]) -> Iterator[SectionRow]:
    """Yield rows; a finding at no section (a missing backlink) is about the first."""
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
