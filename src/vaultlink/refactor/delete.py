"""Plan to delete notes, attachments and folders; links to them are changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.engine.step import State
from vaultlink.fix.plan import ChangedTexts, DeletedThing, NamedPlace, Plan, Rename, RenameKind
from vaultlink.fix.sources import FixInputs
from vaultlink.fix.verify import BrokenPromise, find_broken_moves
from vaultlink.index.anchors import find_anchor
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_canvas, is_note, normalize_name, resolve
from vaultlink.links.naming import find_query_target
from vaultlink.model import Destination, Edit, Link, Note, Place
from vaultlink.parse.canvas import parse_canvas_cards
from vaultlink.refactor.canvas_edits import remove_canvas_links
from vaultlink.refactor.plan_link_edits import LinkEdits, find_sources
from vaultlink.refactor.planner import find_mentions
from vaultlink.refactor.refactoring import MOST_NAMED, EditsByPath, Refactoring, merge_edits
from vaultlink.refactor.relocation import RefusedError, Relocation
from vaultlink.refactor.unlinking import UnlinkedPlaces, remove_entries, unlink_in_note
from vaultlink.text import list_first, quote_name


class LinkChoice(StrEnum):
    """The choice for the links to deleted files."""

    UNLINK = "unlink"
    REDIRECT = "redirect"
    LEAVE = "leave"


class ReferenceKind(StrEnum):
    """The kind of a place that names a deleted file."""

    LINK = "link"
    EMBED = "embed"
    ANCHOR = "link to a heading or block"
    PROPERTY = "link in properties"
    ENTRY = "entry of a backlinks section"
    CANVAS = "canvas card"
    DEFINITION = "definition of a label"
    IMAGE = "image in HTML"
    QUERY = "name in a query"


class Reference(NamedTuple):
    """A place outside the deleted files that names one of them."""

    kind: ReferenceKind
    place: NamedPlace
    target: str


class Disposal(NamedTuple):
    """The destination of deleted files.

    `moves` has the new path of each file or folder that is moved within the vault, `files` that of
    each file, `contents` the bytes of each other file, which is removed. `folders` are removed when
    they are empty. `system` is the path on disk of the trash to which copies of removed files go;
    "" for no copies. `reason` says why files go to `.trash` although the settings say otherwise.
    """

    moves: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    contents: Mapping[str, bytes] = {}
    folders: Sequence[str] = ()
    system: str = ""
    reason: str = ""


def list_deleted_files(index: Index, things: Iterable[DeletedThing]) -> frozenset[str]:
    """Return the paths of the files that are deleted with some things."""
    things = list(things)
    folders = tuple([f"{item.path}/" for item in things if item.kind is RenameKind.FOLDER])
    own = {item.path for item in things}
    return frozenset(path for path in index.files if path in own or path.startswith(folders))


def drop_inner_things(things: Iterable[DeletedThing]) -> tuple[DeletedThing, ...]:
    """Return things without those in a folder among them, each once."""
    things = tuple(dict.fromkeys(things))
    folders = tuple([f"{item.path}/" for item in things if item.kind is RenameKind.FOLDER])
    return tuple([item for item in things if not item.path.startswith(folders)])


def find_unused_attachments(index: Index, deleted: Set[str]) -> tuple[str, ...]:
    """Return the attachments that only deleted notes use, sorted."""
    used = {
        target
        for path in deleted
        if path in index.notes
        for _, target in index.resolved_links(path)
        if target is not None and target not in deleted and not _is_source(target)
    }
    unused = [path for path in used if deleted >= {*index.sources_of(path)}]
    named = {item.target for item in find_references(index, deleted | frozenset(unused))}
    return tuple(sorted(path for path in unused if path not in named))


def _is_source(path: str) -> bool:
    return is_note(path) or is_canvas(path) or path.lower().endswith(".base")


def find_references(index: Index, deleted: Set[str]) -> tuple[Reference, ...]:
    """Return sorted places outside deleted files and managed sections that name them."""
    found: list[Reference] = []
    for path in sorted(_list_sources(index, deleted)):
        note = index.notes[path]
        found += _find_links(index, note, deleted)
        found += _find_definitions(index, note, deleted)
        for image in note.images:
            target = resolve(path, image.target, index.names)
            if target in deleted:
                place = NamedPlace(path, image.line, image.column, image.target)
                found.append(Reference(ReferenceKind.IMAGE, place, target or ""))
    found += _find_queries(index, deleted)
    return tuple(sorted(found, key=lambda item: item.place))


def _list_sources(index: Index, deleted: Set[str]) -> set[str]:
    """Return the notes and canvases that may name deleted files."""
    relocation = Relocation({path: path for path in deleted}, {}, lambda _link, _path: None)
    return find_sources(index, relocation) - deleted


def _find_links(index: Index, note: Note, deleted: Set[str]) -> Iterator[Reference]:
    for link, target in index.resolved_links(note.path):
        if target in deleted:
            place = NamedPlace(note.path, link.line, link.column, link.raw)
            yield Reference(_find_kind(link), place, target or "")


def _find_kind(link: Link) -> ReferenceKind:
    if link.place is Place.CANVAS:
        return ReferenceKind.CANVAS if link.raw[0] not in "[!" else ReferenceKind.LINK
    if link.place is Place.SECTION:
        return ReferenceKind.ENTRY
    if link.place is Place.PROPERTY:
        return ReferenceKind.PROPERTY
    if link.embed:
        return ReferenceKind.EMBED
    return ReferenceKind.ANCHOR if link.subpath else ReferenceKind.LINK


def _find_definitions(index: Index, note: Note, deleted: Set[str]) -> Iterator[Reference]:
    for item in note.definitions:
        target = resolve(note.path, item.target, index.names) if item.target else None
        if target in deleted:
            place = NamedPlace(note.path, item.line, item.column, item.raw)
            yield Reference(ReferenceKind.DEFINITION, place, target or "")


def _find_queries(index: Index, deleted: Set[str]) -> Iterator[Reference]:
    for path in index.query_sources.get("", ()):
        if path in deleted:
            continue
        for query in index.notes[path].queries:
            target = None if query.kind == "tag" else find_query_target(query, path, index)
            if target is None:
                continue
            below = index.files_by_path[normalize_name(target)] if target.endswith("/") else ()
            if target in deleted or (below and deleted >= {*below}):
                place = NamedPlace(path, query.line, query.column, query.text)
                yield Reference(ReferenceKind.QUERY, place, target)


def plan_delete(
    state: State,
    sources: FixInputs,
    things: Sequence[DeletedThing],
    disposal: Disposal,
    choice: LinkChoice | None,
    to: str = "",
) -> Plan:
    """Plan to delete files and folders. Does not write.

    `choice` is what becomes of the links to them; it may be None only if there are none. `to` is
    the path of the file to which links are redirected. Raises RefusedError if a choice is
    missing, or if a link that is left would lead to another file of the same name.
    """
    return _Deleting(state, sources, things, choice, to).plan(disposal)


class _Deleting(Refactoring):
    def __init__(
        self,
        state: State,
        sources: FixInputs,
        things: Sequence[DeletedThing],
        choice: LinkChoice | None,
        to: str,
    ) -> None:
        self._things, self._choice, self._to = things, choice, to
        self._deleted = list_deleted_files(state.index, things)
        if to in self._deleted:
            raise RefusedError(f"--to: {quote_name(to)} is deleted, too.")
        super().__init__(state, sources, {}, removed=self._deleted)
        if choice is LinkChoice.REDIRECT:
            self.new_paths = dict.fromkeys(self._deleted, to)
        self.references = find_references(self.index, self._deleted)
        if self.references and choice is None:
            raise RefusedError(f"{len(self.references):,} places name what would be deleted.")

    def find_destination(self, link: Link, path: str) -> Destination | None:
        if path not in self._deleted:
            return super().find_destination(link, path)
        if self._choice is not LinkChoice.REDIRECT:
            return None
        note = self.index.notes.get(self._to)
        has_anchor = link.subpath and note and find_anchor(note, link.subpath)
        return Destination(self._to, link.subpath if has_anchor else "")

    def edit_links(self, relocation: Relocation, sources: Iterable[str]) -> LinkEdits:
        """Return the edits of links; those of the new target to itself become text."""
        links = super().edit_links(relocation, set(sources) - {self._to})
        if self._to not in sources:
            return links
        staying = replace(relocation, files={}, destination=self._keep_others)
        own = super().edit_links(staying, [self._to])
        return replace(links, edits={**links.edits, **own.edits})

    def _keep_others(self, link: Link, path: str) -> Destination | None:
        return None if path in self._deleted else super().find_destination(link, path)

    def _plan_unlinking(self) -> tuple[EditsByPath, dict[str, str]]:
        edits: EditsByPath = {}
        skipped: dict[str, str] = {}
        if self._choice not in (LinkChoice.UNLINK, LinkChoice.REDIRECT):
            return edits, skipped
        for path in sorted(_list_sources(self.index, self._deleted)):
            note = self.index.notes[path]
            places = self._list_places(note)
            if not (places.links or places.definitions or is_canvas(path)):
                continue
            text = self.sources.find_text(path)
            if text is None:
                if places.links or places.definitions or self._has_background(path):
                    skipped[path] = self.sources.explain(path)
                continue
            found = self._unlink(note, text, places)
            if found is None:
                skipped[path] = "its cards can't be changed safely"
            elif found:
                edits[path] = found
        return edits, skipped

    def _list_places(self, note: Note) -> UnlinkedPlaces:
        """Return the links and definitions of a note that lead to deleted files."""
        links, path = self.index.resolved_links(note.path), note.path
        found = [link for link, target in links if target in self._deleted]
        for section in note.sections if path not in self._generated else ():
            own = (entry.link for entry in section.entries if entry.link and section.text)
            found += [link for link in own if self._is_deleted(path, link.lookup_target)]
        named = [item for item in note.definitions if self._is_deleted(path, item.target)]
        return UnlinkedPlaces(found, named)

    def _is_deleted(self, source: str, target: str) -> bool:
        return bool(target) and resolve(source, target, self.index.names) in self._deleted

    def _has_background(self, path: str) -> bool:
        cards = parse_canvas_cards(self.sources.text(path) or "") if is_canvas(path) else ()
        groups = (card.values for card in cards if not isinstance(card, str))
        images = (str(values.get("background", "")).lstrip("/") for values in groups)
        return not self._deleted.isdisjoint(images)

    def _unlink(self, note: Note, text: str, places: UnlinkedPlaces) -> tuple[Edit, ...] | None:
        becomes_text = self._choice is LinkChoice.UNLINK or note.path == self._to
        if is_canvas(note.path):
            if not becomes_text:
                return ()
            links = self.index.resolved_links(note.path)
            gone = {(it.start, it.raw): target for it, target in links if target in self._deleted}
            return remove_canvas_links(
                note.path,
                text,
                lambda link: gone.get((link.start, link.raw)),
                self._deleted.__contains__,
            )
        plan_edits = unlink_in_note if becomes_text else remove_entries
        return plan_edits(note, text, places)

    def plan(self, disposal: Disposal) -> Plan:
        own, skipped = self._plan_unlinking()
        relocation = Relocation(self.new_paths, self.names, self.find_destination, keeps_words=True)
        is_redirected = self._choice is LinkChoice.REDIRECT
        followers = find_sources(self.index, relocation) if is_redirected else set()
        links = self.follow_links(relocation, followers - self._deleted, own)
        skipped = {path: self.sources.explain(path) for path in links.skipped} | skipped
        edits = merge_edits(own, links.edits)
        others: ChangedTexts = dict.fromkeys(sorted(self._deleted), ("", None))
        while True:
            after, affected = self.step(edits, others)
            paths = affected - skipped.keys() - self._deleted
            found = [*self.find_broken(edits, after, paths), *self._find_added(edits, after.index)]
            broken = {item.path: item.problem for item in reversed(found)}
            if not broken:
                break
            if not broken.keys() <= edits.keys():
                path, problem = min(broken.items())
                raise RefusedError(f"{path}: {problem}.")
            edits = {path: group for path, group in edits.items() if path not in broken}
            skipped |= {path: f"its links can't be changed: {broken[path]}" for path in broken}
        self._refuse_captured(after.index, skipped)
        return self._finish(self.complete(edits, after, {}, skipped), disposal)

    def find_broken(
        self, edits: Mapping[str, Sequence[Edit]], after: State, paths: Iterable[str]
    ) -> Iterator[BrokenPromise]:
        for path in sorted(self.index.files.intersection(paths)):
            is_own = self._choice is not LinkChoice.REDIRECT or path == self._to
            find = self._keep_others if is_own else self.find_destination
            is_gone = self._deleted.__contains__ if is_own else None
            yield from find_broken_moves(self.state, after, edits, [path], {}, find, is_gone)

    def _find_added(
        self, edits: Mapping[str, Sequence[Edit]], after: Index
    ) -> Iterator[BrokenPromise]:
        """Yield the notes in which words would become a tag, heading, block or link."""
        for path in edits:
            old, new = self.index.notes[path], after.notes[path]
            for what, had, has in (
                ("tag", old.tags, new.tags),
                ("heading", old.headings, new.headings),
                ("block", old.blocks, new.blocks),
                ("link", old.links, new.links),
            ):
                if len(has) > len(had):
                    yield BrokenPromise(path, f"words would become a {what}", path, ())

    def _refuse_captured(self, after: Index, skipped: Mapping[str, str]) -> None:
        """Refuse a plan that leaves links which would lead to other files."""
        found = []
        for path in {item.place.path for item in self.references} | skipped.keys():
            if self._choice is not LinkChoice.LEAVE and path not in skipped:
                continue
            for link, target in self.index.resolved_links(path):
                if target in self._deleted:
                    now = resolve(path, link.lookup_target, after.names)
                    if now is not None:
                        found.append(f"{link.raw} in {path} would lead to {now}")
        if found:
            listed = list_first(sorted(found), MOST_NAMED)
            raise RefusedError(f"{listed}. --to and --unlink change these links.")

    def _finish(self, plan: Plan, disposal: Disposal) -> Plan:
        """Return the plan with the files that are moved or removed."""
        removed: ChangedTexts = {
            path: (data.decode("utf-8", "surrogateescape"), None)
            for path, data in disposal.contents.items()
        }
        left = [] if self._choice is not LinkChoice.LEAVE else self.references
        kept = (ReferenceKind.IMAGE, ReferenceKind.QUERY)
        breaks = [item.place for item in left if item.kind not in kept]
        return replace(
            plan,
            texts={**plan.texts, **removed},
            moves=disposal.moves,
            files=disposal.files,
            emptied=tuple(disposal.folders),
            deleted=tuple(self._things),
            trash={**dict.fromkeys(disposal.contents), **disposal.files},
            trash_folder=disposal.system,
            breaks=(*plan.breaks, *breaks),
            unchanged=self._list_unchanged(),
        )

    def _list_unchanged(self) -> tuple[NamedPlace, ...]:
        """Return the places in bases, queries and HTML that name what is deleted."""
        renames = [Rename(item.kind, item.path, item.path) for item in self._things]
        places = {
            (item.path, item.line): item
            for item in find_mentions(self.index, renames)
            if item.path not in self._deleted
        }
        for item in self.references:
            if item.kind in (ReferenceKind.IMAGE, ReferenceKind.QUERY):
                places.setdefault((item.place.path, item.place.line), item.place)
        return tuple(places[key] for key in sorted(places))
