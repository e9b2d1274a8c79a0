"""Find moves and deletions with git: committed ones, staged ones and plain ones."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.files import read_regular
from vaultlink.git.location import MAX_BLOB, ReadBudget, find_git_dir
from vaultlink.git.objects import (
    RawDiffEntry,
    check_objects,
    diff_budget,
    diff_working_tree,
    find_blobs,
    list_commit_changes,
)
from vaultlink.git.program import run_git
from vaultlink.history.file_pairs import (
    MIN_MERGED,
    UNKNOWN,
    Content,
    FileChanges,
    FileOutcome,
    OutcomeKind,
    build_history,
    match_removed_files,
)
from vaultlink.history.git_log import (
    MAX_COMPARED_BYTES,
    MAX_READ_BYTES,
    LogCommit,
    LogStore,
    PathsNow,
    format_date,
    is_hidden,
    number_commits,
    read_blob_pieces,
    read_log,
)
from vaultlink.history.matcher import PieceIndex, Texts, read_data_pieces
from vaultlink.index.resolve import file_name, is_note, name_key, normalize_name
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import NO_HISTORY, UNCOMMITTED, FileStamp, History, Note
from vaultlink.parse.pieces import Pieces
from vaultlink.text import file_extension, group_by

_MIN_WHOLE = 0.9
"""The same for a new note that may be the deleted one under another name, with more text."""

_MIN_PART = 0.15
"""Minimum share of the text of a deleted note that each of several notes has."""

_MAX_EXPLAINED = 200
"""Maximum number of deleted files that are explained."""

_MAX_COMPARED = 200
"""Maximum number of notes in one commit that are searched for the text of a deleted one."""


class DeletionReasons(NamedTuple):
    """Clauses on deleted files, and the paths they may have now, by former path."""

    clauses: dict[str, str]
    now: dict[str, str]


def _explain_deletions(
    root: Path,
    commits: Mapping[int, LogCommit],
    paths: PathsNow,
    history: History,
    former: Collection[str],
    notes: Mapping[str, Note],
) -> DeletionReasons:
    """Return what happened to deleted files at `former` paths, by numbers of commits."""
    moves = history.moves
    explained = DeletionReasons({}, {})
    deletions: dict[str, list[tuple[str, str]]] = {}  # the last path, and the former one
    by_name = {commit.name: commit for commit in commits.values()}
    for path in sorted(former)[:_MAX_EXPLAINED]:
        since, last_path = paths.ends.get(path, (0, ""))
        if since in commits:
            deletions.setdefault(commits[since].name, []).append((last_path, path))
    if not deletions:
        return explained
    changes = list_commit_changes(root, list(deletions), diff_budget(root))
    entries = group_by((entry for entry in changes if is_note(entry.old)), attrgetter("commit"))
    budget = ReadBudget(root, MAX_READ_BYTES)
    for name, found in deletions.items():
        went = _find_texts(budget, root, entries.get(name, ()), {path for path, _ in found})
        for last_path, path in found:
            parts = went.get(last_path, [])
            places = [one.path if one.path in paths.files else moves.get(one.path) for one in parts]
            present = list(filter(None, places))
            if reason := _describe(by_name[name], paths.found[path][0], present):
                explained.clauses[path] = reason
            if len(parts) == len(present) == 1 and (
                file_name(parts[0].path) == file_name(last_path)
                or _has_alias(notes.get(present[0]), path)
                or (parts[0].is_new and parts[0].share >= _MIN_WHOLE)
            ):
                explained.now[path] = present[0]
    return explained


def _describe(commit: LogCommit, kind: str, went: Sequence[str]) -> str:
    names = [strip_note_extension(path) for path in went]
    if len(names) == 1:
        return f"merged into {names[0]}"
    if names:
        return f"split into {', '.join(names[:-1])} and {names[-1]}"
    return f"deleted in {commit.description}" if kind == OutcomeKind.DELETED else ""


def _has_alias(note: Note | None, path: str) -> bool:
    """Return True if the name of a path is an alias of a note."""
    name = normalize_name(strip_note_extension(file_name(path)))
    return note is not None and any(normalize_name(alias) == name for alias in note.aliases)


class _Part(NamedTuple):
    path: str
    share: float
    is_new: bool


def _find_texts(
    budget: ReadBudget, root: Path, entries: Sequence[RawDiffEntry], deleted: Collection[str]
) -> dict[str, list[_Part]]:
    """Return the notes of a commit that texts of deleted ones went into, by old path.

    It is the only one that has most of a text, or several new ones that have most of it together.
    """
    removed = [entry for entry in entries if entry.old in deleted]
    others = [entry for entry in entries if entry.status in "AM"][:_MAX_COMPARED]
    new = {entry.old for entry in others if entry.status == "A"}
    both = (name for entry in (*removed, *others) for name in (entry.blob, entry.new_blob))
    names = list(dict.fromkeys(filter(None, both)))
    pieces = read_blob_pieces(root, names, budget, ReadBudget(root, MAX_COMPARED_BYTES))

    def read(name: str) -> Pieces:
        return pieces.get(name) or frozenset()

    texts = Texts(
        {entry.old: read(entry.blob) for entry in removed},
        {entry.old: read(entry.new_blob) - read(entry.blob) for entry in others},
    )
    found: dict[str, list[_Part]] = {}
    for path in texts.old:
        weight = texts.measure(path)
        parts = [
            _Part(other, shared / weight, other in new)
            for other, shared in texts.shared[path].items()
            if weight
        ]
        whole = [part for part in parts if part.share >= MIN_MERGED]
        some = sorted(part for part in parts if part.share >= _MIN_PART and part.is_new)
        if len(whole) == 1:
            found[path] = whole
        elif not whole and len(some) > 1 and sum(part.share for part in some) >= MIN_MERGED:
            found[path] = some
    return found


# -- find moves and deletions with git: committed ones, staged ones and plain ones -----------------
# Without git, or where git fails, there is no history and no error.


_MAX_CHANGED = 500
"""Maximum number of changed notes of the working tree that are read."""


def git_history(
    root: Path,
    files: Mapping[str, FileStamp],
    notes: Mapping[str, Note],
    *,
    any_alike: bool = False,
    store: LogStore | None = None,
    wanted: Collection[str] | None = None,
) -> History:
    """Return what became of the files that vanished in commits or in the working tree.

    Where several files are equally similar, none of them is returned as moved. With `any_alike` one
    of them is, which is enough to recognise known findings. The present notes show what is common
    in the vault. The store keeps what is read from commits.

    `wanted` are name keys, such as `plan.md`, of what broken links name and of the notes with these
    links. Only for them it is found out which note was renamed and edited, and why a file was
    deleted. None follows all files, without reasons.
    """
    if find_git_dir(root) is None:
        return NO_HISTORY
    index = PieceIndex(notes)
    uncommitted = _pair_uncommitted(root, files, "HEAD", index, any_alike=any_alike)
    if uncommitted is None:
        return NO_HISTORY
    paths = PathsNow(files)
    paths.go_back(uncommitted, UNCOMMITTED)
    log = read_log(root, files, index, store, wanted, any_alike=any_alike)
    commits = dict(zip(number_commits(log.commits), log.commits, strict=True))
    for since, commit in commits.items():
        paths.go_back(commit.outcomes, since)
    history = build_history(paths.found, paths.vanished).within(files)
    former = [path for path in paths.ends if name_key(path) in wanted] if wanted else []
    reasons = _explain_deletions(root, commits, paths, history, former, notes)
    likely = {path: now for path, now in reasons.now.items() if now in files}
    return replace(
        history,
        likely_moves={**history.likely_moves, **likely},
        reasons=reasons.clauses,
        blind_spots=tuple(log.describe_unseen()),
    )


def find_moves_since(
    root: Path,
    files: Mapping[str, FileStamp],
    notes: Mapping[str, Note],
    commit: str = "HEAD",
    *,
    any_alike: bool = False,
) -> dict[str, str]:
    """Return where the files of a commit went; another file may have their path now."""
    if find_git_dir(root) is None:
        return {}
    index = PieceIndex(notes)
    outcomes = _pair_uncommitted(
        root, files, commit, index, any_alike=any_alike, finds_replaced=True
    )
    return {
        old: new
        for old, (kind, new) in (outcomes or {}).items()
        if kind == OutcomeKind.MOVED and new in files and file_extension(old) == file_extension(new)
    }


def _pair_uncommitted(
    root: Path,
    files: Mapping[str, FileStamp],
    commit: str,
    notes: PieceIndex,
    *,
    any_alike: bool = False,
    finds_replaced: bool = False,
) -> dict[str, FileOutcome] | None:
    """Return what became of a commit's files in the working tree; None if git fails."""
    entries = diff_working_tree(root, commit)
    if entries is None:
        return None
    tree = _WorkingTree(root, files)
    changes = tree.find_changes(entries, finds_replaced=finds_replaced)
    examples = None if any_alike else notes
    return match_removed_files(changes, tree.read, examples, any_alike=any_alike)


class _WorkingTree:
    """The files of the working tree, by blob name, or by path if unknown to git."""

    def __init__(self, root: Path, files: Mapping[str, FileStamp]) -> None:
        self._root, self._files = root, files
        self._paths: dict[str, str] = {}
        self._budget = ReadBudget(root, MAX_READ_BYTES)
        self._kept = ReadBudget(root, MAX_COMPARED_BYTES)

    def find_changes(self, entries: Iterable[RawDiffEntry], *, finds_replaced: bool) -> FileChanges:
        removed: dict[str, str] = {}
        added: dict[str, str] = {}
        changed: dict[str, str] = {}
        for entry in entries:
            path, is_present = entry.old, entry.old in self._files
            if is_hidden(path):
                continue
            if entry.status == "A" and is_present:
                added[path] = entry.new_blob
            elif entry.status != "A" and not is_present:
                removed[path] = entry.blob
            elif entry.status != "A" and is_note(path):
                changed[path] = entry.blob
        if not finds_replaced and not removed:
            return FileChanges({}, {}, {})
        added.update(dict.fromkeys(self._list_untracked((*removed, *changed)), ""))
        if len(changed) > _MAX_CHANGED:
            changed = {}
        sizes = self._read_sizes({*removed.values(), *changed.values()})
        names = {
            path: name or self._name_content(path, sizes)
            for path, name in {**dict.fromkeys(changed, ""), **added}.items()
        }
        return FileChanges(
            removed,
            {path: names[path] for path in added},
            {path: (blob, names[path]) for path, blob in changed.items() if blob != names[path]},
            may_be_swapped=True,
        )

    def _list_untracked(self, former: Collection[str]) -> Iterable[str]:
        output = run_git(self._root, "ls-files", "-z") if former else None
        if output is None:
            return ()
        tracked, extensions = set(os.fsdecode(output).split("\0")), set(map(file_extension, former))
        untracked = [path for path in self._files if path not in tracked]
        return [path for path in untracked if file_extension(path) in extensions]

    def _read_sizes(self, blobs: Collection[str]) -> Mapping[int, int]:
        """Return the sizes of blobs, each with the length of the blob's name."""
        found = check_objects(self._root, blobs, "%(objectsize)")
        return {
            int(words[0]): len(blob)
            for blob, words in zip(blobs, found, strict=False)
            if len(words) == 1 and words[0].isdigit()
        }

    def _name_content(self, path: str, sizes: Mapping[int, int]) -> str:
        name = f"file {path}"
        size = self._files[path].size
        data = self._read_file(path) if size in sizes else None
        if data is not None:
            from hashlib import sha1, sha256  # noqa: PLC0415 - slow to import: it loads OpenSSL

            hash_function = sha256 if sizes[size] == 64 else sha1
            name = hash_function(b"blob %d\0" % len(data) + data).hexdigest()
        self._paths[name] = path
        return name

    def read(self, contents: Collection[Content]) -> Mapping[Content, Pieces | None]:
        names = [str(content) for content in contents]
        found: dict[Content, Pieces | None] = {
            name: read_data_pieces(self._read_file(self._paths[name]))
            for name in names
            if name in self._paths
        }
        blobs = [name for name in names if name not in found]
        return found | read_blob_pieces(self._root, blobs, self._budget, self._kept)

    def _read_file(self, path: str) -> bytes | None:
        if is_note(path) and self._files[path].size > MAX_BLOB:
            return None
        try:
            return read_regular(self._root / path)
        except OSError:
            return None


# -- the former paths of one note, as the commits of git show them ---------------------------------
# Without git, or where git fails, there are none and no error.


class CommitMark(NamedTuple):
    """A commit: its abbreviated hash, and its date such as "2026-05-02"."""

    commit: str
    date: str


class FormerPath(NamedTuple):
    """A former path of a note; `until` is the commit that renamed it, if known."""

    path: str
    until: CommitMark | None


class NoteHistory(NamedTuple):
    """The past of a note, from git: its former paths, the latest one first.

    `created` and `deleted` are the commits that did that, as far as they are known.
    """

    paths: tuple[FormerPath, ...] = ()
    created: CommitMark | None = None
    deleted: CommitMark | None = None


_DELETIONS = frozenset((OutcomeKind.DELETED, OutcomeKind.EMPTY))

NO_NOTE_HISTORY = NoteHistory()


def read_note_history(root: Path, commits: Sequence[LogCommit], path: str) -> NoteHistory:
    """Return what git knows of the note that is, or was last, at a vault path.

    A copy of another note begins with its own creation. `commits` are those in which files
    vanished, the latest one first.
    """
    if find_git_dir(root) is None:
        return NO_NOTE_HISTORY
    paths: list[FormerPath] = []
    deleted, since = None, "HEAD"
    may_be_deleted = not find_blobs(root, [f"HEAD:./{path}"])
    for commit in commits:
        former = [
            old for old, outcome in commit.outcomes.items() if outcome == (OutcomeKind.MOVED, path)
        ]
        if former:
            path = former[0]
            paths.append(FormerPath(path, _mark(commit)))
        elif may_be_deleted and commit.outcomes.get(path, UNKNOWN)[0] in _DELETIONS:
            deleted = _mark(commit)
        elif path in commit.outcomes:
            break  # another file was at this path before
        else:
            continue
        may_be_deleted, since = False, f"{commit.name}^"
    return NoteHistory(tuple(paths), _find_creation(root, since, path), deleted)


def _mark(commit: LogCommit) -> CommitMark:
    return CommitMark(commit.name[:7], format_date(commit.time))


def _find_creation(root: Path, since: str, path: str) -> CommitMark | None:
    """Return the last commit up to another one that added a file."""
    output = run_git(
        root,
        *("log", "-1", "--diff-filter=A", "--no-renames", "--format=%h%x00%ct", "--abbrev=7"),
        *("--no-show-signature", "--no-color", since, "--", f":(literal){path}"),
        ok_codes=(0, 128),
    )
    name, _, time = os.fsdecode(output or b"").strip().partition("\0")
    return CommitMark(name, format_date(int(time))) if time.isdigit() else None
