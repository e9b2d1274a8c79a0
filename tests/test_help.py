"""Tests of the help pages: what they show and hide, and that each example runs in a sample vault."""

import re
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from repositories import create_repository
from running import RunCommand, create_vault
from screens import run_on_screen
from tables import each
from vaultlink.cli.command_table import ALIASES, COMMANDS, REMOVED_WORDS
from vaultlink.cli.help_page import load_examples

NOTES: dict[str, str | bytes | None] = {
    "Tide.md": "# Tide\n\n[[Harbour]] [[Nowhere]] Wall\n\n## Backlinks\n\n- [[Wall]]\n",
    "Wall.md": "# Wall\n\n[[tide|x]] [[Tide#Gone]] #boat\n",
    "Harbour.md": "# Harbour\n\n[[Tide]] ![[map.png]]\n\n## Quay\n\ntext\n\n## Low water\n\ntext\n",
    "Projects/Plan.md": "# Plan\n\n[[Harbour#Quay]] [[Plans]]\n",
    "base.md": "# A\n\none\n",
    "ours.md": "# A\n\none\n\ntwo\n",
    "theirs.md": "# A\n\nzero\n\none\n",
    "map.png": "PNG",
}

EXAMPLES = load_examples()

SILENT = ("vaultlink graph --output-format svg", "vaultlink merge-driver", "vaultlink guard")
"""The beginnings of examples that print nothing."""

ENDLESS = (
    *("vaultlink watch", "vaultlink watch --fix", "vaultlink fix --interactive"),
    *("vaultlink lsp", "vaultlink lsp --no-cache", "vaultlink mcp", "vaultlink mcp --allow-writes"),
)
"""Examples that run on a terminal until they are ended."""


USAGES = {
    "check": "[PATHS]...",
    "rename": "[OLD] [NEW]",
    "move": "SRC... FOLDER",
    "extract": "NOTE#HEADING [NEW]",
    "merge": "NOTE INTO",
    "delete": "NOTE...",
    "history": "NOTE",
    "related": "[NOTE]",
    "sections": "ACTION [NOTE]...",
    "completion": "SHELL",
    "merge-driver": "BASE OURS THEIRS",
}
"""The arguments of commands: those that can be left out are in brackets."""

GROUPS = {
    "check": ["Arguments", "Fixes", "Findings", "Rules", "Vault", "Output", "Examples"],
    "fix": ["Arguments", "Fixes", "Findings", "Rules", "Vault", "Output", "Examples"],
    "merge": ["Arguments", "Options", "Vault", "Output", "Examples"],
    "rules": ["Output", "Examples"],
}

HIDDEN = {
    "check": ("--unlink", "--create", "--template", "--created"),
    "graph": ("--format",),
    "report": ("--output",),
}
"""Options that still work, and that no help page shows."""

SAME = [
    ("graph --format json", "graph --output-format json"),
    ("graph --format=dot --focus Tide", "graph --output-format dot --focus Tide"),
    ("check --fix --unsafe-fixes --unlink --diff", "fix --unsafe-fixes --unlink --diff"),
]
"""Lines with a former name, and lines with the present one."""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault in a git repository with one commit, and enter it."""
    root = create_repository(create_vault(tmp_path / "vault", {}), NOTES)
    monkeypatch.chdir(root)
    return root


def test_every_command_has_two_or_three_examples() -> None:
    assert EXAMPLES.keys() == COMMANDS.keys()
    for command, examples in EXAMPLES.items():
        assert 2 <= len(examples) <= 3, command
        for line, text in examples.items():
            assert line.startswith(f"vaultlink {command}")
            assert len(line) <= 76
            assert text.endswith(".")


@each("command", USAGES)
def test_usage_has_brackets_around_what_can_be_left_out(run: RunCommand, command: str) -> None:
    line = f"Usage: vaultlink {command} [OPTIONS] {USAGES[command]}"
    assert run(command, "--help").lines[0] == line


@each("command", GROUPS)
def test_options_are_in_groups(run: RunCommand, command: str) -> None:
    titles = [line[:-1] for line in run(command, "--help").lines if re.fullmatch(r"\w+:", line)]
    assert titles == GROUPS[command]


@each("command", HIDDEN)
def test_former_options_are_hidden(run: RunCommand, command: str) -> None:
    shown = re.findall(r"--[\w-]+", run(command, "--help").out.partition("Arguments:")[2])
    assert not set(shown) & set(HIDDEN[command])
    if command == "check":
        assert {"--fix", "--diff", "--unsafe-fixes"} <= set(shown)
        assert set(HIDDEN[command]) <= set(re.findall(r"--[\w-]+", run("fix", "--help").out))


@each(("former", "present"), SAME)
def test_former_names_do_the_same(run: RunCommand, vault: Path, former: str, present: str) -> None:
    done = run(*former.split())
    assert done == run(*present.split())
    assert "warning" not in done.err


def test_former_name_of_the_output_file_works(run: RunCommand, vault: Path) -> None:
    assert run("report", "--output", "../report.json").code == 0
    assert (vault.parent / "report.json").read_text(encoding="utf-8").startswith("{")


@each("name", [*COMMANDS, *ALIASES])
def test_every_name_of_a_command_has_help(run: RunCommand, name: str) -> None:
    pages = [run(*words) for words in ((name, "--help"), (name, "-h"), ("help", name))]
    assert {done.code for done in pages} == {0}
    assert len({done.out for done in pages}) == 1
    assert pages[0].out.startswith(f"Usage: vaultlink {ALIASES.get(name, name)} ")


@each("words", [*REMOVED_WORDS], ids=str)
@each("value", ["", "=20"])
def test_removed_option_names_what_does_the_same(run: RunCommand, words: str, value: str) -> None:
    done = run(*f"{words}{value}".split())
    assert (done.code, done.out) == (2, "")
    option = words.split()[1]
    assert f"there is no option {option} any more. {REMOVED_WORDS[words]}" in done.err


@each("words", [*REMOVED_WORDS], ids=str)
def test_name_after_two_dashes_is_no_option(run: RunCommand, words: str) -> None:
    command, option = words.split()
    assert "any more" not in run(command, "--", option).err


def list_words(line: str) -> Sequence[str]:
    return shlex.split(line)[1:]


@each("command", EXAMPLES)
def test_examples_run(run: RunCommand, vault: Path, command: str) -> None:
    if command == "undo":
        assert run("fix").code < 2
    for line in EXAMPLES[command]:
        if line in ENDLESS:
            continue
        done = run(*list_words(line))
        assert done.code < 2, f"{line}: {done.err}"
        assert bool(done.out or done.err) != line.startswith(SILENT), line


@pytest.mark.thorough
@each("line", ENDLESS)
def test_examples_on_a_terminal_run(vault: Path, line: str) -> None:
    with run_on_screen(vault, *list_words(line)) as screen:
        if re.search("watch|lsp|mcp", line):
            screen.wait_for("Ctrl-C").send_signal(signal.SIGINT)
            screen.wait_for_end(code=None)
        else:
            screen.wait_for(",q,?]").type("q").wait_for_end(code=None)
        assert "error:" not in screen.everything
