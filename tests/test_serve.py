"""Tests of `vaultlink serve`: what commands print with it and without it, and every way in which it may be lost.

`VAULTLINK_QUESTIONS=10000` asks that many random questions.
"""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import cast

import pytest

from mcp_client import McpClient
from random_hook_calls import make_hook_call
from random_renames import generate_vault
from repositories import commit, git
from running import PROGRAM, RunCommand, create_vault, damage_states, read_files, write_files
from served import (
    ask_server,
    change_vault,
    is_serving,
    make_question,
    run_alone,
    serving,
    wait_until,
)
from tables import each
from vaultlink import __version__
from vaultlink.files import short_address
from vaultlink.serve import client
from vaultlink.serve.client import socket_path
from vaultlink.serve.socket import Question, answer_tool
from vaultlink.serve.worker import Worker
from vaultlink.serve.workspace import Workspace
from vaultlink.watch.events import EventQueue
from vaultlink.write.journal_files import lock_vault

HOOKS = 2_000
COUNT = int(os.environ.get("VAULTLINK_QUESTIONS", "40"))

VAULT = {
    "Home.md": "# Home\n\n[[Tide]] and [[Nowhere]], [[The wall]] and [[Tied]]\n",
    "Tide.md": "---\naliases: [Flood]\n---\n# Tide\n\n[[Home]]\n\n## Low water\n",
    "Sea/Wall.md": "---\ntitle: The wall\n---\n[[Tide#Low water]] [[Tide#Ebb]] [[Nowhere]]\n",
    "map.png": "PNG",
}
DRAFT = b"[[Tide]] [[Tied]] [[Home#Nothing]]\n"
CHECK = ("check", "--stdin-filename", "New.md", "-")


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", VAULT)


@pytest.fixture
def served(vault: Path) -> Iterator[Path]:
    """The vault, which a server serves."""
    with serving(vault):
        yield vault


# -- the same output with and without a server ----------------------------------------------------------------------------

SERVED = [
    (CHECK, DRAFT),
    ((*CHECK, "--json"), DRAFT),
    ((*CHECK, "--output-format", "full", "--fail-on", "error"), DRAFT),
    ((*CHECK, "--exit-zero", "-q"), DRAFT),
    (("check", "--stdin-filename", "Home.md", "-"), b""),
    (("check", "--stdin-filename", "Home.md", "-"), b"\xff\xfe broken"),
    (("backlinks", "Tide"), b""),
    (("backlinks", "Tide", "--json"), b""),
    (("backlinks",), b""),
    (("links", "Home"), b""),
    (("links", "--output-format", "table"), b""),
    (("unresolved",), b""),
    (("topics", "--json"), b""),
]

DECLINED = [
    ((*CHECK, "--isolated"), DRAFT),
    ((*CHECK, "--no-cache"), DRAFT),
    ((*CHECK, "--select", "VL1"), DRAFT),
    (("check", "--stdin-filename", "../../elsewhere.md", "-"), DRAFT),
    (("backlinks", "No such note"), b""),
    (("backlinks", "--help"), b""),
    (("backlinks", "--bogus"), b""),
    (("sections", "check"), b""),
    (("links", "--output-file", "../out.tsv"), b""),
    (("links", "--output-format", "bogus"), b""),
]
"""Lines that the client runs: they have other settings, are wrong, or could write."""

SILENT = [("check",), ("status",), ("rules",), ("orphans",), ("check", "--json"), ()]
"""Lines that no server is asked."""


def test_server_prints_what_the_command_prints(vault: Path) -> None:
    alone = [run_alone(line, vault, data) for line, data in SERVED]
    with serving(vault):
        assert [ask_server(line, vault, data) for line, data in SERVED] == alone
    assert {printed.code for printed in alone} == {0, 1}


def test_server_declines_what_the_client_must_do(vault: Path) -> None:
    with serving(vault):
        found = [ask_server(line, vault, data) for line, data in DECLINED]
        alone = [run_alone(line, vault, data) for line, data in DECLINED]
        whole = [run_whole(line, vault, data) for line, data in DECLINED]
    assert found == [(None, b"", b"")] * len(DECLINED)
    assert whole == alone


def run_whole(line: tuple[str, ...], folder: Path, data: bytes) -> tuple[int, bytes, bytes]:
    """Run a command in a process of its own."""
    command = [*PROGRAM, *line]
    done = subprocess.run(command, cwd=folder, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_whole_command_asks_the_server(vault: Path) -> None:
    """Processes print the same, also if standard output and error are one pipe."""
    alone = [run_whole(line, vault, data) for line, data in SERVED[:9]]
    with serving(vault):
        assert [run_whole(line, vault, data) for line, data in SERVED[:9]] == alone


@each("line", SILENT)
def test_other_commands_ask_nobody(
    vault: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch, line: tuple[str, ...]
) -> None:
    monkeypatch.setattr(client, "answer_line", lambda _line: 77)
    monkeypatch.chdir(vault)
    assert run(*line).code != 77


def test_places_where_a_vault_is_looked_for(vault: Path, tmp_path: Path) -> None:
    """Upward from the current folder, from paths, and from `--vault`, behind symbolic links, too."""
    (tmp_path / "link").symlink_to(vault)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lines = [
        (("backlinks", "Tide"), vault / "Sea"),
        (("backlinks", "Tide", "--vault", str(vault)), elsewhere),
        (("backlinks", "Tide", f"--vault={vault}"), elsewhere),
        (("backlinks", "Tide", "--vault", "../vault"), elsewhere),
        (("backlinks", "Tide"), tmp_path / "link"),
        (("check", "--stdin-filename", f"{vault}/New.md", "--vault", str(vault), "-"), elsewhere),
    ]
    alone = [run_alone(line, folder, DRAFT) for line, folder in lines]
    with serving(vault):
        assert [ask_server(line, folder, DRAFT) for line, folder in lines] == alone
        assert ask_server(("backlinks", "Tide"), elsewhere).code is None


def test_vault_without_obsidian_is_served_and_named(tmp_path: Path) -> None:
    """The client finds it by its notes, and says so; the server was given its name."""
    vault = write_files(tmp_path / "notes", VAULT)
    with serving(vault):
        alone = run_alone(CHECK, vault, DRAFT)
        assert alone.err.startswith(b"Vault: ")
        assert ask_server(CHECK, vault, DRAFT) == alone


def test_settings_are_compared(vault: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text('ignore = ["VL1"]\n')
    line = (*CHECK, "--config", str(file))
    with serving(vault, "--config", str(file)):
        assert ask_server(CHECK, vault, DRAFT).code is None
        assert ask_server(line, vault, DRAFT) == run_alone(line, vault, DRAFT)
        beside = (*CHECK, "--config", "other.toml", "--vault", str(vault))
        assert ask_server(beside, tmp_path, DRAFT) == run_alone(beside, tmp_path, DRAFT)


@each(
    ("name", "value", "is_served"),
    [
        ("VAULTLINK_CONFIG", "other.toml", False),
        ("VAULTLINK_OUTPUT_FORMAT", "json", True),
        ("FORCE_COLOR", "1", True),
        ("GITHUB_ACTIONS", "true", True),
        ("GIT_DIR", "elsewhere", False),
        ("GIT_CONFIG_KEY_0", "core.excludesFile", False),
        ("XDG_CACHE_HOME", "/nowhere", False),
        ("PATH", "/nowhere", False),
        ("HOME", "/nowhere", False),
    ],
)
def test_variables_of_the_client_hold(served: Path, name: str, value: str, is_served: bool) -> None:
    (served / "other.toml").write_text('ignore = ["VL1"]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        printed = ask_server(CHECK, served, DRAFT)
        assert (printed.code is not None) == is_served
        if is_served:
            assert printed == run_alone(CHECK, served, DRAFT)


def test_client_that_can_read_no_vault(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(vault):
        for name, value in (("LC_ALL", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
            monkeypatch.setenv(name, value)
        assert (run_whole(CHECK, vault, DRAFT)[0], run_alone(CHECK, vault, DRAFT).code) == (2, 1)


@each("line", [("links", "-"), ("backlinks", "-"), ("check", "-")])
def test_standard_input_is_read_only_for_its_text(served: Path, line: tuple[str, ...]) -> None:
    """Whoever waits for the error may not close it."""
    command = [*PROGRAM, *line]
    with subprocess.Popen(
        command, cwd=served, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as done:
        assert done.wait(WAIT_FOR_END) == 2


def test_names_that_are_not_text_keep_their_bytes(vault: Path) -> None:
    line, data = CHECK, b"[[Tide]] \xff [[caf\xc3\xa9]]\r\n"
    with serving(vault):
        assert ask_server(line, vault, data) == run_alone(line, vault, data)


# -- never a stale answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("commits", [0.0, 0.1], ids=["files", "repository"])
def test_random_questions_while_the_vault_changes(tmp_path: Path, commits: float) -> None:
    """Every answer is that of a fresh command, whatever happened to the vault before it."""
    random = Random(38)
    vault = write_files(tmp_path / "vault", generate_vault(random))
    (vault / ".obsidian").mkdir(exist_ok=True)
    if commits:
        git(vault, "init", "--quiet")
    declined = 0
    with serving(vault):
        for number in range(COUNT):
            for _ in range(random.choice((0, 0, 1, 1, 3))):
                change_vault(random, vault)
            if random.random() < commits:
                commit(vault)
            asked = make_question(random, vault)
            answer = ask_server(asked.line, asked.folder, asked.data)
            alone = run_alone(asked.line, asked.folder, asked.data)
            if answer.code is None:
                declined += 1
                assert alone.code == 2, (number, asked, alone)
            else:
                assert answer == alone, (number, asked)
    assert declined <= COUNT / 10


@pytest.mark.thorough
def test_month_of_hooks_takes_no_memory(tmp_path: Path) -> None:
    """Two thousand hooks are answered while notes change: as without a server, and with no more memory than after 500."""
    random = Random(2000)
    files = {f"Note {n}.md": f"[[Note {n + 1}]] [[Two words]]\n" for n in range(200)}
    vault = create_vault(tmp_path / "vault", files | {"Two words.md": "text\n"})
    sizes = []
    with serving(vault) as process:
        for number in range(HOOKS):
            if number % 3 == 0:
                note = vault / f"Note {random.randrange(200)}.md"
                note.write_text(f"[[Note {random.randrange(200)}]]\n" * random.randrange(5))
            call = make_hook_call(random, vault, sorted(files))
            line, data = ("guard",), json.dumps(call).encode()
            answer = ask_server(line, vault, data)
            assert answer.code in (0, 2), answer
            if number % 100 == 0:
                assert answer == run_alone(line, vault, data)
            if number % (HOOKS // 4) == 0:
                sizes.append(read_memory(process.pid))
    assert max(sizes[1:]) < sizes[1] + 4, sizes


def read_memory(process: int) -> float:
    """Return the megabytes of memory of a process, on Linux."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def change_hidden(vault: Path, outside: Path) -> None:
    (vault / ".vaultlink-12345-abcdef-0.tmp").write_text("text")
    (vault / "Sea/.obsidian").mkdir()
    (vault / ".Gone.md.icloud").write_text("text")


def change_back(vault: Path, outside: Path) -> None:
    (vault / ".vaultlink-12345-abcdef-0.tmp").unlink()
    (vault / "Sea/.obsidian").rmdir()
    (vault / ".Gone.md.icloud").unlink()


def change_by_another_name(vault: Path, outside: Path) -> None:
    (outside / "Home.md").write_text("[[Elsewhere]]\n")


def link_and_change(vault: Path, outside: Path) -> None:
    (outside / "Port.md").write_text("[[Port]]\n")
    (vault / "Port.md").hardlink_to(outside / "Port.md")
    ask_server(CHECK, vault, DRAFT)
    (outside / "Port.md").write_text("[[Somewhere]]\n")


def change_kind(vault: Path, outside: Path) -> None:
    (vault / "Tide.md").unlink()
    (vault / "Tide.md").symlink_to(outside / "Home.md")
    os.mkfifo(vault / "Pipe.md")


def change_case(vault: Path, outside: Path) -> None:
    (vault / "Tide.md").rename(vault / "tide.md")


def keep_times(vault: Path, outside: Path) -> None:
    file = vault / "Sea/Wall.md"
    status, text = file.stat(), file.read_text()
    file.write_text(text.replace("Nowhere", "Newhere"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def move_folder(vault: Path, outside: Path) -> None:
    (vault / "Sea").rename(outside / "Sea")


@pytest.mark.parametrize(
    "steps",
    [
        [change_hidden, change_back],
        [change_by_another_name],
        [link_and_change],
        [change_kind],
        [change_case],
        [keep_times],
        [move_folder],
    ],
    ids=lambda steps: steps[0].__name__,
)
def test_odd_changes_are_seen(
    vault: Path, tmp_path: Path, steps: list[Callable[[Path, Path], None]]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Home.md").hardlink_to(vault / "Home.md")
    with serving(vault):
        for step in steps:
            ask_server(CHECK, vault, DRAFT)
            step(vault, outside)
            for line in (CHECK, ("unresolved", "--json")):
                assert ask_server(line, vault, DRAFT) == run_alone(line, vault, DRAFT)


def test_other_places_where_git_finds_what_it_ignores(vault: Path, tmp_path: Path) -> None:
    git(vault, "init", "--quiet")
    ignored = tmp_path / "ignored"
    with serving(vault):
        for text in ("Home.md\n", "Sea/\n"):
            git(vault, "config", "core.excludesFile", str(ignored))
            ignored.write_text(text)
            asked = ("unresolved", "--json")
            assert ask_server(asked, vault) == run_alone(asked, vault)


def test_folder_that_is_mounted_over(vault: Path) -> None:
    """No event tells of it."""
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(vault / "Sea")]
    with serving(vault):
        ask_server(CHECK, vault, DRAFT)
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount, on Linux")
        line = ("unresolved", "--json")
        try:
            for text in ("[[One]]\n", "[[Two]]\n"):
                assert ask_server(line, vault) == run_alone(line, vault)
                (vault / "Sea/Wall.md").write_text(text)
                assert ask_server(line, vault) == run_alone(line, vault)
        finally:
            subprocess.run(["umount", str(vault / "Sea")], check=True)
        assert ask_server(line, vault) == run_alone(line, vault)


@pytest.mark.parametrize(("folder", "is_told"), [("{vault}", True), ("/proc/self/net", False)])
def test_disks_that_tell_of_each_change(vault: Path, folder: str, is_told: bool) -> None:
    """Others are listed for each question, such as network drives; here one that is no disk."""
    if sys.platform != "linux":
        pytest.skip("other systems list the files for each question")
    from vaultlink.watch.backend_inotify import InotifyBackend  # noqa: PLC0415 - Linux only

    backend = InotifyBackend(EventQueue())
    backend.watch_folders({"": folder.format(vault=vault)})
    assert backend.detects_overflow == is_told
    backend.close()


def test_past_that_git_knows(vault: Path) -> None:
    """A note that is edited may link to a file that was renamed or deleted long ago."""
    (vault / "Ebb.md").write_text("# Ebb\n\nSome words about the ebb.\n")
    git(vault, "init", "--quiet")
    commit(vault)
    (vault / "Ebb.md").rename(vault / "Neap.md")
    (vault / "map.png").unlink()
    commit(vault)
    draft = b"[[Ebb]] ![[map.png]] [[Tide]]\n"

    def compare() -> bytes:
        answer = ask_server(CHECK, vault, draft)
        assert answer == run_alone(CHECK, vault, draft)
        return answer.out

    with serving(vault):
        compare()
        (vault / "Home.md").write_text("[[Ebb]] ![[map.png]]\n")
        assert b"moved to Neap" in compare()
        (vault / "Tide.md").unlink()
        assert b"; deleted.\n" in compare()
        commit(vault)
        assert b"; deleted in " in compare()


@pytest.mark.parametrize("count", [0, 320])
def test_past_that_other_commands_saved(vault: Path, count: int) -> None:
    """They save small vaults after each change, and large ones after many."""
    write_files(vault / "Filler", {f"{number}.md": f"{number}\n" for number in range(count)})
    wall, tide, line = vault / "Sea/Wall.md", vault / "Tide.md", ("unresolved", "--json")
    with serving(vault):
        for name, other in (("Low water", "Slack"), ("Slack", "Neap"), ("Neap", "Spring tide")):
            wall.write_text(f"[[Tide#{name}]]\n")
            for asks in (run_alone, ask_server):
                asks(("orphans",) if asks is run_alone else CHECK, vault, DRAFT)
            tide.write_text(f"# Tide\n\n## {other}\n")
            draft = f"[[Tide#{name}]] [[Tide#Low water]]\n".encode()
            for asked in (CHECK, ("check", "--stdin-filename", "Sea/Wall.md", "-"), line):
                assert ask_server(asked, vault, draft) == run_alone(asked, vault, draft)


@pytest.mark.parametrize("kind", ["settings", "obsidian", "ignore", "baseline"])
def test_settings_that_change_hold_at_once(vault: Path, run: RunCommand, kind: str) -> None:
    with serving(vault):
        before = ask_server(CHECK, vault, DRAFT)
        if kind == "settings":
            (vault / "vaultlink.toml").write_text('ignore = ["VL1"]\n')
        elif kind == "obsidian":
            (vault / ".obsidian/app.json").write_text('{"userIgnoreFilters": ["New"]}')
        elif kind == "ignore":
            (vault / ".vaultlink.toml").write_text('exclude = ["New.md"]\n')
        else:
            (vault / "New.md").write_bytes(DRAFT)
            run("baseline", "--vault", vault)
        after = ask_server(CHECK, vault, DRAFT)
        assert after == run_alone(CHECK, vault, DRAFT)
    assert after != before


def test_invalid_settings_are_explained_by_the_command(vault: Path) -> None:
    with serving(vault):
        (vault / "vaultlink.toml").write_text("bogus = 1\n")
        assert ask_server(CHECK, vault, DRAFT).code is None
        assert run_alone(CHECK, vault, DRAFT).code == 2
        (vault / "vaultlink.toml").write_text("")
        assert ask_server(CHECK, vault, DRAFT) == run_alone(CHECK, vault, DRAFT)


# -- ways to lose a server ------------------------------------------------------------------------------------------------


def test_killed_server_is_not_missed(vault: Path) -> None:
    alone = run_alone(CHECK, vault, DRAFT)
    with serving(vault) as process:
        process.kill()
        process.wait()
        assert Path(socket_path(vault)).is_socket()  # it is left behind
        assert ask_server(CHECK, vault, DRAFT).code is None
        assert run_whole(CHECK, vault, DRAFT) == alone
    with serving(vault):
        assert ask_server(CHECK, vault, DRAFT) == alone
    assert not Path(socket_path(vault)).exists()


def test_server_killed_at_any_moment(vault: Path) -> None:
    """The client prints the whole answer, or runs the command itself."""
    alone, random = run_alone(CHECK, vault, DRAFT), Random(7)
    for _ in range(5):
        with serving(vault) as process:
            killer = [sys.executable, "-c", KILL, str(process.pid), str(random.random() / 20)]
            with subprocess.Popen(killer):
                for _ in range(20):
                    assert ask_server(CHECK, vault, DRAFT) in (alone, (None, b"", b""))


KILL = "import os, sys, time; time.sleep(float(sys.argv[2])); os.kill(int(sys.argv[1]), 9)"


def test_clients_killed_at_any_moment(vault: Path) -> None:
    alone, random = run_alone(CHECK, vault, DRAFT), Random(8)
    with serving(vault):
        for _ in range(10):
            line = [*PROGRAM, *CHECK]
            with subprocess.Popen(
                line, cwd=vault, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as process:
                assert process.stdin
                process.stdin.write(DRAFT)
                process.stdin.close()
                time.sleep(random.random() / 10)
                process.kill()
        assert ask_server(CHECK, vault, DRAFT) == alone


def test_stopped_server_does_not_hold_up_a_client(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_ALIVE_SECONDS", 0.1)
    with serving(vault) as process:
        process.send_signal(signal.SIGSTOP)
        assert ask_server(CHECK, vault, DRAFT).code is None
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: ask_server(CHECK, vault, DRAFT).code is not None)


@each(
    "data",
    [b"", b"\n", b"null\n", b"[1]\n", b"{}\n", b'{"line": 7}\n', b"\xff\n", b"[" * 100_000 + b"\n"],
)
def test_odd_requests_harm_nothing(served: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        with short_address(socket_path(served)) as address:
            connection.connect(address)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass
    assert ask_server(CHECK, served, DRAFT) == run_alone(CHECK, served, DRAFT)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"x",
        b"\n",
        b"\n{}\n",
        b"\n[]\n",
        b'\n{"code": 1}\n',
        b'\n{"code": 1, "output": [[3]]}\n',
        b"\n\xff\n",
    ],
)
def test_odd_servers_are_not_believed(vault: Path, answer: bytes) -> None:
    path = Path(socket_path(vault))
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        with short_address(str(path)) as address:
            listener.bind(address)
        listener.listen()
        if os.fork() == 0:
            connection, _ = listener.accept()
            connection.recv(100_000)
            connection.sendall(answer)
            os._exit(0)
        assert ask_server(CHECK, vault, DRAFT) == (None, b"", b"")
    os.wait()


def test_busy_server_does_not_hold_up_a_client(vault: Path) -> None:
    """A tool that writes may wait for another run for a minute."""
    with serving(vault), McpClient(vault, "--allow-writes") as tools:
        plan = tools.call("change", {"changes": [{"rename": "Tide", "to": "Ebb"}]}).data["plan"]
        with ThreadPoolExecutor(1) as threads:
            with lock_vault(vault):
                applied = threads.submit(tools.call, "apply", {"plan": plan})
                wait_until(lambda: ask_server(CHECK, vault, DRAFT).code is None)
                start = time.monotonic()
                assert ask_server(CHECK, vault, DRAFT).code is None
                assert time.monotonic() - start < 10
            assert applied.result().data["counts"]["moved"] == 1
        wait_until(lambda: ask_server(CHECK, vault, DRAFT) == run_alone(CHECK, vault, DRAFT))


@pytest.mark.parametrize("data", [b"", b'{"line": ["links"'])
def test_open_connections_do_not_hold_up_the_end(vault: Path, data: bytes) -> None:
    """The server prints nothing, and its socket is gone."""
    with socket.socket(socket.AF_UNIX) as connection:
        with serving(vault) as process:
            with short_address(socket_path(vault)) as address:
                connection.connect(address)
            connection.sendall(data)
            assert ask_server(CHECK, vault, DRAFT).code == 1
            process.terminate()
            assert process.wait(WAIT_FOR_END) == 0
        assert not Path(socket_path(vault)).exists()


def test_folder_in_place_of_the_socket(vault: Path, run: RunCommand) -> None:
    Path(socket_path(vault)).mkdir(parents=True)
    refused = run("serve", "--vault", vault)
    assert (refused.code, "error: can't make a socket at" in refused.err) == (2, True)


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_is_no_socket_is_left_alone(vault: Path, tmp_path: Path, kind: str) -> None:
    path = Path(socket_path(vault))
    path.parent.mkdir(parents=True)
    if kind == "file":
        path.write_text("text")
    elif kind == "link":
        path.symlink_to(tmp_path / "other")
    else:
        path.mkdir()
    assert ask_server(CHECK, vault, DRAFT).code is None


def test_only_the_user_can_ask(vault: Path) -> None:
    with serving(vault):
        path = Path(socket_path(vault))
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.parent.stat().st_mode & 0o777 == 0o700


def test_folders_are_private_whatever_the_umask_is(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "new" / "state"
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(state))
    before = os.umask(0)
    try:
        with serving(vault):
            folders = [state, *(path for path in state.rglob("*") if path.is_dir())]
            assert "servers" in {folder.name for folder in folders}
            assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    finally:
        os.umask(before)


def test_state_folder_of_the_user_keeps_its_mode(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state of all"
    state.mkdir(mode=0o755)
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(state))
    with serving(vault):
        assert state.stat().st_mode & 0o777 == 0o755


SERVER_OF_ANOTHER_USER = """\
import os, socket, sys
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    os.setuid(int(sys.argv[2]))
    listener.listen()
    print("ready", flush=True)
    connection, _ = listener.accept()
    print(len(connection.recv(1000)), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say who listens")
@pytest.mark.parametrize("user", [0, 65_534])
def test_nothing_is_sent_to_another_user(vault: Path, user: int) -> None:
    """The socket is a file of this user, as in a folder that others may write."""
    if os.geteuid() != 0:
        pytest.skip("only root can take another user")
    path = Path(socket_path(vault))
    path.parent.mkdir(parents=True)
    command = [sys.executable, "-c", SERVER_OF_ANOTHER_USER, path.name, str(user)]
    with subprocess.Popen(command, cwd=path.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert ask_server(CHECK, vault, DRAFT).code is None
        assert (int(process.stdout.readline()) > 0) is (user == 0)


def test_server_that_drips_bytes_does_not_hold_a_client(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit holds while bytes come, not only in pauses."""
    monkeypatch.setattr(client, "_ANSWER_SECONDS", 0.3)
    path = Path(socket_path(vault))
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        with short_address(str(path)) as address:
            listener.bind(address)
        listener.listen()
        is_over = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"\n")
                while not is_over.wait(0.01):
                    connection.sendall(b" ")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            assert ask_server(CHECK, vault, DRAFT).code is None
        finally:
            is_over.set()
            thread.join()


def test_other_versions_have_their_own_server(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(vault):
        monkeypatch.setattr(client, "__version__", "99.0")
        assert ask_server(CHECK, vault, DRAFT).code is None
        assert not is_serving(vault)
    code = "import vaultlink; vaultlink.__version__ = '99.0'; from vaultlink.__main__ import start; start()"
    monkeypatch.undo()
    with serving(vault):
        other = [sys.executable, "-c", code, "serve", "-q", "--vault", str(vault)]
        with subprocess.Popen(other) as process:
            monkeypatch.setattr(client, "__version__", "99.0")
            wait_until(lambda: is_serving(vault))
            assert ask_server(CHECK, vault, DRAFT).code is not None
            process.terminate()
            process.wait()
            assert not is_serving(vault)
        monkeypatch.setattr(client, "__version__", __version__)


def test_one_server_of_a_vault(vault: Path, run: RunCommand) -> None:
    with serving(vault) as process:
        refused = run("serve", "--vault", vault)
        assert refused.code == 2
        assert "a server runs for" in refused.err
        started = run("serve", "--vault", vault, "--background")
        assert (started.code, f"Process {process.pid} serves" in started.err) == (0, True)


def test_background_server_is_started_and_ended(vault: Path, run: RunCommand) -> None:
    alone = run_alone(CHECK, vault, DRAFT)
    started = run("serve", "--background", "--vault", vault)
    try:
        assert (started.code, started.out) == (0, "")
        assert ask_server(CHECK, vault, DRAFT) == alone
    finally:
        ended = run("serve", "--stop", "--vault", vault)
    assert "Ended the server of" in ended.err
    assert not is_serving(vault)
    assert "No server of this version runs" in run("serve", "--stop", "--vault", vault).err


def test_servers_that_start_at_once_leave_one(vault: Path, run: RunCommand) -> None:
    if sys.platform != "linux":
        pytest.skip("the processes are listed on Linux")
    line = [*PROGRAM, "serve", "--background", "--vault", str(vault)]
    try:
        started = [subprocess.Popen(line, stderr=subprocess.DEVNULL) for _ in range(4)]
        assert [process.wait() for process in started] == [0] * 4
        assert len(list_servers(vault)) == 1
    finally:
        run("serve", "--stop", "--vault", vault)
    wait_until(lambda: not list_servers(vault))


def list_servers(vault: Path) -> list[bytes]:
    """Return the command lines of the processes that serve a vault, on Linux."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(file.read_bytes())
    end = b"serve\0--vault\0" + os.fsencode(vault) + b"\0"
    return [line for line in found if end in line]


def test_server_that_does_not_answer_is_not_ended(vault: Path, run: RunCommand) -> None:
    with serving(vault) as process:
        process.send_signal(signal.SIGSTOP)
        refused = run("serve", "--stop", "--vault", vault)
        process.send_signal(signal.SIGCONT)
        assert (refused.code, "does not end" in refused.err) == (2, True)


def test_background_server_says_why_it_does_not_start(tmp_path: Path, run: RunCommand) -> None:
    empty = create_vault(tmp_path / "empty", {})
    refused = run("serve", "--background", "--vault", empty)
    assert (refused.code, refused.out) == (2, "")
    assert "there is no note in this vault" in refused.err


def test_server_ends_when_nobody_asks(vault: Path) -> None:
    with serving(vault, "--idle", "0.02") as process:
        assert ask_server(CHECK, vault, DRAFT).code == 1
        assert process.wait(WAIT_FOR_END) == 0
        assert not Path(socket_path(vault)).exists()


WAIT_FOR_END = 120


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signals_end_a_server(vault: Path, name: str) -> None:
    with serving(vault) as process:
        process.send_signal(getattr(signal, name))
        assert process.wait(WAIT_FOR_END) == 0
        assert not Path(socket_path(vault)).exists()


def test_removed_and_replaced_vaults(vault: Path, tmp_path: Path) -> None:
    with serving(vault):
        vault.rename(tmp_path / "away")
        assert ask_server(("backlinks", "Tide", "--vault", str(vault)), tmp_path).code is None
        create_vault(vault, {"Tide.md": "[[Tide]]\n", "Other.md": "[[Tide]] [[Tide]]\n"})
        line = ("backlinks", "Tide")
        assert ask_server(line, vault) == run_alone(line, vault)
        shutil.rmtree(vault)
        (tmp_path / "away").rename(vault)
        assert ask_server(line, vault) == run_alone(line, vault)


def test_server_whose_own_folder_is_gone(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with serving(vault):
        monkeypatch.chdir(tmp_path)
        folder.rmdir()
        for _ in range(2):
            assert ask_server(CHECK, vault, DRAFT) == run_alone(CHECK, vault, DRAFT)


@each(
    "request_",
    [
        {"line": ["links"]},
        {"line": [], "folder": "/", "environment": {}, "input": None},
        {"line": [7], "folder": "/", "environment": {}, "input": None},
        {"line": ["links"], "folder": 7, "environment": {}, "input": None},
        {"line": ["links"], "folder": "/nowhere", "environment": {}, "input": None},
        {"line": ["links"], "folder": "/", "environment": {"A": 7}, "input": None},
        {"line": ["links"], "folder": "/", "environment": {"A=": "\0"}, "input": None},
        {"line": ["links"], "folder": "/", "environment": {}, "input": 7},
        {"line": ["fix"], "folder": "/", "environment": {}, "input": None},
        {"line": ["sections", "write"], "folder": "/", "environment": {}, "input": None},
        {"tool": "change", "arguments": {}, "runs": []},
        {"tool": 7, "arguments": {}, "runs": 7, "settings": "", "environment": {}},
    ],
)
def test_wrong_requests_are_declined(served: Path, request_: dict[str, object]) -> None:
    """They change nothing, neither in the vault nor in the server."""
    before = read_files(served)
    own = client.list_compared(os.environ)
    if request_.get("environment") == {}:
        request_ = {**request_, "environment": own}
    assert client.ask(socket_path(served), request_, 20) == {"declined": True}
    assert ask_server(CHECK, served, DRAFT) == run_alone(CHECK, served, DRAFT)
    assert read_files(served) == before


def test_long_path_of_the_state_folder(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has other names for long paths of sockets")
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(tmp_path / ("long" * 30)))
    with serving(vault):
        assert ask_server(CHECK, vault, DRAFT) == run_alone(CHECK, vault, DRAFT)


# -- MCP through a server -------------------------------------------------------------------------------------------------


def test_mcp_asks_the_server(vault: Path, tmp_path: Path) -> None:
    before = read_files(vault)
    with serving(vault), McpClient(vault, "--allow-writes") as tools:
        found = tools.call("resolve", {"names": ["Tide", "The wall"]})
        assert found.data["counts"]["resolved"] == 1
        wrong = tools.call("resolve", {"names": [7]})
        assert (wrong.is_error, wrong.text[:13]) == (True, "the argument ")
        plan = tools.call("change", {"changes": [{"rename": "Tide", "to": "Ebb"}]}).data["plan"]
        assert tools.call("apply", {"plan": plan}).data["counts"]["moved"] == 1
        assert (vault / "Ebb.md").exists()
        assert tools.call("undo", {}).data["counts"]["moved"] == 1
        assert read_files(vault) == before
        assert tools.call("undo", {}).is_error


def test_damaged_cache_is_read_again_for_a_tool(vault: Path, tmp_path: Path) -> None:
    """With and without a server; the caller sees nothing of it."""
    cache = tmp_path / "cache"
    texts = {f"n{number}.md": f"[[n{number + 1}]] [[no {number}]]\n" * 9 for number in range(300)}
    write_files(vault, texts)
    options = ("--cache-dir", str(cache))
    with serving(vault, *options), McpClient(vault, *options) as tools:
        damage_states(cache)
        found = [tools.call("note", {"note": f"n{number}"}) for number in (0, 150, 299)]
        assert [reply.is_error for reply in found] == [False] * 3, found


def test_error_of_a_tool_is_an_answer(vault: Path) -> None:
    """If the client were left to do the same, it would be done twice."""
    request = {"tool": "undo", "arguments": {}, "runs": ["1"]}
    nowhere = cast("Workspace", None)
    worker = Worker(lambda: nowhere, is_lazy=True)
    found = answer_tool(Question(nowhere, request, worker, lambda: False))
    assert (str(found["error"])[:14], found["runs"]) == ("internal error", ["1"])


@pytest.mark.parametrize(("kind", "is_late"), [("tool", True), ("line", False)])
def test_slow_server_is_waited_for_if_it_may_write(vault: Path, kind: str, is_late: bool) -> None:
    path = Path(socket_path(vault))
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(1) as threads:
        with short_address(str(path)) as address:
            listener.bind(address)
        listener.listen()
        asked = threads.submit(client.ask, str(path), {kind: "undo"}, 5.0)
        connection, _ = listener.accept()
        time.sleep(1.3)
        with suppress(OSError):
            connection.sendall(client.ALIVE)
        connection.close()
        error = asked.exception()
        assert isinstance(error, client.NoAnswerError)
        assert error.is_late == is_late
