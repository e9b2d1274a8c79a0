"""Tests that temporary files of killed commands are removed, and nobody else's."""

import fcntl
import os
import shlex
import subprocess
import sys
import time
from errno import EIO
from pathlib import Path

import pytest

from repositories import create_repository
from running import RunCommand, create_vault
from tables import each
from vaultlink.model import PendingWrite
from vaultlink.write.journal import record_run
from vaultlink.write.own_files import remove_folder_leftovers

KILL = """
import os, signal, sys

def kill(event, _arguments):
    if event in ("os.rename", "os.link"):
        os.kill(os.getpid(), signal.SIGKILL)

from vaultlink.__main__ import main
sys.addaudithook(kill)
sys.exit(main(sys.argv[1:]))
"""
"""Runs vaultlink, and kills it when a file that it wrote gets its name."""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault in a folder of a repository, and enter it."""
    repo = create_repository(
        tmp_path / "repo", {"notes/a.md": "[[b]] [[B.md]]\n", "notes/b.md": ""}
    )
    (repo / "notes/.obsidian").mkdir()
    monkeypatch.chdir(repo / "notes")
    return repo / "notes"


def find_leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".vaultlink-*.tmp"))


def find_ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def kill_command(line: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILL, *shlex.split(line), "--no-cache"]
        if not line.startswith("init")
        else [sys.executable, "-c", KILL, *shlex.split(line)],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.thorough
@each(
    "line",
    [
        "report --json --output report.json",
        "report --json --output ../report.json",
        "links --output-file links.tsv",
        "init",
        "init --ci github --package vaultlink",
        "init --ci gitlab --package vaultlink",
        "init --ci pre-commit --package vaultlink",
    ],
)
def test_same_command_removes_what_it_left_when_it_was_killed(
    run: RunCommand, vault: Path, line: str
) -> None:
    repo = vault.parent
    kill_command(line, vault)
    assert len(find_leftovers(repo)) == 1
    assert run(*shlex.split(line)).code == 0
    assert find_leftovers(repo) == []


@pytest.mark.thorough
@each("line", ["fix", "baseline", "rename b c", "init", "init --ci github"])
def test_commands_that_write_remove_what_killed_ones_left(
    run: RunCommand, vault: Path, line: str
) -> None:
    repo = vault.parent
    for command in ("init --ci github --package vaultlink", "report --json --output r.json"):
        kill_command(command, vault)
    (repo / ".github/workflows/vaultlink.yml").touch()
    assert len(find_leftovers(repo)) == 2
    run(*line.split())
    assert find_leftovers(repo) == []


def test_file_in_a_hidden_folder_is_removed_though_the_system_refused_first(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No scan finds it; `init --agents` was killed, and its folders are empty."""
    path = ".claude/skills/vaultlink/SKILL.md"
    name = record_run(vault, "vaultlink init", "", [PendingWrite(path, None, b"skill")]).id
    stray = vault / path.replace("SKILL.md", f".vaultlink-{name}-0.tmp")
    foreign = stray.with_name(".vaultlink-20200101-000000-abcd-0.tmp")
    stray.parent.mkdir(parents=True)
    stray.touch()
    foreign.touch()
    unlink = os.unlink

    def refuse(file: str, **more: int) -> None:
        if str(file).endswith(".tmp"):
            raise OSError(EIO, os.strerror(EIO))
        unlink(file, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        run("fix")
    assert stray.exists()
    run("fix")
    assert (stray.exists(), foreign.exists()) == (False, True)
    foreign.unlink()
    stray.touch()
    run("fix")
    assert not (vault / ".claude").exists()


def test_reading_commands_remove_nothing(run: RunCommand, vault: Path) -> None:
    kill_command("init", vault)
    for line in ("check", "links", "doctor", "fix --diff", "init --diff", "undo --list"):
        run(*line.split())
    assert len(find_leftovers(vault)) == 1


# -- what is not removed --------------------------------------------------------------------------------------------------


def test_file_of_a_living_process_stays(tmp_path: Path) -> None:
    (tmp_path / f".vaultlink-{os.getpid()}-abcdef-0.tmp").touch()
    (tmp_path / f".vaultlink-{os.getppid()}-abcdef-0.tmp").touch()
    (tmp_path / ".vaultlink-1-abcdef-0.tmp").touch()
    remove_folder_leftovers(tmp_path)
    assert len(find_leftovers(tmp_path)) == 3


def test_locked_file_stays(tmp_path: Path) -> None:
    """Its process may be in another container, where process ids are different."""
    file = tmp_path / f".vaultlink-{find_ended_process()}-abcdef-0.tmp"
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        remove_folder_leftovers(tmp_path)
        assert file.exists()
    remove_folder_leftovers(tmp_path)
    assert not file.exists()


@each(
    "name",
    [
        ".vaultlink-{}-abcdef-0.txt",
        ".vaultlink-{}-abcdef-0.tmp.md",
        ".vaultlink-{}-ABCDEF-0.tmp",
        ".vaultlink-{}-mine-0.tmp",
        ".vaultlink-{}.tmp",
        "vaultlink-{}-abcdef-0.tmp",
        ".vaultlink-20240130-120000-abcd-7.tmp",
        ".vaultlink.toml",
        ".vaultlink-baseline.json",
    ],
)
def test_file_with_another_name_stays(tmp_path: Path, name: str) -> None:
    file = tmp_path / name.format(find_ended_process())
    file.touch()
    remove_folder_leftovers(tmp_path)
    assert file.exists()


def test_folders_and_links_stay(tmp_path: Path) -> None:
    process = find_ended_process()
    (tmp_path / f".vaultlink-{process}-abcdef-0.tmp").mkdir()
    (tmp_path / f".vaultlink-{process}-abcdef-1.tmp").symlink_to("mine.txt")
    os.mkfifo(tmp_path / f".vaultlink-{process}-abcdef-2.tmp")
    remove_folder_leftovers(tmp_path)
    assert len(find_leftovers(tmp_path)) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_file_of_another_user_stays(tmp_path: Path) -> None:
    file = tmp_path / f".vaultlink-{find_ended_process()}-abcdef-0.tmp"
    file.touch()
    os.chown(file, 12345, 12345)
    os.utime(file, (0, 0))
    remove_folder_leftovers(tmp_path)
    assert file.exists()


@each("process", ["1", "20240130-120000"])
def test_old_file_of_an_unknown_process_is_removed(tmp_path: Path, process: str) -> None:
    file = tmp_path / f".vaultlink-{process}-abcdef-0.tmp"
    file.touch()
    remove_folder_leftovers(tmp_path)
    assert file.exists()
    hours = time.time() - 2 * 3600
    os.utime(file, (hours, hours))
    remove_folder_leftovers(tmp_path)
    assert not file.exists()


def test_folder_outside_the_repository_is_not_swept(run: RunCommand, tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", {"a.md": "[[b]]\n"})
    (tmp_path / "far").mkdir()
    leftover = tmp_path / f"far/.vaultlink-{find_ended_process()}-abcdef-0.tmp"
    leftover.touch()
    (root / ".github").mkdir()
    for target in (tmp_path / "far", "workflows"):
        (root / ".github/workflows").unlink(missing_ok=True)
        (root / ".github/workflows").symlink_to(target)
        assert run("fix", "--vault", str(root)).code == 1
        assert leftover.exists()
