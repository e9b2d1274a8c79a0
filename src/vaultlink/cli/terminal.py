"""The output of a run: results on stdout or in a file, everything else on stderr."""

import os
import re
import shlex
import signal as signals
import stat as modes
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TextIO, TypeVar

from vaultlink.cli.options import PrintOptions
from vaultlink.errors import UsageError
from vaultlink.programs import discard_output, read_program_version, search_program
from vaultlink.report import (
    DIFF,
    FORMAT_ELSEWHERE,
    FORMAT_ON_TERMINAL,
    FORMATS,
    FORMATS_BY_EXTENSION,
)
from vaultlink.report.layout import (
    COLORED,
    PLAIN,
    Palette,
    count_rows,
    escape_commands,
    escape_controls,
    escape_terminal_controls,
    read_printed,
    remove_hyperlinks,
    supports_hyperlinks,
    truncate,
    wrap_words,
)
from vaultlink.text import quote_name

if TYPE_CHECKING:
    from vaultlink.config.layers import Layer
    from vaultlink.fix.diff import DiffLine
    from vaultlink.write.output_file import OutputFile


# -- the pager, for results that fill more than a screen -------------------------------------------

_FIRST_LESS_VERSION = 566
"""The first version of less that understands hyperlinks."""


def _find_pager() -> list[str] | None:
    """Return the words of the pager's command; None if there is none.

    The first word is an absolute path. The pager is that of `PAGER`, else `less`. One in a relative
    folder is not used: it may belong to the vault.
    """
    try:
        program, *options = shlex.split(os.environ.get("PAGER") or "less")
    except ValueError:  # quotes are not closed, or there are only blanks
        return None
    if not os.path.isabs(program):  # noqa: PTH117 - pathlib is slower to use here
        found = search_program(program)
        if found is None:
            return None
        program = found
    return [program, *options]


def page_text(command: list[str], text: str, *, is_colored: bool) -> None:
    """Show text in a pager. It gets hyperlinks only if it understands them."""
    import click  # noqa: PLC0415 - slow to import, and rarely needed

    os.environ["PAGER"] = shlex.join(command)
    plain = remove_hyperlinks(text)
    if plain != text and is_colored and _shows_hyperlinks(command):
        plain = text
    with ProgressLine.pause():
        # Without a choice, click lets `less` show colours, and removes them for other pagers.
        click.echo_via_pager(plain, color=None if is_colored else False)


def _shows_hyperlinks(command: list[str]) -> bool:
    """Return True if the pager is a recent `less` that click runs with `-R`."""
    program, *options = command
    variable = os.environ.get("LESS", "")
    is_raw = not (variable or options) or any(
        re.fullmatch(r"-\w*R\w*|--RAW-CONTROL-CHARS", word)
        for word in (*variable.split(), *options)
    )
    if Path(program).stem != "less" or not is_raw:
        return False
    version = re.match(rb"less (\d+)", read_program_version(program))
    return version is not None and int(version[1]) >= _FIRST_LESS_VERSION


def _format_vault_address(root: Path) -> str:
    """Return the address of a vault's folder, with a slash at its end.

    It names the computer, so that a terminal can refuse links from another one.
    """
    address = root.as_uri().rstrip("/") + "/"
    if sys.platform == "win32":  # a name there would be that of a network share
        return address
    from urllib.parse import quote  # noqa: PLC0415 - slow to import, rarely needed

    return f"file://{quote(os.uname().nodename)}{address.removeprefix('file://')}"


# -- the output of a run: results on stdout or in a file, everything else on stderr ----------------
# Also chooses colour, line width and output format, and handles closed pipes.

_PIPED_WIDTH = 120
"""The columns of a truncated line without a terminal."""

_UNLIMITED_WIDTH = 1 << 20
"""The columns of a table without a terminal."""

_SILENT_SECONDS = 0.5
"""Seconds from the start of a run after which progress is drawn."""

_ItemT = TypeVar("_ItemT")

_LISTING_FORMATS = ("table", "tsv")
"""Output formats that only listings have."""


class PrintedPart(NamedTuple):
    """Something that a run printed.

    The kind is `part` for results or a part of them, `paged` for results in the pager, or
    `message`.
    """

    kind: str
    data: bytes


_RECORDS: list[list[PrintedPart]] = []
"""The records of what is printed now."""


@contextmanager
def record_output() -> Iterator[list[PrintedPart]]:
    """Yield a list that gets what is printed meanwhile, progress lines left out."""
    printed: list[PrintedPart] = []
    _RECORDS.append(printed)
    try:
        yield printed
    finally:
        _RECORDS.pop()


def _record(kind: str, data: bytes) -> None:
    for printed in _RECORDS:
        printed.append(PrintedPart(kind, data))


class Terminal:
    """Prints the results and messages of one run.

    `output_file` is None for stdout. `vault_folders` has the folder of the vault and those that it
    has as links, with their vault paths, once they are known: the output file is no file of them,
    except an earlier output, nor one that the settings in `read_vault_layers` protect.
    `written_format` is the format of what is written, `output_format` the one that was chosen.
    """

    has_printed: ClassVar[bool] = False
    """True after results of any run of this process."""

    def __init__(self, options: PrintOptions = PrintOptions()):  # noqa: B008 - frozen
        self.quiet, self.verbose = options.quiet, options.verbose
        self.output_file = options.output_file
        self.is_terminal = self.output_file is None and _is_terminal(sys.stdout)
        self.palette = COLORED if _should_color(options.color, self.is_terminal) else PLAIN
        columns = _terminal_columns() if self.is_terminal else 0
        self.width = columns or _PIPED_WIDTH
        self.table_width = columns or _UNLIMITED_WIDTH
        self.height = _terminal_size().lines if self.is_terminal else 0
        self.is_pipe_closed, self._has_written = False, False
        self.vault_folders: Mapping[Path, str] = {}
        self.read_vault_layers: Callable[[], Sequence[Layer]] = tuple
        self.output_format = self.written_format = ""
        self._requested_format = options.output_format
        self._started = monotonic()

    def format_link_prefix(self, root: Path) -> str:
        """Return what addresses of files of a vault begin with; "" for no hyperlinks."""
        is_supported = supports_hyperlinks(os.environ, is_terminal=self.is_terminal)
        return _format_vault_address(root) if is_supported and not self.output_file else ""

    def choose_finding_format(self) -> str:
        """Return the output format of findings.

        The default is full on a terminal and concise elsewhere.
        """
        return self.choose_format(FORMATS, FORMAT_ON_TERMINAL, FORMAT_ELSEWHERE)

    def choose_format(
        self,
        formats: Collection[str],
        on_terminal: str,
        elsewhere: str,
        *,
        ignores_file: bool = False,
    ) -> str:
        """Return the output format of the option, environment, file, or the default.

        The first of these that names one decides. A format in VAULTLINK_OUTPUT_FORMAT that
        only other commands have is ignored, because the variable applies to all commands. Raises
        UsageError for any other unknown format.
        """
        variable = os.environ.get("VAULTLINK_OUTPUT_FORMAT", "")
        if variable not in formats and (variable in FORMATS or variable in _LISTING_FORMATS):
            variable = ""
        for source, name in (
            ("--output-format", self._requested_format),
            ("VAULTLINK_OUTPUT_FORMAT", variable),
            ("--output-file", "" if ignores_file else self._find_implied_format(formats, variable)),
        ):
            if name in formats:
                break
            if name:
                raise UsageError(
                    f"{source}: invalid value {quote_name(name)}. Valid values: "
                    f"{', '.join(formats)}."
                )
        else:
            name = on_terminal if self.is_terminal else elsewhere
        self.output_format = self.written_format = name
        return name

    def refuse_format(self, reason: str, allowed: Collection[str] = ()) -> None:
        """Raise UsageError if an option names an output format that is not allowed.

        One in VAULTLINK_OUTPUT_FORMAT is ignored, because the variable applies to all commands.
        """
        name = self._requested_format
        if name and name not in allowed:
            raise UsageError(f"--output-format: {quote_name(name)} is not possible: {reason}.")

    def _find_implied_format(self, formats: Collection[str], variable: str) -> str:
        """Return the format that the extension of the output file names; "" for none.

        A format that an option or the `variable` names decides. Else raises UsageError for an
        extension of a format that the command does not have.
        """
        extension = self.output_file.suffix.lower() if self.output_file else ""
        names = FORMATS_BY_EXTENSION.get(extension)
        if names is None or self._requested_format or variable:
            return ""
        implied = next((name for name in names if name in formats), "")
        if not implied:
            raise UsageError(
                f"--output-file: {escape_controls(str(self.output_file))}: there is no output "
                f"format for {extension} here. Name one with --output-format: {', '.join(formats)}."
            )
        return implied

    def is_format_chosen(self) -> bool:
        """Return True if an option or the environment names the output format."""
        return bool(self._requested_format or os.environ.get("VAULTLINK_OUTPUT_FORMAT"))

    def describe(self, root: Path) -> str:
        """Return what results depend on beside the options and the vault."""
        return repr(
            (
                self.written_format,
                self._requested_format or os.environ.get("VAULTLINK_OUTPUT_FORMAT"),
                self.is_terminal,
                self.palette,
                self.width,
                self.table_width,
                self.height,
                self.format_link_prefix(root),
                self.written_format == DIFF and (_obeys_commands(), _runs_in_ci(), _may_be_log()),
                os.environ.get("PRE_COMMIT"),
            )
        )

    def print_again(self, printed: Iterable[PrintedPart]) -> None:
        """Print what `record_output` recorded."""
        for kind, data in printed:
            if kind == "message":
                print_stderr(data.decode("utf-8", "surrogateescape"))
            elif kind == "paged":
                self.print_paged(data)
            else:
                self.print_part(data)

    def print_results(self, result: str | bytes) -> None:
        """Print results to stdout or the output file.

        Text is made harmless, as `encode_results` says. A closed pipe is not an error: the run
        continues as if everything were read. Raises UsageError if the results cannot be written.
        """
        data = self.encode_results(result)
        _record("part", data)
        self._write_results(data)

    def _write_results(self, data: bytes) -> None:
        Terminal.has_printed = True
        if self.output_file is not None:
            self._write_file(self.output_file, data)
            return
        try:
            _write_bytes(sys.stdout, data)
        except BrokenPipeError:
            self.is_pipe_closed = True
            discard_output(sys.stdout)
        except OSError as error:
            discard_output(sys.stdout)
            raise UsageError(f"can't write results: {error.strerror}.") from None

    def print_paged(self, result: str | bytes) -> None:
        """Print results; through the pager if they fill more than a screen."""
        data = self.encode_results(result)
        _record("paged", data)
        text = data.decode("utf-8", "replace") if self.is_terminal else ""
        is_long = self.is_terminal and count_rows(text, self.width) >= self.height
        pager = _find_pager() if is_long else None
        if pager is None:
            self._write_results(data)
            return
        Terminal.has_printed = True
        page_text(pager, text, is_colored=self.palette is not PLAIN)

    def print_part(self, result: str | bytes) -> None:
        """Print one part of streamed results.

        In an output file, it is appended to the earlier parts.
        """
        data = self.encode_results(result)
        _record("part", data)
        if self.output_file is None or not self._has_written:
            self._write_results(data)
        else:
            self._write_file(self.output_file, data, append=True)

    def print_diff(self, lines: "Iterable[DiffLine]", *, is_part: bool = False) -> None:
        """Print a unified diff: marked and paged on a terminal, else exact to be applied.

        In the log of a CI service, an exact diff could contain control characters, or commands for
        the service. There they are spelled out, and a message says so.
        """
        self.written_format = DIFF
        if self.is_terminal:
            from vaultlink.report.changed_lines import render_marked_diff  # noqa: PLC0415 - for --diff

            print_text = self.print_part if is_part else self.print_paged
            print_text(render_marked_diff(lines, self.width, self.palette))
            return
        from vaultlink.report.plan_result import render_diff  # noqa: PLC0415 - needed for --diff

        diff = render_diff(lines, self.palette)
        print_text = self.print_part if is_part else self.print_results
        harmless = _escape_for_log(diff) if self.output_file is None else diff
        print_text(encode_text(harmless))
        if harmless != diff:
            self.print_message(
                "The diff contains control characters, or what this CI service may take for "
                "commands. They are spelled out, so the diff can't be applied. "
                "Use --output-file FILE for an exact one."
            )

    def encode_results(self, result: str | bytes, *, has_commands: bool = False) -> bytes:
        """Encode results; text is made harmless for terminals and logs.

        Commands of a CI service escape what they contain. Bytes, which a cache may hold, are made
        harmless for terminals only.
        """
        if isinstance(result, bytes) and not self.is_terminal:
            return result
        text = result if isinstance(result, str) else read_printed(result)
        text = escape_terminal_controls(text, is_colored=self.palette is not PLAIN)
        return encode_text(text if self.is_terminal or has_commands else escape_commands(text))

    def check_output_file(self) -> None:
        """Check the output file before anything else is done. Raises UsageError.

        It is checked again when it is written.
        """
        if self.output_file is not None:
            from vaultlink.write.output_file import check_output  # noqa: PLC0415 - rarely needed

            check_output(self._describe_file(self.output_file))

    def _describe_file(self, file: Path) -> "OutputFile":
        from vaultlink.write.output_file import OutputFile  # noqa: PLC0415 - rarely needed

        return OutputFile(file, self.written_format, self.vault_folders, self.read_vault_layers)

    def _write_file(self, file: Path, data: bytes, *, append: bool = False) -> None:
        """Write the output file, or add to what this run wrote."""
        from vaultlink.write.output_file import write_output  # noqa: PLC0415 - rarely needed

        write_output(self._describe_file(file), data, append=append)
        self._has_written = True

    def shows_results(self) -> bool:
        """Return True if people, or a CI service, read what is printed on stdout."""
        return self.is_terminal or (
            self.output_file is None and _obeys_commands() and _may_be_log()
        )

    def print_message(self, text: str) -> None:
        """Print a message on stderr, unless --quiet is given."""
        if not self.quiet:
            print_stderr(text)

    def status_line(self) -> "StatusLine":
        """Return the status line below all messages. It is drawn only on a terminal."""
        return StatusLine(None if self.quiet or not _is_terminal(sys.stderr) else sys.stderr)

    def progress_line(self, label: str = "Reading notes") -> "ProgressLine":
        """Return the progress line of a phase of the run. It is drawn only on a terminal."""
        is_drawn = not self.quiet and _is_terminal(sys.stderr)
        return ProgressLine(sys.stderr if is_drawn else None, label, self._started)


class ProgressLine:
    """A line with the phase of a run and what is done, erased at the end of the phase.

    It is drawn half a second after the run began. A phase that prints no count is drawn by a timer,
    or, where there is none, as on Windows, only if it begins later than that.
    """

    _active: "ClassVar[ProgressLine | None]" = None

    _is_paused: ClassVar[bool] = False
    """True while a question or the pager has the terminal."""

    def __init__(
        self, stream: TextIO | None, label: str = "Reading notes", began: float | None = None
    ):
        self._stream, self._label, self._drawn_length = stream, label, 0
        self._started = monotonic()
        self._first_draw = (self._started if began is None else began) + _SILENT_SECONDS
        self._next_draw = self._first_draw
        self._text = label
        self._outer: ProgressLine | None = None

    def __enter__(self) -> "ProgressLine":
        if self._stream is not None:
            self._outer, ProgressLine._active = ProgressLine._active, self
            self._draw_soon()
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            _Timer.stop()
            self.erase()
            ProgressLine._active = self._outer
            if self._outer is not None:
                self._outer._draw_soon()

    def __call__(self, done: int, total: int) -> None:
        if self._stream is not None and monotonic() >= self._next_draw:
            seconds = monotonic() - self._started
            self._text = describe_progress(done, total, seconds, self._label)
            self._draw_text()

    def begin(self, label: str) -> None:
        """Begin the next phase, without a count."""
        self._label = self._text = label
        self._started = monotonic()
        self._draw_soon()

    def count(self, items: Sequence[_ItemT]) -> Iterator[_ItemT]:
        """Yield the items; the line counts those that were taken while some are left."""
        for done, item in enumerate(items):
            self(done, len(items))
            yield item
        self._text = self._label
        if self._drawn_length:
            self._draw_text()

    def erase(self) -> None:
        if self._drawn_length:
            columns = max(self._drawn_length, _terminal_columns() - 1)
            self._draw(" " * min(self._drawn_length + len("^C"), columns) + "\r")
            self._drawn_length = 0

    @classmethod
    def erase_active(cls) -> None:
        """Erase the line that is drawn, so that something else can be printed."""
        if cls._active is not None:
            cls._active.erase()

    @classmethod
    @contextmanager
    def pause(cls) -> Iterator[None]:
        """Draw no line while a question or the pager has the terminal.

        Afterwards, it is drawn if the phase lasts for another half second.
        """
        line = cls._active
        _Timer.stop()
        cls.erase_active()
        was_paused, cls._is_paused = cls._is_paused, True
        try:
            yield
        finally:
            cls._is_paused = was_paused
            if line is not None:
                line._first_draw = line._next_draw = monotonic() + _SILENT_SECONDS
                line._draw_soon()

    def _draw_soon(self) -> None:
        """Draw the line now, or when the run has lasted long enough."""
        seconds = self._first_draw - monotonic()
        if self._stream is None:
            return
        if seconds <= 0:
            self._draw_text()
        else:
            _Timer.start(seconds, self._draw_text)

    def _draw_text(self) -> None:
        if self._is_paused:
            return
        self._next_draw = monotonic() + 0.1
        self._draw(truncate(self._text, _terminal_columns() - 1).ljust(self._drawn_length))

    def _draw(self, text: str) -> None:
        self._drawn_length = len(text)
        if self._stream is not None:
            self._stream.write(f"\r{text}")
            self._stream.flush()


_SHORTEST_TIMER = 0.001
"""Seconds; a timer of 0 never ends."""


class _Timer:
    """Draws a line once after some seconds, also in the middle of a long computation.

    A signal does that, not a thread: processes that read and check notes are forks of this one. A
    timer that the process has already, as that of a test, is left alone.
    """

    _draw: ClassVar[Callable[[], None] | None] = None
    """The function that the running timer calls; None if no timer runs."""

    _former: ClassVar[Any] = signals.SIG_DFL
    """The handler of the signal before the timer."""

    @classmethod
    def start(cls, seconds: float, draw: Callable[[], None]) -> None:
        cls.stop()
        if sys.platform == "win32" or signals.getitimer(signals.ITIMER_REAL)[0]:
            return
        with suppress(ValueError):  # another thread than the main one can't have it
            cls._former = signals.signal(signals.SIGALRM, cls._call)
            cls._draw = draw
            signals.setitimer(signals.ITIMER_REAL, max(seconds, _SHORTEST_TIMER))

    @classmethod
    def stop(cls) -> None:
        if sys.platform != "win32" and cls._draw is not None:
            cls._draw = None
            signals.setitimer(signals.ITIMER_REAL, 0)
            signals.signal(signals.SIGALRM, cls._former)

    @classmethod
    def _call(cls, *_: object) -> None:
        with suppress(RuntimeError):  # the stream is being written just now
            if cls._draw is not None:
                cls._draw()


def describe_progress(done: int, total: int, seconds: float, label: str = "Reading notes") -> str:
    text = f"{label}: {done:,} of {total:,}"
    if not done or seconds < 1:  # the rate of reading is not known well enough
        return text
    rate = done / seconds
    speed = f"{rate:,.0f} per second, " if rate >= 1 else ""
    return f"{text} ({speed}{(total - done) / rate:.0f} s left)"


class StatusLine:
    """A line that is redrawn below all messages."""

    def __init__(self, stream: TextIO | None):
        self._stream, self._is_drawn = stream, False
        self._fit_text: Callable[[int], str] | None = None

    def set_text(self, make_text: Callable[[], Callable[[int], str]]) -> None:
        """Set the text of the line.

        `make_text` is called only if the line is drawn. It returns a function from the width of the
        terminal to the text, which is called again when the width changes.
        """
        if self._stream is not None:
            self._fit_text = make_text()

    def draw(self) -> None:
        """Draw the line in the width of the terminal.

        The cursor stays at its start: a terminal that becomes narrower breaks the line, and all of
        it can still be erased.
        """
        width = None
        while self._fit_text and self._stream is not None and width != _terminal_columns() - 1:
            width = _terminal_columns() - 1  # it may change before the line is drawn
            self._write_text(f"\r\x1b[J{truncate(escape_controls(self._fit_text(width)), width)}\r")
            self._is_drawn = True

    def redraw(self) -> None:
        """Draw the line again if it is visible. Safe to call in a signal handler."""
        if self._is_drawn:
            self._is_drawn = False
            self.draw()

    def clear(self) -> None:
        """Erase the line, so that something else can be printed."""
        if self._is_drawn:
            self._is_drawn = False
            self._write_text("\r\x1b[J")

    def _write_text(self, text: str) -> None:
        if self._stream is not None:
            try:
                _write_bytes(self._stream, encode_text(text))
            except OSError:
                self._stream = None  # the terminal was closed


def wrap_lines(text: str) -> str:
    """Break lines between words in the width that the terminal has now."""
    width, indent = _terminal_columns(), " " * 4
    return "\n".join(
        [part for line in text.split("\n") for part in wrap_words(line, width, indent)]
    )


def print_stderr(text: str) -> None:
    """Print lines on stderr; on a terminal, they break between words."""
    ProgressLine.erase_active()
    _record("message", encode_text(text))
    try:
        is_terminal = _is_terminal(sys.stderr)
        text = escape_terminal_controls(text, is_colored=_should_color("auto", is_terminal))
        text = wrap_lines(text) if is_terminal else escape_commands(text)
        _write_bytes(sys.stderr, encode_text(f"{text}\n"))
    except OSError:  # there is no place to report it
        discard_output(sys.stderr)


def page_stderr(text: str, size: os.terminal_size, *, is_colored: bool) -> None:
    """Print text on stderr; through the pager if it is taller than the terminal.

    The pager needs a terminal on stdout.
    """
    text = escape_terminal_controls(text, is_colored=is_colored)
    is_long = _is_terminal(sys.stdout) and count_rows(text, size.columns) >= size.lines
    pager = _find_pager() if is_long else None
    if pager is None:
        print_stderr(text)
    else:
        page_text(pager, text, is_colored=is_colored)


def format_label(word: str) -> str:
    """Format the first word of a message on stderr, such as `error:`."""
    palette: Palette = COLORED if _should_color("auto", _is_terminal(sys.stderr)) else PLAIN
    return f"{palette.red}{palette.bold}{word}{palette.reset}"


def _should_color(when: str, is_terminal: bool) -> bool:
    if when != "auto":
        return when == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"


def _terminal_size() -> os.terminal_size:
    """Return the size of the terminal of stdout, else of stderr, else a usual one."""
    import shutil  # noqa: PLC0415 - a run in a pipe does not need it

    try:
        fallback = os.get_terminal_size(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        fallback = os.terminal_size((80, 24))
    return shutil.get_terminal_size((fallback.columns or 80, fallback.lines or 24))


def _terminal_columns() -> int:
    return _terminal_size().columns


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def can_ask() -> bool:
    """Return True if somebody can read and answer a question."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def require_terminal() -> None:
    """Raise UsageError unless questions can be asked and answered."""
    if not can_ask():
        raise UsageError("--interactive requires a terminal.")


def _escape_for_log(diff: str) -> str:
    """Spell out what the log of a CI service may obey, if stdout may be one.

    Line ends of Windows stay, so that most diffs of such notes can be applied.
    """
    is_obeyed = _obeys_commands()
    if not (is_obeyed or _runs_in_ci()) or not _may_be_log():
        return diff
    lines = [escape_terminal_controls(line, is_colored=False) for line in diff.split("\r\n")]
    text = "\r\n".join(lines)
    return escape_commands(text) if is_obeyed else text


def _may_be_log() -> bool:
    """Return True unless stdout is a file: it may be a log, or the input of a program."""
    if sys.stdout is None:
        return False
    try:
        return not modes.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return True


def _obeys_commands() -> bool:
    return any(os.environ.get(name) for name in _COMMAND_VARIABLES)


def _runs_in_ci() -> bool:
    is_named = any(os.environ.get(name) for name in _CI_VARIABLES)
    return is_named or os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


_COMMAND_VARIABLES = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""Variables of CI services that obey commands in the output of programs."""

_CI_VARIABLES = ("JENKINS_URL", "CODEBUILD_BUILD_ID", "bamboo_buildKey")
"""Variables of other CI services that do not set `CI`, as most do. Their logs show colours."""


def encode_text(text: str) -> bytes:
    """Encode text as UTF-8. Names that are not UTF-8 on disk keep their bytes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _write_bytes(stream: TextIO | None, data: bytes) -> None:
    if stream is None:  # closed before the start
        return
    stream.flush()
    binary = getattr(stream, "buffer", None)
    if binary is None:
        stream.write(data.decode("utf-8", "replace"))
    else:
        binary.write(data)
    stream.flush()
