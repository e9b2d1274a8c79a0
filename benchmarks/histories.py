"""Create a git repository whose last commit changes some notes, like a pull request."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

CHANGED_NOTES = 20
"""The number of notes that the last commit changes."""


def create_history(
    vault: Path, place: Path, recording: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Copy a vault to a repository with two commits, and run a command between them."""
    shutil.copytree(vault, place)

    def git(*words: str) -> None:
        subprocess.run(
            ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", *words),
            cwd=place,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "before")
    subprocess.run(
        recording, cwd=place, env=dict(environment), check=True, stdout=subprocess.DEVNULL
    )
    notes = sorted(place.rglob("*.md"))
    for note in notes[:: max(len(notes) // CHANGED_NOTES, 1)][:CHANGED_NOTES]:
        with note.open("a", encoding="utf-8") as text:
            text.write("\nOne more line, and a [[topic that nobody wrote]].\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "after")
