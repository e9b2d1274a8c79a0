"""Random lists of changes as one plan: the same as one after the other, as a patch, as data, and undone byte for byte.

`VAULTLINK_REQUESTS=3000` tries that many vaults, the same in every run.
"""

import os
from pathlib import Path

import pytest

from machine import require_program
from random_requests import find_problems, generate
from running import read_files

COUNT = int(os.environ.get("VAULTLINK_REQUESTS", "12"))
PODCASTS = Path(__file__).parent.parent / "fixtures/podcast-wiki"


@pytest.fixture(autouse=True)
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the trash of the system into the folder of the test."""
    require_program("git")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.mark.parametrize("seed", range(COUNT))
def test_random_list_is_one_run_that_can_be_undone(tmp_path: Path, seed: int) -> None:
    example = generate(seed, tmp_path / "chosen")
    assert find_problems(example, tmp_path) == []


@pytest.mark.parametrize("seed", range(COUNT // 12))
def test_random_list_in_a_written_vault(tmp_path: Path, seed: int) -> None:
    files = {
        path: text
        for path, text in read_files(PODCASTS).items()
        if not path.startswith(".") and not path.endswith(".toml")
    }
    example = generate(seed, tmp_path / "chosen", files)
    assert find_problems(example, tmp_path) == []
