"""Tests of `vaultlink delete --interactive` on a terminal."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from running import create_vault, read_files
from screens import SMALL, Screen, run_on_screen

FILES: Mapping[str, str] = {"Note.md": "x\n", "Other.md": "y\n", "a.md": "See [[Note]].\n"}
SETTINGS = {".obsidian/app.json": '{"trashOption": "local"}'}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    vault = create_vault(tmp_path / "vault", FILES)
    (vault / ".obsidian/app.json").write_text(SETTINGS[".obsidian/app.json"])
    return vault


def is_asking(screen: Screen) -> bool:
    return "[u,t,l,q,?]" in screen.rows[screen.cursor[1]]


ANSWERS = {
    "unlink": ("u", "", "See Note.\n"),
    "to": ("t", "Other\r", "See [[Other|Note]].\n"),
    "leave": ("l", "", "See [[Note]].\n"),
    "help first": ("?u", "", "See Note.\n"),
}


@pytest.mark.parametrize(("keys", "name", "after"), ANSWERS.values(), ids=ANSWERS)
def test_answers(vault: Path, keys: str, name: str, after: str) -> None:
    with run_on_screen(vault, "delete", "Note", "-i", size=SMALL) as screen:
        for key in keys:
            screen.wait_until(is_asking, "a question").type(key)
            screen.settle()
        if name:
            screen.wait_until(lambda screen: "Lead to" in screen.text, "a line").type(name)
        screen.wait_for_end(0)
    assert read_files(vault)["a.md"] == after.encode()
    assert (vault / ".trash/Note.md").exists()


def test_stop_writes_nothing(vault: Path) -> None:
    before = read_files(vault)
    with run_on_screen(vault, "delete", "Note", "-i", size=SMALL) as screen:
        screen.wait_until(is_asking, "a question").type("q")
        screen.wait_for_end(130)
        assert "Stopped: nothing was written." in screen.everything
    assert read_files(vault) == before
