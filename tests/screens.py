"""Run commands on a terminal in memory, type keys, and read what the screen shows.

`run_on_screen` starts a command on a pseudo-terminal; pyte draws its output as xterm would. A `Screen` answers the questions
that programs ask a terminal (cursor position), and follows a change of its size.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import pexpect
import pyte

from running import PROGRAM, fork_command

TIMEOUT_SECONDS = 40.0
"""The time limit of a wait, for a loaded machine."""

_QUIET_SECONDS = 0.15
"""A screen that has not changed for this long is not being drawn."""


class Size(NamedTuple):
    """The size of a terminal, in characters."""

    columns: int
    rows: int


SMALL, LARGE = Size(80, 24), Size(120, 40)


class OutputPart(NamedTuple):
    """Output that a command printed at once, and the text of what it was answered before."""

    typed: str
    text: str


class Screen:
    """A command on a terminal. `parts` is all its output so far."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        size: Size,
        environment: Mapping[str, str],
        *,
        is_forked: bool = False,
    ):
        self.size = size
        self._screen = pyte.HistoryScreen(*size, history=10_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        whole = {**_select_environment(), **environment}
        words = command[len(PROGRAM) :]
        self._process = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(folder),
            env=whole,
            preexec_fn=fork_command(words, whole) if is_forked else None,
            dimensions=(size.rows, size.columns),
            timeout=TIMEOUT_SECONDS,
            use_poll=True,  # select() fails in a process with many open files
        )
        self._process.delaybeforesend = None
        self._screen.write_process_input = self._answer  # type: ignore[method-assign]
        self.parts: list[OutputPart] = []
        self._typed = ""

    # -- output --------------------------------------------------------------------------------------------------------

    def _answer(self, data: str) -> None:
        """Send what the terminal itself answers to a program."""
        self._process.send(data)

    def read(self, seconds: float = 0.05) -> bool:
        """Draw the output that arrives within some seconds; return False if there is none."""
        try:
            data = cast(bytes, self._process.read_nonblocking(1 << 16, timeout=seconds))
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            time.sleep(seconds)
            return False
        self.parts.append(OutputPart(self._typed, data.decode(errors="replace")))
        self._typed = ""
        self._stream.feed(data)
        return True

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, without spaces at their ends."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def text(self) -> str:
        """The rows of the screen as one text, without empty rows at the end."""
        return "\n".join(self.rows).rstrip("\n")

    @property
    def history(self) -> list[str]:
        """The rows that scrolled off the top, and those of the screen."""
        gone = [
            "".join(row[column].data for column in range(self._screen.columns)).rstrip()
            for row in self._screen.history.top
        ]
        return [*gone, *self.rows]

    @property
    def everything(self) -> str:
        """The rows of `history` as one text."""
        return "\n".join(self.history).rstrip("\n")

    @property
    def output(self) -> str:
        """All output with its escape sequences."""
        return "".join(part.text for part in self.parts)

    @property
    def cursor(self) -> tuple[int, int]:
        """The column and row of the cursor, counted from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def wait_until(self, condition: Callable[["Screen"], object], what: object = "") -> "Screen":
        """Wait until `condition` returns True for the screen."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while not condition(self):
            has_ended = not self._process.isalive()
            if not self.read() and not condition(self):
                assert not has_ended, f"ended without {what}:\n{self.everything}"
                assert time.monotonic() < end, f"not seen: {what}\n{self.everything}"
        return self

    def wait_for(self, words: str) -> "Screen":
        """Wait until the screen shows these words."""
        return self.wait_until(lambda screen: words in screen.text, words)

    def wait_for_match(self, pattern: str) -> "Screen":
        """Wait until the screen shows text that matches."""
        return self.wait_until(
            lambda screen: re.search(pattern, screen.text, re.MULTILINE), pattern
        )

    def settle(self) -> "Screen":
        """Wait until nothing is being drawn."""
        while self.read(_QUIET_SECONDS):
            pass
        return self

    # -- input ---------------------------------------------------------------------------------------------------------

    def type(self, keys: str) -> "Screen":
        """Press keys."""
        self._typed += keys
        self._process.send(keys)
        return self

    def resize(self, size: Size) -> "Screen":
        """Change the size of the terminal."""
        self.size = size
        self._screen.resize(size.rows, size.columns)
        self._process.setwinsize(size.rows, size.columns)
        return self

    def send_signal(self, number: signal.Signals) -> "Screen":
        """Send a signal to the command."""
        self._process.kill(number)
        return self

    def hang_up(self) -> "Screen":
        """Close the terminal."""
        self._process.close(force=False)
        return self

    def has_ended(self) -> bool:
        """Return True if the command has ended."""
        return not self._process.isalive()

    def wait_for_end(self, code: int | None = 0) -> "Screen":
        """Wait until the command ends with this exit code, or any, and without an internal error."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while self._process.isalive() or self.read(0.0):
            self.read()
            assert time.monotonic() < end, f"still running:\n{self.everything}"
        self.settle()
        assert code in (None, self._process.exitstatus), self.everything
        assert "Traceback" not in self.everything, self.everything
        return self

    def close(self) -> None:
        """Kill the command if it runs."""
        self._process.close(force=True)


def _select_environment() -> dict[str, str]:
    """Return the environment without a fixed size of the terminal, which pytest-xdist sets."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}


CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@contextmanager
def run_on_screen(
    folder: Path,
    *words: str | Path,
    size: Size = SMALL,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Screen]:
    """Run `vaultlink` in a folder on a terminal of this size."""
    command = [*PROGRAM, *map(str, words)]
    plain = {"TERM": "xterm-256color", "NO_COLOR": "1", "FORCE_HYPERLINK": "0"}
    screen = Screen(command, folder, size, {**plain, **(environment or {})}, is_forked=True)
    try:
        yield screen
    finally:
        screen.close()
