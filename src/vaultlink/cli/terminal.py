"""The two streams of a run: results on stdout (or into a file), everything else on stderr.

Strings and bytes enter. Whether there is colour, how wide lines may be, and what a closed pipe means is decided here.
"""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TextIO

from vaultlink.cli.options import Printing
from vaultlink.errors import UsageError
from vaultlink.report.layout import COLOURED, PLAIN, Palette, cut

_PIPED = 120
"""The columns of a cut line where there is no terminal to measure."""
_ENDLESS = 1 << 20

_FORMS = (
    "full",
    "concise",
    "json",
    "json-lines",
    "github",
    "gitlab",
    "sarif",
    "junit",
    "markdown",
    "table",
    "tsv",
)


class Terminal:
    """Prints for one run."""

    def __init__(self, options: Printing = Printing()):  # noqa: B008 - frozen
        self.quiet, self.verbose, self.file = options.quiet, options.verbose, options.output_file
        self.tty = self.file is None and _is_terminal(sys.stdout)
        self.palette = COLOURED if _coloured(options.color, self.tty) else PLAIN
        columns = shutil.get_terminal_size((80, 24)).columns if self.tty else 0
        self.room = columns or _PIPED
        self.table_room = columns or _ENDLESS
        self.unread, self._begun = False, False
        self._asked = options.output_format

    def form(self, forms: Sequence[str], on_terminal: str, elsewhere: str) -> str:
        """The output format: the option's, else the environment's, else the default. The environment speaks to all
        commands, so a form that only another command has is passed over."""
        told = os.environ.get("VAULTLINK_OUTPUT_FORMAT", "")
        for place, name in (("--output-format", self._asked), ("VAULTLINK_OUTPUT_FORMAT", told)):
            if name in forms:
                return name
            if name and (name is self._asked or name not in _FORMS):
                raise UsageError(f'{place}: "{name}" is none of {", ".join(forms)}.')
        return on_terminal if self.tty else elsewhere

    def show(self, result: str | bytes) -> None:
        """Print results. A reader that has gone away is no fault: the run ends as if it had read everything."""
        data = result if isinstance(result, bytes) else _encoded(result)
        if self.file is not None:
            try:
                self.file.write_bytes(data)
            except OSError as error:
                raise UsageError(f"can't write {self.file}: {error.strerror}.") from None
            return
        try:
            _write(sys.stdout, data)
        except BrokenPipeError:
            self.unread = True
            silence(sys.stdout)
        except OSError as error:
            silence(sys.stdout)
            raise UsageError(f"can't write results: {error.strerror}.") from None

    def stream(self, result: str | bytes) -> None:
        """Print a part of results that go on: each is added to those before, in a file as well."""
        if self.file is None or not self._begun:
            self._begun = True
            self.show(result)
            return
        try:
            with self.file.open("ab") as file:
                file.write(result if isinstance(result, bytes) else _encoded(result))
        except OSError as error:
            raise UsageError(f"can't write {self.file}: {error.strerror}.") from None

    def ready(self, root: Path) -> None:
        """Refuse results that can't be printed into their file, or would take a note's place, before anything is done."""
        if self.file is None:
            return
        note = self.file.suffix.lower() in (".md", ".canvas", ".base") and self.file.exists()
        if note and self.file.resolve().is_relative_to(root):
            raise UsageError(
                f"--output-file: {self.file} is a note of the vault; nothing was written."
            )
        if not self.file.parent.is_dir():
            raise UsageError(f"can't write {self.file}: No such file or directory.")

    def say(self, text: str) -> None:
        """A sentence beside the results, unless the run is to be quiet."""
        if not self.quiet:
            tell(text)

    def detail(self, text: str) -> None:
        """A sentence for those who asked for more."""
        if self.verbose:
            self.say(text)

    def status(self) -> "Status":
        """A line on stderr that stays below everything else, if somebody is there to see it."""
        return Status(None if self.quiet or not _is_terminal(sys.stderr) else sys.stderr)

    def progress(self) -> "Progress":
        """A line on stderr that says how far reading is, if somebody is there to see it."""
        return Progress(None if self.quiet or not _is_terminal(sys.stderr) else sys.stderr)


class Progress:
    """Says how many notes were read: nothing in the first half second, and nothing is left of it at the end."""

    def __init__(self, stream: TextIO | None):
        self._stream, self._next, self._length = stream, monotonic() + 0.5, 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._length:
            self._draw(" " * self._length + "\r")

    def __call__(self, done: int, total: int) -> None:
        if self._stream is not None and monotonic() >= self._next:
            self._next = monotonic() + 0.1
            self._draw(f"Reading notes: {done:,} of {total:,}".ljust(self._length))

    def _draw(self, text: str) -> None:
        self._length = len(text)
        if self._stream is not None:
            self._stream.write(f"\r{text}")
            self._stream.flush()


class Status:
    """A line that is drawn again and again below what is printed."""

    def __init__(self, stream: TextIO | None):
        self._stream, self._text, self._drawn = stream, "", False

    def say(self, text: Callable[[], str]) -> None:
        """From now on the line says this, which is asked for only if somebody sees it."""
        if self._stream is not None:
            self._text = text()

    def draw(self) -> None:
        """Draw the line, cut to the terminal."""
        if self._stream is not None and self._text:
            room = shutil.get_terminal_size((80, 24)).columns - 1
            self._write(f"\r\x1b[K{cut(self._text, room)}")
            self._drawn = True

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = False

    def _write(self, text: str) -> None:
        if self._stream is not None:
            try:
                _write(self._stream, _encoded(text))
            except OSError:
                self._stream = None  # the terminal is gone


def tell(text: str) -> None:
    """Print a line on stderr; where that is impossible there is nobody to tell."""
    try:
        _write(sys.stderr, _encoded(text + "\n"))
    except OSError:
        silence(sys.stderr)


def mark(word: str) -> str:
    """A word that opens a message on stderr, such as `error:`, in red where colour is seen."""
    palette: Palette = COLOURED if _coloured("auto", _is_terminal(sys.stderr)) else PLAIN
    return f"{palette.red}{palette.bold}{word}{palette.off}"


def _coloured(when: str, tty: bool) -> bool:
    if when != "auto":
        return when == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return tty and os.environ.get("TERM") != "dumb"


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _encoded(text: str) -> bytes:
    """Text as UTF-8; names that came from the disk as other bytes go out as the same bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _write(stream: TextIO | None, data: bytes) -> None:
    if stream is None:  # closed before the run began
        return
    stream.flush()
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(data.decode("utf-8", "replace"))
    else:
        binary.write(data)
    stream.flush()


def silence(stream: TextIO | None) -> None:
    """Point a stream nowhere, so that what it still holds can't make the interpreter fail at its end."""
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
