"""Break the calls of the C library that change files, in a process that runs a command.

`compile_faults` compiles `faults.c`, which is loaded before the C library with LD_PRELOAD and says
what it can break; vaultlink is unchanged. `run_program` starts the program with a fault. As each
start takes 0.2 seconds, `run_forked` runs a function in a forked process of this one, which must
have been started with LD_PRELOAD, have imported what it measures, and have no threads.
"""

import ctypes
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from machine import give_up, require_program

ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EROFS")
WRITE_MODES = ("torn", "short")
"""Modes that differ from others only at calls that write bytes."""

USER_MODES = ("copied", "taken")
"""A run is killed before the call; then the user copies the vault, or takes names that are free."""

BLOCKING_MODES = ("read-only", "linked", "replaced")
"""A run is killed before the call, or ends; then the user makes all files that it changed read-only,
links to them, or replaces them by copies."""

MODES = (
    *("kill", "after", *WRITE_MODES, *ERRORS),
    *(f"{name}+" for name in ERRORS),
    *USER_MODES,
    *BLOCKING_MODES,
)
"""What happens at a call; `faults.c` explains the others."""

KILLS = ("kill", "after", "torn", *USER_MODES, *BLOCKING_MODES)
SOURCE = Path(__file__).with_name("faults.c")


class Fault(NamedTuple):
    """A fault at the call with this number, counted from 1; 0 for none, or one after the run."""

    mode: str
    number: int

    @property
    def library_mode(self) -> str:
        """The mode by its name in the library."""
        is_kill = self.number and self.mode in (*USER_MODES, *BLOCKING_MODES)
        return "kill" if is_kill else self.mode


NO_FAULT = Fault("", 0)


class FaultyRun(NamedTuple):
    """The exit code of a run, negative for a signal; its calls that change files; its output."""

    code: int
    calls: tuple[str, ...]
    output: str


def compile_faults(folder: Path) -> Path:
    """Compile the library with the faults; skip the test where that is not possible."""
    if sys.platform != "linux":
        give_up("faults", "the calls of the C library are broken on Linux only")
    library = folder / "faults.so"
    command = [require_program("cc"), "-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
    subprocess.run([*command, "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
    return library


def run_forked(function: Callable[[], int], fault: Fault, folder: Path) -> FaultyRun:
    """Run a function with a fault in a forked process. Calls for files below `folder` count."""
    log, output = _make_logs(folder)
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for stream in (1, 2):
                os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), stream)
            ctypes.CDLL(None).faults_begin(
                os.fsencode(folder),
                fault.library_mode.encode(),
                ctypes.c_long(fault.number),
                os.fsencode(log),
            )
            code = function()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return _read_run(os.waitstatus_to_exitcode(status), log, output)


def run_program(words: Sequence[str], fault: Fault, folder: Path, current: Path) -> FaultyRun:
    """Run the program with a fault, and wait until it ends."""
    log, output = _make_logs(folder)
    library = Path(os.environ["FAULT_LIBRARY"])
    with output.open("wb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "vaultlink", *words],
            env={**os.environ, **list_variables(library, fault, folder, log)},
            cwd=current,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            check=False,
        )
    return _read_run(done.returncode, log, output)


def list_variables(library: Path, fault: Fault, folder: Path, log: Path) -> dict[str, str]:
    """Return the variables with which a program has a fault."""
    return {
        "LD_PRELOAD": str(library),
        "FAULT_ROOT": str(folder),
        "FAULT_MODE": fault.library_mode,
        "FAULT_NUMBER": str(fault.number),
        "FAULT_LOG": str(log),
    }


def _make_logs(folder: Path) -> tuple[Path, Path]:
    log, output = folder.with_name("calls"), folder.with_name("output")
    log.unlink(missing_ok=True)
    output.write_bytes(b"")
    return log, output


def _read_run(code: int, log: Path, output: Path) -> FaultyRun:
    calls = log.read_text("utf-8", "surrogateescape").splitlines() if log.exists() else []
    return FaultyRun(code, tuple(calls), output.read_text("utf-8", "replace"))
