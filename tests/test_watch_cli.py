"""Tests of `vaultlink watch` as a process: output, usage errors, signals, and robustness."""

import fcntl
import json
import os
import pty
import random
import re
import runpy
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread
from typing import IO, Any

import pytest

from machine import require_program
from running import PROGRAM, RunCommand, create_vault, read_files, write_files
from tables import each
from vaultlink.write.journal_files import list_runs, make_journal_folder

PATIENT = 40.0
"""The time limit of a wait in seconds, for a loaded machine."""

CALM = 3.0
"""Seconds without a change before the command fixes."""

SMALL = {"a.md": "[[b]] and [[c]]\n", "b.md": "# B\n\nwhat is in it\n", "x/c.md": "[[a]]\n"}
NICKS = {"a.md": "[[Nick]] [[bb]]\n![[gone.png]]\n", "b.md": "---\naliases: [Nick]\n---\n"}
PLANNED = "VL125 planned-note “{}” is not written yet: no file in the vault has this name."

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what Linux alone has")
GENERATE = Path(__file__).parents[1] / "benchmarks" / "generate.py"


# -- a process ------------------------------------------------------------------------------------------------------


class Watcher:
    """A watcher in a separate process, and its output so far."""

    def __init__(self, vault: Path, *options: str, before: Sequence[str] = ()):
        self.vault = vault
        line = [*before, *PROGRAM, "watch", str(vault), *options]
        self.process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._came, self._sentinels, self.over = Condition(), 0, False
        self.out, self.err = list[str](), list[str]()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            self._reader(self.process.stdout, self.out),
            self._reader(self.process.stderr, self.err),
        ]

    def _reader(self, stream: IO[bytes], lines: list[str]) -> Thread:
        def read() -> None:
            with stream:
                for line in stream:
                    with self._came:
                        lines.append(line.decode("utf-8", "surrogateescape").removesuffix("\n"))
                        self._came.notify_all()
            with self._came:
                self._came.notify_all()

        thread = Thread(target=read, daemon=True)
        thread.start()
        return thread

    def until(self, there: Callable[["Watcher"], object], seconds: float = PATIENT) -> "Watcher":
        """Wait until `there` returns True for the output."""
        end = time.monotonic() + seconds
        with self._came:
            while not there(self):
                left = end - time.monotonic()
                assert left > 0, f"not printed; {self.describe_output()}"
                assert any(reader.is_alive() for reader in self._readers) or there(self), (
                    f"ended early; {self.describe_output()}"
                )
                self._came.wait(min(left, 0.5))
        return self

    def said(self, words: str, times: int = 1) -> "Watcher":
        """Wait for words on stderr."""
        return self.until(lambda watcher: sum(words in line for line in watcher.err) >= times)

    def printed(self, words: str) -> "Watcher":
        """Wait for words on stdout."""
        return self.until(lambda watcher: any(words in line for line in watcher.out))

    def settled(self) -> "Watcher":
        """Wait until all changes so far are reported: a sentinel note has a finding in every output format."""
        self._sentinels += 1
        (self.vault / f"sentinel {self._sentinels}.md").write_text(
            f"[[sentinel {self._sentinels} of none]]\n"
        )
        return self.printed(f"sentinel {self._sentinels}.md")

    @property
    def lines(self) -> list[str]:
        """The printed findings without times and sentinels."""
        lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in self.out]
        return [line for line in lines if "sentinel" not in line]

    @property
    def changes(self) -> list[str]:
        """The new (+) and resolved (-) findings of the concise format: rule and path."""
        found = [re.match(r"([+-]) (.*):\d+:\d+: VL\d+ ([a-z-]+)", line) for line in self.lines]
        return [f"{match[1]} {match[3]} {match[2]}" for match in found if match]

    @property
    def rows(self) -> list[Any]:
        """The rows printed as JSON."""
        return [json.loads(line) for line in self.out]

    @property
    def batches(self) -> list[Any]:
        """The batches printed as JSON, the initial state included."""
        return [row for row in self.rows if row["event"] in ("state", "batch")]

    def describe_output(self) -> str:
        """Return all output, for a failed test."""
        return f"stdout: {self.out[-40:]}, stderr: {self.err[-40:]}, code: {self.process.poll()}"

    def send(self, number: signal.Signals) -> "Watcher":
        """Send a signal."""
        self.process.send_signal(number)
        return self

    def ended(self, code: int = 0) -> "Watcher":
        """Wait until it ends with this exit code and without an internal error."""
        assert self.process.wait(PATIENT) == code, self.describe_output()
        self.over = True
        for reader in self._readers:
            reader.join(PATIENT / 4)
            assert not reader.is_alive(), "a process is left that holds its streams open"
        said = "\n".join(self.err)
        assert not any(word in said for word in ("Traceback", "internal error", "Exception")), said
        return self

    def killed(self) -> None:
        """Kill the watcher and its child processes."""
        self.over = True
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self._readers:
            reader.join(PATIENT)


@contextmanager
def command(vault: Path, *options: str, before: Sequence[str] = ()) -> Iterator[Watcher]:
    """Run a watcher, and assert that it ends with 0 on request."""
    watcher = Watcher(vault, *options, before=before)
    try:
        if "--quiet" not in options:
            watcher.said("Watching ")
        yield watcher
        if not watcher.over:
            watcher.send(signal.SIGCONT).send(signal.SIGTERM).ended()
    finally:
        watcher.killed()


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a small vault without broken links."""
    return create_vault(tmp_path / "vault", SMALL)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate a large vault that no test writes to."""
    folder = tmp_path_factory.mktemp("large")
    runpy.run_path(str(GENERATE))["generate_vault"](folder, 3_000)
    return folder


def git(folder: Path, *words: str) -> None:
    """Run git."""
    subprocess.run(
        [require_program("git"), "-c", "user.name=n", "-c", "user.email=e", "-C", folder, *words],
        check=True,
        capture_output=True,
    )


# -- json-lines -----------------------------------------------------------------------------------------------------


BATCH = [
    "event",
    "schema",
    "version",
    "vault",
    "batch",
    "time",
    "cause",
    "saved",
    "created",
    "deleted",
    "moved",
    "new",
    "healed",
    "summary",
    "fixed",
]
SUMMARY = [
    "notes",
    "attachments",
    "links",
    "resolved",
    "dangling",
    "ambiguous",
    "external",
    "topics",
    "mistakes",
    "planned",
    "findings",
]


def test_initial_state_equals_check_and_precedes_its_batch(tmp_path: Path, run: RunCommand) -> None:
    vault = create_vault(tmp_path / "vault", NICKS)
    checked = run("check", "--vault", vault, "--output-format", "json").data
    assert isinstance(checked, dict)
    with command(vault, "--output-format", "json-lines") as watcher:
        watcher.until(lambda watcher: watcher.batches)
    *found, state = watcher.rows
    assert (state["event"], state["batch"], state["cause"], state["new"], state["healed"]) == (
        "state",
        0,
        "as found",
        3,
        0,
    )
    assert (list(state), list(state["summary"])) == (BATCH, SUMMARY)
    assert [{**row, "event": None, "batch": None} for row in found] == [
        {**row, "event": None, "batch": None} for row in checked["findings"]
    ]
    assert [list(row) for row in found] == [[*row, "event", "batch"] for row in checked["findings"]]
    assert {(row["event"], row["batch"]) for row in found} == {("new", 0)}
    same = [key for key in SUMMARY if key in checked["summary"]]
    assert [state["summary"][key] for key in same] == [checked["summary"][key] for key in same]


def test_findings_precede_their_batch_in_json_lines(vault: Path) -> None:
    with command(vault, "--output-format", "json-lines") as watcher:
        (vault / "a.md").write_text("[[b]] [[c]] [[one]] [[one]] [[two]]\n")
        watcher.until(lambda watcher: len(watcher.batches) == 2)
        (vault / "a.md").write_text("More\n\n[[b]] [[c]] [[two]] [[one]]\n")
        watcher.until(lambda watcher: len(watcher.batches) == 3)
        (vault / "b.md").rename(vault / "x" / "renamed.md")
        watcher.until(lambda watcher: len(watcher.batches) == 4)
        (vault / "new.md").write_text("")
        watcher.until(lambda watcher: len(watcher.batches) == 5)
        (vault / "new.md").unlink()
        watcher.until(lambda watcher: len(watcher.batches) == 6)
    assert [(row["event"], row["batch"]) for row in watcher.rows] == [
        ("state", 0),
        ("new", 1),
        ("new", 1),
        ("new", 1),
        ("batch", 1),
        ("healed", 2),
        ("batch", 2),
        ("new", 3),
        ("batch", 3),
        ("batch", 4),
        ("batch", 5),
    ]
    assert [list(row) for row in watcher.batches] == [BATCH] * 6
    _, saved, less, moved, created, deleted = watcher.batches
    assert [(row["new"], row["healed"]) for row in watcher.batches] == [
        (0, 0),
        (3, 0),
        (0, 1),
        (1, 0),
        (0, 0),
        (0, 0),
    ]
    assert (saved["saved"], less["saved"]) == (["a.md"], ["a.md"])
    assert moved["moved"] == [{"from": "b.md", "to": "x/renamed.md"}]
    assert (moved["created"], moved["deleted"], created["created"], deleted["deleted"]) == (
        [],
        [],
        ["new.md"],
        ["new.md"],
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", moved["time"])
    ones = [
        row["fingerprint"]
        for row in watcher.rows
        if row["event"] == "new" and row["target"] == "one"
    ]
    [gone] = [row for row in watcher.rows if row["event"] == "healed"]
    assert gone["fingerprint"] == ones[1]
    assert (gone["suggestions"], gone["fix"]) == ([], None)


# -- forms ----------------------------------------------------------------------------------------------------------


def test_concise_prints_only_new_and_resolved_findings(vault: Path) -> None:
    with command(vault) as watcher:
        (vault / "a.md").write_text("[[b]] and [[c]], still\n")
        time.sleep(2)  # nothing tells that a save without news was seen
        (vault / "a.md").write_text("[[b]] and [[no]]\n")
        watcher.printed("“no”")
        (vault / "a.md").write_text("[[b]]\n")
        watcher.printed("- a.md")
    assert watcher.lines == [
        "a.md saved: 1 new",
        "+ a.md:1:11: " + PLANNED.format("no"),
        "a.md saved: 1 resolved",
        "- a.md:1:11: " + PLANNED.format("no"),
    ]
    assert watcher.err == [
        "No findings in 3 notes.",
        f"Watching {vault}; Ctrl-C ends it.",
        "Stopped: 3 changes seen in 1 file, 0 findings now.",
    ]


def test_verbose_reports_saves_without_changes(vault: Path) -> None:
    with command(vault, "-v") as watcher:
        (vault / "a.md").write_text("[[b]] and [[c]], still\n")
        watcher.printed("a.md saved")
        (vault / "b.md").rename(vault / "x" / "b.md")
        watcher.printed("moved")
    assert watcher.lines == ["a.md saved", "b.md moved to x/b.md"]


def test_full_shows_new_findings_in_context(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {**SMALL, "a.md": "[[first]]\n"})
    with command(vault, "--output-format", "full") as watcher:
        (vault / "a.md").write_text("See [[cc]]\n")
        watcher.printed("- a.md")
    text = "\n".join(watcher.lines)
    assert text.startswith(
        PLANNED.format("first") + "\n --> a.md:1:1 (warning)\n  |\n1 | [[first]]\n  | ^^^^^^^^^\n"
    )
    headline = (
        "\na.md saved: 1 new, 1 resolved\n\n"
        + PLANNED.format("cc")
        + "\n --> a.md:1:5 (warning)\n  |\n1 | See [[cc]]\n"
    )
    assert headline in text
    assert text.rstrip().endswith("- a.md:1:1: " + PLANNED.format("first"))


def test_output_file_grows_with_each_batch(vault: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.txt"
    file.write_text("from yesterday\n")
    with command(vault, "--output-file", str(file)) as watcher:
        assert file.read_text() == ""
        for number in (1, 2):
            (vault / "a.md").write_text("[[no]] " * number)
            end = time.monotonic() + PATIENT
            while file.read_text().count("new\n") < number and time.monotonic() < end:
                time.sleep(0.02)
        assert [re.sub(r"^[\d:]{8} ", "", line) for line in file.read_text().splitlines()] == [
            "a.md saved: 1 new",
            "+ a.md:1:1: " + PLANNED.format("no"),
            "a.md saved: 1 new",
            "+ a.md:1:8: " + PLANNED.format("no"),
        ]
    assert watcher.out == []


def test_quiet_prints_nothing_on_stderr(vault: Path) -> None:
    with command(vault, "--quiet") as watcher:
        time.sleep(0.5)
        watcher.settled()
    assert watcher.err == []


def test_closed_stdout_ends_the_watch(vault: Path) -> None:
    reading, writing = os.pipe()
    words = [*PROGRAM, "watch", str(vault)]
    with (
        subprocess.Popen(words, stdout=writing, stderr=subprocess.PIPE, text=True) as process,
        os.fdopen(reading) as results,
    ):
        os.close(writing)
        assert process.stderr is not None
        assert [process.stderr.readline() for _ in range(2)][1].startswith("Watching ")
        (vault / "a.md").write_text("[[no]]\n")
        assert results.readline().endswith("a.md saved: 1 new\n")
        results.close()
        (vault / "b.md").write_text("[[no]]\n")
        assert process.wait(PATIENT) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("make", [os.pipe, socket.socketpair], ids=["pipe", "socket"])
def test_watch_ends_with_its_reader_also_without_a_change(
    vault: Path, make: Callable[[], tuple[Any, Any]]
) -> None:
    reading, writing = make()
    words = [sys.executable, "-m", "vaultlink", "watch", str(vault), "--fix"]
    with subprocess.Popen(words, stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        close = os.close if isinstance(writing, int) else socket.socket.close
        close(writing)
        assert process.stderr is not None
        assert [process.stderr.readline() for _ in range(2)][1].startswith("Watching ")
        assert process.poll() is None
        close(reading)
        assert process.wait(PATIENT) == 0
        assert process.stderr.read() == ""


# -- wrong words ----------------------------------------------------------------------------------------------------


@each(
    ("options", "files", "said"),
    [
        (["nowhere"], SMALL, "nowhere: no such folder."),
        (["--vault", "nowhere"], SMALL, "nowhere: this vault does not exist."),
        ([], {}, "vault"),
        (["--poll", "0"], SMALL, "--poll: must be a number above 0, not “0”."),
        (["--poll", "-1"], SMALL, "--poll: must be a number above 0, not “-1”."),
        (["--poll", "x"], SMALL, "--poll: must be a number above 0, not “x”."),
        (["--poll", "nan"], SMALL, "--poll: must be a number above 0, not “nan”."),
        (
            ["--output-format", "json"],
            SMALL,
            "--output-format: invalid value “json”. Valid values: concise, full, json-lines.",
        ),
        (
            ["--output-file", "results.txt"],
            SMALL,
            "--output-file: the file must not be in the watched vault.",
        ),
        (
            ["--output-file", "../none/results.txt"],
            SMALL,
            "can't write ../none/results.txt: No such file or directory.",
        ),
        (["--nope"], SMALL, "--nope"),
        ([], {**SMALL, "vaultlink.toml": "select = [\n"}, "vaultlink.toml: not valid TOML"),
        ([], {**SMALL, "vaultlink.toml": "selct = []\n"}, "vaultlink.toml: selct"),
    ],
    ids=str,
)
def test_usage_errors_end_with_exit_code_2(
    tmp_path: Path,
    run: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    files: dict[str, str],
    said: str,
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "vault", files))
    done = run("watch", *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert said in done.err
    assert "Traceback" not in done.err


# -- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=str)
def test_signal_ends_an_idle_watch(vault: Path, tmp_path: Path, number: signal.Signals) -> None:
    with command(vault, "--fix") as watcher:
        watcher.settled().send(number).ended()
    assert list((tmp_path / "state").rglob("watchers/*")) == []


def wait_until_started(watcher: subprocess.Popen[bytes]) -> None:
    """Wait until the watcher handles signals, which is before the first scan."""
    status, end = Path(f"/proc/{watcher.pid}/status"), time.monotonic() + PATIENT
    while time.monotonic() < end:
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status.read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.005)


@pytest.mark.thorough
@LINUX
@pytest.mark.parametrize(
    ("number", "delay"),
    [
        (signal.SIGTERM, 0.0),
        (signal.SIGTERM, 0.1),
        (signal.SIGINT, 0.2),
        (signal.SIGTERM, 0.4),
        (signal.SIGHUP, 0.6),
    ],
)
def test_signal_during_the_first_scan_ends_all_processes(
    large: Path, number: signal.Signals, delay: float
) -> None:
    watcher = Watcher(large, "--no-cache", "--jobs", "3")
    try:
        wait_until_started(watcher.process)
        time.sleep(delay)
        watcher.send(number).ended()
    finally:
        watcher.killed()


def create_alias_vault(folder: Path, count: int) -> tuple[Path, dict[str, bytes], dict[str, bytes]]:
    """Create a vault of notes with alias links; return it and its bytes before and after fixing."""
    notes = {f"n{number:03}.md": f"number {number}: [[Nick]]\n".encode() for number in range(count)}
    before = {**notes, "b.md": b"---\naliases: [Nick]\n---\n"}
    after = {path: data.replace(b"[[Nick]]", b"[[b|Nick]]") for path, data in before.items()}
    return create_vault(folder, before), before, after


MOMENTS: dict[str, Callable[[Path], object]] = {
    "the record is kept": lambda vault: list(make_journal_folder(vault).glob("*.run")),
    "bytes lie ready": lambda vault: len(os.listdir(vault)) > 302,  # noqa: PTH208 - asked a thousand times a second
    "the first note is written": lambda vault: b"b|" in (vault / "n000.md").read_bytes(),
    "half of the notes are written": lambda vault: b"b|" in (vault / "n150.md").read_bytes(),
}


@pytest.mark.thorough
def test_signal_during_a_write_leaves_each_note_old_or_new(tmp_path: Path, run: RunCommand) -> None:
    def stopped(moment: str) -> None:
        vault, _, _ = create_alias_vault(tmp_path / moment, 300)
        watcher = Watcher(vault, "--fix").said("Watching ")
        end = time.monotonic() + PATIENT
        while not MOMENTS[moment](vault) and time.monotonic() < end:
            time.sleep(0.001)
        watcher.send(signal.SIGTERM)
        try:
            watcher.ended()
        finally:
            watcher.killed()

    with ThreadPoolExecutor(len(MOMENTS)) as pool:
        list(pool.map(stopped, MOMENTS))
    for number, moment in enumerate(MOMENTS):
        _, before, after = create_alias_vault(tmp_path / f"model {number}", 300)
        vault = tmp_path / moment
        now = read_files(vault)
        assert now.keys() == before.keys()
        assert [path for path, data in now.items() if data not in (before[path], after[path])] == []
        assert len(list_runs(vault)) == (1 if now != before else 0)
        if now != before:
            assert run("undo", "--vault", vault).code == 0
            assert read_files(vault) == before


# -- settings -------------------------------------------------------------------------------------------------------


def test_changed_settings_take_effect(tmp_path: Path) -> None:
    vault = create_vault(
        tmp_path / "vault", {"a.md": "[[b]] [[no]]\n", "b.md": "[[a]]\n", "c.md": "[[a]]\n"}
    )
    config = vault / "vaultlink.toml"
    with command(vault) as watcher:
        config.write_text('extend-select = ["orphan-note"]\n')
        watcher.printed("orphan-note")
        config.write_text("extend-select = [\n")
        watcher.said("vaultlink.toml: not valid TOML")
        (vault / "d.md").write_text("[[a]]\n")
        watcher.printed("+ d.md").settled()
        config.write_text('extend-select = ["orphan-note"]\nignore = ["dangling-link"]\n')
        watcher.printed("- a.md")
        config.unlink()
        watcher.printed("- c.md")
    assert watcher.changes == [
        "+ orphan-note c.md",
        "+ orphan-note d.md",
        "- planned-note a.md",
        "+ planned-note a.md",
        "- orphan-note c.md",
        "- orphan-note d.md",
    ]
    assert watcher.lines.count("new settings: 1 new") == 1
    wrong = [line for line in watcher.err if line.startswith("warning:")]
    assert len(wrong) == 1
    assert wrong[0].endswith("The previous settings stay in force.")


def test_changed_exclusions_of_obsidian_take_effect(vault: Path) -> None:
    with command(vault) as watcher:
        (vault / "x" / "c.md").write_text("[[no]]\n")
        watcher.printed("+ x/c.md")
        (vault / ".obsidian" / "app.json").write_text('{"userIgnoreFilters": ["x/"]}')
        watcher.printed("- x/c.md")
        (vault / ".obsidian" / "app.json").write_text('{"userIgnoreFilters": ["x/')
        watcher.settled()
        (vault / ".obsidian" / "app.json").write_text("{}")
    assert watcher.changes[:2] == ["+ planned-note x/c.md", "- planned-note x/c.md"]


# -- a vault that goes away -----------------------------------------------------------------------------------------


GONE, BACK = "does not exist or contains no notes", " is back."


def renamed(vault: Path) -> Callable[[], object]:
    """Rename the vault's folder, and rename it back."""
    vault.rename(vault.with_name("elsewhere"))
    return lambda: vault.with_name("elsewhere").rename(vault)


def cloned(vault: Path) -> Callable[[], object]:
    """Delete the vault, and create another folder with the same name and notes."""
    copy = vault.with_name("copy")
    shutil.copytree(vault, copy)
    vault.rename(vault.with_name("deleted"))
    shutil.rmtree(vault.with_name("deleted"))
    return lambda: copy.rename(vault)


def emptied(vault: Path) -> Callable[[], object]:
    """Delete all notes at once, and restore them."""
    kept = read_files(vault)
    aside = vault.with_name("aside")
    aside.mkdir()
    for path in ("x", *(file.name for file in vault.glob("*.md"))):
        (vault / path).rename(aside / path)
    return lambda: write_files(vault, kept)


def mounted_over(vault: Path) -> Callable[[], object]:
    """Mount an empty file system on the vault, and unmount it."""
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "none", vault], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting is not permitted here")
    return lambda: subprocess.run(["umount", "-l", vault], check=True)


@pytest.mark.parametrize(
    "going", [renamed, cloned, emptied, pytest.param(mounted_over, marks=LINUX)]
)
def test_watch_waits_for_a_missing_vault(
    tmp_path: Path, going: Callable[[Path], Callable[[], object]]
) -> None:
    vault = create_vault(
        tmp_path / "vault",
        {**SMALL, "d.md": "[[no]] [[Nick]]\n", "e.md": "---\naliases: [Nick]\n---\n"},
    )
    with command(vault, "--ignore", "alias-link") as watcher:
        back = going(vault)
        try:
            watcher.said(GONE)
        finally:
            back()
        watcher.said(BACK).settled()
        (vault / "b.md").unlink()
        watcher.printed("+ a.md")
    assert watcher.changes == ["+ dangling-link a.md"]
    assert [line for line in watcher.err if GONE in line] == [
        f"warning: {vault} does not exist or contains no notes. Waiting for it to come back."
    ]
    assert [line for line in watcher.err if BACK in line] == [f"{vault} is back."]


def test_missing_vault_is_not_written(tmp_path: Path) -> None:
    vault, before, after = create_alias_vault(tmp_path / "vault", 3)
    with command(vault, "--fix") as watcher:
        vault.rename(tmp_path / "elsewhere")
        watcher.said(GONE)
        time.sleep(CALM + 0.5)
        assert read_files(tmp_path / "elsewhere") == before
        assert not vault.exists()
        (tmp_path / "elsewhere").rename(vault)
        watcher.said(BACK).printed("fixed 3 findings in 3 notes")
    assert read_files(vault) == after
    assert watcher.lines[3] == "fixed 3 findings in 3 notes: alias-link 3: 3 resolved"


# -- limits of the system -------------------------------------------------------------------------------------------


def limited(name: str, limit: int) -> list[str]:
    """Return the prefix of a command for a user namespace with these inotify limits."""
    words = [
        "unshare",
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        f'echo {limit} > /proc/sys/user/{name} && exec "$@"',
        "sh",
    ]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*words, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("user namespaces, in which inotify can be limited, are not permitted here")
    return words


@LINUX
@pytest.mark.parametrize(
    ("name", "limit", "named"),
    [
        ("max_inotify_watches", 5, "fs.inotify.max_user_watches"),
        ("max_inotify_instances", 0, "fs.inotify.max_user_instances"),
    ],
)
def test_polling_replaces_unavailable_inotify(
    tmp_path: Path, name: str, limit: int, named: str
) -> None:
    vault = create_vault(
        tmp_path / "vault", {f"f{number}/n{number}.md": "" for number in range(12)}
    )
    with command(vault, before=limited(name, limit)) as watcher:
        watcher.said(named).settled()
        (vault / "f7" / "n7.md").write_text("[[no]]\n")
        watcher.printed("+ f7/n7.md")
    [warning] = [line for line in watcher.err if line.startswith("warning:")]
    assert f"`sudo sysctl {named}=" in warning
    assert warning.endswith("Until then the vault is scanned every 2 seconds, as with `--poll 2`.")


@LINUX
def test_one_instance_of_inotify_is_enough(vault: Path) -> None:
    with command(vault, before=limited("max_inotify_instances", 1)) as watcher:
        watcher.settled()
        assert not any(line.startswith("warning:") for line in watcher.err)


@LINUX
def test_exhausted_inotify_watches_do_not_end_the_watch(vault: Path) -> None:
    with command(vault, before=limited("max_inotify_watches", 4)) as watcher:
        watcher.settled()
        write_files(vault, {f"f{number}/n.md": "[[no]]\n" for number in range(6)})
        watcher.said("fs.inotify.max_user_watches").printed("f5/n.md")
        (vault / "f3" / "n.md").write_text("")
        watcher.printed("- f3/n.md")


@LINUX
def test_dropped_events_cause_a_full_rescan(vault: Path) -> None:
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with command(vault) as watcher:
        watcher.settled().send(signal.SIGSTOP)
        for number in range(max(queue // 3, 6_000) + 1_000):  # each is made, closed and deleted
            file = vault / f"t{number}.txt"
            file.touch()
            file.unlink()
        (vault / "b.md").unlink()
        write_files(vault, {"x/c.md": "[[no]]\n", "new/deep/d.md": "[[nor]]\n"})
        watcher.send(signal.SIGCONT).printed("+ new/deep/d.md")
        watcher.settled()
    assert sorted(watcher.changes) == [
        "+ dangling-link a.md",
        "+ planned-note new/deep/d.md",
        "+ planned-note x/c.md",
    ]


# -- polling, comparing, proposing ----------------------------------------------------------------------------------


def test_polling_detects_changes_with_equal_size_and_time(vault: Path) -> None:
    with command(vault, "--poll", "0.3") as watcher:
        watcher.settled()
        status = (vault / "a.md").stat()
        (vault / "a.md").write_text("[[b]] and [[d]]\n")
        os.utime(vault / "a.md", ns=(status.st_atime_ns, status.st_mtime_ns))
        watcher.printed("+ a.md")
        (vault / "d.md").write_text("")
        watcher.printed("- a.md")
    assert watcher.changes == ["+ planned-note a.md", "- planned-note a.md"]


@pytest.mark.parametrize("options", [[], ["--poll", "0.3"]], ids=["events", "polling"])
def test_verify_never_finds_a_difference(vault: Path, options: list[str]) -> None:
    dice = random.Random(7)
    paths = ["a.md", "b.md", "x/c.md", "x/d.md", "y/e.md", "p.png"]
    texts = [
        *SMALL.values(),
        "[[p.png]] [[e]]\n",
        "---\naliases: [b]\n---\n",
        "",
        "# One\n[[c#One]]\n",
        "[[a]] [[a]] ^k\n",
    ]
    with command(vault, "--verify", *options) as watcher:
        for _ in range(4):
            for _ in range(dice.randrange(1, 12)):
                file, other = vault / dice.choice(paths), vault / dice.choice(paths)
                write_files(vault, {os.fspath(other.relative_to(vault)): dice.choice(texts)})
                if dice.random() < 0.3:
                    other.rename(
                        file.parent / other.name
                    ) if file.parent.is_dir() else other.unlink()
                elif dice.random() < 0.3:
                    file.unlink(missing_ok=True)
            watcher.settled()
    assert not any("differs" in line for line in watcher.err)


def test_what_would_be_fixed_is_shown_as_a_diff_and_not_written(tmp_path: Path) -> None:
    vault, before, _ = create_alias_vault(tmp_path / "vault", 1)
    with command(vault, "--fix", "--diff") as watcher:
        watcher.printed("+number 0: [[b|Nick]]")
    assert watcher.lines[-5:] == [
        "--- a/n000.md",
        "+++ b/n000.md",
        "@@ -1 +1 @@",
        "-number 0: [[Nick]]",
        "+number 0: [[b|Nick]]",
    ]
    assert (read_files(vault), list_runs(vault)) == (before, [])


# -- on a terminal --------------------------------------------------------------------------------------------------

CONTROLLING = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"


class Screen:
    """A watcher on a terminal of 80 columns, and the screen."""

    def __init__(self, vault: Path, *options: str):
        self._end, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        line = [
            sys.executable,
            "-c",
            CONTROLLING,
            sys.executable,
            "-m",
            "vaultlink",
            "watch",
            str(vault),
            *options,
        ]
        self.process = subprocess.Popen(
            line,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
        )
        os.close(terminal)
        os.set_blocking(self._end, False)
        self.text = ""

    def read(self) -> None:
        """Read the available output."""
        with suppress(OSError):  # nothing has, or the terminal is closed
            while data := os.read(self._end, 65536):
                self.text += data.decode()

    def until(self, there: Callable[[list[str]], object]) -> list[str]:
        """Wait until `there` returns True for the lines on the screen."""
        end = time.monotonic() + PATIENT
        while not there(self.rows):
            assert time.monotonic() < end, f"not seen: {self.text!r}"
            time.sleep(0.02)
            self.read()
        return self.rows

    @property
    def rows(self) -> list[str]:
        """The lines on the screen."""
        rows = []
        for text in self.text.split("\r\n"):
            row = ""
            for part in re.split(r"(\r|\x1b\[J)", text):
                if part == "\x1b[J":
                    row = ""  # it is used at a line's beginning only
                elif part != "\r":
                    row = part + row[len(part) :]
            rows.append(row)
        return rows

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._end, keys)

    def ended(self, code: int = 0) -> None:
        """Wait for its end."""
        end = time.monotonic() + PATIENT
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
            time.sleep(0.02)
        self.read()
        assert self.process.returncode == code, self.text
        assert "Traceback" not in self.text
        assert "Error" not in self.text


@contextmanager
def screen(vault: Path, *options: str) -> Iterator[Screen]:
    """Run a watcher on a terminal."""
    shown = Screen(vault, *options)
    try:
        yield shown
    finally:
        shown.process.kill()
        shown.process.wait()
        os.close(shown._end)


def test_terminal_status_line_shows_totals(vault: Path) -> None:
    name = "a note of which the name alone is so long that no status line can hold all of it.md"
    with screen(vault) as shown:
        shown.until(lambda rows: rows[-1] == "3 notes · 3 links · 0 unresolved · 0 findings")
        (vault / name).write_text("[[no]] [[no]] [[nor]]\n")
        rows = shown.until(lambda rows: "3 findings" in rows[-1])
        lines = "\n".join(rows[:-1]).replace("\n    ", " ").split("\n")
        assert [re.sub(r"^[\d:]{8} ", "", line) for line in lines] == [
            "No findings in 3 notes.",
            f"Watching {vault}; Ctrl-C ends it.",
            f"{name} created: 3 new",
            "+ 2 links in 1 note: " + PLANNED.format("no"),
            f"+ {name}:1:15: " + PLANNED.format("nor"),
        ]
        assert re.fullmatch(r"4 notes · 6 links · 2 unresolved · 3 findings · [\d:]{8}", rows[-1])
        shown.type(b"\x03")
        shown.ended()
        assert [row for row in shown.rows if "notes ·" in row] == []
        assert shown.rows[-2] == (
            "Stopped: 1 change seen in 1 file, 3 findings now (3 more than at the start)."
        )


def test_terminal_counts_many_initial_findings(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "[[no]]\n" * 51, "b.md": "[[a#Nowhere]]\n"})
    with screen(vault) as shown:
        rows = shown.until(lambda rows: "52 findings" in rows[-1])
        assert [row.rstrip() for row in rows[:4]] == [  # blanks may be left of the progress line
            "findings  rule",
            "      51  VL125 planned-note",
            "       1  VL102 missing-heading",
            f"`vaultlink check --vault {shlex.quote(str(vault))}` lists the findings.",
        ]
        (vault / "a.md").write_text("[[no]]\n" * 50)
        shown.until(lambda rows: "51 findings" in rows[-1])
        shown.type(b"\x03")
        shown.ended()


@LINUX
@pytest.mark.parametrize("delay", [0.0, 0.2, 0.5])
def test_ctrl_c_during_the_first_scan_is_not_an_error(large: Path, delay: float) -> None:
    with screen(large, "--no-cache", "--jobs", "3") as shown:
        wait_until_started(shown.process)
        time.sleep(delay)
        shown.type(b"\x03")
        shown.ended()


# -- two watchers ---------------------------------------------------------------------------------------------------


def test_second_watcher_takes_over_fixing_from_a_killed_one(vault: Path) -> None:
    with command(vault, "--fix") as first, command(vault, "--fix") as second:
        second.said("This watcher only reports")
        first.said("It only reports; it applies fixes after this one has ended.")
        (vault / "b.md").rename(vault / "q.md")
        first.printed("fixed 1 finding in 1 note")
        second.printed("- a.md")
        assert len(list_runs(vault)) == 1
        first.killed()
        second.said("has ended")
        (vault / "q.md").rename(vault / "r.md")
        second.printed("fixed 1 finding in 1 note")
        assert (vault / "a.md").read_text() == "[[r|b]] and [[c]]\n"
    assert len(list_runs(vault)) == 2


# -- oddities -------------------------------------------------------------------------------------------------------


def test_note_may_become_a_folder_and_a_note_again(vault: Path) -> None:
    with command(vault, "--verify") as watcher:
        (vault / "b.md").unlink()
        write_files(vault, {"b.md/inner.md": "[[no]]\n"})
        watcher.printed("inner.md")
        shutil.rmtree(vault / "b.md")
        (vault / "b.md").write_text("# B\n")
        watcher.printed("- b.md/inner.md").settled()
    assert sorted(watcher.changes) == [
        "+ dangling-link a.md",
        "+ planned-note b.md/inner.md",
        "- dangling-link a.md",
        "- planned-note b.md/inner.md",
    ]


def test_symlinked_note_is_not_part_of_the_vault(vault: Path, tmp_path: Path) -> None:
    write_files(tmp_path, {"outside.md": "[[no]]\n"})
    with command(vault, "--verify", "-v") as watcher:
        (vault / "s.md").symlink_to(tmp_path / "outside.md")
        watcher.settled()
        (tmp_path / "outside.md").write_text("[[nor]]\n")
        (vault / "b.md").unlink()
        (vault / "b.md").symlink_to(tmp_path / "outside.md")
        watcher.settled()
    assert watcher.changes == ["+ dangling-link a.md"]
    assert not any("s.md" in line.split() for line in watcher.out)


def test_unusual_names_are_supported(vault: Path) -> None:
    place = os.fsencode(vault)
    with command(vault, "--verify") as watcher:
        (vault / "two\nlines.md").write_text("[[no]]\n")
        watcher.printed("two")
        with open(place + b"/\xff.md", "wb") as file:  # noqa: PTH123 - no name for a Path
            file.write(b"[[no]]\n")
        os.mkdir(place + b"/d\xfe")  # noqa: PTH102
        with open(place + b"/d\xfe/x.md", "wb") as file:  # noqa: PTH123
            file.write(b"[[no]]\n")
        watcher.settled()
        (vault / "two\nlines.md").rename(vault / "\x1b[2Jcleared.md")
        (vault / "\x1b[2Jcleared.md").write_text("[[no]] [[nor]]\n")
        watcher.printed("cleared").settled()
        os.rename(place + b"/\xff.md", place + b"/text.md")  # noqa: PTH104
        watcher.printed("+ text.md")
    assert not any("\x1b" in line for line in watcher.out)
    assert any(line.startswith("+ two\\nlines.md:1:1: ") for line in watcher.lines)


@LINUX
def test_idle_watcher_takes_no_processor_time(vault: Path) -> None:
    def ticks(process: int) -> int:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    git(vault, "init")
    with command(vault) as watcher:
        watcher.settled()
        time.sleep(0.5)
        before = ticks(watcher.process.pid)
        time.sleep(3)
        assert (ticks(watcher.process.pid) - before) / os.sysconf("SC_CLK_TCK") < 0.2
