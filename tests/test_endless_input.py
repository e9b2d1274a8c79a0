"""Tests that no option that names a file or folder makes a command wait or read without end."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from repositories import create_repository
from running import create_vault
from tables import each
from vaultlink.cli.command_table import COMMANDS
from vaultlink.cli.options import list_option_fields

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes of POSIX")

SECONDS = 60

LINES = {
    "--output-file": "check --output-file {}",
    "--vault": "check --vault {}",
    "--config": "check --config {}",
    "--stdin-filename": "check --stdin-filename {} -",
    "--create": "fix --unsafe-fixes --create {}",
    "--template": "fix --unsafe-fixes --create . --template {}",
    "--from-file": "rename --from-file {}",
    "PATHS": "check {}",
    "VAULT": "report --json {}",
    "NOTE": "show {}",
    "BASE OURS THEIRS": "merge-driver {} a.md a.md",
}
"""A command line for each option and argument that is a path. None would replace a device if it were not refused."""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    root = create_vault(tmp_path / "vault", {"a.md": "[[b]]\n"})
    os.mkfifo(tmp_path / "pipe")
    return root


def run_limited(line: str, folder: Path) -> tuple[int, str, str]:
    """Run vaultlink in a shell; it must end soon, and take no more than 2 GB."""
    script = f"ulimit -v 2000000; {shlex.quote(sys.executable)} -m vaultlink {line}"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_every_option_that_is_a_path_is_tested() -> None:
    names = {
        field.name_on_line
        for command in COMMANDS.values()
        for place, hint in get_type_hints(command.load()).items()
        if place != "return"
        for field in list_option_fields(hint)
        if field.type is Path
    }
    assert names | {"NOTE"} == LINES.keys() | {"--cache-dir"}


@each("place", ["../pipe", "/dev/zero"])
def test_cache_that_is_no_folder_is_not_used(vault: Path, place: str) -> None:
    code, out, _ = run_limited(f"check --cache-dir {place}", vault)
    assert (code, out.count("planned-note")) == (1, 1)


@each("name", LINES)
@each("place", ["../pipe", "/dev/zero"])
def test_pipe_and_device_are_refused_at_once(vault: Path, name: str, place: str) -> None:
    code, out, message = run_limited(LINES[name].format(place), vault)
    assert (code, out) == (2, ""), message
    assert message.startswith("error: ")
    assert "internal error" not in message
    assert (vault / "a.md").read_text() == "[[b]]\n"


@each("name", ["vaultlink.toml", ".vaultlink-baseline.json", ".obsidian/app.json", ".gitignore"])
def test_pipe_in_the_vault_is_not_waited_for(vault: Path, name: str) -> None:
    os.mkfifo(vault / name)
    code, _, message = run_limited("check", vault)
    assert code in (0, 1, 2)
    assert "internal error" not in message


def test_pipe_among_the_attributes_is_not_waited_for(tmp_path: Path) -> None:
    root = create_repository(tmp_path / "repo", {"a.md": ""})
    os.mkfifo(root / ".gitattributes")
    code, _, message = run_limited("init --merge-driver --vault .", root)
    assert code == 2
    assert "internal error" not in message


@each(
    ("line", "limit"),
    [
        ("check --stdin-filename a.md -", "64,000,000"),
        ("fix --stdin-filename a.md -", "64,000,000"),
        ("check --stdin-drafts -", "64,000,000"),
        ("rename --from-file -", "10,000,000"),
    ],
)
@each("source", ["< /dev/zero", "yes |"])
def test_standard_input_without_end_is_read_up_to_a_limit(
    vault: Path, line: str, limit: str, source: str
) -> None:
    program = f"{shlex.quote(sys.executable)} -m vaultlink {line}"
    script = f"{source} {program}" if source.endswith("|") else f"{program} {source}"
    done = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -v 2000000; {script}"],
        cwd=vault,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"it is larger than {limit} bytes" in done.stderr


def test_standard_input_may_be_a_pipe_or_a_file(vault: Path) -> None:
    text = "[[nowhere]]\n" * 1000
    (vault.parent / "text").write_text(text)
    for script in ("cat ../text | {}", "{} < ../text"):
        program = f"{shlex.quote(sys.executable)} -m vaultlink fix --stdin-filename a.md -"
        done = subprocess.run(
            ["/bin/sh", "-c", script.format(program)],
            cwd=vault,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, text)
