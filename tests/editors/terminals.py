"""Programs in a terminal of tmux: tests press keys and read the screen."""

import re
import subprocess
import time
from collections.abc import Callable
from typing import Self

from editor_runs import Desk, wait_until

from screens import Size

_QUIET_SECONDS = 0.4
"""A screen that has not changed for this long is not being drawn."""


class Terminal:
    """A program on a screen of its own; tmux answers what it asks of a terminal."""

    def __init__(self, desk: Desk, *command: str, size: Size):
        self.desk = desk
        place = ("-x", str(size.columns), "-y", str(size.rows))
        self._call("-f", "/dev/null", "new-session", "-d", *place, "--", *command)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._call("kill-server")
        self.desk.wait_for_no_server()

    def _call(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", str(self.desk.home / "tmux"), *words],
            cwd=self.desk.wiki,
            env=self.desk.environment,
            capture_output=True,
            text=True,
            check=False,  # there is no server any more when the program has ended
        ).stdout

    @property
    def process(self) -> int:
        """The program."""
        return int(self._call("list-panes", "-F", "#{pane_pid}"))

    def has_ended(self) -> bool:
        """Return True if the program has ended."""
        return not self._call("list-panes")

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        self._call("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys that have names: `Enter`, `Escape`, `C-x`."""
        self._call("send-keys", *keys)

    @property
    def text(self) -> str:
        """The rows of the screen."""
        return self._call("capture-pane", "-p")

    @property
    def colored_text(self) -> str:
        """The rows of the screen with the sequences that color them."""
        return self._call("capture-pane", "-p", "-e", "-N")

    def settle(self) -> str:
        """Wait until the screen does not change, and return it with its colors."""
        before = None
        while before != (before := self.colored_text):
            time.sleep(_QUIET_SECONDS)
        return before

    def wait_until(self, condition: Callable[[str], object], what: object) -> str:
        """Wait until the screen fulfils a condition, and return its text."""
        try:
            wait_until(lambda: condition(self.text), what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text}") from None
        return self.text

    def wait_for(self, *words: str, without: str = "\0") -> str:
        """Wait until the screen shows all these words, and return its text."""
        return self.wait_until(
            lambda text: without not in text and all(word in text for word in words), words
        )

    def wait_for_match(self, pattern: str) -> str:
        """Wait until a line of the screen matches, and return the text of the screen."""
        return self.wait_until(lambda text: re.search(pattern, text, re.MULTILINE), pattern)
