"""Three versions of a note become one, with git's help."""

from collections.abc import Callable
from typing import NamedTuple

from vaultlink.edits import applied
from vaultlink.fixing.sections_placing import removed
from vaultlink.merging.places import Slot, laid, version
from vaultlink.merging.threes import Three, Unsure
from vaultlink.model import Owner, Section

_BOM = "\ufeff"


class Merged(NamedTuple):
    """What a merge gives, and whether it left conflicts in it."""

    text: str
    conflicts: bool


Git = Callable[[Three[str]], Merged]
"""Git's own merge of three texts."""


def merged_note(texts: Three[str], git: Git) -> Merged:
    """A note of three versions. Raises Unsure if its sections are not to be merged apart from the rest."""
    marked = texts.each(lambda text: text[:1] == _BOM)
    plan = laid(texts.each(lambda text: version(text.removeprefix(_BOM))))
    if not plan.slots:
        return git(texts)
    done = git(Three(*(_BOM * mark + body for mark, body in zip(marked, plan.bodies, strict=True))))
    text = done.text
    for slot in plan.slots:
        text = _filled(text, slot, done.conflicts)
    return Merged(text, done.conflicts)


def _filled(text: str, slot: Slot, conflicts: bool) -> str:
    """A merged body with its section, wherever git left the line for it."""
    sign = slot.sign
    count = text.count(sign)
    if (count > 1 and not conflicts) or (count == 0 and slot.text is not None):
        raise Unsure("a section that was moved to two places, or would be lost")
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
            before=slot.counts[0],
            after=slot.counts[1],
        )
        text = applied(text, [removed("", text, gone)])
    return text
