"""Compute the entries a note's section should have: the notes that link to it.

With `entries = "missing"`, notes that the note itself links to are left out, and only the first
index notes are listed. The result depends only on the note's links, its backlinks, what its section
lists, and the titles and links of all these notes, so that checks can use it.
Links in sections, canvases and the note itself do not count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from vaultlink.backlinks.existing import MENTION_INDENT
from vaultlink.backlinks.style import ExpectedEntry, SectionStyle, expected_entry
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note
from vaultlink.links.index_notes import MAX_INDEX_ENTRIES, is_folder_note, is_index_note
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
    if not is_note(note.path) or note.path.lower().endswith(".excalidraw.md"):
        return False
    if not _BLOCKING_PROBLEMS.isdisjoint(problem.kind for problem in note.problems):
        return False
    items = note.properties or ()
    if any(item.key in _PLUGIN_PROPERTIES for item in items):
        return False
    texts = (heading.text for heading in note.headings), (str(item.value) for item in items)
    return not any(map(has_placeholder, chain((note.path,), *texts)))


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
    listed: Set[str | None] = frozenset(),
) -> ExpectedSection:
    """Return the expected section of a note.

    `mentioning` are the files to list as mentions, as far as they are other notes that do not link
    to the note. `listed` are the files that its section lists: what is right there stays.
    """
    linking = list(_find_linking_notes(note.path, index))
    unlinked = {path for path in mentioning if is_note(path) and path in index.notes}
    unlinked.difference_update(linking, (note.path,))
    linked_back = _collect_targets(note, index)
    if settings["entries"] == "all":
        others, index_notes = _split_index_notes(linking, note, index)
        is_worth = len(linking) != 1 or linking[0] not in linked_back
    else:
        candidates = [source for source in linking if source not in linked_back]
        others, index_notes = _split_index_notes(candidates, note, index)
        is_worth = _is_worth_section(others, note, index)
    build = partial(_build_entries, note.path, index, style, settings["order"])
    entries = list(build(others))
    for number, entry in enumerate(build(index_notes)):
        if settings["entries"] == "all" or number < MAX_INDEX_ENTRIES or entry.path in listed:
            entries.append(entry)
    return ExpectedSection(
        note.path,
        {entry.path: entry for entry in entries if is_worth or note.sections or unlinked},
        style,
        {entry.path: entry for entry in build(unlinked)},
    )


def _build_entries(
    path: str, index: Index, style: SectionStyle, order: str, sources: Iterable[str]
) -> list[ExpectedEntry]:
    """Return the entries for notes in the section of the note at `path`, in order."""
    candidates = (expected_entry(path, index.notes[source], index, style) for source in sources)
    entries = sorted(filter(None, candidates), key=lambda entry: entry.path)
    return entries if order == "path" else sorted(entries, key=lambda one: one.title.casefold())


def _split_index_notes(
    sources: Iterable[str], note: Note, index: Index
) -> tuple[list[str], list[str]]:
    """Return the notes with something to say about a note, and the index notes."""
    others, index_notes = list[str](), list[str]()
    for source in sources:
        is_index = is_folder_note(source, note.path) or is_index_note(index.notes[source])
        (index_notes if is_index else others).append(source)
    return others, index_notes


def _is_worth_section(sources: Sequence[str], note: Note, index: Index) -> bool:
    """Return True if notes say enough for a new section: one with bare links does not."""
    if len(sources) != 1:
        return bool(sources)
    return not _has_only_bare_links(index.notes[sources[0]], note.path, index)


def _has_only_bare_links(source: Note, path: str, index: Index) -> bool:
    """Return True if each link to a note fills a line or list item."""
    bare = frozenset(source.lone_links)
    return all(
        link.start in bare and link.place is Place.BODY
        for link, target in index.resolved_links(source.path)
        if target == path and link.place is not Place.SECTION
    )


def _find_linking_notes(path: str, index: Index) -> Iterator[str]:
    for source in index.backlinks.get(path, ()):
        if source != path and is_note(source) and _has_link_to(source, path, index):
            yield source


def _has_link_to(source: str, path: str, index: Index) -> bool:
    if not _has_author_section(index.notes[source]):
        return True
    links = index.resolved_links(source)
    return any(target == path and link.place is not Place.SECTION for link, target in links)


def _collect_targets(note: Note, index: Index) -> frozenset[str | None]:
    """Return the targets of a note's own links, without those in sections."""
    if not _has_author_section(note):
        return frozenset(index.targets[note.path])
    links = index.resolved_links(note.path)
    return frozenset(target for link, target in links if link.place is not Place.SECTION)


def _has_author_section(note: Note) -> bool:
    """Return True if a note has an author's section, whose links are left out."""
    return any(section.owner is Owner.AUTHOR for section in note.sections)
