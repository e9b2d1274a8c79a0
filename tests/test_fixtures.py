"""The sample vaults, each against the findings that stand beside it in `fixtures/<vault>.txt`, and against what fixing would
change, in `fixtures/<vault>.diff`.

`VAULTLINK_REFRESH=1` (or `make refresh`) writes these files anew; every line of the difference is to be judged.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from running import PROGRAM

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
VAULTS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())


def vaultlink(
    *words: str | Path, cache: Path, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command with a separate cache folder, and preserve line ends of its output."""
    environment = {**os.environ, "VAULTLINK_CACHE_DIR": str(cache)}
    line = [*PROGRAM, *map(str, words)]
    done = subprocess.run(line, env=environment, capture_output=True, check=False, cwd=folder)
    return subprocess.CompletedProcess(
        line, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def check(vault: Path, *options: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run `vaultlink check` in a vault."""
    words = ("check", "--vault", ".", "--output-format", "concise", *options)
    return vaultlink(*words, cache=cache, folder=vault)


@pytest.mark.parametrize("vault", VAULTS, ids=lambda vault: vault.name)
def test_findings_are_as_expected(vault: Path, tmp_path: Path) -> None:
    expected = vault.with_suffix(".txt")
    done = check(vault, cache=tmp_path)
    assert "Traceback" not in done.stderr
    if os.environ.get("VAULTLINK_REFRESH"):
        expected.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == expected.read_text(encoding="utf-8")
    assert done.returncode == 1, "every sample vault has something to find"


@pytest.mark.parametrize("vault", VAULTS, ids=lambda vault: vault.name)
def test_cached_findings_are_the_same(vault: Path, tmp_path: Path) -> None:
    first, second, without = (
        check(vault, *options, cache=tmp_path) for options in ((), (), ("--no-cache",))
    )
    assert first.stdout == second.stdout == without.stdout
    assert first.returncode == second.returncode == without.returncode


@pytest.mark.parametrize("vault", VAULTS, ids=lambda vault: vault.name)
def test_fixing_produces_the_expected_diff(vault: Path, tmp_path: Path) -> None:
    expected = vault.with_suffix(".diff")
    done = vaultlink("fix", vault, "--diff", "--unsafe-fixes", cache=tmp_path)
    assert "Traceback" not in done.stderr
    if os.environ.get("VAULTLINK_REFRESH"):
        expected.write_bytes(done.stdout.encode())
    assert done.stdout.encode() == expected.read_bytes()


@pytest.mark.parametrize("vault", VAULTS, ids=lambda vault: vault.name)
def test_fixing_a_fixed_vault_changes_nothing(vault: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(vault, tmp_path / vault.name))
    before = {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()}
    vaultlink("fix", copy, "--unsafe-fixes", cache=tmp_path)
    again = vaultlink("fix", copy, "--unsafe-fixes", cache=tmp_path)
    assert "Nothing to fix." in again.stderr
    vaultlink("undo", "--vault", copy, cache=tmp_path)
    assert {file: file.read_bytes() for file in copy.rglob("*") if file.is_file()} == before


def test_sample_vaults_are_not_written(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in FIXTURES.rglob("*")}
    for vault in VAULTS:
        check(vault, cache=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in FIXTURES.rglob("*")} == before
