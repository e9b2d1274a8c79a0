"""Checks on "Add backlinks" sections that vaultlink keeps: whether they hold what they should.

They know of notes only what the index does. Whether the passages of a section in the style `context` are still those of
their notes is seen when sections are written.
"""

from collections.abc import Iterator, Sequence

from vaultlink.backlinking import (
    Difference,
    Wanted,
    difference,
    is_kept,
    look,
    read_section,
    takes_section,
    wanted,
)
from vaultlink.model import Note, Owner, Place, Section, Spot
from vaultlink.rules import Context, Finding

_TOP = Spot(0, 0, 1, 1)
_NAMED = 3
"""So many notes are named in a message; the others are counted."""


def stale_section(note: Note, context: Context) -> Iterator[Finding]:
    """Sections of vaultlink's that do not hold what they should."""
    if not note.sections or context.backlinks["mode"] == "off":
        return
    due: Wanted | None = None
    for section in note.sections:
        if not is_kept(section):
            continue
        # A second section has nothing to hold that the first does not.
        due = due._replace(held={}) if due else _wanted(note, context)
        reading = read_section(section, due.look.heading)
        found = difference(section, reading, due, context.index.names)
        empty = not due.held and not reading.pieces and section.owner is Owner.WRITTEN
        wrong = "it has no entries" if empty else _told(found)
        if wrong:
            yield Finding(_heading(section), {"wrong": wrong})


def missing_section(note: Note, context: Context) -> Iterator[Finding]:
    """Notes that others link to and that have no section, if all such notes are to have one."""
    if context.backlinks["mode"] != "write" or not takes_section(note):
        return
    if any(section.owner is not Owner.AUTHOR for section in note.sections):
        return
    names = [
        item.title
        for item in _wanted(note, context).held.values()
        if item.path not in _listed(note, context)
    ]
    if names:
        lacking = (
            "the author's backlinks section is incomplete; `vaultlink backlinks --adopt` lets vaultlink maintain it"
            if note.sections
            else "it has no backlinks section"
        )
        yield Finding(
            _TOP,
            {
                "who": _enumerated(names),
                "verb": "links" if len(names) == 1 else "link",
                "lacking": lacking,
            },
        )


def _wanted(note: Note, context: Context) -> Wanted:
    obsidian = context.obsidian
    return wanted(
        note,
        context.index,
        context.backlinks,
        look(context.backlinks, obsidian.new_link_format, obsidian.use_markdown_links),
    )


def _listed(note: Note, context: Context) -> set[str | None]:
    """Where the links of the author's own sections lead."""
    if not note.sections:
        return set()
    return {
        target for link, target in context.index.links(note.path) if link.place is Place.SECTION
    }


def _heading(section: Section) -> Spot:
    """The place of a section's heading; of its marker if it has none."""
    if not section.heading:
        return Spot(
            section.start,
            section.start + section.text.find("-->") + 3,
            section.line,
            section.column,
        )
    before = section.text[: section.heading_start - section.start]
    return Spot(
        section.heading_start,
        section.heading_end,
        section.line + before.count("\n"),
        len(before) - before.rfind("\n"),
    )


def _told(found: Difference) -> str:
    """What is wrong, as the end of a sentence; "" if nothing is."""
    told = []
    if found.missing:
        told.append(
            f"{_enumerated([item.title for item in found.missing])} {_is(found.missing)} missing"
        )
    if found.surplus:
        told.append(f"{_enumerated(found.surplus)} {_is(found.surplus)} surplus")
    if found.altered:
        told.append(
            f"{_enumerated([item.title for item in found.altered])} {_is(found.altered)} outdated"
        )
    if found.misnamed:
        told.append("its heading is not the configured one")
    if found.misplaced and not told:
        told.append("its entries are out of order")
    return ", ".join(told)


def _is(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"


def _enumerated(names: Sequence[str]) -> str:
    """Names in quotation marks, joined as in a sentence; of many the first, and how many more."""
    shown = [f"“{name}”" for name in names[:_NAMED]]
    if len(names) > _NAMED:
        shown.append(f"{len(names) - _NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
