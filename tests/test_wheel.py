"""Tests of the wheel: installed into a clean environment and run outside the checkout."""

import os
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from forge import build_kit, check_output, make_environment, make_once

pytestmark = pytest.mark.project

ROOT = Path(__file__).resolve().parents[1]


def run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder without the settings of the checkout."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        and not key.startswith("VAULTLINK_")
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def done(command: Sequence[str | Path], folder: Path) -> str:
    """Return the output of a command that must succeed."""
    result = run(command, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a wheel built from a copy of the checkout and installed into an environment of its own."""
    kit = build_kit(tmp_path_factory)

    def make(folder: Path) -> None:
        programs = make_environment(tmp_path_factory, folder / "venv")
        environment = kit.make_offline_environment(folder / "home")
        install: list[str | Path] = ["-m", "pip", "--quiet", "install", kit.wheel]
        check_output([programs / "python", *install], folder, environment)

    return make_once(tmp_path_factory, "wheel", make) / "venv" / "bin" / "vaultlink"


def test_all_rules_are_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    files = {path.stem for path in (ROOT / "rules").glob("*.yaml")}
    lines = done([installed, "rules"], tmp_path).splitlines()
    listed = {word for line in lines for word in line.split() if word in files}
    assert listed == files


def test_check_runs_and_finds(installed: Path, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "Pier.md").write_text("[[Mole]] and [[Pier]]\n", encoding="utf-8")
    result = run([installed, "check", "--output-format", "concise"], vault)
    assert result.returncode == 1
    assert result.stdout.startswith("Pier.md:1:1: VL125 planned-note ")
    assert "Traceback" not in result.stderr


def test_module_can_be_run(installed: Path, tmp_path: Path) -> None:
    python = installed.with_name("python")
    assert done([python, "-m", "vaultlink", "--version"], tmp_path) == done(
        [installed, "--version"], tmp_path
    )


def find_package(installed: Path, folder: Path) -> Path:
    """Return the folder of the installed package."""
    place = "import vaultlink, pathlib; print(pathlib.Path(vaultlink.__file__).parent)"
    return Path(done([installed.with_name("python"), "-c", place], folder).strip())


def test_types_and_licence_are_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    package = find_package(installed, tmp_path)
    assert (package / "py.typed").exists()
    assert list(package.parent.glob("vaultlink-*.dist-info/licenses/LICENSE"))


def test_schemas_are_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    package = find_package(installed, tmp_path)
    assert read_folder(package / "schemas") == read_folder(ROOT / "src/vaultlink/schemas")


def test_init_names_the_schema_of_the_site_if_there_is_one(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "vault/.obsidian").mkdir(parents=True)
    done([installed, "init", "--vault", tmp_path / "vault"], tmp_path)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = project.get("urls", {}).get("Documentation")
    text = (tmp_path / "vault/vaultlink.toml").read_text(encoding="utf-8")
    line = f"#:schema {site}/reference/schemas/settings.json"
    assert (text.splitlines()[0] == line) if site else ("#:schema" not in text)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
