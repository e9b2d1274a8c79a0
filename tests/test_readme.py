"""The README says what is true: its table of rules is made from the rules, and it names every command and every rule.

`VAULTLINK_REFRESH=1` (or `make refresh`) writes the table anew.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vaultlink.cli.dispatch import ALIASES, COMMANDS
from vaultlink.disk.read import load_rules
from vaultlink.rules.registry import Rule, build_catalog
from vaultlink.watch.output import format_batch
from watched import run_watcher

README = Path(__file__).resolve().parents[1] / "README.md"
START, END = "<!-- rules: start -->", "<!-- rules: end -->"
RULES = build_catalog(load_rules())


def row(rule: Rule) -> str:
    """A rule's line in the table."""
    state = rule.severity.value if rule.enabled_by_default else f"off ({rule.severity.value})"
    fix = {"never": "", "sometimes": FIXES[rule.fix_safety], "always": FIXES[rule.fix_safety]}[
        rule.fix_when
    ]
    return f"| {rule.code} | `{rule.name}` | {state} | {fix} | {rule.summary.strip()} |"


FIXES = {"safe": "safe", "unsafe": "unsafe", "either": "both"}


def table() -> str:
    """The rules as a table, in the order of their codes."""
    head = ["| Code | Rule | By default | Fix | What it reports |", "|---|---|---|---|---|"]
    return "\n".join([START, *head, *map(row, RULES), END])


def test_rules_table_is_fresh() -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(START)
    _, after = rest.split(END)
    fresh = before + table() + after
    if os.environ.get("VAULTLINK_REFRESH"):
        README.write_text(fresh, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == fresh, "run `make refresh`"


@pytest.mark.parametrize("command", [*COMMANDS, *ALIASES])
def test_every_command_is_named(command: str) -> None:
    assert re.search(rf"`(vaultlink )?{command}\b", README.read_text(encoding="utf-8"))


def test_help_lists_the_same_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", "--help"], capture_output=True, text=True, check=True
    )
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", done.stdout), command


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in README.parent.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (README.parent / target).exists(), f"{page.name}: {target}"


SHOWN = [
    block
    for block in README.read_text(encoding="utf-8").split("```")[1::2]
    if block.startswith("\n$ vaultlink ")
]
WATCHED = next(block for block in SHOWN if " watch " in block)


@pytest.mark.parametrize(
    "block",
    [block for block in SHOWN if block is not WATCHED],
    ids=lambda block: block.split("\n")[1],
)
def test_results_in_the_readme_are_real(block: str) -> None:
    command, *shown = block.strip("\n").split("\n\n")
    form = ["--output-format", "full"] if " check " in command else []
    done = subprocess.run(
        [sys.executable, "-m", *command.removeprefix("$ ").split(), *form],
        cwd=README.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    for part in shown:
        assert part == "[…]" or part in done.stdout + done.stderr, part


def test_what_the_readme_shows_of_a_watch_is_real(tmp_path: Path) -> None:
    vault = shutil.copytree(README.parent / "fixtures" / "podcast-wiki", tmp_path / "vault")
    with run_watcher(vault) as watched:
        with (vault / "why_canals_silt_up.md").open("a", encoding="utf-8") as note:
            note.write("More of this in [[lock_keepers | Lock keepers]].\n")
        watched.wait_for_batches(1)
        (vault / "lock_keepers.md").write_text("# Lock keepers\n", encoding="utf-8")
        watched.wait_for_batches(2)
        (vault / "ships_logs_as_climate_records.md").rename(vault / "ships_logs.md")
        batches = watched.wait_for_batches(3)
    told = "".join(map(format_batch, batches))
    clock = re.compile(r"^\d\d:\d\d:\d\d", re.MULTILINE)
    assert clock.sub("", told) == clock.sub("", WATCHED.split("\n\n")[2])


def test_a_result_stands_on_the_first_screen() -> None:
    assert "$ vaultlink check" in README.read_text(encoding="utf-8")[:1000]
    assert len(SHOWN) > 1


def block(language: str) -> str:
    """The README's code block in a language."""
    return README.read_text(encoding="utf-8").split(f"```{language}\n")[1].split("```")[0]


def test_python_in_the_readme_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        cwd=README.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "VL105" in done.stdout


def test_configuration_in_the_readme_is_valid(tmp_path: Path) -> None:
    (tmp_path / "vaultlink.toml").write_text(block("toml"), encoding="utf-8")
    (tmp_path / "Home.md").write_text("", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", "check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
