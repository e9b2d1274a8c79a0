"""Find moves and deletions with git: committed ones, staged ones and plain ones.

Without git, or where git fails, there is no history and no error.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha1, sha256
from pathlib import Path

from msgspec.structs import replace

from vaultlink.files import read_regular
from vaultlink.git.location import find_git_dir
from vaultlink.git.objects import RawDiffEntry, check_objects, diff_working_tree, read_blobs
from vaultlink.git.program import run_git
from vaultlink.history.file_pairs import (
    Content,
    Fate,
    FateKind,
    FileChanges,
    pair_files,
)
from vaultlink.history.follow import UNCOMMITTED, build_history
from vaultlink.history.git_changes import is_hidden
from vaultlink.history.git_log import LogStore, read_log
from vaultlink.history.git_reasons import explain_deletions
from vaultlink.history.matcher import Pieces, read_data_pieces
from vaultlink.history.paths_now import PathsNow, number_commits
from vaultlink.history.piece_index import PieceIndex
from vaultlink.index.resolve import is_note, name_key
from vaultlink.model import NO_HISTORY, FileStamp, History, Note
from vaultlink.text import file_extension

_MAX_BYTES = 4_000_000
"""Size from which a file of the working tree is not compared by content."""

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
        paths.go_back(commit.fates, since)
    history = build_history(paths.found, paths.gone).within(files)
    former = [path for path in paths.ends if name_key(path) in wanted] if wanted else []
    reasons = explain_deletions(root, commits, paths, history.moves, former)
    likely = {path: now for path, now in reasons.now.items() if now in files}
    return replace(
        history,
        likely={**history.likely, **likely},
        reasons=reasons.clauses,
        unseen=tuple(log.describe_unseen()),
    )


def moves_since(
    root: Path,
    files: Mapping[str, FileStamp],
    notes: Mapping[str, Note],
    commit: str = "HEAD",
    *,
    any_alike: bool = False,
) -> dict[str, str]:
    """Return where the files of a commit went, in commits or in the working tree.

    Those are included whose path another file has now.
    """
    if find_git_dir(root) is None:
        return {}
    index = PieceIndex(notes)
    fates = _pair_uncommitted(root, files, commit, index, any_alike=any_alike, finds_replaced=True)
    return {
        old: new
        for old, (kind, new) in (fates or {}).items()
        if kind == FateKind.MOVED and new in files and file_extension(old) == file_extension(new)
    }


# -- the working tree -----------------------------------------------------------------------------


def _pair_uncommitted(
    root: Path,
    files: Mapping[str, FileStamp],
    commit: str,
    notes: PieceIndex,
    *,
    any_alike: bool = False,
    finds_replaced: bool = False,
) -> dict[str, Fate] | None:
    """Return what became of the files of a commit that vanished from the working tree.

    With `finds_replaced` replaced files are found too if no file vanished. None if git fails.
    """
    entries = diff_working_tree(root, commit)
    if entries is None:
        return None
    tree = _WorkingTree(root, files)
    changes = tree.find_changes(entries, finds_replaced=finds_replaced)
    return pair_files(changes, tree.read, None if any_alike else notes, any_alike=any_alike)


class _WorkingTree:
    """The files of the working tree, by blob name, or by path if unknown to git."""

    def __init__(self, root: Path, files: Mapping[str, FileStamp]) -> None:
        self._root, self._files = root, files
        self._paths: dict[str, str] = {}

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
        """Return the files that git does not track, with the extensions of former ones."""
        tracked = run_git(self._root, "ls-files", "-z") if former else None
        if tracked is None:
            return ()
        tracked_paths = set(os.fsdecode(tracked).split("\0"))
        extensions = {file_extension(path) for path in former}
        return [
            path
            for path in self._files
            if path not in tracked_paths and file_extension(path) in extensions
        ]

    def _read_sizes(self, blobs: Collection[str]) -> Mapping[int, int]:
        """Return the sizes of blobs, each with the length of the blob's name."""
        found = check_objects(self._root, blobs, "%(objectsize)")
        return {
            int(words[0]): len(blob)
            for blob, words in zip(blobs, found, strict=False)
            if len(words) == 1 and words[0].isdigit()
        }

    def _name_content(self, path: str, sizes: Mapping[int, int]) -> str:
        """Return the blob name of a file if a blob has its size; else its path."""
        name = f"file {path}"
        size = self._files[path].size
        data = self._read_file(path) if size in sizes else None
        if data is not None:
            hash_function = sha256 if sizes[size] == 64 else sha1
            name = hash_function(b"blob %d\0" % len(data) + data).hexdigest()
        self._paths[name] = path
        return name

    def read(self, contents: Collection[Content]) -> Mapping[Content, Pieces | None]:
        names = [str(content) for content in contents]
        found = {name: self._read_file(self._paths[name]) for name in names if name in self._paths}
        blobs = [name for name in names if name not in found]
        found.update(zip(blobs, read_blobs(self._root, blobs), strict=True))
        return {name: read_data_pieces(data) for name, data in found.items()}

    def _read_file(self, path: str) -> bytes | None:
        if is_note(path) and self._files[path].size > _MAX_BYTES:
            return None
        try:
            return read_regular(self._root / path)
        except OSError:
            return None
