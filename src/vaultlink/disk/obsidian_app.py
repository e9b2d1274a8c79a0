"""Ask the command line of Obsidian what it reads in a vault (9.8).

Obsidian 1.12 and later have a command line, which asks the running app. Only commands that list
something are used. Obsidian documents the commands and their words, not all that they print: an
error is text on standard output with exit code 0, and an empty list is a sentence. So nothing is
taken for an empty list unless Obsidian counts 0, and an answer of another form is an error.
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from vaultlink.programs import ProgramCall, RunningProgram, search_foreign_program
from vaultlink.text import quote_name

_PROGRAM = "Obsidian.com" if sys.platform == "win32" else "obsidian"

_TIMEOUT_SECONDS = 20.0
"""Longest time of one command. The first may start Obsidian."""

_MAX_OUTPUT = 64_000_000
"""Bytes of one answer: those of about 500,000 unresolved links."""

_MAX_COMMAS = 20
"""Commas in the name of a note that is known again in a list with commas."""

_MAX_QUOTED = 120
"""Characters of an answer in a message."""

_REMOVED_VARIABLES = ("ELECTRON_RUN_AS_NODE", "NODE_OPTIONS")
"""Variables that make Obsidian's program run scripts instead."""

_UNRESOLVED_MARK = " (unresolved)"
_ERROR = re.compile(rf"(?im)error: (?!.*{re.escape(_UNRESOLVED_MARK)}$)|vault not found\.?$")
_EMPTY = re.compile(r"No [a-z -]+ found\.?")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})

Pair = tuple[str, str]
"""The path of a note, and the text of an unresolved link in it or the path that it links to."""


class AppError(Exception):
    """Obsidian gave no answer.

    The message is a clause with the cause; `advice` is a sentence with the next step.
    """

    def __init__(self, cause: str, advice: str):
        super().__init__(cause)
        self.advice = advice


_INSTALL = (
    "Install Obsidian 1.12.7 or later, switch on “Command line interface” under Settings, General, "
    "and open a new terminal."
)
_START = (
    "Start Obsidian, open this vault in it, and check that “Command line interface” is on under "
    "Settings, General."
)
_OPEN = "Open this vault in Obsidian; of several vaults with this name, close the others."
_REPORT = "`obsidian help` says what your version prints; please report what it answers here."


def normalize_path(path: str) -> str:
    """Return the form in which paths and texts are compared (5.18). Case stays."""
    return path if path.isascii() else unicodedata.normalize("NFC", path).translate(_SPACES)


class ObsidianApp:
    """The command line of Obsidian, asked about one vault.

    `version` is what it calls itself. Raises AppError, as all its functions do.
    """

    def __init__(self, root: Path):
        """Find and ask the program, and compare the folder of its vault."""
        program = search_foreign_program(_PROGRAM, root)
        if program is None:
            raise AppError("there is no program `obsidian` on the PATH", _INSTALL)
        self._program = program
        self._vault = f"vault={root.name}"
        self.version = self._read_version()
        self._check_vault(root)

    def read_unresolved(self, files: Collection[str]) -> set[Pair]:
        """Return the unresolved links: each note with the text of a link in it.

        `files` are the paths of the vault, which may contain the commas that part the notes.
        """
        text = self._ask("unresolved", "verbose", "format=json")
        rows = _parse_rows(text)
        if rows is None:
            if self._count("unresolved") != 0:
                raise _not_understood("unresolved", text)
            return set()
        pairs: set[Pair] = set()
        for row in rows:
            link, sources = row.get("link"), row.get("sources")
            if not isinstance(link, str) or not isinstance(sources, str | list):
                raise _not_understood("unresolved", json.dumps(row))
            pairs.update(
                (_clean(source), _clean(link)) for source in _split_sources(sources, files)
            )
        return pairs

    def list_files(self, command: str, files: Collection[str]) -> set[str]:
        """Return the files that `orphans` or `deadends` lists.

        `files` are those of the vault.
        """
        lines = self._ask(command).splitlines()
        known = {line for line in lines if line in files}
        others = {line for line in lines if line.strip()} - known
        count = self._count(command)
        if count == len(known):  # the others are messages
            return known
        if count == len(known) + len(others):  # files that are not there for vaultlink
            return known | others
        raise AppError(
            f"`obsidian {command}` lists {len(known) + len(others):,} lines, but counts "
            f"{count:,} files",
            _REPORT,
        )

    def read_targets(self, note: str, files: Collection[str]) -> set[str]:
        """Return the paths of the files that a note links to."""
        text = self._ask("links", f"path={note}")
        lines = {line for line in text.splitlines() if line.strip()}
        targets = {line for line in lines if line in files}
        others = [line for line in lines - targets if not line.endswith(_UNRESOLVED_MARK)]
        if len(others) == len(lines) and not all(map(_EMPTY.fullmatch, others)):
            raise _not_understood("links", text)
        return targets

    def _read_version(self) -> str:
        try:
            text = self._run("version", with_errors=True)
        except AppError as error:
            raise AppError(f"{self._program} {error}", _START) from error
        found = re.search(r"(?m)^\s*(\d+\.\d+\.\d+)\b", text)
        if found is None:
            raise AppError(f"{self._program} answered {_quote(text)}, not its version", _START)
        return found[1]

    def _check_vault(self, root: Path) -> None:
        lines = [line for line in self._ask("vault", "info=path").splitlines() if line.strip()]
        answer = lines[-1] if lines else ""
        try:
            is_same = os.path.isabs(answer) and root.samefile(answer)  # noqa: PTH117
        except (OSError, ValueError):
            is_same = False
        if not is_same:
            raise AppError(f"Obsidian answers for {_quote(answer)}, not for this vault", _OPEN)

    def _count(self, command: str) -> int:
        """Return what `total` counts."""
        text = self._ask(command, "total")
        lines = text.split()
        if not lines or not re.fullmatch(r"[0-9]{1,9}", lines[-1]):
            raise _not_understood(command, text)
        return int(lines[-1])

    def _ask(self, *words: str) -> str:
        """Return what a command prints about the vault."""
        try:
            text = self._run(self._vault, *words)
        except AppError as error:
            raise AppError(f"`obsidian {words[0]}` {error}", error.advice) from error
        if _ERROR.match(text.lstrip()):
            raise AppError(f"`obsidian {words[0]}` answered {_quote(text)}", _OPEN)
        return normalize_path(text)

    def _run(self, *words: str, with_errors: bool = False) -> str:
        environment = {
            name: value for name, value in os.environ.items() if name not in _REMOVED_VARIABLES
        }
        call = ProgramCall((self._program, *words), environment, os.path.dirname(self._program))  # noqa: PTH120
        running = RunningProgram(
            call, limit=_MAX_OUTPUT, seconds=_TIMEOUT_SECONDS, with_errors=with_errors
        )
        result = running.read_to_end()
        if running.is_late:
            raise AppError(f"did not end within {_TIMEOUT_SECONDS:g} seconds", _START)
        if result is None:
            raise AppError("could not be started", _INSTALL)
        if result.is_cut:
            raise AppError(f"printed more than {_MAX_OUTPUT // 1_000_000} MB", _REPORT)
        text = result.output.decode("utf-8", "replace")
        if result.code != 0:
            raise AppError(f"ended with code {result.code}: {_quote(text)}", _START)
        return text


def _quote(text: str) -> str:
    """Return the first line of an answer in quotation marks."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    shown = line if len(line) <= _MAX_QUOTED else line[: _MAX_QUOTED - 1] + "…"
    return quote_name(shown) if shown else "nothing"


def _clean(text: str) -> str:
    """Return text of JSON without halves of characters, which can't be printed."""
    return normalize_path(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))


def _not_understood(command: str, text: str) -> AppError:
    return AppError(
        f"`obsidian {command}` answered {_quote(text)}, in a form that is not known", _REPORT
    )


def _parse_rows(text: str) -> list[Mapping[str, object]] | None:
    """Return the objects of a JSON array; None for another text.

    Messages may precede the array.
    """
    start = re.search(r"(?m)^\[", text)
    try:
        rows = json.loads(text[start.start() :]) if start else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    return rows


def _split_sources(sources: str | list[object], files: Collection[str]) -> Iterator[str]:
    """Yield the notes that have an unresolved link.

    Commas part them, and may be in their names: those of `files` are known again.
    """
    pieces = [str(item) for item in sources] if isinstance(sources, list) else sources.split(", ")
    start = 0
    while start < len(pieces):
        longest = min(len(pieces), start + _MAX_COMMAS + 1)
        ends = range(longest, start + 1, -1)
        end = next((end for end in ends if ", ".join(pieces[start:end]) in files), start + 1)
        yield ", ".join(pieces[start:end])
        start = end
