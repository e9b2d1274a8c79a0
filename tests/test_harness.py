"""Tests of how tests run: in forked processes, with cases as subtests, within a budget."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
pytestmark = [
    pytest.mark.project,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks tests"),
]

EXAMPLES = """
import os, pytest
from tables import each

def test_output(capsys):
    print("said")
    assert capsys.readouterr().out == "said\\n"

def test_failure():
    print("before the failure")
    assert 1 == 2

def test_end_of_the_process():
    os._exit(3)

def test_signal():
    os.kill(os.getpid(), 9)

@pytest.mark.parametrize("number", range(50))
def test_folder(number, tmp_path):
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()

@each("number", [0, 1, pytest.param(2, id="two")])
@each("letter", "ab", ids=["A", "B"])
def test_cases(number, letter, tmp_path):
    assert (number, letter) not in [(1, "b"), (2, "a")]

@pytest.mark.skip
def test_skipped():
    assert False
"""


def run_pytest(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run tests of a file as tests/ does, without its conftest."""
    (folder / "test_examples.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nverbosity_subtests = 0\n", encoding="utf-8")
    words = ["-m", "pytest", "-p", "forking", "-p", "budget", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, *words, *options, "-q", "test_examples.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent / 'benchmarks'}"},
    )


def test_all_results_reach_the_first_process(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, EXAMPLES, "--forks=3")
    for line in (
        "FAILED test_examples.py::test_failure - assert 1 == 2",
        "FAILED test_examples.py::test_end_of_the_process",
        "the process of this test ended with 3",
        "FAILED test_examples.py::test_signal",
        "the process of this test ended with -9",
        "SUBFAILED[B-1] test_examples.py::test_cases",
        "SUBFAILED[A-two] test_examples.py::test_cases",
        "before the failure",
        "5 failed, 52 passed, 1 skipped",
    ):
        assert line in done.stdout
    assert done.returncode == 1


GROUPS = """
import pytest

PROCESSES = []

@pytest.mark.parametrize("number", range(40))
def test_other(number):
    PROCESSES.append(number)

@pytest.mark.xdist_group("shared")
@pytest.mark.parametrize("number", range(40))
def test_grouped(number):
    assert PROCESSES == list(range(number))
    PROCESSES.append(number)
"""


def test_group_runs_first_and_in_one_process(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, GROUPS, "--forks=3")
    assert "80 passed" in done.stdout


@pytest.mark.parametrize(("budget", "code"), [(1, 1), (1_000_000, 0)])
def test_run_above_its_budget_fails(tmp_path: Path, budget: int, code: int) -> None:
    done = run_pytest(tmp_path, "def test_one(): pass\n", f"--budget={budget}")
    assert done.returncode == code
    assert f"the budget is {budget:,}" in done.stdout
