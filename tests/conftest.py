"""Fixtures of all tests: an environment that says nothing, places of their own, and commands run in this process."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from repositories import GIT_ENVIRONMENT
from running import CommandResult, RunCommand
from vaultlink.__main__ import main

# The same examples in every run, so that a change is judged by what it changes. `VAULTLINK_EXPLORE=20` looks at twenty times
# as many, new ones each time.
settings.register_profile("steady", derandomize=True, deadline=None)
if not os.environ.get("VAULTLINK_EXPLORE"):
    settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _isolate_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "NO_COLOR",
        "FORCE_COLOR",
        "VAULTLINK_OUTPUT_FORMAT",
        "VAULTLINK_CONFIG",
        "VAULTLINK_DEBUG",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAULTLINK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own settings of git bears on what git does, whoever starts it."""
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> RunCommand:
    """Runs a command in the current folder."""

    def command(*words: str | Path) -> CommandResult:
        code = main([str(word) for word in words])
        done = capfdbinary.readouterr()
        return CommandResult(code, done.out.decode(), done.err.decode())

    return command
