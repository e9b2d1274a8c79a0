"""A run that is stopped while it holds the write lock: others wait, end, and lose nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fault_scenarios import VAULT
from faults import NO_FAULT, Fault, compile_faults, list_variables

from exploring import spread
from running import read_files, write_files

HOSTILE = bool(os.environ.get("VAULTLINK_HOSTILE"))
SECONDS = 60 if HOSTILE else 1
RENAME = [sys.executable, "-m", "vaultlink", "rename", "long_tide", "Flood"]
FIX = [
    *(sys.executable, "-c"),
    "import sys; from vaultlink.__main__ import main; from vaultlink.write import journal_files\n"
    f"journal_files.lock_vault.__wrapped__.__defaults__ = (lambda: None, {SECONDS}.0)\n"
    "sys.exit(main(['fix']))",
]
"""Waits shorter than the program does, except in `make hostile`."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the library that stops a process."""
    return compile_faults(tmp_path_factory.mktemp("library"))


def make_vault(folder: Path) -> Path:
    """Create a vault in which safe fixes and a rename change notes."""
    root = write_files(folder / "work" / "vault", VAULT)
    subprocess.run([*RENAME[:3], "fix", "--quiet"], cwd=root, check=False)
    return root


def list_calls(library: Path, folder: Path) -> tuple[list[str], dict[str, bytes]]:
    """Return the calls of a rename that change files, and the vault after it."""
    root, log = make_vault(folder), folder / "log"
    variables = list_variables(library, NO_FAULT, folder / "work", log)
    subprocess.run(RENAME, cwd=root, env={**os.environ, **variables}, check=True)
    return log.read_text().splitlines(), read_files(root)


@contextmanager
def start_and_stop(library: Path, root: Path, number: int) -> Iterator["subprocess.Popen[str]"]:
    """Start a rename that stops before one of its calls that change files."""
    folder = root.parent
    variables = list_variables(library, Fault("stop", number), folder, folder.with_name("log2"))
    with subprocess.Popen(
        RENAME,
        cwd=root,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as holder:
        try:
            _, status = os.waitpid(holder.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            yield holder
        finally:
            holder.kill()


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "call", spread(("renameat vault/Home.md", "write vault/.vaultlink", "renameat2 vault/Flood.md"))
)
def test_other_run_waits_and_ends(library: Path, tmp_path: Path, call: str) -> None:
    calls, after = list_calls(library, tmp_path / "first")
    number = next(at for at, text in enumerate(calls, 1) if text.startswith(call))
    root = make_vault(tmp_path / "second")
    with start_and_stop(library, root, number) as holder:
        stopped = read_files(root)
        waited = subprocess.run(FIX, cwd=root, capture_output=True, text=True, check=False)
        assert (waited.returncode, waited.stdout) == (2, "")
        assert waited.stderr == (
            "Another run is writing to this vault; waiting for it.\n"
            f"error: another vaultlink run has held the write lock of {root} for {SECONDS} "
            "seconds or more. Nothing was written. Try again when it has ended.\n"
        )
        reading = subprocess.run([*RENAME[:3], "check"], cwd=root, capture_output=True, check=False)
        assert reading.returncode in (0, 1)  # it needs no lock
        assert read_files(root) == stopped
        holder.send_signal(signal.SIGCONT)
        output, _ = holder.communicate()
        assert (holder.returncode, "Flood" in output) == (0, True)
    assert read_files(root) == after
    again = subprocess.run(FIX, cwd=root, capture_output=True, text=True, check=False)
    assert again.returncode in (0, 1)
    assert read_files(root) == after


@pytest.mark.timeout(300)
def test_stopped_run_that_is_killed_is_reverted(library: Path, tmp_path: Path) -> None:
    calls, after = list_calls(library, tmp_path / "first")
    number = next(at for at, text in enumerate(calls, 1) if text.startswith("renameat2 "))
    root = make_vault(tmp_path / "second")
    before = read_files(root)
    with start_and_stop(library, root, number):
        assert read_files(root) not in (before, after)
    done = subprocess.run(FIX, cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(
        "Reverted an interrupted run (vaultlink rename long_tide Flood).\n"
    )
    assert read_files(root) == before
