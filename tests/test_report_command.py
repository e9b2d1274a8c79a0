"""`vaultlink report`: its options, its file, its exit code, and that nothing else is overwritten."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from growth import count_calls_by_name
from repositories import commit, create_repository
from running import RunCommand, create_vault
from screens import run_on_screen
from tables import each
from vaultlink.api import open_vault
from vaultlink.cli.commands.report import draw_vault
from vaultlink.report import MARKDOWN_MARK

JSON_START = '{"schema":1,\n"vault":'

VAULT = {
    "Home.md": "[[Quay]] [[Nowhere]]\n",
    "Quay.md": "[[Home]]\n",
    "map.png": "",
    ".vaultlink.toml": "",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a vault with one broken link, whose score is 46."""
    return create_vault(tmp_path / "Ports", VAULT)


@pytest.fixture
def run(run_anywhere: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Return a function that runs a command in the vault."""
    monkeypatch.chdir(vault)
    return run_anywhere


# -- output ---------------------------------------------------------------------------------------------------------------


def test_json_and_markdown_are_printed(run: RunCommand) -> None:
    done = run("report", "--json")
    assert done.code == 0
    assert done.out.startswith(JSON_START)
    assert isinstance(done.data, dict)
    assert (done.data["vault"], done.data["score"]["value"]) == ("Ports", 46)
    done = run("report", "--output-format", "markdown")
    assert done.out.startswith(f"{MARKDOWN_MARK}\n\n## Health score of `Ports`: 46 of 100\n")
    assert done.err == "Health score: 46 of 100.\n"


@each(
    ("words", "mark"),
    [
        (("--output", "../r.json"), JSON_START),
        (("--output", "../r.md"), MARKDOWN_MARK),
        (("--output-file", "../r.md"), MARKDOWN_MARK),
        (("--output", "../r", "--json"), JSON_START),
        (("--output", "../r.JSON", "--json"), JSON_START),
        (("--output=../r.MD",), MARKDOWN_MARK),
        (("--output=../r.markdown", "--output-format=markdown"), MARKDOWN_MARK),
    ],
)
def test_format_is_that_of_the_option_or_of_the_name(
    run: RunCommand, vault: Path, words: Sequence[str], mark: str
) -> None:
    done = run("report", *words)
    assert (done.code, done.out) == (0, "")
    [file] = [path for path in vault.parent.iterdir() if path.is_file()]
    assert file.read_text(encoding="utf-8").startswith(mark)
    assert done.err == f"Health score: 46 of 100. Report: ../{file.name}\n"


def test_quiet_run_prints_nothing_but_the_report(run: RunCommand) -> None:
    assert run("report", "-q", "--json").err == ""
    assert run("report", "-q", "--output", "../r.json") == (0, "", "")


def test_equal_vaults_give_equal_reports(run: RunCommand, tmp_path: Path) -> None:
    first = run("report", "--json").out
    assert run("report", "--json", "--no-cache").out == first
    copy = create_vault(tmp_path / "copy" / "Ports", VAULT)
    assert run("report", "--json", "--vault", copy).out == first
    assert '"date":"2026-05-31"' in run("report", "--json", "--date", "2026-05-31").out


@pytest.mark.usefixtures("plain_git")
def test_commit_is_that_of_the_repository(run: RunCommand, tmp_path: Path) -> None:
    repository = create_repository(tmp_path / "repository", {"notes/A.md": ""})
    newest = commit(repository)
    done = run("report", "--json", "--vault", repository / "notes")
    assert isinstance(done.data, dict)
    assert done.data["commit"] == newest


def test_all_findings_count_also_those_of_a_baseline(run: RunCommand) -> None:
    before = run("report", "--json").out
    assert run("baseline").code == 0
    assert run("check").code == 0
    assert run("report", "--json").out == before


@each("variables", [{"GITHUB_ACTIONS": "true"}, {"TF_BUILD": "True"}])
def test_page_is_not_printed_in_a_log(
    run: RunCommand, vault: Path, variables: Mapping[str, str]
) -> None:
    """A note's name could be a command for the service."""
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", "report"],
        cwd=vault,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "a page is not printed in the log of a CI service." in done.stderr


def test_page_is_written_and_named_on_a_terminal(vault: Path) -> None:
    pytest.importorskip("jinja2")
    page = vault / "vaultlink-report.html"
    for _ in range(2):  # the second run replaces its own page
        with run_on_screen(vault, "report") as screen:
            screen.wait_for("Health score: 46 of 100. Report: vaultlink-report.html")
            assert "<!doctype" not in screen.text
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_page_on_a_terminal_never_replaces_a_file_of_others(vault: Path) -> None:
    page = vault / "vaultlink-report.html"
    page.write_text("<!doctype html><title>Mine</title>", encoding="utf-8")
    with run_on_screen(vault, "report") as screen:
        screen.wait_for("vaultlink-report.html exists in the vault")
    assert page.read_text(encoding="utf-8") == "<!doctype html><title>Mine</title>"


def test_other_formats_are_printed_on_a_terminal(vault: Path) -> None:
    with run_on_screen(vault, "report", "--output-format", "markdown") as screen:
        screen.wait_for("Health score: 46 of 100.")
    assert not (vault / "vaultlink-report.html").exists()


def test_page_is_printed_in_a_pipe(run: RunCommand, vault: Path) -> None:
    pytest.importorskip("jinja2")
    done = run("report")
    assert done.out.startswith("<!doctype html>")
    assert done.err == "Health score: 46 of 100.\n"
    assert not (vault / "vaultlink-report.html").exists()


def test_missing_jinja2_is_reported_before_the_check(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setattr("vaultlink.cli.commands.report.scan_from_options", lambda *_: pytest.fail())
    done = run("report", "--output", "../r.html")
    assert (done.code, "pip install jinja2`" in done.err) == (2, True)
    assert not (vault.parent / "r.html").exists()


# -- mentions -------------------------------------------------------------------------------------------------------------

MENTIONS = {
    "Home.md": "From the harbour pilots to the tide table, and to the harbour pilots.\n",
    "Walk.md": "The harbour pilots came.\n",
    "Harbour pilots.md": "They need the [[Tide table]].\n",
    "Tide table.md": "High water at noon.\n",
    ".vaultlink.toml": "",
}


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """Create a vault whose notes name others without a link."""
    pytest.importorskip("ahocorasick_rs")
    return create_vault(tmp_path / "Named", MENTIONS)


def count_certain(run: RunCommand, vault: Path) -> int:
    data = run("mentions", "--json", "--vault", vault).data
    assert isinstance(data, dict)
    return sum(item["certain"] for item in data["mentions"])


def test_mentions_are_those_that_mentions_links(run: RunCommand, named: Path) -> None:
    for _ in range(2):  # the second run reads them from the cache
        data = run("report", "--json", "--vault", named).data
        assert isinstance(data, dict)
        assert data["totals"]["mentions"] == count_certain(run, named) == 3
        assert [(row["path"], row["mentions"]) for row in data["mentions"]] == [
            ("Harbour pilots.md", 2),
            ("Tide table.md", 1),
        ]
        assert [step["kind"] for step in data["next"]] == ["mentions"]
    assert run("mentions", "--write", "--vault", named).code == 0
    data = run("report", "--json", "--vault", named).data
    assert isinstance(data, dict)
    assert (data["totals"]["mentions"], data["mentions"], data["next"]) == (0, [], [])


def test_notes_that_can_not_be_changed_do_not_count(run: RunCommand, named: Path) -> None:
    assert run("report", "--json", "--vault", named).code == 0
    (named / ".vaultlink.toml").write_text('protect = ["Walk.md"]\n', encoding="utf-8")
    data = run("report", "--json", "--vault", named).data
    assert isinstance(data, dict)
    assert data["totals"]["mentions"] == count_certain(run, named) == 2


def test_mentions_without_the_library_are_unknown(
    run: RunCommand, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultlink.mentions.search._LIBRARY", "no_such_library")
    data = run("report", "--json", "--vault", named).data
    assert isinstance(data, dict)
    assert (data["totals"]["mentions"], data["mentions"], data["next"]) == (None, [], [])
    page = run("report", "--vault", named).out
    assert "Not searched: this takes an extra library." in page


# -- exit code ------------------------------------------------------------------------------------------------------------


@each(("least", "code"), [("1", 0), ("45", 0), ("46", 0), ("47", 1), ("100", 1)])
def test_exit_code_is_1_below_the_least_score(run: RunCommand, least: str, code: int) -> None:
    done = run("report", "--json", "--fail-under", least)
    assert done.code == code
    message = f"The score is below {least} (--fail-under).\n"
    assert done.err == "Health score: 46 of 100.\n" + (message if code else "")


@each(
    ("words", "message"),
    [
        (("--fail-under", "101"), "--fail-under: the highest score is 100, not 101."),
        (("--fail-under", "0"), "--fail-under: must be a whole number above 0"),
        (("--date", "yesterday"), "--date: must be a day such as 2026-05-31, not “yesterday”."),
        (("--date", "2026-02-30"), "--date: must be a day"),
        (("--date", "20260228"), "--date: must be a day"),
        (("--open", "--json"), "--open requires --output-file, or the format html."),
        (
            ("--output", "../r.pdf"),
            "../r.pdf: a report in the format html ends in .html or .htm. Nothing was written. "
            "A browser prints the page as PDF.",
        ),
        (("--output", "../r.txt", "--json"), "a report in the format json ends in .json."),
        (("--output", "../r.md", "--json"), "a report in the format json ends in .json."),
        (("--output", "../r.svg"), "a report in the format html ends in .html or .htm."),
        (
            ("--output", "../r.html", "--output-format", "markdown"),
            "a report in the format markdown ends in .md or .markdown.",
        ),
        (("--output-format", "tsv"), "Valid values: html, json, markdown."),
        (("--output", "no/such/r.html"), "can't write no/such/r.html: No such file or directory."),
        (("--output", ".obsidian"), "can't write .obsidian: it is a folder. Name a file in it."),
        (
            ("--output", "Home.md"),
            "Home.md exists in the vault ",
        ),
    ],
)
def test_usage_errors(run: RunCommand, words: Sequence[str], message: str) -> None:
    done = run("report", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


# -- the file -------------------------------------------------------------------------------------------------------------


@each("name", ["r.json", "r.md"])
def test_earlier_report_is_replaced_and_not_counted(
    run: RunCommand, vault: Path, name: str
) -> None:
    """It would otherwise be one more note, or one more unused file, from the second run on."""
    assert run("report", "--output", name).code == 0
    first = (vault / name).read_bytes()
    assert run("report", "--output", name).code == 0
    assert (vault / name).read_bytes() == first
    (vault / "Home.md").write_text("[[Quay]]\n", encoding="utf-8")
    assert run("report", "--output", name).code == 0
    assert (vault / name).read_bytes() != first


def test_empty_note_is_not_overwritten(run: RunCommand, vault: Path) -> None:
    (vault / "New.md").touch()
    done = run("report", "--output", "New.md")
    assert (done.code, (vault / "New.md").stat().st_size) == (2, 0)
    assert "New.md exists in the vault " in done.err


def test_file_is_opened_in_the_browser(vault: Path, tmp_path: Path) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    name = "a & $(touch pwned) é.json"
    subprocess.run(
        [sys.executable, "-m", "vaultlink", "report", "--output", f"../{name}", "--open"],
        cwd=vault,
        env={**os.environ, "BROWSER": f"{browser} %s"},
        check=True,
        capture_output=True,
    )
    deadline = time.monotonic() + 20
    while not opened.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert opened.read_text() == (tmp_path / name).as_uri()
    assert sorted(path.name for path in vault.iterdir()) == sorted([*VAULT, ".obsidian"])


def test_picture_has_the_topics_of_the_report(tmp_path: Path) -> None:
    root = create_vault(
        tmp_path, {"a.md": "[[Nowhere]] if [[ -n $x && -f y ]]; then\n", "b.md": "[[a]]\n"}
    )
    picture = draw_vault(open_vault(root))
    assert [node.name for node in picture.nodes if node.kind == "dangling"] == ["Nowhere"]


def test_page_with_a_picture_from_the_cache_is_that_of_a_run_without(
    run: RunCommand, vault: Path
) -> None:
    pytest.importorskip("jinja2")
    for text in ("[[Quay]] [[Nowhere]]\n", "Words. [[Quay]] [[Nowhere]]\n", "[[Quay]]\n"):
        (vault / "Home.md").write_text(text, encoding="utf-8")
        fresh = run("report", "--no-cache").out
        assert [run("report").out for _ in range(2)] == [fresh, fresh]


# -- the work of a report ----------------------------------------------------------------------------------------


@each("first", ["mentions", "report"])
def test_only_a_changed_note_is_searched_for_mentions(
    run: RunCommand, tmp_path: Path, first: str
) -> None:
    pytest.importorskip("ahocorasick_rs")
    texts = {f"Note {number:02}.md": "Words of the [[Quay]].\n" for number in range(40)}
    vault = create_vault(tmp_path, {**texts, "Quay.md": "Words.\n"})
    run(first, "--vault", vault, "--output-format", "json")
    (vault / "Note 07.md").write_text("Words of Note 08.\n", encoding="utf-8")
    report = ("report", vault, "--output-format", "json")
    calls = count_calls_by_name(lambda: run(*report))
    assert (calls["find_wanted"], calls["parse_note"]) == (1, 1)


def test_a_page_builds_no_graph_of_names(vault: Path) -> None:
    calls = count_calls_by_name(lambda: draw_vault(open_vault(vault)))
    assert calls["find_communities"] == 1
    assert "build_graph" not in calls
