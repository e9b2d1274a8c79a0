"""Find in git what links led to before commits moved or added files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.objects import find_blobs
from vaultlink.history.file_pairs import FateKind
from vaultlink.history.follow import UNCOMMITTED
from vaultlink.history.git_log import LogCommit
from vaultlink.history.git_versions import NoteVersions
from vaultlink.history.paths_now import PathsNow, number_commits
from vaultlink.index.index import Index, update_names
from vaultlink.index.resolve import name_key, resolve, target_keys
from vaultlink.model import Destination, Link

_MAX_LINKS = 2_000
"""Links above which the others are not looked up."""

_MAX_LOOKUPS = 20_000
"""Files of earlier commits above which the links of earlier commits are not looked up."""


_Links = Mapping[str, list[Link]]
"""Links to look up, by note."""


class _Event(NamedTuple):
    """A commit that may have changed what the links of a note lead to.

    Attributes:
        commit: Its hash.
        source: The path of the note before.
        present: The paths of files before that links of the note may have led to, each with the
            path that the file has now ("" if it is gone).
    """

    commit: str
    source: str
    present: Mapping[str, str]

    def name(self, path: str) -> str:
        """Return git's name for a file before the commit."""
        return f"{self.commit}^:./{path}"


def find_git_targets(
    root: Path,
    index: Index,
    moved: Mapping[str, str],
    read_commits: Callable[[], Sequence[LogCommit]],
) -> dict[str, dict[str, Destination]]:
    """Return what relative links of moved notes led to, by note and written link.

    Args:
        root: Folder of the vault.
        index: The present state.
        moved: The files that were moved after the last commit, with their present paths.
        read_commits: Returns the commits in which files vanished, the latest one first.
    """
    links = dict(_list_links(index))
    if not links:
        return {}
    uncommitted = {old: (str(FateKind.MOVED), new) for old, new in moved.items()}
    commits = [LogCommit("", UNCOMMITTED, uncommitted), *read_commits()]
    candidates = {
        key: set(index.names.get(key, ()))
        for each in links.values()
        for link in each
        for key in target_keys(link.target)
    }
    for path in (path for commit in commits for path in commit.fates):
        if (key := name_key(path)) in candidates:
            candidates[key].add(path)
    events = _list_events(index, links, commits, candidates)
    every = [event for each in events.values() for event in each]
    blobs = find_blobs(
        root, {event.name(path) for event in every for path in (event.source, *event.present)}
    )
    versions = NoteVersions(root)
    versions.read(blobs[name] for event in every if (name := event.name(event.source)) in blobs)
    found: dict[str, dict[str, Destination]] = {}
    for source, each in events.items():
        for link in links[source]:
            path = _find_target(link, each, blobs, versions)
            if path:
                found.setdefault(source, {})[link.raw] = Destination(path, link.subpath)
    return found


def _list_links(index: Index) -> Iterator[tuple[str, list[Link]]]:
    """Yield the notes with unresolved relative links, and these links."""
    count = 0
    for source, targets in index.targets.items():
        if None in targets and count < _MAX_LINKS:
            links = [
                link
                for link, target in index.resolved_links(source)
                if target is None and not link.external and link.target.startswith(("./", "../"))
            ]
            count += len(links)
            if links:
                yield source, links


def _list_events(
    index: Index, links: _Links, commits: Sequence[LogCommit], candidates: Mapping[str, set[str]]
) -> dict[str, list[_Event]]:
    """Return the commits that moved notes, by note, the latest one first."""
    paths, left = PathsNow(index.files), _MAX_LOOKUPS
    sources = {source: source for source in links}  # by their paths at the time
    events: dict[str, list[_Event]] = {}
    for since, commit in zip(number_commits(commits), commits, strict=True):
        paths.go_back(commit.fates, since)
        renamed = [
            (old, sources.pop(new))
            for old, (kind, new) in commit.fates.items()
            if kind == FateKind.MOVED and new in sources
        ]
        sources.update(renamed)
        for old, source in renamed if commit.name else ():
            asked = {path for link in links[source] for path in _list_candidates(link, candidates)}
            left -= len(asked) + 1
            if left > 0:
                present = {path: paths.find(path) for path in asked}
                events.setdefault(source, []).append(_Event(commit.name, old, present))
    return events


def _list_candidates(link: Link, candidates: Mapping[str, set[str]]) -> set[str]:
    return set[str]().union(*(candidates[key] for key in target_keys(link.target)))


def _find_target(
    link: Link, events: Iterable[_Event], blobs: Mapping[str, str], versions: NoteVersions
) -> str:
    """Return the present path of what a link led to at its note's latest former place.

    It is "" if the link led nowhere, or if its note had no such link.
    """
    for event in events:
        blob = blobs.get(event.name(event.source))
        note = versions.parse(event.source, blob) if blob else None
        if note is None or all(other.raw != link.raw for other in note.links):
            return ""
        files = frozenset(path for path in event.present if event.name(path) in blobs)
        found = resolve(event.source, link.lookup_target, update_names({}, frozenset(), files))
        if found is not None:
            return event.present[found]
    return ""
