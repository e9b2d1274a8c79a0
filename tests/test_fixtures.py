"""The sample vaults, each against the findings that stand beside it in `fixtures/<vault>.txt`, and against what fixing would
change, in `fixtures/<vault>.diff`.

`VAULTLINK_REFRESH=1` (or `make refresh`) writes these files anew; every line of the difference is to be judged.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from running import CommandResult, RunCommand
from tables import each

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
NAMES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def vaults(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Copies of all sample vaults that are in no repository: git would be asked about the commits of this project."""
    place = tmp_path_factory.mktemp("fixtures")
    return {name: Path(shutil.copytree(FIXTURES / name, place / name)) for name in NAMES}


def check(run: RunCommand, vault: Path, *options: str) -> CommandResult:
    """Run `vaultlink check` in a vault."""
    return run("check", "--vault", vault, "--output-format", "concise", *options)


@each("name", NAMES)
def test_findings_are_as_expected(
    vaults: Mapping[str, Path], run: RunCommand, tmp_path: Path, name: str
) -> None:
    """With an empty cache, with the cache of the first run, and without."""
    expected = FIXTURES / f"{name}.txt"
    for number, options in enumerate(((), (), ("--no-cache",))):
        done = check(run, vaults[name], "--cache-dir", str(tmp_path), *options)
        if os.environ.get("VAULTLINK_REFRESH") and not number:
            expected.write_text(done.out, encoding="utf-8")
        assert done.out == expected.read_text(encoding="utf-8")
        assert done.code == 1, "every sample vault has something to find"


@each("name", NAMES)
def test_fixing_produces_the_expected_diff(
    vaults: Mapping[str, Path], run: RunCommand, name: str
) -> None:
    expected = FIXTURES / f"{name}.diff"
    done = run("fix", vaults[name], "--diff", "--unsafe-fixes")
    if os.environ.get("VAULTLINK_REFRESH"):
        expected.write_bytes(done.out.encode())
    assert done.out.encode() == expected.read_bytes()


@each("name", NAMES)
def test_fixing_a_fixed_vault_changes_nothing(run: RunCommand, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(FIXTURES / name, tmp_path / name))
    before = {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    run("fix", copy, "--unsafe-fixes")
    assert "Nothing to fix." in run("fix", copy, "--unsafe-fixes").err
    run("undo", "--vault", copy)
    assert {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()} == before


def test_sample_vaults_are_not_written(vaults: Mapping[str, Path], run: RunCommand) -> None:
    for vault in vaults.values():
        before = {path: path.stat().st_mtime_ns for path in vault.rglob("*")}
        check(run, vault)
        assert {path: path.stat().st_mtime_ns for path in vault.rglob("*")} == before
