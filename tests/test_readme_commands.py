"""The README's installation, from a fresh clone into a fresh environment."""

import shutil
import sys
from pathlib import Path

import pytest

from documents import blocks
from forge import PROJECT_FILES, ROOT, build_kit, check_output, run_process

README = ROOT / "README.md"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return the files of a clone that an installation and `make demo` use."""
    folder = tmp_path / "vaultlink"
    folder.mkdir()
    for part in (*PROJECT_FILES, "Makefile", "fixtures"):
        if (ROOT / part).is_dir():
            shutil.copytree(
                ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


@pytest.mark.timeout(600)
def test_installation_as_the_readme_says(
    clone: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`vaultlink check` is run in the folder of a vault, as its comment says, and exits with 1 because it finds something."""
    [install] = [block for block in blocks(README, "sh") if "pip install" in block]
    environment = build_kit(tmp_path_factory).make_offline_environment(tmp_path / "home")
    check_output([sys.executable, "-m", "venv", tmp_path / "venv"], tmp_path, environment)
    environment["PATH"] = f"{tmp_path / 'venv' / 'bin'}:{environment['PATH']}"
    said = ""
    for line in install.splitlines():
        is_check = line.startswith("vaultlink check")
        folder = clone / "fixtures" / "podcast-wiki" if is_check else clone
        done = run_process(["bash", "-c", line], folder, environment)
        assert done.returncode == int(is_check), done.stderr
        said += done.stdout
    assert said.count("VL101 dangling-link") > 20, "found by both"
    for page in ("tutorial.md", "first-steps.md"):
        first = blocks(ROOT / "docs" / page, "sh")[0].splitlines()[0]
        assert first.split("#")[0].strip() == install.splitlines()[0].split("#")[0].strip()
