"""Tests of the binary of `make binary`: tests of the command line run with it, and sessions without Python and PATH."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from forge import ROOT, check_output, make_once
from repositories import GIT_ENVIRONMENT
from running import GIVEN_PROGRAM, create_vault, read_files
from vaultlink import __version__
from vaultlink.disk.cache import program_digest

pytestmark = [
    pytest.mark.project,
    pytest.mark.xdist_group("binary"),
    pytest.mark.skipif(sys.platform == "win32", reason="the release workflow builds it there"),
]

BUILD_SECONDS = 600
"""Seconds in which the binary is built, with everything else that runs."""

WAIT = 60.0
"""Seconds until something that must happen has happened, on a slow machine."""

ACCEPTANCE = (
    "tests/test_fixtures.py::test_findings_are_as_expected",
    "tests/test_undo.py::test_diff_is_shown_and_nothing_written",
    "tests/test_mcp.py::test_requests_before_the_end_of_the_input_are_answered",
    "tests/test_mcp.py::test_both_forms_of_the_protocol_are_served",
    "tests/test_mcp.py::test_rubbish_on_the_input_is_survived",
)
"""Tests that start the program in processes of its own, and run with the binary here."""


# -- the binary -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the binary: the one that VAULTLINK_PROGRAM names, else one that is built once from this checkout."""
    if GIVEN_PROGRAM:
        return Path(GIVEN_PROGRAM)

    def build(folder: Path) -> None:
        program = Path(sys.executable).with_name("pyinstaller")
        command: list[str | Path] = [
            program,
            "--noconfirm",
            "--log-level",
            "WARN",
            "--distpath",
            folder,
        ]
        command += ["--workpath", folder / "work", ROOT / "tools" / "packaging" / "binary.spec"]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.rmtree(folder / "work")

    return make_once(tmp_path_factory, "binary", build) / "vaultlink"


class Machine:
    """A computer without Python: the binary, a home folder, a folder for temporary files, and no PATH."""

    def __init__(self, program: Path, folder: Path):
        self.program, self.temporary = program, folder / "tmp"
        self.temporary.mkdir(parents=True)
        self.environment = {"HOME": str(folder / "home"), "TMPDIR": str(self.temporary), "PATH": ""}

    def run(
        self, *words: str | Path, folder: Path, data: bytes = b"", code: int = 0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command that must end with an exit code."""
        done = subprocess.run(
            [self.program, *words],
            cwd=folder,
            env=self.environment,
            input=data,
            capture_output=True,
            check=False,
            timeout=WAIT,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert b"Traceback" not in done.stderr
        return done

    @contextmanager
    def start(self, *words: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a command as long as the block lasts, which then ends on SIGTERM."""
        with subprocess.Popen(
            [self.program, *words],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
                process.wait(WAIT)


@pytest.fixture
def machine(binary: Path, tmp_path: Path) -> Iterator[Machine]:
    """Return a computer; after the test, nothing that was unpacked is left on it."""
    machine = Machine(binary, tmp_path / "machine")
    yield machine
    wait_until(lambda: not any(machine.temporary.iterdir()))


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Return a vault with a planned note and a link that a safe fix quotes."""
    notes = {"Home.md": "[[Later]]\n", "Plan.md": "---\nup: [[Home]]\n---\n# Plan\n"}
    return create_vault(tmp_path / "vault", notes)


def wait_until(condition: Any) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


# -- commands -------------------------------------------------------------------------------------------------------------


def test_version_and_doctor_name_the_binary(machine: Machine, vault: Path) -> None:
    done = machine.run("--version", folder=vault)
    assert done.stdout.decode() == f"vaultlink {__version__} (binary)\n"
    rows = json.loads(machine.run("doctor", "--json", folder=vault).stdout)["checks"]
    found = {row["check"]: row["detail"] for row in rows}
    assert found["version"] == f"vaultlink {__version__} (binary), in {machine.program}"
    assert "in the binary" in found["Python"]
    for extra in ("lsp", "mcp", "mentions", "report"):
        assert f"{extra} (installed)" in found["extras"]


def test_check_fix_and_undo(machine: Machine, vault: Path) -> None:
    before = read_files(vault)
    done = machine.run("check", folder=vault, code=1)
    assert b"VL125 planned-note" in done.stdout
    assert machine.run("check", folder=vault, code=1).stdout == done.stdout
    machine.run("fix", folder=vault, code=1)
    assert read_files(vault)["Plan.md"] == b'---\nup: "[[Home]]"\n---\n# Plan\n'
    machine.run("undo", folder=vault)
    assert read_files(vault) == before


@pytest.mark.parametrize(
    ("line", "code", "expected"),
    [
        ("mentions", 0, b""),
        ("report --output-file ../report.html", 0, b""),
        ("graph --format graphml", 0, b"<graphml"),
        ("completion bash", 0, b"complete "),
        ("rule planned-note", 0, b"VL125"),
        ("check --help", 0, b"Usage: vaultlink check"),
        ("related Home", 0, b""),
        ("init --diff", 1, b"vaultlink.toml"),
        ("check --select no-such", 2, b"no-such"),
    ],
)
def test_commands_that_need_libraries_and_data(
    machine: Machine, vault: Path, line: str, code: int, expected: bytes
) -> None:
    done = machine.run(*line.split(), folder=vault, code=code)
    assert expected in done.stdout + done.stderr


def test_cache_belongs_to_the_code_that_the_binary_was_built_from(
    machine: Machine, vault: Path
) -> None:
    """The installed program with the same code and Python reads the same cache."""
    machine.run("check", folder=vault, code=1)
    states = list(Path(machine.environment["HOME"]).glob(".cache/vaultlink/*/state"))
    assert [program_digest() in state.read_bytes()[:100] for state in states] == [True]


def test_tests_of_the_command_line_pass(binary: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider"]
    environment = {**os.environ, "VAULTLINK_PROGRAM": str(binary)}
    for name in list(environment):
        if name.startswith("PYTEST_"):
            del environment[name]
    told = check_output([*command, "--basetemp", tmp_path / "base", *ACCEPTANCE], ROOT, environment)
    assert told.count("passed") == 1
    assert "failed" not in told


# -- sessions -------------------------------------------------------------------------------------------------------------


def write_message(stream: IO[bytes], **message: Any) -> None:
    """Write a message as the Language Server Protocol frames it."""
    data = json.dumps({"jsonrpc": "2.0", **message}).encode()
    stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
    stream.flush()


def read_message(stream: IO[bytes]) -> dict[str, Any]:
    """Read such a message."""
    size = 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        size = int(value) if name.lower() == b"content-length" else size
    message: dict[str, Any] = json.loads(stream.read(size))
    return message


def test_language_server_publishes_findings(machine: Machine, vault: Path) -> None:
    with machine.start("lsp", folder=vault) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        uri = vault.as_uri()
        hello: dict[str, Any] = {"processId": None, "rootUri": uri, "capabilities": {}}
        write_message(process.stdin, id=1, method="initialize", params=hello)
        while read_message(process.stdout).get("id") != 1:
            pass
        write_message(process.stdin, method="initialized", params={})
        note = {"uri": f"{uri}/Home.md", "languageId": "markdown", "version": 1}
        note["text"] = (vault / "Home.md").read_text(encoding="utf-8")
        opened = {"textDocument": note}
        write_message(process.stdin, method="textDocument/didOpen", params=opened)
        found: list[dict[str, Any]] = []
        while not found:
            message = read_message(process.stdout)
            if message.get("method") == "textDocument/publishDiagnostics":
                found = message["params"]["diagnostics"]
        assert "VL125" in {finding["code"] for finding in found}
        write_message(process.stdin, id=2, method="shutdown")
        while read_message(process.stdout).get("id") != 2:
            pass
        write_message(process.stdin, method="exit")
        assert process.wait(WAIT) == 0


def begin_session() -> bytes:
    """Return the first requests of an agent: the greeting, and a call of the tool `check`."""
    hello: dict[str, Any] = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    return "".join(f"{json.dumps(message)}\n" for message in messages).encode() + call_tool("check")


def call_tool(name: str) -> bytes:
    """Return the request for an answer of a tool."""
    call = {"name": name, "arguments": {}}
    request = {"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": call}
    return f"{json.dumps(request)}\n".encode()


def test_tools_of_agents_are_served(machine: Machine, vault: Path) -> None:
    done = machine.run("mcp", "--vault", vault, folder=vault, data=begin_session())
    assert b"planned-note" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watcher_reports_changes_and_ends_on_a_signal(
    machine: Machine, vault: Path, number: signal.Signals
) -> None:
    with machine.start("watch", "--output-format", "json-lines", folder=vault) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"{")
        (vault / "New.md").write_text("[[Elsewhere]]\n", encoding="utf-8")
        while b"Elsewhere" not in process.stdout.readline():
            pass
        process.send_signal(number)
        assert process.wait(WAIT) in (0, 130)
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux alone has")
def test_program_ends_if_the_process_that_unpacked_it_is_killed(
    machine: Machine, vault: Path
) -> None:
    with machine.start("watch", "--output-format", "json-lines", folder=vault) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"{")
        process.kill()
        process.stdout.read()  # to the end: the program has closed it
    shutil.rmtree(next(machine.temporary.iterdir()))


# -- the programs around it -----------------------------------------------------------------------------------------------


def test_git_merges_notes_with_the_binary(machine: Machine, vault: Path) -> None:
    git = shutil.which("git")
    assert git
    environment = machine.environment | GIT_ENVIRONMENT
    check_output([git, "init", "-q"], vault, environment)
    machine.environment["PATH"] = str(Path(git).parent)
    machine.run("init", "--merge-driver", folder=vault)
    driver = check_output([git, "config", "merge.vaultlink.driver"], vault, environment)
    assert driver.startswith(f"{machine.program} merge-driver ")


def test_programs_that_it_starts_get_the_environment_of_the_user(
    machine: Machine, vault: Path, tmp_path: Path
) -> None:
    """The libraries of the binary are not those of git, and its folder is not that of another vaultlink."""
    folder = tmp_path / "bin"
    folder.mkdir()
    stub = folder / "git"
    stub.write_text(f"#!/bin/sh\n/usr/bin/env >> '{tmp_path}/seen'\nexit 1\n", encoding="utf-8")
    stub.chmod(0o755)
    machine.environment |= {"PATH": str(folder), "LD_LIBRARY_PATH": "/nowhere"}
    machine.run("doctor", folder=vault)
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "LD_LIBRARY_PATH=/nowhere\n" in seen
    assert "_PYI_" not in seen
    assert "_MEI" not in seen


def test_unpacked_files_are_for_the_user_alone(machine: Machine, vault: Path) -> None:
    os.chmod(machine.temporary, 0o1777)  # noqa: PTH101 - like /tmp
    with machine.start("watch", "--output-format", "json-lines", folder=vault) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"{")
        (folder,) = machine.temporary.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700


def test_files_of_a_server_are_locked_and_those_of_a_strange_folder_never_loaded(
    machine: Machine, vault: Path, tmp_path: Path
) -> None:
    """Systems delete old files in /tmp that are not locked. Then anybody can make a folder with the same name."""
    with machine.start("mcp", folder=vault) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(begin_session())
        process.stdin.flush()
        while b"planned-note" not in process.stdout.readline():
            pass
        (folder,) = machine.temporary.iterdir()
        handle = os.open(folder, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)
        shutil.rmtree(folder)
        folder.mkdir()
        process.stdin.write(call_tool("mentions"))
        process.stdin.flush()
        assert b"was deleted while vaultlink ran" in process.stdout.readline()
        made = [path for path in folder.rglob("*") if path.is_file()]
        assert not made, "the server unpacked files into a folder that it did not make"
        shutil.rmtree(folder, ignore_errors=True)  # the server removes it if it ended


def test_it_needs_a_folder_in_which_programs_may_run(machine: Machine, vault: Path) -> None:
    machine.environment["TMPDIR"] = str(vault / "no-such-folder")
    assert b"VL125" in machine.run("check", folder=vault, code=1).stdout, "it takes /tmp instead"


# -- speed ----------------------------------------------------------------------------------------------------------------


def test_unchanged_check_starts_nearly_as_fast_as_the_installed_program(
    machine: Machine, vault: Path
) -> None:
    """The processor time is compared, because other processes do not affect it much."""

    def measure(*command: str | Path) -> float:
        before = os.times()
        subprocess.run(
            [*command, "check"],
            cwd=vault,
            env=machine.environment,
            capture_output=True,
            check=False,
        )
        after = os.times()
        used = after.children_user + after.children_system
        return used - before.children_user - before.children_system

    installed = Path(sys.executable).with_name("vaultlink")
    times = [(measure(machine.program), measure(installed)) for _ in range(12)][2:]
    assert min(time for time, _ in times) - min(time for _, time in times) < 0.05
