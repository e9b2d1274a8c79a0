"""Find in git what links led to before commits moved, added or replaced files."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.git.objects import find_blobs
from vaultlink.history.file_pairs import UNKNOWN, FateKind
from vaultlink.history.follow import UNCOMMITTED
from vaultlink.history.git_log import GitLog, LogCommit
from vaultlink.history.git_versions import NoteVersions
from vaultlink.history.link_changes import content_of, is_remainder
from vaultlink.history.paths_now import PathsNow, number_commits
from vaultlink.index.anchors import find_anchor, find_slug_heading
from vaultlink.index.index import Index, update_names
from vaultlink.index.resolve import (
    PathsByName,
    file_name,
    is_note,
    name_key,
    resolve,
    resolve_with_alternatives,
    target_keys,
)
from vaultlink.model import Destination, Link, Note

_MAX_LINKS = 2_000
"""Maximum number of links that are looked up."""

_MAX_LOOKUPS = 20_000
"""Maximum number of files that are looked up in commits."""

_MAX_NAMESAKES = 30
"""Files with one name, now and before, above which links to them are not looked up."""

Namesakes = Mapping[str, set[str]]
"""Name key to the paths that files with this name have or had."""


class _Event(NamedTuple):
    """A commit that may have changed what a link leads to.

    Attributes:
        commit: Its hash.
        before: The path of the note before.
        after: The path of the note after.
        present: The paths that the link may have meant, each with the path of the file that was
            there before as it is now ("" if that is gone or unknown).
    """

    commit: str
    before: str
    after: str
    present: Mapping[str, str]

    def name_before(self, path: str) -> str:
        """Return git's name for a file before the commit."""
        return f"{self.commit}^:./{path}"

    def name_after(self, path: str) -> str:
        """Return git's name for a file after the commit."""
        return f"{self.commit}:./{path}"


def _name_last(path: str) -> str:
    """Return git's name for a file in the last commit."""
    return f"HEAD:./{path}"


class _LinkPast(NamedTuple):
    """A link and its past.

    Attributes:
        source: The path of its note.
        link: The link.
        target: Its present target; None if it does not resolve.
        candidates: The paths that files with its name have or had.
        events: What may have changed its target, the latest event first.
    """

    source: str
    link: Link
    target: str | None
    candidates: frozenset[str]
    events: list[_Event]


def find_git_targets(
    root: Path, index: Index, broken: Collection[str], log: GitLog, moved: Mapping[str, str]
) -> dict[str, dict[str, Destination]]:
    """Return what links led to that lead elsewhere now, by note and written link.

    Of unresolved links, only relative ones of moved notes are looked up: others follow their files.

    Args:
        root: Folder of the vault.
        index: The present state.
        broken: The notes with unresolved links.
        log: The commits in which files vanished or were replaced.
        moved: The files that were moved after the last commit, with their present paths.
    """
    uncommitted = {old: (str(FateKind.MOVED), new) for old, new in moved.items()}
    commits = [LogCommit("", UNCOMMITTED, uncommitted), *map(_add_namesakes, log.commits)]
    namesakes, shared = _group_names(index, commits)
    replaced = index.files.intersection(path for commit in commits for path in commit.fates)
    pasts = [
        *_list_relative(index, broken, namesakes),
        *_list_resolved(index, shared, namesakes, replaced),
    ][:_MAX_LINKS]
    if pasts:
        names = _add_events(index, pasts, commits)
        blobs = find_blobs(root, names)
        return _find_targets(pasts, index, blobs, NoteVersions(root))
    return {}


def _add_namesakes(commit: LogCommit) -> LogCommit:
    """Return a commit with the fates of the paths that were free before it."""
    return replace(commit, fates={**dict.fromkeys(commit.namesakes, UNKNOWN), **commit.fates})


# -- links to look up ------------------------------------------------------------------------------


def _group_names(index: Index, commits: Sequence[LogCommit]) -> tuple[Namesakes, set[str]]:
    """Return the paths of shared names, and the names that several present files had."""
    paths, fates = PathsNow(index.files), {path for commit in commits for path in commit.fates}
    names = {key: set(files) for key, files in index.names.items() if len(files) > 1}
    for path in fates:
        key = name_key(path)
        names.setdefault(key, set(index.names.get(key, ()))).add(path)
    present = {key: set(index.names.get(key, ())) for key in names}
    for since, commit in zip(number_commits(commits), commits, strict=True):
        paths.go_back(commit.fates, since)
        for old in commit.fates:
            present[name_key(old)].add(paths.find(old))
    return names, {
        key
        for key, files in present.items()
        if len(files - {""}) > 1 and len(names[key]) <= _MAX_NAMESAKES
    }


def _list_relative(
    index: Index, broken: Collection[str], namesakes: Namesakes
) -> Iterator[_LinkPast]:
    for source in broken:
        for link, target in index.resolved_links(source):
            if target is None and not link.external and link.target.startswith(("./", "../")):
                candidates = _list_candidates(link, index, namesakes)
                yield _LinkPast(source, link, None, candidates, [])


def _list_resolved(
    index: Index, shared: Collection[str], namesakes: Namesakes, replaced: Collection[str]
) -> Iterator[_LinkPast]:
    """Yield the links that may have led elsewhere before."""
    names: dict[frozenset[str], PathsByName] = {}
    targets = {path for key in shared for path in index.names.get(key, ())}
    for source in [path for path, found in index.targets.items() if not targets.isdisjoint(found)]:
        links = {link.raw: (link, target) for link, target in index.resolved_links(source)}
        for link, target in links.values():
            if target in targets and link.target and not link.external:
                candidates = _list_candidates(link, index, namesakes)
                if candidates not in names:
                    names[candidates] = update_names({}, frozenset(), candidates)
                first, others = resolve_with_alternatives(
                    source, link.lookup_target, names[candidates]
                )
                if others or first != target or target in replaced:
                    yield _LinkPast(source, link, target, candidates, [])


def _list_candidates(link: Link, index: Index, namesakes: Namesakes) -> frozenset[str]:
    return frozenset(
        path
        for key in target_keys(link.target)
        for path in namesakes.get(key) or index.names.get(key, ())
    )


# -- commits that may have changed their targets ---------------------------------------------------


def _add_events(index: Index, pasts: Sequence[_LinkPast], commits: Sequence[LogCommit]) -> set[str]:
    """Add the events of links, and return git's names for the files in them."""
    by_key: dict[str, list[_LinkPast]] = {}
    by_source: dict[str, list[_LinkPast]] = {}
    for past in pasts:
        by_source.setdefault(past.source, []).append(past)
        for key in target_keys(past.link.target) if past.target else ():
            by_key.setdefault(key, []).append(past)
    paths, names = PathsNow(index.files), set[str]()
    places = {source: source for source in by_source}
    sources = dict(places)  # by their paths at the time
    for since, commit in zip(number_commits(commits), commits, strict=True):
        paths.go_back(commit.fates, since)
        renamed = {
            sources.pop(new): old
            for old, (kind, new) in commit.fates.items()
            if kind == FateKind.MOVED and new in sources
        }
        sources.update((old, source) for source, old in renamed.items())
        touched = [past for source in renamed for past in by_source[source]]
        touched += [
            past
            for key in {name_key(path) for path in commit.fates}
            for past in by_key.get(key, ())
            if past.source not in renamed
        ]
        for past in touched if commit.name and len(names) < _MAX_LOOKUPS else ():
            after = places[past.source]
            present = {path: paths.find(path) for path in past.candidates}
            event = _Event(commit.name, renamed.get(past.source, after), after, present)
            past.events.append(event)
            names.update(map(_name_last, (past.events[0].after, *present)))
            names.update(map(event.name_before, (event.before, *present)))
            names.update(map(event.name_after, present))
        places.update(renamed)
    return names


# -- former targets --------------------------------------------------------------------------------


class _Change(NamedTuple):
    """The targets of a link before and after an event, and the former one now.

    `is_chance` is True if the link led to one of several namesakes before, and not because it was
    the nearest one.
    """

    event: _Event
    before: str | None
    after: str | None
    is_chance: bool

    @property
    def now(self) -> str:
        """The present path of the former file; "" if it is gone or unknown."""
        return self.event.present[self.before] if self.before else ""

    def list_names(self) -> Iterator[str]:
        """Yield git's names for the note with the link before, and for both files."""
        yield self.event.name_before(self.event.before)
        if self.before and self.after and is_note(self.before):
            yield self.event.name_before(self.before)
            yield self.event.name_after(self.after)


def _find_targets(
    pasts: Sequence[_LinkPast], index: Index, blobs: Mapping[str, str], versions: NoteVersions
) -> dict[str, dict[str, Destination]]:
    reader, trees = _Reader(index, blobs, versions), _Trees(blobs)
    resolved = [
        (past, changes)
        for past in pasts
        if (changes := [trees.resolve(past, event) for event in past.events])
        and any(change.now not in ("", past.target) for change in changes)
    ]
    asked = {name for _, changes in resolved for change in changes for name in change.list_names()}
    versions.read(blobs[name] for name in sorted(asked & blobs.keys()))
    found: dict[str, dict[str, Destination]] = {}
    for past, changes in resolved:
        find = _find_relative if past.target is None else _find_retargeted
        destination = find(past, changes, reader)
        if destination is not None:
            found.setdefault(past.source, {})[past.link.raw] = destination
    return found


class _Trees:
    """The files that a link may mean before and after an event, by name."""

    def __init__(self, blobs: Mapping[str, str]) -> None:
        self._blobs = blobs
        self._known: dict[tuple[str, frozenset[str]], tuple[PathsByName, PathsByName]] = {}

    def resolve(self, past: _LinkPast, event: _Event) -> _Change:
        """Return what a link led to before and after an event."""
        key = event.commit, past.candidates
        if key not in self._known:
            self._known[key] = (
                self._group(past.candidates, event.name_before),
                self._group(past.candidates, event.name_after),
            )
        before, after = self._known[key]
        target = past.link.lookup_target
        found, others = resolve_with_alternatives(event.before, target, before)
        is_chance = found is not None and not _is_nearest(event.before, found, others)
        return _Change(event, found, resolve(event.after, target, after), is_chance)

    def _group(self, paths: Collection[str], name: Callable[[str], str]) -> PathsByName:
        files = frozenset(path for path in paths if name(path) in self._blobs)
        return update_names({}, frozenset(), files)


def _is_nearest(source: str, path: str, others: Sequence[str]) -> bool:
    """Return True if a path shares more folders with a note than all others.

    A file at the root is the only one that its name alone may mean.
    """
    shared = [_count_shared(source, other) for other in (path, *others)]
    return "/" not in path or all(shared[0] > number for number in shared[1:])


def _count_shared(path: str, other: str) -> int:
    """Return the number of folders from the root on that contain both files."""
    pairs = zip(path.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class _Reader(NamedTuple):
    """Reads versions of notes; `blobs` has their blobs by git's names for files."""

    vault: Index
    blobs: Mapping[str, str]
    versions: NoteVersions

    def parse(self, path: str, name: str) -> Note | None:
        """Return a version of a note; None if there is none."""
        return self.versions.parse(path, self.blobs[name]) if name in self.blobs else None

    def has_link(self, past: _LinkPast, event: _Event) -> bool:
        """Return True if a note had a link before an event."""
        blob = self.blobs.get(event.name_before(event.before))
        return blob is not None and self.versions.has_text(blob, past.link.raw)

    def is_untouched(self, past: _LinkPast, event: _Event) -> bool:
        """Return True if a note was not edited since an event."""
        name, last = event.name_before(event.before), _name_last(past.events[0].after)
        if self.blobs[name] != self.blobs.get(last):
            return False
        note = self.parse(past.source, name)
        return note is not None and note == self.vault.notes[past.source]

    def is_same(self, path: str, other: str) -> bool:
        """Return True if two files had the same content in the last commit."""
        blob = self.blobs.get(_name_last(path))
        return blob is not None and blob == self.blobs.get(_name_last(other))

    def read_subpath(self, past: _LinkPast, change: _Change) -> str:
        """Return the subpath of a link; "" if the former file lacked the heading or block."""
        written, path = past.link.subpath, change.before or ""
        note = self.parse(path, change.event.name_before(path)) if written else None
        is_missing = note and not (find_anchor(note, written) or find_slug_heading(note, written))
        return "" if is_missing else written

    def is_copy(self, change: _Change) -> bool:
        """Return True if the file after a change is a copy of the one before."""
        if not change.before or not change.after or change.before == change.after:
            return False
        names = (
            change.event.name_before(change.before),
            change.event.name_after(change.after),
        )
        if self.blobs[names[0]] == self.blobs[names[1]]:
            return True
        one, other = self.parse(change.before, names[0]), self.parse(change.after, names[1])
        return bool(one and other and one.headings and content_of(one) == content_of(other))


def _find_relative(
    past: _LinkPast, changes: Sequence[_Change], reader: _Reader
) -> Destination | None:
    """Return what a link led to at the latest former place of its note."""
    for change in changes:
        if not reader.has_link(past, change.event):
            return None
        if change.before:
            return (
                Destination(change.now, reader.read_subpath(past, change)) if change.now else None
            )
    return None


def _is_spelt(link: Link, path: str) -> bool:
    """Return True if a link has the name of a file in its case, and not by chance."""
    name = file_name(path)
    return file_name(link.target) in (name, name.rpartition(".")[0])


def _find_retargeted(
    past: _LinkPast, changes: Sequence[_Change], reader: _Reader
) -> Destination | None:
    """Return what a link led to that leads elsewhere now, as far back as it is known.

    It is certain if the note was not edited since.
    """
    meant = None
    for change in changes:
        if not (change.before and change.after and reader.has_link(past, change.event)):
            return meant
        if past.link.target.startswith(".") and change.event.before != change.event.after:
            return meant  # a relative link of a moved note may mean what is at that place
        if change.now == past.target or reader.is_same(change.now, past.target or ""):
            meant = None
        elif not change.now or reader.is_copy(change):
            return None
        elif not change.is_chance and _is_spelt(past.link, change.before):
            is_rest = is_remainder(past.target, change.now, reader.vault)
            if is_rest and change.before == change.after == past.target:
                return None  # most of the text went to the other note, which it names now
            is_certain = not is_rest and reader.is_untouched(past, change.event)
            meant = Destination(change.now, reader.read_subpath(past, change), is_certain)
    return meant
