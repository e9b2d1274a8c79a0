"""Tests of the phases in the progress line on a terminal: which are drawn, and that none is drawn over a question."""

import io
import re
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from running import create_vault
from screens import SMALL, Screen, run_on_screen
from vaultlink.cli.terminal import ProgressLine
from vaultlink.write.journal_files import lock_vault

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

HUB = "---\nstatus: new\n---\n# Hub\n\n## Part\n\ntext\n"
VAULT = {
    "Home.md": "[[Hub]] [[Hub#Part]] [[Lightship Ana]] ![[Hub]]\n",
    "Hub.md": HUB,
    "Other.md": "---\nstatus: old\n---\n# Other\n",
    "Archive/Old.md": "# Old\n\nThey saw Lightship Anna.\n",
    "Lightship Anna.md": "# Lightship Anna\n",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", VAULT)


def run_late(vault: Path, words: Sequence[str]) -> Screen:
    """Run a command that has to wait for the write lock, so that all its phases are late."""
    with ExitStack() as lock:
        lock.enter_context(lock_vault(vault))
        with run_on_screen(vault, *words) as screen:
            screen.wait_for("waiting for it")
            time.sleep(0.6)
            lock.close()
            return screen.wait_for_end()


def list_phases(screen: Screen) -> list[str]:
    """Return what was drawn in the progress line, in order, without counts of what is done."""
    texts = re.findall(r"\r([A-Z][^\r\n:]*)[^\r\n]*(?=\r[^\n])", screen.output)
    return list(dict.fromkeys(text.strip() for text in texts))


READING = ["Reading the journal", "Reading notes", "Resolving links"]


@pytest.mark.parametrize(
    ("words", "phases"),
    [
        ("rename Hub Center", ["Planning changes", "Writing 1 note"]),
        ("rename Hub#Part Piece", ["Planning changes", "Writing 2 notes"]),
        ("move Hub Archive", ["Planning changes", "Writing"]),
        ("extract Hub#Part", ["Planning changes", "Writing 3 notes"]),
        ("merge Hub Other", ["Planning changes", "Writing 3 notes"]),
        ("delete Hub --unlink", ["Planning changes", "Writing 2 notes"]),
        ("sections write", ["Planning sections", "Writing"]),
        (
            "fix --unsafe-fixes",
            ["Planning fixes", "Writing 1 note", "Counting what can be fixed"],
        ),
        ("mentions --write", ["Searching mentions", "Planning links", "Writing"]),
    ],
)
def test_late_run_names_each_phase_and_erases_it(
    vault: Path, words: str, phases: Sequence[str]
) -> None:
    screen = run_late(vault, words.split())
    assert list_phases(screen) == [*READING, *phases]
    assert not [row for row in screen.history if row.startswith(("Planning", "Writing"))]


def test_undo_names_its_phases(vault: Path) -> None:
    run_late(vault, ["rename", "Hub", "Center"])
    assert list_phases(run_late(vault, ["undo"])) == ["Comparing notes", "Writing 1 note"]


@pytest.mark.thorough
def test_phase_of_a_large_vault_is_drawn_while_it_lasts(tmp_path: Path) -> None:
    """The timer draws it in the middle of the computation, and the count of its notes is known."""
    links = "[[Hub]] and [[Hub#Part]]\n" * 400
    notes = {f"Note {number}.md": links for number in range(60)}
    vault = create_vault(tmp_path / "large", {**notes, "Hub.md": HUB})
    with run_on_screen(vault, "rename", "Hub", "Center", "--no-cache") as screen:
        screen.wait_for_end()
        assert list_phases(screen)[-2:] == ["Planning changes", "Writing 60 notes"]
        assert not [row for row in screen.history if row.startswith(("Planning", "Writing"))]


def assert_still(screen: Screen, words: str) -> None:
    """Check that nothing is drawn for some time after the screen shows these words."""
    screen.wait_for(words).settle()
    shown = screen.rows, screen.cursor
    while screen.read(1.0):
        pass
    assert (screen.rows, screen.cursor) == shown


@pytest.mark.parametrize(
    ("words", "question", "code"),
    [
        ("move Hub Archiv", "Archiv/ is a new folder. Move into Archive/ instead?", 130),
        ("delete Hub -i", "What becomes of the links?", 130),
        ("merge Hub Other -i", "Take new?", 130),
        ("fix -i", "1 of 1", 1),
        ("mentions -i", "1 of 1", 0),
    ],
)
def test_no_phase_is_drawn_over_the_question_of_a_command(
    vault: Path, words: str, question: str, code: int
) -> None:
    with run_on_screen(vault, *words.split()) as screen:
        assert_still(screen, question)
        screen.type("q").wait_for_end(code)


ASK = """
import sys
from vaultlink.cli.interactive import KeyReader
from vaultlink.cli.terminal import ProgressLine, page_text
import click, prompt_toolkit.application

reader = KeyReader()
with ProgressLine(sys.stderr, "Planning"):
    {call}
"""
"""A program that has the terminal for longer than half a second, with a timer that would draw."""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("reader.read_key('Go on?', 'x')", "Go on?"),
        ("reader.read_name('Name: ', [])", "Name:"),
        ("page_text(['/bin/sh', 'pager'], '', is_colored=False)", "A page"),
    ],
)
def test_timer_draws_over_no_question_and_no_pager(tmp_path: Path, call: str, words: str) -> None:
    (tmp_path / "pager").write_text("echo 'A page'\nread line < /dev/tty\n")
    command = [sys.executable, "-c", ASK.format(call=call)]
    screen = Screen(command, tmp_path, SMALL, {"TERM": "xterm-256color"})
    assert_still(screen, words)
    screen.type("x\r").wait_for_end()


def test_phase_is_drawn_again_half_a_second_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("vaultlink.cli.terminal.monotonic", lambda: now[0])
    stream = io.StringIO()
    with ProgressLine(stream, "Planning changes", began=99.0) as progress:
        with ProgressLine.pause():
            assert stream.getvalue().endswith(" \r")  # erased
            before = stream.getvalue()
            now[0] += 60
            progress(1, 2)
            progress.begin("Searching")
        assert stream.getvalue() == before
        now[0] += 0.4
        progress(1, 2)
        assert stream.getvalue() == before
        now[0] += 0.2
        progress(1, 2)
        assert stream.getvalue().endswith("\rSearching: 1 of 2")
