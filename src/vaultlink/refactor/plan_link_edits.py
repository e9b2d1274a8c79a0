"""Edit the links of a vault so that they keep their meaning when files move.

The meaning of a link is the file, and the heading or block in it, that it leads to. Only links that
would lose it are edited.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import NamedTuple

import msgspec

from vaultlink.fix.plan import CapturedLink
from vaultlink.index.index import Index, link_name, target_spellings
from vaultlink.index.resolve import file_name, is_canvas, is_note, resolve
from vaultlink.links.edit_math import sort_edits
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.naming import RenamedNames, rename_link
from vaultlink.links.rewrite import as_link, keep_words, rewrite_definition, unlink_link
from vaultlink.links.style import find_link_style
from vaultlink.model import Edit, Entry, Link, Note, Place
from vaultlink.obsidian import ObsidianSettings
from vaultlink.parse.backlinks_entries import stays_entry
from vaultlink.refactor.relocation import Relocation

TextOf = Callable[[str], str | None]
"""Returns the text of a note; None if it must not be changed."""


class LinkEdits(msgspec.Struct, frozen=True):
    """The edits of links.

    `edits` have the paths before the moves and are sorted; `captured` are unresolved links that
    resolve afterwards; `skipped` are the notes that should be edited and must not be changed;
    `unwritable` has vault path and text of each link that can't be written so that it leads to
    its file.
    """

    edits: Mapping[str, tuple[Edit, ...]]
    captured: tuple[CapturedLink, ...] = ()
    skipped: tuple[str, ...] = ()
    unwritable: tuple[tuple[str, str], ...] = ()


def find_sources(index: Index, relocation: Relocation) -> set[str]:
    """Return the moved notes, and those that name a moved file, before or afterwards."""
    names = {file_name(path) for pair in relocation.files.items() for path in pair}
    keys = {key for name in names for key in _list_spellings(name)}
    found = {path for path in relocation.files if path in index.notes}
    if _moves_images(relocation):
        found |= set(filter(is_canvas, index.notes))
    return (index.notes_mentioning(keys) | found) if names else set()


def find_defining_sources(index: Index, path: str) -> set[str]:
    """Return the notes with definitions of labels that may name a file."""
    named = index.notes_mentioning(_list_spellings(file_name(path)))
    return {source for source in named if index.notes[source].definitions}


def _list_spellings(name: str) -> set[str]:
    """Return the keys of links to files of a name, with and without its extension."""
    return {*target_spellings(name), *target_spellings(link_name(name))}


def _moves_images(relocation: Relocation) -> bool:
    """Return True if backgrounds of canvases may move, which are not links."""
    return not all(map(is_note, relocation.files))


class _ChangedLink(NamedTuple):
    """A link with its file before and after; without `target` its words replace it."""

    link: Link
    path: str
    new_path: str
    target: str | None
    subpath: str


class LinkPlanner:
    """Plans the edits of links for one relocation."""

    def __init__(
        self,
        index: Index,
        obsidian: ObsidianSettings,
        text_of: TextOf,
        relocation: Relocation,
        generated: Set[str],
        peek: TextOf = lambda _path: None,
        *,
        adds_display: bool = True,
    ):
        """Prepare a plan; `generated` are notes whose managed sections are written anew.

        `peek` returns the text of a file that must not be changed. `adds_display` is that of
        `rename_link`.
        """
        self._generated, self._peek, self._adds_display = generated, peek, adds_display
        self._index, self._text_of, self._relocation = index, text_of, relocation
        self._renamed = RenamedNames(
            index,
            relocation.names,
            lambda source, kind: find_link_style(source, index, obsidian, kind),
        )
        self._edits: dict[str, tuple[Edit, ...]] = {}
        self._captured: list[CapturedLink] = []
        self._skipped: list[str] = []
        self._unwritable: list[tuple[str, str]] = []

    def plan(self, sources: Iterable[str]) -> LinkEdits:
        """Return the edits of links, by vault path, that would lose their meaning."""
        for path in sorted(sources):
            self._visit(self._index.notes[path])
        captured, skipped = tuple(self._captured), tuple(self._skipped)
        return LinkEdits(self._edits, captured, skipped, tuple(self._unwritable))

    def _visit(self, note: Note) -> None:
        self._captured += self._find_captured(note)
        changed = [
            item
            for link, target in self._list_links(note)
            if target is not None and (item := self._plan_link(note.path, link, target))
        ]
        definitions = self._change_definitions(note)
        in_canvas = is_canvas(note.path)
        if not changed and not definitions and not (in_canvas and _moves_images(self._relocation)):
            return
        text = self._text_of(note.path)
        if text is None:
            if changed or definitions or self._names_images(note):
                self._skipped.append(note.path)
            return
        if in_canvas:
            edits = self._edit_canvas(note, text, changed)
        else:
            edits = [*self._edit_note(note, text, changed), *definitions]
        if edits:
            self._edits[note.path] = tuple(sort_edits(edits))

    def _names_images(self, canvas: Note) -> bool:
        """Return True if images that move are, or may be, backgrounds in a canvas."""
        text = self._peek(canvas.path)
        return text is None or self._edit_canvas(canvas, text, ()) != []

    def _list_links(self, note: Note) -> Iterator[tuple[Link, str | None]]:
        """Yield the links of a note with their files; those of managed sections come last."""
        yield from self._index.resolved_links(note.path)
        for section in note.sections if note.path not in self._generated else ():
            if section.text:
                for entry in section.entries:
                    if entry.link and not entry.link.external:
                        target = resolve(note.path, entry.link.lookup_target, self._index.names)
                        yield entry.link, target

    def _plan_link(self, source: str, link: Link, path: str) -> _ChangedLink | None:
        """Return what becomes of a link; None if it stays, or is in a property."""
        if not self._relocation.unlinks(source, link, path):
            return self._change_link(source, link, path)
        is_property = link.place is Place.PROPERTY
        return None if is_property else _ChangedLink(link, path, path, None, "")

    def _change_link(self, source: str, link: Link, path: str) -> _ChangedLink | None:
        """Return the change of a link; None if it keeps its meaning as it is."""
        files = self._relocation.files
        destination = self._relocation.destination(link, path)
        if destination is None:
            return None
        new_path, subpath, _ = destination
        target = self._renamed.find_target(source, files.get(source, source), link, path, new_path)
        if target is None:
            self._unwritable.append((source, link.raw))
            return None
        if subpath and self._relocation.keeps_words and files.get(source, source) == new_path:
            target = target if (source, source) == (path, new_path) else ""
        if (target, subpath) == (link.target, link.subpath):
            return None
        return _ChangedLink(link, path, new_path, target, subpath)

    def _edit_note(self, note: Note, text: str, changed: Iterable[_ChangedLink]) -> list[Edit]:
        every = (entry for section in note.sections for entry in section.entries)
        entries = {entry.link.start: entry for entry in every if entry.link}
        edits: list[Edit] = []
        for item in changed:
            entry, title = entries.get(item.link.start), tuple[Edit, ...]()
            note_there = self._index.notes.get(item.path)
            if entry and (note_there is None or note_there.title is None):
                title = _rename_title(note.path, entry, item)
            renamed = self._write_link(note.path, item, entry, text, has_new_title=title != ())
            if not renamed:
                self._unwritable.append((note.path, item.link.raw))
            edits += (*renamed, *title)
        return list(dict.fromkeys(edits))  # a YAML alias repeats a link at the same place

    def _write_link(
        self, path: str, item: _ChangedLink, entry: Entry | None, text: str, *, has_new_title: bool
    ) -> tuple[Edit, ...]:
        """Return the edits of a link; an entry may be one only because of its words."""
        link, target = item.link, item.target
        if target is None:
            return _remove_entry(path, entry) or unlink_link(path, link, text)
        keeps_words = self._relocation.keeps_words
        if entry is not None:
            keeps_words = not (has_new_title or stays_entry(entry, target))
        return self._write_kept(path, link, target, item.subpath, text, keeps_words=keeps_words)

    def _write_kept(
        self,
        path: str,
        link: Link,
        target: str,
        subpath: str,
        text: str = "",
        *,
        keeps_words: bool | None = None,
    ) -> tuple[Edit, ...]:
        """Return the edits of a link that stays one."""
        kept: tuple[Edit, ...] = ()
        if self._relocation.keeps_words if keeps_words is None else keeps_words:
            kept = keep_words(path, link, target, subpath, text)
        adds_display = self._adds_display
        return kept or rename_link(path, link, target, subpath, text, adds_display=adds_display)

    def _change_definitions(self, note: Note) -> list[Edit]:
        """Return the edits of the definitions of a note, which are no links of it."""
        edits: list[Edit] = []
        for item in note.definitions:
            path = resolve(note.path, item.target, self._index.names)
            link = as_link(item)
            changed = self._change_link(note.path, link, path) if path is not None else None
            if changed and changed.target is not None:  # never None: definitions are not unlinked
                new = rewrite_definition(note.path, item, changed.target, changed.subpath)
                if not new:
                    self._unwritable.append((note.path, item.raw))
                edits += new
        return edits

    def _edit_canvas(self, note: Note, text: str, changed: Iterable[_ChangedLink]) -> list[Edit]:
        from vaultlink.refactor.canvas_edits import edit_canvas  # noqa: PLC0415 - few vaults need it

        targets = {
            (item.link.start, item.link.raw): (item.target or "", item.subpath) for item in changed
        }
        edits = edit_canvas(
            note.path,
            text,
            lambda link: targets.get((link.start, link.raw)),
            self._relocation.files.get,
            write=self._write_kept,
        )
        if edits is None:
            self._unwritable += [(note.path, raw) for _, raw in targets]
        return list(edits or ())

    def _find_captured(self, note: Note) -> Iterator[CapturedLink]:
        """Yield the unresolved links of a note that resolve afterwards."""
        new_source = self._relocation.files.get(note.path, note.path)
        for link, target in self._index.resolved_links(note.path):
            if target is None and not link.external:
                found = resolve(new_source, link.lookup_target, self._relocation.names)
                if found is not None:
                    yield CapturedLink(note.path, link.line, link.column, link.raw, found)


def _remove_entry(path: str, entry: Entry | None) -> tuple[Edit, ...]:
    """Return the edit that removes an entry, if no other text is in its line."""
    if entry is None or entry.tail.strip() or entry.cut_start >= entry.cut_end:
        return ()
    return (Edit(path, entry.cut_start, entry.cut_end, ""),)


def _rename_title(path: str, entry: Entry, item: _ChangedLink) -> tuple[Edit, ...]:
    """Return the edits of an entry's title, and of an equal text, if it is the name."""
    link, old, new = item.link, link_name(item.path), link_name(item.new_path)
    if entry.title != old or old == new or entry.title_end > link.start or item.target is None:
        return ()
    title = Edit(path, entry.start, entry.title_end, new)
    if link.display != old or not SYNTAX[link.kind].has_pipe:
        return (title,)
    start = link.start + link.raw.rindex(old)
    return title, Edit(path, start, start + len(old), new)
