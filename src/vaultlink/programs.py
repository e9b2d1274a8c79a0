"""Find programs, start them and read what they print; say how this one is started.

No other module starts a program. The vault can come from anyone, so no program in it is started,
and none by a relative path. What a program prints is read up to a limit, and for a limited time.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from io import BytesIO
from time import monotonic
from typing import IO, TYPE_CHECKING, ClassVar, NamedTuple, TextIO

if TYPE_CHECKING:
    from threading import Thread

_VERSION_TIMEOUT_SECONDS = 2
_JOIN_SECONDS = 1.0
"""Time in which a thread ends after the program has."""

_POLL_SECONDS = 0.05
"""Seconds between checks of whether the program has ended, while it keeps its output open."""

_OPENER_TIMEOUT_SECONDS = 20
"""Seconds to wait for the program that opens an address."""

_READ_SIZE = 1 << 16
"""Bytes of output to read at once: a pipe holds no more."""

# -- this program ----------------------------------------------------------------------------------
# It is installed for a Python, or it is a binary: one file that contains its own Python, built by
# `make binary`. All that depends on that is here.


class _Binary:
    """The facts of a binary that its start script knows."""

    digest: ClassVar[bytes | None] = None
    """The digest of its code and rules; None if this is no binary."""


def declare_binary(digest: bytes) -> None:
    """Record that this is a binary, built from code and rules with this digest."""
    _Binary.digest = digest


def is_binary() -> bool:
    """Return True if this program is one file that needs no Python."""
    return _Binary.digest is not None


def find_build_digest() -> bytes | None:
    """Return the digest of the code and rules of a binary; None if they are files."""
    return _Binary.digest


def build_own_command() -> tuple[str, ...]:
    """Return the words that start this program: a path, and options of Python.

    With these, Python does not import modules from the current folder.
    """
    if not sys.executable:  # in a program that embeds Python
        return ("vaultlink",)
    return (sys.executable,) if is_binary() else (sys.executable, "-P", "-m", "vaultlink")


def describe_form() -> str:
    """Return the text that follows the version: " (binary)" or nothing."""
    return " (binary)" if is_binary() else ""


def discard_output(stream: TextIO | None) -> None:
    """Redirect a stream to the null device, so that flushing it at exit can't fail."""
    if stream is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def find_own_place() -> str:
    """Return the file of a binary, else the folder of the package.

    A binary unpacks its libraries into another folder at each start.
    """
    return sys.executable if is_binary() else os.path.dirname(__file__)  # noqa: PTH120


# -- find programs ---------------------------------------------------------------------------------


def search_program(name: str) -> str | None:
    """Return the absolute path of a program on the PATH; None if there is none."""
    return _find_program(name, os.environ.get("PATH", os.defpath))


@cache
def _find_program(name: str, search_path: str) -> str | None:
    """Return the absolute path of a program; None if it is not installed.

    Relative folders of `search_path` are left out, as is the current one that Windows looks into
    first: a vault may hold a program with this name.
    """
    if sys.platform == "win32" and not name.lower().endswith((".exe", ".com")):
        name += ".exe"
    for folder in search_path.split(os.pathsep):
        file = os.path.join(folder, name)  # noqa: PTH118 - pathlib drops nothing that matters here
        if (
            os.path.isabs(folder)  # noqa: PTH117
            and os.path.isfile(file)  # noqa: PTH113
            and os.access(file, os.X_OK)
        ):
            return file
    return None


# -- run programs ----------------------------------------------------------------------------------


class ProgramCall(NamedTuple):
    """The words of a command line, the environment, and the folder to start it in.

    The first word is an absolute path. Without a folder, the program starts in the current one.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str | None = None


class ProgramResult(NamedTuple):
    """The exit code and standard output of a program.

    `is_cut` is True if there was more output than the limit. The program was ended then, and
    `output` is the part that was read.
    """

    code: int
    output: bytes
    is_cut: bool


class RunningProgram:
    """A program that runs while this one does something else.

    It is ended with this object. `is_late` is True if it was ended because it took too long.
    """

    def __init__(
        self,
        call: ProgramCall | None,
        stdin: bytes | None = None,
        *,
        limit: int,
        seconds: float,
        memory: int | None = None,
        with_errors: bool = False,
    ):
        """Start a program; None starts nothing.

        Args:
            call: The program and its words.
            stdin: What it reads; None for nothing.
            limit: The most bytes of output that are read.
            seconds: The longest time to wait for its end, from the call of `read_to_end`.
            memory: The most bytes of memory of its own, on Linux.
            with_errors: Read what it prints to its standard error, too.
        """
        import subprocess  # noqa: PLC0415 - an unchanged run does not need it

        self._process: subprocess.Popen[bytes] | None = None
        self._stdin, self._limit, self._seconds = stdin, limit, seconds
        self.is_late = False
        if call is None:
            return
        with suppress(OSError, ValueError, subprocess.SubprocessError):
            self._process = subprocess.Popen(
                call.words,
                bufsize=0,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if with_errors else subprocess.DEVNULL,
                env=call.environment,
                cwd=call.folder,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
            )
            if memory is not None:
                _limit_memory(self._process.pid, memory)

    def read_to_end(self) -> ProgramResult | None:
        """Wait for the program and return its output and exit code.

        None if it can't be run, or took too long. A program that it started and that keeps the
        output open is not waited for.
        """
        from threading import Thread  # noqa: PLC0415 - an unchanged run starts no program

        process = self._process
        if process is None:
            return None
        assert process.stdout is not None
        output = _Output(process.stdout, self._limit)
        reader = Thread(target=output.read, daemon=True)
        threads = [reader]
        if process.stdin is not None:
            threads.append(Thread(target=_feed, args=(process.stdin, self._stdin), daemon=True))
        for thread in threads:
            thread.start()
        end = monotonic() + self._seconds
        self._wait_for(reader, end)
        if not output.is_cut:
            self.is_late = not self._has_ended(end)
        if self.is_late or output.is_cut:
            process.kill()
        code = process.wait()
        for thread in threads:  # notes are read in several processes only without threads
            thread.join(_JOIN_SECONDS)
        if not reader.is_alive():
            process.stdout.close()
        failed = self.is_late or output.has_failed
        return None if failed else ProgramResult(code, output.data.getvalue(), output.is_cut)

    def _wait_for(self, reader: "Thread", end: float) -> None:
        """Wait until all output was read, or the time is over, or the program has ended."""
        assert self._process is not None
        while reader.is_alive() and (left := end - monotonic()) > 0:
            if self._process.poll() is not None:
                reader.join(min(left, _JOIN_SECONDS))
                return
            reader.join(min(left, _POLL_SECONDS))

    def _has_ended(self, end: float) -> bool:
        """Wait for the end of the program; return False if the time is over before."""
        import subprocess  # noqa: PLC0415

        assert self._process is not None
        try:
            self._process.wait(max(end - monotonic(), 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def __del__(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()


class _Output:
    """The output of a program, up to a limit; `is_cut` is True if there is more."""

    def __init__(self, pipe: IO[bytes], limit: int):
        self._pipe, self._left = pipe, limit
        self.data = BytesIO()
        self.is_cut = self.has_failed = False

    def read(self) -> None:
        try:
            while chunk := self._pipe.read(_READ_SIZE):
                self.data.write(chunk[: self._left])
                if len(chunk) > self._left:
                    self.is_cut = True
                    return
                self._left -= len(chunk)
        except (OSError, ValueError):  # the pipe was closed
            self.has_failed = True


def _feed(pipe: IO[bytes], data: bytes | None) -> None:
    """Write to a program what it reads; it may end before."""
    with suppress(OSError, ValueError), pipe:
        view = memoryview(data or b"")
        while view:
            view = view[pipe.write(view) :]


def _limit_memory(process: int, limit: int) -> None:
    """Give a process at most this much memory of its own, where the system can."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415

    with suppress(OSError, ValueError):  # it has ended, or has a lower limit
        resource.prlimit(process, resource.RLIMIT_DATA, (limit, limit))


def read_program_version(program: str) -> bytes:
    """Return what a program prints for `--version`; empty if it fails.

    `program` is the absolute path of a program of the user, such as the pager.
    """
    import subprocess  # noqa: PLC0415

    try:
        return subprocess.run(
            (program, "--version"),
            capture_output=True,
            check=False,
            timeout=_VERSION_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


def open_address(address: str) -> bool:
    """Open an address with the program that the system has for it.

    No shell reads the address. Returns False if there is no such program, or if it fails.
    """
    if sys.platform == "win32":
        try:
            os.startfile(address)
        except OSError:
            return False
        return True
    import subprocess  # noqa: PLC0415

    name = "open" if sys.platform == "darwin" else "xdg-open"
    program = search_program(name)
    if program is None:
        return False
    nowhere = subprocess.DEVNULL
    try:
        done = subprocess.run(
            (program, address),
            check=False,
            timeout=_OPENER_TIMEOUT_SECONDS,
            stdin=nowhere,
            stdout=nowhere,
            stderr=nowhere,
        )
    except subprocess.TimeoutExpired:  # it waits for Obsidian, which is open then
        return True
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
