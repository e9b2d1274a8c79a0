"""Where sections stand in three versions of a note: each is taken out, and a line that stands for it is left.

Where a version lacks the section that another has, the line is put where vaultlink would write the section. So the notes
differ in their bodies only, and what happens at their ends is no conflict with a section.
"""

from collections.abc import Sequence
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
from vaultlink.edits import apply_edits
from vaultlink.model import Owner, Section
from vaultlink.parse.backlinks_markers import MARKER_TEXT, find_marker_pairs
from vaultlink.parse.note import parse_note


class NoteVersion(NamedTuple):
    """A version of a note: its text without byte order mark, and the sections that vaultlink keeps."""

    text: str
    sections: tuple[Section, ...]


class SectionSlot(NamedTuple):
    """The place of a section: the line that stands for it, its merged text (None: it is gone), and the line ends that were
    written around it."""

    placeholder: str
    text: str | None
    line_ends: LineEndCounts


class SlotLayout(NamedTuple):
    """Three versions without their sections, and where these stood."""

    bodies: ThreeWay[str]
    slots: tuple[SectionSlot, ...]


def read_version(text: str) -> NoteVersion:
    """A text with its sections. Raises Unsure for markers that hold no section."""
    known = [
        section for section in parse_note("", text).sections if section.owner is not Owner.AUTHOR
    ]
    rest = text
    for section in reversed(known):
        if not is_managed_section(section) or not _has_own_lines(text, section):
            raise CannotMerge("a section that does not stand alone")
        rest = rest[: section.start] + rest[section.end :]
    if rest.count(MARKER_TEXT) != 2 * len(find_marker_pairs(rest, 0)):
        raise CannotMerge("a marker without another")
    return NoteVersion(text, tuple(known))


def _has_own_lines(text: str, section: Section) -> bool:
    """Whether a section has its lines for itself."""
    behind, _, _ = text[section.end :].partition("\n")
    return text[: section.start][-1:] in ("", "\n") and not behind.strip()


def extract_sections(versions: ThreeWay[NoteVersion]) -> SlotLayout:
    """The versions' bodies with a line for each section."""
    counts = versions.map(lambda version: len(version.sections))
    if not any(counts):
        return SlotLayout(versions.map(lambda version: version.text), ())
    sign = _choose_placeholder(versions)
    if len(set(counts)) == 1:
        return _extract_in_place(versions, sign)
    if max(counts) > 1:
        raise CannotMerge("several sections, and not in every version")
    return _extract_at_end(versions, sign) or _extract_in_place(versions, sign)


def _choose_placeholder(versions: ThreeWay[NoteVersion]) -> str:
    """Words that no version holds."""
    sign = "vaultlink-section"
    while any(sign in version.text for version in versions):
        sign += "-"
    return sign


def _nth_section(number: int, version: NoteVersion) -> Section | None:
    return next(iter(version.sections[number:]), None)


def _extract_in_place(versions: ThreeWay[NoteVersion], sign: str) -> SlotLayout:
    """Each section's line where the section is."""
    slots = []
    for number in range(max(len(version.sections) for version in versions)):
        own = versions.map(partial(_nth_section, number))
        counts = own.map(_line_end_counts)
        slots.append(
            SectionSlot(
                f"{sign} {number}.",
                merge_section(own.map(_section_text), counts),
                pick_present(counts) or (0, 0),
            )
        )
    signs = [slot.placeholder for slot in slots]
    return SlotLayout(
        versions.map(lambda version: _substitute_sections(version, signs)), tuple(slots)
    )


def _line_end_counts(section: Section | None) -> LineEndCounts | None:
    return (section.newlines_before, section.newlines_after) if section else None


def _section_text(section: Section | None) -> str | None:
    return section.text if section else None


def _substitute_sections(version: NoteVersion, signs: Sequence[str]) -> str:
    text = version.text
    for section, sign in reversed([*zip(version.sections, signs, strict=False)]):
        text = text[: section.start] + sign + text[section.end :]
    return text


def _extract_at_end(versions: ThreeWay[NoteVersion], sign: str) -> SlotLayout | None:
    """One section's line where vaultlink writes sections, in versions without one as well; None if a section is elsewhere."""
    last = [_is_at_note_end(version) for version in versions if version.sections]
    if None in last or any(
        MARKER_TEXT in version.text for version in versions if not version.sections
    ):
        return None
    spot = versions.map(lambda version: find_insertion_points(version.text)[-1 if any(last) else 0])
    own = versions.map(lambda version: next(iter(version.sections), None))
    counts: ThreeWay[LineEndCounts | None] = ThreeWay(
        *(
            _line_end_counts(one) or (there.newlines_before, there.newlines_after)
            for one, there in zip(own, spot, strict=True)
        )
    )
    slot = SectionSlot(
        sign, merge_section(own.map(_section_text), counts), pick_present(counts) or (0, 0)
    )
    bodies = (
        _substitute_sections(version, [sign])
        if version.sections
        else _insert_section(version.text, there, sign)
        for version, there in zip(versions, spot, strict=True)
    )
    return SlotLayout(ThreeWay(*bodies), (slot,))


def _insert_section(text: str, spot: InsertionPoint, section: str) -> str:
    return apply_edits(text, [insert_section("", text, spot, section)])


def _is_at_note_end(version: NoteVersion) -> bool | None:
    """Whether a section stands at the very end of its note though it could stand before comments there; None if it is not
    where vaultlink would have written it."""
    [section] = version.sections
    if section.owner is Owner.ADOPTED:
        return None
    bare = apply_edits(version.text, [remove_section("", version.text, section)])
    found = find_insertion_points(bare)
    for number, spot in enumerate(found):
        if (spot.newlines_before, spot.newlines_after) == (
            section.newlines_before,
            section.newlines_after,
        ) and (_insert_section(bare, spot, section.text) == version.text):
            return number > 0
    return None
