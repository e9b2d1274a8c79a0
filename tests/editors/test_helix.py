"""Helix with the language server, in a terminal: what docs/helix.md says, with its snippet, and more."""

import os
import re
import signal
from pathlib import Path

import pytest
from editor_runs import UNITS, Desk, Transcript, read_snippet, wait_until
from terminals import Terminal

from editor_renames import NEW, START, make_files, rename_by_command
from machine import require_program
from running import Files, read_files
from screens import Size

pytestmark = pytest.mark.project

SIZE = Size(100, 24)


def open_desk(folder: Path, files: Files | None = None) -> Desk:
    """Return a desk with the snippet of the page."""
    require_program("hx")
    require_program("tmux")
    return Desk(folder, {".config/helix/languages.toml": read_snippet("helix", "toml")}, files)


def list_rows(text: str, pattern: str) -> list[str]:
    """Return the rows of a screen that match, as they are."""
    return [f"  {row.strip()}" for row in text.splitlines() if re.search(pattern, row)]


def read_text(file: Path) -> str:
    """Return the text of a file, which is not there for a moment while Helix writes it."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def write_all(screen: Terminal, desk: Desk, run: Transcript, path: str, words: str) -> None:
    """Write all changed files, and wait until a file has these words."""
    screen.type(":write-all")
    screen.press("Enter")
    wait_until(lambda: words in read_text(desk.wiki / path), words)
    screen.wait_until(lambda text: "[+]" not in text, "no file that is changed")
    run.show_files()


def quit_editor(screen: Terminal, desk: Desk) -> None:
    """Quit as people do; the server must end, too."""
    assert desk.list_servers()
    screen.type(":quit-all!")
    screen.press("Enter")
    wait_until(screen.has_ended, "the end of Helix")
    desk.wait_for_no_server()


def test_walk_of_the_page(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    run = Transcript(desk)
    with Terminal(desk, "hx", "index.md", size=SIZE) as screen:
        run.step("Open index.md")
        run.show(*list_rows(screen.wait_for_match(r"^●.*LTP"), "●"))

        run.step("Go to the mistake: ]d")
        screen.type("]d")
        run.show(*list_rows(screen.wait_for("(VL105)"), r"alias of|VL105"))

        run.step("Fix it: Space a, Enter")
        screen.type(" a")
        run.show(*list_rows(screen.wait_for("Fix all safe findings"), "Link |Suppress|Fix "))
        screen.press("Enter")
        run.show(*list_rows(screen.wait_for("[[long_tide | latest", without="●"), "latest"))

        run.step("Complete a link: o, See [[, harb, Tab, Enter, Escape")
        screen.type("oSee [[")
        screen.wait_for("cafs_of_the_old_port")
        screen.type("harb")
        text = screen.wait_until(
            lambda text: "harbour_pilots" in text and "cafs_" not in text, "fewer notes"
        )
        run.show(*list_rows(text, r" file *$"))
        screen.press("Tab", "Enter", "Escape")
        run.show(
            *list_rows(screen.wait_for("NOR", "pilots_and_the_last_mile]]", without="●"), "See")
        )

        run.step("Follow it: g d; go back: C-o")
        screen.type("gd")
        screen.wait_for_match(r"^ NOR   harbour_pilots_and_the_last_mile\.md ")
        screen.press("C-o")
        screen.wait_for_match(r"^ NOR   index\.md ")
        run.show_files()

        run.step("Write: :write-all")
        write_all(screen, desk, run, "index.md", "harbour_pilots_and_the_last_mile")

        run.step("Rename: :open the_longitude_problem.md, :move longitude.md, :write-all")
        screen.type(":open the_longitude_problem.md")
        screen.press("Enter")
        screen.wait_for_match(r"^ NOR   the_longitude_problem\.md ")
        screen.type(":move longitude.md")
        screen.press("Enter")
        screen.wait_for_match(r"^ NOR   longitude\.md ")
        write_all(screen, desk, run, "map_of_talks.canvas", "longitude.md")
        quit_editor(screen, desk)
    run.compare("helix")


def open_file(screen: Terminal, name: str) -> None:
    """Open a file in the same view."""
    screen.type(f":open {name}")
    screen.press("Enter")
    screen.wait_for_match(rf"^ NOR   {re.escape(name)} ")


def test_edit_shows_in_another_note(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    run = Transcript(desk)
    name, other = "tide_tables_and_the_first_analog_computers.md", "the_longitude_problem.md"
    status = rf"^ NOR   {re.escape(name)} .*"
    with Terminal(desk, "hx", name, size=SIZE) as screen:
        run.step(f"Open {name}")
        run.show(*list_rows(screen.wait_for_match(f"{status}● 2 ● 1 "), status))

        run.step(f"Write the missing heading in {other}, without saving")
        open_file(screen, other)
        screen.type("geo## The prize money")
        screen.press("Escape")
        screen.wait_for_match("^ NOR ")  # the key and the next one would be one key with Alt
        open_file(screen, name)
        run.show(*list_rows(screen.wait_for_match(f"{status}● 1 ● 1 "), status))

        run.step("Take it back: u")
        open_file(screen, other)
        screen.type("u")
        open_file(screen, name)
        run.show(*list_rows(screen.wait_for_match(f"{status}● 2 ● 1 "), status))
        run.show_files()
        quit_editor(screen, desk)
    run.compare("helix-other-note")


def rename(screen: Terminal, run: Transcript, old: str, new: str) -> None:
    """Rename what is at the cursor: Space r."""
    screen.type(" r")
    run.show(*list_rows(screen.wait_for(f"rename-to:{old}"), "rename-to:"))
    screen.press("C-u")
    screen.type(new)
    screen.press("Enter")
    screen.wait_for(new, without="rename-to:")


def test_places_and_killed_editor(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, UNITS)
    run = Transcript(desk)
    with Terminal(desk, "hx", "Liste.md", size=SIZE) as screen:
        run.step("Open Liste.md")
        run.show(*list_rows(screen.wait_for_match("^●.*Nirgends"), "Nirgends|NOR"))

        run.step("Rename the heading of the first link: Space r")
        screen.type("ggfb")
        rename(screen, run, "Überschrift 🙂", "Tür 🙂🙂")
        write_all(screen, desk, run, "Windows.md", "Tür")

        run.step("Rename the note of the second link: Space r")
        screen.type("ggf^Fr")
        rename(screen, run, "Wörter 🙂", "Wände 🙂")
        write_all(screen, desk, run, "Windows.md", "Wände")
        assert desk.list_servers()
        os.kill(screen.process, signal.SIGKILL)
        wait_until(screen.has_ended, "the end of Helix")
        desk.wait_for_no_server()
    run.compare("helix-places")


RUNS = int(os.environ.get("VAULTLINK_EDITOR_RUNS", "3"))
"""How often the same rename is made: what arrives first is chance."""


@pytest.mark.parametrize(("linking", "count"), [*[(6, 8)] * RUNS, (150, 1000)])
def test_rename_makes_each_edit_once(tmp_path: Path, linking: int, count: int) -> None:
    """`Space r` in a link changes closed notes, too; each byte is that of the command line."""
    files = make_files(linking, count)
    desk = open_desk(tmp_path, files)
    with Terminal(desk, "hx", START, size=SIZE) as screen:
        screen.wait_for_match("^●.*Begin with")  # the vault is read
        screen.type("3GfO")
        screen.type(" r")
        screen.wait_for("rename-to:Old note")
        screen.press("C-u")
        screen.type(NEW)
        screen.press("Enter")
        screen.wait_for(f"Begin with [[{NEW}]]", without="rename-to:")
        wait_until((desk.wiki / "Notes" / f"{NEW}.md").exists, "the new file")
        screen.type(":write-quit-all")
        screen.press("Enter")
        wait_until(screen.has_ended, "the end of Helix")
    assert read_files(desk.wiki) == rename_by_command(tmp_path, files)
