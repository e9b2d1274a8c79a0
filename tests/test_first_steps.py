"""From an installed vaultlink to a healed vault: each command is on the screen of the one before.

The test runs what the screen shows, as a newcomer does.
"""

import re
import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from documents import blocks
from forge import ROOT
from running import Files, RunCommand, create_vault
from screens import LARGE, SMALL, TIMEOUT_SECONDS, Screen, Size, run_on_screen

SAMPLE = ROOT / "fixtures" / "podcast-wiki"

COMMAND = re.compile(r"(?:`|^  )(vaultlink(?: [^`\s]+)*)(?:`|  |$)", re.MULTILINE)
"""A command in backticks, or in the first column of a table of commands."""

PROMPT = re.compile(r"\[([a-z0-9?,]+)\]$")


def find_commands(text: str, done: Sequence[str]) -> list[str]:
    """Return the commands in a text that were not run yet; reverting is no step towards a healed vault."""
    return [
        command
        for command in COMMAND.findall(text)
        if command not in (*done, "vaultlink undo") and "COMMAND" not in command
    ]


class Answers:
    """Answers questions with the first of some keys that a question offers; with the next if that is not possible."""

    def __init__(self, keys: str):
        self._keys, self._question, self._tried = keys, "", ""

    def answer(self, screen: Screen) -> None:
        """Press a key if a question is asked."""
        prompt = PROMPT.search(screen.rows[screen.cursor[1]])
        if not prompt:
            return
        question = re.findall(r"^\d+ of \d+", screen.everything, re.MULTILINE)[-1]
        if question != self._question:
            self._question, self._tried = question, ""
        offered = prompt[1].split(",")
        keys = [key for key in self._keys if key in offered and key not in self._tried]
        if not keys:
            return  # the last answer is not shown yet
        key = keys[0]
        self._tried += key
        screen.type(key)


def run_shown_command(command: str, vault: Path, size: Size, keys: str) -> str:
    """Run a command on a terminal until it ends; return the last screen."""
    folder = vault.parent
    environment = {
        "VAULTLINK_CACHE_DIR": str(folder / "cache"),
        "VAULTLINK_STATE_DIR": str(folder / "state"),
    }
    answers, end = Answers(keys), time.monotonic() + TIMEOUT_SECONDS
    with run_on_screen(
        vault, *shlex.split(command)[1:], size=size, environment=environment
    ) as screen:
        while not screen.has_ended():
            if not screen.read(0.1):
                answers.answer(screen)
            assert time.monotonic() < end, f"still running:\n{screen.everything}"
        return screen.settle().text


def follow_commands(vault: Path, size: Size, keys: str, steps: int) -> dict[str, str]:
    """Run commands, each the first new one on the screen of the one before; return all screens."""
    screens = {"vaultlink": run_shown_command("vaultlink", vault, size, keys)}
    while len(screens) <= steps:
        [*_, last] = screens.values()
        found = find_commands(last, list(screens))
        if not found:
            break
        screens[found[0]] = run_shown_command(found[0], vault, size, keys)
    return screens


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample vault, which is the current folder."""
    folder = Path(shutil.copytree(SAMPLE, tmp_path / "vault"))
    monkeypatch.chdir(folder)
    return folder


def list_findings(run: RunCommand) -> list[dict[str, Any]]:
    """Return the findings of the vault in the current folder."""
    data = run("check", "--json").data
    assert isinstance(data, dict)
    return list(data["findings"])


# -- the way ---------------------------------------------------------------------------------------


@pytest.mark.project
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_each_command_is_on_the_screen_of_the_one_before(
    run: RunCommand, vault: Path, size: Size
) -> None:
    """Every proposal is accepted; a missing note is created, or else the links to it are unlinked."""
    checked = run_shown_command("vaultlink check", vault, size, "")
    screens = follow_commands(vault, size, keys="aycun", steps=3)
    assert screens["vaultlink"] == checked, "it is the same overview"
    assert list(screens) == [
        "vaultlink",
        "vaultlink fix",
        "vaultlink fix --interactive",
        "vaultlink unresolved",
    ]
    assert "vaultlink fix                fix 13 now" in checked
    assert "Fixed 13 findings" in screens["vaultlink fix"]
    for row in screens["vaultlink fix"].splitlines():
        assert re.match(r" *\d+  VL|  [-+] |[A-Z`]", row), "each headline and line takes one row"
    rules = ("dangling-link", "dangling-embed", "planned-note")
    unresolved = {item["target"] for item in list_findings(run) if item["rule"] in rules}
    assert unresolved == {
        "wreck-chart-1890.png",
        "radar_for_everyone.md",
        "radio_direction_finding",
    }
    if size == SMALL:
        for command, parts in PAGE.items():
            find_parts(parts, {**screens, "vaultlink check": checked}[command])


def find_parts(parts: Sequence[str], text: str) -> None:
    """Assert that a text contains parts in this order; […] stands for others."""
    for part in parts:
        if part != "[…]":
            assert part in text, text
            text = text.split(part, 1)[1]


PAGE = {
    command.removeprefix("$ "): parts
    for block in blocks(ROOT / "docs" / "first-steps.md", "console")
    for command, *parts in [block.strip("\n").split("\n\n")]
}


def test_page_has_all_commands_after_the_installation() -> None:
    [start] = blocks(ROOT / "docs" / "first-steps.md", "sh")
    assert "\npip install " in start
    assert start.endswith("\nvaultlink check\n")
    assert list(PAGE) == [
        "vaultlink check",
        "vaultlink fix",
        "vaultlink fix --interactive",
        "vaultlink unresolved",
    ]


def test_notes_that_are_not_created_remain(run: RunCommand, vault: Path) -> None:
    screens = follow_commands(vault, SMALL, keys="yn", steps=3)
    assert list(screens)[2:] == ["vaultlink fix --interactive", "vaultlink unresolved"]
    assert "11 topics in 14 unresolved links: " in screens["vaultlink unresolved"]


# -- what a run proposes ---------------------------------------------------------------------------

FIX = ("fix", "--output-format", "full")
UNSAFE = {"Home.md": "[[Role of memory in learning]]\n", "The role of memory in learning.md": ""}
SAFE = {"Home.md": "[[The-Role of memory]]\n", "The Role of memory.md": "---\ntags: [a]\n---\n"}


def test_unsafe_fixes_are_proposed_for_the_same_notes(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create_vault(tmp_path / "my notes", UNSAFE)
    monkeypatch.chdir(tmp_path)
    assert run(*FIX, "--vault", folder, folder / "Home.md").err.endswith(
        f"`vaultlink fix --interactive --vault '{folder}' '{folder}/Home.md'` asks about the rest; "
        "--unsafe-fixes fixes 1.\n"
    )
    assert run("topics", "--output-format", "table", "my notes").err.endswith(
        "`vaultlink fix --interactive 'my notes'` links, creates, unlinks or allows each.\n"
    )


@pytest.mark.parametrize(
    ("files", "step"),
    [
        ({"Home.md": "[[Nowhere at all]]\n"}, "`vaultlink unresolved` lists the unresolved links."),
        ({"Home.md": "[[Home#Nowhere at all]]\n"}, "`vaultlink check` shows them."),
    ],
)
def test_what_remains_can_be_shown(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Files, step: str
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "vault", files))
    assert run(*FIX).err.splitlines()[-1] == step
    assert "`vaultlink" not in run("fix").err, "the lines before show what remains"
    assert run(*FIX, "--quiet").err == ""


def test_nothing_is_proposed_if_nothing_remains(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "vault", UNSAFE))
    assert run(*FIX, "--unsafe-fixes").err == (
        "Fixed 1 finding in 1 note. `vaultlink undo` reverts it.\nNo findings in 2 notes.\n"
    )
    assert run(*FIX).err == "Nothing to fix.\nNo findings in 2 notes.\n"
    assert run("topics", "--output-format", "table").err == "No unresolved links found.\n"


def test_skipped_notes_are_not_nothing_to_fix(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create_vault(tmp_path / "vault", SAFE)
    monkeypatch.chdir(folder)
    (folder / "Home.md").chmod(0o444)
    told = run(*FIX)
    assert told.code == 1
    assert told.err.startswith(
        "Home.md: skipped: it is read-only.\nFixed nothing: 1 note was skipped.\nFound 1 error"
    )
    (folder / "Home.md").chmod(0o644)
    assert "Fixed 1 finding in 1 note." in run(*FIX).err
