"""Three versions of a note become one, with git's help."""

from collections.abc import Callable
from typing import NamedTuple

from vaultlink.backlinks.merge.slots import SectionSlot, extract_sections, read_version
from vaultlink.backlinks.merge.three_way import CannotMerge, ThreeWay
from vaultlink.backlinks.placement import remove_section
from vaultlink.edits import apply_edits
from vaultlink.model import Owner, Section

_BOM = "\ufeff"


class MergeResult(NamedTuple):
    """What a merge gives, and whether it left conflicts in it."""

    text: str
    has_conflicts: bool


GitMerge = Callable[[ThreeWay[str]], MergeResult]
"""Git's own merge of three texts."""


def merge_note(texts: ThreeWay[str], git: GitMerge) -> MergeResult:
    """A note of three versions. Raises Unsure if its sections are not to be merged apart from the rest."""
    marked = texts.map(lambda text: text[:1] == _BOM)
    plan = extract_sections(texts.map(lambda text: read_version(text.removeprefix(_BOM))))
    if not plan.slots:
        return git(texts)
    done = git(
        ThreeWay(*(_BOM * mark + body for mark, body in zip(marked, plan.bodies, strict=True)))
    )
    text = done.text
    for slot in plan.slots:
        text = _fill_slot(text, slot, done.has_conflicts)
    return MergeResult(text, done.has_conflicts)


def _fill_slot(text: str, slot: SectionSlot, conflicts: bool) -> str:
    """A merged body with its section, wherever git left the line for it."""
    sign = slot.placeholder
    count = text.count(sign)
    if (count > 1 and not conflicts) or (count == 0 and slot.text is not None):
        raise CannotMerge("a section that was moved to two places, or would be lost")
    if slot.text is not None:
        return text.replace(sign, slot.text)
    while sign in text:
        start = text.index(sign)
        gone = Section(
            start,
            start + len(sign),
            0,
            0,
            Owner.WRITTEN,
            "",
            start,
            start,
            newlines_before=slot.line_ends[0],
            newlines_after=slot.line_ends[1],
        )
        text = apply_edits(text, [remove_section("", text, gone)])
    return text
