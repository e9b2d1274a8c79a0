"""Tests do not depend on the signals that their caller ignores."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.project,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals"),
]

SLEEP = "import time; print('ready', flush=True); time.sleep(100)"
IGNORING_SHELL = ("sh", "-c", "trap '' INT TERM HUP; exec \"$@\"", "sh")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signal_ends_a_child_process(name: str) -> None:
    number = getattr(signal, name)
    with subprocess.Popen(
        [sys.executable, "-c", SLEEP], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdout
        child.stdout.readline()
        child.send_signal(number)
        assert child.wait(60) == -number


@pytest.mark.parametrize("workers", ["0", "1"])
def test_signals_ignored_by_the_caller_do_not_affect_tests(workers: str) -> None:
    pytest_command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", workers]
    done = subprocess.run(
        [*IGNORING_SHELL, *pytest_command, __file__, "-k", "ends_a_child"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
