"""Read from git's log what became of files that vanished or were replaced.

The log depends on HEAD only. It is kept in a store and extended by new commits.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from vaultlink.git.objects import (
    RawDiffEntry,
    diff_commits,
    find_relevant_commits,
    parse_raw_diff,
    read_blobs,
)
from vaultlink.git.program import run_git
from vaultlink.history.file_pairs import (
    Content,
    Fate,
    FileChanges,
    choose_limit,
    doubt,
    find_rivals,
    list_renamed,
    pair_files,
)
from vaultlink.history.matcher import Pieces, read_data_pieces, weigh_all
from vaultlink.history.piece_index import PieceIndex
from vaultlink.index.resolve import name_key

_MAX_COMMITS = 10_000
"""Maximum number of commits that are read, the latest ones."""

_MAX_READ = 20_000
"""Maximum number of contents that are read to find renamed and edited files."""

_BATCH = 1_000
"""Contents read at once."""

_DIFFS = 200
"""Commits whose changes are read at once."""

_VERSION = 3
"""Version of the stored log. A log of another version is read again."""


class LogStore(Protocol):
    """Keeps what was read from git between runs."""

    def load(self, key: str) -> bytes | None:
        """Return the value of a key; None if there is none."""

    def save(self, key: str, value: bytes) -> None:
        """Keep a value in place of the former one of this key."""


class LogCommit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A commit in which files vanished or were replaced.

    Attributes:
        name: Full hash.
        time: Committer date in seconds since the epoch.
        fates: What became of each file that vanished or was replaced by another.
        undecided: Paths of removed, added and renamed notes whose contents were not compared yet.
    """

    name: str
    time: int
    fates: dict[str, Fate]
    undecided: list[str] = []

    @property
    def description(self) -> str:
        """The commit and its date, as in "3f2a91c on 2026-05-02"."""
        return f"{self.name[:7]} on {format_date(self.time)}"


class GitLog(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The commits of HEAD in which files vanished or were replaced, the latest first.

    Attributes:
        head: Hash of HEAD; "" without git or without a commit.
        prefix: Folder of the vault in the repository, with a slash at the end.
        commits: The commits.
        unreadable: Hashes of commits of which git can't read all objects.
        oldest: Date of the oldest commit of a shallow clone; "" if the clone is complete.
        version: Version of this format.
    """

    head: str = ""
    prefix: str = ""
    commits: list[LogCommit] = []
    unreadable: list[str] = []
    oldest: str = ""
    version: int = 0

    def describe_unseen(self) -> list[str]:
        """Return clauses that say what of the history can't be seen; empty if all can."""
        clauses = []
        if self.oldest:
            clauses.append(f"the clone is shallow and has no commits before {self.oldest}")
        if self.unreadable:
            count, first = len(self.unreadable), self.unreadable[0][:7]
            clauses.append(
                f"git can't read all objects of commit {first}"
                if count == 1
                else f"git can't read all objects of {count:,} commits, such as {first}"
            )
        return clauses


NO_LOG = GitLog()


def format_date(time: int) -> str:
    """Return the date of a time in seconds since the epoch, in UTC."""
    return datetime.fromtimestamp(time, UTC).date().isoformat()


def read_log(
    root: Path,
    notes: PieceIndex,
    store: LogStore | None = None,
    wanted: Collection[str] | None = None,
    *,
    any_alike: bool = False,
) -> GitLog:
    """Return the commits of HEAD in which files of the vault vanished.

    Args:
        root: Folder of the vault.
        notes: The present notes, for examples of notes that a renamed one may look like.
        store: Keeps the log. Only commits that are not in it are read.
        wanted: Name keys of files. Edited notes are followed only if they had one of these names
            before or after, or had it earlier or later under another name. None for all.
        any_alike: Pair one of several equally similar files. The store is not used.
    """
    store = None if any_alike else store
    output = run_git(root, "rev-parse", "HEAD", "--show-prefix", "--is-shallow-repository")
    lines = (output or b"").decode("utf-8", "surrogateescape").split("\n")
    if len(lines) < 3:
        return NO_LOG
    head, prefix, is_shallow = lines[0], lines[1], lines[2] == "true"
    key = f"git-log {prefix}"
    stored = NO_LOG if is_shallow else _load(store, key, prefix)
    reader = _ChangeReader(root)
    log = stored if stored.head == head else _extend(reader, root, stored, head, prefix, any_alike)
    if is_shallow:
        log = replace(log, oldest=format_date(min(list_commits(root, head, prefix).values())))
    log = _compare_edited(reader, root, log, wanted, notes, any_alike)
    if store is not None and not is_shallow and log is not stored:
        store.save(key, msgspec.msgpack.encode(log))
    return log


def _extend(
    reader: "_ChangeReader", root: Path, stored: GitLog, head: str, prefix: str, any_alike: bool
) -> GitLog:
    """Return a log of HEAD with the stored commits. Contents are not compared."""
    times = list_commits(root, head, prefix)
    known = {commit.name: commit for commit in stored.commits if commit.name in times}
    new = dict.fromkeys(_list_new(root, head, stored, times))
    new.update(dict.fromkeys(name for name in stored.unreadable if name in times))
    changes, unreadable = reader.read([*new])
    replacing = {name: files for name, files in changes.items() if not files.removed}
    blobs = _Blobs(root)
    for name, found, _ in _pair_commits(replacing, blobs, any_alike):
        fates = _drop_copies(found, replacing[name], blobs)
        if fates:
            known[name] = LogCommit(name, times[name], fates)
    for name, files in changes.items():
        if name in replacing:
            continue
        blobs = _Blobs(root)
        fates = pair_files(files, blobs.plan, any_alike=any_alike)
        undecided = _list_undecided(files, fates) if blobs.needed else []
        undecided += [path for old in list_renamed(files, fates) for path in (old, fates[old][1])]
        known[name] = LogCommit(name, times[name], fates, undecided)
    commits = [known[name] for name in times if name in known]
    return GitLog(head, prefix, commits, unreadable, "", _VERSION)


def _drop_copies(fates: Mapping[str, Fate], files: FileChanges, blobs: "_Blobs") -> dict[str, Fate]:
    """Return fates without those of files that were copied and then changed.

    The present content of a replaced file came from another file, or is that of another note: most
    of its lines are new.
    """
    ends = {new for _, new in fates.values()}
    return {
        path: fate
        for path, fate in fates.items()
        if path in ends
        or (path[-3:].lower() == ".md" and not _is_shortened(*files.changed[path], blobs))
    }


def _is_shortened(before: Content, now: Content, blobs: "_Blobs") -> bool:
    found = blobs.get((before, now))
    old, new = (found.get(name) or frozenset() for name in (before, now))
    return 2 * weigh_all(new & old) >= weigh_all(new)


def _list_undecided(files: FileChanges, fates: Mapping[str, Fate]) -> list[str]:
    """Return the removed and added notes of a commit that are not paired."""
    taken = {new for _, new in fates.values()}
    removed = [path for path in files.removed if not fates[path][1]]
    paths = (*removed, *(path for path in files.added if path not in taken))
    return [path for path in paths if path[-3:].lower() == ".md"]


def _compare_edited(
    reader: "_ChangeReader",
    root: Path,
    log: GitLog,
    wanted: Collection[str] | None,
    notes: PieceIndex,
    any_alike: bool,
) -> GitLog:
    """Return a log in which wanted notes that were edited are followed.

    Moves of notes that look like others in their folder become likely ones.
    """
    names = None if wanted is None else set(wanted)
    commits = {commit.name: commit for commit in log.commits}
    unreadable = list(log.unreadable)
    blobs = _Blobs(root)
    while relevant := _list_relevant(list(commits.values()), names):
        changes, _ = reader.read(relevant)
        commits.update((name, replace(commits[name], undecided=[])) for name in relevant)
        paired: dict[str, dict[str, Fate]] = {}
        for name, fates, is_complete in _pair_commits(changes, blobs, any_alike):
            paired[name] = fates
            if not is_complete and name not in unreadable:
                unreadable.append(name)
        if not any_alike:
            paired = _doubt_templates(root, changes, paired, notes)
        commits.update((name, replace(commits[name], fates=paired[name])) for name in paired)
    if all(commits[commit.name] is commit for commit in log.commits):
        return log
    return replace(log, commits=list(commits.values()), unreadable=unreadable)


def _list_relevant(commits: Sequence[LogCommit], names: set[str] | None) -> list[str]:
    """Return undecided commits of wanted files, whose other names go to `names`."""
    if names is None:
        return [commit.name for commit in commits if commit.undecided]
    count = -1
    while count != len(names):
        count = len(names)
        for commit in commits:
            for old, (_, new) in commit.fates.items():
                if new and (name_key(old) in names or name_key(new) in names):
                    names |= {name_key(old), name_key(new)}
    return [
        commit.name
        for commit in commits
        if any(name_key(path) in names for path in commit.undecided)
    ]


def _load(store: LogStore | None, key: str, prefix: str) -> GitLog:
    data = store.load(key) if store else None
    if data is None:
        return NO_LOG
    try:
        log = msgspec.msgpack.decode(data, type=GitLog)
    except msgspec.DecodeError:
        return NO_LOG
    return log if (log.version, log.prefix) == (_VERSION, prefix) else NO_LOG


def list_commits(root: Path, head: str, prefix: str) -> dict[str, int]:
    """Return the commits and their times, the latest first; merges are left out."""
    output = run_git(
        root,
        *("rev-list", "--timestamp", "--no-merges", f"--max-count={_MAX_COMMITS}", head, "--"),
        *(["."] if prefix else []),
        ok_codes=(0, 128),
    )
    pairs = (line.split() for line in (output or b"").decode().splitlines())
    return {pair[1]: int(pair[0]) for pair in pairs if len(pair) == 2}


def _list_new(root: Path, head: str, stored: GitLog, times: Mapping[str, int]) -> list[str]:
    if not stored.head:
        return list(times)
    output = run_git(root, "rev-list", "--no-merges", head, f"^{stored.head}")
    if output is None:
        return list(times)
    new = set(output.decode().split())
    return [name for name in times if name in new]


# -- commits --------------------------------------------------------------------------------------


class _Blobs:
    """The pieces of blobs. It notes which are needed, and reads them in batches.

    `is_complete` becomes False if git can't read one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pieces: dict[Content, Pieces | None] = {}
        self._left = _MAX_READ
        self.needed: dict[Content, None] = {}
        self.is_complete = True

    def plan(self, names: Collection[Content]) -> Mapping[Content, Pieces | None]:
        """Note that these blobs are needed; return nothing."""
        self.needed.update(dict.fromkeys(names))
        return {}

    def read_needed(self) -> None:
        """Read the blobs that are needed, in place of those read before."""
        self._pieces = {}
        self._read([*self.needed])
        self.needed = {}

    def get(self, names: Collection[Content]) -> Mapping[Content, Pieces | None]:
        """Return the pieces of blobs, without those above the limit."""
        self._read([name for name in names if name not in self._pieces])
        found = {name: self._pieces[name] for name in names if name in self._pieces}
        if None in found.values():
            self.is_complete = False
        return found

    def _read(self, names: Sequence[Content]) -> None:
        names = names[: self._left]
        if names:
            self._left -= len(names)
            blobs = read_blobs(self._root, [str(name) for name in names])
            self._pieces.update(zip(names, map(read_data_pieces, blobs), strict=True))


_SUBMODULE = "160000"
"""Mode of a submodule."""


class _ChangeReader:
    """Reads the changes of commits in which files vanished or were replaced, once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, FileChanges] = {}

    def read(self, names: Sequence[str]) -> tuple[dict[str, FileChanges], list[str]]:
        """Return the changes by commit, and the commits that git can't read."""
        missing = [name for name in names if name not in self._known]
        relevant, unreadable = list[str](), list[str]()
        for start in range(0, len(missing), _DIFFS):
            part = missing[start : start + _DIFFS]
            output, failed = diff_commits(self._root, part)
            relevant += find_relevant_commits(output, part)
            unreadable += failed
        output, _ = diff_commits(self._root, relevant)
        for name, entries in groupby(parse_raw_diff(output), attrgetter("commit")):
            files = list_changes(entries)
            if files.removed or files.changed:
                self._known[name] = files
        return {name: self._known[name] for name in names if name in self._known}, unreadable


def _pair_commits(
    changes: Mapping[str, FileChanges], blobs: _Blobs, any_alike: bool
) -> Iterator[tuple[str, dict[str, Fate], bool]]:
    """Yield the fates in each commit, and False if git can't read all of it."""
    waiting: list[str] = []
    for number, (name, files) in enumerate(changes.items(), 1):
        pair_files(files, blobs.plan)
        waiting.append(name)
        if len(blobs.needed) >= _BATCH or number == len(changes):
            blobs.read_needed()
            for each in waiting:
                blobs.is_complete = True
                fates = pair_files(changes[each], blobs.get, any_alike=any_alike)
                yield each, fates, blobs.is_complete
            waiting = []


def _doubt_templates(
    root: Path,
    changes: Mapping[str, FileChanges],
    fates: Mapping[str, dict[str, Fate]],
    notes: PieceIndex,
) -> dict[str, dict[str, Fate]]:
    """Return fates in which renames of notes that looked like others are likely."""
    renamed = {
        (commit, old): note
        for commit, found in fates.items()
        for old, note in list_renamed(changes[commit], found).items()
    }
    blobs = _Blobs(root)
    blobs.plan([name for note in renamed.values() for name in note[:2]])
    blobs.read_needed()
    rivals = {
        (commit, old): [f"{commit}:./{path}" for path in paths if "\n" not in path]
        for (commit, old), paths in find_rivals(renamed, blobs.get, notes).items()
    }
    then = _Blobs(root).get([name for names in rivals.values() for name in names])
    doubtful = dict[str, list[str]]()
    for (commit, old), names in rivals.items():
        note = renamed[commit, old]
        now = blobs.get([note.now])[note.now] or frozenset()
        limit = choose_limit(note) * weigh_all(now)
        if any(weigh_all(now & (then.get(name) or frozenset())) > limit for name in names):
            doubtful.setdefault(commit, []).append(old)
    return {commit: doubt(found, doubtful.get(commit, ())) for commit, found in fates.items()}


def list_changes(entries: Iterable[RawDiffEntry]) -> FileChanges:
    """Return the changes of one commit."""
    removed, added, changed = dict[str, str](), dict[str, str](), dict[str, tuple[str, str]]()
    for entry in entries:
        if is_hidden(entry.old) or entry.mode == _SUBMODULE:
            continue
        if entry.status == "D":
            removed[entry.old] = entry.blob
        elif entry.status == "A":
            added[entry.old] = entry.new_blob
        elif entry.blob != entry.new_blob:
            changed[entry.old] = entry.blob, entry.new_blob
    return FileChanges(removed, added, changed)


def is_hidden(path: str) -> bool:
    """Return True for paths outside the vault: a segment starts with a dot."""
    return path.startswith(".") or "/." in path
