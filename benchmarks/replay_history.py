"""Read the history of a vault from a git repository, and write states of it to work trees.

Nothing of the repository is run: its objects are borrowed by a repository in a temporary folder,
whose git calls are those of vaultlink. Files keep their bytes.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from vaultlink.git.location import ReadBudget
from vaultlink.git.objects import read_blobs
from vaultlink.git.program import run_git
from vaultlink.index.resolve import PathsByName, is_note, name_key
from vaultlink.model import Note
from vaultlink.parse.note import parse_note

PROBE = "zz-probe.md"
"""The note with the links that the script adds."""

Tree = Mapping[str, str]
"""Path to the object name of a file's content."""

_KEPT_NAMES = (".obsidian/app.json", ".gitignore")
_KEPT_SUFFIXES = (".md", ".canvas", ".base")
_MAX_KEPT_TREES = 32


class FileChange(NamedTuple):
    """A change of a file in a commit, without renames; object names are zeros if absent."""

    status: str
    old_blob: str
    new_blob: str
    path: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit on the first-parent line and its changes compared with the one before it."""

    name: str
    is_merge: bool
    changes: Sequence[FileChange]

    def list_notes(self, status: str) -> list[FileChange]:
        """Return the changes of visible notes with a status (A, D or M)."""
        return [
            item
            for item in self.changes
            if item.status == status and is_note(item.path) and is_visible(item.path)
        ]


def is_visible(path: str) -> bool:
    """Return True if Obsidian shows a file of this path."""
    return not path.startswith(".") and "/." not in path


def is_storable(path: str) -> bool:
    """Return True if a path of a tree can be written below a folder."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)


def name_history(source: Path) -> str:
    """Return the name of a repository's folder, without those that a mirror adds."""
    path = source.resolve()
    return path.parent.name if path.name in ("repo", ".git") else path.name.removesuffix(".git")


def read_head(git_dir: Path) -> str:
    """Return the object name of HEAD. Raises SystemExit if there is none."""
    value = (git_dir / "HEAD").read_text(encoding="utf-8").strip()
    if value.startswith("ref:"):
        name = value[4:].strip()
        file, packed = git_dir / name, git_dir / "packed-refs"
        lines = packed.read_text(encoding="utf-8").splitlines() if packed.exists() else []
        value = next((line.split()[0] for line in lines if line.endswith(f" {name}")), "")
        value = file.read_text(encoding="utf-8").strip() if file.exists() else value
    if not value:
        raise SystemExit(f"{git_dir}: HEAD names no commit")
    return value


@dataclass
class History:
    """The commits of a vault, oldest first, and their files.

    `root` is a repository without files of its own that borrows the objects of `source`.
    """

    source: Path
    root: Path
    _contents: dict[str, bytes | None] = field(default_factory=dict)
    _lines: dict[str, frozenset[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        git_dir = self.source / ".git" if (self.source / ".git").is_dir() else self.source
        if not (git_dir / "objects").is_dir():
            raise SystemExit(f"{self.source} is not a git repository")
        self.head = read_head(git_dir)
        create_repository(self.root, git_dir)
        self.read_tree = lru_cache(_MAX_KEPT_TREES)(self._read_tree)
        self.read_names = lru_cache(_MAX_KEPT_TREES)(self._read_names)

    @cached_property
    def name(self) -> str:
        """Return the name of the history."""
        return name_history(self.source)

    def call_git(self, *words: str, stdin: bytes | None = None) -> bytes:
        """Run git in the borrowing repository. Raises SystemExit if it fails."""
        output = run_git(self.root, *words, stdin=stdin)
        if output is None:
            raise SystemExit(f"{self.source}: git {words[0]} failed")
        return output

    @cached_property
    def commits(self) -> list[Commit]:
        """The first-parent line of HEAD, oldest first; merges are compared with their parent."""
        output = self.call_git(
            *("log", "--first-parent", "-m", "--raw", "-z", "--no-renames", "--no-abbrev"),
            *("--reverse", "--format=%x01%H %P", self.head),
        )
        found: list[Commit] = []
        changes: list[FileChange] = []
        fields = iter(os.fsdecode(output).split("\0"))
        for item in fields:
            text = item.lstrip("\n")
            if text.startswith("\1"):
                name, *parents = text[1:].split()
                changes = []
                found.append(Commit(name, len(parents) > 1, changes))
            elif text.startswith(":"):
                _, mode, old, new, status = text[1:].split(" ")
                path = next(fields)
                if mode in ("000000", "100644", "100755") and is_storable(path):
                    changes.append(FileChange(status[:1], old, new, path))
        return found

    def _read_tree(self, commit: str) -> Tree:
        """Return the plain files of a commit that can be written."""
        output = self.call_git("ls-tree", "-r", "-z", commit)
        entries = [entry.partition("\t") for entry in os.fsdecode(output).split("\0")[:-1]]
        return {
            path: words.split()[2]
            for words, _, path in entries
            if words.startswith("100") and is_storable(path)
        }

    def _read_names(self, commit: str) -> PathsByName:
        """Return the names of the visible files of a commit."""
        return group_names(self.read_tree(commit))

    def load(self, blobs: Iterable[str]) -> None:
        """Read contents, so that `read_bytes` finds them."""
        missing = sorted({blob for blob in blobs if blob not in self._contents})
        if missing:
            budget = ReadBudget(self.root, sys.maxsize)  # this history is trusted
            contents = read_blobs(self.root, missing, budget, sys.maxsize)
            self._contents.update(zip(missing, contents, strict=True))

    def read_bytes(self, blob: str) -> bytes:
        """Return a content; empty if the repository lacks it."""
        self.load((blob,))
        return self._contents[blob] or b""

    def read_text(self, blob: str) -> str:
        """Return a note's text without byte order mark."""
        return decode_text(self.read_bytes(blob))

    def hash_lines(self, blob: str) -> frozenset[int]:
        """Return the hashes of a note's lines, without blank ones and spaces around them."""
        if blob not in self._lines:
            self._lines[blob] = frozenset(map(hash, split_text(self.read_text(blob))))
        return self._lines[blob]


def decode_text(content: bytes) -> str:
    """Return a note's text without byte order mark."""
    return content.decode("utf-8", "replace").removeprefix("\ufeff")


def split_text(text: str) -> list[str]:
    """Return the lines of a text that have letters or digits, without spaces around them."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if any(char.isalnum() for char in line)]


def group_names(paths: Iterable[str]) -> PathsByName:
    """Return the visible files by their name key."""
    groups: dict[str, list[str]] = {}
    for path in sorted(filter(is_visible, paths)):
        groups.setdefault(name_key(path), []).append(path)
    return {key: tuple(group) for key, group in groups.items()}


@lru_cache(4096)
def parse_text(path: str, text: str) -> Note:
    """Parse a note; cached."""
    return parse_note(path, text)


# -- repositories and work trees ------------------------------------------------------------------


def create_repository(root: Path, git_dir: Path) -> None:
    """Create a repository that borrows the objects of another one."""
    root.mkdir(parents=True)
    info = root / ".git" / "objects" / "info"
    info.mkdir(parents=True)
    (root / ".git" / "refs").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
    (root / ".git" / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tautocrlf = false\n\tquotePath = false\n",
        encoding="utf-8",
    )
    (info / "alternates").write_text(f"{(git_dir / 'objects').resolve()}\n", encoding="utf-8")
    if (git_dir / "shallow").exists():
        shutil.copyfile(git_dir / "shallow", root / ".git" / "shallow")


class WorkTree:
    """A folder with the files of one state at a time."""

    def __init__(self, folder: Path, history: History):
        self.folder, self._history = folder, history
        self._files: dict[str, str] = {}
        self._probe: str | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def switch(self, tree: Tree, probe: str) -> None:
        """Write a state and the probe; unchanged files keep their times."""
        wanted = {path: self._choose_content(path, blob) for path, blob in tree.items()}
        self._history.load(blob for blob in wanted.values() if blob)
        for path in self._files.keys() - wanted.keys():
            self._remove(path)
        for path, blob in wanted.items():
            if self._files.get(path) != blob:
                file = self.folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(self._history.read_bytes(blob) if blob else b"")
        self._files = wanted
        if probe != self._probe:
            (self.folder / PROBE).unlink(missing_ok=True)
            if probe:
                (self.folder / PROBE).write_bytes(probe.encode("utf-8", "surrogateescape"))
            self._probe = probe

    def _choose_content(self, path: str, blob: str) -> str:
        """Return the object to write; "" for an empty file."""
        kept = path.lower().endswith(_KEPT_SUFFIXES) or path.endswith(_KEPT_NAMES)
        return blob if kept else ""

    def _remove(self, path: str) -> None:
        file = self.folder / path
        file.unlink()
        for parent in file.parents:
            if parent == self.folder or any(parent.iterdir()):
                break
            parent.rmdir()

    def list_empty(self) -> list[str]:
        """Return the files whose content was left out."""
        return [path for path, blob in self._files.items() if not blob]


def add_probe(history: History, commits: Sequence[str], probe: str) -> list[str]:
    """Write commits that are equal to the given ones and have the probe too.

    Each of them is the only parent of the next one; the first keeps its parents.
    """
    blob = _write_object(history, "blob", probe.encode("utf-8", "surrogateescape"))
    written: list[str] = []
    for commit in commits:
        entries = history.call_git("ls-tree", "-z", commit).split(b"\0")[:-1]
        entries = [entry for entry in entries if not entry.endswith(b"\t" + PROBE.encode())]
        entries.append(f"100644 blob {blob}\t{PROBE}".encode())
        tree = history.call_git("mktree", "-z", "--missing", stdin=b"\0".join((*entries, b"")))
        written.append(_copy_commit(history, commit, tree.decode().strip(), written[-1:]))
    return written


def _copy_commit(history: History, commit: str, tree: str, parents: Sequence[str]) -> str:
    """Write a commit with another tree, without its signature; no `parents` keeps the old ones."""
    head, _, message = history.call_git("cat-file", "commit", commit).partition(b"\n\n")
    lines = head.split(b"\n")
    kept = [line for line in lines if line.startswith((b"author ", b"committer ", b"encoding "))]
    named = [line for line in lines if line.startswith(b"parent ")]
    if parents:
        named = [f"parent {parent}".encode() for parent in parents]
    text = b"\n".join((f"tree {tree}".encode(), *named, *kept)) + b"\n\n" + message
    return _write_object(history, "commit", text)


def _write_object(history: History, kind: str, data: bytes) -> str:
    output = history.call_git("hash-object", "-t", kind, "-w", "--stdin", "--literally", stdin=data)
    return output.decode().strip()


def check_out(history: History, tree: WorkTree, commit: str) -> None:
    """Let a work tree's repository have a commit as HEAD; the files are not written."""
    git_dir = tree.folder / ".git"
    if not git_dir.exists():
        shutil.copytree(history.root / ".git", git_dir, ignore=shutil.ignore_patterns("objects"))
        info = git_dir / "objects" / "info"
        info.mkdir(parents=True)
        (info / "alternates").write_text(
            f"{(history.root / '.git' / 'objects').resolve()}\n", encoding="utf-8"
        )
    (git_dir / "HEAD").write_text(f"{commit}\n", encoding="utf-8")
    run_git(tree.folder, "read-tree", "--reset", commit)
    skipped = "\0".join((*tree.list_empty(), ""))
    run_git(
        tree.folder,
        *("update-index", "-z", "--skip-worktree", "--stdin"),
        stdin=os.fsencode(skipped),
    )
    run_git(tree.folder, "update-index", "-q", "--refresh", ok_codes=(0, 1))
