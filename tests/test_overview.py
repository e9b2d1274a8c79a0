"""Tests of the first screen of `check`: the overview, groups of one target, statistics, and shown paths."""

import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from running import RunCommand, create_vault
from tables import each
from vaultlink import Settings, open_vault
from vaultlink.cli.opening import find_path_prefix, make_path_formatter
from vaultlink.cli.terminal import ProgressLine, describe_progress, print_stderr

NOTES = {
    **{f"Note {n:02}.md": f"# Note {n}\n\n[[Wanted]] and [[Topic {n}]]\n" for n in range(30)},
    "Plans for it.md": "---\ntitle: A plan\n---\n[[Note 01]]\n",
    "Home.md": "[[A plan]] [[note-02]] [[Note 03#Missing]] [[Plan for it]] [[Note 04]]\n",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = create_vault(tmp_path / "vault", NOTES)
    monkeypatch.chdir(root)
    return root


def summary_of(run: RunCommand) -> Any:
    data: Any = run("check", "--output-format", "json").data
    return data["summary"]


def overview(run: RunCommand, *words: str) -> list[str]:
    return run("check", "--output-format", "full", "--show", "overview", *words).lines


@pytest.mark.usefixtures("vault")
def test_overview_is_that_of_status(run: RunCommand) -> None:
    shown = run("check", "--output-format", "full", "--show", "overview")
    assert (shown.code, shown.out) == (1, run("status").out)


@pytest.mark.usefixtures("vault")
def test_overview_fits_on_a_small_screen(run: RunCommand) -> None:
    lines = overview(run)
    assert len(lines) <= 22  # the vault and the prompt take a line each
    assert all(len(line) <= 120 for line in lines)


@pytest.mark.usefixtures("vault")
def test_overview_says_how_the_vault_is(run: RunCommand) -> None:
    summary = summary_of(run)
    internal = summary["resolved"] + summary["dangling"]
    lines = overview(run)
    assert lines[0].startswith(f"{summary['resolved']} of {internal} links resolve (")
    assert lines[1].endswith(f"{summary['notes']} notes in the vault")


@pytest.mark.usefixtures("vault")
def test_overview_counts_what_fix_does(run: RunCommand) -> None:
    data = summary_of(run)
    lines = overview(run)
    commands = {line.split("  ")[1]: line for line in lines if line.startswith("  vaultlink")}
    assert f"fix {data['fixable']} now" in commands["vaultlink fix"]
    assert f"; {data['unsafe_fixable']} ha" in commands["vaultlink fix --interactive"]
    assert f"show all {data['findings']} findings" in commands["vaultlink check --show all"]
    assert "vaultlink unresolved" in commands


@pytest.mark.usefixtures("vault")
def test_overview_ranks_missing_targets(run: RunCommand) -> None:
    lines = overview(run)
    at = next(n for n, line in enumerate(lines) if line.startswith("Planned notes"))
    assert lines[at] == "Planned notes, by the notes that link to them (and 28 more)"
    assert lines[at + 1].split() == ["30", "Wanted"]


def test_overview_names_the_vault_in_commands(run: RunCommand, vault: Path) -> None:
    text = "\n".join(overview(run, "--vault", str(vault)))
    assert f"  vaultlink unresolved --vault {vault}" in text
    lines = overview(run, "Note 01.md")
    assert any(line.startswith("  vaultlink check --show all 'Note 01.md'") for line in lines)


def test_overview_of_a_healthy_vault(run: RunCommand, tmp_path: Path) -> None:
    root = create_vault(tmp_path / "healthy", {"A.md": "[[A]] text\n", "B.md": "[[A]]\n"})
    lines = overview(run, "--vault", str(root))
    assert lines[:2] == [
        "2 of 2 links resolve (100 %)",
        "no findings in 0 files; 2 notes in the vault",
    ]


def test_overview_counts_notes_that_can_not_be_read(run: RunCommand, tmp_path: Path) -> None:
    files = {"A.md": b"[[Nobody]]\n", "B.md": b"\0\xff", "C.md": b"\xfe"}
    root = create_vault(tmp_path / "damaged", files)
    line = overview(run, "--vault", str(root))[1]
    assert line.endswith("3 notes in the vault, 2 of which can't be read")
    for name in ("B", "C"):
        done = run("show", name, "--vault", root)
        assert f"warning: {name}.md can't be read: byte" in done.err
    assert run("show", "A", "--vault", root).err == ""


@pytest.mark.usefixtures("vault")
def test_output_in_a_pipe_is_complete(run: RunCommand) -> None:
    assert len(run("check").lines) == summary_of(run)["findings"]


@pytest.mark.usefixtures("vault")
def test_statistics_have_the_numbers_of_fixes(run: RunCommand) -> None:
    data = summary_of(run)
    header, *rows = [line.split() for line in run("check", "--statistics").lines]
    assert header == ["findings", "fix", "unsafe", "rule"]
    assert {row[4]: int(row[0]) for row in rows} == data["by_rule"]
    assert sum(int(row[1]) for row in rows) == data["fixable"]
    assert sum(int(row[2]) for row in rows) == data["unsafe_fixable"]


@pytest.mark.usefixtures("vault")
def test_marked_lines_are_those_that_fix_resolves(run: RunCommand) -> None:
    marked = [line for line in run("check").lines if " [*] " in line]
    assert len(marked) == summary_of(run)["fixable"] > 0
    assert all(line.split()[2] in ("title-link", "respelt-link") for line in marked)


@pytest.mark.usefixtures("vault")
def test_concise_lines_end_with_the_suggestion(run: RunCommand) -> None:
    [line] = [line for line in run("check").lines if "note-02" in line]
    assert line.endswith("Did you mean [[Note 02]]?")


# -- paths ------------------------------------------------------------------------------------------


def test_paths_are_relative_to_the_current_folder(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_vault(tmp_path / "vault", {"a/A.md": "[[Nothing]]\n", "b/B.md": ""})
    for folder, shown in (("", "a/A.md"), ("a", "A.md"), ("b", "../a/A.md")):
        monkeypatch.chdir(root / folder)
        assert run("check").out.startswith(f"{shown}:1:1: ")
        assert run("check", "--output-format", "json").data["findings"][0]["path"] == "a/A.md"  # type: ignore[index]
        assert f"--> {shown}:1:1" in run("check", "--output-format", "full").out
    monkeypatch.chdir(tmp_path)
    assert make_path_formatter(root)("a/A.md") == "vault/a/A.md"
    assert find_path_prefix(root) == "vault/"


def test_many_findings_have_shown_paths_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: RunCommand
) -> None:
    text = "".join(f"[[No {n}]]\n" for n in range(1_100))
    create_vault(tmp_path / "vault", {"A.md": text, "B.md": "[[Nothing]]\n"})
    monkeypatch.chdir(tmp_path)
    lines = run("check", "--vault", "vault").lines
    assert [
        line for line in lines if not line.startswith(("vault/A.md:", "vault/B.md:1:1: "))
    ] == []
    assert len(lines) == 1_101


def test_path_without_a_common_folder_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/usr")
    assert find_path_prefix(Path("/srv/notes")) == "/srv/notes/"
    assert find_path_prefix(Path("/usr")) == ""
    assert find_path_prefix(Path(os.sep)) is None


# -- progress ---------------------------------------------------------------------------------------


@each(
    ("done", "seconds", "shown"),
    [
        (0, 5.0, "Reading notes: 0 of 4,000"),
        (500, 0.5, "Reading notes: 500 of 4,000"),
        (1000, 2.0, "Reading notes: 1,000 of 4,000 (500 per second, 6 s left)"),
        (4000, 2.0, "Reading notes: 4,000 of 4,000 (2,000 per second, 0 s left)"),
    ],
)
def test_progress_has_a_rate_and_the_time_left(done: int, seconds: float, shown: str) -> None:
    assert describe_progress(done, 4_000, seconds) == shown


def test_slow_steps_have_only_the_time_left() -> None:
    assert (
        describe_progress(2, 8, 4.0, "Measuring commits") == "Measuring commits: 2 of 8 (12 s left)"
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time that progress lines see, which a test can change."""
    now = [100.0]
    monkeypatch.setattr("vaultlink.cli.terminal.monotonic", lambda: now[0])
    return now


def test_phase_that_begins_late_is_drawn_at_once_and_erased(clock: list[float]) -> None:
    stream = io.StringIO()
    with ProgressLine(stream, "Planning fixes", began=clock[0] - 1):
        assert stream.getvalue() == "\rPlanning fixes"
    assert stream.getvalue() == "\rPlanning fixes\r" + " " * 16 + "\r"


def test_phase_of_a_short_run_is_not_drawn(clock: list[float]) -> None:
    stream = io.StringIO()
    with ProgressLine(stream, "Planning fixes", began=clock[0] - 0.4) as progress:
        progress.begin("Writing")
    assert stream.getvalue() == ""


def test_next_phase_takes_the_line_of_the_last_one(clock: list[float]) -> None:
    stream = io.StringIO()
    with ProgressLine(stream, began=clock[0] - 1) as progress:
        progress.begin("Resolving links")
        assert list(progress.count(["a", "b"])) == ["a", "b"]
        clock[0] += 0.2
        assert list(progress.count(["a", "b"])) == ["a", "b"]
    first, *drawn = [text.strip() for text in stream.getvalue().split("\r") if text.strip()]
    assert (first, drawn[0]) == ("Reading notes", "Resolving links")
    assert drawn[1:] == ["Resolving links", "Resolving links: 0 of 2", "Resolving links"]


def test_outer_phase_is_drawn_again_after_an_inner_one(clock: list[float]) -> None:
    stream = io.StringIO()
    with ProgressLine(stream, "Measuring the vault", clock[0] - 1):
        with ProgressLine(stream, "Searching mentions", clock[0] - 1):
            pass
        assert stream.getvalue().rpartition("\r")[2] == "Measuring the vault"


@pytest.fixture
def free_timer() -> Iterator[None]:
    """Take the timer that ends a test that hangs, and set it again."""
    if sys.platform == "win32":
        pytest.skip("Windows has no such timer")
    seconds, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    handler = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)


@pytest.mark.usefixtures("free_timer")
def test_long_computation_without_a_count_is_drawn_by_a_timer() -> None:
    stream = io.StringIO()
    with ProgressLine(stream, "Planning fixes", time.monotonic() - 0.45):
        assert stream.getvalue() == ""
        end = time.monotonic() + 10
        while not stream.getvalue() and time.monotonic() < end:
            pass
        assert stream.getvalue() == "\rPlanning fixes"
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


@pytest.mark.usefixtures("free_timer")
def test_timer_of_another_program_is_left_alone() -> None:
    calls: list[int] = []
    signal.signal(signal.SIGALRM, lambda number, _frame: calls.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    stream = io.StringIO()
    with ProgressLine(stream, "Planning fixes", time.monotonic() - 0.45):
        end = time.monotonic() + 10
        while not calls and time.monotonic() < end:
            pass
    assert (calls, stream.getvalue()) == ([signal.SIGALRM], "")


def test_message_erases_the_line(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with ProgressLine(stream, "Planning fixes", clock[0] - 1):
        print_stderr("warning: something")
        assert stream.getvalue().endswith(" " * 16 + "\r")
    assert capsys.readouterr().err == "warning: something\n"


def test_progress_of_other_programs_only_counts_reading(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "[[b]]", "b.md": ""})
    phases: list[str] = []
    counts: list[tuple[int, int]] = []

    class Phases:
        def __call__(self, done: int, total: int) -> None:
            counts.append((done, total))

        def begin(self, name: str) -> None:
            phases.append(name)

    open_vault(vault, Settings(cache=False), lambda done, total: counts.append((done, total)))
    alone, counts = counts, []
    open_vault(vault, Settings(cache=False), Phases())
    assert counts == alone
    assert phases[0] == "Resolving links"


COPIES = {
    **{
        f"{folder}/{n}.md": "[[Nome]] ![[gone.png]]\n"
        for n in range(3)
        for folder in ("02-raw", "x/Templates", "_Archive")
    },
    **{f"wiki/{n}.md": "[[Plan]] ![[here.png]]\n" for n in range(2)},
    "wiki/both.md": "[[Nome 2]]\n",
    "Rawhide/templates of it.md": "[[Nome 2]]\n",
}


def test_what_only_copies_name_comes_last(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "copies", COPIES))
    lines = overview(run)
    rows = [line.split(maxsplit=1)[1].split("  ")[0] for line in lines if line.startswith("  ")]
    assert rows[:5] == ["here.png", "gone.png", "Nome 2", "Plan", "Nome"]
    status: Any = run("status", "--json").data
    assert [row["topic"] for row in status["mistakes"]] == ["here.png", "gone.png"]
    assert [row["topic"] for row in status["planned"]] == ["Nome 2", "Plan", "Nome"]


def test_long_path_shows_its_end(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{'folder/' * 20}The plan"
    monkeypatch.chdir(
        create_vault(tmp_path / "long", {"a.md": f"[[{name}]]\n", "b/The plan.md": ""})
    )
    lines = overview(run)
    assert lines[lines.index("Mistakes") + 1].split("  ")[2].endswith("folder/The plan")
