"""Where sections stand in three versions of a note: each is taken out, and a line that stands for it is left.

Where a version lacks the section that another has, the line is put where vaultlink would write the section. So the notes
differ in their bodies only, and what happens at their ends is no conflict with a section.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from vaultlink.backlinking import is_kept
from vaultlink.edits import applied
from vaultlink.fixing.sections_placing import Spot, inserted, removed, spots
from vaultlink.merging.sections import Counts, merged_section
from vaultlink.merging.threes import Three, Unsure, present
from vaultlink.model import Owner, Section
from vaultlink.parse import parse_note
from vaultlink.parse.markers import SIGN, pairs


class Version(NamedTuple):
    """A version of a note: its text without byte order mark, and the sections that vaultlink keeps."""

    text: str
    sections: tuple[Section, ...]


class Slot(NamedTuple):
    """The place of a section: the line that stands for it, its merged text (None: it is gone), and the line ends that were
    written around it."""

    sign: str
    text: str | None
    counts: Counts


class Laid(NamedTuple):
    """Three versions without their sections, and where these stood."""

    bodies: Three[str]
    slots: tuple[Slot, ...]


def version(text: str) -> Version:
    """A text with its sections. Raises Unsure for markers that hold no section."""
    known = [
        section for section in parse_note("", text).sections if section.owner is not Owner.AUTHOR
    ]
    rest = text
    for section in reversed(known):
        if not is_kept(section) or not _stands_alone(text, section):
            raise Unsure("a section that does not stand alone")
        rest = rest[: section.start] + rest[section.end :]
    if rest.count(SIGN) != 2 * len(pairs(rest, 0)):
        raise Unsure("a marker without another")
    return Version(text, tuple(known))


def _stands_alone(text: str, section: Section) -> bool:
    """Whether a section has its lines for itself."""
    behind, _, _ = text[section.end :].partition("\n")
    return text[: section.start][-1:] in ("", "\n") and not behind.strip()


def laid(versions: Three[Version]) -> Laid:
    """The versions' bodies with a line for each section."""
    counts = versions.each(lambda version: len(version.sections))
    if not any(counts):
        return Laid(versions.each(lambda version: version.text), ())
    sign = _sign(versions)
    if len(set(counts)) == 1:
        return _in_place(versions, sign)
    if max(counts) > 1:
        raise Unsure("several sections, and not in every version")
    return _at_the_end(versions, sign) or _in_place(versions, sign)


def _sign(versions: Three[Version]) -> str:
    """Words that no version holds."""
    sign = "vaultlink-section"
    while any(sign in version.text for version in versions):
        sign += "-"
    return sign


def _nth_section(number: int, version: Version) -> Section | None:
    return next(iter(version.sections[number:]), None)


def _in_place(versions: Three[Version], sign: str) -> Laid:
    """Each section's line where the section is."""
    slots = []
    for number in range(max(len(version.sections) for version in versions)):
        own = versions.each(partial(_nth_section, number))
        counts = own.each(_counts)
        slots.append(
            Slot(
                f"{sign} {number}.",
                merged_section(own.each(_text), counts),
                present(counts) or (0, 0),
            )
        )
    signs = [slot.sign for slot in slots]
    return Laid(versions.each(lambda version: _without(version, signs)), tuple(slots))


def _counts(section: Section | None) -> Counts | None:
    return (section.before, section.after) if section else None


def _text(section: Section | None) -> str | None:
    return section.text if section else None


def _without(version: Version, signs: Sequence[str]) -> str:
    text = version.text
    for section, sign in reversed([*zip(version.sections, signs, strict=False)]):
        text = text[: section.start] + sign + text[section.end :]
    return text


def _at_the_end(versions: Three[Version], sign: str) -> Laid | None:
    """One section's line where vaultlink writes sections, in versions without one as well; None if a section is elsewhere."""
    last = [_is_last(version) for version in versions if version.sections]
    if None in last or any(SIGN in version.text for version in versions if not version.sections):
        return None
    spot = versions.each(lambda version: spots(version.text)[-1 if any(last) else 0])
    own = versions.each(lambda version: next(iter(version.sections), None))
    counts: Three[Counts | None] = Three(
        *(_counts(one) or (there.before, there.after) for one, there in zip(own, spot, strict=True))
    )
    slot = Slot(sign, merged_section(own.each(_text), counts), present(counts) or (0, 0))
    bodies = (
        _without(version, [sign]) if version.sections else _placed(version.text, there, sign)
        for version, there in zip(versions, spot, strict=True)
    )
    return Laid(Three(*bodies), (slot,))


def _placed(text: str, spot: Spot, section: str) -> str:
    return applied(text, [inserted("", text, spot, section)])


def _is_last(version: Version) -> bool | None:
    """Whether a section stands at the very end of its note though it could stand before comments there; None if it is not
    where vaultlink would have written it."""
    [section] = version.sections
    if section.owner is Owner.ADOPTED:
        return None
    bare = applied(version.text, [removed("", version.text, section)])
    found = spots(bare)
    for number, spot in enumerate(found):
        if (spot.before, spot.after) == (section.before, section.after) and (
            _placed(bare, spot, section.text) == version.text
        ):
            return number > 0
    return None
