"""Tests of what the benchmarks say about their figures."""

import ast
import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from figures import Figures
from measure import Bench
from peers import describe_python
from probe import LINKS, bench_probe
from queries import UNCHANGED, plan_repeated
from running import create_vault
from vaultlink.cli.command_table import COMMANDS


def test_python_of_a_program_is_described(tmp_path: Path) -> None:
    program = tmp_path / "vaultlink"
    program.write_text(f"#!{sys.executable}\nprint('x')\n", encoding="utf-8")
    told = describe_python(str(program))
    assert told.startswith(f"{platform.python_implementation()} {platform.python_version()} ")
    assert "built with " in told
    assert told.endswith(f" in {sys.base_prefix}")


def test_figures_name_their_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures("CPython 3.x")
    figures.add("one", 1.5, "s", 1)
    figures.write(tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")) == [
        {"name": "one", "value": 1.5, "unit": "s", "target": 1, "python": "CPython 3.x"}
    ]
    assert "target 1, MISSED" in capsys.readouterr().out


def test_repeated_commands_are_commands(tmp_path: Path) -> None:
    notes = {"One.md": "[[Two]]\n", "Two.md": "[[One]] [[Three]]\n", "Three.md": "\n"}
    vault = create_vault(tmp_path / "vault", notes)
    planned = plan_repeated(Bench(tmp_path, vault, tmp_path, 1, Figures()))
    assert planned[UNCHANGED].words == ("check",)
    assert {run.words[0] for run in planned.values()} <= COMMANDS.keys()
    assert all(
        run.target
        for name, run in planned.items()
        if name not in (UNCHANGED, "report, one note changed")
    )
    planned["check, one note changed"].change()
    assert sum("nobody wrote" in file.read_text("utf-8") for file in vault.glob("*.md")) == 1


def test_vaultlink_reads_every_link_of_the_probe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # without other tools
    bench_probe(Bench(tmp_path, tmp_path, tmp_path, 1, Figures()))
    printed = capsys.readouterr().out
    assert "mdsmith: not installed" in printed
    rows = [line for line in printed.splitlines() if line.startswith("| ")][1:]
    assert [row.rsplit("| ", 1)[1] for row in rows] == ["yes |", *["reported |"] * len(LINKS)]


# -- the programs -----------------------------------------------------------------------------------

FOLDER = Path(__file__).parents[1] / "benchmarks"
TABLE = re.findall(
    r"^\| `python benchmarks/(\w+\.py) --help` \|",
    (FOLDER / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


@pytest.mark.project
def test_readme_lists_every_program_that_reads_options() -> None:
    found = [
        file.name for file in FOLDER.glob("*.py") if "ArgumentParser(" in file.read_text("utf-8")
    ]
    assert sorted(found) == TABLE


@pytest.mark.project
@pytest.mark.parametrize("name", TABLE)
def test_program_describes_itself(name: str) -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / name, "--help"], capture_output=True, text=True, check=True
    )
    purpose = ast.get_docstring(ast.parse((FOLDER / name).read_text(encoding="utf-8"))) or ""
    assert purpose.partition("\n")[0] in " ".join(done.stdout.split())
