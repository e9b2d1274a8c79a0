"""The vault of a command: found upward from its paths, in the git work tree, or taken with a reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from repositories import create_repository, git
from running import RunCommand, read_files, write_files
from tables import each
from vaultlink.disk.vault_search import find_vault, list_vaults

NOTES = {"Home.md": "[[Plan]] [[Deep]]\n", "sub/Plan.md": "[[Home]]\n", "sub/deep/Deep.md": ""}
"""Every link resolves in the whole vault, and none in a folder of it."""


class Case(NamedTuple):
    """Files, the current folder, the words of the command, and the vault that is used.

    `reason` is in the one line on stderr, in parentheses; without it there is no line. A folder that ends with a
    slash in `marks` is created, a file is written.
    """

    marks: tuple[str, ...]
    folder: str
    words: tuple[str, ...]
    vault: str
    reason: str = ""
    is_git: bool = False


CURRENT = "the current folder; no .obsidian here or above"
NAMED = "the named folder; no .obsidian here or above"
FILE = "the folder of the named file; no .obsidian here or above"
COMMON = "the common folder of the paths; no .obsidian here or above"
ONLY = "the only folder of the git work tree that has .obsidian"
TREE = "the root of the git work tree; no .obsidian here or above"

FOUND = {
    "upward to .obsidian": Case(("v/.obsidian/",), "v/sub/deep", (), "v"),
    "upward to settings": Case(("v/vaultlink.toml",), "v/sub/deep", (), "v"),
    "upward to hidden settings": Case(("v/.vaultlink.toml",), "v/sub", (), "v"),
    "nearest": Case(("v/.obsidian/", "v/sub/.obsidian/"), "v/sub/deep", (), "v/sub"),
    "upward from a repository in the vault": Case(
        ("v/.obsidian/", "v/sub/.git/"), "v/sub", (), "v"
    ),
    "other settings": Case(("v/pyproject.toml",), "v/sub", (), "v/sub", CURRENT),
    "path in the vault": Case(("v/.obsidian/",), "v", ("sub",), "v"),
    "file in the vault": Case(("v/.obsidian/",), "v", ("sub/deep/Deep.md",), "v"),
    "path from a subfolder": Case(("v/.obsidian/",), "v/sub", ("deep",), "v"),
    "path in the vault, seen from a subfolder": Case(
        ("v/.obsidian/",), "v/sub", ("sub/deep/Deep.md",), "v"
    ),
    "path in a nested vault": Case(("v/.obsidian/", "v/sub/.obsidian/"), "v", ("sub",), "v/sub"),
    "file in a nested vault": Case(
        ("v/.obsidian/", "v/sub/.obsidian/"), "v", ("sub/deep/Deep.md",), "v/sub"
    ),
    "path with settings of its own": Case(
        ("v/.obsidian/", "v/sub/.vaultlink.toml"), "v", ("sub/deep",), "v/sub"
    ),
    "paths in a vault and one in it": Case(
        ("v/.obsidian/", "v/sub/.obsidian/"), "v", ("sub", "Home.md"), "v"
    ),
    "paths in two vaults of one vault": Case(
        ("v/.obsidian/", "v/sub/.obsidian/", "v/b/.obsidian/"), "v", ("sub", "b"), "v"
    ),
    "several paths in the vault": Case(("v/.obsidian/",), "", ("v/sub/deep", "v/Home.md"), "v"),
    "path from above two vaults": Case(("v/.obsidian/", "w/.obsidian/"), "", ("v",), "v"),
    "path from above, with settings": Case(("v/vaultlink.toml",), "", ("v/sub",), "v"),
    "absolute path from the root of the file system": Case(
        ("v/.obsidian/",), "/", ("{root}/v",), "v"
    ),
    "path in a vault, from its parent": Case(("v/.obsidian/",), "", ("v/sub",), "v"),
    "outside path": Case(("v/.obsidian/", "w/.obsidian/"), "w", ("../v/sub",), "v"),
    "absolute path": Case(("v/.obsidian/", "w/.obsidian/"), "w", ("{root}/v/sub",), "v"),
    "outside path that is in none": Case(
        ("w/.obsidian/",), "w", ("../v/sub",), "v/sub", NAMED
    ),
    "outside file that is in none": Case(
        ("w/.obsidian/",), "w", ("../v/sub/Plan.md",), "v/sub", FILE
    ),
    "outside paths that are in none": Case(
        ("w/.obsidian/",), "w", ("../v/sub/Plan.md", "../v/sub/deep"), "v/sub", COMMON
    ),
    "path below a folder without notes": Case((), "", ("v/sub",), "v/sub", NAMED),
    "file below a folder without notes": Case((), "", ("v/Home.md",), "v", FILE),
    "paths below a folder without notes": Case((), "", ("v/sub", "v/Home.md"), "v", COMMON),
    "from the root of the file system, in none": Case((), "/", ("{root}/v",), "v", NAMED),
    "current folder": Case((), "v", (), "v", CURRENT),
    "current folder, as a path": Case((), "v", (".",), "v", CURRENT),
    "current folder without notes": Case((), "", (), "", CURRENT),
    "path below the current folder": Case((), "v", ("sub",), "v", CURRENT),
    "absolute path below the current folder": Case((), "v", ("{root}/v/sub",), "v", CURRENT),
    "subfolder without git": Case((), "v/sub", (), "v/sub", CURRENT),
    "work tree": Case((), "v/sub/deep", (), "v", TREE, True),
    "path in a work tree": Case((), "v", ("sub",), "v", TREE, True),
    "path in another work tree": Case(("w/.obsidian/",), "w", ("../v/sub",), "v", TREE, True),
    "only vault of a work tree": Case(("v/sub/.obsidian/",), "v", (), "v/sub", "", True),
    "only vault, beside it": Case(
        ("v/sub/.obsidian/", "v/code/a/"), "v/code/a", (), "v/sub", "", True
    ),
    "path beside the only vault": Case(
        ("v/sub/.obsidian/", "v/code/a/"), "v", ("code",), "v", TREE, True
    ),
    "path beside several vaults": Case(
        ("v/sub/.obsidian/", "v/b/.obsidian/", "v/code/a/"), "v", ("code",), "v", TREE, True
    ),
    "path above the only vault": Case(("v/sub/.obsidian/",), "v", (".",), "v", TREE, True),
    "named vault of several": Case(
        ("v/sub/.obsidian/", "v/b/.obsidian/"), "v", ("sub",), "v/sub", "", True
    ),
    "not in packages or hidden folders": Case(
        ("v/sub/.obsidian/", "v/node_modules/x/.obsidian/", "v/.tools/x/.obsidian/"),
        *("v", (), "v/sub", "", True),
    ),
    "named": Case(("v/.obsidian/",), "", ("--vault", "v/sub"), "v/sub"),
    "named parent of a vault": Case(("v/.obsidian/",), "", ("--vault", "."), ""),
}  # fmt: skip


def arrange(root: Path, case: Case) -> Path:
    """Create the files of a case and return the folder to run in."""
    write_files(root / "v", NOTES)
    (root / "w").mkdir()
    for mark in case.marks:
        if mark.endswith("/"):
            (root / mark).mkdir(parents=True, exist_ok=True)
        else:
            (root / mark).write_text("", encoding="utf-8")
    if case.is_git:
        create_repository(root / "v", {})
    return root / case.folder


@each("case", FOUND.values(), ids=FOUND)
def test_vault_and_reason(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
    plain_git: None,
) -> None:
    root = tmp_path / "root"
    monkeypatch.chdir(arrange(root, case))
    words = [word.format(root=root) for word in case.words]
    expected = root / case.vault
    done = run("check", *words, "--output-format", "json")
    assert isinstance(done.data, dict)
    assert done.data["vault"] == str(expected)
    lines = [line for line in done.err.splitlines() if line.startswith("Vault: ")]
    assert lines == ([f"Vault: {expected} ({case.reason})."] if case.reason else [])
    assert "Vault: " not in run("check", *words, "-q").err


@pytest.mark.usefixtures("plain_git")
@each("is_git", [True, False])
@each(
    ("folder", "path"),
    [("v", "sub"), ("v", "sub/Plan.md"), ("v/sub", "."), ("v/sub/deep", "Deep.md")],
)
def test_part_of_a_vault_without_settings_causes_no_findings(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    path: str,
    is_git: bool,
) -> None:
    arrange(tmp_path, Case((), "v", (), "v", "", is_git))
    if not is_git and folder != "v":
        pytest.skip("nothing says that the folder is part of a vault")
    monkeypatch.chdir(tmp_path / folder)
    for command in ("check", "fix"):
        done = run(command, path)
        assert (done.code, done.out) == (0, "")
        assert "No findings in " in done.err


REFUSED = {
    "several in a work tree": (
        Case(("v/b/.obsidian/", "v/a/.obsidian/"), "v", (), "", "", True),
        "the git work tree {root}/v contains 2 vaults: a, b. "
        "Run vaultlink in one of them, or name it with --vault.",
    ),
    "many in a work tree": (
        Case(tuple(f"v/{name}/.obsidian/" for name in "gfedcba"), "v/sub", (), "", "", True),
        "the git work tree {root}/v contains 7 vaults: a, b, c, d, e and 2 more. "
        "Run vaultlink in one of them, or name it with --vault.",
    ),
    "parent of a vault": (
        Case(("v/sub/.obsidian/",), "v", (), ""),
        "{root}/v has no .obsidian, but contains the vault sub. "
        "Run vaultlink in the vault, or name it with --vault.",
    ),
    "outside parent of vaults": (
        Case(("v/sub/.obsidian/", "v/b/.obsidian/", "w/.obsidian/"), "w", ("../v",), ""),
        "{root}/v has no .obsidian, but contains 2 vaults: b, sub. "
        "Run vaultlink in the vault, or name it with --vault.",
    ),
    "parent of a vault and of a folder with many notes": (
        Case(("v/sub/deep/.obsidian/", "v/Notes/a/", *(f"v/Notes/a/{n}.md" for n in range(20))), "v", (), ""),
        "{root}/v has no .obsidian, but contains the vault sub/deep. Notes has many notes, too. "
        "Run vaultlink in the vault, or name it with --vault.",
    ),
    "two vaults": (
        Case(("v/.obsidian/", "w/vaultlink.toml"), "", ("w", "v/sub"), ""),
        "the paths are in 2 vaults: {root}/v, {root}/w. Name paths of one vault only.",
    ),
    "two vaults of a work tree": (
        Case(("v/sub/.obsidian/", "v/b/.obsidian/"), "v", ("b", "sub/deep"), "", "", True),
        "the paths are in 2 vaults: {root}/v/b, {root}/v/sub. Name paths of one vault only.",
    ),
    "a vault and a path in none": (
        Case(("v/.obsidian/",), "", ("v", "w"), ""),
        "w is outside the vault {root}/v. Name another vault with --vault.",
    ),
    "path above several vaults of a work tree": (
        Case(("v/sub/.obsidian/", "v/b/.obsidian/"), "v", (".",), "", "", True),
        "{root}/v has no .obsidian, but contains 2 vaults: b, sub. "
        "Run vaultlink in the vault, or name it with --vault.",
    ),
    "missing path where there is no vault": (
        Case((), "/", ("nothing-there/Notes",), ""),
        "nothing-there/Notes: no such file or folder.",
    ),
    "home folder as a path": (
        Case((), "v", ("..",), ""),
        "{root} is the home folder and has no .obsidian. "
        "Run vaultlink in the folder of a vault, or name the vault with --vault.",
    ),
    "home folder": (
        Case(("vaultlink.toml",), "", (), ""),
        "{root} is the home folder and has no .obsidian. "
        "Run vaultlink in the folder of a vault, or name the vault with --vault.",
    ),
    "root of the file system": (
        Case((), "v", ("/",), ""),
        "/ is the root of the file system and has no .obsidian. "
        "Run vaultlink in the folder of a vault, or name the vault with --vault.",
    ),
}  # fmt: skip


@each(("case", "message"), REFUSED.values(), ids=REFUSED)
def test_no_vault_is_taken_unasked(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
    message: str,
    plain_git: None,
) -> None:
    root = tmp_path / "root"
    monkeypatch.chdir(arrange(root, case))
    monkeypatch.setenv("HOME", str(root))
    for command in ("check", "fix"):
        assert run(command, *case.words) == (2, "", f"error: {message.format(root=root)}\n")
    if not case.words:
        assert run("topics").code == run("undo").code == run("init").code == 2
        assert run("check", "--vault", ".").code != 2
    assert not (tmp_path / "state").exists()


HOMES = {
    "in a work tree of it": Case((".git/",), "v", (), "v", CURRENT),
    "path, in a work tree of it": Case((".git/",), "", ("v/sub",), "v/sub", NAMED),
    "path, with a note in it": Case(("Todo.md",), "", ("v",), "v", NAMED),
    "path of a vault, with settings in it": Case(("vaultlink.toml", "v/.obsidian/"), "", ("v",), "v"),
}  # fmt: skip


@each("case", HOMES.values(), ids=HOMES)
def test_home_folder_is_not_taken_for_a_folder_in_it(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(arrange(tmp_path, case))
    monkeypatch.setenv("HOME", str(tmp_path))
    done = run("check", *case.words)
    line = f"Vault: {tmp_path}/{case.vault} ({case.reason}).\n" if case.reason else ""
    assert done.code != 2
    assert done.err.startswith(f"{line}{'Found' if done.code else 'No findings in '}")


def test_home_folder_with_obsidian_is_a_vault(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(arrange(tmp_path, Case(("v/.obsidian/",), "v/sub", (), "v")))
    monkeypatch.setenv("HOME", str(tmp_path / "v"))
    assert run("check") == (0, "", "No findings in 3 notes.\n")


def test_ignored_copy_is_no_second_vault(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_git: None
) -> None:
    marks = ("v/sub/.obsidian/", "v/build/sub/.obsidian/")
    monkeypatch.chdir(arrange(tmp_path, Case(marks, "v", (), "v/sub", ONLY, True)))
    assert "contains 2 vaults" in run("check").err
    write_files(tmp_path / "v", {".gitignore": "build/\n.obsidian/\n"})
    assert f'vault\t"{tmp_path}/v/sub"\t{ONLY}' in run("config").lines


def test_linked_work_tree_is_a_work_tree(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_git: None
) -> None:
    arrange(tmp_path, Case((), "v", (), "v", "", True))
    git(tmp_path / "v", "worktree", "add", "--quiet", str(tmp_path / "w" / "tree"))
    monkeypatch.chdir(tmp_path / "w" / "tree" / "sub")
    assert run("check").err == f"Vault: {tmp_path}/w/tree ({TREE}).\nNo findings in 3 notes.\n"


NESTED: Mapping[tuple[str, ...], str] = {
    ("sub",): "Nested vault: sub. Its notes count here, too; safe fixes by name do not cross.\n",
    ("sub/deep", "b"): (
        "Nested vaults: b and 1 more. Their notes count here, too; safe fixes by name do not cross.\n"
    ),
}


@each(("folders", "message"), NESTED.items())
def test_nested_vault_is_mentioned(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folders: tuple[str, ...],
    message: str,
) -> None:
    marks = ("v/.obsidian/", *(f"v/{folder}/.obsidian/" for folder in folders))
    monkeypatch.chdir(arrange(tmp_path, Case(marks, "v", (), "v")))
    assert run("check").err == message + "No findings in 3 notes.\n"
    assert run("topics").err == message
    assert run("check", "-q").err == ""


def test_symbolic_link_in_the_vault_does_not_lead_out_of_it(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(arrange(tmp_path, Case(("v/.obsidian/",), "v", (), "v")))
    write_files(tmp_path / "elsewhere", {"More.md": "[[Home]]\n"})
    (tmp_path / "v" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "v")
    words = ["more", f"{tmp_path}/v/more", f"{tmp_path}/link/more/More.md", "../link/more/"]
    for word in words:
        assert run("check", word) == (0, "", "No findings in 1 note.\n")
    monkeypatch.chdir(tmp_path)
    for paths in (("v/more", "link/more"), ("link/more/More.md",)):
        assert run("check", *paths) == (0, "", "No findings in 1 note.\n")


def test_settings_file_makes_a_named_folder_a_vault(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(arrange(tmp_path, Case((), "v", (), "v")))
    assert run("init", "sub").lines == [str(tmp_path / "v" / "sub" / "vaultlink.toml")]
    monkeypatch.chdir("sub/deep")
    assert find_vault() == (tmp_path / "v" / "sub", "")


@each("command", ["config", "undo", "topics", "links", "graph", "baseline"])
def test_other_commands_report_their_choice(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(arrange(tmp_path, Case((), "v", (), "v")))
    done = run(command)
    assert done.err.splitlines()[0] == f"Vault: {tmp_path}/v ({CURRENT})."
    assert done.err.count("Vault: ") == 1
    if command == "config":
        assert f'vault\t"{tmp_path}/v"\t{CURRENT}' in done.lines


@each(
    ("case", "option"),
    [
        (Case((), "v", (".",), "v", is_git=True), ""),
        (Case(("v/.obsidian/", "v/sub/.obsidian/"), "v", (".",), "v"), ""),
        (Case(("v/sub/.obsidian/",), "v", (".",), "v", is_git=True), " --vault ."),
        (Case(("v/.obsidian/",), "v/sub", ("../Home.md",), "v"), ""),
        (Case(("v/.obsidian/", "v/sub/.obsidian/"), "v/sub", ("../Home.md",), "v"), " --vault .."),
        (Case(("v/.obsidian/",), "w", ("../v/Home.md",), "v"), " --vault ../v"),
    ],
)
@pytest.mark.usefixtures("plain_git")
def test_proposed_commands_find_the_vault_again(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case, option: str
) -> None:
    monkeypatch.chdir(arrange(tmp_path, case))
    vault = tmp_path / case.vault
    write_files(vault, {"Goal notes.md": "", "Home.md": "[[Goal-notes]]\n"})
    assert f"`vaultlink undo{option}` reverts it." in run("fix", *case.words).err
    assert read_files(vault)["Home.md"] == b"[[Goal notes|Goal-notes]]\n"
    assert run("undo", *option.split()).code == 0
    assert read_files(vault)["Home.md"] == b"[[Goal-notes]]\n"


def test_search_runs_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_git: None
) -> None:
    monkeypatch.chdir(arrange(tmp_path, Case(("v/sub/.obsidian/",), "v", (), "v/sub", ONLY, True)))
    monkeypatch.setenv("PATH", "")
    assert find_vault() == (tmp_path / "v" / "sub", ONLY)


def test_unreadable_and_endless_folders_are_skipped(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/b/x.md": "", "c/.obsidian/app.json": "{}"})
    (tmp_path / "a" / "b" / "again").symlink_to(tmp_path)
    (tmp_path / "file.obsidian").touch()
    assert list_vaults(tmp_path) == ["c"]
    assert list_vaults(tmp_path / "missing") == []
