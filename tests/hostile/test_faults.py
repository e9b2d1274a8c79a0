"""Faults at every system call that changes files: nothing is torn, lost or left behind.

`make test` injects a sample of them, `make hostile` all.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = bool(os.environ.get("VAULTLINK_HOSTILE"))
FOLDER = Path(__file__).parent

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="faults need processes that fork")

SCENARIOS = (
    "fix",
    "fix-create",
    "undo",
    "undo-create",
    "backlinks",
    "backlinks-remove",
    "baseline",
    "init",
    "init-ci",
    "cached-fix",
    "watch",
    "rename",
    "rename-heading",
    "rename-tag",
    "merge",
    "extract",
)
MODES = ("kill", "torn", "ENOSPC", "EIO", "short", "full")

SAMPLE = (
    ("fix", "torn", 5, 9),
    ("fix-create", "kill", 50, 7),
    ("fix-create", "EIO", 73, 5),
    ("undo", "full", 2, 9),
    ("undo-create", "kill", 9, 9),
    ("backlinks", "kill", 7, 12),
    ("baseline", "torn", 2, 4),
    ("init", "torn", 1, 2),
    ("watch", "kill", 11, 12),
    ("cached-fix", "ENOSPC", 4, 15),
    ("rename", "EIO", 6, 9),
    ("rename-heading", "kill", 6, 9),
    ("rename-tag", "torn", 6, 9),
    ("merge", "kill", 5, 9),
    ("extract", "ENOSPC", 6, 9),
)
"""Scenario, mode, first call, and distance between the calls."""

ALL = tuple((scenario, mode, 1, 1) for scenario in SCENARIOS for mode in MODES)


def inject(folder: Path, *words: object) -> dict[str, object]:
    """Run the injector and return its report."""
    done = subprocess.run(
        [
            sys.executable,
            FOLDER / "inject.py",
            *map(str, words[:4]),
            folder / "vault",
            *map(str, words[4:]),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


@pytest.mark.timeout(0 if HOSTILE else 120)
@pytest.mark.parametrize(("scenario", "mode", "first", "step"), ALL if HOSTILE else SAMPLE)
def test_fault_leaves_nothing_torn_or_behind(
    tmp_path: Path, scenario: str, mode: str, first: int, step: int
) -> None:
    report = inject(tmp_path / "w", scenario, mode, first, step)
    assert report["problems"] == []
    assert int(str(report["faults"])) > 0
    assert int(str(report["changed"])) > 0


@pytest.mark.timeout(0)
@pytest.mark.skipif(not HOSTILE, reason="takes minutes; `make hostile` runs it")
@pytest.mark.parametrize("scenario", ["fix", "undo", "watch"])
def test_kill_in_a_vault_of_2000_notes(tmp_path: Path, scenario: str) -> None:
    report = inject(tmp_path / "w", scenario, "kill", 1, 401, 2_000)
    assert report["problems"] == []
    assert int(str(report["changed"])) > 2_000
