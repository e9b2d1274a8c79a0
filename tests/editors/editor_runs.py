"""What runs of real editors have in common: a copy of the sample wiki, the snippets of the pages, and transcripts.

A transcript has what an editor shows and what changes on disk, step by step. Runs are compared with those in
`transcripts/`; `VAULTLINK_REFRESH=1` writes them anew.
"""

import difflib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from documents import blocks
from forge import ROOT
from running import Files, read_files, write_files

Result = TypeVar("Result")

WAIT = 60.0
"""Seconds until something that must happen has happened, on a loaded machine."""

SAMPLE, TRANSCRIPTS = ROOT / "fixtures" / "podcast-wiki", Path(__file__).parent / "transcripts"

UNITS = {
    "vaultlink.toml": "",
    "Wörter 🙂.md": "---\ntitle: Worte\n---\n\n## Überschrift 🙂\n\nText. ^ende\n",
    "Liste.md": "🙂🙂 [[Wörter 🙂#Überschrift 🙂|é]] 🙂 [[Wörter 🙂#^ende]] 🙂 [[Nirgends]]\n",
    "Windows.md": "Erste Zeile\r\n\r\n🙂 é [[Wörter 🙂#Überschrift 🙂]], [[Wörter 🙂]]\r\n",
}
"""Notes in which columns of characters, bytes and UTF-16 differ, also with `\\r\\n`."""


def read_snippet(page: str, language: str, number: int = 0) -> str:
    """Return a code block of a page in docs/."""
    return blocks(ROOT / "docs" / f"{page}.md", language)[number]


def wait_until(question: Callable[[], Result], what: object = "") -> Result:
    """Wait for a result that is true, and return it."""
    end = time.monotonic() + WAIT
    while True:
        result = question()
        if result:
            return result
        assert time.monotonic() < end, f"not seen: {what}"
        time.sleep(0.05)


def wait_for_parts(list_lines: Callable[[], list[str]], *parts: str) -> list[str]:
    """Wait until there is one line for each of these words, which contains it."""

    def find_all() -> list[list[str]]:
        found = list_lines()
        matches = len(found) == len(parts) and all(map(str.__contains__, found, parts))
        return [found] if matches else []

    [found] = wait_until(find_all, parts)
    return found


class Desk:
    """A home with the configuration of an editor, and a copy of the sample wiki in it.

    Attributes:
        home: The home folder.
        wiki: The vault.
        environment: The variables of an editor; `vaultlink` is on its PATH.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], files: Files | None = None):
        self.home = folder.resolve() / "home"
        self.wiki = self.home / "wiki"
        self.home.mkdir(mode=0o700, parents=True)
        write_files(self.home, settings)
        if files is None:
            shutil.copytree(SAMPLE, self.wiki)
        else:
            write_files(self.wiki, files)
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "XDG_RUNTIME_DIR": str(self.home),
            "VAULTLINK_CACHE_DIR": str(self.home / ".cache" / "vaultlink"),
            "VAULTLINK_STATE_DIR": str(self.home / ".state" / "vaultlink"),
        }

    def list_servers(self) -> list[int]:
        """Return the processes of vaultlink that were started with this home."""
        return [*_list_processes(b"HOME=%s\0" % os.fsencode(self.home), b"vaultlink\0lsp")]

    def wait_for_no_server(self) -> None:
        """Wait until no process of vaultlink runs any more."""
        wait_until(lambda: not self.list_servers(), "the end of the server")


def _list_processes(variable: bytes, words: bytes) -> Iterable[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
                if words in command and variable in (folder / "environ").read_bytes():
                    yield int(folder.name)
            except OSError:
                continue  # it has ended, or belongs to another user


class Transcript:
    """What an editor shows, and what changes on disk, step by step."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._files = read_files(desk.wiki)
        self._lines: list[str] = []

    def step(self, title: str) -> None:
        """Begin a step."""
        self._lines += ["", f"## {title}", ""] if self._lines else [f"## {title}", ""]

    def show(self, *lines: str) -> None:
        """Add lines."""
        self._lines += lines

    def show_files(self) -> None:
        """Add what changed on disk since the last call."""
        files = read_files(self._desk.wiki)
        gone = {path: data for path, data in self._files.items() if path not in files}
        self._lines.append("on disk:")
        count = len(self._lines)
        for path in sorted({*files, *gone}):
            if path in files and self._files.get(path) == files[path]:
                continue
            before = self._files.get(path)
            twin = next((old for old, data in gone.items() if data == files.get(path)), None)
            if path in gone:
                self._lines.append(f"  {path} is gone")
            elif twin is not None:
                self._lines.append(f"  {path} is there, with the text of {twin}")
            elif before is None:
                self._lines.append(f"  {path} is there")
            else:
                self._lines.append(f"  {path}")
                old, new = (
                    data.decode().replace("\r", "␍").split("\n") for data in (before, files[path])
                )
                found = [*difflib.unified_diff(old, new, n=0, lineterm="")][2:]
                self._lines += [f"    {line}" for line in found if not line.startswith("@@")]
        if count == len(self._lines):
            self._lines.append("  as before")
        self._files = files

    def compare(self, name: str) -> None:
        """Compare with the recorded transcript, or record it with VAULTLINK_REFRESH."""
        text = "\n".join(self._lines).replace(str(self._desk.home), "~") + "\n"
        file = TRANSCRIPTS / f"{name}.txt"
        if os.environ.get("VAULTLINK_REFRESH"):
            file.write_text(text, encoding="utf-8")
        recorded = file.read_text(encoding="utf-8").splitlines()
        difference = "\n".join(difflib.unified_diff(recorded, text.splitlines(), n=1))
        assert not difference, f"{difference}\nIf this is right, set VAULTLINK_REFRESH=1."
