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
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from forge import (
    ROOT,
    InstallKit,
    build_kit,
    check_output,
    make_clean_environment,
    make_once,
    require_npm,
)
from vaultlink import __version__
from vaultlink.cli.command_table import COMMANDS

pytestmark = pytest.mark.project

PYODIDE = "pyodide@314.0.7"
NATIVE_WHEEL = "pyemscripten_2026_0_wasm32"
"""The platform of wheels for this Python. Of the other packages, the parts written in Python are enough."""
SAMPLE = ROOT / "fixtures" / "podcast-wiki"


def install_packages(folder: Path, kit: InstallKit) -> None:
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
    target = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.14", "--abi=cp314"]
    linux = ["--abi=abi3", "--abi=none", "--platform=manylinux_2_28_x86_64"]
    linux.append("--platform=manylinux2014_x86_64")
    download: list[str | Path] = [*pip, "download", *target, "--dest"]
    check_output([*download, wheels, *linux, kit.wheel], folder, environment)
    native: list[str | Path] = [folder / "native", f"--platform={NATIVE_WHEEL}"]
    check_output([*download, *native, "--no-deps", "msgspec"], folder, environment)
    for wheel in [*sorted(wheels.glob("*.whl")), *(folder / "native").glob("*.whl")]:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed packages; without node or a registry, tests are skipped."""
    require_npm(tmp_path_factory)
    kit = build_kit(tmp_path_factory)
    make = partial(install_packages, kit=kit)
    return make_once(tmp_path_factory, "pyodide", make) / "packages"


Result = tuple[int, str, str]
"""The exit code, stdout and stderr of a command."""

HELP = [["--help"], *([name, "--help"] for name in COMMANDS)]
READING = [
    ["--version"],
    ["check"],
    ["check", "--output-format", "json-lines"],
    ["topics", "--output-format", "tsv"],
    ["links", "--output-format", "tsv"],
    ["show", "--json", "index"],
    ["graph", "--format", "graphml"],
    ["fix", "--diff", "--unsafe-fixes"],
    ["sections", "write", "--diff"],
    ["check", "--statistics"],
]


class Results(NamedTuple):
    """What the commands gave on Python 3.14, and the vault in which they ran."""

    vault: Path
    help: list[Result]
    reading: list[Result]


@pytest.fixture(scope="session")
def results(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results of all commands, which run one after the other: node takes seconds to start."""

    def run_commands(folder: Path) -> None:
        vault = shutil.copytree(SAMPLE, folder / "vault")
        script = ROOT / "tests" / "pyodide.mjs"
        lines = json.dumps([*HELP, *READING])
        text = check_output(["node", script, packages, vault, lines], folder, dict(os.environ))
        (folder / "results.json").write_text(text.splitlines()[-1], encoding="utf-8")

    folder = make_once(tmp_path_factory, "pyodide-results", run_commands)
    data = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert data["version"].startswith("3.14.")
    done: list[Result] = [(code, out, err) for code, out, err in data["results"]]
    return Results(folder / "vault", done[: len(HELP)], done[len(HELP) :])


def run_here(folder: Path, home: Path, words: Sequence[str]) -> Result:
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


def test_every_command_has_the_same_options(results: Results, tmp_path: Path) -> None:
    for words, done in zip(HELP, results.help, strict=True):
        assert done == run_here(results.vault, tmp_path / "home", words), words
        assert done[0] == 0, words


def test_commands_that_read_do_the_same(results: Results, tmp_path: Path) -> None:
    assert results.reading[0] == (0, f"vaultlink {__version__}\n", "")
    for words, done in zip(READING, results.reading, strict=True):
        expected = run_here(results.vault, tmp_path / "home", words)
        assert done[:2] == expected[:2], (words, done[2])
    assert {code for code, _, _ in results.reading} == {0, 1}
