"""The installation of the documents, from a fresh clone into a fresh environment."""

import re
import sys
from pathlib import Path

import pytest

from documents import blocks
from forge import (
    PROJECT_FILES,
    ROOT,
    InstallKit,
    build_kit,
    check_output,
    copy_project,
    run_process,
)
from running import create_vault
from tables import each

pytestmark = pytest.mark.project

README, PAGE = ROOT / "README.md", ROOT / "docs" / "install.md"
START = ("python3 -I -m venv", ". ~/.venvs/", "pip install")
"""How the commands of an installation start."""
NOTES = {"Harbour.md": "---\naliases: [Port]\n---\n", "Mole.md": "Along the [[Port]].\n"}


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> InstallKit:
    """Return what installations need."""
    return build_kit(tmp_path_factory)


@pytest.fixture
def environment(kit: InstallKit, tmp_path: Path) -> dict[str, str]:
    """Return an environment with a new home, in which `python3` is this Python."""
    programs = tmp_path / "bin"
    programs.mkdir()
    python = programs / "python3"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    environment = kit.make_offline_environment(tmp_path / "home")
    package = f"vaultlink @ {ROOT.as_uri()}"  # a source that CI can reach
    return environment | {
        "PATH": f"{programs}:{environment['PATH']}",
        "VAULTLINK_PACKAGE": package,
    }


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return the files of a clone that an installation and `make demo` use."""
    return copy_project((*PROJECT_FILES, "Makefile", "fixtures"), tmp_path / "vaultlink")


def list_commands(tool: str) -> list[str]:
    """Return the blocks of commands of the page that are for one tool, or for all of them."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## With Python\n")[2]
    found = re.findall(r"(?:^With (\w+):\n\n)?^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name in ("", tool)]


def make_tool_environment(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the variables with which uv and pipx are found, and need no network."""
    return {
        "PATH": f"{environment['PATH']}:{Path(sys.executable).parent}:{folder / 'home' / 'bin'}",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": environment["PIP_FIND_LINKS"],
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_TOOL_DIR": str(folder / "home" / "tools"),
        "UV_TOOL_BIN_DIR": str(folder / "home" / "bin"),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "PIPX_HOME": str(folder / "home" / "pipx"),
        "PIPX_BIN_DIR": str(folder / "home" / "bin"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }


def list_installation(page: Path) -> list[str]:
    """Return the commands at the start of a page that install vaultlink."""
    [block, *_] = [block for block in blocks(page, "sh") if "pip install" in block]
    commands = [line.split(" #")[0].strip() for line in block.replace(" && ", "\n").splitlines()]
    return [command for command in commands if command.startswith(START)]


def test_installation_as_the_readme_says(
    clone: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    """`vaultlink check` is run in the folder of a vault, as its comment says, and exits with 1 because it finds something."""
    [install] = [block for block in blocks(README, "sh") if "pip install" in block]
    environment["PATH"] = f"{tmp_path}/home/.venvs/vaultlink/bin:{environment['PATH']}"
    said = ""
    for line in install.splitlines():
        is_check = line.startswith("vaultlink check")
        folder = clone / "fixtures" / "podcast-wiki" if is_check else clone
        done = run_process(["bash", "-c", line], folder, environment)
        assert done.returncode == int(is_check), done.stderr
        said += done.stdout
    assert said.count("VL125 planned-note") == 12, "11 by check, and a row of the overview"


@each("name", ["README.md", "docs/tutorial.md", "docs/first-steps.md"])
def test_all_pages_install_in_the_same_way(name: str) -> None:
    commands = list_installation(PAGE)
    assert len(commands) == 3
    assert list_installation(ROOT / name) == commands


@pytest.mark.parametrize("tool", ["pip", "uv", "pipx"])
def test_page_installs_upgrades_and_removes(
    tool: str, kit: InstallKit, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Afterwards no file of vaultlink is left in the home folder, apart from an empty one of pipx."""
    del environment["VAULTLINK_CACHE_DIR"], environment["VAULTLINK_STATE_DIR"]
    check_output(["git", "clone", "--quiet", kit.checkout, "clone"], tmp_path, environment)
    vault = create_vault(tmp_path / "vault", NOTES)
    environment |= make_tool_environment(environment, tmp_path)
    install, upgrade, uninstall, remove = list_commands(tool)
    use = f"vaultlink doctor --vault {vault}\nvaultlink fix --vault {vault}\nls ~/.cache/vaultlink ~/.local/state/vaultlink\n"
    told = check_output(
        ["bash", "-euc", f"{install}{use}{upgrade}{uninstall}{remove}"],
        tmp_path / "clone",
        environment,
    )
    assert "mentions (installed), report (installed)" in " ".join(told.split())  # it may be wrapped
    assert "[[Harbour|Port]]" in (vault / "Mole.md").read_text(encoding="utf-8")
    left = [path.name for path in (tmp_path / "home").rglob("*vaultlink*")]
    assert left in ([], [".vaultlink.lock"] if tool == "pipx" else [])  # a lock file of pipx itself
