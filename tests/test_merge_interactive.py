"""Tests of `vaultlink merge --interactive` on a terminal: what is asked, and what is written."""

from pathlib import Path

import pytest

from running import create_vault, read_files
from screens import SMALL, Screen, run_on_screen

VAULT = {
    "One.md": "---\nstatus: open\nkind: plan\n---\na\n",
    "Two.md": "---\nstatus: done\nkind: log\n---\nb\n",
}
REST = "aliases:\n  - One\n---\nb\n\n## One\n\na\n"

ANSWERS = {
    "keep both": ("kk", "status: done\nkind: log\n"),
    "take one": ("tk", "status: open\nkind: log\n"),
    "take both, after help": ("t?t", "status: open\nkind: plan\n"),
    "keep all others": ("ta", "status: open\nkind: log\n"),
}


def is_asking(screen: Screen) -> bool:
    """Return True if the cursor is behind a question."""
    return screen.rows[screen.cursor[1]].endswith("]") and screen.cursor[0] > 0


@pytest.mark.parametrize(("keys", "properties"), ANSWERS.values(), ids=ANSWERS)
def test_answers_choose_the_values(tmp_path: Path, keys: str, properties: str) -> None:
    vault = create_vault(tmp_path / "vault", VAULT)
    with run_on_screen(vault, "merge", "One", "Two", "-i", size=SMALL) as screen:
        screen.wait_for("Take open? [k,t,a,q,?]")
        assert "status: open (kept done)" in screen.text
        for key in keys:
            screen.wait_until(is_asking, "a question").type(key)
            screen.settle()
        screen.wait_for_end(0)
    assert read_files(vault) == {"Two.md": f"---\n{properties}{REST}".encode()}


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "Ctrl-C"])
def test_stop_writes_nothing(tmp_path: Path, key: str) -> None:
    vault = create_vault(tmp_path / "vault", VAULT)
    with run_on_screen(vault, "merge", "One", "Two", "-i", size=SMALL) as screen:
        screen.wait_for("Take open? [k,t,a,q,?]").type("t")
        screen.wait_for("Take plan? [k,t,a,q,?]").type(key)
        screen.wait_for("Stopped: nothing was written.").wait_for_end(130)
    assert read_files(vault) == {name: text.encode() for name, text in VAULT.items()}
