"""Python 3.14, on systems that have no such Python: the npm package pyodide carries CPython 3.14, which node runs.

All source is compiled there, and commands that read give what they give here, byte for byte. Commands that write are not run: that
system has no folder handles. `make release-check` also finds the wheels of 3.14 on the package index.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from forge import ROOT, check_output, make_clean_environment, make_once, run_process
from vaultlink import __version__
from vaultlink.cli.dispatch import COMMANDS

pytestmark = pytest.mark.timeout(300)  # the fixture downloads packages

PYODIDE = "pyodide@314.0.7"
NATIVE_WHEEL = "pyemscripten_2026_0_wasm32"
"""The platform of wheels for this Python. Of the other packages, the parts written in Python are enough."""
SAMPLE = ROOT / "fixtures" / "podcast-wiki"


def install_packages(folder: Path) -> None:
    """Create the folder `packages` with pyodide, vaultlink and what vaultlink needs."""
    environment = make_clean_environment(folder / "home")
    packages = folder / "packages"
    packages.mkdir()
    check_output(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", packages, PYODIDE],
        folder,
        dict(os.environ),
    )
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--quiet"]
    wheels = folder / "wheels"
    check_output([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT], folder, environment)
    target = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.14", "--abi=cp314"]
    linux = ["--abi=abi3", "--abi=none", "--platform=manylinux_2_28_x86_64"]
    linux.append("--platform=manylinux2014_x86_64")
    download: list[str | Path] = [*pip, "download", *target, "--dest"]
    vaultlink = next(wheels.glob("vaultlink-*.whl"))
    check_output([*download, wheels, *linux, vaultlink], folder, environment)
    native: list[str | Path] = [folder / "native", f"--platform={NATIVE_WHEEL}"]
    check_output([*download, *native, "--no-deps", "msgspec"], folder, environment)
    for wheel in [*sorted(wheels.glob("*.whl")), *(folder / "native").glob("*.whl")]:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed packages; without node or a registry, tests are skipped."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    if run_process(["npm", "view", PYODIDE, "version"], ROOT, dict(os.environ)).returncode:
        pytest.skip("the npm registry can't be reached")
    return make_once(tmp_path_factory, "pyodide", install_packages) / "packages"


def run_commands(
    packages: Path, folder: Path, lines: Sequence[Sequence[str]]
) -> list[tuple[int, str, str]]:
    """Run commands one after the other on Python 3.14; return exit codes, stdout and stderr."""
    text = check_output(
        ["node", ROOT / "tests" / "pyodide.mjs", packages, folder, json.dumps(lines)],
        folder,
        dict(os.environ),
    )
    data = json.loads(text.splitlines()[-1])
    assert data["version"].startswith("3.14.")
    return [(code, out, err) for code, out, err in data["results"]]


def run_here(folder: Path, home: Path, words: Sequence[str]) -> tuple[int, str, str]:
    """Run a command on the Python of the tests, where git is not found either."""
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", *words],
        cwd=folder,
        env={**make_clean_environment(home), "PATH": ""},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    out, err = (text.replace(str(folder), "/work") for text in (done.stdout, done.stderr))
    return done.returncode, out, err


def test_every_command_has_the_same_options(packages: Path, tmp_path: Path) -> None:
    lines = [["--help"], *([name, "--help"] for name in COMMANDS)]
    for words, done in zip(lines, run_commands(packages, tmp_path, lines), strict=True):
        assert done == run_here(tmp_path, tmp_path / "home", words), words
        assert done[0] == 0, words


def test_commands_that_read_do_the_same(packages: Path, tmp_path: Path) -> None:
    vault = shutil.copytree(SAMPLE, tmp_path / "vault")
    lines = [
        ["--version"],
        ["check"],
        ["check", "--output-format", "json-lines"],
        ["topics", "--output-format", "tsv"],
        ["links", "--output-format", "tsv"],
        ["show", "--json", "index"],
        ["graph", "--format", "graphml"],
        ["fix", "--diff", "--unsafe-fixes"],
        ["backlinks", "--write", "--diff"],
        ["check", "--statistics"],
    ]
    results = run_commands(packages, vault, lines)
    assert results[0] == (0, f"vaultlink {__version__}\n", "")
    for words, done in zip(lines, results, strict=True):
        expected = run_here(vault, tmp_path / "home", words)
        assert done[:2] == expected[:2], (words, done[2])
    assert {code for code, _, _ in results} == {0, 1}
