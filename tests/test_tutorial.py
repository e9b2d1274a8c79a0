"""Tests of the tutorial: run every command, and look for every output.

Outputs are those of a terminal with 80 columns and 24 lines.
"""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from documents import blocks
from forge import ROOT, check_output, make_clean_environment
from screens import SMALL, Screen, run_on_screen
from test_first_steps import find_parts, run_shown_command

pytestmark = pytest.mark.project

PAGE = ROOT / "docs" / "tutorial.md"
WIKI = "/tmp/wiki"
INSTALLATION = ("python3 -I -m venv", ". ~/.venvs/", "pip install")
"""How the lines start that tests/test_readme_commands.py runs."""

CLOCK = re.compile(r"\b\d\d:\d\d:\d\d (?=today)")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment of git; commands on a screen have that of the tests."""
    package = f"vaultlink @ {ROOT.as_uri()}"  # a source that CI can reach
    monkeypatch.setenv("VAULTLINK_PACKAGE", package)
    return make_clean_environment(tmp_path / "home", VAULTLINK_PACKAGE=package)


def list_blocks() -> list[tuple[str, str]]:
    """Return the language and the text of each code block, in order."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_each_output_is_what_the_command_prints(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    wiki, watcher = tmp_path / "wiki", ""
    with ExitStack() as stack:
        screen: Screen | None = None
        for language, text in list_blocks():
            if language == "console":
                command, *parts = CLOCK.sub("", text.strip("\n")).split("\n\n")
                command = command.removeprefix("$ ")
                if command == watcher:
                    assert screen is not None
                    screen.wait_for(parts[0]).settle()
                    shown = CLOCK.sub("", screen.text)
                else:
                    shown = run_shown_command(command, wiki, SMALL, "")
                find_parts(parts, shown)
                continue
            lines = text.splitlines()
            if lines[-1].startswith("vaultlink watch"):
                watcher = lines[-1]
                state = {"VAULTLINK_CACHE_DIR": str(tmp_path / "cache")}
                screen = stack.enter_context(
                    run_on_screen(wiki, *watcher.split()[1:], environment=state)
                )
                screen.wait_for("Ctrl-C ends it")
                continue
            script = "\n".join(line for line in lines if not line.startswith(INSTALLATION))
            folder = wiki if wiki.exists() else ROOT
            check_output(["bash", "-euc", script.replace(WIKI, str(wiki))], folder, environment)
    assert (wiki / "long_tide.md").exists()


def test_tutorial_starts_with_the_installation() -> None:
    assert blocks(PAGE, "sh")[0].startswith(INSTALLATION[0])
