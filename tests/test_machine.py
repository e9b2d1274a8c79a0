"""Tests that miss a program are skipped, and fail where it is required."""

import sys
from pathlib import Path

import pytest

from machine import is_required, require_program

pytestmark = pytest.mark.project


@pytest.mark.parametrize("value", ["", "browser", "browser,index"])
def test_test_without_a_program_is_skipped(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VAULTLINK_REQUIRED", value)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        require_program("no-such-program")


@pytest.mark.parametrize("value", ["all", "no-such-program", "browser,no-such-program"])
def test_test_without_a_required_program_fails(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VAULTLINK_REQUIRED", value)
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require_program("no-such-program")


def test_program_is_found_on_the_path() -> None:
    python = Path(sys.executable)
    assert require_program(python.name, str(python.parent)) == str(python)


def test_nothing_is_required_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULTLINK_REQUIRED", raising=False)
    assert not is_required("git")
