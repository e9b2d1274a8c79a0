"""Renames on a disk that ignores case. VAULTLINK_CASELESS names a folder on one, such as a mounted exFAT image."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files
from tables import each

FOLDER = os.environ.get("VAULTLINK_CASELESS", "")
NOTES = {
    "Tide.md": "# Tide\n[[Wall]]\n",
    "Wall.md": "[[Tide]] [[Map]]\n",
    "Maps/Map.md": "[[Tide]] ![[a.png]]\n",
    "Home.md": "[[Tide]] [[Maps/Map]] [[Wall|w]]\n",
    "img/a.png": "",
    "swap.txt": "Tide\tWall\nWall\tTide\n",
    "cycle.txt": "Tide\twall\nWall\tMaps/map\nMaps/Map\ttide\n",
}


@pytest.fixture
def vault() -> Iterator[Path]:
    """Create a vault on a disk that ignores case."""
    if not FOLDER:
        pytest.skip("VAULTLINK_CASELESS names no folder on a disk that ignores case")
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    (folder / "Case").touch()
    assert (folder / "CASE").exists(), "VAULTLINK_CASELESS: this disk does not ignore case"
    yield create_vault(folder / "vault", NOTES)
    shutil.rmtree(folder)


@pytest.mark.timeout(300)
@each(
    ("words", "path"),
    [
        (("rename", "Tide", "TIDE"), "TIDE.md"),
        (("rename", "Tide", "Flood"), "Flood.md"),
        (("rename", "Maps/", "MAPS"), "MAPS/Map.md"),
        (("rename", "img/a.png", "A.png"), "img/A.png"),
        (("rename", "--from-file", "swap.txt"), "Wall.md"),
        (("rename", "--from-file", "cycle.txt"), "wall.md"),
        (("move", "Tide", "Wall", "Maps"), "Maps/Tide.md"),
    ],
)
def test_rename_and_undo(run: RunCommand, vault: Path, words: tuple[str, ...], path: str) -> None:
    before = read_files(vault)
    words = tuple(str(vault / word) if word.endswith(".txt") else word for word in words)
    assert run(*words, "--vault", vault).code == 0
    assert path in read_files(vault)  # with this case
    assert run("check", "--vault", vault, "--select", "VL101,VL125").code == 0
    assert run("undo", "--vault", vault).code == 0
    assert read_files(vault) == before


@each("words", [("rename", "Tide", "wall"), ("move", "Maps/Map", "/")])
def test_taken_name_is_refused(run: RunCommand, vault: Path, words: tuple[str, ...]) -> None:
    (vault / "MAP.md").write_text("other\n", encoding="utf-8")
    before = read_files(vault)
    assert run(*words, "--vault", vault).code == 2
    assert read_files(vault) == before
