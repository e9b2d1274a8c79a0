"""Completion: the candidates for a line, and the scripts in real shells."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from machine import require_program
from running import RunCommand, create_vault
from shells import INTERACTIVE, Shell
from tables import each
from vaultlink.cli.candidates import list_formats
from vaultlink.cli.command_table import COMMANDS
from vaultlink.cli.commands.completion import SCRIPTS
from vaultlink.disk.read import load_rules

NOTES = {
    "Home.md": "# Home\n## Next step\ntext ^b1\n",
    "Two words.md": "",
    "sub/It's.md": "",
    "sub/Plan.md": "",
    "a.png": "",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault and change to it."""
    monkeypatch.chdir(create_vault(tmp_path / "vault", NOTES))
    return tmp_path / "vault"


# -- candidates -------------------------------------------------------------------------------------------------------


@each(
    ("words", "found"),
    [
        (("che",), ["check"]),
        (("un",), ["undo", "unresolved"]),
        (("help", "ba"), ["baseline", "backlinks"]),
        (("fix", "--unl"), ["--unlink"]),
        (("check", "--unl"), []),
        (("graph", "--f"), ["--focus"]),
        (("unresolved", "--vau"), ["--vault"]),
        (("check", "--color", ""), ["auto", "always", "never"]),
        (("check", "--color=a"), ["--color=auto", "--color=always"]),
        (("check", "--color", "=", "ne"), ["never"]),
        (("check", "--color", "="), ["auto", "always", "never"]),
        (("check", "--output-format", "json"), ["json", "json-lines"]),
        (("links", "--output-format", ""), ["table", "tsv", "json"]),
        (("init", "--ci", "github,g"), ["github,gitlab"]),
        (("completion", "z"), ["zsh"]),
        (("sections", "a"), ["adopt"]),
        (("sections", "write", "ho"), ["Home.md"]),
        (("show", "ho"), ["Home.md"]),
        (("show", "sub/"), ["sub/It's.md", "sub/Plan.md"]),
        (("show", "It"), ["It's"]),
        (("show", "Two\\ w"), ["Two words.md"]),
        (("show", '"Two w'), ["Two words.md"]),
        (("show", "--current="), ["Home.md", "Two words.md", "sub/It's.md", "sub/Plan.md"]),
        (("check", "--stdin-filename", "H"), ["Home.md"]),
        (("rename", "H"), ["Home.md"]),
        (("rename", "s"), ["sub/It's.md", "sub/Plan.md", "sub/"]),
        (("rename", "a."), ["a.png"]),
        (("rename", "Pl"), ["Plan"]),
        (("rename", "Home#"), ["Home#Home", "Home#Next step", "Home#^b1"]),
        (("rename", "Home.md#ne"), ["Home.md#Next step"]),
        (("rename", "Nothing#"), []),
        (("rename", "#"), []),
        (("rename", "--diff", "Two"), ["Two words.md"]),
        (("rename", "Home.md", "H"), []),  # the new name
        (("rename", "--", "Home.md", ""), []),  # the new name
        (("show", "--", "--he=lp"), []),
        (("move", "sub"), ["sub/It's.md", "sub/Plan.md", "sub/"]),
        (("move", "Home.md", "sub/P"), ["sub/Plan.md"]),
        (("check", "H"), []),  # the shell completes files
        (("check", "--config", ""), []),
        (("nosuch", ""), []),
        (("check", "--nosuch=", "--nosuch=a"), []),
    ],
)
def test_candidates(run: RunCommand, vault: Path, words: Sequence[str], found: list[str]) -> None:
    done = run("__complete", *words)
    assert (done.code, done.err) == (0, "")
    assert [line.split("\t")[0] for line in done.lines] == found


def test_rules_are_completed_by_name_and_code(run: RunCommand, vault: Path) -> None:
    rules = load_rules()
    name, code = next((rule["name"], rule["code"]) for rule in rules.values())
    for words in (("rule",), ("check", "--select"), ("fix", "--unfixable")):
        assert len(run("__complete", *words, "").lines) == 2 * len(rules)
        assert run("__complete", *words, name).lines[0].startswith(f"{name}\t")
        assert run("__complete", *words, code.lower()).lines[0].startswith(f"{code}\t")
    listed = run("__complete", "check", "--ignore", f"{name},{code}").lines
    assert [line.split("\t")[0] for line in listed] == [f"{name},{code}"]


def test_notes_of_a_named_vault(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("__complete", "show", "H") == (0, "", "")
    for words in (("--vault", "vault"), ("--vault=vault",)):
        assert run("__complete", "show", *words, "H").lines == ["Home.md\tnote"]


@each(
    ("words", "found"),
    [
        (("",), ["Home.md", "Two words.md", "sub/It's.md", "sub/Plan.md"]),
        (("-r",), []),
        (("--", ""), ["--help.md", "-rf.md", "Home.md", "Two words.md"]),
        (("--", "-"), ["--help.md", "-rf.md"]),
        (("--", "--h"), ["--help.md"]),
        (("--color", "never", "--", "--help"), ["--help.md"]),
        (("--", "Home.md", "--color", "al"), []),
    ],
)
def test_name_that_looks_like_an_option_is_listed_after_two_dashes(
    run: RunCommand, vault: Path, words: Sequence[str], found: list[str]
) -> None:
    for name in ("-rf.md", "--help.md"):
        (vault / name).write_text("", encoding="utf-8")
    listed = [line.split("\t")[0] for line in run("__complete", "show", *words).lines]
    assert listed[: len(found) or None] == found


def test_kinds_of_files_are_described(run: RunCommand, vault: Path) -> None:
    (vault / "Maps").mkdir()
    (vault / "Maps" / "Mapped.md").write_text("", encoding="utf-8")
    (vault / "Maps" / "map.png").write_text("", encoding="utf-8")
    assert sorted(run("__complete", "move", "ma").lines) == [
        "Mapped\tnote",
        "Maps/\tfolder",
        "Maps/Mapped.md\tnote",
        "Maps/map.png\tfile",
        "map.png\tfile",
    ]


def test_every_option_of_every_command_is_completed(run: RunCommand, vault: Path) -> None:
    for command in COMMANDS:
        listed = {line.split("\t")[0] for line in run("__complete", command, "-").lines}
        text = run(command, "--help").out
        assert listed == {word for word in text.replace(",", " ").split() if word in listed}
        assert {"--help", "--quiet", "--color"} <= listed


@each("command", [name for name in COMMANDS if name not in ("watch", "history", "undo")])
def test_completed_formats_are_those_that_the_command_accepts(
    run: RunCommand, vault: Path, command: str
) -> None:
    """The other commands need more than a format to end well."""
    completed = [line.strip() for line in run("__complete", command, "--output-format", "").lines]
    if not completed:
        return
    words = {
        "rule": ("VL1",),
        "merge-driver": ("a", "b", "c"),
        "init": ("--diff",),
        "sections": ("check",),
    }.get(command, ())
    for name in completed:
        assert "invalid value" not in run(command, *words, "--output-format", name).err
    refusal = run(command, *words, "--output-format", "nosuch").err
    assert refusal.endswith(f"Valid values: {', '.join(completed)}.\n")


def test_formats_are_read_from_the_manual() -> None:
    assert list_formats("Output formats: page (also when piped), tsv, json. More.") == [
        *("page", "tsv", "json"),
    ]
    assert list_formats("Output formats: none. Prints text.") == []
    assert list_formats("") == []


def test_nothing_is_imported_that_takes_long(vault: Path) -> None:
    code = (
        "import sys; from vaultlink.__main__ import main; main(['__complete', 'show', ''])\n"
        "print({'typer', 'yaml', 'networkx', 'rapidfuzz', 'vaultlink.api'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


# -- scripts ----------------------------------------------------------------------------------------------------------


def test_script_of_every_shell(run: RunCommand) -> None:
    for shell in SCRIPTS:
        done = run("completion", shell)
        assert (done.code, done.err) == (0, "")
        assert "__complete" in done.out
    assert run("completion", "tcsh") == (
        *(2, ""),
        "error: SHELL: invalid value “tcsh”. Valid values: bash, zsh, fish, powershell.\n",
    )
    assert run("completion").err == (
        "error: completion requires a shell: bash, zsh, fish, powershell.\n"
    )


TYPED = {
    "command": ("vaultlink bas\t", "vaultlink baseline"),
    "option": ("vaultlink fix --unl\t", "fix --unlink"),
    "value": ("vaultlink check --color=nev\t", "--color=never"),
    "rule": ("vaultlink rule orph\t", "rule orphan-note"),
    "name in a list": ("vaultlink check --select VL1,orph\t", "VL1,orphan-note"),
    "note with a space": ("vaultlink show Tw\t\n", "Two words.md"),
    "note in quotes": ("vaultlink show 'Two\t\n", "Two words.md"),
    "file": ("vaultlink check Hom\t", "check Home.md"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("shell", INTERACTIVE)
@pytest.mark.parametrize(("keys", "completed"), TYPED.values(), ids=TYPED)
def test_key_in_a_real_shell(vault: Path, shell: str, keys: str, completed: str) -> None:
    (program, *options), load = INTERACTIVE[shell]
    terminal = Shell([require_program(program), *options], vault)
    try:
        terminal.type(f"{load}; echo rea''dy\n", "ready")
        assert completed in terminal.type(keys, completed)
        if keys.endswith("\n"):  # the note was found, and not a note called Tw
            assert "there is no note" not in terminal.type("echo do''ne\n", "done")
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("vaultlink basel", ["baseline"]),
        ("vaultlink check --color ne", ["never"]),
        ("vaultlink show Tw", ["Two words.md"]),
        ("vaultlink rule dangling-l", ["dangling-link"]),
        ("vaultlink check Hom", ["Home.md"]),
    ],
)
def test_fish(vault: Path, line: str, found: list[str]) -> None:
    script = f"vaultlink completion fish | source; complete --do-complete '{line}'"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [require_program("fish"), "--no-config", "--command", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": path, "HOME": str(vault.parent)},
    )
    assert done.stderr == ""
    assert [item.split("\t")[0] for item in done.stdout.splitlines()] == found


def test_bash_script_passes_shellcheck(run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "script.bash").write_text(run("completion", "bash").out, encoding="utf-8")
    checker = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [checker, "--shell=bash", tmp_path / "script.bash"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
