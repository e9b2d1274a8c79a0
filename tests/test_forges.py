"""Tests of contrib/dask and its README: many vaults on workers of dask, some of which can't be checked."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from documents import blocks
from forge import ROOT, make_clean_environment
from running import write_files

pytestmark = [pytest.mark.project, pytest.mark.timeout(300)]

FOLDER = ROOT / "contrib" / "dask"
SCRIPT = FOLDER / "check_vaults.py"
PAGE = FOLDER / "README.md"
LOCAL, CLUSTER = blocks(PAGE, "sh")
PROGRAMS = Path(sys.executable).parent
SECONDS = 15
"""Seconds after which a vault is ended; others take one at most on busy cores."""

WRAPPER = f"""\
#!/bin/bash
# vaultlink as it could misbehave, by the name of the vault.
case "$*" in
*/hanging\\ *) sleep 1000 & wait ;;
*/large\\ *) exec "{sys.executable}" -c "bytearray(10**12)" ;;
*/killed\\ *) kill -KILL $$ ;;
*/killed-once\\ *) mkdir "$HOME/killed" && kill -KILL $$ ;;
*/silent\\ *) exit 0 ;;
*/other\\ *) echo 'no JSON, "summary":{{'; exit 1 ;;
*/chatty\\ *) yes '{{"notes": 1}}' | head -c 100000000; exit 0 ;;
esac
exec "{PROGRAMS}/vaultlink" "$@"
"""
HOSTILE = (b"a\nb", b"q\"uo'te", b"esc\x1b[2J", b"-dash", b"latin-\xe9", b'"summary":{"notes":7}')
"""Names of folders that are vaults like others."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which `vaultlink` misbehaves for some vaults, and pip installs nothing."""
    programs = tmp_path / "bin"
    write_files(programs, {"vaultlink": WRAPPER})
    (programs / "vaultlink").chmod(0o755)
    (programs / "pip").symlink_to("/bin/true")
    paths = f"{programs}:{PROGRAMS}:{os.environ['PATH']}"
    return make_clean_environment(tmp_path / "home", PATH=paths, PYTHONDONTWRITEBYTECODE="1")


def make_vaults(folder: Path, *names: str | bytes) -> list[Path]:
    """Create vaults of two notes; those with an even number have a broken link."""
    vaults = [folder / os.fsdecode(name) for name in names]
    for number, vault in enumerate(vaults):
        link = "Two" if number % 2 else "Nowhere"
        notes = {".obsidian/app.json": "{}", "One.md": f"[[{link}]]\n", "Two.md": "[[One]]\n"}
        write_files(vault, notes)
    return vaults


def check_vaults(
    vaults: list[Path], environment: Mapping[str, str], *options: str
) -> tuple[int, dict[str, Any], list[dict[str, Any]], str]:
    """Run the script. Return its exit code, the summary, the rows in the order of the vaults, and stderr."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--seconds", str(SECONDS), *options],
        input=b"".join(os.fsencode(vault) + b"\0" for vault in vaults),
        env={**environment},
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert done.stdout.isascii(), "nothing of a name reaches a terminal"
    *rows, summary = map(json.loads, done.stdout.decode().splitlines() or ["{}"])
    rows.sort(key=lambda row: vaults.index(Path(row["vault"])))
    return done.returncode, summary, rows, done.stderr.decode()


def test_vaults_that_cannot_be_checked_stop_no_other(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    """Forty vaults on two workers: one with damaged settings, one that hangs, and worse ones."""
    odd = ("hanging", "large", "killed", "killed-once", "silent", "other", "chatty", "broken")
    plain = [f"vault-{number}" for number in range(40 - len(odd) - len(HOSTILE) - 1)]
    vaults = make_vaults(tmp_path / "vaults", *odd, *HOSTILE, *plain)
    write_files(vaults[odd.index("broken")], {"vaultlink.toml": "select = ["})
    vaults.insert(0, tmp_path / "vaults" / "missing")
    assert len(vaults) == 40

    code, summary, rows, log = check_vaults(vaults, environment)
    assert code == 2, log
    keys = ["vault", "status", "exit_code", "counts", "seconds", "error"]
    assert [[*row] for row in rows] == [keys] * 40
    assert [row["vault"] for row in rows] == [str(vault) for vault in vaults]

    checked = rows[1 + len(odd) :]
    wanted = [("findings", 1), ("clean", 0)] * len(checked)
    assert [(row["status"], row["exit_code"]) for row in checked] == wanted[: len(checked)]
    assert {(row["counts"]["notes"], row["error"]) for row in checked} == {(2, "")}
    assert {row["counts"]["findings"] for row in checked if row["exit_code"]} == {1}

    found = {Path(row["vault"]).name: row for row in rows[: 1 + len(odd)]}
    assert {name: (row["status"], row["exit_code"]) for name, row in found.items()} == {
        "hanging": ("timeout", 124),
        "large": ("memory", 1),
        "killed": ("failed", None),
        "killed-once": ("clean", 0),
        "silent": ("failed", 0),
        "other": ("failed", 1),
        "chatty": ("failed", 0),
        "broken": ("failed", 2),
        "missing": ("failed", 2),
    }
    assert found["hanging"]["error"] == f"not done after {SECONDS} seconds"
    assert SECONDS <= found["hanging"]["seconds"] < SECONDS + 10
    assert found["large"]["error"] == "requires more than 2000 MB"
    assert f"signal {signal.SIGKILL}" in found["killed"]["error"]
    assert "not valid TOML" in found["broken"]["error"]
    assert "does not exist" in found["missing"]["error"]
    assert found["killed-once"]["counts"]["notes"] == 2, "its second try"
    clean = sum(row["status"] == "clean" for row in rows)
    numbers = {"failed": 6, "findings": 32 - clean, "memory": 1, "timeout": 1}
    assert summary == {"vaults": 40, "clean": clean, **numbers}
    assert not list_processes("sleep 1000", environment), "what the vault started is ended, too"


def list_processes(words: str, environment: Mapping[str, str]) -> list[str]:
    """Return the processes with these words that have the home of this test."""
    home = f"HOME={environment['HOME']}".encode()
    return [
        folder.name
        for folder in Path("/proc").glob("[0-9]*")
        if words.encode() in read_process(folder / "cmdline").replace(b"\0", b" ")
        and home in read_process(folder / "environ").split(b"\0")
    ]


def read_process(file: Path) -> bytes:
    """Return what the system says about a process; nothing if it has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(("chosen", "code"), [([0, 1], 1), ([1], 0), ([], 2)])
def test_exit_code_says_if_there_are_findings(
    chosen: list[int], code: int, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    vaults = make_vaults(tmp_path, "a", "b")
    assert check_vaults([vaults[number] for number in chosen], environment)[0] == code


def test_scheduler_that_does_not_answer_is_no_finding(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    waiting = {**environment, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    address = f"tcp://127.0.0.1:{find_port()}"
    code, _, rows, log = check_vaults(make_vaults(tmp_path, "a"), waiting, "--scheduler", address)
    assert (code, rows) == (2, [])
    assert address in log


def find_port() -> int:
    """Return a port that nothing uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


# -- the page -------------------------------------------------------------------------------------------------------------


def test_page_checks_the_vaults_of_a_folder(tmp_path: Path, environment: Mapping[str, str]) -> None:
    """The commands of the page, first in one process, then on two computers, which are this one."""
    make_vaults(tmp_path / "vaults", "a", "b", b"c\n\xff")
    local = LOCAL.replace("/srv/vaults", shlex.quote(str(tmp_path / "vaults")))
    port = find_port()
    cluster = CLUSTER.replace("/srv/vaults", shlex.quote(str(tmp_path / "vaults")))
    assert cluster.count("10.0.0.5") == 3
    cluster = cluster.replace("--host 10.0.0.5", f"--host 127.0.0.1 --port {port}")
    cluster = cluster.replace("10.0.0.5:8786", f"127.0.0.1:{port}")
    for block in (local, cluster):
        script = f"trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{block}exit"
        written = tmp_path / "rows.jsonl"
        done = run_script(script.replace("rows.jsonl", shlex.quote(str(written))), environment)
        assert done.returncode == 1, done.stdout + done.stderr
        *rows, summary = map(json.loads, written.read_text("utf-8").splitlines())
        assert sorted(row["status"] for row in rows) == ["clean", "findings", "findings"]
        assert summary == {"vaults": 3, "clean": 1, "findings": 2}


def run_script(script: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run commands of the page in the folder of the project."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_page_has_the_options_and_keys_of_the_script() -> None:
    text, script = PAGE.read_text(encoding="utf-8"), SCRIPT.read_text(encoding="utf-8")
    options = re.search(r"^OPTIONS = (.*)$", script, re.MULTILINE)
    row = re.search(r"^ROW = (.*)$", script, re.MULTILINE)
    assert options
    assert row
    defaults = dict(re.findall(r'"(\w+)": (\d+)', options[1]))
    assert dict(re.findall(r"^\| `--(\w+)` \| (\d+) \|", text, re.MULTILINE)) == defaults
    keys = ["vault", *re.findall(r'"(\w+)":', row[1])]
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == keys
    assert len(script.splitlines()) <= 60


def test_required_version_is_the_one_that_is_tested() -> None:
    pins = re.findall(r"^([\w-]+==[\w.]+)", (FOLDER / "requirements.txt").read_text("utf-8"), re.M)
    locked = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    assert [pin.partition("==")[0] for pin in pins] == ["distributed"]
    for pin in pins:
        assert f"\n{pin} \\\n" in locked
    assert "/contrib/dask" in (ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8")
