"""The sample vaults, each against the findings that stand beside it in `fixtures/<vault>.txt`.

`VAULTLINK_REFRESH=1` (or `make refresh`) writes these files anew; every line of the difference is to be judged.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
VAULTS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())


def check(vault: Path, *options: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """`vaultlink check` on a vault, with a cache folder of its own."""
    environment = {**os.environ, "VAULTLINK_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "vaultlink", "check", str(vault), "--output-format", "concise", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


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
    first, second, without = (check(vault, *options, cache=tmp_path) for options in ((), (), ("--no-cache",)))
    assert first.stdout == second.stdout == without.stdout
    assert first.returncode == second.returncode == without.returncode


def test_nothing_was_written(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in FIXTURES.rglob("*")}
    for vault in VAULTS:
        check(vault, cache=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in FIXTURES.rglob("*")} == before
