"""Tests of output formats as commands print them: paths in the repository, exit codes, excluded findings."""

import json
import re
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from repositories import create_repository, update_files
from running import RunCommand
from tables import each
from vaultlink.report import FORMATS, OutputFormat

OTHERS = ("github", "gitlab", "sarif", "junit", "markdown")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def vault(plain_git: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault in a folder of a repository."""
    root = create_repository(
        tmp_path / "repo",
        {
            "my notes/.obsidian/app.json": "{}",
            "my notes/a.md": "See [this](gone.md).\n",
            "my notes/b.md": "[[Bee]]\n",
            "my notes/c.md": "---\naliases: [Bee]\n---\n",
        },
    )
    monkeypatch.chdir(root)
    return root / "my notes"


def places(form: str, text: str) -> list[str]:
    """Return the files that a report names, in its order."""
    if form == "github":
        return [
            line.partition("file=")[2].partition(",")[0]
            for line in text.splitlines()
            if line.startswith("::")
        ]
    if form == "gitlab":
        return [row["location"]["path"] for row in json.loads(text)]
    if form == "sarif":
        return [
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for result in json.loads(text)["runs"][0]["results"]
        ]
    if form == "junit":
        return [
            str(case.get("name"))
            for case in ET.fromstring(text).iter("testcase")
            if case.find("failure") is not None
        ]
    return [
        line.split("`")[1].rpartition(":")[0].rpartition(":")[0]
        for line in text.splitlines()
        if line.startswith("- ")
    ]


@pytest.mark.parametrize("form", OTHERS)
def test_paths_are_relative_to_the_repository(run: RunCommand, vault: Path, form: str) -> None:
    done = run("check", vault, "--output-format", form)
    shown = (
        ["my%20notes/a.md", "my%20notes/b.md"]
        if form == "sarif"
        else ["my notes/a.md", "my notes/b.md"]
    )
    assert (done.code, places(form, done.out)) == (1, shown)
    assert "Found 2 errors in 2 files" in done.err


@pytest.mark.parametrize("form", OTHERS)
def test_paths_are_relative_to_the_vault_outside_a_repository(
    run: RunCommand, tmp_path: Path, form: str
) -> None:
    (tmp_path / "v" / ".obsidian").mkdir(parents=True)
    update_files(tmp_path / "v", {"sub/a.md": "[[gone]]\n"})
    assert places(form, run("check", tmp_path / "v", "--output-format", form).out) == ["sub/a.md"]


@pytest.mark.parametrize("form", OTHERS)
def test_known_findings_are_excluded(run: RunCommand, vault: Path, form: str) -> None:
    run("baseline", vault)
    clean = run("check", vault, "--output-format", form)
    assert (clean.code, places(form, clean.out)) == (0, [])
    update_files(vault, {"a.md": "See [this](gone.md) and [that](lost.md).\n"})
    done = run("check", vault, "--changed-since", "HEAD", "--output-format", form)
    assert (done.code, len(places(form, done.out))) == (1, 1)


@pytest.mark.parametrize("form", OTHERS)
def test_same_vault_gives_the_same_bytes(run: RunCommand, vault: Path, form: str) -> None:
    first = run("check", vault, "--output-format", form, "--no-cache").out
    assert [run("check", vault, "--output-format", form).out for _ in range(2)] == [first, first]


def test_sarif_has_the_rules_that_ran_and_the_version(run: RunCommand, vault: Path) -> None:
    [log] = json.loads(run("check", vault, "--output-format", "sarif", "--select", "VL101").out)[
        "runs"
    ]
    rules = [rule["id"] for rule in log["tool"]["driver"]["rules"]]
    assert rules == ["VL101", "VL125"]
    assert [rules[result["ruleIndex"]] for result in log["results"]] == [
        result["ruleId"] for result in log["results"]
    ]
    assert log["tool"]["driver"]["version"]


@pytest.mark.parametrize("form", OTHERS)
def test_fix_reports_remaining_findings(run: RunCommand, vault: Path, form: str) -> None:
    done = run("fix", vault, "--output-format", form)
    assert (done.code, [path.replace("%20", " ") for path in places(form, done.out)]) == (
        1,
        ["my notes/a.md"],
    )


@pytest.mark.parametrize(
    ("mildest", "failures"),
    [
        ("error", ["my notes/a.md"]),
        ("warning", ["my notes/a.md", "my notes/d.md"]),
        ("info", ["my notes/a.md", "my notes/d.md", "my notes/e.md"]),
        ("never", []),
    ],
)
def test_junit_failures_agree_with_the_exit_code(
    run: RunCommand, vault: Path, mildest: str, failures: list[str]
) -> None:
    update_files(vault, {"b.md": None, "d.md": "[[a#Naught]]\n", "e.md": "[[e]]\n"})
    for more in ((), ("--exit-zero",)):
        done = run("check", vault, "--output-format", "junit", "--fail-on", mildest, *more)
        assert places("junit", done.out) == failures


# -- the table of formats ---------------------------------------------------------------------------------------------


@each("name", FORMATS)
def test_every_format_has_a_module_and_a_function(name: str) -> None:
    row = FORMATS[name]
    function = getattr(import_module(row.module), row.function)
    assert function.__module__ == row.module
    assert list(function.__annotations__) == ["result", "return"]
    assert re.fullmatch("[a-z]+", row.extension)


@each("name", FORMATS)
def test_every_format_is_in_the_documentation(name: str) -> None:
    [sentence] = re.findall(
        r"For `check` and `fix`, `--output-format` is [^.]*",
        (ROOT / "README.md").read_text("utf-8"),
    )
    assert f"`{name}`" in sentence
    if name in OTHERS:
        assert f"`{name}`" in (ROOT / "docs" / "ci.md").read_text("utf-8")


@each("name", OTHERS)
def test_action_writes_a_report_in_every_format_of_other_programs(name: str) -> None:
    action = (ROOT / "action.yml").read_text("utf-8")
    [choices] = re.findall(r"case \$REPORT in (.*) \| none\)", action)
    assert name in choices.split(" | ")
    assert f"{name}) file=vaultlink.{FORMATS[name].extension} ;;" in action


@pytest.mark.parametrize("command", ["check", "fix"])
def test_help_lists_every_format(run: RunCommand, command: str) -> None:
    words = " ".join(run(command, "--help").out.split())
    assert f"Output formats: {', '.join(FORMATS)}." in words


@pytest.mark.parametrize("words", [("open", "c"), ("completion", "bash"), ("init",), ("baseline",)])
@pytest.mark.parametrize("option", [("--json",), ("--output-format", "tsv")])
def test_format_that_a_command_lacks_is_refused(
    run: RunCommand,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    option: tuple[str, ...],
) -> None:
    """One in the environment applies to all commands, so that these ignore it."""
    monkeypatch.chdir(vault)
    done = run(*words, *option)
    assert (done.code, done.out) == (2, "")
    problem = r"error: --output-format: (“\w+” is not possible: [^.]*|invalid value “tsv”\. .*)\.\n"
    assert re.fullmatch(problem, done.err)
    monkeypatch.setenv("VAULTLINK_OUTPUT_FORMAT", "json")
    assert run(*words).code == 0


def test_format_is_one_module_and_one_row(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_up_format.py").write_text(
        "def render(result):\n"
        "    lines = [f'{result.path_prefix}{d.path}!{d.line}' for d in result.findings]\n"
        "    return ' '.join([*lines, str(result.summary()['notes']), *result.extra_keys]) + '\\n'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(FORMATS, "made-up", OutputFormat("made_up_format", "render", "txt"))
    found = "my notes/a.md!1 my notes/b.md!1 3\n"
    assert run("check", vault, "--output-format", "made-up").out == found
    monkeypatch.setenv("VAULTLINK_OUTPUT_FORMAT", "made-up")
    assert run("check", vault).out == found
    assert run("orphans", vault).code == 0
    assert run("fix", vault).out == "my notes/a.md!1 3 fixed\n"
    assert "made-up" in run("check", "--help").out
    assert "markdown, made-up." in run("check", vault, "--output-format", "other").err
