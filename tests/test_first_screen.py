"""Tests of `vaultlink check` on a terminal: the overview, all findings of a small vault, and the pager."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from machine import require_program
from running import RunCommand, create_vault, write_files
from screens import LARGE, SMALL, Size, run_on_screen

SAMPLE = Path(__file__).resolve().parents[1] / "fixtures" / "podcast-wiki"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    root = shutil.copytree(SAMPLE, tmp_path / "wiki")
    (root / ".obsidian").mkdir(exist_ok=True)
    return root


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_first_screen_answers_three_questions(sample: Path, size: Size) -> None:
    with run_on_screen(sample, "check", size=size) as screen:
        screen.wait_for_end(1)
        assert len(screen.history) == size.rows, "nothing scrolled off"
        assert screen.rows[0] == "88 links: 65 of 87 resolve (74.7 %), 1 is external"
        shown = screen.text
    for part in ("Rules", "Mistakes", "Planned notes", "ballast_water_treatment"):
        assert part in shown
    assert ("\nNotes" in shown) is (size == LARGE), "a small screen has no room for it"
    for command in ("fix ", "fix --interactive ", "unresolved ", "check --show all "):
        assert f"\n  vaultlink {command}" in shown


def test_overview_counts_a_vault_without_settings_folder(sample: Path) -> None:
    shutil.rmtree(sample / ".obsidian")
    for settings in sample.glob("*vaultlink.toml"):
        settings.unlink()
    with run_on_screen(sample, "check", size=SMALL) as screen:
        screen.wait_for_end(1)
        first = next(number for number, line in enumerate(screen.history) if " links: " in line)
        assert len(screen.history) == SMALL.rows + first, "only the vault scrolled off"
        assert screen.history[0].startswith("Vault: ")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_choice_of_a_vault_is_one_line(tmp_path: Path, size: Size) -> None:
    folder = tmp_path / "a long name of a folder of notes" / "in a longer name" / "Notes"
    write_files(folder, {"A.md": "[[B]]\n", "B.md": ""})
    with run_on_screen(folder, "check", size=size) as screen:
        screen.wait_for_end(0)
        first, second = screen.history[:2]
    assert first.startswith("Vault: ")
    assert first.rstrip().endswith("/Notes (the current folder; no .obsidian here or above).")
    assert second.startswith("No findings in 2 notes.")


def test_errors_break_between_words(sample: Path) -> None:
    with run_on_screen(sample, "rename", "Old", size=SMALL) as screen:
        screen.wait_for_end(2)
        first, second = screen.history[:2]
        assert first.startswith(
            "error: rename requires a new name for “Old”, or --from-file FILE. "
        )
        assert second.startswith("    ")
        assert "`vaultlink rename '#old' '#new'`" in "\n".join(screen.history), "can be copied"


def test_few_findings_are_shown_in_full(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", {"A.md": "See [[Nothing]].\n", "B.md": "[[A]]\n"})
    with run_on_screen(root, "check") as screen:
        screen.wait_for_end(1)
        assert "1 | See [[Nothing]]." in screen.text
        assert "Planned notes" not in screen.text


def test_findings_about_one_target_are_one_group(tmp_path: Path) -> None:
    notes = {f"Note {number}.md": "[[Wanted]]\n\n[[Wanted]]\n" for number in range(3)}
    root = create_vault(tmp_path / "vault", notes)
    with run_on_screen(root, "check", "--show", "all") as screen:
        screen.wait_for_end(1)
        assert screen.text.count("is not written yet") == 1
        assert "  --> 6 links in 3 notes\n      Note 0.md:1:1, 3:1\n" in screen.text


def test_all_findings_go_through_the_pager(sample: Path) -> None:
    with run_on_screen(
        sample, "check", "--show", "all", environment={"PAGER": "head -n 2"}
    ) as screen:
        screen.wait_for_end(1)
        assert len(screen.text.splitlines()) <= 6
        assert "Found 10 errors, 25 warnings in" in screen.text


def test_pager_in_the_vault_is_not_used(sample: Path) -> None:
    trap = sample / "trap-pager"
    trap.write_text(f"#!/bin/sh\ntouch {sample}/trapped\ncat >/dev/null\n", encoding="utf-8")
    trap.chmod(0o755)
    environment = {"PAGER": "trap-pager", "PATH": f".:{os.environ['PATH']}"}
    with run_on_screen(sample, "check", "--show", "all", environment=environment) as screen:
        screen.wait_for_end(1)
        assert screen.everything.count("VL125") + screen.everything.count("VL101") >= 10
    assert not (sample / "trapped").exists()
    environment["PAGER"] = str(trap)
    with run_on_screen(sample, "check", "--show", "all", environment=environment) as screen:
        screen.wait_for_end(1)
    assert (sample / "trapped").exists(), "a pager that is named by its path is used"


def test_messages_break_between_words(sample: Path) -> None:
    with run_on_screen(sample, "check", "--show", "all", environment={"PAGER": "cat"}) as screen:
        screen.wait_for_end(1)
        sentence = (
            "“Cafes of the Old Port” is not written yet: no file in the\n  vault has this name."
        )
        assert f"VL125 planned-note {sentence}" in screen.everything


def test_hostile_names_do_not_move_the_cursor(tmp_path: Path) -> None:
    notes = {f"N{number}.md": "[[a\x1b[2Jb]] [[c\u202ed]]\n" for number in range(30)}
    root = create_vault(tmp_path / "vault", notes)
    with run_on_screen(root, "check") as screen:
        screen.wait_for_end(1)
        assert "\x1b[2J" not in screen.output
        assert "\u202e" not in screen.output
        assert "a\\u001b[2Jb" in screen.text


def test_demo_shows_the_overview_and_commands_that_can_be_typed() -> None:
    root, folder = Path(__file__).parent.parent, Path(sys.executable).parent
    made = [require_program("make"), f"BIN={folder}", "--old-file=.venv/installed", "demo"]
    done = subprocess.run(made, cwd=root, capture_output=True, text=True, check=True, timeout=120)
    assert "88 links: 65 of 87 resolve" in done.stdout
    commands = re.findall(r"^  # ([a-z][^\n]*)\n  (\S+/vaultlink \S.*)$", done.stdout, re.MULTILINE)
    assert [command.removeprefix(f"{folder}/") for _, command in commands][:2] == [
        "vaultlink fix fixtures/podcast-wiki",
        "vaultlink fix --interactive fixtures/podcast-wiki",
    ]
    typed = f"{commands[-1][1]} --statistics"
    assert subprocess.run(typed.split(), cwd=root, capture_output=True, check=False).returncode == 1


def test_help_that_is_taller_than_the_screen_is_paged(tmp_path: Path) -> None:
    for words in ((), ("--help",), ("fix", "--help")):
        with run_on_screen(tmp_path, *words, environment={"PAGER": "head -n 2"}) as screen:
            screen.wait_for_end()
            assert len(screen.text.splitlines()) <= 2
    with run_on_screen(
        tmp_path, "completion", "--help", size=LARGE, environment={"PAGER": "head -n 2"}
    ) as screen:
        screen.wait_for_end()
        assert len(screen.text.splitlines()) > 2


UNFIXABLE = {
    "a target may be named": ({"A.md": "[[Nothing]]\n"}, "asks about 1 of them."),
    "nothing can be named": ({"A.md": "text ^a\n\ntwo ^a\n"}, "`vaultlink rule VL201` explains"),
}


@pytest.mark.parametrize("name", UNFIXABLE)
def test_findings_without_a_fix_have_a_next_step(tmp_path: Path, name: str) -> None:
    notes, step = UNFIXABLE[name]
    root = create_vault(tmp_path / "vault", notes)
    with run_on_screen(root, "check", size=LARGE) as screen:
        screen.wait_for_end(1)
        assert step in screen.text.splitlines()[-1]


def test_a_failed_hook_names_a_next_step(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "vault", {"A.md": "[[Nothing]]\n"}))
    assert run("check").err.count("\n") == 1
    monkeypatch.setenv("PRE_COMMIT", "1")
    assert run("check").err.splitlines()[-1] == (
        "`vaultlink fix --interactive --changed-since HEAD` asks about what the commit adds; "
        "`vaultlink baseline` records findings that may stay."
    )


def test_an_interrupt_leaves_nothing_of_the_progress_line(tmp_path: Path) -> None:
    notes = {f"Note {n}.md": f"[[Note {n + 1}]] {'text ' * 400}\n" for n in range(9_000)}
    root = create_vault(tmp_path / "vault", notes)
    with run_on_screen(root, "check", "--no-cache") as screen:
        screen.wait_for_match(r"Reading notes: \d|Resolving links|Checking notes")
        screen.type("\x03").wait_for_end(130)
        assert screen.text.strip() == "stopped"


def test_names_of_twins_are_whole_on_a_small_screen(tmp_path: Path) -> None:
    text = "".join(f"Line {n} of the same text about quays and piers.\n" for n in range(30))
    folder = "A folder with a long name/And another one below it that is as long"
    notes = {f"{folder}/Minimal theme.md": text, f"{folder}/Oxygen theme.md": text + "end\n"}
    root = create_vault(tmp_path / "vault", {**notes, "a.md": "[[Minimal theme]]\n"})
    with run_on_screen(root, "related", "--twins") as screen:
        screen.wait_for_end()
        assert re.search(r"^\d\.\d\d +Minimal theme\.md +Oxygen theme\.md +A ", screen.text, re.M)
