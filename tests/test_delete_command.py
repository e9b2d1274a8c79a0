"""Tests of `vaultlink delete`: what it says and asks, where the files go, and undo."""

import json
import os
import sys
from collections.abc import Mapping
from configparser import RawConfigParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from independent_reader import read_tree
from killed_moves import Killer, run_hooked
from repositories import git
from running import CommandResult, RunCommand, create_vault, write_files
from tables import each
from vaultlink.__main__ import main

linux = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="has another trash")

PNG = b"\x89PNG\r\n\x00\xff"
FILES: Mapping[str, bytes] = {
    "Note.md": b"\xef\xbb\xbf# Note\r\n\n![[only.png]] ![[both.png]]\n",
    "Other.md": b"# Other\n",
    "a.md": b"[[Note]] ![[both.png]]\n\n![[Note]]\n",
    "img/only.png": PNG,
    "img/both.png": PNG + b"2",
    "P/b.md": b"[[Note]] [[c]]\n",
    "P/sub/c.md": b"c\n",
    "P/.DS_Store": b"hidden\n",
    "d.md": b"[[c]]\n",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return make_vault(tmp_path, "local")


def make_vault(folder: Path, option: str | None) -> Path:
    vault = create_vault(folder / "vault", FILES)
    settings = {} if option is None else {"trashOption": option}
    (vault / ".obsidian/app.json").write_text(json.dumps(settings))
    return vault


def trash_of_system() -> Path:
    return Path(os.environ["XDG_DATA_HOME"]) / "Trash"


# -- a choice is needed ---------------------------------------------------------------------------------------------


def test_places_are_listed_and_nothing_is_written(run: RunCommand, vault: Path) -> None:
    before = read_tree(vault)
    done = run("delete", "Note", "--vault", vault)
    assert (done.code, done.out) == (2, "")
    first, *places, last = done.err.splitlines()
    assert first.startswith("1 attachment is used by nothing else: img/only.png.")
    assert places[0] == "3 places name what would be deleted (2 links, 1 embed):"
    assert [place.rsplit("vault/", 1)[-1].strip() for place in places[1:]] == [
        "P/b.md:1:1: [[Note]]",
        "a.md:1:1: [[Note]]",
        "a.md:3:1: ![[Note]]",
    ]
    assert last.startswith("error: choose what becomes of them: --unlink")
    assert last.endswith("Nothing was written.")
    assert read_tree(vault) == before


def test_without_links_no_choice_is_needed(run: RunCommand, vault: Path) -> None:
    assert run("delete", "d", "--vault", vault).code == 0
    assert (vault / ".trash/d.md").read_bytes() == FILES["d.md"]


REFUSED = {
    "two choices": (("Note", "--unlink", "--leave"), "can't be used together"),
    "nothing named": ((), "requires notes"),
    "empty": (("",), "is empty"),
    "the vault": (("/",), "is the vault itself"),
    "unknown": (("Nothing",), "there is no note"),
    "a heading": (("Note#Note",), "is a heading. Only notes, attachments and folders"),
    "itself": (("Note", "--to", "Note"), "is deleted, too"),
    "inside": (("P/", "--to", "c"), "is deleted, too"),
    "an attachment": (("Note", "--to", "only.png"), "Name a note"),
    "a folder": (("Note", "--to", "P/"), "Name a note"),
    "no terminal": (("Note", "-i"), "--interactive requires a terminal"),
    "no repository": (("Note", "--unlink", "--git"), "is not in a git work tree"),
}


@each(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(run: RunCommand, vault: Path, words: tuple[str, ...], message: str) -> None:
    before = read_tree(vault)
    done = run("delete", *words, "--vault", vault)
    assert done.code == 2
    assert message in done.err
    assert read_tree(vault) == before


HIDDEN = (".obsidian", ".git", ".trash", ".stuff", ".stuff/", "./.stuff", "P/.hidden", ".hid.md")


@each("words", [(), ("--leave",), ("--unlink",)], ids=str)
@each("name", HIDDEN)
def test_what_is_hidden_is_refused(
    run: RunCommand, vault: Path, name: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (".git", ".trash", ".stuff", "P/.hidden"):
        write_files(vault, {f"{folder}/x.md": "x"})
    write_files(vault, {".hid.md": "x"})
    monkeypatch.chdir(vault)
    before = read_tree(vault)
    commands = (("delete", name, *words), ("rename", name, "Seen"), ("move", name, "P"))
    for done in (run(*command) for command in commands):
        assert done.code == 2
        assert "is hidden: Obsidian ignores names that begin with a dot." in done.err
    assert read_tree(vault) == before


@each("word", ["../vault", "../vault/", "P/..", "./", "/", "{}"])
def test_the_vault_itself_is_refused(
    run: RunCommand, vault: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vault)
    before = read_tree(vault)
    for words in (("delete",), ("rename", "New"), ("move", "P")):
        typed = word.format(vault)
        done = run(words[0], typed, *words[1:])
        assert (done.code, f"“{typed}” is the vault itself" in done.err) == (2, True), done.err
    assert read_tree(vault) == before


DOTS = {
    "the folder above the vault": (".", "..", "“..” is outside the vault."),
    "two folders above": (".", "../..", "../.. is outside the vault"),
    "the vault from a folder in it": ("P", "..", "“..” is the vault itself"),
    "the current folder": ("P", ".", "“.” is P/ here. Name it by its path."),
    "a folder above the current one": ("P/sub", "..", "“..” is P/ here. Name it by its path."),
}


@each(("folder", "word", "reason"), DOTS.values(), ids=DOTS)
def test_dots_are_refused_for_what_they_are(
    run: RunCommand,
    vault: Path,
    folder: str,
    word: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(vault / folder)
    before = read_tree(vault)
    for words in (("delete", word), ("rename", word, "New"), ("move", word, "/P")):
        done = run(*words)
        assert (done.code, reason in done.err) == (2, True), done.err
    assert read_tree(vault) == before


# -- where files go, and undo ---------------------------------------------------------------------------------------

RUNS = {
    "note, unlink": ("Note", "--unlink"),
    "note, to": ("Note", "--to", "Other"),
    "note, leave": ("Note", "--leave"),
    "with attachments": ("Note", "--unlink", "--with-attachments"),
    "folder": ("P/", "--unlink"),
    "attachment": ("both.png", "--unlink"),
    "several": ("P/", "Note", "img", "c", "--to", "Other"),
}
GONE = {
    "with attachments": {"Note.md", "img/only.png"},
    "folder": {"P/b.md", "P/sub/c.md", "P/.DS_Store"},
    "attachment": {"img/both.png"},
    "several": {"Note.md", "P/b.md", "P/sub/c.md", "P/.DS_Store", "img/only.png", "img/both.png"},
}


def list_folders(vault: Path) -> list[str]:
    return sorted(path.relative_to(vault).as_posix() for path in vault.rglob("*") if path.is_dir())


@pytest.mark.parametrize("option", ["local", "none", pytest.param(None, marks=linux)])
@pytest.mark.parametrize("name", RUNS)
def test_run_and_undo(run: RunCommand, tmp_path: Path, option: str | None, name: str) -> None:
    vault = make_vault(tmp_path, option)
    before, folders = read_tree(vault), list_folders(vault)
    done = run("delete", *RUNS[name], "--vault", vault)
    assert done.code == 0, done.err
    after = read_tree(vault)
    gone = {path for path in before if path not in after}
    assert gone == GONE.get(name, {"Note.md"})
    trashed = {path for path in after if path.startswith(".trash/")}
    assert len(trashed) == (len(gone) if option == "local" else 0)
    assert "P" not in list_folders(vault) or "P/b.md" not in gone
    copies = read_tree(trash_of_system() / "files") if option is None else {}
    assert len(copies) == (len(gone) if option is None else 0)
    assert {before[path] for path in gone} == {
        *(after[path] for path in trashed),
        *copies.values(),
        *(before[p] for p in gone if option == "none"),
    }
    assert run("undo", "--vault", vault).code == 0
    assert (read_tree(vault), list_folders(vault)) == (before, folders)


@linux
def test_copy_in_the_trash_of_the_system(run: RunCommand, tmp_path: Path) -> None:
    vault = make_vault(tmp_path, "system")
    (vault / "a 100% é.md").write_bytes(b"x")
    (trash_of_system() / "files").mkdir(parents=True)
    (trash_of_system() / "files/a 100% é.md").write_bytes(b"other")
    os.utime(vault / "a 100% é.md", ns=(10**18, 10**18))
    done = run("delete", "a 100% é.md", "--vault", vault)
    assert "Deleted a 100% é.md to the trash. `vaultlink undo" in done.err
    assert "reverts it, and leaves the copy in the trash." in done.err
    copy = trash_of_system() / "files/a 100% é 2.md"
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == (b"x", 10**18)
    info = RawConfigParser()
    info.read(trash_of_system() / "info/a 100% é 2.md.trashinfo", encoding="utf-8")
    assert unquote(info["Trash Info"]["Path"]) == str(vault / "a 100% é.md")
    assert len(info["Trash Info"]["DeletionDate"]) == len("2026-11-28T12:00:00")


@linux
def test_what_the_trash_of_the_system_cannot_take_goes_to_the_vault(
    run: RunCommand, tmp_path: Path
) -> None:
    vault = make_vault(tmp_path, "system")
    (vault / "P/empty").mkdir()
    done = run("delete", "P/", "--leave", "--vault", vault)
    assert "They go to .trash in the vault: " in done.err
    assert (vault / ".trash/P/empty").is_dir()
    trash_of_system().parent.write_bytes(b"")  # a file has the name of the folder
    assert run("delete", "a.md", "--vault", vault).code == 0
    assert (vault / ".trash/a.md").exists()


def test_names_in_the_trash_are_not_taken(run: RunCommand, vault: Path) -> None:
    for number in range(3):
        (vault / "x.md").write_text(str(number))
        (vault / "y").mkdir(exist_ok=True)
        (vault / "y/X.md").write_text(str(number))
        assert run("delete", "x.md", "y/X.md", "--vault", vault).code == 0
    names = sorted(path.name for path in (vault / ".trash").iterdir())
    assert len(names) == len({name.lower() for name in names}) == 6
    assert "x 2.md" in {name.lower() for name in names}


# -- data, patches, git ---------------------------------------------------------------------------------------------


def data(done: CommandResult) -> dict[str, object]:
    assert isinstance(done.data, dict)
    return done.data


def test_json(run: RunCommand, vault: Path) -> None:
    done = data(run("delete", "Note", "P/", "--leave", "--vault", vault, "--json"))
    assert done["command"] == "delete"
    assert done["deletes"] == [
        {"path": "Note.md", "trash": ".trash/Note.md"},
        {"path": "P/.DS_Store", "trash": ".trash/P/.DS_Store"},
        {"path": "P/b.md", "trash": ".trash/P/b.md"},
        {"path": "P/sub/c.md", "trash": ".trash/P/sub/c.md"},
    ]
    assert done["files"] == [
        {"from": path, "to": None} for path in ("Note.md", "P/.DS_Store", "P/b.md", "P/sub/c.md")
    ]
    assert [(item["path"], item["text"]) for item in done["breaks"]] == [  # type: ignore[attr-defined]
        ("a.md", "[[Note]]"),
        ("a.md", "![[Note]]"),
        ("d.md", "[[c]]"),
    ]
    assert done["edits"] == []
    assert done["run"]


@each("option", ["local", "none"])
@each("name", RUNS)
def test_git_accepts_the_patch(run: RunCommand, tmp_path: Path, option: str, name: str) -> None:
    vault = make_vault(tmp_path, option)
    git(vault, "init", "-q")
    patch = run("delete", *RUNS[name], "--vault", vault, "--diff")
    assert patch.code == 1
    file = tmp_path / "patch"
    file.write_bytes(patch.out.encode("utf-8", "surrogateescape"))
    before = read_tree(vault)
    assert run("delete", *RUNS[name], "--vault", vault).code == 0
    after = read_tree(vault)
    assert run("undo", "--vault", vault).code == 0
    git(vault, "apply", str(file))
    applied = read_tree(vault)
    assert {path: applied[path] for path in applied if ".git/" not in path} == {
        path: after[path] for path in after if ".git/" not in path
    }
    assert before != applied


def test_git_removals_are_staged(run: RunCommand, vault: Path) -> None:
    git(vault, "init", "-q")
    git(vault, "add", "-A")
    git(vault, "commit", "-qm", "x")
    assert run("delete", "Note", "P/", "--leave", "--git", "--vault", vault).code == 0
    listed = git(vault, "status", "--porcelain").splitlines()
    assert {line for line in listed if line[0] == "D"} == {
        "D  Note.md",
        "D  P/.DS_Store",
        "D  P/b.md",
        "D  P/sub/c.md",
    }


def test_read_only_note_is_left_out_on_request(run: RunCommand, vault: Path) -> None:
    (vault / "a.md").chmod(0o444)
    words = ("delete", "Note", "--unlink", "--vault", vault)
    before = read_tree(vault)
    assert run(*words).code == 2
    assert read_tree(vault) == before
    done = run(*words, "--skip-unwritable")
    assert done.code == 1
    assert "; 1 link in 1 note becomes text or goes." in done.err
    assert "The links in the skipped notes no longer resolve." in done.err
    assert (vault / "a.md").read_bytes() == FILES["a.md"]
    assert (vault / "P/b.md").read_bytes() == b"Note [[c]]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows kills in another way")
@each("option", ["local", "none", "system"])
@each("number", [1, 3, 5, 8, 13, 21])
def test_killed_run_is_reverted(run: RunCommand, tmp_path: Path, option: str, number: int) -> None:
    vault = make_vault(tmp_path, option)
    before = read_tree(vault)
    words = ["delete", "Note", "P/", "--unlink", "--with-attachments", "-q", "--vault", str(vault)]
    run_hooked(lambda: main(words), Killer(number))
    run("undo", "--vault", vault)
    assert read_tree(vault) == before
