"""Ask git for the history of a vault: moves, deletions, headings, commits."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.disk.cache import GitStore
from vaultlink.disk.revisions import CommitComparison, read_past_contents, remember_revision
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.step import State
from vaultlink.errors import VaultError
from vaultlink.history.git_anchors import PresentNotes, find_git_anchors
from vaultlink.history.git_log import LogCommit, read_log
from vaultlink.history.git_renames import git_history
from vaultlink.history.git_targets import find_git_targets
from vaultlink.history.headings import last_key
from vaultlink.history.matcher import PieceIndex
from vaultlink.index.anchors import part_key, split_parts
from vaultlink.index.index import Index, target_spellings
from vaultlink.index.resolve import file_name, name_key, target_keys
from vaultlink.links.kinds import SYNTAX
from vaultlink.links.naming import find_query_target
from vaultlink.model import NO_HISTORY, UNCOMMITTED, Destination, History
from vaultlink.rules.former_targets import follow_move

_MAX_DANGLING = 5_000
"""Broken links above which deletions are not explained: looking each up takes too long."""

_MAX_ANCHORED = 2_000
"""Notes with links to headings or blocks above which git is not asked about missing ones."""


class GitPast:
    """The past of a vault in git."""

    def __init__(self, scan: VaultScan, state: State, store: GitStore):
        self._scan, self._state, self._store = scan, state, store
        self._missing = _list_missing_anchors(state.index)

    @cached_property
    def asked(self) -> History:
        """The history of the files in broken links, as far as git knows it."""
        return _ask_git(self._scan, self._state, self._missing, self._store)

    def remember_commits(self) -> History:
        """Return what links led to in commits, for a vault without a saved state."""
        scan, state = self._scan, self._state
        broken = [path for path, tally in state.tallies.items() if tally.dangling]
        log = read_log(
            scan.root, scan.listing.files, PieceIndex(state.index.notes), self._store, ()
        )
        moved = {
            old: new
            for old, new in self.asked.moves.items()
            if self.asked.vanished.get(old, 0) >= UNCOMMITTED
        }
        former_destinations = find_git_targets(scan.root, state.index, broken, log, moved)
        commits = replace(NO_HISTORY, former_destinations=former_destinations)
        return commits.then(_remember_commit(scan, state))

    def add_anchors(self, known: History) -> History:
        """Return a history with what git knows of missing headings and blocks."""
        return _add_git_anchors(self._scan, self._state, self._missing, known, self._store)


def find_git_history(scan: VaultScan, state: State) -> History:
    """Return what git knows of the files in broken links, with the log that is kept."""
    return _ask_git(scan, state, {}, GitStore(scan.open_cache()))


def read_git_log(scan: VaultScan, now: Index, wanted: Collection[str]) -> Sequence[LogCommit]:
    """Return the commits in which files vanished, the latest one first.

    `wanted` are the name keys of the notes that are followed although they were edited.
    """
    store = GitStore(scan.open_cache())
    return read_log(scan.root, scan.listing.files, PieceIndex(now.notes), store, wanted).commits


def _ask_git(
    scan: VaultScan, state: State, missing: Mapping[str, Collection[str]], store: GitStore
) -> History:
    dangling = sum(tally.dangling for tally in state.tallies.values())
    queried = {
        key
        for path in state.index.query_sources.get("", ())
        for query in state.index.notes[path].queries
        if query.kind != "tag" and find_query_target(query, path, state.index) is None
        for key in target_keys(query.text)
    }
    if not dangling and not missing and not queried:
        return NO_HISTORY
    wanted = None
    if dangling <= _MAX_DANGLING:
        wanted = _list_broken_names(state) | {name_key(path) for path in missing} | queried
    return git_history(scan.root, scan.listing.files, state.index.notes, store=store, wanted=wanted)


def _add_git_anchors(
    scan: VaultScan,
    state: State,
    missing: Mapping[str, Collection[str]],
    known: History,
    store: GitStore,
) -> History:
    wanted = {
        path: unknown
        for path, keys in missing.items()
        if (unknown := set(keys).difference(known.anchors.get(path, ())))
    }
    moved = _list_missing_moved(state, known) if not known.blind_spots else []
    for item in moved:
        if item.key not in known.anchors.get(item.path, ()):
            wanted.setdefault(item.path, set()).add(item.key)
    if not wanted:
        return known
    present = PresentNotes(scan.listing.files, state.index.notes, known.moves)
    found = find_git_anchors(scan.root, wanted, present, store)
    former_destinations: dict[str, dict[str, Destination]] = {}
    for source, raw, path, key in moved:
        place = found.get(path, {}).get(key)
        if place is not None and not place.subpath:
            former_destinations.setdefault(source, {})[raw] = place
    anchors = {
        path: {key: place for key, place in places.items() if place.subpath}
        for path, places in found.items()
    }
    return known.then(replace(NO_HISTORY, anchors=anchors, former_destinations=former_destinations))


class _MissingAnchor(NamedTuple):
    """A link in `source` to a file that is at `path` now, where a heading is missing."""

    source: str
    raw: str
    path: str
    key: str


def _list_missing_moved(state: State, history: History) -> list[_MissingAnchor]:
    """Return the links to moved notes that lack the heading or block.

    A Markdown link without spaces may name a heading by its GitHub anchor.
    """
    index, found = state.index, list[_MissingAnchor]()
    names = {key for old in history.moves for key in target_spellings(file_name(old))}
    sources = index.notes_mentioning(names) if names else ()
    for source in sources:
        tally = state.tallies.get(source)
        for link, target in index.resolved_links(source) if tally and tally.dangling else ():
            if target is None and (
                (link.subpath and not SYNTAX[link.kind].reads_slugs) or " " in link.subpath
            ):
                path, key = follow_move(link, source, index, history), last_key(link.subpath)
                if path and key and index.has_anchor(link, path) is False:
                    found.append(_MissingAnchor(source, link.raw, path, key))
    return found[:_MAX_ANCHORED]


def _list_broken_names(state: State) -> set[str]:
    index, names = state.index, set[str]()
    for path, tally in state.tallies.items():
        if tally.dangling:
            names.add(name_key(path))
            for link, target in index.resolved_links(path):
                if target is None and not link.external:
                    names.update(target_keys(link.target))
    return names


def _list_missing_anchors(index: Index) -> dict[str, set[str]]:
    sources = {source for paths in index.anchor_sources.values() for source in paths}
    if len(sources) > _MAX_ANCHORED:
        return {}
    missing: dict[str, set[str]] = {}
    for source in sources:
        for link, target in index.resolved_links(source):
            if target is not None and link.subpath and index.has_anchor(link, target) is False:
                keys = {part_key(part) for part in split_parts(link.subpath)} - {""}
                missing.setdefault(target, set()).update(keys)
    return {path: keys for path, keys in missing.items() if keys}


def _remember_commit(scan: VaultScan, state: State) -> History:
    """Return what links led to in the last commit, for a vault without a saved state.

    The history of `state` may be that of another copy of the vault, so it is not used.
    """
    state = replace(state, settings=replace(state.settings, history=NO_HISTORY))
    comparison = CommitComparison(scan.root)
    try:
        contents = read_past_contents(scan, (), comparison)
    except VaultError:  # there is no commit yet, or git can't read an old file
        return NO_HISTORY
    history = remember_revision(scan, state, contents, comparison)
    return replace(
        NO_HISTORY,
        anchors=history.anchors,
        former_destinations=history.former_destinations,
        names=history.names,
    )
