"""Find in git what links led to before commits moved, added or replaced files."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.git.objects import find_blobs
from vaultlink.history.file_pairs import UNKNOWN, OutcomeKind
from vaultlink.history.git_anchors import NoteVersions
from vaultlink.history.git_log import GitLog, LogCommit, PathsNow, number_commits
from vaultlink.history.link_changes import content_of, is_remainder, list_lone
from vaultlink.index.anchors import find_anchor, find_slug_heading
from vaultlink.index.index import Index, update_names
from vaultlink.index.resolve import (
    PathsByName,
    count_shared_folders,
    file_name,
    is_note,
    name_key,
    resolve,
    resolve_with_alternatives,
    target_keys,
)
from vaultlink.model import UNCOMMITTED, Destination, Link, Note
from vaultlink.text import group_by

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

    `before` and `after` are the paths of its note. `present` are the paths that the link may have
    meant, each with the path of the file that was there before as it is now ("" if that is gone or
    unknown). `lone` are the files of `list_lone`.
    """

    commit: str
    before: str
    after: str
    present: Mapping[str, str]
    lone: frozenset[str]

    def name_before(self, path: str) -> str:
        """Return git's name for a file before the commit."""
        return f"{self.commit}^:./{path}"

    def name_after(self, path: str) -> str:
        return f"{self.commit}:./{path}"


def _name_last(path: str) -> str:
    return f"HEAD:./{path}"


class _LinkPast(NamedTuple):
    """A link in `source` and its past.

    `target` is the present one; None if it does not resolve. `candidates` are the paths that files
    with its name have or had, `events` what may have changed its target, the latest event first.
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
    `broken` are the notes with unresolved links, `moved` the files that were moved after the last
    commit, with their present paths.
    """
    uncommitted = {old: (str(OutcomeKind.MOVED), new) for old, new in moved.items()}
    # The paths of namesakes were free before their commit.
    commits = [LogCommit("", UNCOMMITTED, uncommitted)] + [
        replace(commit, outcomes={**dict.fromkeys(commit.namesakes, UNKNOWN), **commit.outcomes})
        for commit in log.commits
    ]
    namesakes, shared = _group_names(index, commits)
    replaced = index.files.intersection(path for commit in commits for path in commit.outcomes)
    pasts = [
        *_list_relative(index, broken, namesakes),
        *_list_resolved(index, shared, namesakes, replaced),
    ][:_MAX_LINKS]
    if not pasts:
        return {}
    names = _add_events(index, pasts, commits)
    return _Reader(index, find_blobs(root, names), NoteVersions(root)).find_targets(pasts)


def _group_names(index: Index, commits: Sequence[LogCommit]) -> tuple[Namesakes, set[str]]:
    """Return the paths of shared names, and the names that several present files had."""
    paths, outcomes = (
        PathsNow(index.files),
        {path for commit in commits for path in commit.outcomes},
    )
    names = {key: set(files) for key, files in index.names.items() if len(files) > 1}
    for path in outcomes:
        key = name_key(path)
        names.setdefault(key, set(index.names.get(key, ()))).add(path)
    present = {key: set(index.names.get(key, ())) for key in names}
    for since, commit in zip(number_commits(commits), commits, strict=True):
        paths.go_back(commit.outcomes, since)
        for old in commit.outcomes:
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


def _add_events(index: Index, pasts: Sequence[_LinkPast], commits: Sequence[LogCommit]) -> set[str]:
    by_key: dict[str, list[_LinkPast]] = {}
    by_source = group_by(pasts, lambda past: past.source)
    for past in pasts:
        for key in target_keys(past.link.target) if past.target else ():
            by_key.setdefault(key, []).append(past)
    paths, names = PathsNow(index.files), set[str]()
    places = {source: source for source in by_source}
    sources = dict(places)  # by their paths at the time
    for since, commit in zip(number_commits(commits), commits, strict=True):
        paths.go_back(commit.outcomes, since)
        renamed = {
            sources.pop(new): old
            for old, (kind, new) in commit.outcomes.items()
            if kind == OutcomeKind.MOVED and new in sources
        }
        sources.update((old, source) for source, old in renamed.items())
        touched = [past for source in renamed for past in by_source[source]]
        touched += [
            past
            for key in {name_key(path) for path in commit.outcomes}
            for past in by_key.get(key, ())
            if past.source not in renamed
        ]
        moves = {
            old: new for old, (kind, new) in commit.outcomes.items() if kind == OutcomeKind.MOVED
        }
        lone = list_lone(moves)
        for past in touched if commit.name and len(names) < _MAX_LOOKUPS else ():
            after = places[past.source]
            present = {path: paths.find(path) for path in past.candidates}
            event = _Event(commit.name, renamed.get(past.source, after), after, present, lone)
            past.events.append(event)
            names.update(map(_name_last, (past.events[0].after, *present)))
            names.update(map(event.name_before, (event.before, *present)))
            names.update(map(event.name_after, present))
        places.update(renamed)
    return names


class _Change(NamedTuple):
    """The targets of a link before and after an event.

    `is_chance` is True if it led to one of several namesakes before, which was not the nearest one.
    """

    event: _Event
    before: str | None
    after: str | None
    is_chance: bool

    @property
    def now(self) -> str:
        """The present path of the former file; "" if it is gone or unknown."""
        return self.event.present[self.before] if self.before else ""

    @property
    def names(self) -> tuple[str, str]:
        """Git's names for the former file before the event, and the later one after."""
        return self.event.name_before(self.before or ""), self.event.name_after(self.after or "")


class _Reader:
    """Reads versions of notes; `blobs` has their blobs by git's names for files."""

    def __init__(self, vault: Index, blobs: Mapping[str, str], versions: NoteVersions) -> None:
        self._vault, self._blobs, self._versions = vault, blobs, versions
        self._trees: dict[tuple[str, frozenset[str]], tuple[PathsByName, PathsByName]] = {}

    def find_targets(self, pasts: Sequence[_LinkPast]) -> dict[str, dict[str, Destination]]:
        resolved = [
            (past, changes)
            for past in pasts
            if (changes := [self._resolve(past, event) for event in past.events])
            and any(change.now not in ("", past.target) for change in changes)
        ]
        needed = set[str]()
        for change in (change for _, changes in resolved for change in changes):
            needed.add(change.event.name_before(change.event.before))
            if change.before and change.after and is_note(change.before):
                needed.update(change.names)
        self._versions.read(self._blobs[name] for name in sorted(needed & self._blobs.keys()))
        found: dict[str, dict[str, Destination]] = {}
        for past, changes in resolved:
            find = self._find_relative if past.target is None else self._find_retargeted
            destination = find(past, changes)
            if destination is not None:
                found.setdefault(past.source, {})[past.link.raw] = destination
        return found

    def _resolve(self, past: _LinkPast, event: _Event) -> _Change:
        key = event.commit, past.candidates
        if key not in self._trees:
            self._trees[key] = (
                self._group(past.candidates, event.name_before),
                self._group(past.candidates, event.name_after),
            )
        before, after = self._trees[key]
        target = past.link.lookup_target
        found, others = resolve_with_alternatives(event.before, target, before)
        is_chance = found is not None and not _is_nearest(event.before, found, others)
        return _Change(event, found, resolve(event.after, target, after), is_chance)

    def _group(self, paths: Iterable[str], name: Callable[[str], str]) -> PathsByName:
        files = frozenset(path for path in paths if name(path) in self._blobs)
        return update_names({}, frozenset(), files)

    def _find_relative(self, past: _LinkPast, changes: Sequence[_Change]) -> Destination | None:
        """Return what a link led to at the latest former place of its note."""
        for change in changes:
            if not self._has_link(past, change.event):
                return None
            if change.before:
                subpath = self._read_subpath(past, change)
                return Destination(change.now, subpath) if change.now else None
        return None

    def _find_retargeted(self, past: _LinkPast, changes: Sequence[_Change]) -> Destination | None:
        """Return what a link led to, as far back as known; certain in an unedited note."""
        meant = None
        for change in changes:
            event = change.event
            if not (change.before and change.after and self._has_link(past, event)):
                return meant
            if past.link.target.startswith(".") and event.before != event.after:
                return meant  # a relative link of a moved note may mean what is at that place
            if change.now == past.target or self._is_same(change.now, past.target or ""):
                meant = None
            elif not change.now or self._is_copy(change):
                return None
            elif not change.is_chance and _is_spelt(past.link, change.before):
                is_rest = is_remainder(past.target, change.now, self._vault)
                lives_on = change.before == change.after
                if is_rest and lives_on and change.after == past.target:
                    return None  # most of the text went to the other note, which it names now
                is_certain = (
                    not is_rest
                    and not (lives_on and change.before in event.lone)
                    and self._is_untouched(past, event)
                )
                meant = Destination(change.now, self._read_subpath(past, change), is_certain)
        return meant

    def _parse(self, path: str, name: str) -> Note | None:
        return self._versions.parse(path, self._blobs[name]) if name in self._blobs else None

    def _has_link(self, past: _LinkPast, event: _Event) -> bool:
        blob = self._blobs.get(event.name_before(event.before))
        return blob is not None and self._versions.has_text(blob, past.link.raw)

    def _is_untouched(self, past: _LinkPast, event: _Event) -> bool:
        name, last = event.name_before(event.before), _name_last(past.events[0].after)
        if self._blobs[name] != self._blobs.get(last):
            return False
        note = self._parse(past.source, name)
        return note is not None and note == self._vault.notes[past.source]

    def _is_same(self, path: str, other: str) -> bool:
        blob = self._blobs.get(_name_last(path))
        return blob is not None and blob == self._blobs.get(_name_last(other))

    def _read_subpath(self, past: _LinkPast, change: _Change) -> str:
        """Return the subpath of a link; "" if the former file lacked the heading or block."""
        written = past.link.subpath
        note = self._parse(change.before or "", change.names[0]) if written else None
        is_missing = note and not (find_anchor(note, written) or find_slug_heading(note, written))
        return "" if is_missing else written

    def _is_copy(self, change: _Change) -> bool:
        """Return True if the file after a change is a copy of the one before."""
        if not change.before or not change.after or change.before == change.after:
            return False
        before, after = change.names
        if self._blobs[before] == self._blobs[after]:
            return True
        one, other = self._parse(change.before, before), self._parse(change.after, after)
        return bool(one and other and one.headings and content_of(one) == content_of(other))


def _is_nearest(source: str, path: str, others: Sequence[str]) -> bool:
    """Return True if a path shares more folders with a note, or is alone at the root."""
    shared = [count_shared_folders(source, other) for other in (path, *others)]
    return "/" not in path or all(shared[0] > number for number in shared[1:])


def _is_spelt(link: Link, path: str) -> bool:
    """Return True if a link has the name of a file in its case, and not by chance."""
    name = file_name(path)
    return file_name(link.target) in (name, name.rpartition(".")[0])
