"""Compute the entries a note's section should have: the notes that link to it.

With `entries = "missing"`, notes that the note itself links to are left out. The result depends
only on the note's links, its backlinks, the mentions that its section lists and the titles of all
these notes, so that checks can use it.
Links in sections, canvases and the note itself do not count.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vaultlink.backlinks.existing import MENTION_INDENT
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
"""Problems that leave no visible place at a note's end, or no text at all."""

_PLUGIN_PROPERTIES = frozenset(("excalidraw-plugin", "kanban-plugin"))
"""Properties of notes whose text belongs to a plugin.

For example, a Kanban board takes any heading for a list of cards.
"""


def can_hold_section(note: Note) -> bool:
    """Return True if a section can be written into a note.

    Drawings and boards have another format; a template would pass its section on to each note made
    from it; and an unclosed block at the end would contain the section.
    """
    return (
        is_note(note.path)
        and not note.path.lower().endswith(".excalidraw.md")
        and _BLOCKING_PROBLEMS.isdisjoint(problem.kind for problem in note.problems)
        and not any(item.key in _PLUGIN_PROPERTIES for item in note.properties or ())
        and not _is_template(note)
    )


def _is_template(note: Note) -> bool:
    texts = (
        note.path,
        *(heading.text for heading in note.headings),
        *(str(item.value) for item in note.properties or ()),
    )
    return any(map(has_placeholder, texts))


class ExpectedSection(NamedTuple):
    """The expected section of the note at `path`.

    `entries` are by path and in order. `mentions` are those of the notes that mention this one
    without a link. `indent` is the indentation of the entries.
    """

    path: str
    entries: Mapping[str, ExpectedEntry]
    style: SectionStyle
    mentions: Mapping[str, ExpectedEntry] = {}
    indent: str = ""

    def without_entries(self) -> "ExpectedSection":
        """Return the same for a section that must be empty."""
        return self._replace(entries={}, mentions={})

    def mention_list(self) -> "ExpectedSection":
        """Return what the list of mentions should have; its entries are those of a list."""
        style = self.style._replace(kind="list")
        return ExpectedSection(self.path, self.mentions, style, indent=MENTION_INDENT)


def expected_section(
    note: Note,
    index: Index,
    settings: Mapping[str, Any],
    style: SectionStyle,
    mentioning: Iterable[str] = (),
) -> ExpectedSection:
    """Return the expected section of a note.

    `mentioning` are the files to list as mentions, as far as they are other notes that do not link
    to the note.
    """
    linked_back = _collect_targets(note, index) if settings["entries"] == "missing" else frozenset()
    linking = list(_find_linking_notes(note.path, index))
    unlinked = {path for path in mentioning if is_note(path) and path in index.notes}
    unlinked.difference_update(linking, (note.path,))

    def build_entries(sources: Iterable[str]) -> dict[str, ExpectedEntry]:
        candidates = (
            expected_entry(note.path, index.notes[source], index, style) for source in sources
        )
        entries = sorted(
            (entry for entry in candidates if entry),
            key=(lambda entry: (entry.path,)) if settings["order"] == "path" else _title_key,
        )
        return {entry.path: entry for entry in entries}

    return ExpectedSection(
        note.path,
        build_entries(source for source in linking if source not in linked_back),
        style,
        build_entries(unlinked),
    )


def _title_key(entry: ExpectedEntry) -> tuple[str, ...]:
    return entry.title.casefold(), entry.path


def _find_linking_notes(path: str, index: Index) -> Iterator[str]:
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
    """Return the targets of a note's own links, without those in sections."""
    if not _has_author_section(note):
        return frozenset(index.targets[note.path])
    return frozenset(
        target
        for link, target in index.resolved_links(note.path)
        if link.place is not Place.SECTION
    )


def _has_author_section(note: Note) -> bool:
    """Return True if a note has an author's section.

    The links in a managed section are not links of the note, so only those in an author's section
    have to be left out.
    """
    return any(section.owner is Owner.AUTHOR for section in note.sections)
