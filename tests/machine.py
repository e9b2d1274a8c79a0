"""What tests need of a machine: programs, and registries of packages.

A test that misses something is skipped with the reason. It fails instead if VAULTLINK_REQUIRED has the value `all`, as in `.ci/run`,
or names what is missing: `VAULTLINK_REQUIRED=git,browser`.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import NoReturn

import pytest


def is_required(name: str) -> bool:
    """Return True if a test that misses something must fail."""
    required = os.environ.get("VAULTLINK_REQUIRED", "").split(",")
    return name in required or "all" in required


def give_up(name: str, reason: str) -> NoReturn:
    """Skip the test, or fail it if what it misses is required."""
    stop: Callable[[str], NoReturn] = pytest.fail if is_required(name) else pytest.skip
    stop(reason)


def require_program(name: str, path: str | None = None) -> str:
    """Return the place of a program; skip the test if it is not installed.

    `path` takes the place of the variable PATH.
    """
    found = shutil.which(name, path=path)
    return found or give_up(name, f"{name} is not installed")


def require_version(name: str, expected: str) -> None:
    """Skip the test if a program is not installed, or does not begin its `--version` like this."""
    command = [require_program(name), "--version"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not printed.startswith(expected):
        give_up(name, f"{name} is not {expected}: {printed.splitlines()[0]}")
