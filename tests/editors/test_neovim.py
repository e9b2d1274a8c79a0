"""Neovim with the language server: what docs/neovim.md says, with its snippet, and more."""

import subprocess
from pathlib import Path

import pytest
from editor_runs import UNITS, WAIT, Desk, Transcript, read_snippet
from neovim import Neovim

from editor_renames import NEW, START, make_files, rename_by_command
from machine import require_program
from running import Files, read_files

pytestmark = pytest.mark.project


def open_desk(folder: Path, files: Files | None = None) -> Desk:
    """Return a desk with the snippet of the page."""
    require_program("nvim")
    return Desk(folder, {".config/nvim/init.lua": read_snippet("neovim", "lua")}, files)


def choose_action(editor: Neovim, run: Transcript, title: str) -> None:
    """Ask for code actions as with `gra`, and choose one."""
    editor.type("gra")
    offered = editor.wait_for("_G.offered")
    run.show(*(f"  {number}: {item}" for number, item in enumerate(offered, 1)))
    editor.type(f"<Cmd>lua _G.choose({offered.index(title) + 1})<CR>")


def rename(editor: Neovim, run: Transcript, name: str) -> None:
    """Rename what is at the cursor, as with `grn`."""
    editor.type("grn")
    editor.wait_for("vim.fn.mode() == 'c'")
    run.show(f"  the prompt has: {editor.ask('vim.fn.getcmdline()')}")
    editor.type(f"<C-U>{name}<CR>")


def write_all(editor: Neovim, run: Transcript) -> None:
    """Write all changed files."""
    editor.type(":wall<CR>")
    editor.wait_for("#vim.fn.getbufinfo({bufmodified = 1}) == 0")
    run.show_files()


def quit_editor(editor: Neovim, desk: Desk) -> None:
    """Quit as people do; the server must end, too."""
    assert desk.list_servers()
    editor.type(":qall!<CR>")
    assert editor.process.wait(WAIT) == 0
    desk.wait_for_no_server()


def test_walk_of_the_page(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    run = Transcript(desk)
    with Neovim(desk, "index.md") as editor:
        run.step("Open index.md")
        run.show(*editor.wait_for_findings("index.md", "VL105"))

        run.step("Fix the mistake: ]d, gra, 1")
        editor.type("]d")
        run.show(editor.line)
        choose_action(editor, run, "Link to “long_tide” and keep the visible text")
        editor.wait_for_findings("index.md")
        run.show(editor.line)

        run.step("Complete a link: o, See [[harbour, CTRL-X CTRL-O, CTRL-Y")
        editor.type("oSee [[harbour<C-X><C-O>")
        editor.wait_for("vim.fn.pumvisible() == 1")
        found = editor.ask("vim.fn.complete_info({'items'}).items")
        run.show(*(f"  {item['abbr']} ({item['kind']}) {item['menu']}".rstrip() for item in found))
        editor.type("<C-Y><Esc>")
        run.show(editor.line)

        run.step("Follow it: Escape, the cursor on the name, CTRL-]; go back: CTRL-O")
        editor.type("bb<C-]>")
        editor.wait_for("vim.fn.expand('%:.') ~= 'index.md'")
        run.show(editor.line)
        editor.type("<C-O>")
        editor.wait_for("vim.fn.expand('%:.') == 'index.md'")
        run.show_files()

        run.step("Write: :wall")
        write_all(editor, run)

        run.step("Rename: :edit the_longitude_problem.md, grn, longitude, :wall")
        editor.type(":edit the_longitude_problem.md<CR>gg")
        rename(editor, run, "longitude")
        editor.wait_for("vim.fn.expand('%:.') == 'longitude.md'")
        write_all(editor, run)
        quit_editor(editor, desk)
    run.compare("neovim")


def test_edit_shows_in_another_note(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    run = Transcript(desk)
    name = "tide_tables_and_the_first_analog_computers.md"
    with Neovim(desk, name) as editor:
        run.step(f"Open {name}")
        before = editor.wait_for_findings(name, "VL125", "VL106", "VL102")
        run.show(*before)

        run.step("Write the missing heading in the_longitude_problem.md, without saving")
        editor.type(":edit the_longitude_problem.md<CR>Go## The prize money<Esc>")
        run.show(*editor.wait_for_findings(name, "VL125", "VL106"))

        run.step("Take it back: u")
        editor.type("u")
        assert editor.wait_for_findings(name, "VL125", "VL106", "VL102") == before
        run.show_files()

        run.step("Fix all safe findings of the first note")
        editor.type(f":edit {name}<CR>18G")
        choose_action(editor, run, "Fix all safe findings in this note")
        run.show(*editor.wait_for_findings(name, "VL125", "VL102"))
        write_all(editor, run)
        quit_editor(editor, desk)
    run.compare("neovim-other-note")


def test_places_and_killed_editor(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, UNITS)
    run = Transcript(desk)
    with Neovim(desk, "Liste.md") as editor:
        run.step("Open Liste.md")
        run.show(*editor.wait_for_findings("Liste.md", "VL125"))

        run.step("Rename the heading of the first link")
        editor.type("gg0fb")
        rename(editor, run, "Tür 🙂🙂")
        editor.wait_for("vim.fn.getline('.'):find('Tür') ~= nil")
        write_all(editor, run)

        run.step("Rename the note of the second link")
        editor.type("gg0f^Fr")
        rename(editor, run, "Wände 🙂")
        editor.wait_for("vim.fn.getline('.'):find('Wände') ~= nil")
        write_all(editor, run)
        run.show(*editor.wait_for_findings("Liste.md", "1:75-87"))
        assert desk.list_servers()
        editor.process.kill()
        desk.wait_for_no_server()
    run.compare("neovim-places")


def test_rename_is_that_of_the_command_line(tmp_path: Path) -> None:
    files = make_files(150)
    desk = open_desk(tmp_path, files)
    with Neovim(desk, START) as editor:
        editor.wait_for_findings(START, "VL125")
        editor.type("gg2j0fO")
        run = Transcript(desk)
        rename(editor, run, NEW)
        editor.wait_for(f"vim.fn.getline('.'):find('[[{NEW}]]', 1, true) ~= nil")
        editor.wait_for(f"vim.fn.filereadable('Notes/{NEW}.md') == 1")
        editor.type(":wall<CR>")
        editor.wait_for("#vim.fn.getbufinfo({bufmodified = 1}) == 0")
        quit_editor(editor, desk)
    assert read_files(desk.wiki) == rename_by_command(tmp_path, files)


def test_form_for_later_versions_is_lua(tmp_path: Path) -> None:
    """It was not run: Neovim 0.10 has no `vim.lsp.config`."""
    file = tmp_path / "init.lua"
    file.write_text(read_snippet("neovim", "lua", 1), encoding="utf-8")
    command = [require_program("nvim"), "-u", "NONE", "--headless"]
    done = subprocess.run(
        [*command, "-c", f"lua assert(loadfile('{file}'))", "-c", "quitall"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
