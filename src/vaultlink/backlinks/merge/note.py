"""Merge three versions of a note, with git's help."""

from collections.abc import Callable
from typing import NamedTuple

from vaultlink.backlinks.merge.slots import SectionSlot, extract_sections, read_version
from vaultlink.backlinks.merge.three_way import CannotMerge, ThreeWay
from vaultlink.backlinks.placement import remove_section
from vaultlink.links.edits import apply_edits
from vaultlink.model import Owner, Section

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
