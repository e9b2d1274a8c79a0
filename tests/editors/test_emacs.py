"""Emacs with eglot, in a terminal: what docs/emacs.md says, with its snippet, and more."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from editor_runs import UNITS, WAIT, Desk, Transcript, read_snippet, wait_for_parts, wait_until
from terminals import Terminal

from machine import give_up, require_program
from screens import Size

pytestmark = pytest.mark.project

FINDINGS = """
(with-current-buffer (get-file-buffer (expand-file-name "%s" "~/wiki"))
  (vconcat
   (mapcar (lambda (item)
             (vector (line-number-at-pos (flymake-diagnostic-beg item))
                     (buffer-substring-no-properties
                      (flymake-diagnostic-beg item) (flymake-diagnostic-end item))
                     (symbol-name (flymake-diagnostic-type item))
                     (flymake-diagnostic-text item)))
           (flymake-diagnostics))))
"""


class Emacs(Terminal):
    """An Emacs in a terminal, of which tests also ask values."""

    def ask(self, code: str) -> Any:
        """Return the value of an expression in the buffer that is shown."""
        within = f"(with-current-buffer (window-buffer) (json-encode {code}))"
        done = subprocess.run(
            ["emacsclient", "--eval", within],
            env=self.desk.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT,
        )
        assert done.returncode == 0, f"{done.stderr}\n{self.text}"
        return json.loads(json.loads(done.stdout, strict=False))

    def command(self, name: str) -> None:
        """Call a command by its name: M-x."""
        self.press("M-x")
        self.type(name)
        self.press("Enter")

    def findings(self, name: str) -> list[str]:
        """Return the diagnostics of a file that is open."""
        found = self.ask(FINDINGS % name) or []
        return [f"  {line}: {text} {kind} {words}" for line, text, kind, words in sorted(found)]

    def wait_for_findings(self, name: str, *parts: str) -> list[str]:
        """Wait until the diagnostics of a file contain these words, one each."""
        return wait_for_parts(lambda: self.findings(name), *parts)

    @property
    def line(self) -> str:
        """The line of the cursor, with the name of its file in front."""
        line = "(buffer-substring-no-properties (pos-bol) (pos-eol))"
        name, number, text = self.ask(f"(vector (buffer-name) (line-number-at-pos) {line})")
        return f"  {name}:{number}: {text}"

    def write_all(self, run: Transcript) -> None:
        """Write all changed files: C-x s, !."""
        self.press("C-x")
        self.type("s")
        self.wait_for("Save file")
        self.type("!")
        changed = (
            "(seq-some (lambda (b) (and (buffer-file-name b) (buffer-modified-p b))) (buffer-list))"
        )
        wait_until(lambda: not self.ask(changed), "no file that is changed")
        run.show_files()

    def open(self, name: str) -> None:
        """Open a file: C-x C-f."""
        self.press("C-x", "C-f")
        self.wait_for("Find file: ")
        self.type(name)
        self.press("Enter")
        wait_until(lambda: self.ask("(buffer-name)") == name, name)

    def quit(self) -> None:
        """Quit as people do; the server must end, too."""
        assert self.desk.list_servers()
        self.command("kill-emacs")
        wait_until(self.has_ended, "the end of Emacs")
        self.desk.wait_for_no_server()


@contextmanager
def open_editor(
    folder: Path, name: str, files: Mapping[str, str] | None = None
) -> Iterator[tuple[Emacs, Transcript]]:
    """Start Emacs with the snippet of the page, and open a note."""
    emacs = require_program("emacs")
    require_program("tmux")
    is_there = '(kill-emacs (if (locate-library "markdown-mode") 0 1))'
    if subprocess.run(
        [emacs, "--batch", "--eval", is_there], capture_output=True, check=False
    ).returncode:
        give_up("markdown-mode", "the mode for Markdown of Emacs is not installed")
    desk = Desk(folder, {".config/emacs/init.el": read_snippet("emacs", "lisp")}, files)
    command = ("emacs", "-nw", "--funcall", "server-start", name)
    with Emacs(desk, *command, size=Size(100, 30)) as editor:
        editor.wait_for("[eglot] Connected!")
        yield editor, Transcript(desk)


def rename(editor: Emacs, name: str, answer: str) -> None:
    """Rename what is at the cursor: M-x eglot-rename."""
    editor.command("eglot-rename")
    editor.wait_for("Rename `")
    editor.type(name)
    editor.press("Enter")
    editor.wait_for(answer)


def fix_mistake(editor: Emacs, run: Transcript) -> None:
    """Choose the fix of the first finding."""
    editor.command("flymake-goto-next-error")
    wait_until(lambda: "LTP" in editor.line)
    run.show(editor.line)
    editor.command("eglot-code-actions")
    editor.wait_for("Pick an action")
    editor.press("Tab")
    text = editor.wait_for("possible completions", "Suppress VL105 in this note")
    starts = ("Link", "Fix", "Suppress")
    run.show(*(f"  {row}" for row in text.splitlines() if row.startswith(starts)))
    editor.type("Link to")
    editor.press("Enter")
    editor.wait_for_findings("index.md")
    run.show(editor.line)


def complete_link(editor: Emacs, run: Transcript) -> None:
    """Begin a link, and take the first note that is listed."""
    editor.press("M->")
    editor.type("See [[harbour")
    editor.press("Escape", "Tab")
    text = editor.wait_for("possible completions", "harbour_pilots_and_the_last_mile File")
    listed = text.partition("possible completions:")[2].partition("\n-U")[0]
    run.show(*(f"  {row}" for row in listed.splitlines() if row))
    editor.press("M-Down", "M-Enter")
    wait_until(lambda: editor.line.endswith("]]"))
    run.show(editor.line)


def rename_note(editor: Emacs, run: Transcript) -> None:
    """Rename a note by the command line, because eglot can't, and take it back."""
    run.step("Rename a note: M-x eglot-rename, longitude")
    editor.press("M-<")
    rename(editor, "longitude", "Nothing was changed")
    message = editor.text.replace("\\\n", "").partition('error-message . "')[2]
    run.show("  " + message.partition('"')[0])
    run.show_files()

    run.step("Rename it: M-! vaultlink rename the_longitude_problem longitude")
    editor.press("M-!")
    editor.type("vaultlink rename the_longitude_problem longitude")
    editor.press("Enter")
    editor.wait_for("Renamed the_longitude_problem.md")
    run.show_files()

    run.step("Take it back: M-! vaultlink undo")
    editor.press("M-!")
    editor.type("vaultlink undo")
    editor.press("Enter")
    editor.wait_for("Restored")
    run.show_files()


def test_walk_of_the_page(tmp_path: Path) -> None:
    with open_editor(tmp_path, "index.md") as (editor, run):
        run.step("Open index.md")
        run.show(*editor.wait_for_findings("index.md", "VL105"))

        run.step("Fix it: M-x flymake-goto-next-error, M-x eglot-code-actions, Link to")
        fix_mistake(editor, run)

        run.step("Complete a link: See [[harbour, C-M-i, M-<down>, M-RET")
        complete_link(editor, run)

        run.step("Follow it: M-.; go back: M-,")
        editor.press("M-.")
        wait_until(lambda: "index.md" not in editor.line)
        run.show(editor.line)
        editor.press("M-,")
        wait_until(lambda: "index.md" in editor.line)
        run.show_files()

        run.step("Write: C-x s, !")
        editor.write_all(run)

        run.step("Rename a heading: C-x C-f the_longitude_problem.md, M-x eglot-rename, Clocks")
        editor.open("the_longitude_problem.md")
        editor.press("C-s")
        editor.type("Clocks")
        editor.press("Enter")
        rename(editor, "Clocks", "Edit successful")
        editor.write_all(run)

        rename_note(editor, run)
        editor.quit()
        run.compare("emacs")


def test_edit_shows_in_another_note(tmp_path: Path) -> None:
    name = "tide_tables_and_the_first_analog_computers.md"
    with open_editor(tmp_path, name) as (editor, run):
        run.step(f"Open {name}")
        before = editor.wait_for_findings(name, "VL106", "VL102", "VL125")
        run.show(*before)

        run.step("Write the missing heading in the_longitude_problem.md, without saving")
        editor.open("the_longitude_problem.md")
        editor.press("M->", "Enter")
        editor.type("## The prize money")
        run.show(*editor.wait_for_findings(name, "VL106", "VL125"))

        run.step("Take it back: C-/")
        editor.press("C-_", "C-_", "C-_")
        assert editor.wait_for_findings(name, "VL106", "VL102", "VL125") == before
        run.show_files()
        editor.quit()
        run.compare("emacs-other-note")


def test_places_and_killed_editor(tmp_path: Path) -> None:
    with open_editor(tmp_path, "Liste.md", UNITS) as (editor, run):
        run.step("Open Liste.md")
        run.show(*editor.wait_for_findings("Liste.md", "[[Nirgends]] "))

        run.step("Rename the heading of the first link")
        editor.press("C-s")
        editor.type("berschrift")
        editor.press("Enter")
        rename(editor, "Tür 🙂🙂", "Edit successful")
        editor.write_all(run)
        run.show(*editor.wait_for_findings("Liste.md", "[[Nirgends]] "))
        os.kill(editor.process, signal.SIGKILL)
        editor.desk.wait_for_no_server()
        run.compare("emacs-places")
