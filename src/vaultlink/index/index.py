"""What a vault's names mean and who mentions them. A value: updating it returns a new one and says whom that affects.

Why one update serves full and partial runs: the answer for a link depends only on its source, its text and the files and
notes that bear its names. So each note and attachment *defines* keys (the spellings of its name, aliases and title), each
link *mentions* keys, and when a definition comes or goes exactly the mentioners of its key are looked at again.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from vaultlink.index.anchors import find_anchor
from vaultlink.index.packed_notes import PackedNotes
from vaultlink.index.resolve import (
    PathsByName,
    file_name,
    is_note,
    name_key,
    normalize_name,
    resolve_with_alternatives,
    spelling_key,
    title_slug,
)
from vaultlink.model import Link, LinkCounts, Note, ParseProblem
from vaultlink.parse.link_parts import parse_wikilink

_BRACKETS = re.compile(r"[\[\]|]+")
_T = TypeVar("_T")

LinkTargets = tuple[str | None, ...]
"""Where a note's links lead, in the order of `note.links`; None for dangling and external ones."""

PathsByKey = Mapping[str, tuple[str, ...]]
"""A key to the paths that have it, sorted."""


class Index:
    """Notes (canvases included), the names of all files, and where every link leads.

    Immutable by convention: nothing is changed after it was made, derived maps are computed when first asked for.
    """

    def __init__(
        self,
        notes: PackedNotes,
        names: PathsByName,
        targets: Mapping[str, LinkTargets],
        files: frozenset[str],
    ):
        self.notes = notes
        self.names = names
        self.targets = targets
        self.files = files
        self._derived: dict[Callable[[Index], Any], Any] = {}

    def derive(self, compute: "Callable[[Index], _T]") -> _T:
        """Return `compute(self)`. It is computed once and kept as long as the index itself."""
        if compute not in self._derived:
            self._derived[compute] = compute(self)
        return self._derived[compute]  # type: ignore[no-any-return]

    @classmethod
    def from_resolved(
        cls, notes: PackedNotes, targets: Mapping[str, LinkTargets], files: frozenset[str]
    ) -> "Index":
        """The index of files whose links are resolved already."""
        return cls(notes, update_names({}, frozenset(), files), targets, files)

    # -- asked of a link ------------------------------------------------------------------------------------------

    def alternatives(self, source: str, link: Link) -> tuple[str, ...]:
        """The files a resolved link's text fits as well; empty unless the link is ambiguous."""
        return (
            ()
            if link.external
            else resolve_with_alternatives(source, link.lookup_target, self.names)[1]
        )

    def has_anchor(self, link: Link, resolved: str | None) -> bool | None:
        """Whether the heading or block a link names exists; None where there is nothing to look for: no subpath, a
        dangling link, or a target that is not a note (6.12)."""
        if not link.subpath or resolved is None or not is_note(resolved):
            return None
        note = self.notes.get(resolved)
        return note is not None and find_anchor(note, link.subpath) is not None

    # -- asked of a note ------------------------------------------------------------------------------------------

    def resolved_links(self, path: str) -> Iterator[tuple[Link, str | None]]:
        """A note's links, each with the file it leads to."""
        return zip(self.notes[path].links, self.targets[path], strict=True)

    @cached_property
    def backlinks(self) -> PathsByKey:
        """For each file that links lead to, the sources of these links."""
        return _group_paths(self, self.notes, outgoing_targets)

    def count_links(self, path: str) -> LinkCounts:
        """How many links a note has, by what becomes of them."""
        links, targets = self.notes[path].links, self.targets[path]
        external = sum([link.external for link in links])
        dangling = targets.count(None) - external
        shared = sum(
            [
                bool(self.alternatives(path, link))
                for link, target in zip(links, targets, strict=True)
                if target in self.files_sharing_names
            ]
        )
        return LinkCounts(len(links), len(links) - external - dangling, dangling, shared, external)

    @cached_property
    def files_sharing_names(self) -> frozenset[str]:
        """The files whose name another file has as well."""
        return frozenset(path for group in self.names.values() if len(group) > 1 for path in group)

    # -- asked of a name ------------------------------------------------------------------------------------------

    @cached_property
    def notes_by_alias(self) -> PathsByKey:
        """Comparable alias to the notes that have it."""
        return _group_paths(self, self.notes, alias_keys)

    @cached_property
    def notes_by_title(self) -> PathsByKey:
        """Comparable `title` property to the notes that have it."""
        return _group_paths(self, self.notes, title_keys)

    @cached_property
    def files_by_spelling(self) -> PathsByKey:
        """Spelling of a file's name (a note's without extension) to the files so called."""
        return _group_paths(self, self.files, file_spellings)

    @cached_property
    def mentions(self) -> PathsByKey:
        """Spelling of what links name to the notes that name it: whom a coming or going name concerns."""
        return _group_paths(self, self.notes, mentioned_spellings)

    @cached_property
    def definitions(self) -> PathsByKey:
        """Spelling of names, aliases and titles to the files that bear them."""
        return _group_paths(self, self.files, defined_spellings)

    # -- asked of a place -----------------------------------------------------------------------------------------

    @cached_property
    def files_by_path(self) -> PathsByKey:
        """Comparable path of a file, and of a folder with a slash behind it, to the files that are there or below."""
        return _group_paths(self, self.files, path_keys)

    def compute_all(self) -> None:
        """Compute now whatever is otherwise computed when first asked for. From then on `update` keeps all of it up to
        date, so that no step of a process that lives long has to wait for it."""
        self.notes.unpack_all()
        for name, made in vars(Index).items():
            if isinstance(made, cached_property):
                getattr(self, name)


def link_name(path: str) -> str:
    """A note's file name without `.md`; any other file's whole name, since links must write its extension."""
    name = file_name(path)
    return name[:-3] if is_note(name) else name


EMPTY_INDEX = Index(PackedNotes(), {}, {}, frozenset())
"""The index of no files."""

# -- what a path has in each of the derived maps ------------------------------------------------------------------

KeyFunction = Callable[[Index, str], Iterable[str]]


def outgoing_targets(index: Index, path: str) -> Iterable[str]:
    """The files a source leads to."""
    return {target for target in index.targets[path] if target is not None}


def alias_keys(index: Index, path: str) -> Iterable[str]:
    """The comparable aliases of a note."""
    note = index.notes.get(path)
    return {normalize_name(alias) for alias in note.aliases} if note and note.properties else ()


def title_keys(index: Index, path: str) -> Iterable[str]:
    """The comparable title of a note."""
    note = index.notes.get(path)
    title = note.title if note and note.properties else None
    return (normalize_name(title),) if title else ()


def file_spellings(index: Index, path: str) -> Iterable[str]:
    """The spelling of a file's name."""
    return (spelling_key(link_name(path)),) if path in index.files else ()


def mentioned_spellings(index: Index, path: str) -> Iterable[str]:
    """The spellings that answer what a source names."""
    note = index.notes[path]
    targets = {link.target for link in note.links if not link.external and link.target}
    # Links of sections that vaultlink keeps are no links of the note, but whether they are right depends on names too.
    targets.update(
        entry.link.target
        for section in note.sections
        if section.text
        for entry in section.entries
        if entry.link and not entry.link.external and entry.link.target
    )
    # What would be a link but for a slip is reported if it names a file, so the coming of that file concerns it.
    targets.update(slip for slip in map(_intended_target, note.problems) if slip)
    if note.sections:
        targets.update(_entry_names(note))
    return {key for target in targets for key in target_spellings(target)}


def _entry_names(note: Note) -> Iterator[str]:
    """What the entries of a note's sections say that they are about, which may be notes other than those they name."""
    for section in note.sections:
        for entry in section.entries:
            said = (
                (entry.title, entry.link.display or "")
                if entry.link
                else (entry.title, *_BRACKETS.split(entry.raw))
            )
            for words in said:
                if words.strip():
                    yield from (words.strip(), title_slug(words.strip()))


def _intended_target(problem: ParseProblem) -> str:
    """What a text would name if it were a link, as it was meant."""
    if problem.kind == "unquoted-property-link":
        return parse_wikilink(problem.detail)[0]
    return (
        " ".join(problem.detail.rpartition("\n")[0].split())
        if problem.kind == "malformed-link"
        else ""
    )


def defined_spellings(index: Index, path: str) -> Iterable[str]:
    """The spellings of what a file is called."""
    return {key for _, _, key in names_of_file(index, path)}


def names_of_file(index: Index, path: str) -> set[tuple[str, str, str]]:
    """What a file is called: as what (name, alias, title), the comparable text, and its spelling."""
    if path not in index.files:
        return set()
    names = {("name", link_name(path)), ("name", file_name(path))}
    note = index.notes.get(path)
    if note and note.properties:
        names.update(("alias", alias) for alias in note.aliases)
        names.update((("title", note.title),) if note.title else ())
    return {(kind, normalize_name(text), spelling_key(text)) for kind, text in names}


def path_keys(_index: Index, path: str) -> Iterable[str]:
    """The comparable paths of a file and of the folders it lies in."""
    place = normalize_name(path)
    return [place, *(place[: at + 1] for at, char in enumerate(place) if char == "/")]


@lru_cache(maxsize=1 << 14)
def target_spellings(target: str) -> tuple[str, ...]:
    """The spellings a link's target may be answered by: its last segment's, and for a path the whole's, since a title or
    alias may hold a slash."""
    name = file_name(target)
    keys: tuple[str, ...] = (spelling_key(link_name(name)), spelling_key(name))
    if "?" in target:  # a web address may name a file (2.20)
        keys += target_spellings(target.partition("?")[0])
    return (
        keys if name == target else (*keys, spelling_key(target), spelling_key(target.rstrip("/")))
    )


def _group_paths(index: Index, paths: Iterable[str], keys: KeyFunction) -> PathsByKey:
    found: dict[str, list[str]] = {}
    for path in paths:
        for key in keys(index, path):
            if key in found:
                found[key].append(path)
            else:
                found[key] = [path]
    return {
        key: tuple(sorted(group)) if len(group) > 1 else (group[0],) for key, group in found.items()
    }


def update_names(names: PathsByName, before: frozenset[str], after: frozenset[str]) -> PathsByName:
    """The names of the files there now."""
    came, went = after - before, before - after
    if not came and not went:
        return names
    renamed: dict[str, list[str] | tuple[str, ...]] = dict(names)
    touched = set()
    for path in went:
        key = name_key(path)
        renamed[key] = [other for other in renamed[key] if other != path]
        touched.add(key)
    for path in came:
        key = name_key(path)
        if key in touched:
            renamed[key] = [*renamed[key], path]
        else:
            renamed[key] = [*renamed.get(key, ()), path]
            touched.add(key)
    for key in touched:
        group = renamed[key]
        if group:
            renamed[key] = tuple(sorted(group))
        else:
            del renamed[key]
    return renamed  # type: ignore[return-value] # every touched group is a tuple again
