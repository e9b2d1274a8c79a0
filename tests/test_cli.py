"""Tests of the command line: output, streams, exit codes and usage errors of every command.

Commands run in this process through `main`; real processes where a pipe, a signal or an import is the subject.
"""

import io
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import vaultlink
from running import PROGRAM, RunCommand, create_vault, write_files
from tables import each
from vaultlink.cli.command_table import COMMANDS, GROUPS
from vaultlink.cli.dispatch import render_overview
from vaultlink.cli.installation import read_starter
from vaultlink.cli.options import OpenOptions, list_option_fields
from vaultlink.cli.parser import parse_plain_line
from vaultlink.cli.terminal import ProgressLine
from vaultlink.cli.typer_parser import parse_with_typer
from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.disk.read import load_rules
from vaultlink.errors import UsageError
from vaultlink.rules.registry import build_catalog

VAULT: Mapping[str, str] = {
    "Home.md": "---\ntitle: Home page\ntags: [start]\n---\n# Home\n\n[[Quay]] [[Pier|the pier]] [[Quay#Ropes]]\n",
    "a/Quay.md": "# Ropes\n\n[[Home]] and [[Peir]], ![[map.png]]\n",
    "a/Pier.md": "[[Nowhere]] [[Nowhere.md]] [[Home#Gone]]\n",
    "map.png": "",
    "old.png": "",
}
FINDINGS = [
    "a/Pier.md:1:1: VL125 planned-note “Nowhere” is not written yet: no file in the vault has this name.",
    "a/Pier.md:1:13: VL125 planned-note “Nowhere.md” is not written yet: no file in the vault has this name.",
    "a/Pier.md:1:28: VL102 missing-heading “Home” has no heading “Gone”.",
    "a/Quay.md:3:14: VL101 dangling-link “Peir” does not resolve to any file in the vault. Did you mean [[Pier]]?",
]


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create the sample vault on disk."""
    return create_vault(tmp_path / "vault", VAULT)


@pytest.fixture
def run(run_anywhere: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Return a function that runs a command in the sample vault."""
    monkeypatch.chdir(vault)
    return run_anywhere


# -- check ------------------------------------------------------------------------------------------------------------


def test_check_prints_findings_on_stdout_and_the_summary_on_stderr(run: RunCommand) -> None:
    done = run("check")
    assert done.lines == FINDINGS
    assert done.err == (
        "Found 1 error, 3 warnings in 2 files; 3 notes checked.\n"
        "`vaultlink fix --unsafe-fixes` can fix 1 of them.\n"
    )
    assert done.code == 1


def test_clean_vault_prints_only_a_summary(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"a/Quay.md": "# Ropes\n", "a/Pier.md": ""})
    assert run("check") == (0, "", "No findings in 3 notes.\n")
    assert run("check", "-q") == (0, "", "")


@each(
    ("paths", "lines"),
    [
        ((".",), FINDINGS),
        (("a",), FINDINGS),
        (("a/Pier.md",), FINDINGS[:3]),
        (("a/Quay.md", "a/Pier.md"), FINDINGS),
        (("Home.md",), []),
        (("./a/../a/Quay.md",), FINDINGS[3:]),
    ],
)
def test_paths_limit_what_is_reported_not_what_is_read(
    run: RunCommand, paths: Sequence[str], lines: Sequence[str]
) -> None:
    done = run("check", *paths)
    assert done.lines == lines
    assert done.code == (1 if lines else 0)


def test_vault_is_found_from_the_first_path(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vault.parent)
    assert run("check", "vault/a/Quay.md").lines == [f"vault/{FINDINGS[3]}"]
    monkeypatch.chdir(vault / "a")
    shown = [FINDINGS[3].removeprefix("a/")]
    assert run("check", "Quay.md").lines == shown
    assert run("check", "a/Quay.md").lines == shown  # a path in the vault


@each(
    ("options", "code"),
    [
        ((), 1),
        (("--exit-zero",), 0),
        (("--fail-on", "never"), 0),
        (("--fail-on", "error"), 1),
        (("--fail-on=info",), 1),
        (("--select", "missing-heading"), 1),
        (("--select", "missing-heading", "--fail-on", "error"), 0),
        (("--select", "ambiguous-link"), 0),
        (("--ignore", "VL1"), 0),
        (("--ignore", "VL1", "--extend-select", "VL404"), 0),
        (("--ignore", "VL1", "--extend-select", "VL404", "--fail-on", "info"), 1),
        (("--select", "VL404,VL102"), 1),
    ],
)
def test_exit_code(run: RunCommand, options: Sequence[str], code: int) -> None:
    assert run("check", *options).code == code


def test_json_matches_its_schema(run: RunCommand, vault: Path) -> None:
    data = run("check", "--output-format", "json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "version", "vault", "summary", "known", "findings"]
    assert (data["schema"], data["version"], data["vault"]) == (
        1,
        vaultlink.__version__,
        str(vault),
    )
    assert data["summary"] == {
        "notes": 3,
        "attachments": 2,
        "links": 9,
        "resolved": 6,
        "dangling": 3,
        "ambiguous": 0,
        "external": 0,
        "findings": 4,
        "fixable": 0,
        "unsafe_fixable": 1,
        "by_rule": {"dangling-link": 1, "missing-heading": 1, "planned-note": 2},
    }
    lines = [
        f"{f['path']}:{f['line']}:{f['column']}: {f['code']} {f['rule']} {f['message']}"
        for f in data["findings"]
    ]
    assert lines == [line.partition(" Did you mean")[0] for line in FINDINGS]
    assert [f["target"] for f in data["findings"]] == ["Nowhere", "Nowhere.md", "Home", "Peir"]
    lines = run("check", "--output-format", "json-lines").lines
    assert [json.loads(line) for line in lines] == data["findings"]


def test_repeated_check_is_the_same_and_changes_are_read(run: RunCommand, vault: Path) -> None:
    old = 1_000_000_000_000_000_000
    for form in ("concise", "full", "json"):
        first = run("check", "--output-format", form)
        assert run("check", "--output-format", form) == first
        assert run("check", "--output-format", form, "--no-cache") == first
    write_files(vault, {"a/Pier.md": ""})
    os.utime(vault / "a/Pier.md", ns=(old, old))
    assert run("check").lines == FINDINGS[3:]


def test_verbose_prints_the_sources_of_settings(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": 'select = ["VL102"]\n'})
    done = run("check", "-v")
    assert done.lines == FINDINGS[2:3]
    assert "settings from vaultlink.toml; 6 files" in done.err


# -- listings ---------------------------------------------------------------------------------------------------------


def test_links(run: RunCommand) -> None:
    assert run("links", "Home").lines == [
        "path\tline\tcolumn\tstatus\ttarget\tsubpath\tresolved\tanchor\tkind\tplace\tembed\tdisplay\traw",
        "Home.md\t7\t1\tresolved\tQuay\t\ta/Quay.md\t\twikilink\tbody\tfalse\t\t[[Quay]]",
        "Home.md\t7\t10\tresolved\tPier\t\ta/Pier.md\t\twikilink\tbody\tfalse\tthe pier\t[[Pier|the pier]]",
        "Home.md\t7\t28\tresolved\tQuay\t#Ropes\ta/Quay.md\tfound\twikilink\tbody\tfalse\t\t[[Quay#Ropes]]",
    ]
    data = run("links", "--output-format", "json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "vault", "links"]
    assert len(data["links"]) == 9
    assert data["links"][2] == {
        "path": "Home.md",
        "line": 7,
        "column": 28,
        "kind": "wikilink",
        "embed": False,
        "place": "body",
        "raw": "[[Quay#Ropes]]",
        "target": "Quay",
        "subpath": "#Ropes",
        "display": None,
        "status": "resolved",
        "resolved": "a/Quay.md",
        "anchor": "found",
    }
    done = run("links", "a/Quay.md", "--output-format", "table")
    assert done.lines == [
        "where           link          destination",
        "a/Quay.md:3:1   [[Home]]      Home.md",
        "a/Quay.md:3:14  [[Peir]]      dangling",
        "a/Quay.md:3:24  ![[map.png]]  map.png",
    ]
    assert done.err == "3 links: 2 resolved, 1 dangling.\n"


def test_show(run: RunCommand) -> None:
    assert run("show", "Home").lines == [
        "Home.md",
        "  properties",
        "    title  Home page",
        "    tags   start",
        "  tags",
        "    #start  line 3",
        "  headings",
        "    # Home",
        "  links",
        "    [[Quay]]           a/Quay.md",
        "    [[Pier|the pier]]  a/Pier.md",
        "    [[Quay#Ropes]]     a/Quay.md #Ropes",
    ]
    data = run("show", "--output-format", "json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "vault", "notes"]
    assert [note["path"] for note in data["notes"]] == ["Home.md", "a/Pier.md", "a/Quay.md"]
    assert [note["properties"] for note in data["notes"]] == [
        {"title": "Home page", "tags": ["start"]},
        None,
        None,
    ]
    assert "Home.md\theading\t5\tHome\t1" in run("show", "--output-format", "tsv").lines


def test_topics_and_their_alias(run: RunCommand) -> None:
    done = run("topics")
    assert [line.split("\t")[:4] for line in done.lines] == [
        ["topic", "count", "path", "line"],
        ["Nowhere", "2", "a/Pier.md", "1"],
        ["Peir", "1", "a/Quay.md", "3"],
    ]
    assert run("unresolved") == done
    data = run("topics", "--output-format", "json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "topics"]
    assert data["topics"][0] == {
        "topic": "Nowhere",
        "count": 2,
        "sources": [{"path": "a/Pier.md", "line": 1, "column": column} for column in (1, 13)],
        "suggestions": [],
        "cause": None,
        "kind": "planned",
    }


def test_backlinks(run: RunCommand) -> None:
    assert run("backlinks", "Home").lines == [
        "path\tcount\tlines",
        "a/Pier.md\t1\t1",
        "a/Quay.md\t1\t3",
    ]
    assert run("backlinks", "a/Quay.md", "--output-format", "json").data == {
        "schema": 1,
        "note": "a/Quay.md",
        "backlinks": [{"path": "Home.md", "count": 2, "lines": [7], "columns": [1]}],
    }
    assert run("backlinks", "map.png").lines == ["path\tcount\tlines", "a/Quay.md\t1\t3"]
    assert run("backlinks").lines == [
        "path\tlinks\tfiles",
        "Home.md\t2\t2",
        "a/Quay.md\t2\t1",
        "a/Pier.md\t1\t1",
        "map.png\t1\t1",
    ]


def test_orphans_and_deadends(run: RunCommand, vault: Path) -> None:
    assert run("orphans").lines == ["path", "old.png"]
    assert run("orphans", "--output-format", "json").data == {"schema": 1, "notes": ["old.png"]}
    assert run("deadends", "--output-format", "json").data == {"schema": 1, "notes": []}
    write_files(vault, {"a/Pier.md": "[[Nowhere]]\n"})
    assert run("deadends").lines == ["path", "a/Pier.md"]
    assert run("deadends", "--output-format", "table") == (
        0,
        "dead ends\na/Pier.md\n",
        "1 dead end.\n",
    )


def test_graph(run: RunCommand) -> None:
    assert "notes\t3" in run("graph").lines
    assert run("graph", "--output-format", "table").lines[0] == "notes                       3"
    data = run("graph", "--format", "json").data
    for words in (("--json",), ("--output-format", "json"), ("--output-format", "json", "--json")):
        assert run("graph", *words).data == data
    assert isinstance(data, dict)
    nodes = {node["id"] for node in data["nodes"]}
    assert nodes == {"Home.md", "a/Quay.md", "a/Pier.md", "map.png", "/Nowhere", "/Peir"}
    assert len(data["edges"]) == 9


@each("command", ["links", "show", "topics", "backlinks", "orphans", "deadends", "graph"])
def test_listings_end_with_zero_and_their_results_are_the_same_each_time(
    run: RunCommand, command: str
) -> None:
    for form in ("json", "tsv"):
        done = run(command, "--output-format", form)
        assert done.code == 0
        assert run(command, "--output-format", form, "--no-cache").out == done.out


@each(
    ("command", "sentence"),
    [
        ("links", "No links found."),
        ("topics", "No unresolved links found."),
        ("backlinks", "No backlinks found."),
        ("orphans", "No orphans found."),
        ("deadends", "No dead ends found."),
    ],
)
def test_empty_listing_prints_a_message_on_stderr(
    run: RunCommand, vault: Path, command: str, sentence: str
) -> None:
    for path in VAULT:
        (vault / path).unlink()
    write_files(
        vault, {"Home.md": "[[Home]]\n" if command in ("topics", "orphans", "deadends") else ""}
    )
    assert run(command, "--output-format", "table") == (0, "", sentence + "\n")
    [_header] = run(command).lines


# -- rules, settings, set-up ------------------------------------------------------------------------------------------


def test_rules_lists_all_rules(run: RunCommand) -> None:
    rules = build_catalog(load_rules())
    assert [line.split("\t")[0] for line in run("rules").lines[1:]] == [rule.code for rule in rules]
    assert run("rule").out == run("rules").out
    data = run("rules", "--output-format", "json").data
    assert isinstance(data, dict)
    assert [rule["name"] for rule in data["rules"]] == [rule.name for rule in rules]


def test_rule_explains_one_or_several(run: RunCommand) -> None:
    page = run("rule", "dangling-link")
    assert page.lines[0] == "VL101 dangling-link"
    assert "    See [LICENSE](LICENSE).\n        ^^^^^^^^^^^^^^^^^^\n" in page.out
    assert run("rule", "VL101") == page
    data = run("rule", "VL10", "--output-format", "json").data
    assert isinstance(data, dict)
    assert [rule["code"] for rule in data["rules"]] == [f"VL10{n}" for n in range(1, 10)]


def test_config_lists_every_setting_with_its_source(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": 'exclude = ["old/"]\n[severity]\nself-link = "error"\n'})
    data = run("config", "--select", "VL1", "--ignore", "VL2,VL3", "--output-format", "json").data
    assert isinstance(data, dict)
    rows = {row["key"]: (row["value"], row["source"]) for row in data["settings"]}
    expected = {
        "vault": (str(vault), "found from the current folder"),
        "select": (["VL1"], "command line"),
        "ignore": (["VL2", "VL3"], "command line"),
        "exclude": (["old/"], "vaultlink.toml"),
        "severity.self-link": ("error", "vaultlink.toml"),
        "backlinks.mode": ("repair", "default"),
    }
    assert {key: rows[key] for key in expected} == expected
    assert "dangling-link" in data["enabled"]
    shown = run("config", "--output-format", "table").out
    assert ("severity.dangling-link" in shown, "backlinks.mode" in shown) == (False, True)
    assert "severity.dangling-link" in run("config", "--output-format", "table", "-v").out


def test_init_writes_a_file_in_which_nothing_is_set_and_never_overwrites(
    run: RunCommand, vault: Path
) -> None:
    assert run("init").lines == [str(vault / "vaultlink.toml")]
    text = (vault / "vaultlink.toml").read_text(encoding="utf-8")
    assert text == read_starter("vaultlink.toml")
    assert tomllib.loads(text) == {}
    again = run("init")
    assert again.code == 2
    assert "vaultlink.toml already exists" in again.err


@each("name", [".vaultlink.toml", "pyproject.toml"])
def test_init_preserves_other_settings(run: RunCommand, vault: Path, name: str) -> None:
    write_files(
        vault, {name: "[tool.vaultlink]\nselect = []\n" if name == "pyproject.toml" else ""}
    )
    assert run("init").code == 2
    assert not (vault / "vaultlink.toml").exists()


def test_settings_written_by_init_are_valid_when_uncommented() -> None:
    offered = re.sub(
        r"^# (?=\[|[a-z\"-]+ = )", "", read_starter("vaultlink.toml"), flags=re.MULTILINE
    )
    values = tomllib.loads(offered)
    assert set(values) == {
        "required-version",
        "keep-runs",
        "keep-runs-size",
        "preview",
        "select",
        "extend-select",
        "ignore",
        "protect",
        "write-paths",
        "exclude",
        "allow-dangling",
        "severity",
        "per-file-ignores",
        "fixable",
        "unfixable",
        "quiet",
        "rules",
        "backlinks",
        "mentions",
    }
    merge_layers([Layer("vaultlink.toml", values)], build_catalog(load_rules()))


# -- options and environment ------------------------------------------------------------------------------------------


def test_output_file(run: RunCommand, vault: Path, tmp_path: Path) -> None:
    done = run("check", "--output-file", tmp_path / "out.txt")
    assert (done.code, done.out) == (1, "")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8").splitlines() == FINDINGS


@each(
    ("value", "command", "starts"),
    [
        ("json", "check", '{"schema":1'),
        ("json", "links", '{"schema":1'),
        ("full", "check", "VL125 "),
        ("full", "links", "path\tline\t"),
        ("tsv", "check", "a/Pier.md:1"),
        ("", "check", "a/Pier.md:1"),
    ],
)
def test_environment_sets_the_output_format_of_commands_that_have_it(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch, value: str, command: str, starts: str
) -> None:
    monkeypatch.setenv("VAULTLINK_OUTPUT_FORMAT", value)
    assert run(command).out.startswith(starts)
    assert run(command, "--output-format", "json").out.startswith("{")


def test_settings_from_a_named_file_from_the_environment_or_from_none(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(vault, {"vaultlink.toml": 'select = ["VL102"]\n'})
    write_files(tmp_path, {"other.toml": "select = []\n"})
    assert run("check").lines == FINDINGS[2:3]
    assert run("check", "--isolated").lines == FINDINGS
    assert run("check", "--config", tmp_path / "other.toml").lines == []
    monkeypatch.setenv("VAULTLINK_CONFIG", str(tmp_path / "other.toml"))
    assert run("check").lines == []
    assert run("check", "--config", "vaultlink.toml").lines == FINDINGS[2:3]


@each(
    ("options", "environment", "coloured"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color=never",), {"FORCE_COLOR": "1"}, False),
        (("--color=always", "--output-format=json"), {}, False),
    ],
)
def test_colour(
    run: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    options: Sequence[str],
    environment: Mapping[str, str],
    coloured: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in run("check", *options).out) is coloured


@each(
    ("seconds", "written_to_stderr"),
    [
        ((0.0, 0.2, 0.4), ""),
        (
            (0.0, 0.6, 0.65, 0.8),
            "\rReading notes: 1,500 of 21,000\rReading notes: 4,500 of 21,000\r" + " " * 32 + "\r",
        ),
    ],
)
def test_progress_is_shown_after_half_a_second_and_erased(
    monkeypatch: pytest.MonkeyPatch, seconds: Sequence[float], written_to_stderr: str
) -> None:
    stream, clock = io.StringIO(), [seconds[0]]
    monkeypatch.setattr("vaultlink.cli.terminal.monotonic", lambda: clock[0])
    with ProgressLine(stream) as progress:
        for step, clock[0] in enumerate(seconds[1:], 1):
            progress(step * 1500, 21_000)
    assert stream.getvalue() == written_to_stderr


# -- wrong words ------------------------------------------------------------------------------------------------------


@each(
    ("words", "message"),
    [
        (("chek",), "there is no command “chek”. Did you mean check"),
        (("a",), "there is no command “a”. To check that path, run `vaultlink check a`."),
        (
            ("--vault", "x", "check"),
            "--vault: options must follow a command, as in `vaultlink check --vault`.",
        ),
        (
            ("check", "--select"),
            "Option --select requires an argument. `vaultlink check --help` lists all options.",
        ),
        (("check", "--fix=yes"), "error: Option --fix does not take a value. "),
        (("show", "no\n\x1b[1mnote"), "there is no note “no\\n\\u001b[1mnote” in "),
        (("check", "--jobs", "0"), "--jobs: must be a whole number above 0, not “0”."),
        (
            ("check", "--color", "red"),
            "--color: invalid value “red”. Valid values: auto, always, never.",
        ),
        (
            ("check", "--output-format", "xml"),
            "--output-format: invalid value “xml”. Valid values: full, concise, json, json-lines, github, gitlab, sarif, junit, markdown.",
        ),
        (
            ("links", "--output-format", "full"),
            "--output-format: invalid value “full”. Valid values: table, tsv, json.",
        ),
        (("check", "nowhere"), "nowhere: no such file or folder."),
        (("check", ".", "/"), "/ is outside the vault"),
        (("check", "--vault", "nowhere"), "this vault does not exist."),
        (
            ("check", "--isolated", "--config", "a.toml"),
            "--isolated and --config can't be used together.",
        ),
        (
            ("check", "--output-file", "no/such/folder/x"),
            "can't write no/such/folder/x: No such file or directory.",
        ),
        (
            ("check", "--unfixable", "zzz"),
            "--unfixable: there is no rule “zzz”. `vaultlink rules` lists all rules.",
        ),
        (("links", "Peir"), "there is no note “Peir” in "),
        (("links", ""), "the argument NOTE is empty."),
        (
            ("links", "map.png"),
            "map.png is an attachment and contains no links. `vaultlink backlinks` lists the links to it.",
        ),
        (("rule", "dangling"), "there is no rule “dangling”. Did you mean dangling-link"),
        (("rule", "VL9"), "no rule begins with “VL9”. `vaultlink rules` lists all rules."),
        (("check", "--select", "VL9"), "--select: no rule begins with “VL9”. `vaultlink rules`"),
        (("check", "*.md"), "*.md: no such file or folder. vaultlink takes no patterns: name a"),
        (("backlinks", "Pire"), ". Did you mean a/Pier.md?"),
        (("backlinks", "qua"), ". Did you mean a/Quay.md?"),
        (("backlinks", "xyzzy"), ". A note is named by its path in the vault, or as in a link."),
        (("refactor", "a", "b"), "Did you mean rename?"),
        (("version",), "Did you mean --version?"),
        (("--install-completion",), "Did you mean completion?"),
        (("help", "lint"), "Did you mean check?"),
        (("graph", "--format", "gexff"), "invalid value “gexff”."),
        (("check", "--config", "nowhere.toml"), "nowhere.toml"),
        (
            ("check", "--format", "json"),
            "there is no option --format. Did you mean --output-format?",
        ),
        (("check", "--unlink"), "--unlink requires --unsafe-fixes"),
        (("check", "--create", "a"), "--create requires --unsafe-fixes"),
        (("fix", "--unsafe-fixes", "--created"), "--created requires --create."),
        (("fix", "--unsafe-fixes", "--template", "a"), "--template requires --create."),
        (("check", "--stdin-filename", "a/Pier.md"), "--stdin-filename requires - as the path"),
        (
            ("check", "--json", "--output-format", "concise"),
            "--json and --output-format concise can't be used together.",
        ),
        (("doctor", "a", "b"), "unexpected argument: b"),
        (("init", "nowhere"), "nowhere: no such folder."),
    ],
)
def test_usage_errors_are_printed_on_stderr_with_exit_code_2(
    run: RunCommand, words: Sequence[str], message: str
) -> None:
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1


def test_internal_error_is_one_message_without_a_traceback(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultlink.cli.commands.lists.select_link_sources", None)
    done = run("links")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("internal error: TypeError: ")
    assert "Traceback" not in done.err
    monkeypatch.setenv("VAULTLINK_DEBUG", "1")
    with pytest.raises(TypeError):
        run("links")


@each(
    "words",
    [
        *(
            ("check",),
            ("links",),
            ("topics",),
            ("show",),
            ("backlinks",),
            ("orphans",),
            ("deadends",),
        ),
        *(("config",), ("rules",), ("rule", "VL1"), ("undo", "--list"), ("graph",)),
    ],
)
def test_json_is_the_short_form_of_the_output_format(run: RunCommand, words: Sequence[str]) -> None:
    assert run(*words, "--json") == run(*words, "--output-format", "json")
    assert isinstance(run(*words, "--json").data, dict)


@each(
    ("words", "header"),
    [
        (("show",), "path kind line text detail"),
        (("config",), "setting value from"),
        (("undo", "--list"), "run time command summary notes undone moves interrupted undoes"),
        (("graph",), "figure count path"),
        (("deadends",), "path"),
    ],
)
def test_tsv_begins_with_the_names_of_the_columns(
    run: RunCommand, words: Sequence[str], header: str
) -> None:
    assert run(*words, "--output-format", "tsv").lines[0].split("\t") == header.split()


def test_undo_says_that_there_are_no_runs(run: RunCommand) -> None:
    assert run("undo", "--list") == (
        0,
        "run\ttime\tcommand\tsummary\tnotes\tundone\tmoves\tinterrupted\tundoes\n",
        "No runs found.\n",
    )
    assert run("undo", "--list", "--output-format", "table") == (0, "", "No runs found.\n")


# -- help -------------------------------------------------------------------------------------------------------------


def test_without_a_command_a_vault_is_described_and_else_the_help_printed(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vault / "Folder").mkdir(exist_ok=True)
    for folder in (vault, vault / "Folder"):
        monkeypatch.chdir(folder)
        assert run() == run("status")
        assert run().code == 0
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "Note.md").write_text("[[no vault]]\n", "utf-8")
    monkeypatch.chdir(plain)
    assert run() == (0, render_overview(), "")


def test_help_lists_the_commands(run: RunCommand) -> None:
    assert run("help") == run("--help") == run("-h") == (0, render_overview(), "")
    assert max(map(len, render_overview().splitlines())) <= 80
    for name, command in COMMANDS.items():
        is_listed = bool(re.search(rf"^  {name} ", render_overview(), re.MULTILINE))
        assert is_listed != command.is_hidden, name


@each(
    "line", ["serve", "serve --background", "serve --stop", "serve --idle 5 --isolated", "serve x"]
)
def test_serve_of_earlier_versions_is_accepted(run: RunCommand, vault: Path, line: str) -> None:
    done = run(*line.split(), "--vault", vault)
    assert (done.code, done.out, done.err.count("\n")) == (0, "", 1)
    assert done.err.startswith("serve does nothing any more: ")


@each("name", COMMANDS)
def test_every_command_and_option_has_help_that_fits_80_columns(run: RunCommand, name: str) -> None:
    done = run(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.lines)) <= 80
    manual = [line.strip() for line in done.lines if line.strip()]
    assert manual[1] == COMMANDS[name].summary
    assert "--output-format" in done.out
    assert manual[-2].startswith("vaultlink "), "a page ends with examples"


@each(
    "line",
    [
        "",
        "a b",
        "--vault x",
        "--vault=x a",
        "-q -v",
        "--jobs 3 --color always",
        "--cache-dir=y --no-cache a --isolated",
        "--config x.toml a --quiet b",
        "--output-format json --output-file=o",
    ],
)
def test_simple_parser_agrees_with_typer(line: str) -> None:
    from vaultlink.cli.options import NotesOptions  # noqa: PLC0415

    known = list_option_fields(NotesOptions)
    assert parse_plain_line(known, line.split()) == parse_with_typer("links", known, line.split())


@each(
    "line", ["-qv", "--help", "--", "--zzz", "--vault", "--vault --quiet", "--quiet=1", "-x", "a"]
)
def test_simple_parser_declines_other_command_lines(line: str) -> None:
    assert parse_plain_line(list_option_fields(OpenOptions), line.split()) is None


def test_typer_parses_what_the_simple_parser_declines() -> None:
    known = list_option_fields(OpenOptions)
    assert parse_with_typer("links", known, ["-qv"]) == {"quiet": True, "verbose": True}
    with pytest.raises(UsageError):
        parse_with_typer("links", known, ["a"])


# -- processes --------------------------------------------------------------------------------------------------------


def process(*words: str, code: str = "") -> list[str]:
    """Return the command line of a real process."""
    return [*([sys.executable, "-c", code] if code else PROGRAM), *words]


def test_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from vaultlink.__main__ import main; main(['--version'])\n"
        "print({'typer', 'msgspec', 'yaml', 'networkx', 'pathlib', 'dataclasses'} & set(sys.modules))"
    )
    done = subprocess.run(process(code=code), capture_output=True, text=True, check=True)
    project = tomllib.loads(
        (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    assert done.stdout == f"vaultlink {vaultlink.__version__}\nset()\n"
    assert vaultlink.__version__ == project["version"]


@each("line", ["check --help", "check -h", "check a -q --help", "help check"])
def test_help_does_not_import_typer(line: str) -> None:
    code = (
        f"import sys; from vaultlink.__main__ import main; main({line.split()})\n"
        "print({'typer', 'networkx', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run(process(code=code), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: vaultlink check [OPTIONS] [PATHS]...")
    assert done.stdout.endswith("\nset()\n")


def test_closed_stdout_is_not_an_error(vault: Path) -> None:
    lines = (f"[[nowhere at all {number}]]\n" for number in range(20_000))
    write_files(vault, {"Many.md": "".join(lines)})
    with subprocess.Popen(
        process("check"), cwd=vault, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        assert running.stdout.readline()
        running.stdout.close()
        assert (
            running.stderr.read().decode()
            == "Found 1 error, 20,003 warnings in 3 files; 4 notes checked.\n"
            "`vaultlink check --statistics` counts the findings that "
            "`vaultlink fix --unsafe-fixes` can fix.\n"
        )
    assert running.returncode == 1


def test_every_command_is_in_one_group() -> None:
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)
