"""Change notes of a vault, and create a repository whose last commit does, like a pull request."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

CHANGED_NOTES = 20
"""The number of notes that the last commit changes."""


def list_notes(vault: Path) -> list[Path]:
    """Return the notes of a vault, sorted."""
    return sorted(vault.rglob("*.md"))


def choose_notes(vault: Path) -> list[Path]:
    """Return some notes, evenly spread."""
    notes = list_notes(vault)
    return notes[:: max(len(notes) // CHANGED_NOTES, 1)][:CHANGED_NOTES]


def change_notes(notes: Iterable[Path]) -> None:
    """Append a line with an unresolved link to each note."""
    for note in notes:
        with note.open("a", encoding="utf-8") as text:
            text.write("\nOne more line, and a [[topic that nobody wrote]].\n")


def create_history(
    vault: Path, place: Path, recording: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Copy a vault to a repository with two commits, and run a command between them."""
    shutil.copytree(vault, place)
    _run_git(place, "init", "--quiet")
    commit_changes(place, ())
    subprocess.run(
        recording, cwd=place, env=dict(environment), check=True, stdout=subprocess.DEVNULL
    )
    commit_changes(place, choose_notes(place))


def commit_changes(repository: Path, notes: Iterable[Path]) -> None:
    """Change notes and commit all files."""
    change_notes(notes)
    _run_git(repository, "add", "--all")
    _run_git(repository, "commit", "--quiet", "--message", "changes")


def _run_git(folder: Path, *words: str) -> None:
    subprocess.run(
        ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", *words),
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
