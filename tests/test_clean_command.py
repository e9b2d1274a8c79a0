"""Tests of `clean` and `open`: what they print, open and remove, and that they touch nothing else."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from running import RunCommand, create_vault, read_files, write_files
from screens import run_on_screen
from vaultlink.disk.cache import Cache
from vaultlink.write.journal_files import delete_run, journal_folder

NOTES = {
    "Home.md": "[[Old]] [[Sub/Café & co]]\n",
    "Tide.md": "# Tide\n",
    "Old.md": "# Old\n",
    "Sub/Café & co.md": "\n",
}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give vaultlink folders for caches and records of its own."""
    monkeypatch.setenv("VAULTLINK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def vault(places: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create two vaults with a cache and the record of a run each, and enter one."""
    for name in ("other", "vault"):
        root = create_vault(places / name, NOTES)
        monkeypatch.chdir(root)
        assert run("rename", "Old", "New").code == 0
        assert run("check").code < 2
    return root


def list_cache(vault: Path) -> list[Path]:
    return Cache(vault.parent / "cache", vault).list_files()


def list_records(vault: Path) -> list[str]:
    return sorted(file.name for file in journal_folder(vault).glob("*.run"))


def read_others(vault: Path) -> dict[str, bytes]:
    """Return all files but those of the vault's own cache and journal."""
    own = {Cache(vault.parent / "cache", vault).folder.name, journal_folder(vault).name}
    files = read_files(vault.parent)
    return {path: data for path, data in files.items() if own.isdisjoint(path.split("/"))}


# -- clean ----------------------------------------------------------------------------------------


def test_clean_removes_the_cache_and_keeps_records(run: RunCommand, vault: Path) -> None:
    others, records = read_others(vault), list_records(vault)
    assert list_cache(vault)
    assert records
    done = run("clean")
    assert done.code == 0
    assert done.err.startswith("Removed ")
    assert not Cache(vault.parent / "cache", vault).folder.exists()
    assert list_records(vault) == records
    assert read_others(vault) == others
    assert run("undo").code == 0
    assert (vault / "Home.md").read_text("utf-8") == NOTES["Home.md"]


def test_second_clean_has_nothing_to_remove(run: RunCommand, vault: Path) -> None:
    run("clean")
    done = run("clean")
    assert (done.code, done.err) == (0, "Nothing to remove.\n")
    assert run("clean", "--diff").code == 0


@pytest.mark.parametrize("words", [("--diff",), ("--dry-run",), ("--diff", "--records")])
def test_preview_removes_nothing(run: RunCommand, vault: Path, words: Sequence[str]) -> None:
    before = read_files(vault.parent)
    done = run("clean", *words)
    assert done.code == 1
    assert done.err.startswith("Would remove ")
    assert read_files(vault.parent) == before


def test_records_need_a_confirmation(run: RunCommand, vault: Path) -> None:
    before = read_files(vault.parent)
    done = run("clean", "--records")
    assert (done.code, done.out) == (2, "")
    assert "Confirm that with --yes. Nothing was removed." in done.err
    assert read_files(vault.parent) == before


def test_records_are_removed_when_that_is_confirmed(run: RunCommand, vault: Path) -> None:
    others = read_others(vault)
    assert run("clean", "--records", "--yes").code == 0
    assert not list_records(vault)
    assert read_others(vault) == others
    assert run("undo").err.startswith("There is nothing to undo")


def test_record_that_can_not_be_removed_keeps_its_marks(run: RunCommand, vault: Path) -> None:
    """Without the mark that it ended, the next command would take the run for an interrupted one."""
    [record] = journal_folder(vault).glob("*.run")
    record.rename(record.with_name("kept"))
    record.mkdir()  # a folder can't be removed like a file
    delete_run(journal_folder(vault), record.stem)
    record.rmdir()
    record.with_name("kept").rename(record)
    before = read_files(vault)
    run("fix", "--select", "dead-end")
    assert read_files(vault) == before
    assert run("undo").code == 0


def test_yes_alone_is_a_usage_error(run: RunCommand, vault: Path) -> None:
    assert run("clean", "--yes").err == "error: --yes requires --records.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("key", "code", "is_kept"), [("n", 1, True), ("y", 0, False)])
def test_terminal_asks(vault: Path, key: str, code: int, is_kept: bool) -> None:
    environment = {
        name: os.environ[name] for name in ("VAULTLINK_CACHE_DIR", "VAULTLINK_STATE_DIR")
    }
    with run_on_screen(vault, "clean", "--records", environment=environment) as screen:
        screen.wait_for("[y,n,?]").type(key).wait_for_end(code)
    assert bool(list_records(vault)) is is_kept


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_foreign_files_in_the_folders_stay(run: RunCommand, vault: Path) -> None:
    cache, journal = Cache(vault.parent / "cache", vault).folder, journal_folder(vault)
    foreign = {"Note.md": "mine\n", "sub/state": "vaultlink cache 2\n", "a.txt": ""}
    for folder in (cache, journal):
        write_files(folder, foreign)
        (folder / "linked").symlink_to(vault / "Home.md")
    (journal / "x.run").symlink_to(vault / "Home.md")
    assert run("clean", "--records", "--yes").code == 0
    for folder in (cache, journal):
        found = {path for path in read_files(folder) if path not in ("lock", "x.run")}
        assert found == {*foreign, "linked"}
    assert (vault / "Home.md").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_folder_that_is_a_link_is_left_alone(run: RunCommand, vault: Path) -> None:
    folder = Cache(vault.parent / "cache", vault).folder
    moved = vault.parent / "elsewhere"
    shutil.move(folder, moved)
    folder.symlink_to(moved)
    before = read_files(moved)
    assert run("clean").err == "Nothing to remove.\n"
    assert read_files(moved) == before


def test_folders_are_listed_with_sizes(run: RunCommand, vault: Path) -> None:
    data: Any = run("clean", "--diff", "--json").data
    cache, records = data["folders"]
    assert (cache["kind"], cache["removed"], records["kind"], records["removed"]) == (
        *("cache", True),
        *("records", False),
    )
    assert cache["files"] == len(list_cache(vault))
    assert cache["size"] == sum(file.stat().st_size for file in list_cache(vault))
    assert Path(records["folder"]) == journal_folder(vault)


# -- open -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (("Tide",), "Tide.md"),
        (("Tide.md", "--print"), "Tide.md"),
        (("Café & co",), "Sub%2FCaf%C3%A9%20%26%20co.md"),
    ],
)
def test_address_of_a_note_is_printed(
    run: RunCommand, vault: Path, words: Sequence[str], file: str
) -> None:
    assert run("open", *words) == (0, f"obsidian://open?vault=vault&file={file}\n", "")


@pytest.mark.parametrize("words", [(), ("Nowhere",)])
def test_open_requires_a_note(run: RunCommand, vault: Path, words: Sequence[str]) -> None:
    done = run("open", *words)
    assert (done.code, done.out) == (2, "")


OPENER = '#!/bin/sh\nprintf \'%s\\n\' "$#" "$1" > "$OPENED"\nexit $OPENER_CODE\n'


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="replaces xdg-open")
@pytest.mark.parametrize(
    ("words", "opener_code", "code", "is_opened"),
    [((), "0", 0, True), ((), "3", 2, True), (("--print",), "0", 0, False)],
)
def test_terminal_opens_the_address_without_a_shell(
    vault: Path, words: Sequence[str], opener_code: str, code: int, is_opened: bool
) -> None:
    write_files(vault, {"a $(touch x); `id`.md": "\n"})
    [opener] = write_files(vault.parent / "bin", {"xdg-open": OPENER}).iterdir()
    opener.chmod(0o755)
    opened = vault.parent / "opened"
    environment = {
        "PATH": f"{opener.parent}{os.pathsep}{os.environ['PATH']}",
        "OPENED": str(opened),
        "OPENER_CODE": opener_code,
    }
    note = "a $(touch x); `id`"
    with run_on_screen(vault, "open", note, *words, environment=environment) as screen:
        screen.wait_for_end(code)
    assert opened.exists() is is_opened
    if is_opened:
        address = "obsidian://open?vault=vault&file=a%20%24%28touch%20x%29%3B%20%60id%60.md"
        assert opened.read_text("utf-8").splitlines() == ["1", address]
    assert not (vault / "x").exists()
