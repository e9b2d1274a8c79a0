"""Merge three versions of a note: git the text, one side gives each section.

A side's section is taken if the other side changed only what vaultlink writes in it, which the next
fix writes again.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest

from vaultlink.backlinks.existing import is_managed_section, parse_mention_list, parse_section
from vaultlink.backlinks.placement import find_insertion_points, insert_section, remove_section
from vaultlink.backlinks.render import split_below
from vaultlink.index.file_kinds import has_merge_markers
from vaultlink.index.resolve import name_key
from vaultlink.links.edit_math import apply_edits
from vaultlink.model import Edit, Owner, Section
from vaultlink.parse.backlinks_markers import MARKER_TEXT, has_unpaired_marker
from vaultlink.parse.note import parse_note

_PLACEHOLDER = "vaultlink-section"


class CannotMerge(Exception):  # noqa: N818 - not an error: git merges the whole note then
    """The sections can't be merged apart from the rest of the note."""


def merge_note(
    texts: Sequence[str], path: str, git: Callable[[Sequence[str]], tuple[str, bool]]
) -> tuple[str, bool]:
    """Merge the base, our and their version of the note at `path`.

    `git` merges three texts, and returns True with a text with conflicts, as this does. Raises
    CannotMerge.
    """
    versions = [_list_sections(text) for text in texts]
    slots = list(zip_longest(*versions))
    if not slots or (len(slots) > 1 and any(None in slot for slot in slots)):
        raise CannotMerge("the versions have no sections, or different numbers of them")
    chosen = [_choose_section(slot, path) for slot in slots]
    merged, has_conflicts = git(list(map(_put_placeholders, texts, versions)))
    for number, section in enumerate(chosen):
        if section and f"{_PLACEHOLDER} {number}." in merged:
            merged = merged.replace(f"{_PLACEHOLDER} {number}.", section.text)
        else:
            merged = _remove_placeholder(merged, texts[1] if slots[0][1] is None else texts[2])
    if not has_conflicts and _contents(_list_sections(merged)) != _contents(chosen):
        raise CannotMerge("a section would be lost, or was moved to two places")
    return merged, has_conflicts


def _list_sections(text: str) -> list[Section]:
    sections = [found for found in parse_note("", text).sections if found.owner is not Owner.AUTHOR]
    for section in sections:
        before, behind = text[: section.start], text[section.end :].partition("\n")[0]
        if not is_managed_section(section) or before[-1:] not in ("", "\n") or behind.strip():
            raise CannotMerge("a section shares its lines with other text")
    if has_unpaired_marker(text, 0) or (MARKER_TEXT in text and not sections):
        raise CannotMerge("a marker has no counterpart, or is in code")
    if has_merge_markers(text) or _PLACEHOLDER in text:
        raise CannotMerge("a conflict was not resolved")
    return sections


def _contents(sections: Sequence[Section | None]) -> list[str]:
    return sorted(section.text for section in sections if section)


def _choose_section(slot: Sequence[Section | None], path: str) -> Section | None:
    """Return a section with all that was typed in one. Raises CannotMerge."""
    _, ours, theirs = slot
    base_text, our_text, their_text = (section and section.text for section in slot)
    if our_text == base_text:
        return theirs
    if their_text in (base_text, our_text):
        return ours
    base_typed, our_typed, their_typed = (
        _list_typed_lines(section, path, with_heading=None not in slot) for section in slot
    )
    can_drop_theirs = their_typed in (base_typed, our_typed)
    can_drop_ours = our_typed in (base_typed, their_typed)
    if can_drop_theirs and (ours or not can_drop_ours):
        return ours
    if can_drop_ours:
        return theirs
    raise CannotMerge("both sides typed in a section")


def _list_typed_lines(section: Section | None, path: str, *, with_heading: bool) -> list[str]:
    """Return the lines of a section that vaultlink did not write."""
    if section is None:
        return []
    parsed = parse_section(section, "")
    names = {name_key(path): (path,)}
    texts = [parsed.heading] if with_heading else []
    for part in parsed.parts:
        listed = parse_mention_list(part)
        for item in listed.parts if listed else (part,):
            rest = item.text[item.entry_length :] if listed else split_below(part, path, names)[1]
            texts.append(rest if item.entry else item.text)
    return [line.strip() for text in texts for line in text.splitlines() if line.strip()]


def _put_placeholders(text: str, sections: Sequence[Section]) -> str:
    """Put a line in the place of each section, or where one would be written."""
    if not sections:
        point = find_insertion_points(text)[0]
        return apply_edits(text, [insert_section("", text, point, f"{_PLACEHOLDER} 0.")])
    edits = [
        Edit("", section.start, section.end, f"{_PLACEHOLDER} {number}.")
        for number, section in enumerate(sections)
    ]
    return apply_edits(text, edits)


def _remove_placeholder(text: str, without: str) -> str:
    """Remove the line that was put into `without`, a version without a section."""
    if text.count(_PLACEHOLDER) != 1:
        raise CannotMerge("a section would be lost, or removed on one side of a conflict")
    start = text.index(_PLACEHOLDER)
    end = text.index(".", start) + 1
    _, before, after = find_insertion_points(without)[0]
    line = Section(
        start,
        end,
        0,
        0,
        Owner.WRITTEN,
        "",
        start,
        start,
        newlines_before=before,
        newlines_after=after,
    )
    return apply_edits(text, [remove_section("", text, line)])
