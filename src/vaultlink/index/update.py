"""Update an index after changes of files and notes, and list the affected notes."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from vaultlink.index.file_kinds import (
    FolderPair,
    count_copied_paths,
    find_copied_folders,
    list_copied_paths,
)
from vaultlink.index.index import (
    FilesByPath,
    Grouping,
    Index,
    LinkTargets,
    PathsByKey,
    SteppedValue,
    TraitCount,
    build_files_by_path,
    defined_spellings,
    find_files_sharing_names,
    names_of_file,
    path_keys,
    unresolved_keys,
    update_names,
)
from vaultlink.index.near_names import (
    NearKeys,
    build_near_keys,
    list_names,
)
from vaultlink.index.packed_map import (
    PackedMap,
    encode,
    fold,
    list_differing_keys,
    with_changes,
)
from vaultlink.index.resolve import PathsByName, name_key, normalize_name, resolve_with_alternatives
from vaultlink.index.vocabulary import (
    STORED_WORDS,
    count_changed_names,
    count_name_words,
    count_target_words,
    list_searchable_targets,
    list_words,
)
from vaultlink.model import Link, Note, Place

_K = TypeVar("_K")

# -- markdown links whose destination starts with a slash ------------------------------------------
# In a vault they are paths from its root. In notes that are published they are often addresses of
# the site, which name no file of the vault. Which of the two is meant depends on the vault as a
# whole.


def _has_resolved_rooted_links(index: Index) -> bool:
    return "resolved" in index.path_sources


def is_in_root_folder(target: str, index: Index) -> bool:
    """Return True if the vault has the first folder in the target of such a link."""
    folder, slash, _ = target[1:].partition("/")
    return bool(slash) and normalize_name(folder) + "/" in index.files_by_path


_MANY_PATHS = 10
"""Links are written as paths if one in so many notes has a path in a wikilink."""


def has_many_paths(index: Index) -> bool:
    """Return True if the notes write links as paths."""
    return len(index.path_sources.get("folder", ())) * _MANY_PATHS >= len(index.notes)


def _find_notes_depending_on_paths(before: Index, after: Index, moved: Iterable[str]) -> set[str]:
    """Return the notes whose links with folders may mean something else after changes."""
    folders = {normalize_name(path[: path.find("/") + 1]) for path in moved if "/" in path}
    changed = any(
        (folder in before.files_by_path) != (folder in after.files_by_path) for folder in folders
    ) or _has_resolved_rooted_links(before) != _has_resolved_rooted_links(after)
    affected = set(after.path_sources.get("rooted", ())) if changed else set()
    folders_changed = any(
        (key in before.files_by_path) != (key in after.files_by_path)
        for path in moved
        for key in path_keys(path)[1:]
    )
    if folders_changed or has_many_paths(before) != has_many_paths(after):
        sources = after.unresolved_sources
        affected.update(*(sources[target] for target in sources if "/" in target))
    return affected


def _find_notes_with_equal_targets(before: Index, after: Index, changed: Iterable[str]) -> set[str]:
    """Return the notes with unresolved targets that changed notes gained or lost."""
    targets: set[str] = set()
    for path in sorted(changed):
        targets.update({*unresolved_keys(before, path)} ^ {*unresolved_keys(after, path)})
    return {path for target in targets for path in after.unresolved_sources.get(target, ())}


def _find_notes_depending_on_copies(before: Index, after: Index) -> set[str]:
    """Return the notes with unresolved links if other folders are copies than before."""
    if before.files is after.files or (
        before.derive(find_copied_folders) == after.derive(find_copied_folders)
    ):
        return set()
    return {source for sources in after.unresolved_sources.values() for source in sources}


def update(
    index: Index,
    notes: Mapping[str, Note | None],
    files: Mapping[str, bool],
    resolved: Mapping[str, LinkTargets] | None = None,
) -> tuple[Index, set[str]]:
    """Return the index after changes, and the notes whose findings may have changed.

    Args:
        index: The index before the changes.
        notes: Path to the current note; None if there is no note any more.
        files: Path to True if a file of any kind exists there now.
        resolved: The targets of these notes' links, if they were resolved with all files that exist
            after the changes.
    """
    moved = {path for path, exists in files.items() if exists != (path in index.files)}
    # If no file was added or removed, the set stays the same object: callers compare identity.
    present = index.files ^ moved if moved else index.files
    after = Index(
        index.notes.with_changes(notes),
        update_names(index.names, index.files & moved, present & moved),
        {},
        present,
    )
    if not index.files:
        after.targets = resolve_links(after, after.notes) if resolved is None else resolved
        return after, set(after.notes)
    changed = set(notes)
    keys = _find_changed_spellings(index, after, changed | moved)
    stale = {path for path in changed if path in after.notes}
    stale.update(path for path in index.notes_mentioning(keys) if path in after.notes)
    targets: dict[str, LinkTargets | None] = dict.fromkeys(changed)
    targets.update(resolve_links(after, sorted(stale)))
    after.targets = with_changes(index.targets, targets)
    after.spellings = index.spellings.with_changes(dict.fromkeys(changed))
    _renew_memos(index, after, changed | moved, stale | changed)
    affected = _find_affected_notes(index, after, changed, stale, keys)
    affected |= _find_notes_depending_on_paths(index, after, moved)
    affected |= _find_notes_depending_on_copies(index, after)
    affected |= _find_notes_with_equal_targets(index, after, changed)
    return after, affected | after.notes_querying(moved)


def files_with_changed_names(before: Index, after: Index, changed: Iterable[str]) -> set[str]:
    """Return the files for which checks of names may have a different result.

    These are the added files, the files whose path differs from an added or removed path only in
    case or Unicode form, and, for each spelling of a folder in these paths, the first file in it.
    """
    if before.files is after.files:
        return set()
    if not before.files:
        return set(after.files)
    moved = [path for path in changed if (path in before.files) != (path in after.files)]
    places = {place for path in moved for place in path_keys(path)}
    return {
        path
        for index in (before, after)
        for place in places
        for path in _first_per_folder(place, index.files_by_path[place])
        if path in after.files
    }


def _first_per_folder(place: str, paths: Sequence[str]) -> Iterable[str]:
    """Return all files at a path; for a folder, the first per spelling of the folder."""
    if not place.endswith("/"):
        return paths
    depth, at, firsts = place.count("/"), 0, []
    while at < len(paths):
        firsts.append(paths[at])
        folder = "/".join(paths[at].split("/")[:depth])
        at = bisect_left(paths, folder + chr(ord("/") + 1), at)  # skip the rest of the folder
    return firsts


def _find_affected_notes(
    before: Index, after: Index, changed: set[str], resolved: set[str], keys: set[str]
) -> set[str]:
    """Return the notes whose findings may differ.

    These are the notes that were resolved again; the targets that a changed note gained, lost or
    mentions; notes that link to headings or blocks of a changed note; notes that share a name with
    an added or removed file; and the notes that mention those names.
    """
    affected = set(resolved)
    for path in sorted(resolved | changed):
        old, new = set(before.targets.get(path, ())), set(after.targets.get(path, ()))
        affected.update(
            path for path in (old | new if path in changed else old ^ new) if path is not None
        )
    for path in sorted(before.files & changed):  # what links to a new file was resolved again
        if linkable_parts(before.notes.get(path)) != linkable_parts(after.notes.get(path)):
            affected.update(after.sources_of(path))
    sharing = {path for key in keys for path in after.files_spelled(key)}
    affected.update(sharing)
    # The shortest link to these files may have changed, and with it the suggested fix.
    affected |= after.notes_mentioning(
        {key for path in sharing for key in defined_spellings(after, path)}
    )
    return {path for path in affected if path in after.notes}


def linkable_parts(note: Note | None) -> object:
    """Return the parts of a note that checks of links to it depend on.

    An unreadable note has a problem, and so has a block identifier without effect.
    """
    return note and (
        [(heading.level, heading.text) for heading in note.headings],
        [block.id for block in note.blocks],
        [(problem.kind, problem.line) for problem in note.problems],
        note.property_value("excalidraw-plugin"),
        note.title,
        note.aliases,
    )


def is_plain_edit(before: Index, after: Index, path: str) -> bool:
    """Return True if an edit of a note took away nothing that links name.

    Both indexes have the same files, and only this note differs. It has the same title and aliases
    and, if links name headings or blocks of it, the same of these. What is left of its links leads
    where it did.
    """
    old, new = before.notes.get(path), after.notes.get(path)
    if old is None or new is None or (old.title, old.aliases) != (new.title, new.aliases):
        return False
    is_named = any(index.anchor_sources.get(path) for index in (before, after))
    if is_named and linkable_parts(old) != linkable_parts(new):
        return False
    if any(other != path for other in list_differing_keys(before.targets, after.targets)):
        return False
    raws, led = {link.raw for link in new.links}, {link.raw for link in old.links}
    return {
        (link.raw, target) for link, target in before.resolved_links(path) if link.raw in raws
    } == {(link.raw, target) for link, target in after.resolved_links(path) if link.raw in led}


def _find_changed_spellings(before: Index, after: Index, moved: Iterable[str]) -> set[str]:
    return {
        key
        for path in sorted(moved)
        for _, _, key in names_of_file(before, path) ^ names_of_file(after, path)
    }


def resolve_links(index: Index, paths: Iterable[str]) -> dict[str, LinkTargets]:
    resolve = make_resolver(index.names)
    return {path: resolve(index.notes[path]) for path in paths}


def replace_links(index: Index, notes: Mapping[str, Note]) -> Index:
    """Return an index with other links of some notes.

    What follows from all links is that of before, or of the new links alone: only what depends on
    a note's own links and on names is right.
    """
    after = Index(index.notes.with_changes(notes), index.names, index.targets, index.files)
    after.targets = with_changes(index.targets, resolve_links(after, notes))
    after.memos, after.pending = {**index.memos}, {**index.pending}
    return after


def make_resolver(names: PathsByName) -> Callable[[Note], LinkTargets]:
    """Return a function that resolves the links of a note.

    A bare name that only one file has resolves to it from every note, so it is looked up once.
    """
    unique_names: dict[str, str | None] = {}

    def resolve_link(path: str, link: Link) -> str | None:
        target = link.target if link.place is not Place.CANVAS else link.lookup_target
        if target in unique_names:
            return unique_names[target]
        if link.external:
            return None
        chosen, others = resolve_with_alternatives(path, target, names)
        if target and "/" not in target and not others:
            unique_names[target] = chosen
        return chosen

    return lambda note: tuple([resolve_link(note.path, link) for link in note.links])


def _renew_memos(before: Index, after: Index, moved: set[str], resolved: set[str]) -> None:
    """Carry over derived values; only the given paths are visited.

    `resolved` are the notes whose links were resolved, `moved` all that changed.
    """
    is_step = bool(moved or resolved)
    for memo in [*before.pending] if is_step and before.steps >= _MAX_PENDING_STEPS else ():
        before.derive(memo)
    groupings = [memo for memo in before.memos if isinstance(memo, Grouping)]
    keys = _list_changed_keys(groupings, before, after, moved, resolved)
    for memo, value in before.memos.items():
        if isinstance(memo, Grouping):
            after.memos[memo] = _patch_map(value, *keys[memo])
        elif memo is find_copied_folders and before.files is after.files:
            after.memos[memo] = value
        elif isinstance(value, SteppedValue) or isinstance(memo, TraitCount) or memo in _UPDATES:
            after.memos[memo] = _renew(memo, before, after, moved, resolved)
    after.steps = before.steps + is_step
    after.pending = {
        memo: partial(_renew, memo, before, moved=moved, resolved=resolved) if is_step else load
        for memo, load in before.pending.items()
    }


_MAX_PENDING_STEPS = 2
"""Steps after which values that were loaded from a saved state are renewed with each step.

Those of a run that changes one note, or one draft, are most often not asked for.
"""


def _renew(
    memo: Callable[[Index], Any], before: Index, after: Index, moved: set[str], resolved: set[str]
) -> Any:
    """Return a value of an index, changed as the next one."""
    value = before.derive(memo)
    kind = value if isinstance(value, SteppedValue) else memo
    paths = resolved if getattr(kind, "on_targets", False) else moved
    if isinstance(memo, TraitCount):
        added: Counter[str] = Counter()
        for path in paths:
            added.update(memo.list_traits(after, path))
            added.subtract(Counter(memo.list_traits(before, path)))
        return _add_counts(value, added)
    if isinstance(value, SteppedValue):
        return value.update(after, paths)
    return _UPDATES[memo](value, before, after, moved | resolved)


def _update_files_by_path(
    files: FilesByPath, before: Index, after: Index, paths: set[str]
) -> FilesByPath:
    if before.files is after.files:
        return files
    if files.groups is None:
        return FilesByPath(after.files, searches=files.searches)
    changes: _LostAndGained = {}, {}
    for path in paths:
        old, new = (
            set(path_keys(path) if path in index.files else ()) for index in (before, after)
        )
        _add_changed_keys(changes, path, old, new)
    return FilesByPath(after.files, _patch_map(files.groups, *changes))


def fold_index(index: Index) -> Index:
    """Return an equal index with its changed values encoded, which needs less memory.

    Values that no update would carry over are dropped.
    """
    after = Index(index.notes.folded(), index.names, fold(index.targets), index.files)
    # A note that is missing there after it was encoded again would count as one without links.
    after.spellings = index.complete_spellings().folded()
    _renew_memos(index, after, set(), set())
    add_packed_words(after, pack_words(index))
    after.steps = 0
    after.keep_answers(index)
    return after


def pack_words(index: Index, *, wants_all: bool = False) -> PackedMap[Any]:
    """Return the values of `STORED_WORDS` that are known, or all, by their numbers.

    Targets are listed again, and so are names if many of them changed, because lists keep those
    that are gone. The index does not keep what it did not have: it would take memory.
    """
    index.memos.pop(list_searchable_targets, None)
    index.pending.pop(list_searchable_targets, None)
    packed = dict[str, bytes]()
    for number, compute in enumerate(STORED_WORDS):
        if wants_all or index.knows(compute):
            is_kept = compute in index.memos
            value = index.derive(compute)
            if isinstance(value, NearKeys) and value.changes * _MAX_GONE > len(value.names):
                value = build_near_keys(index)
            packed[str(number)] = encode(value)
            if not is_kept:
                del index.memos[compute]
    return PackedMap[Any](None).at_saved(packed)


_MAX_GONE = 4
"""Names are listed again if more than one of so many changed."""


def add_packed_words(index: Index, words: PackedMap[Any]) -> None:
    """Add values of `STORED_WORDS`, which are decoded when an index is asked for them."""
    for number, (compute, kind) in enumerate(STORED_WORDS.items()):
        if str(number) in words:
            index.memos.pop(compute, None)
            index.pending[compute] = partial(_load_words, words, str(number), kind)


def _load_words(words: PackedMap[Any], key: str, kind: Any, _index: Index) -> Any:
    value = words.read_one(key, kind)
    return Counter(value) if isinstance(value, dict) else value


_LostAndGained = tuple[dict[str, set[str]], dict[str, list[str]]]
"""The paths that lost each key, and those that gained it."""


def _list_changed_keys(
    groupings: Sequence[Grouping], before: Index, after: Index, moved: set[str], resolved: set[str]
) -> dict[Grouping, _LostAndGained]:
    """Return the changes of some maps.

    Each path is visited once, in order: decoding a note takes time.
    """
    found: dict[Grouping, _LostAndGained] = {grouping: ({}, {}) for grouping in groupings}
    for path in sorted(moved | resolved):
        for grouping in groupings:
            if path in (resolved if grouping.on_targets else moved):
                keys = set(grouping.keys_of(before, path)), set(grouping.keys_of(after, path))
                _add_changed_keys(found[grouping], path, *keys)
    return found


def _add_changed_keys(changes: _LostAndGained, path: str, old: set[str], new: set[str]) -> None:
    for key in old - new:
        changes[0].setdefault(key, set()).add(path)
    for key in new - old:
        changes[1].setdefault(key, []).append(path)


def _patch_map(
    previous: PathsByKey, lost: Mapping[str, set[str]], gained: Mapping[str, list[str]]
) -> PathsByKey:
    """Return an updated derived map; the same object if no key of these paths changed."""
    if not lost and not gained:
        return previous
    patched: dict[str, tuple[str, ...] | None] = {}
    # Visit each key once: a folder may contain as many files as there are changes.
    for key in lost.keys() | gained.keys():
        removed = lost.get(key, ())
        group = [
            *(path for path in previous.get(key, ()) if path not in removed),
            *gained.get(key, ()),
        ]
        patched[key] = tuple(sorted(group)) if group else None
    return with_changes(previous, patched)


def _update_shared_names(
    sharing: frozenset[str], before: Index, after: Index, moved: Iterable[str]
) -> frozenset[str]:
    """Return files that share a name; only those of moved files need a new look."""
    if before.names is after.names:
        return sharing
    keys = {name_key(path) for path in moved}
    groups = (after.names.get(key, ()) for key in keys)
    outdated = (before.names.get(key, ()) for key in keys)
    return sharing.difference(*outdated).union(*(group for group in groups if len(group) > 1))


def _add_counts(counts: "Counter[_K]", added: "Counter[_K]") -> "Counter[_K]":
    """Return the sum of counts; the same object if nothing is added."""
    if not any(added.values()):
        return counts
    updated = counts.copy()
    for key, number in added.items():
        updated[key] += number
        if not updated[key]:
            del updated[key]
    return updated


def _update_name_words(
    counts: "Counter[str]", before: Index, after: Index, paths: Iterable[str]
) -> "Counter[str]":
    return _add_counts(counts, count_changed_names(before, after, paths))


def _update_near_keys(
    keys: NearKeys, before: Index, after: Index, paths: Iterable[str]
) -> NearKeys:
    old, new = (
        {name for path in paths for name in list_names(index, path)} for index in (before, after)
    )
    return keys if old == new else keys.with_changes(old - new, new - old)


def _update_target_words(
    counts: "Counter[str]", before: Index, after: Index, paths: Iterable[str]
) -> "Counter[str]":
    targets = {
        target
        for path in paths
        for target in {*unresolved_keys(before, path)} ^ {*unresolved_keys(after, path)}
    }
    added: Counter[str] = Counter()
    for target in targets:
        if target not in before.unresolved_sources:
            added.update(list_words(target))
        elif target not in after.unresolved_sources:
            added.subtract(list_words(target))
    return _add_counts(counts, added)


def _update_copied_paths(
    counts: "Counter[FolderPair]", before: Index, after: Index, moved: Iterable[str]
) -> "Counter[FolderPair]":
    if before.names is after.names:
        return counts
    added: Counter[FolderPair] = Counter()
    for key in {name_key(path) for path in moved}:
        added.update(list_copied_paths(after.names.get(key, ())))
        added.subtract(Counter(list_copied_paths(before.names.get(key, ()))))
    return _add_counts(counts, added)


_UPDATES: Mapping[Callable[[Index], Any], Callable[[Any, Index, Index, set[str]], Any]] = {
    build_near_keys: _update_near_keys,
    count_name_words: _update_name_words,
    count_target_words: _update_target_words,
    count_copied_paths: _update_copied_paths,
    find_files_sharing_names: _update_shared_names,
    build_files_by_path: _update_files_by_path,
}
"""Derived values with the functions that change them as the vault."""
