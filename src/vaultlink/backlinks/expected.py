"""Which notes a note's section holds: those that link to it, and are not linked back unless all are wanted.

The answer depends on the note's own links, on its backlinks and on how their sources are called: just what a check may
read. Links in sections are evidence of nothing, nor are canvases and the note itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from vaultlink.backlinks.style import ExpectedEntry, SectionStyle, expected_entry
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.model import Note, Owner, Place
from vaultlink.text import has_placeholder

_BLOCKING_PROBLEMS = frozenset(
    (
        "unclosed-fence",
        "unclosed-comment",
        "unclosed-math",
        "unclosed-html",
        "undecodable",
        "unreadable",
    )
)
"""Troubles that leave no live place at the end of a note, or no text at all."""

_PLUGIN_PROPERTIES = frozenset(("excalidraw-plugin", "kanban-plugin"))
"""Properties of notes whose text is a plugin's own: a board takes any heading for a list of cards."""


def can_hold_section(note: Note) -> bool:
    """Whether a section can be written into a note: it is no drawing or board, no template, whose section every note made
    from it would have, and its end is not swallowed."""
    return (
        is_note(note.path)
        and not note.path.lower().endswith(".excalidraw.md")
        and _BLOCKING_PROBLEMS.isdisjoint(problem.kind for problem in note.problems)
        and not any(item.key in _PLUGIN_PROPERTIES for item in note.properties or ())
        and not _is_template(note)
    )


def _is_template(note: Note) -> bool:
    """Whether a note's name, headings or properties hold a placeholder to be filled in."""
    said = (
        note.path,
        *(heading.text for heading in note.headings),
        *(str(item.value) for item in note.properties or ()),
    )
    return any(map(has_placeholder, said))


class ExpectedSection(NamedTuple):
    """What the section of the note at `path` should be: the notes it holds, by path and in order; whether that order is
    kept to (ranks and times change too often for that); and its look."""

    path: str
    entries: Mapping[str, ExpectedEntry]
    is_ordered: bool
    style: SectionStyle


def expected_section(
    note: Note, index: Index, settings: Mapping[str, Any], style: SectionStyle
) -> ExpectedSection:
    """What a note's section should be: its notes in the order of paths if that is set, else in that of titles."""
    answered = _collect_targets(note, index) if settings["entries"] == "missing" else frozenset()
    found = (
        expected_entry(note.path, index.notes[source], index, style)
        for source in _find_linking_notes(note.path, index)
        if source not in answered
    )
    items = [item for item in found if item]
    items.sort(key=(lambda item: (item.path,)) if settings["order"] == "path" else _title_key)
    return ExpectedSection(
        note.path,
        {item.path: item for item in items},
        settings["order"] in ("title", "path"),
        style,
    )


def _title_key(item: ExpectedEntry) -> tuple[str, ...]:
    return item.title.casefold(), item.path


def _find_linking_notes(path: str, index: Index) -> Iterator[str]:
    """The notes that link to a note from their body or properties."""
    for source in index.backlinks.get(path, ()):
        if source != path and is_note(source) and _has_link_to(source, path, index):
            yield source


def _has_link_to(source: str, path: str, index: Index) -> bool:
    if not _has_author_section(index.notes[source]):
        return True
    return any(
        target == path and link.place is not Place.SECTION
        for link, target in index.resolved_links(source)
    )


def _collect_targets(note: Note, index: Index) -> frozenset[str | None]:
    """Where a note's own links lead, those of a section left out."""
    if not _has_author_section(note):
        return frozenset(index.targets[note.path])
    return frozenset(
        target
        for link, target in index.resolved_links(note.path)
        if link.place is not Place.SECTION
    )


def _has_author_section(note: Note) -> bool:
    """Whether a note has a section of its author's; the links of others are none of the note's."""
    return any(section.owner is Owner.AUTHOR for section in note.sections)
