"""Tests of moves in git: staged on request, else the index stays byte for byte."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from machine import require_program
from running import create_vault, write_files
from vaultlink.model import PendingWrite
from vaultlink.write.git_moves import stage_moves
from vaultlink.write.journal import record_and_write

TEXT = "".join(f"line {number}\n" for number in range(30))
FILES = {
    "a.md": TEXT + "[[b]]\n",
    "b.md": TEXT + "b\n",
    "Ordner ö/x y.md": TEXT + "x\n",
    'Ordner ö/"z".md': TEXT + "z\n",
    "run.sh": "#!/bin/sh\n" + TEXT,
}
MOVES = {"b.md": "c/d.md", "Ordner ö": "Ordner 2", "run.sh": "bin/run.sh", "new.md": "new 2.md"}
MOVED_FILES = {
    "b.md": "c/d.md",
    "Ordner ö/x y.md": "Ordner 2/x y.md",
    'Ordner ö/"z".md': 'Ordner 2/"z".md',
    "run.sh": "bin/run.sh",
    "new.md": "new 2.md",
}
EDIT = PendingWrite("a.md", FILES["a.md"].encode(), (TEXT + "[[d]]\n").encode())


def git(folder: Path, *words: str) -> bytes:
    """Run git and return its output."""
    name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    return subprocess.run(
        [require_program("git"), *name, *words], cwd=folder, check=True, capture_output=True
    ).stdout


def git_folder(folder: Path) -> Path:
    """Return the folder of the repository's data."""
    return Path(os.fsdecode(git(folder, "rev-parse", "--absolute-git-dir")).strip())


def status(folder: Path) -> list[str]:
    """Return the lines of `git status`, a renamed file with its old path behind the new one."""
    words = ("status", "--porcelain", "-z", "--untracked-files=all", "--find-renames")
    fields = iter(os.fsdecode(git(folder, *words)).split("\0")[:-1])
    return sorted(f"{item} < {next(fields)}" if "R" in item[:2] else item for item in fields)


@pytest.fixture(params=["", "vault"])
def vault(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Create a vault in a repository, at its top or in a folder, with a file git does not track."""
    top = tmp_path / "repository"
    root = create_vault(top / request.param, FILES)
    (root / "run.sh").chmod(0o755)
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "x")
    write_files(root, {"new.md": "new\n"})
    return root


def move(vault: Path, moves: Mapping[str, str] = MOVES) -> None:
    """Move files and edit a link to one of them."""
    result = record_and_write(vault, "rename", "", [EDIT], moves=moves)
    assert (result.skipped, len(result.moved)) == ((), len(moves))


def test_without_staging_the_index_stays_and_git_finds_renames(vault: Path) -> None:
    index = git_folder(vault) / "index"
    before = index.read_bytes()
    move(vault)
    assert index.read_bytes() == before
    git(vault, "add", "-A")
    top = os.fsdecode(git(vault, "rev-parse", "--show-prefix")).strip()
    assert status(vault) == sorted(
        [f"M  {top}a.md", f"A  {top}new 2.md"]
        + [f"R  {top}{new} < {top}{old}" for old, new in MOVED_FILES.items() if old != "new.md"]
    )


def test_moves_are_staged_and_edits_are_not(vault: Path) -> None:
    move(vault)
    assert stage_moves(vault, MOVED_FILES) is None
    top = os.fsdecode(git(vault, "rev-parse", "--show-prefix")).strip()
    assert status(vault) == sorted(
        [f" M {top}a.md", f"?? {top}new 2.md"]
        + [f"R  {top}{new} < {top}{old}" for old, new in MOVED_FILES.items() if old != "new.md"]
    )
    assert b"100755" in git(vault, "ls-files", "-s", "bin/run.sh")


def test_edited_and_moved_file_is_staged_with_its_old_text(vault: Path) -> None:
    write_files(vault, {"b.md": TEXT + "B\n"})
    move(vault)
    assert stage_moves(vault, MOVED_FILES) is None
    assert git(vault, "show", ":./c/d.md") == FILES["b.md"].encode()


def test_exchanged_names_are_staged(vault: Path) -> None:
    record_and_write(vault, "rename", "", [], moves={"a.md": "b.md", "b.md": "a.md"})
    assert stage_moves(vault, {"a.md": "b.md", "b.md": "a.md"}) is None
    assert git(vault, "show", ":./a.md") == FILES["b.md"].encode()
    assert git(vault, "show", ":./b.md") == FILES["a.md"].encode()
    assert git(vault, "diff") == b""


def test_files_of_other_repositories_are_refused(vault: Path) -> None:
    git(vault, "init", "-q", "c")
    index = git_folder(vault) / "index"
    before = index.read_bytes()
    move(vault)
    assert stage_moves(vault, MOVED_FILES) == "c is a git repository of its own."
    assert index.read_bytes() == before


def test_index_in_use_is_reported(vault: Path) -> None:
    move(vault)
    (git_folder(vault) / "index.lock").touch()
    assert stage_moves(vault, MOVED_FILES) == (
        "git can't write its index. Another program may be using the repository."
    )


def test_vault_outside_a_repository(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", FILES)
    assert stage_moves(vault, MOVED_FILES) == f"{vault} is in no git repository."
