"""Read from git's log what became of files that vanished or were replaced."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from vaultlink.git.location import ReadBudget
from vaultlink.git.objects import (
    RawDiffEntry,
    diff_budget,
    diff_commits,
    list_commit_changes,
    read_blobs,
    summarize_commits,
)
from vaultlink.git.program import run_git
from vaultlink.history.file_pairs import (
    UNKNOWN,
    Content,
    FileChanges,
    FileOutcome,
    OutcomeKind,
    choose_limit,
    doubt,
    find_rivals,
    list_beside,
    list_renamed,
    match_removed_files,
)
from vaultlink.history.matcher import PieceIndex, read_data_pieces
from vaultlink.index.resolve import is_note, name_key
from vaultlink.parse.pieces import Pieces, weigh_all

_MAX_READ = 20_000
"""Maximum number of contents that are read to find renamed and edited files."""

MAX_READ_BYTES = 64_000_000
"""Bytes of contents that are read in all, as a budget: there are more of a large repository."""

MAX_COMPARED_BYTES = 64_000_000
"""Bytes of memory for the pieces that are compared at once, as a budget."""

_BYTES_OF_PIECE = 64
"""Bytes of memory that a piece takes while texts are compared."""

_DIFFS = 200
"""Commits whose changes are read at once."""


def read_blob_pieces(
    root: Path, names: Sequence[Content], budget: ReadBudget, kept: ReadBudget
) -> dict[Content, Pieces | None]:
    """Return the pieces of blobs within two budgets; None if one can't be read."""
    found: dict[Content, Pieces | None] = {}
    blobs = read_blobs(root, [str(name) for name in names], budget)
    for name, pieces in zip(names, map(read_data_pieces, blobs), strict=True):
        is_kept = pieces is not None and kept.take(len(pieces) * _BYTES_OF_PIECE)
        found[name] = pieces if is_kept else None
    return found


class BlobPieces:
    """Pieces of blobs, read in batches; `is_complete` is False if git can't read one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pieces: dict[Content, Pieces | None] = {}
        self._left = _MAX_READ
        self._budget = ReadBudget(root, MAX_READ_BYTES)
        self._kept = ReadBudget(root, MAX_COMPARED_BYTES)
        self.needed: dict[Content, None] = {}
        self.is_complete = True

    def plan(self, names: Collection[Content]) -> Mapping[Content, Pieces | None]:
        """Note that these blobs are needed; return nothing."""
        self.needed.update(dict.fromkeys(names))
        return {}

    def read_needed(self) -> None:
        """Read the blobs that are needed, in place of those read before."""
        self._pieces = {}
        self._kept = ReadBudget(self.root, MAX_COMPARED_BYTES)
        self._read([*self.needed])
        self.needed = {}

    def get(self, names: Collection[Content]) -> Mapping[Content, Pieces | None]:
        self._read([name for name in names if name not in self._pieces])
        found = {name: self._pieces[name] for name in names if name in self._pieces}
        if None in found.values():
            self.is_complete = False
        return found

    def _read(self, names: Sequence[Content]) -> None:
        names = names[: self._left]
        if names:
            self._left -= len(names)
            found = read_blob_pieces(self.root, names, self._budget, self._kept)
            self._pieces.update(found)


_SUBMODULE = "160000"
"""Mode of a submodule."""


class ChangeReader:
    """Reads the changes of commits in which files vanished or were replaced, once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, FileChanges] = {}
        self._budget = diff_budget(root)
        self.added: dict[str, list[str]] = {}

    def read(self, names: Sequence[str]) -> tuple[dict[str, FileChanges], list[str]]:
        missing = [name for name in names if name not in self._known]
        relevant, unreadable = list[str](), list[str]()
        for start in range(0, len(missing), _DIFFS):
            part = missing[start : start + _DIFFS]
            output, failed = diff_commits(self.root, part, self._budget)
            for commit in summarize_commits(output, part):
                relevant += [commit.name] if commit.is_relevant else []
                self.added[commit.name] = commit.added
            unreadable += failed
        # These commits were read above, so this budget is enough.
        changes = list_commit_changes(self.root, relevant, diff_budget(self.root))
        for name, entries in groupby(changes, attrgetter("commit")):
            files = list_changes(entries)
            if files.removed or files.changed:
                self._known[name] = files
        return {name: self._known[name] for name in names if name in self._known}, unreadable


def list_changes(entries: Iterable[RawDiffEntry]) -> FileChanges:
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


# -- read from git's log what became of files that vanished or were replaced -----------------------
# The log depends on HEAD only. It is kept in a store and extended by new commits.


_MAX_COMMITS = 10_000
"""Maximum number of commits that are read, the latest ones."""

_BATCH = 1_000
"""Contents read at once."""

_MAX_NAMESAKES = 5
"""Maximum number of files with the name of another one that a commit adds one by one."""

_VERSION = 4
"""Version of the stored log. A log of another version is read again."""

V = TypeVar("V")


class LogStore(Protocol):
    """Keeps what was read from git between runs."""

    def load(self, key: str) -> bytes | None:
        """Return the value of a key; None if there is none."""

    def save(self, key: str, value: bytes) -> None:
        """Keep a value in place of the former one of this key."""


class LogCommit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A commit in which files vanished or were replaced.

    `name` is the full hash, `time` the committer date in seconds since the epoch. `undecided` are
    the paths of removed, added and renamed notes whose contents were not compared yet, `namesakes`
    those of new files that have the name of another file, then or now.
    """

    name: str
    time: int
    outcomes: dict[str, FileOutcome]
    undecided: list[str] = []
    namesakes: list[str] = []

    @property
    def description(self) -> str:
        """The commit and its date, as in "3f2a91c on 2026-05-02"."""
        return f"{self.name[:7]} on {format_date(self.time)}"


class GitLog(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The commits of HEAD in which files vanished or were replaced, the latest first.

    `head` is the hash of HEAD; "" without git or without a commit. `prefix` is the folder of the
    vault in the repository, with a slash at the end. `unreadable` are the hashes of commits of
    which git can't read all objects. `oldest` is the date of the oldest commit of a shallow clone;
    "" if the clone is complete. `version` is that of this format.
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
            which = f"commit {first}" if count == 1 else f"{count:,} commits, such as {first}"
            clauses.append(f"git can't read all objects of {which}")
        return clauses


NO_LOG = GitLog()


def format_date(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).date().isoformat()


def read_log(
    root: Path,
    files: Collection[str],
    notes: PieceIndex,
    store: LogStore | None = None,
    wanted: Collection[str] | None = None,
    *,
    any_alike: bool = False,
) -> GitLog:
    """Return the commits of HEAD in which files of the vault vanished.

    `files` are all vault paths now; `notes` are examples of notes that a renamed one may look like.
    Only commits that are not in the store are read. Edited notes are followed only if they had one
    of the `wanted` name keys before or after, or had it earlier or later under another name; None
    is for all. With `any_alike`, one of several equally similar files is paired, and the store is
    not used.
    """
    store = None if any_alike else store
    output = run_git(root, "rev-parse", "HEAD", "--show-prefix", "--is-shallow-repository")
    lines = (output or b"").decode("utf-8", "surrogateescape").split("\n")
    if len(lines) < 3:
        return NO_LOG
    head, prefix, is_shallow = lines[0], lines[1], lines[2] == "true"
    key = f"git-log {prefix}"
    stored = load_value(store, key, GitLog) if not is_shallow else None
    if stored is None or (stored.version, stored.prefix) != (_VERSION, prefix):
        stored = NO_LOG
    reader = ChangeReader(root)
    log = stored
    if stored.head != head:
        log = _extend(reader, files, stored, GitLog(head, prefix), any_alike)
    if is_shallow:
        log = replace(log, oldest=format_date(min(list_commits(root, head, prefix).values())))
    log = _compare_edited(reader, log, wanted, notes, any_alike)
    if store is not None and not is_shallow and log is not stored:
        store.save(key, msgspec.msgpack.encode(log))
    return log


def _extend(
    reader: ChangeReader, files: Iterable[str], stored: GitLog, head: GitLog, any_alike: bool
) -> GitLog:
    """Return a log of HEAD with the stored commits; contents are not compared."""
    root = reader.root
    times = list_commits(root, head.head, head.prefix)
    known = {commit.name: commit for commit in stored.commits if commit.name in times}
    new = dict.fromkeys(_list_new(root, head.head, stored, times))
    new.update(dict.fromkeys(name for name in stored.unreadable if name in times))
    changes, unreadable = reader.read([*new])
    replacing = {name: changed for name, changed in changes.items() if not changed.removed}
    blobs = BlobPieces(root)
    for name, outcomes, _ in _pair_commits(replacing, blobs, any_alike):
        if outcomes:
            known[name] = LogCommit(name, times[name], outcomes)
    for name, changed in changes.items():
        if name not in replacing:
            blobs = BlobPieces(root)
            outcomes = match_removed_files(changed, blobs.plan, any_alike=any_alike)
            undecided = _list_undecided(changed, outcomes) if blobs.needed else []
            for old in list_renamed(changed, outcomes):
                undecided += [old, outcomes[old][1]]
            known[name] = LogCommit(name, times[name], outcomes, undecided)
    for name, paths in _find_namesakes(files, reader.added, known.values()).items():
        commit = known.get(name) or LogCommit(name, times[name], {})
        known[name] = replace(commit, namesakes=paths)
    commits = [known[name] for name in times if name in known]
    return replace(head, commits=commits, unreadable=unreadable, version=_VERSION)


def _find_namesakes(
    files: Iterable[str], added: Mapping[str, Sequence[str]], commits: Iterable[LogCommit]
) -> dict[str, list[str]]:
    """Return the added files that have the name of another file, by commit.

    It is a present file, or one that vanished. A commit that added many made a copy, or a
    translation, of a folder: links beside them are meant to lead there.
    """
    paths = {*files, *(path for commit in commits for path in commit.outcomes)}
    counts = Counter(name_key(path) for path in paths)
    found = {
        name: [path for path in listed if counts[name_key(path)] > 1 and not is_hidden(path)]
        for name, listed in added.items()
    }
    return {name: listed for name, listed in found.items() if 0 < len(listed) <= _MAX_NAMESAKES}


def _list_undecided(files: FileChanges, outcomes: Mapping[str, FileOutcome]) -> list[str]:
    """Return the notes of a commit that are not paired, and those that may be copied."""
    taken = {new for _, new in outcomes.values()}
    copied, removed = list_beside(files, outcomes), (p for p in files.removed if not outcomes[p][1])
    paths = (*removed, *copied, *(path for path in files.added if path not in taken))
    return [path for path in paths if is_note(path)]


def _compare_edited(
    reader: ChangeReader,
    log: GitLog,
    wanted: Collection[str] | None,
    notes: PieceIndex,
    any_alike: bool,
) -> GitLog:
    """Return a log in which wanted notes that were edited are followed."""
    names = None if wanted is None else set(wanted)
    commits = {commit.name: commit for commit in log.commits}
    unreadable = list(log.unreadable)
    blobs = BlobPieces(reader.root)
    while relevant := _list_relevant(list(commits.values()), names):
        changes, _ = reader.read(relevant)
        commits.update((name, replace(commits[name], undecided=[])) for name in relevant)
        paired: dict[str, dict[str, FileOutcome]] = {}
        for name, outcomes, is_complete in _pair_commits(changes, blobs, any_alike):
            paired[name] = outcomes
            if not is_complete and name not in unreadable:
                unreadable.append(name)
        if not any_alike:
            paired = _doubt_templates(reader.root, changes, paired, notes)
        commits.update((name, replace(commits[name], outcomes=paired[name])) for name in paired)
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
            for old, (_, new) in commit.outcomes.items():
                if new and (name_key(old) in names or name_key(new) in names):
                    names |= {name_key(old), name_key(new)}
    return [one.name for one in commits if not names.isdisjoint(map(name_key, one.undecided))]


def load_value(store: LogStore | None, key: str, kind: type[V]) -> V | None:
    """Return a stored value; None if there is none of this type."""
    data = store.load(key) if store else None
    if data is not None:
        with suppress(msgspec.DecodeError):
            return msgspec.msgpack.decode(data, type=kind)
    return None


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
    new = times.keys() if output is None else set(output.decode().split())
    return [name for name in times if name in new]


def _pair_commits(
    changes: Mapping[str, FileChanges], blobs: BlobPieces, any_alike: bool
) -> Iterator[tuple[str, dict[str, FileOutcome], bool]]:
    waiting: list[str] = []
    for number, (name, files) in enumerate(changes.items(), 1):
        match_removed_files(files, blobs.plan)
        waiting.append(name)
        if len(blobs.needed) >= _BATCH or number == len(changes):
            blobs.read_needed()
            for each in waiting:
                blobs.is_complete = True
                outcomes = match_removed_files(changes[each], blobs.get, any_alike=any_alike)
                yield each, outcomes, blobs.is_complete
            waiting = []


def _doubt_templates(
    root: Path,
    changes: Mapping[str, FileChanges],
    outcomes: Mapping[str, dict[str, FileOutcome]],
    notes: PieceIndex,
) -> dict[str, dict[str, FileOutcome]]:
    renamed = {commit: list_renamed(changes[commit], found) for commit, found in outcomes.items()}
    all_renamed = {
        (commit, old): note for commit, found in renamed.items() for old, note in found.items()
    }
    names = dict.fromkeys(name for note in all_renamed.values() for name in note[:2])
    pieces = BlobPieces(root).get([*names])
    rivals = {
        (commit, old): [f"{commit}:./{path}" for path in paths if "\n" not in path]
        for (commit, old), paths in find_rivals(all_renamed, pieces, notes).items()
    }
    then = BlobPieces(root).get([name for names in rivals.values() for name in names])
    doubtful = dict[str, list[str]]()
    for (commit, old), found in rivals.items():
        note = renamed[commit][old]
        now = pieces.get(note.now) or frozenset()
        limit = choose_limit(note) * weigh_all(now)
        if any(weigh_all(now & (then.get(name) or frozenset())) > limit for name in found):
            doubtful.setdefault(commit, []).append(old)
    return {
        commit: doubt(found, renamed[commit], doubtful.get(commit, ()), pieces)
        for commit, found in outcomes.items()
    }


# -- follow files from the present back through the changes in which they vanished -----------------


class PathsNow:
    """Follows files from the present back to earlier commits.

    By vanished path, `found` has what became of the last file that was there, `vanished` a number
    that is larger for files that vanished later, and `ends` the number and path of the deletion,
    for files that do not exist.
    """

    def __init__(self, files: Collection[str]) -> None:
        self.files = files
        self._present: dict[str, FileOutcome] = {}
        self._ends: dict[str, tuple[int, str]] = {}
        self.found: dict[str, FileOutcome] = {}
        self.vanished: dict[str, int] = {}
        self.ends: dict[str, tuple[int, str]] = {}

    def go_back(self, outcomes: Mapping[str, FileOutcome], since: int) -> None:
        """Go back before a change, in which these files vanished or were replaced."""
        followed = {path: self._follow(path, outcome, since) for path, outcome in outcomes.items()}
        for path, (outcome, end) in followed.items():
            self._present[path], self._ends[path] = outcome, end
            is_known = path in self.found or outcome[0] == OutcomeKind.EMPTY
            if path not in self.files and not is_known:
                self.found[path], self.vanished[path] = outcome, since
                if not outcome[1]:
                    self.ends[path] = end

    def find(self, path: str) -> str:
        """Return where a file is now that was at a path then; "" if that is not certain."""
        kind, new = self._present.get(path, (OutcomeKind.MOVED, path if path in self.files else ""))
        return new if kind == OutcomeKind.MOVED else ""

    def _follow(
        self, path: str, outcome: FileOutcome, since: int
    ) -> tuple[FileOutcome, tuple[int, str]]:
        """Return the outcome of a file, and number and path of its last change."""
        kind, new = outcome
        if not new:
            return outcome, (since, path)
        later = self._present.get(new)
        if later is None:
            return (outcome if new in self.files else UNKNOWN), (since, path)
        # A file that was moved and then deleted is deleted under its former path too.
        is_certain = kind == OutcomeKind.MOVED
        if later[1]:
            return (later if is_certain else (kind, later[1])), self._ends[new]
        return (later if is_certain else UNKNOWN), self._ends[new]


def number_commits(commits: Sequence[LogCommit]) -> list[int]:
    """Return the time of each commit, made larger than those of earlier ones."""
    numbers: list[int] = []
    for commit in reversed(commits):
        numbers.append(max(commit.time, numbers[-1] + 1) if numbers else commit.time)
    return numbers[::-1]
