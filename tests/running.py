"""Run commands in this process, and create vaults on disk.

With the variable VAULTLINK_PROGRAM, the commands of most tests are those of a program with this path, such as that of `make binary`.
"""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vaultlink.__main__ import start
from vaultlink.disk.scan import RACY_WINDOW_NS

GIVEN_PROGRAM = os.environ.get("VAULTLINK_PROGRAM")

PROGRAM: tuple[str, ...] = (
    (GIVEN_PROGRAM,) if GIVEN_PROGRAM else (sys.executable, "-m", "vaultlink")
)
"""The words that start the program in a process of its own."""


def fork_command(
    words: Sequence[str | Path], environment: Mapping[str, str]
) -> Callable[[], None] | None:
    """Return what runs a command as a new process would, as `preexec_fn` of a process that is to start `PROGRAM`.

    The process is forked from this one, so it needs not import what the command needs. For another program, return None.
    """
    if GIVEN_PROGRAM or sys.platform == "win32":
        return None

    def run() -> None:
        os.closerange(
            3, 1 << 16
        )  # files of other tests, and the pipe on which the parent waits for the program
        os.environ.clear()
        os.environ.update(environment)
        signal.set_wakeup_fd(-1)  # that of an event loop
        for name, action in SIGNALS.items():
            signal.signal(signal.Signals[name], action)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
            for number, mode, errors in (
                (0, "r", None),
                (1, "w", None),
                (2, "w", "backslashreplace"),
            )
        )
        sys.argv = ["vaultlink", *map(str, words)]
        try:
            start()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)

    return run


SIGNALS: Mapping[str, Any] = {
    "SIGINT": signal.default_int_handler,
    "SIGTERM": signal.SIG_DFL,
    "SIGHUP": signal.SIG_DFL,
    "SIGALRM": signal.SIG_DFL,
    "SIGPIPE": signal.SIG_IGN,
}
"""What signals do in a new Python process."""


class CommandResult(NamedTuple):
    """The exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()

    @property
    def data(self) -> object:
        """The parsed JSON of stdout."""
        return json.loads(self.out)


RunCommand = Callable[..., CommandResult]
Files = Mapping[str, str] | Mapping[str, bytes]


def create_vault(folder: Path, files: Files) -> Path:
    """Create a vault on disk with an `.obsidian` folder, so that no parent is used as the vault."""
    (folder / ".obsidian").mkdir(parents=True)
    return write_files(folder, files)


def new_folder(parent: Path) -> Path:
    """Create an empty folder in another one, for one of many cases, and return it."""
    folder = parent / f"case {len(os.listdir(parent))}"  # noqa: PTH208 - only their number matters
    folder.mkdir()
    return folder


def write_files(folder: Path, files: Files) -> Path:
    """Write files below a folder and return the folder."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def let_time_pass() -> None:
    """Wait until changes are old enough to be told from later ones."""
    time.sleep(2 * RACY_WINDOW_NS / 1e9)


def damage_states(cache: Path) -> None:
    """Damage the files of saved states in place, as a failing disk does."""
    for file in cache.glob("*/state"):
        os.truncate(file, file.stat().st_size // 4)


def measure_cpu_seconds(function: Callable[[], object], rounds: int = 3) -> float:
    """Return the least processor time of this process for a call; other processes do not affect it."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a vault."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def print_in_processes(code: str, seeds: tuple[str, ...] = ("1", "2")) -> set[bytes]:
    """Return the different outputs of Python code in processes whose hash seeds differ.

    The code can import modules of the tests.
    """
    return {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in seeds
    }
