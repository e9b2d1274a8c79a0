"""Faults at every call that changes files: nothing is torn, lost or left behind.

`make test` injects some of them, `make test-all` more, `make faults` all.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from all_faults import Report, run_scenarios
from fault_scenarios import SCENARIOS
from faults import KILLS, Fault, compile_faults, list_variables

from tables import each

HOSTILE = bool(os.environ.get("VAULTLINK_HOSTILE"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the library that makes the faults."""
    return compile_faults(tmp_path_factory.mktemp("library"))


def inject(library: Path, folder: Path, names: Sequence[str], *options: object) -> list[Report]:
    """Inject faults into scenarios; each must have had some."""
    reports = run_scenarios(library, folder, names, [str(option) for option in options])
    assert [report.name for report in reports] == [*names], reports[-1].problems
    assert [report.name for report in reports if not report.changed] == []
    return reports


SAMPLE: Mapping[str, tuple[tuple[str, ...], Sequence[object]]] = {
    "fixes": (("fix", "fix-create", "cached-fix", "watch"), ("--step", 401)),
    "renames": (
        ("rename", "rename-folder", "rename-heading", "rename-tag", "rename-attachment"),
        ("--step", 401),
    ),
    "moves": (("case", "swap", "cycle", "folders", "move"), ("--step", 401)),
    "texts": (
        ("merge", "extract", "mentions", "backlinks", "backlinks-remove"),
        ("--step", 401),
    ),
    "deletes": (
        ("delete", "delete-local"),
        ("--step", 301),
    ),
    "lists": (("list",), ("--step", 201)),
    "files": (
        ("baseline", "baseline-prune", "init", "init-ci", "agents", "report", "report-again"),
        ("--step", 151),
    ),
    "cleaning": (("clean", "clean-records"), ("--step", 3, "--modes", "kill,EROFS")),
    "undos": (tuple(name for name in SCENARIOS if name.startswith("undo-")), ("--step", 601)),
    "recoveries": (
        tuple(name for name in SCENARIOS if name.startswith("recover-")),
        ("--step", 251, "--modes", ",".join(KILLS)),
    ),
}
"""Scenarios, and the options that choose their faults."""


FEW = {
    "changes": (("fix", "rename-folder", "swap", "merge", "delete-local"), ("--step", 331)),
    "undos": (("undo-list", "undo-swap"), ("--step", 331)),
    "recoveries": (("recover-list", "recover-undo-cycle"), ("--step", 83, "--modes", "kill,EIO")),
    "files": (("report-again", "clean-records"), ("--step", 29, "--modes", "kill,EROFS")),
}
"""A scenario of each kind, and the options that choose its faults."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("names", "options"),
    [
        *(pytest.param(*faults, id=name) for name, faults in FEW.items()),
        *(
            pytest.param(*faults, id=f"all {name}", marks=pytest.mark.thorough)
            for name, faults in SAMPLE.items()
        ),
    ],
)
def test_fault_leaves_nothing_torn_or_behind(
    library: Path, tmp_path: Path, names: Sequence[str], options: Sequence[object]
) -> None:
    reports = inject(library, tmp_path, names, *options)
    assert [problem for report in reports for problem in report.problems] == []
    assert all(report.faults for report in reports)


def test_sample_has_all_scenarios() -> None:
    assert sorted(name for names, _ in SAMPLE.values() for name in names) == sorted(SCENARIOS)


@pytest.mark.thorough
@each("name", ["fix", "undo-swap"])
def test_program_makes_the_same_calls_as_a_forked_process(
    library: Path, tmp_path: Path, name: str
) -> None:
    [forked] = inject(library, tmp_path / "forked", [name], "--modes", "short", "--step", 29)
    [started] = inject(
        library, tmp_path / "started", [name], "--modes", "short", "--step", 29, "--program"
    )
    assert started == forked
    assert started.problems == []


# -- the library that makes the faults --------------------------------------------------------------------------------

CODE = """
import os, sys
handle = os.open("outside", os.O_WRONLY | os.O_CREAT)
os.write(handle, b"not counted")
os.write(os.open("/dev/null", os.O_WRONLY), b"not counted")
handle = os.open("in/one", os.O_WRONLY | os.O_CREAT)
written = os.write(handle, b"12345678")
os.write(handle, b"9"[:9 - written])
os.close(handle)
os.open("in/one", os.O_RDONLY)
os.rename("in/one", "in/two")
"""


@each(
    ("mode", "number", "code", "files"),
    [
        ("", 0, 0, {"two": "123456789"}),
        ("kill", 1, -9, {}),
        ("kill", 2, -9, {"one": ""}),
        ("after", 2, -9, {"one": "12345678"}),
        ("torn", 2, -9, {"one": "1234"}),
        ("torn", 1, -9, {}),
        ("short", 2, 0, {"two": "12349"}),
        ("short", 4, 0, {"two": "123456789"}),
        ("kill", 4, -9, {"one": "123456789"}),
        ("after", 4, -9, {"two": "123456789"}),
        ("EIO", 4, 1, {"one": "123456789"}),
        ("EROFS", 1, 1, {}),
        ("ENOSPC", 2, 1, {"one": ""}),
        ("ENOSPC", 4, 1, {"one": "123456789"}),
        ("ENOSPC+", 4, 0, {"two": "123456789"}),  # a rename needs no space
        ("EDQUOT+", 1, 1, {}),
        ("EROFS+", 4, 1, {"one": "123456789"}),
        ("kill", 5, 0, {"two": "123456789"}),
    ],
)
def test_library(
    library: Path, tmp_path: Path, mode: str, number: int, code: int, files: dict[str, str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    log = tmp_path / "log"
    variables = list_variables(library, Fault(mode, number), folder, log)
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=tmp_path,
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert {file.name: file.read_text() for file in folder.iterdir()} == files
    if code > 0:
        assert os.strerror(getattr(errno, mode.rstrip("+"))) in done.stderr
    calls = ["open64 one", "write one", "write one", "rename two"]
    assert log.read_text().splitlines() == (calls[:number] if code else calls)


@pytest.mark.timeout(0)
@pytest.mark.skipif(not HOSTILE, reason="takes minutes; `make hostile` runs it")
@pytest.mark.parametrize("name", ["fix", "undo-fix", "watch"])
def test_kill_in_a_vault_of_2000_notes(library: Path, tmp_path: Path, name: str) -> None:
    [report] = inject(library, tmp_path, [name], "--modes", "kill", "--step", 401, "--notes", 2_000)
    assert report.problems == []
    assert report.changed > 2_000
