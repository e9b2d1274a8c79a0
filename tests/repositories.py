"""Real git repositories for tests, isolated from the git settings of the machine."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from machine import require_program
from vaultlink.disk.scan import list_files
from vaultlink.history.git_renames import git_history
from vaultlink.model import History, Note
from vaultlink.parse.note import parse_note

COMMIT_DATE = "2024-01-30T12:00:00Z"
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_AUTHOR_DATE": COMMIT_DATE,
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_COMMITTER_DATE": COMMIT_DATE,
}
"""Variables with which git uses its defaults and a fixed author and date: equal commits have equal hashes."""


def git(root: Path, *command: str) -> str:
    """Run git and return its output. Without git, the test is skipped."""
    return subprocess.run(
        [require_program("git"), "-C", str(root), *command],
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **GIT_ENVIRONMENT},
    ).stdout


def update_files(root: Path, notes: Mapping[str, str | bytes | None]) -> None:
    """Write files; None deletes a file."""
    for path, text in notes.items():
        file = root / path
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)


def commit(root: Path) -> str:
    """Commit everything and return the hash."""
    git(root, "add", "--all")
    quick = ("-c", "maintenance.auto=false")  # git starts another process otherwise
    git(root, *quick, "commit", "--quiet", "--allow-empty", "--message", "a step")
    return read_head(root)


def read_head(root: Path) -> str:
    """Return the hash of the last commit, if possible without git: it writes that of a branch into a file."""
    head = root / ".git" / "HEAD"
    if head.is_file():
        branch = head.parent / head.read_text().removeprefix("ref: ").strip()
        if branch.is_file():
            return branch.read_text().strip()
    return git(root, "rev-parse", "HEAD").strip()


def create_repository(root: Path, notes: Mapping[str, str | bytes | None]) -> Path:
    """Create a repository with one commit."""
    for path, data in read_empty_repository().items():
        if data is None:
            (root / ".git" / path).mkdir(parents=True, exist_ok=True)
        else:
            (root / ".git" / path).write_bytes(data)
    update_files(root, notes)
    commit(root)
    return root


@cache
def read_empty_repository() -> dict[str, bytes | None]:
    """Return the folders (None) and files of a repository without commits: this process lets git create one only."""
    with tempfile.TemporaryDirectory() as folder:
        git(Path(folder), "init", "--quiet", "--initial-branch", "main")
        made = Path(folder, ".git")
        return {
            path.relative_to(made).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted((made, *made.rglob("*")))
            if path.suffix != ".sample"
        }


def read_notes(root: Path) -> dict[str, Note]:
    """Return the notes of a vault."""
    return {
        path: parse_note(path, (root / path).read_bytes().decode("utf-8", "replace"))
        for path in list_files(root).files
        if path.endswith(".md")
    }


def read_history(root: Path, **options: Any) -> History:
    """Return what git knows of the files of a vault that vanished."""
    return git_history(root, list_files(root).files, read_notes(root), **options)
