"""Tests of `vaultlink guard`: what hooks of coding tools and of git are answered."""

import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from documents import blocks
from exploring import spread_seeds
from forge import ROOT
from machine import require_program
from random_hook_calls import make_hook_call, make_odd_payload
from repositories import GIT_ENVIRONMENT, commit, git, update_files
from running import (
    PROGRAM,
    CommandResult,
    RunCommand,
    create_vault,
    damage_states,
    new_folder,
    read_files,
    write_files,
)
from tables import each
from vaultlink import Settings, Vault, VaultError, open_vault
from vaultlink.index.resolve import resolve
from vaultlink.serve.guard import join_actions
from vaultlink.serve.shell_commands import ActionKind, FileAction

CASES = tomllib.loads(Path(__file__).with_name("guard_cases.toml").read_text("utf-8"))
ALLOWED_SHELL = CASES["shell_allowed"]["lines"]
REFUSED_SHELL: Mapping[str, list[str]] = CASES["shell_refused"]


class Ask(Protocol):
    """Ask guard about a payload: data, or bytes as they are."""

    def __call__(self, payload: object, *options: str) -> CommandResult: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a vault and a folder beside it."""
    create_vault(tmp_path / "vault", CASES["files"])
    write_files(tmp_path / "outside", {"Plan.md": "[[Two wrods]]\n"})
    return tmp_path


@pytest.fixture
def ask(run: RunCommand, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that gives a payload to guard in this process."""

    def call(payload: object, *options: str) -> CommandResult:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return run("guard", *options)

    return call


def fill(text: str, folder: Path) -> str:
    return text.replace("VAULT", (folder / "vault").as_posix()).replace(
        "OUTSIDE", (folder / "outside").as_posix()
    )


def make_call(folder: Path, **call: Any) -> dict[str, Any]:
    """Return a payload with the event and the folder of the vault, unless the call has others."""
    given: dict[str, Any] = json.loads(fill(json.dumps(call), folder))
    is_named = {"hook_event_name", "hookEventName", "toolName"} & given.keys()
    event = {} if is_named else {"hook_event_name": "PreToolUse"}
    return {"cwd": str(folder / "vault"), **event, **given}


def make_shell_call(folder: Path, line: str) -> dict[str, Any]:
    return make_call(folder, tool_name="Bash", tool_input={"command": line})


# -- the table ---------------------------------------------------------------------------------------------------------


@each("case", CASES["payloads"], ids=lambda case: case["tool"])
def test_payload_of_each_tool_is_answered_in_its_form(
    ask: Ask, folder: Path, case: Mapping[str, Any]
) -> None:
    done = ask(json.loads(fill(case["payload"], folder), strict=False))
    reason: Any = done.data
    for key in case["reason_at"]:
        reason = reason[key]
    decision: Any = done.data
    for key in case["decision_at"]:
        decision = decision[key]
    assert (done.code, decision, done.err) == (2, "deny", f"{reason}\n")
    assert reason.isprintable()
    allowed = json.loads(fill(case["payload"].replace("VAULT", "OUTSIDE"), folder), strict=False)
    assert ask(allowed) == (0, case.get("allowed", ""), "")
    assert case["source"].startswith("https://")


@each("line", REFUSED_SHELL)
def test_line_of_a_shell_is_refused(ask: Ask, folder: Path, line: str) -> None:
    done = ask(make_shell_call(folder, line))
    assert done.code == 2, done
    assert [word for word in REFUSED_SHELL[line] if word not in done.err] == [], done.err


@each("line", ALLOWED_SHELL)
def test_line_of_a_shell_is_allowed(ask: Ask, folder: Path, line: str) -> None:
    assert ask(make_shell_call(folder, fill(line, folder))) == (0, "", "")


@each("case", CASES["edits"], ids=lambda case: case["name"])
def test_editor_tool(ask: Ask, folder: Path, case: Mapping[str, Any]) -> None:
    done = ask(make_call(folder, **case["call"]))
    words = case.get("refused", [])
    assert done.code == (2 if words else 0), done
    assert [word for word in words if word not in done.err] == [], done.err
    if not words:
        assert (done.out, done.err) == ("", "")


def test_most_cases_of_the_table_are_allowed() -> None:
    edits = CASES["edits"]
    refused = len(REFUSED_SHELL) + len(CASES["payloads"]) + sum("refused" in case for case in edits)
    allowed = len(ALLOWED_SHELL) + sum("refused" not in case for case in edits)
    assert (refused >= 60, allowed > refused) == (True, True)


REMOVE, MOVE, WRITE = ActionKind
JOINED: list[tuple[str, list[tuple[ActionKind, str, str]], dict[str, str], list[str]]] = [
    ("removed", [(REMOVE, "a", "")], {"a": ""}, []),
    ("moved twice", [(MOVE, "a", "b"), (MOVE, "b", "c")], {"a": "c", "b": "c"}, ["c"]),
    ("moved and removed", [(MOVE, "a", "b"), (REMOVE, "b", "")], {"a": "", "b": ""}, []),
    ("moved away and back", [(MOVE, "a", "b"), (MOVE, "b", "a")], {"b": "a"}, ["a"]),
    ("removed and written", [(REMOVE, "a", ""), (WRITE, "a", "")], {}, ["a"]),
    ("written and removed", [(WRITE, "a", ""), (REMOVE, "a", "")], {"a": ""}, []),
    ("replaced by another", [(REMOVE, "a", ""), (MOVE, "b", "a")], {"b": "a"}, ["a"]),
]


@each(("name", "actions", "gone", "written"), JOINED)
def test_actions_of_a_call_are_joined(
    name: str,
    actions: list[tuple[ActionKind, str, str]],
    gone: dict[str, str],
    written: list[str],
) -> None:
    joined = join_actions(FileAction(*action) for action in actions)
    assert (joined.gone, list(joined.written)) == (gone, written)


# -- the page about hooks ----------------------------------------------------------------------------------------------

PAGE = ROOT / "docs" / "hooks.md"
HARBOUR = {"Home.md": "To the [[Harbour]].\n", "Harbour.md": "Back [[Home]].\n"}


@pytest.mark.parametrize("text", blocks(PAGE, "json"))
def test_page_has_settings_that_call_guard(tmp_path: Path, text: str) -> None:
    """Each command refuses with 2, and lets a tool go on if guard fails or is not installed."""
    [command] = re.findall(r'"(?:bash|command)": "(vaultlink .*?)"[,}]', text)
    [tools] = re.findall(r'"matcher": "(.*?)"', text) or [""]
    known = {
        name.lower() for case in (*CASES["payloads"], *CASES["edits"]) for name in find_tools(case)
    }
    assert {name.lower() for name in tools.split("|")} - {""} <= known
    assert json.loads(text)["hooks"].keys() <= EVENTS
    vault = create_vault(tmp_path / "vault", HARBOUR)
    (tmp_path / "bin").mkdir()
    call = {"cwd": str(vault), "toolName": "bash", "toolArgs": {"command": "rm Harbour.md"}}
    codes = {}
    for name, program in (
        ("refused", f'exec {sys.executable} -m vaultlink "$@"'),
        ("failed", "exit 1"),
        ("crashed", "kill -9 $$"),
    ):
        (tmp_path / "bin" / "vaultlink").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "bin" / "vaultlink").chmod(0o755)
        environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
        done = subprocess.run(
            ["sh", "-c", command],
            input=json.dumps(call).encode(),
            env=environment,
            capture_output=True,
            check=False,
        )
        codes[name] = done.returncode
    is_strict = "exit" in command
    assert codes["refused"] == 2
    assert (codes["failed"], codes["crashed"]) == ((0, 0) if is_strict else (1, 137))


EVENTS = {"PreToolUse", "preToolUse", "BeforeTool"}


def find_tools(case: Mapping[str, Any]) -> list[str]:
    return re.findall(r'"tool_?[nN]ame": "(\w+)"', json.dumps(case).replace("\\", ""))


def test_page_shows_this_reason(ask: Ask, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", HARBOUR)
    call = {"cwd": str(vault), "toolName": "bash", "toolArgs": {"command": "rm Harbour.md"}}
    assert blocks(PAGE, "text") == [ask(call).err]


# -- vaults ------------------------------------------------------------------------------------------------------------


def test_outside_of_vaults_everything_is_allowed(ask: Ask, folder: Path) -> None:
    call = make_shell_call(folder, "rm Plan.md; mv x y; rm -rf .")
    assert ask({**call, "cwd": str(folder / "outside")}) == (0, "", "")


def test_each_path_is_judged_in_its_own_vault(ask: Ask, folder: Path) -> None:
    other = create_vault(folder / "vault" / "inner", {"Note.md": "", "Index.md": "[[Note]]"})
    done = ask(make_shell_call(folder, f"rm Draft.md {other}/Note.md"))
    assert done.code == 2
    assert "“Note.md”" in done.err
    assert f"--vault {other}" in done.err


def test_proposed_command_works_from_another_folder(
    ask: Ask, run: RunCommand, folder: Path
) -> None:
    call = make_shell_call(folder, f"rm {folder}/vault/Plan.md")
    done = ask({**call, "cwd": str(folder / "outside")})
    command = done.err.split("`")[1].split()
    assert command[0] == "vaultlink"
    assert run(*command[1:]).code == 0
    assert not (folder / "vault" / "Plan.md").exists()


@pytest.mark.parametrize(
    ("line", "cwd"),
    [
        ("rm Plan.md", ""),
        ("mv Plan.md Projects/", ""),
        ("mv Plan.md Goal.md", ""),
        ("mv Wall.md ..", "Projects"),
        ("mv Wall.md Gate.md", "Projects"),
        ("mv Projects Works", ""),
        ("mkdir New; mv 'Two words.md' New/Three.md", ""),
    ],
)
def test_proposed_command_does_what_was_refused(
    ask: Ask, folder: Path, line: str, cwd: str
) -> None:
    place = folder / "vault" / cwd
    done = ask({**make_shell_call(folder, line), "cwd": str(place)})
    command = done.err.split("`")[1].removeprefix("vaultlink ")
    wanted = create_vault(folder / "wanted", CASES["files"])
    subprocess.run(line, shell=True, cwd=wanted / cwd, check=True)
    shell = f"{sys.executable} -m vaultlink {command}"
    subprocess.run(shell, shell=True, cwd=place, check=True, capture_output=True)
    assert list_notes(folder / "vault") == list_notes(wanted)


def list_notes(vault: Path) -> list[str]:
    files = (path.relative_to(vault) for path in vault.rglob("*.*"))
    return sorted(str(path) for path in files if not str(path).startswith("."))


def test_symbolic_links_are_followed_to_the_vault(ask: Ask, folder: Path) -> None:
    (folder / "link").symlink_to(folder / "vault")
    call = make_shell_call(folder, "rm Plan.md")
    assert ask({**call, "cwd": str(folder / "link")}).code == 2
    assert ask({**call, "cwd": str(folder / "link" / "Projects" / "..")}).code == 2


def test_vault_without_notes_and_settings_alone(ask: Ask, tmp_path: Path) -> None:
    write_files(tmp_path, {"vaultlink.toml": "", "a.txt": ""})
    call = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": str(tmp_path)}
    assert ask({**call, "tool_input": {"command": "rm a.txt"}}) == (0, "", "")
    write_files(tmp_path, {"A.md": "[[B]]", "B.md": ""})
    assert ask({**call, "tool_input": {"command": "rm B.md"}}).code == 2


@each(("path", "code"), [("wiki/New.md", 0), ("New.md", 2), ("src/new.py", 0), (".claude/x.md", 0)])
def test_write_paths_limit_notes_only(ask: Ask, folder: Path, path: str, code: int) -> None:
    write_files(folder / "vault", {"vaultlink.toml": 'write-paths = ["wiki/"]'})
    call = make_call(folder, tool_name="Write", tool_input={"file_path": path, "content": "x"})
    assert ask(call).code == code


def test_severity_of_the_settings_decides_what_is_an_error(ask: Ask, folder: Path) -> None:
    text = '[severity]\nmissing-heading = "error"\ndangling-link = "warning"'
    write_files(folder / "vault", {"vaultlink.toml": text})
    tool = {"tool_name": "Write", "tool_input": {"file_path": "Loose.md", "content": "# Loose"}}
    done = ask(make_call(folder, **tool))
    assert (done.code, "Plan.md:5" in done.err, "vaultlink rename" in done.err) == (2, True, True)
    tool["tool_input"] = {"file_path": "Draft.md", "content": "[[Two wrods]]"}
    assert ask(make_call(folder, **tool)).code == 0


# -- failures of guard itself ------------------------------------------------------------------------------------------


@each("data", [b"", b" \n", b"{", b"[]", b"3", b'"x"', b"\xff", b"[" * 99_999])
def test_data_that_is_no_payload_fails_in_one_line(ask: Ask, data: bytes) -> None:
    done = ask(data)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)


@each("options", [("--nonsense",), ("--output-format", "json"), ("--staged", "x"), ("--jobs", "0")])
def test_wrong_options_fail_with_1(ask: Ask, folder: Path, options: tuple[str, ...]) -> None:
    done = ask(make_shell_call(folder, "rm Plan.md"), *options)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)


def test_standard_input_that_can_not_be_read_fails_with_1(tmp_path: Path) -> None:
    command = [*PROGRAM, "guard"]
    with (tmp_path / "written").open("wb") as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: can't read standard input: Bad file descriptor.\n"


@each("text", ["protect = 3", "protect = [", "nonsense = 1"])
def test_wrong_settings_fail_with_1(ask: Ask, folder: Path, text: str) -> None:
    write_files(folder / "vault", {"vaultlink.toml": text})
    done = ask(make_shell_call(folder, "rm Plan.md"))
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)


def test_vault_that_can_not_be_read_fails_with_1(ask: Ask, folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (folder / "vault").chmod(0o300)
    try:
        assert ask(make_shell_call(folder, "rm Plan.md")).code in (0, 1)
    finally:
        (folder / "vault").chmod(0o700)


def test_damaged_cache_is_read_around(
    ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULTLINK_CACHE_DIR", str(folder / "cache"))
    call = make_shell_call(folder, "rm Plan.md")
    assert ask(call).code == 2
    damage_states(folder / "cache")
    assert ask(call).code == 2


def test_reason_has_no_control_characters(ask: Ask, folder: Path) -> None:
    name = "a\u202eb\nc\x1b[31m.md"
    write_files(folder / "vault", {name: "", "Index.md": f"[x](<{name}>) [[a\u202eb]]"})
    write_files(folder / "vault", {"x\u202ey.md": "", "Other.md": "[[x\u202ey]]"})
    done = ask(make_shell_call(folder, "rm x*y.md"))
    assert (done.code, done.err.removesuffix("\n").isprintable()) == (2, True), done
    assert done.out.removesuffix("\n").isprintable()


def start_guard(call: Mapping[str, Any], **streams: Any) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, "guard"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, **streams)
    assert process.stdin is not None
    process.stdin.write(json.dumps(call).encode())
    process.stdin.close()
    return process


@pytest.mark.parametrize("line", ["ls -la", "cat Plan.md | grep x", "git status"])
def test_call_that_changes_no_file_imports_little(folder: Path, line: str) -> None:
    call = make_shell_call(folder, line)
    command = [sys.executable, "-X", "importtime", "-m", "vaultlink", "guard"]
    data = json.dumps(call)
    done = subprocess.run(command, input=data, capture_output=True, text=True, check=True)
    imported = set(re.findall(r"\| +(\S+)\n", done.stderr))
    assert "vaultlink.serve.hook_payloads" in imported
    assert (
        imported & {"msgspec", "pathlib", "yaml", "vaultlink.cli.options", "vaultlink.api"} == set()
    )


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("kind", ["full", "closed"])
def test_refusal_does_not_depend_on_who_reads_it(folder: Path, stream: str, kind: str) -> None:
    call = make_shell_call(folder, "rm Plan.md")
    if kind == "full":
        if not Path("/dev/full").exists():
            pytest.skip("no device that is always full")
        with Path("/dev/full").open("wb") as full:
            assert start_guard(call, **{stream: full}).wait() == 2
        return
    read, write = os.pipe()
    os.close(read)
    process = start_guard(call, **{stream: write})
    os.close(write)
    assert process.wait() == 2


@each("seed", range(20))
def test_random_payloads_never_fail_badly(ask: Ask, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        done = ask(make_odd_payload(chance, folder))
        assert done.code in (0, 1), done
        assert "Traceback" not in done.err
        assert "internal error" not in done.err


@each("seed", range(10))
def test_random_calls_are_answered(ask: Ask, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    notes = [name for name in CASES["files"] if name.endswith(".md")]
    answers = [ask(make_hook_call(chance, folder / "vault", notes)) for _ in range(20)]
    assert {done.code for done in answers} == {0, 2}
    assert all(bool(done.err) == (done.code == 2) for done in answers)


# -- git ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(folder: Path) -> Path:
    """Return the vault as a repository with a commit."""
    git(folder / "vault", "init", "--quiet")
    commit(folder / "vault")
    return folder / "vault"


def copy_repository(repository: Path, folder: Path) -> Path:
    """Return a copy, in which git has looked at each file: otherwise its next command writes the index."""
    copy = shutil.copytree(repository, folder / "vault")
    git(copy, "update-index", "-q", "--refresh")
    return copy


STAGED: list[tuple[str, Mapping[str, str | None], list[str]]] = [
    ("a linked note is deleted", {"Plan.md": None}, ["“Plan.md”", "deleted", "“Home.md”"]),
    ("a linked attachment is deleted", {"map.png": None}, ["“map.png”", "“Home.md”"]),
    ("a note on a canvas is deleted", {"Card.md": None}, ["“Card.md”", "“board.canvas”"]),
    ("a note is renamed", {"Plan.md": None, "Goal.md": "@Plan.md"}, ["renamed", "vaultlink fix"]),
    ("a mistake is added", {"Draft.md": "[[Two wrods]]"}, ["Draft.md:1", "“Two words.md”"]),
    ("a protected note is changed", {"raw/Source.md": "x"}, ["`protect`"]),
    ("a protected note is added", {"raw/New.md": "x"}, ["`protect`"]),
    ("nothing", {}, []),
    ("a note that nobody links to is deleted", {"Draft.md": None}, []),
    ("notes that link only to each other", {"Old/First.md": None, "Old/Second.md": None}, []),
    ("a note and the link to it", {"Loose.md": None, "Plan.md": "# Plan\n\n## Next\n"}, []),
    (
        "a note is moved and keeps its name",
        {"Projects/Wall.md": None, "Wall.md": "@Projects/Wall.md", "Home.md": "[[Plan]]"},
        [],
    ),
    ("a planned note", {"Draft.md": "[[A wholly new idea]]"}, []),
    ("a new note and a link to it", {"New.md": "x", "Draft.md": "[[New]]"}, []),
    ("a file that is no note", {"src/tool.py": "# [[Two wrods]]"}, []),
    ("an empty note", {"Draft.md": ""}, []),
    ("a heading that another note links to", {"Loose.md": "# Loose"}, []),
]


@each(("name", "changes", "words"), STAGED, ids=[case[0] for case in STAGED])
def test_staged_changes(
    run: RunCommand,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    changes: Mapping[str, str | None],
    words: list[str],
) -> None:
    repository = copy_repository(repository, new_folder(tmp_path))
    texts = {
        path: (repository / text[1:]).read_bytes() if text and text[0] == "@" else text
        for path, text in changes.items()
    }
    update_files(repository, texts)
    git(repository, "add", "--all")
    monkeypatch.chdir(repository)
    done = run("guard", "--staged")
    assert (done.code, done.out) == (2 if words else 0, ""), done
    assert [word for word in words if word not in done.err] == [], done.err
    assert words or not done.err


def test_what_is_not_staged_does_not_count(
    run: RunCommand, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    update_files(repository, {"Plan.md": None, "Draft.md": "[[Two wrods]]"})
    assert run("guard", "--staged") == (0, "", "")
    git(repository, "add", "Draft.md")
    update_files(repository, {"Draft.md": "Corrected, but not staged."})
    assert "Draft.md:1" in run("guard", "--staged").err


UNSTAGED: list[tuple[str, str, list[str]]] = [
    # links and notes that are right on disk, and not staged
    ("a link is gone on disk only", "git rm -q Plan.md; echo x > Home.md", ["“Plan.md”", "`git add Home.md`"]),
    ("a link is changed on disk only", "git rm -q Plan.md; echo '[[Loose]]' > Home.md", ["deleted", "`git add Home.md`"]),
    ("a linking note is removed on disk only", "git rm -q Plan.md; rm Home.md", ["“Plan.md”", "“Home.md”"]),
    ("a canvas is right on disk only", "git rm -q Card.md; echo '{}' > board.canvas", ["“Card.md”", "“board.canvas”"]),
    ("links follow on disk only", "git mv Plan.md Goal.md; sed -i s/Plan/Goal/ Home.md", ["renamed", "`git add Home.md`"]),
    ("a deleted note stays on disk", "git rm -q --cached Plan.md", ["“Plan.md”", "deleted", "vaultlink delete"]),
    ("a deleted attachment stays on disk", "git rm -q --cached map.png", ["“map.png”"]),
    ("a deleted note is back on disk", "git rm -q Plan.md; echo new > Plan.md", ["“Plan.md”"]),
    ("a deleted note is ignored on disk", "git rm -q --cached Plan.md; echo Plan.md > .gitignore", ["“Plan.md”"]),
    ("a note with the name is not staged", "git rm -q Plan.md; mkdir New; echo x > New/Plan.md", ["“Plan.md”"]),
    ("a mistake is corrected on disk only", "echo '[[Two wrods]]' > Draft.md; git add .; echo x > Draft.md", ["Draft.md:1"]),
    ("a new note is removed on disk only", "echo '[[Two wrods]]' > New.md; git add .; rm New.md", ["New.md:1"]),
    ("a note becomes a symbolic link", "ln -sf Loose.md Plan.md; git add .", ["“Plan.md”"]),
    ("a note becomes a submodule", "git rm -q --cached Plan.md; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),Plan.md", ["“Plan.md”"]),
    ("a link that is kept by --skip-worktree", "git update-index --skip-worktree Home.md; echo x > Home.md; git rm -q Plan.md", ["“Plan.md”"]),
    ("a link that is kept by --assume-unchanged", "git update-index --assume-unchanged Home.md; echo x > Home.md; git rm -q Plan.md", ["“Plan.md”"]),
    ("a sparse checkout without the linking note", "git sparse-checkout set --no-cone /Projects/ /Plan.md; git rm -q --sparse Plan.md", ["“Plan.md”", "“Home.md”"]),
    ("a note is only announced in its new place", "git rm -q --cached Plan.md; mkdir New; mv Plan.md New; git add -N New/Plan.md", ["“Plan.md”"]),
    # the settings that are staged
    ("protection is lifted on disk only", "echo > vaultlink.toml; echo x > raw/Source.md; git add raw", ["`protect`"]),
    ("protection is staged and not on disk", "echo 'protect = [\"Old/\"]' > vaultlink.toml; git add .; git rm -q Old/First.md; echo > vaultlink.toml", ["`protect`"]),
    ("severity is staged and not on disk", "printf '[severity]\\nmissing-heading = \"error\"' > vaultlink.toml; echo x > Loose.md; git add .; echo > vaultlink.toml", ["Plan.md:5"]),
    # texts that are staged and empty
    ("a linked note is emptied", "> Plan.md; git add .", ["“Plan.md”", "emptied", "`git restore --staged --worktree Plan.md`"]),
    ("a linked note is emptied but for an empty line", "echo > Plan.md; git add .", ["emptied", "another note links"]),
    ("a linked note is emptied and written again on disk", "> Plan.md; git add .; echo new > Plan.md", ["emptied"]),
    # what breaks nothing
    ("a linked note is emptied on disk only", "> Plan.md; git rm -q Draft.md", []),
    ("an emptied note that nobody links to", "> Draft.md; git add .", []),
    ("an emptied note and the link to it", "> Loose.md; echo '# Plan' > Plan.md; git add .", []),
    ("notes that link only to each other are emptied", "> Old/First.md; > Old/Second.md; git add .", []),
    ("a link is broken on disk only", "echo '[[Two wrods]]' > Loose.md; git rm -q Draft.md", []),
    ("a linked note is deleted on disk only", "rm Plan.md map.png; git rm -q Draft.md", []),
    ("a mistake of a note that is not staged", "echo '[[Two wrods]]' > New.md; git rm -q Draft.md", []),
    ("a deletion and the staged link, both undone on disk", "git rm -q Card.md board.canvas; echo x > Card.md", []),
    ("a link to a note that is not staged", "echo x > New.md; echo '[[New]]' > Draft.md; git add Draft.md", []),
    ("a link to a note that git ignores", "echo Own.md > .git/info/exclude; echo x > Own.md; echo '[[Own]]' > Draft.md; git add .", []),
    ("an old link to a note that git ignores", "echo '[[Own]] [[Plan]]' > Draft.md; git add .; git commit -qm x; echo Own.md > .git/info/exclude; echo x > Own.md; echo more >> Draft.md; git add .", []),
    ("an old broken link in a note that changes", "echo '[[Two wrods]]' > Draft.md; git add .; git commit -qm x; echo more >> Draft.md; git add .", []),
    ("a note moves and is changed further on disk", "git mv Projects/Wall.md Old/; echo '[[Plan]]' > Home.md; git add .; echo more >> Old/Wall.md", []),
    ("a new note and a link to it, both removed on disk", "echo x > New.md; echo '[[New]]' > Draft.md; git add .; rm New.md Draft.md", []),
    ("a link to what is announced only", "echo x > New.md; git add -N New.md; echo '[[New]]' > Draft.md; git add Draft.md", []),
    ("a link to what is announced, and assumed unchanged", "echo x > New.md; git add -N New.md; git update-index --assume-unchanged New.md; echo '[[New]]' > Draft.md; git add Draft.md", []),
    ("a submodule with a note that is linked", "git init -q Sub; echo x > Sub/Far.md; git -C Sub add .; git -C Sub commit -qm x; git add Sub 2>&1; echo '[[Far]] [[Two words]]' > Draft.md; git add .", []),
    ("a sparse checkout without a linked note", "git sparse-checkout set --no-cone /Home.md; echo '[[Plan]]' >> Home.md; git add Home.md", []),
    ("line ends that git converts", "echo '* text eol=crlf' > .gitattributes; git add .; rm Plan.md; git checkout -q Plan.md; echo '[[Plan#Next]]' > Draft.md; git add .", []),
    ("a note through a filter of programs", "git config filter.x.clean 'sed s/Plan/Nowhere/'; echo 'Home.md filter=x' > .gitattributes; git add .", []),
    ("settings that are not staged", "printf '[severity]\\nmissing-heading = \"error\"' > vaultlink.toml; echo x > Loose.md; git add Loose.md", []),
    ("a merge with an open conflict", "git checkout -qb side; echo side > Draft.md; git commit -qam x; git checkout -q -; echo '[[Plan]]' > Draft.md; git commit -qam x; git merge -q side || git rm -q Card.md board.canvas", []),
]  # fmt: skip
"""Shell lines that bring a repository into a state, and words of the reason for which its commit is refused."""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="lines of a shell")
@each(("name", "line", "words"), UNSTAGED, ids=[case[0] for case in UNSTAGED])
def test_what_is_staged_is_judged_and_not_the_disk(
    run: RunCommand,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    line: str,
    words: list[str],
) -> None:
    repository = copy_repository(repository, new_folder(tmp_path))
    run_line(repository, line)
    files = read_files(repository)
    monkeypatch.chdir(repository)
    done = run("guard", "--staged")
    assert (done.code, done.out) == (2 if words else 0, ""), done
    assert [word for word in words if word not in done.err] == [], done.err
    assert words or not done.err
    assert read_files(repository) == files


RANDOM_NAMES = [
    "Home.md",
    "Plan.md",
    "Sub/Plan.md",
    "Sub/Wall.md",
    "own/Secret.md",
    "map.png",
    "b.canvas",
]
RANDOM_LINES = [
    *("[[Plan]]", "[[Home]]", "[[Wall]]", "[[Sub/Plan]]", "[[Secret]]", "![[map.png]]", "[x](Sub/Wall.md)"),
    *("[[Plam]]", "[[Plan#Top]]", "# Top", "[[Wholly new]]", "---\naliases: [Plam]\n---"),
]  # fmt: skip
RANDOM_COMMANDS = [
    *("add PATH", "add PATH", "add PATH", "add --force PATH", "add -N PATH", "add --all"),
    *("rm -q -f PATH", "rm -q --cached PATH", "checkout -q -- PATH", "reset -q -- PATH"),
    *("update-index --skip-worktree PATH", "update-index --no-skip-worktree PATH"),
    *("update-index --assume-unchanged PATH", "commit -q -a -m x"),
]  # fmt: skip
"""Commands of git, some of which fail."""


@pytest.mark.parametrize("seed", spread_seeds(24, 8))
def test_random_stages_are_judged_as_the_commit_that_is_made_of_them(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    inner = dice.choice(["", "notes/"])
    repository = tmp_path / "repository"
    names = [*RANDOM_NAMES, "Kept.md"]
    files = {f"{inner}{name}": make_random_text(dice, name) for name in names}
    update_files(repository, {**files, f"{inner}vaultlink.toml": "", ".gitignore": "own/\n"})
    git(repository, "init", "--quiet")
    git(repository, "add", f"{inner}Kept.md")
    if dice.random() < 0.8:
        commit(repository)
    for number in range(6):
        for _ in range(dice.randint(1, 5)):
            change_random_stage(dice, repository, inner)
        monkeypatch.chdir(repository)
        done = run("guard", "--staged", "--no-history")
        git(repository, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "x")
        before, after = (
            check_out(repository, tmp_path / f"{number}{part}", inner, part) for part in "~^"
        )
        lost = list_losses(before / inner, after / inner)
        assert done.code == (2 if lost else 0), (done, lost)


def make_random_text(dice: random.Random, name: str) -> str:
    if not name.endswith(".md"):
        nodes = [{"id": "1", "type": "file", "file": dice.choice(RANDOM_NAMES)}]
        return json.dumps({"nodes": nodes}) if name.endswith(".canvas") else "png"
    return "\n".join(["x", *dice.choices(RANDOM_LINES, k=dice.randint(0, 4))]) + "\n"


def change_random_stage(dice: random.Random, repository: Path, inner: str) -> None:
    """Change a file, or what is staged of it, as people and tools do."""
    name = dice.choice(RANDOM_NAMES)
    path = f"{inner}{name}"
    file = repository / path
    action = dice.choice(["write", "write", "empty", "settings", "remove", "move", *["git"] * 6])
    if action == "git":
        command = dice.choice(RANDOM_COMMANDS).replace("PATH", path).split()
        git_line = [require_program("git"), "-C", str(repository), *command]
        environment = {**os.environ, **GIT_ENVIRONMENT}
        subprocess.run(git_line, capture_output=True, check=False, env=environment)
    elif action == "settings":
        text = f'[severity]\nmissing-heading = "{dice.choice(["error", "warning"])}"\n'
        update_files(repository, {f"{inner}vaultlink.toml": text})
    elif action in ("write", "empty"):
        text = make_random_text(dice, name) if action == "write" else ""
        update_files(repository, {path: text})
    elif file.exists():
        data = file.read_bytes()
        file.unlink()
        if action == "move":
            folder = dice.choice(["Old/", "Sub/", "own/", ""])
            update_files(repository, {f"{inner}{folder}{file.name}": data})


def check_out(repository: Path, folder: Path, inner: str, part: str) -> Path:
    """Return a clone of the last commit (`^`) or of the one before it (`~`), with the settings of the last one."""
    name = f"{inner}vaultlink.toml"
    is_tracked = git(repository, "ls-files", name) != ""
    settings = (
        git(repository, "show", f"HEAD:{name}") if is_tracked else (repository / name).read_text()
    )
    git(repository, "clone", "--quiet", "--no-local", ".", str(folder))
    if part == "~" and git(folder, "rev-list", "--count", "HEAD").strip() == "1":
        git(folder, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
    elif part == "~":
        git(folder, "checkout", "--quiet", "HEAD~1")
    update_files(folder, {name: settings})
    return folder


def list_losses(before: Path, after: Path) -> list[str]:
    """Return what breaks from one checkout to the next: links to files that are gone or empty, and errors."""
    old, new = open_checkout(before), open_checkout(after)
    if new is None:
        return []
    known = old.index.resolved_links if old else lambda _path: ()
    notes = old.notes.keys() | old.index.notes.keys() if old else set[str]()
    lost = [
        f"{path}: {link.raw}"
        for path in new.index.notes.keys() & notes
        for link, found in new.index.resolved_links(path)
        if old and not link.external and found is None
        for former in {resolve(path, link.lookup_target, old.index.names)}
        if former and former not in new.index.files and former in {file for _, file in known(path)}
    ]
    emptied = [
        path
        for path in new.index.notes.keys() & notes
        if old and old.text(path).strip() and not new.text(path).strip()
    ]
    lost += [
        f"{source}: {path} is empty"
        for path in emptied
        for source in new.index.sources_of(path)
        if source not in (path, *emptied)
    ]
    errors = [
        Counter(
            f"{item.path}: {item.known_as or item.code} {item.target} {item.subpath}"
            for item in (vault.check() if vault else ())
            if item.severity == "error"
        )
        for vault in (old, new)
    ]
    return [*lost, *(errors[1] - errors[0])]


def open_checkout(folder: Path) -> Vault | None:
    try:
        return open_vault(folder, Settings(cache=False, history=False))
    except VaultError:  # there is no note in it
        return None


def run_line(folder: Path, line: str) -> None:
    subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={**os.environ, **GIT_ENVIRONMENT},
        check=True,
        capture_output=True,
    )


def test_first_commit_is_judged(
    run: RunCommand, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = folder / "vault"
    git(vault, "init", "--quiet")
    update_files(vault, {"vaultlink.toml": "", "Draft.md": "[[Two wrods]]"})
    git(vault, "add", "--all")
    monkeypatch.chdir(vault)
    assert "Draft.md:1" in run("guard", "--staged").err


def test_commit_with_a_hook_is_stopped(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\n{sys.executable} -m vaultlink guard --staged || [ $? -ne 2 ]\n")
    hook.chmod(0o755)
    update_files(repository, {"Plan.md": None})
    command = ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["commit", "-a", "-m", "x"], ["commit", "-m", "x", "Plan.md"]):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 1, done
        assert "“Plan.md”" in done.stderr
    update_files(repository, {"Home.md": "[[Two words]]\n"})
    for words, code in ((["Plan.md"], 1), (["Plan.md", "Home.md"], 0)):
        line = [*command, "commit", "-m", "x", *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == code, done
    update_files(repository, {"Draft.md": "Better.\n", "Projects/Tide.md": None, "Home.md": "x"})
    done = subprocess.run(
        [*command, "commit", "-a", "-m", "x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done


def test_index_is_named_from_the_top_folder(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git names it so to its hooks, which may go to another folder."""
    repository = tmp_path / "repository"
    vault = create_vault(repository / "notes", {"Home.md": "[[Tide]]\n", "Tide.md": "x\n"})
    git(repository, "init", "--quiet")
    commit(repository)
    run_line(repository, "git rm -q notes/Tide.md")
    monkeypatch.chdir(vault)
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert run("guard", "--staged").code == 2


@pytest.mark.parametrize(("line", "code"), [("git rm -q Tide.md", 2), ("git rm -q Pier.md", 0)])
def test_vault_around_a_repository_is_as_on_disk(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, code: int
) -> None:
    vault = create_vault(tmp_path / "vault", {"Home.md": "[[Tide]]\n", "Sea/Tide.md": "[[Home]]\n"})
    update_files(vault, {"Sea/Pier.md": "[[Tide]] [[Home]]\n"})
    git(vault / "Sea", "init", "--quiet")
    commit(vault / "Sea")
    run_line(vault / "Sea", line)
    monkeypatch.chdir(vault / "Sea")
    assert run("guard", "--staged").code == code


@pytest.mark.parametrize("name", ["vaultlink.toml", "notes/.vaultlink.toml", "pyproject.toml"])
def test_settings_above_a_vault_are_those_that_are_staged(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    create_vault(tmp_path / "notes", {"Home.md": "[[Tide#Ebb]]\n", "Tide.md": "## Ebb\n"})
    head = "[tool.vaultlink.severity]" if name == "pyproject.toml" else "[severity]"
    update_files(tmp_path, {name: f'{head}\nmissing-heading = "error"\n'})
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    update_files(tmp_path, {"notes/Tide.md": "# Tide\n"})
    git(tmp_path, "add", "--all")
    update_files(tmp_path, {name: ""})
    monkeypatch.chdir(tmp_path)
    assert "Home.md:1" in run("guard", "--staged").err
    assert run("guard", "--staged", "--isolated").code == 0
    git(tmp_path, "add", "--all")
    assert run("guard", "--staged").code == 0


def test_staged_outside_of_a_repository_fails_with_1(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("guard", "--staged")
    assert (done.code, done.err.count("\n")) == (1, 1)
