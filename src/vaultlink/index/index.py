"""The index of a vault: notes, file names, and the target of every link."""

from _weakref import proxy  # weakref takes time to import
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import compress, filterfalse, repeat
from typing import Any, ClassVar, Self, TypeVar, overload

import msgspec

from vaultlink.index.anchors import find_anchor
from vaultlink.index.packed_map import PackedMap, encode, with_changes
from vaultlink.index.resolve import (
    PathsByName,
    file_name,
    is_any_path,
    is_note,
    name_key,
    normalize_name,
    resolve_with_alternatives,
    spelling_key,
    title_slug,
)
from vaultlink.model import (
    FOLDER_KINDS,
    Link,
    LinkCounts,
    Note,
    ParseProblem,
    sum_counts,
    text_items,
)
from vaultlink.parse.link_parts import decode_address, is_external, parse_wikilink, split_subpath
from vaultlink.text import lazy_pattern

# -- the files of a vault by their normalized paths and folders ------------------------------------


_MAX_SEARCHES = 8
"""Keys to search one by one. For more of them, computing a map of all is faster."""


class FilesByPath:
    """Normalized path to the files at or below it, sorted.

    The path of a folder ends with a slash. `groups` are all of them, if they are known already.
    `searches` is the number of keys that were searched before.
    """

    def __init__(
        self,
        files: Collection[str],
        groups: Mapping[str, tuple[str, ...]] | None = None,
        searches: int = 0,
    ):
        self._files = files
        self._found: dict[str, tuple[str, ...]] = {}
        self.groups, self.searches = groups, searches

    def __getitem__(self, key: str) -> tuple[str, ...]:
        if self.groups is None:
            if key in self._found:
                return self._found[key]
            if self.searches < _MAX_SEARCHES:
                self.searches += 1
                return self._found.setdefault(key, self._search(key))
        return self.group_all().get(key, ())

    def __contains__(self, key: str) -> bool:
        return bool(self[key])

    def _search(self, key: str) -> tuple[str, ...]:
        matches: Callable[[str, str], bool] = str.startswith if key.endswith("/") else str.__eq__
        plain = list(filter(str.isascii, self._files))
        found = list(compress(plain, map(matches, map(str.lower, plain), repeat(key))))
        others = filterfalse(str.isascii, self._files)
        found += [path for path in others if matches(normalize_name(path), key)]
        return tuple(sorted(found))

    def group_all(self) -> Mapping[str, tuple[str, ...]]:
        if self.groups is None:
            groups: dict[str, list[str]] = {}
            for path in sorted(self._files):
                for key in path_keys(path):
                    groups.setdefault(key, []).append(path)
            self.groups = {key: tuple(group) for key, group in groups.items()}
        return self.groups


def path_keys(path: str) -> list[str]:
    normalized = normalize_name(path)
    return [
        normalized,
        *(normalized[: at + 1] for at, char in enumerate(normalized) if char == "/"),
    ]


# -- names of files and folders in entries, malformed links and queries ----------------------------


_BRACKETS = lazy_pattern(r"[\[\]|]+")


def find_entry_names(note: Note) -> Iterator[str]:
    """Return texts of entries that may name other notes than the link targets."""
    for section in note.sections:
        for entry in section.entries:
            texts = (
                (entry.title, entry.link.display or "")
                if entry.link
                else (entry.title, *_BRACKETS.split(entry.raw))
            )
            for text in texts:
                if text.strip():
                    yield from (text.strip(), title_slug(text.strip()))


def intended_target(problem: ParseProblem) -> str:
    """Return the target of a malformed or hidden link; "" for other problems."""
    target = problem.target
    if problem.kind == "unquoted-property-link":
        return parse_wikilink(target)[0]
    if problem.kind == "wikilink-with-destination":
        return "" if is_external(target) else split_subpath(target)[0]
    return " ".join(target.split()) if problem.kind == "malformed-link" else target


def find_query_keys(note: Note) -> set[str]:
    """Return "" and the folders that queries name, as `folder_keys` returns them."""
    folders = [item.text for item in note.queries if item.kind in FOLDER_KINDS]
    return {"", *(f"{normalize_name(folder)}/" for folder in folders)}


def folder_keys(path: str) -> list[str]:
    """Return the texts by which a query can name a file or one of its folders.

    They are normalized, with a slash at the end.
    """
    normalized, *folders = path_keys(path)
    return [*folders, f"{normalized}/", f"{normalized.removesuffix('.md')}/"]


# -- the index of a vault: notes, file names, and the target of every link -------------------------
# An index is a value: an update returns a new index and the notes that it affects.
#
# One update function serves full and partial runs, because the target of a link depends only on
# its source, its text, and the files and notes with the names in that text. Each note and
# attachment *defines* keys (the spellings of its name, aliases and title), and each link
# *mentions* keys. When a definition is added or removed, exactly the notes that mention its key
# are resolved again.


_MAX_SEARCHED = 8
"""Keys to search one by one. For more of them, computing a map of all is faster."""

_T = TypeVar("_T")

LinkTargets = tuple[str | None, ...]
"""The targets of a note's links, in the order of `note.links`.

None stands for a broken or external link.
"""

PathsByKey = Mapping[str, tuple[str, ...]]
"""Key to the paths that have it, sorted."""

KeyFunction = Callable[["Index", str], Iterable[str]]
"""Returns the keys of a path in a map of an index."""


def link_name(path: str) -> str:
    """Return the name of a file in links: with its extension unless that is `.md`."""
    name = file_name(path)
    return name[:-3] if is_note(name) else name


def list_file_names(path: str) -> list[str]:
    """Return the names by which a link may mean a file.

    Among those of canvases and bases is the one without extension, although Obsidian does not
    resolve it (5.15).
    """
    name = file_name(path)
    names = [link_name(path), name]
    stem, _, extension = name.rpartition(".")
    return [*names, stem] if extension.lower() in BOARD_EXTENSIONS and stem else names


BOARD_EXTENSIONS = ("canvas", "base")
"""Extensions that people leave out in links."""


# -- keys of a path in the derived maps ----------------------------------------------------------


def outgoing_targets(index: "Index", path: str) -> Iterable[str]:
    return {target for target in index.targets[path] if target is not None}


def anchored_targets(index: "Index", path: str) -> Iterable[str]:
    note = index.notes.get(path)
    return _find_anchored(note, index.targets[path]) if note else ()


def _find_anchored(note: Note, targets: LinkTargets) -> set[str]:
    if not any([link.subpath for link in note.links]):  # noqa: C419 - faster than a generator
        return set()
    return {
        target
        for link, target in zip(note.links, targets, strict=True)
        if target is not None and link.subpath
    }


def path_traits(index: "Index", path: str) -> Iterable[str]:
    """Return what is known of the paths in a note's links: the keys of `path_sources`."""
    note = index.notes.get(path)
    return _find_path_traits(note, index.targets[path]) if note else ()


def _find_path_traits(note: Note, targets: LinkTargets) -> Collection[str]:
    if not any(["/" in link.target for link in note.links]):  # noqa: C419 - as in most notes
        return ()
    traits: set[str] = set()
    for link, target in zip(note.links, targets, strict=True):
        if link.is_rooted:
            traits.update(("rooted", "resolved") if target else ("rooted",))
        elif target is not None and link.is_path_wikilink:
            traits.add("folder")
    return traits


def may_be_site_address(link: Link, index: "Index") -> bool:
    """Return True for a destination that starts with a slash where none of these resolves.

    A guess must not lead it to a file: all others would be paths of the vault from then on.
    """
    return link.is_rooted and "resolved" not in index.path_sources


def unresolved_keys(index: "Index", path: str) -> Iterable[str]:
    note = index.notes.get(path)
    return find_unresolved(note, index.targets[path]) if note else ()


def find_unresolved(note: Note, targets: LinkTargets) -> Collection[str]:
    """Return the unresolved targets of a note's links, given where these lead."""
    if None not in targets:
        return ()
    return {
        link.target
        for link, target in zip(note.links, targets, strict=True)
        if target is None and not link.external
    }


def query_keys(index: "Index", path: str) -> Iterable[str]:
    """Return "" for a note with queries, and the folders that they name."""
    note = index.notes.get(path)
    return find_query_keys(note) if note and note.queries else ()


def alias_keys(index: "Index", path: str) -> Iterable[str]:
    note = index.notes.get(path)
    return {normalize_name(alias) for alias in note.aliases} if note and note.properties else ()


def title_keys(index: "Index", path: str) -> Iterable[str]:
    note = index.notes.get(path)
    title = note.title if note and note.properties else None
    return (normalize_name(title),) if title else ()


def _page_keys(index: "Index", path: str) -> Iterable[str]:
    return set(map(normalize_name, _list_page_names(path, index.notes.get(path))))


def _list_page_names(path: str, note: Note | None) -> Sequence[str]:
    """Return the names by which Logseq knows a note, besides title and `aliases` of YAML.

    It writes the page `a/b` to `a___b.md`, or to `a%2Fb.md`.
    """
    name, others = link_name(path), note.page_names if note else ()
    if note and note.properties and (alias := note.property_value("alias")):
        others = (*others, *text_items(alias))
    if "___" not in name and "%" not in name:
        return others
    return (decode_address(name.replace("___", "/")), *others)


def _list_other_spellings(index: "Index", path: str) -> Iterable[str]:
    if path not in index.files:
        return ()
    note, own = index.notes.get(path), spelling_key(link_name(path))
    if note is None or not note.properties:
        return () if is_note(path) else _find_other_spellings(path, own, None, ())
    return _find_other_spellings(path, own, note.title, note.aliases)


def _find_other_spellings(
    path: str, own: str, title: str | None, aliases: Sequence[str]
) -> Collection[str]:
    """Return the keys of names that differ from `own`, the key of the file."""
    texts = (title, *aliases) if title else aliases
    if not is_note(path):
        texts = (*texts, *list_file_names(path)[2:])
    return {spelling_key(text) for text in texts}.difference((own, f"{own}md"))


def _list_file_spellings(index: "Index", path: str) -> Iterable[str]:
    return (spelling_key(link_name(path)),) if path in index.files else ()


def mentioned_spellings(index: "Index", path: str) -> Set[str]:
    known = index.spellings.get(path)
    return spellings_in_note(index.notes[path]) if known is None else frozenset(known)


FILE_LIKE = lazy_pattern(r"(?=.*[^\W\d_])[\w.]*\w[._/-][\w./-]*\w")
"""A name as files have it and texts do not: words without spaces between them."""


def spellings_in_note(note: Note) -> Set[str]:
    """Return the spelling keys in the links, entries, queries and images of a note."""
    targets = {link.target for link in note.links if not link.external and link.target}
    # The display text may name the file that the target does not.
    displays = {link.display for link in note.links if link.display and not link.external}
    targets.update(filter(FILE_LIKE.fullmatch, displays))
    if note.definitions:
        targets.update(item.target for item in note.definitions if item.target)
    if note.queries:
        targets.update(item.text for item in note.queries if item.kind in ("note", "path"))
    if note.images:
        targets.update(item.target for item in note.images)
    # Links in managed sections are not links of the note, but their findings depend on names too.
    if note.sections:
        targets.update(
            entry.link.target
            for section in note.sections
            if section.text
            for entry in section.entries
            if entry.link and not entry.link.external and entry.link.target
        )
        targets.update(find_entry_names(note))
    # A malformed link is reported only if its target names a file, so it mentions that name.
    if note.problems:
        targets.update(target for target in map(intended_target, note.problems) if target)
    return {key for target in targets for key in target_spellings(target)}


def defined_spellings(index: "Index", path: str) -> Iterable[str]:
    return {key for _, _, key in names_of_file(index, path)}


def names_of_file(index: "Index", path: str) -> set[tuple[str, str, str]]:
    """Return the names of a file: kind, normalized text, spelling key."""
    if path not in index.files:
        return set()
    names = {("name", name) for name in list_file_names(path)}
    if about := folder_note_name(path):
        names.add(("folder", about))
    note = index.notes.get(path)
    if note:
        names.update(("page", name) for name in _list_page_names(path, note))
    if note and note.properties:
        names.update(("alias", alias) for alias in note.aliases)
        names.update((("title", note.title),) if note.title else ())
    return {(kind, normalize_name(text), spelling_key(text)) for kind, text in names}


FOLDER_NOTES = ("index.md", "_index.md", "readme.md", "skill.md")
"""Name keys of notes about their folder, besides that with the name of the folder."""


def folder_note_name(path: str) -> str:
    """Return the name of the folder that a note is about; "" if its name does not say so."""
    folder, _, name = path.rpartition("/")
    return file_name(folder) if name.lower() in FOLDER_NOTES else ""


@lru_cache(maxsize=1 << 16)
def target_spellings(target: str) -> tuple[str, ...]:
    """Return the spelling keys of the names that a link's target may match.

    These are the keys of the last segment and, for a path, of the whole target, because a title or
    alias may contain a slash.
    """
    name = file_name(target)
    keys: tuple[str, ...] = (spelling_key(link_name(name)), spelling_key(name))
    if not name:  # a folder or an address
        return (*keys, *target_spellings(target.rstrip("/"))) if target.strip("/") else keys
    if "?" in target:  # a URL may name a file (2.20)
        keys += target_spellings(target.partition("?")[0])
    return (
        keys if name == target else (*keys, spelling_key(target), spelling_key(target.rstrip("/")))
    )


def add_stored_keys(
    note: Note, targets: LinkTargets, maps: Mapping[str, dict[str, list[str]]]
) -> None:
    """Add a note to the maps that are kept, by their attributes.

    The keys are those of the functions in `STORED_MAPS`; computing them together is faster.
    `targets` are those of the note's links.
    """
    path, title = note.path, None
    aliases: tuple[str, ...] = ()
    spelling = spelling_key(link_name(path))
    _add_path(maps["files_by_spelling"], (spelling,), path)
    if note.properties:
        aliases, title = note.aliases, note.title
        if title:
            _add_path(maps["notes_by_title"], (normalize_name(title),), path)
        if aliases:
            _add_path(maps["notes_by_alias"], set(map(normalize_name, aliases)), path)
    if title or aliases or not is_note(path):
        others = _find_other_spellings(path, spelling, title, aliases)
        _add_path(maps["titles_by_spelling"], others, path)
    if note.links:
        _add_path(maps["anchor_sources"], _find_anchored(note, targets), path)
        _add_path(maps["path_sources"], _find_path_traits(note, targets), path)
        _add_path(maps["unresolved_sources"], find_unresolved(note, targets), path)
    if note.queries:
        _add_path(maps["query_sources"], find_query_keys(note), path)


def _add_path(groups: dict[str, list[str]], keys: Iterable[str], path: str) -> None:
    for key in keys:
        if key in groups:
            groups[key].append(path)
        else:
            groups[key] = [path]


class Grouping:
    """A map of an index: the paths by their keys, sorted.

    Attributes:
        keys: The keys of a path.
        of_files: True for the paths of all files, False for those of notes.
        on_targets: True if the keys depend on where links lead.
    """

    def __init__(self, keys: KeyFunction, *, of_files: bool = False, on_targets: bool = False):
        self.keys = keys
        self.of_files = of_files
        self.on_targets = on_targets

    @overload
    def __get__(self, index: None, owner: object) -> "Grouping": ...

    @overload
    def __get__(self, index: "Index", owner: object) -> PathsByKey: ...

    def __get__(self, index: "Index | None", owner: object) -> "Grouping | PathsByKey":
        return self if index is None else index.derive(self)

    def __call__(self, index: "Index") -> PathsByKey:
        return merge_groups([collect_paths(index, self.paths(index), self.keys)])

    def paths(self, index: "Index") -> Collection[str]:
        return index.files if self.of_files else index.notes.keys()

    def keys_of(self, index: "Index", path: str) -> Iterable[str]:
        return self.keys(index, path) if path in self.paths(index) else ()


class SteppedValue:
    """A derived value that updates of an index carry over, changed as the vault.

    `on_targets` is True if it depends on where links lead.
    """

    on_targets: ClassVar[bool] = False

    def update(self, index: "Index", paths: Iterable[str]) -> Self:
        """Return the value of a later index, in which only these paths may differ."""
        raise NotImplementedError


class TraitCount(msgspec.Struct, frozen=True):
    """Counts how often each trait occurs in the notes of an index.

    `traits` returns those of a note. `on_targets` is True if they depend on where links lead.
    `count` counts those of all notes, if that can be done faster.
    """

    traits: KeyFunction
    on_targets: bool = False
    count: "Callable[[Index], Counter[str]] | None" = None

    def __call__(self, index: "Index") -> "Counter[str]":
        if self.count:
            return self.count(index)
        return Counter(trait for path in index.notes for trait in self.traits(index, path))

    def list_traits(self, index: "Index", path: str) -> Iterable[str]:
        return self.traits(index, path) if path in index.notes else ()


def find_files_sharing_names(index: "Index") -> frozenset[str]:
    return frozenset(path for group in index.names.values() if len(group) > 1 for path in group)


def build_files_by_path(index: "Index") -> FilesByPath:
    return FilesByPath(index.files)


def collect_paths(
    index: "Index", paths: Iterable[str], keys: KeyFunction
) -> Mapping[str, Sequence[str]]:
    groups: dict[str, list[str]] = {}
    for path in paths:
        _add_path(groups, keys(index, path), path)
    return groups


def merge_groups(parts: Iterable[Mapping[str, Sequence[str]]]) -> PathsByKey:
    """Return the paths by their keys, sorted, from groups of different paths."""
    merged: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for key, group in part.items():
            others = merged.get(key)
            paths = (*others, *group) if others else tuple(group)
            merged[key] = tuple(sorted(paths)) if len(paths) > 1 else paths
    return merged


# -- the index -----------------------------------------------------------------------------------


class Index:
    """Notes (canvases included), the names of all files, and the target of every link.

    Immutable by convention. What follows from them is computed by `derive` on first access.

    Attributes:
        notes: Notes by path.
        names: File-name keys to paths.
        targets: Link targets of each note.
        files: All paths of the vault.
        memos: The values that `derive` returned or that a caller knew already, by their function.
        pending: Functions that load or update values of an earlier index when `derive` needs them.
        steps: The number of updates since these values were saved.
        spellings: The result of `mentioned_spellings` for notes for which it is known already.
    """

    def __init__(
        self,
        notes: PackedMap[Note],
        names: PathsByName,
        targets: Mapping[str, LinkTargets],
        files: frozenset[str],
    ):
        self.notes = notes
        self.names = names
        self.targets = targets
        self.files = files
        self._searches = 0
        self.steps = 0
        self.pending: dict[Callable[[Index], Any], Callable[[Index], Any]] = {}
        self.memos: dict[Callable[[Index], Any], Any] = {}
        self.spellings: PackedMap[tuple[str, ...]] = PackedMap(tuple[str, ...])

    backlinks = Grouping(outgoing_targets, on_targets=True)
    """Target to the notes and canvases that link to it."""

    notes_by_alias = Grouping(alias_keys)
    """Normalized alias to the notes that have it."""

    notes_by_title = Grouping(title_keys)
    """Normalized `title` property to the notes that have it."""

    notes_by_page = Grouping(_page_keys)
    """Normalized name that only Logseq reads to the notes that have it."""

    files_by_spelling = Grouping(_list_file_spellings, of_files=True)
    """Spelling key of a file's name (a note's without extension) to the files."""

    notes_by_spelling = Grouping(mentioned_spellings)
    """Spelling keys of link targets to the notes that mention them.

    When a name is added or removed, these notes are resolved again.
    """

    titles_by_spelling = Grouping(_list_other_spellings, of_files=True)
    """Spelling keys of aliases and titles to the notes whose names are not spelled so.

    The names of canvases and bases without their extension count as titles.
    """

    anchor_sources = Grouping(anchored_targets, on_targets=True)
    """File to the notes and canvases that link to one of its headings or blocks."""

    path_sources = Grouping(path_traits, on_targets=True)
    """The notes with links that contain folders.

    Those with a Markdown link whose destination starts with a slash are at the key "rooted", those
    with such a link that resolves at "resolved", those with a path in a wikilink that resolves at
    "folder".
    """

    unresolved_sources = Grouping(unresolved_keys, on_targets=True)
    """Target of unresolved links, as written, to the notes that contain it."""

    query_sources = Grouping(query_keys)
    """Folder in a query, as `folder_keys` returns it, to the notes that name it.

    The notes with any query are at the key "".
    """

    @property
    def files_sharing_names(self) -> frozenset[str]:
        return self.derive(find_files_sharing_names)

    @property
    def files_by_path(self) -> FilesByPath:
        """Normalized path to the files at or below it; that of a folder ends with a slash."""
        return self.derive(build_files_by_path)

    def derive(self, compute: "Callable[[Index], _T]") -> _T:
        """Return `compute(self)`, computed once.

        An update carries over groupings, tallies and the like, changed where the vault is, and
        drops all other values. A class with `is_weak` is given a weak reference, as its value would
        keep the index, so that an index is freed as soon as nobody uses it. The value of one with
        `is_on_names` is kept as long as all suggestions stay as they are.
        """
        if compute not in self.memos:
            is_weak = getattr(compute, "is_weak", False)
            find = self.pending.pop(compute, compute)
            self.memos[compute] = find(proxy(self) if is_weak else self)
        return self.memos[compute]  # type: ignore[no-any-return]

    def knows(self, compute: "Callable[[Index], Any]") -> bool:
        """Return True if `derive` need not compute a value from all notes."""
        return compute in self.memos or compute in self.pending

    def keep_answers(self, before: "Index") -> None:
        """Take over what depends only on names, of an index in which these are the same."""
        for compute, value in before.memos.items():
            if getattr(compute, "is_on_names", False):
                self.memos.setdefault(compute, value)

    def tally(self, traits: KeyFunction, *, on_targets: bool = False) -> "Counter[str]":
        return self.derive(TraitCount(traits, on_targets))

    def add_maps(self, maps: Mapping[str, "PathsByKey"]) -> None:
        """Add maps of `STORED_MAPS` that were computed elsewhere."""
        self.memos.update((STORED_MAPS[name], groups) for name, groups in maps.items())

    # -- names -----------------------------------------------------------------------------------

    def files_spelled(self, key: str) -> tuple[str, ...]:
        """Return the files with a name, alias or title that has a spelling key, sorted.

        A name counts with and without the extension of a note, canvas or base.
        """
        named = self.files_by_spelling.get(key, ())
        others: Iterable[str] = self.titles_by_spelling.get(key, ())
        if key[-2:] == "md":
            notes = filter(is_note, self.files_by_spelling.get(key[:-2], ()))
            others = (*others, *notes)
        return tuple(sorted({*named, *others})) if others else named

    # -- links -----------------------------------------------------------------------------------

    def alternatives(self, source: str, link: Link) -> tuple[str, ...]:
        """Return the other files that a resolved link's text fits, if it is ambiguous."""
        return (
            ()
            if link.external
            else resolve_with_alternatives(source, link.lookup_target, self.names)[1]
        )

    def has_anchor(self, link: Link, resolved: str | None) -> bool | None:
        """Return True if the heading or block that a link names exists.

        Returns None if there is nothing to look up: no subpath, a broken link, or a target that is
        not a note (6.12).
        """
        if not link.subpath or resolved is None or not is_note(resolved):
            return None
        note = self.notes.get(resolved)
        return note is not None and find_anchor(note, link.subpath) is not None

    # -- notes -----------------------------------------------------------------------------------

    def resolved_links(self, path: str) -> Iterator[tuple[Link, str | None]]:
        """Return a note's links, each with its target (None if broken or external)."""
        return zip(self.notes[path].links, self.targets[path], strict=True)

    def sources_of(self, path: str) -> tuple[str, ...]:
        """Return the notes and canvases that link to a file, as `backlinks` has them.

        Does not compute `backlinks`: for few files, searching the encoded targets is faster.
        """
        self._searches += 1
        if (
            Index.backlinks in self.memos
            or self._searches > _MAX_SEARCHED
            or not isinstance(self.targets, PackedMap)
        ):
            return self.backlinks.get(path, ())
        found = self.targets.find_keys(path.encode("utf-8", "surrogatepass"))
        return tuple(sorted(source for source in found if path in self.targets[source]))

    def anchor_sources_of(self, path: str) -> Iterator[str]:
        """Yield the notes with a link to a heading or block of a file.

        Does not compute `anchor_sources`: see `sources_of`.
        """
        if Index.anchor_sources in self.memos:
            yield from self.anchor_sources.get(path, ())
            return
        for source in self.sources_of(path):
            if any(link.subpath and target == path for link, target in self.resolved_links(source)):
                yield source

    def count_links(self, path: str) -> LinkCounts:
        links, targets = self.notes[path].links, self.targets[path]
        sharing = self.files_sharing_names
        external = sum([link.external for link in links])
        dangling = targets.count(None) - external
        ambiguous = sum(
            [
                bool(self.alternatives(path, link))
                for link, target in zip(links, targets, strict=True)
                if target in sharing
            ]
        )
        return LinkCounts(
            len(links), len(links) - external - dangling, dangling, ambiguous, external
        )

    def count_all_links(self, wanted: Callable[[str], bool] = is_any_path) -> LinkCounts:
        """Return the numbers of links in wanted files."""
        return sum_counts(map(self.count_links, filter(wanted, self.notes)))

    def notes_mentioning(self, keys: Collection[str]) -> set[str]:
        """Return the notes that mention one of these spelling keys.

        Does not compute `notes_by_spelling` for few keys: a search of encoded keys is faster.
        """
        known = self.spellings
        if (
            Index.notes_by_spelling in self.memos
            or len(keys) > _MAX_SEARCHED
            or not known.has_column
        ):
            return {path for key in keys for path in self.notes_by_spelling.get(key, ())}
        known = self.complete_spellings()
        return {path for key in keys for path in known.find_keys(encode(key)) if key in known[path]}

    def complete_spellings(self) -> PackedMap[tuple[str, ...]]:
        """Return `spellings` with the spelling keys of the notes that were changed."""
        known = self.spellings
        unknown = [path for path in known.keys_changed() if path in self.notes]
        self.spellings = known.with_changes(
            {path: tuple(mentioned_spellings(self, path)) for path in unknown if path not in known}
        )
        return self.spellings

    def notes_querying(self, paths: Collection[str]) -> set[str]:
        """Return the notes with queries that name these files or their folders."""
        sources = self.query_sources if paths else {}
        if not sources:
            return set()
        keys = {key for path in paths for key in folder_keys(path)}
        return {source for key in keys for source in sources.get(key, ())}


STORED_MAPS: Mapping[str, Grouping] = {
    name: vars(Index)[name]
    for name in (
        *("notes_by_alias", "notes_by_title", "files_by_spelling", "titles_by_spelling"),
        *("anchor_sources", "path_sources", "unresolved_sources", "query_sources"),
    )
}
"""The maps that are kept between runs."""

EMPTY_INDEX = Index(PackedMap(Note), {}, {}, frozenset())
"""The index of an empty vault."""


def update_names(names: PathsByName, before: frozenset[str], after: frozenset[str]) -> PathsByName:
    """Return the names after the change from one set of files to another."""
    gone = before - after
    groups: dict[str, list[str]] = {}
    for path in before ^ after:
        key = name_key(path)
        if key not in groups:
            groups[key] = [other for other in names.get(key, ()) if other not in gone]
        if path in after:
            groups[key].append(path)
    return with_changes(names, {key: tuple(sorted(group)) or None for key, group in groups.items()})
