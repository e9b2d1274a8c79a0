"""Real git repositories for tests, which nothing of the machine's own settings of git bears on."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

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
"""The environment in which git knows nothing but its own defaults, and who commits when: equal commits have equal names."""


def git(root: Path, *command: str) -> str:
    """What git prints."""
    return subprocess.run(
        ["git", "-C", str(root), *command],
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **GIT_ENVIRONMENT},
    ).stdout


def update_files(root: Path, notes: Mapping[str, str | bytes | None]) -> None:
    """Make files hold texts; None takes a file away."""
    for path, text in notes.items():
        file = root / path
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)


def commit(root: Path) -> str:
    """Commit everything; the commit's name."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "a step")
    return git(root, "rev-parse", "HEAD").strip()


def create_repository(root: Path, notes: Mapping[str, str | bytes | None]) -> Path:
    """A repository with one commit."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "--quiet", "--initial-branch", "main")
    update_files(root, notes)
    commit(root)
    return root
