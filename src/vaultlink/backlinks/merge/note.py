"""Merge three versions of a note, with git's help."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from vaultlink.backlinks.existing import is_managed_section
from vaultlink.backlinks.merge.section import LineEndCounts, merge_section
from vaultlink.backlinks.merge.three_way import CannotMerge, ThreeWay, pick_present
from vaultlink.backlinks.placement import (
    InsertionPoint,
    find_insertion_points,
    insert_section,
    remove_section,
)
from vaultlink.links.edits import apply_edits
from vaultlink.model import Owner, Section
from vaultlink.parse.backlinks_markers import MARKER_TEXT, find_marker_pairs
from vaultlink.parse.note import parse_note


class NoteVersion(NamedTuple):
    """A version of a note: text without byte order mark, and managed sections."""

    text: str
    sections: tuple[Section, ...]


class SectionSlot(NamedTuple):
    """The place of a section.

    `placeholder` is the line in its place, `text` the merged section (None if it is removed),
    `line_ends` the numbers of line ends added around it.
    """

    placeholder: str
    text: str | None
    line_ends: LineEndCounts


class SlotLayout(NamedTuple):
    """Three versions with placeholders, and the slots of these."""

    bodies: ThreeWay[str]
    slots: tuple[SectionSlot, ...]


def read_version(text: str) -> NoteVersion:
    """Parse a version of a note.

    Raises:
        CannotMerge: A marker has no counterpart, or a section shares its lines with other text.
    """
    sections = [
        section for section in parse_note("", text).sections if section.owner is not Owner.AUTHOR
    ]
    rest = text
    for section in reversed(sections):
        if not is_managed_section(section) or not _has_own_lines(text, section):
            raise CannotMerge("a section shares its lines with other text")
        rest = rest[: section.start] + rest[section.end :]
    if rest.count(MARKER_TEXT) != 2 * len(find_marker_pairs(rest, 0)):
        raise CannotMerge("a section marker has no counterpart")
    return NoteVersion(text, tuple(sections))


def _has_own_lines(text: str, section: Section) -> bool:
    """Return True if a section shares no line with other text."""
    rest, _, _ = text[section.end :].partition("\n")
    return text[: section.start][-1:] in ("", "\n") and not rest.strip()


def extract_sections(versions: ThreeWay[NoteVersion]) -> SlotLayout:
    """Replace the sections of three versions by placeholders.

    Raises:
        CannotMerge: The versions have different numbers of sections, or these can't be merged.
    """
    counts = versions.map(lambda version: len(version.sections))
    if not any(counts):
        return SlotLayout(versions.map(lambda version: version.text), ())
    placeholder = _choose_placeholder(versions)
    if len(set(counts)) == 1:
        return _extract_in_place(versions, placeholder)
    if max(counts) > 1:
        raise CannotMerge("the versions have different numbers of sections")
    return _extract_at_end(versions, placeholder) or _extract_in_place(versions, placeholder)


def _choose_placeholder(versions: ThreeWay[NoteVersion]) -> str:
    """Return a text that no version contains."""
    placeholder = "vaultlink-section"
    while any(placeholder in version.text for version in versions):
        placeholder += "-"
    return placeholder


def _nth_section(number: int, version: NoteVersion) -> Section | None:
    return next(iter(version.sections[number:]), None)


def _extract_in_place(versions: ThreeWay[NoteVersion], placeholder: str) -> SlotLayout:
    """Put each placeholder where the section is."""
    slots = []
    for number in range(max(len(version.sections) for version in versions)):
        sections = versions.map(partial(_nth_section, number))
        counts = sections.map(_line_end_counts)
        slots.append(
            SectionSlot(
                f"{placeholder} {number}.",
                merge_section(sections.map(_section_text), counts),
                pick_present(counts) or (0, 0),
            )
        )
    placeholders = [slot.placeholder for slot in slots]
    return SlotLayout(
        versions.map(lambda version: _substitute_sections(version, placeholders)), tuple(slots)
    )


def _line_end_counts(section: Section | None) -> LineEndCounts | None:
    return (section.newlines_before, section.newlines_after) if section else None


def _section_text(section: Section | None) -> str | None:
    return section.text if section else None


def _substitute_sections(version: NoteVersion, placeholders: Sequence[str]) -> str:
    text = version.text
    for section, placeholder in reversed([*zip(version.sections, placeholders, strict=False)]):
        text = text[: section.start] + placeholder + text[section.end :]
    return text


def _extract_at_end(versions: ThreeWay[NoteVersion], placeholder: str) -> SlotLayout | None:
    """Put the placeholder of a single section where vaultlink writes sections.

    Versions without the section get it too. Return None if a section is elsewhere.
    """
    at_end = [_is_at_note_end(version) for version in versions if version.sections]
    if None in at_end or any(
        MARKER_TEXT in version.text for version in versions if not version.sections
    ):
        return None
    points = versions.map(
        lambda version: find_insertion_points(version.text)[-1 if any(at_end) else 0]
    )
    sections = versions.map(lambda version: next(iter(version.sections), None))
    counts: ThreeWay[LineEndCounts | None] = ThreeWay(
        *(
            _line_end_counts(section) or (point.newlines_before, point.newlines_after)
            for section, point in zip(sections, points, strict=True)
        )
    )
    slot = SectionSlot(
        placeholder,
        merge_section(sections.map(_section_text), counts),
        pick_present(counts) or (0, 0),
    )
    bodies = (
        _substitute_sections(version, [placeholder])
        if version.sections
        else _insert_section(version.text, point, placeholder)
        for version, point in zip(versions, points, strict=True)
    )
    return SlotLayout(ThreeWay(*bodies), (slot,))


def _insert_section(text: str, point: InsertionPoint, section: str) -> str:
    return apply_edits(text, [insert_section("", text, point, section)])


def _is_at_note_end(version: NoteVersion) -> bool | None:
    """Return True if a section is at a note's very end, behind final comments.

    False if it is before them, None if it is not where vaultlink would have written it.
    """
    [section] = version.sections
    if section.owner is Owner.ADOPTED:
        return None
    without_section = apply_edits(version.text, [remove_section("", version.text, section)])
    points = find_insertion_points(without_section)
    for number, point in enumerate(points):
        if (point.newlines_before, point.newlines_after) == (
            section.newlines_before,
            section.newlines_after,
        ) and (_insert_section(without_section, point, section.text) == version.text):
            return number > 0
    return None


_BOM = "\ufeff"


class MergeResult(NamedTuple):
    """The merged text, and whether it contains conflicts."""

    text: str
    has_conflicts: bool


GitMerge = Callable[[ThreeWay[str]], MergeResult]
"""Merges three texts as git does."""


def merge_note(texts: ThreeWay[str], git: GitMerge) -> MergeResult:
    """Merge three versions of a note.

    Raises:
        CannotMerge: Its sections can't be merged separately.
    """
    has_bom = texts.map(lambda text: text[:1] == _BOM)
    layout = extract_sections(texts.map(lambda text: read_version(text.removeprefix(_BOM))))
    if not layout.slots:
        return git(texts)
    result = git(
        ThreeWay(*(_BOM * bom + body for bom, body in zip(has_bom, layout.bodies, strict=True)))
    )
    text = result.text
    for slot in layout.slots:
        text = _fill_slot(text, slot, result.has_conflicts)
    return MergeResult(text, result.has_conflicts)


def _fill_slot(text: str, slot: SectionSlot, has_conflicts: bool) -> str:
    """Put the merged section in the place of its placeholder.

    Without a merged section, remove the placeholder and the line ends added with it.
    """
    placeholder = slot.placeholder
    count = text.count(placeholder)
    if (count > 1 and not has_conflicts) or (count == 0 and slot.text is not None):
        raise CannotMerge("a section was moved to two places, or would be lost")
    if slot.text is not None:
        return text.replace(placeholder, slot.text)
    while placeholder in text:
        start = text.index(placeholder)
        empty = Section(
            start,
            start + len(placeholder),
            0,
            0,
            Owner.WRITTEN,
            "",
            start,
            start,
            newlines_before=slot.line_ends[0],
            newlines_after=slot.line_ends[1],
        )
        text = apply_edits(text, [remove_section("", text, empty)])
    return text
