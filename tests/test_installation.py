"""The command that installs a package beside vaultlink."""

import sys
from pathlib import Path

import pytest

from vaultlink.cli.installation import format_install_command

CASES: dict[str, tuple[str, str | None, str]] = {
    "an active environment": ("", "{prefix}", "pip install jinja2"),
    "an environment that is not active": (
        "",
        None,
        "'{prefix}/bin/python' -I -m pip install jinja2",
    ),
    "another active environment": ("", "/", "'{prefix}/bin/python' -I -m pip install jinja2"),
    "pipx": ("pipx_metadata.json", None, "pipx inject vaultlink jinja2"),
    "uv": ("uv-receipt.toml", None, "uv pip install --python '{prefix}' jinja2"),
}


@pytest.mark.parametrize(("file", "active", "command"), CASES.values(), ids=CASES)
def test_command_fits_the_environment(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    active: str | None,
    command: str,
) -> None:
    prefix = tmp_path / "my environment"
    prefix.mkdir()
    if file:
        (prefix / file).touch()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(sys, "executable", f"{prefix}/bin/python")
    monkeypatch.setenv("VIRTUAL_ENV", active.format(prefix=prefix) if active else "")
    assert format_install_command("jinja2") == command.format(prefix=prefix)


def test_python_without_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert format_install_command("jinja2") == "pip install jinja2"
