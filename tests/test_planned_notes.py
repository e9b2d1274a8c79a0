"""Tests of planned-note: settings, suppressions and baselines that name dangling-link, and `vaultlink status`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from builder import RULES, build_state, collect_findings, make_settings
from running import RunCommand, create_vault, write_files
from tables import each
from vaultlink.config.layers import Layer
from vaultlink.config.settings import Config, merge_layers
from vaultlink.fix.select import make_fix_filter
from vaultlink.model import Edit, Fix, Safety, Severity

PLAN, MISTAKE = "planned-note", "dangling-link"
BOTH = {PLAN, MISTAKE}
VAULT: Mapping[str, str] = {
    "Home.md": "[[Idea]]\n\n[[Meetng notes]]\n\n[[Log]] and [[Idea]]\n",
    "Log.md": "To [[Idea]] and [[Other idea]]\n",
    "Meeting notes.md": "",
}
"""Four links to planned notes, and one mistake."""


def merge(**values: Any) -> Config:
    return merge_layers([Layer("vaultlink.toml", values)], RULES)


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", {**VAULT, "vaultlink.toml": ""})
    monkeypatch.chdir(folder)
    return folder


# -- settings -------------------------------------------------------------------------------------


@each(
    ("values", "enabled"),
    [
        ({}, BOTH),
        ({"select": ["dangling-link"]}, BOTH),
        ({"select": ["VL101"]}, BOTH),
        ({"select": ["planned-note"]}, {PLAN}),
        ({"select": ["VL125"]}, {PLAN}),
        ({"select": []}, set()),
        ({"select": ["VL102"]}, set()),
        ({"select": ["VL1"]}, BOTH),
        ({"ignore": ["dangling-link"]}, set()),
        ({"ignore": ["VL101"]}, set()),
        ({"ignore": ["planned-note"]}, {MISTAKE}),
        ({"ignore": ["VL125"]}, {MISTAKE}),
        ({"select": ["VL101"], "ignore": ["VL125"]}, {MISTAKE}),
        ({"select": ["dangling-link", "planned-note"]}, BOTH),
        ({"select": ["VL101"], "ignore": ["VL1"]}, BOTH),
        ({"select": ["VL125"], "ignore": ["VL101"]}, {PLAN}),
        ({"ignore": ["VL101"], "extend-select": ["VL125"]}, {PLAN}),
        ({"ignore": ["VL1"], "extend-select": ["VL101"]}, BOTH),
        ({"select": [], "extend-select": ["dangling-link"]}, BOTH),
        ({"select": [], "extend-select": ["VL101"], "ignore": ["planned-note"]}, {MISTAKE}),
    ],
)
def test_rule_runs_with_the_one_that_it_was_split_from(
    values: Mapping[str, Any], enabled: set[str]
) -> None:
    assert merge(**values).enabled & BOTH == enabled


@each(
    ("severities", "of_plans", "of_mistakes"),
    [
        ({}, "warning", "error"),
        ({"dangling-link": "info"}, "info", "info"),
        ({"VL101": "info"}, "info", "info"),
        ({"planned-note": "info"}, "info", "error"),
        ({"VL101": "warning", "VL125": "info"}, "info", "warning"),
        ({"planned-note": "error", "dangling-link": "info"}, "error", "info"),
        ({"VL1": "info"}, "info", "info"),
        ({"VL1": "info", "VL101": "warning"}, "warning", "warning"),
        ({"VL12": "info", "VL101": "error"}, "error", "error"),
        ({"missing-heading": "error"}, "warning", "error"),
    ],
)
def test_severity_is_that_of_the_rule_that_it_was_split_from(
    severities: Mapping[str, str], of_plans: str, of_mistakes: str
) -> None:
    severity = merge(severity=severities).severity
    assert (severity[PLAN], severity[MISTAKE]) == (Severity(of_plans), Severity(of_mistakes))


@each(
    ("values", "fixable"),
    [
        ({}, BOTH),
        ({"fixable": ["dangling-link"]}, BOTH),
        ({"fixable": ["VL101"]}, BOTH),
        ({"fixable": ["planned-note"]}, {PLAN}),
        ({"fixable": ["VL102"]}, set()),
        ({"unfixable": ["dangling-link"]}, set()),
        ({"unfixable": ["VL101"]}, set()),
        ({"unfixable": ["VL125"]}, {MISTAKE}),
        ({"unfixable": ["VL102"]}, BOTH),
        ({"fixable": ["planned-note"], "unfixable": ["dangling-link"]}, {PLAN}),
        ({"fixable": ["dangling-link"], "unfixable": ["planned-note"]}, {MISTAKE}),
    ],
)
def test_fixable_rules_include_those_split_from_them(
    values: Mapping[str, Any], fixable: set[str]
) -> None:
    allowed = make_fix_filter(RULES, merge(**values), unsafe=True)
    state = build_state(dict(VAULT), make_settings(["dangling-link"]))
    fix = Fix("Remove it", Safety.UNSAFE, (Edit("Home.md", 0, 1, ""),))
    assert {item.rule for item in collect_findings(state) if allowed(item, fix)} == fixable


@pytest.mark.parametrize(
    ("selector", "left"),
    [
        ("dangling-link", set()),
        ("VL101", set()),
        ("VL1", set()),
        ("planned-note", {MISTAKE}),
        ("VL125", {MISTAKE}),
        ("missing-heading", BOTH),
    ],
)
def test_ignores_of_files_include_rules_split_from_those_named(
    run: RunCommand, vault: Path, selector: str, left: set[str]
) -> None:
    write_files(vault, {"vaultlink.toml": f'[per-file-ignores]\n"Home.md" = ["{selector}"]\n'})
    data = run("check", "Home.md", "--json").data
    assert isinstance(data, dict)
    assert {item["rule"] for item in data["findings"]} == left


# -- suppressions ---------------------------------------------------------------------------------

PLANNED_LINK, MISTAKEN_LINK = "[[Idea]]", "[[Meetng notes]]"


@each(
    "text",
    [
        "{} %%vaultlink-disable-line VL101%%\n",
        "{} %%vaultlink-disable-line dangling-link%%\n",
        "{} <!-- vaultlink-disable-line VL101 -->\n",
        "%%vaultlink-disable-next-line VL101%%\n{}\n",
        "%%vaultlink-disable dangling-link%%\n{}\n%%vaultlink-enable dangling-link%%\n",
        "{}\n\n%%vaultlink-disable-file VL101, VL102%%\n",
        "---\nvaultlink:\n  ignore: [VL101]\n---\n{}\n",
        "---\nvaultlink:\n  ignore: dangling-link\n---\n{}\n",
        "---\nvaultlink: {{ignore: [dangling-link]}}\n---\n{}\n",
    ],
)
@each("link", [PLANNED_LINK, MISTAKEN_LINK])
def test_suppressions_include_the_rule_split_from_the_one_named(text: str, link: str) -> None:
    notes = {"n.md": text.format(link), "Meeting notes.md": ""}
    state = build_state(notes, make_settings(["dangling-link", "unused-ignore"]))
    assert collect_findings(state) == []


@each(
    ("text", "rules"),
    [
        ("[[Idea]] %%vaultlink-disable-line VL125%%\n", []),
        ("[[Idea]] %%vaultlink-disable-line planned-note%%\n", []),
        ("[[Meetng notes]] %%vaultlink-disable-line VL125%%\n", [MISTAKE, "unused-ignore"]),
        ("[[Idea]] %%vaultlink-disable-line VL102%%\n", [PLAN, "unused-ignore"]),
        ("[[Meeting notes]] %%vaultlink-disable-line VL101%%\n", ["unused-ignore"]),
        ("%%vaultlink-disable VL101%%\n[[Idea]]\n%%vaultlink-enable VL101%%\n[[Idea]]\n", [PLAN]),
        ("---\nvaultlink:\n  ignore: [planned-note]\n---\n[[Meetng notes]]\n", [MISTAKE, "unused-ignore"]),
    ],
)  # fmt: skip
def test_suppressions_of_one_rule_leave_the_other(text: str, rules: Sequence[str]) -> None:
    notes = {"n.md": text, "Meeting notes.md": "# H\n"}
    select = ["dangling-link", "missing-heading", "unused-ignore"]
    found = collect_findings(build_state(notes, make_settings(select)))
    assert sorted(item.rule for item in found) == sorted(rules)


def test_suppression_of_the_split_rule_is_not_unused_where_only_that_runs() -> None:
    notes = {"n.md": "[[Idea]] %%vaultlink-disable-line VL101%%\n"}
    state = build_state(notes, make_settings(["planned-note", "unused-ignore"]))
    assert collect_findings(state) == []


def test_rule_page_is_that_of_one_rule(run: RunCommand) -> None:
    page = run("rule", "dangling-link")
    assert page.lines[0] == "VL101 dangling-link"
    assert "VL125 planned-note" not in page.lines
    assert run("rule", "planned-note").lines[0] == "VL125 planned-note"
    [row] = run("rule", "VL101", "--json").data["rules"]  # type: ignore[index]
    assert row["name"] == "dangling-link"


# -- baselines ------------------------------------------------------------------------------------


def record_as_earlier_version(run: RunCommand, vault: Path) -> None:
    """Record a baseline as vaultlink 0.5.0 did, which had one rule."""
    assert run("baseline").code == 0
    file = vault / ".vaultlink-baseline.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["version"] = "0.5.0"
    data["settings"]["rules"].remove("planned-note")
    assert {row["code"] for row in data["findings"]} == {"VL101"}
    file.write_text(json.dumps(data, indent=1), encoding="utf-8")


def test_baseline_of_an_earlier_version_knows_planned_notes(run: RunCommand, vault: Path) -> None:
    record_as_earlier_version(run, vault)
    done = run("check")
    assert (done.code, done.out) == (0, "")
    assert "Not shown: 5 findings in the baseline." in done.err
    done = run("baseline", "--prune")
    assert done.code == 0
    assert "Nothing to prune: the baseline keeps 5 findings." in done.err
    assert run("check").code == 0
    write_files(vault, {"New.md": "[[Home]] and [[Third idea]]\n"})
    assert [line.split()[1] for line in run("check").lines] == ["VL125"]


def test_finding_stays_known_as_a_plan_becomes_a_mistake(run: RunCommand, vault: Path) -> None:
    run("baseline")
    write_files(vault, {"Other ideas.md": "[[Home]]\n"})
    assert "Other idea" in run("check", "--no-baseline", "--select", "VL101").out
    assert run("check").code == 0
    (vault / "Meeting notes.md").unlink()
    assert run("check").code == 0


def test_findings_that_were_ignored_are_new_to_a_baseline(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": 'ignore = ["VL101"]\n'})
    run("baseline")
    write_files(vault, {"vaultlink.toml": ""})
    done = run("check")
    assert done.code == 1
    assert "VL125 planned-note" in done.out
    assert "VL101 dangling-link" in done.out


# -- exit code and overview -----------------------------------------------------------------------


def test_plans_pass_and_mistakes_fail_with_errors_only(run: RunCommand, vault: Path) -> None:
    assert run("check", "Log.md", "--fail-on", "error").code == 0
    assert run("check", "Log.md").code == 1
    assert run("check", "--fail-on", "error").code == 1
    assert run("check", "--fail-on", "error", "--ignore", "dangling-link").code == 0


STATUS_KEYS = ["schema", "vault", "notes", "mistakes", "planned", "next"]


def test_status_lists_mistakes_and_plans(run: RunCommand, vault: Path) -> None:
    done = run("status")
    assert done.code == 0
    assert done.lines[0] == "1 of 6 links resolve (16.6 %)"
    text = done.out
    assert "\nMistakes\n  1  Meetng notes  [[Meeting notes]]\n" in text
    assert "\nPlanned notes, by the notes that link to them\n  2  Idea        3 links\n" in text
    assert "\n  1  Other idea\n" in text
    assert "\n  vaultlink check --show all   show all 5 findings\n" in text


def test_status_as_json(run: RunCommand, vault: Path) -> None:
    done = run("status", "--json")
    data = done.data
    assert isinstance(data, dict)
    assert (done.code, list(data)) == (0, STATUS_KEYS)
    assert (data["schema"], data["vault"], data["notes"]) == (1, str(vault), 3)
    [mistake] = data["mistakes"]
    assert (mistake["topic"], mistake["count"], mistake["notes"]) == ("Meetng notes", 1, 1)
    assert [item["path"] for item in mistake["suggestions"]] == ["Meeting notes.md"]
    assert data["planned"] == [
        {"topic": "Idea", "count": 3, "notes": 2, "suggestions": []},
        {"topic": "Other idea", "count": 1, "notes": 1, "suggestions": []},
    ]
    assert {"command": "vaultlink check --show all", "gain": 0} in data["next"]


def test_status_of_a_healthy_vault_has_both_tables(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Home.md": "[[Log]]\n", "Log.md": "[[Home]]\n"})
    done = run("status")
    assert done.code == 0
    assert "\nMistakes: none\n\nPlanned notes: none\n" in done.out
    data = run("status", "--json").data
    assert isinstance(data, dict)
    assert list(data) == STATUS_KEYS
    assert (data["mistakes"], data["planned"], data["next"]) == ([], [], [])


@pytest.mark.parametrize(
    ("paths", "mistakes", "planned"),
    [((), 1, 2), (("Log.md",), 0, 2), (("Home.md",), 1, 1), (("Meeting notes.md",), 0, 0)],
)
def test_status_counts_links_in_the_given_paths(
    run: RunCommand, vault: Path, paths: Sequence[str], mistakes: int, planned: int
) -> None:
    done = run("status", "--json", *paths)
    assert isinstance(done.data, dict)
    assert done.code == 0
    assert (len(done.data["mistakes"]), len(done.data["planned"])) == (mistakes, planned)


def test_status_is_the_same_from_the_cache(run: RunCommand, vault: Path) -> None:
    for words in (("status",), ("status", "--json"), ("check", "--json"), ("status",)):
        assert run(*words).out == run(*words).out == run(*words, "--no-cache").out
