"""Tests of `vaultlink baseline`: known findings stay known after edits, new ones are reported, resolved ones counted."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from builder import RULES, build_state
from repositories import commit, create_repository, git, update_files
from running import RunCommand, create_vault, read_files
from tables import each
from vaultlink.baseline.match import (
    KnownFindings,
    digest_line,
    finding_keys,
    relate_rules,
    split_known,
)
from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.disk.scan import BASELINE_FILE
from vaultlink.engine.checks import LinterSettings
from vaultlink.model import Diagnostic

Files = Mapping[str, str | bytes | None]


pytestmark = pytest.mark.usefixtures("plain_git")


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = create_vault(
        tmp_path / "vault",
        {"vaultlink.toml": "", "a.md": "# A\n\nOld [[gone]].\n", "b.md": "# B\n\n[[a#Naught]]\n"},
    )
    monkeypatch.chdir(root)
    return root


class Case(NamedTuple):
    """Edits after the baseline was recorded, the new findings, and the numbers of known and resolved ones."""

    after: Files
    new: list[str]
    left: int
    gone: int


CASES: dict[str, Case] = {
    "nothing": Case({}, [], 2, 0),
    "lines move": Case({"a.md": "# A\n\nMore.\n\nMore.\n\nOld [[gone]].\n"}, [], 2, 0),
    "the line itself is edited": Case(
        {"a.md": "# A\n\nThe old and much changed [[gone|words]] here.\n"}, [], 2, 0
    ),
    "a note that names the same": Case({"c.md": "[[gone]]\n"}, ["c.md:1 gone"], 2, 0),
    "a second one above": Case(
        {"a.md": "# A\n\nNew [[gone]].\n\nOld [[gone]].\n"}, ["a.md:3 gone"], 2, 0
    ),
    "a second one below": Case(
        {"a.md": "# A\n\nOld [[gone]].\n\nNew [[gone]].\n"}, ["a.md:5 gone"], 2, 0
    ),
    "the line again": Case(
        {"a.md": "# A\n\nOld [[gone]].\n\nOld [[gone]].\n"}, ["a.md:5 gone"], 2, 0
    ),
    "another topic": Case({"a.md": "# A\n\nOld [[lost]].\n"}, ["a.md:3 lost"], 1, 1),
    "another heading": Case({"b.md": "# B\n\n[[a#Nothing]]\n"}, ["b.md:3 a"], 1, 1),
    "one mended": Case({"a.md": "# A\n"}, [], 1, 1),
    "a note deleted": Case({"b.md": None}, [], 1, 1),
    "all mended": Case({"a.md": "# A\n", "b.md": "# B\n"}, [], 0, 2),
    "an alias comes near the topic": Case({"c.md": "---\naliases: [gone]\n---\n"}, [], 2, 0),
    "line ends": Case({"a.md": "# A\r\n\r\nOld [[gone]].\r\n"}, [], 2, 0),
}


@each("case", CASES.values(), ids=CASES)
def test_only_what_is_new_is_reported(run: RunCommand, vault: Path, case: Case) -> None:
    assert run("baseline").code == 0
    update_files(vault, case.after)
    done = run("check", "--output-format", "json")
    data = json.loads(done.out)
    assert [f"{row['path']}:{row['line']} {row['target']}" for row in data["findings"]] == case.new
    assert data["known"] == [
        {"kind": "baseline", "name": BASELINE_FILE, "left": case.left, "gone": case.gone}
    ]
    assert done.code == (1 if case.new else 0)
    assert data["summary"]["findings"] == len(case.new)


def test_partly_fixed_entry_is_still_a_known_finding(run: RunCommand, vault: Path) -> None:
    head = "# C\n\n**Add backlinks using these topics:**\n\n"
    update_files(vault, {"c.md": f"{head}Other — [[b]]\n"})
    assert "VL406" in run("check").out
    run("baseline")
    update_files(vault, {"c.md": f"{head}Other – [[b]]\n"})
    assert "VL406" in run("check", "--no-baseline").out
    assert run("check").code == 0
    update_files(vault, {"c.md": f"{head}Other – [[b]]\n\nAnother – [[a]]\n"})
    assert [line.split(":")[1] for line in run("check").lines] == ["7"]


def test_without_a_baseline_everything_is_reported(run: RunCommand, vault: Path) -> None:
    data = json.loads(run("check", "--output-format", "json").out)
    assert (len(data["findings"]), data["known"]) == (2, [])


def test_no_baseline_option_reports_known_findings(run: RunCommand, vault: Path) -> None:
    run("baseline")
    done = run("check", "--no-baseline")
    assert (done.code, len(done.lines)) == (1, 2)
    assert "Not shown" not in done.err


def test_summary_counts_known_and_resolved_findings(run: RunCommand, vault: Path) -> None:
    done = run("baseline")
    assert done.lines == [str(vault / BASELINE_FILE)]
    assert "The baseline contains 2 findings of 2 rules in 2 files." in done.err
    assert "Not shown: 2 findings in the baseline.\n" in run("check").err
    update_files(vault, {"a.md": "# A\n"})
    done = run("check")
    assert "No new findings in 2 notes." in done.err
    assert (
        "Not shown: 1 finding in the baseline; 1 other is no longer found. `vaultlink baseline --prune` removes it."
        in done.err
    )


def test_baseline_of_a_clean_vault_reports_every_finding(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"a.md": "# A\n", "b.md": "# B\n"})
    assert "The baseline contains 0 findings." in run("baseline").err
    assert json.loads((vault / BASELINE_FILE).read_text(encoding="utf-8"))["findings"] == []
    assert run("check").code == 0
    update_files(vault, {"a.md": "[[gone]]\n"})
    assert run("check").code == 1


def test_paths_limit_the_counts(run: RunCommand, vault: Path) -> None:
    run("baseline")
    data = json.loads(run("check", "b.md", "--output-format", "json").out)
    assert [debt["left"] for debt in data["known"]] == [1]
    update_files(vault, {"a.md": "# A\n"})
    assert "Not shown: 1 finding in the baseline.\n" in run("check", "b.md").err


# -- the file -------------------------------------------------------------------------------------------------------------


def test_same_findings_produce_the_same_file(run: RunCommand, vault: Path) -> None:
    run("baseline")
    before = (vault / BASELINE_FILE).read_bytes()
    run("baseline", "--no-cache")
    assert (vault / BASELINE_FILE).read_bytes() == before
    assert len([line for line in before.splitlines() if b'"path"' in line]) == 2


def test_baseline_file_is_not_part_of_the_vault(run: RunCommand, vault: Path) -> None:
    run("baseline")
    data = json.loads(run("check", "--output-format", "json").out)
    assert data["summary"]["attachments"] == 1  # vaultlink.toml


def test_prune_removes_resolved_findings_and_adds_none(run: RunCommand, vault: Path) -> None:
    run("baseline")
    update_files(vault, {"a.md": "# A\n\n[[lost]]\n"})
    assert (
        "Removed 1 finding that is no longer found; the baseline keeps 1 finding. 1 current finding is not in it."
        in run("baseline", "--prune").err
    )
    done = run("check")
    assert done.lines == [
        "a.md:3:1: VL125 planned-note “lost” is not written yet: no file in the vault has this name."
    ]
    update_files(vault, {"a.md": "# A\n\nOld [[gone]].\n"})
    assert run("check").code == 1, "what came back is new"


def test_prune_without_resolved_findings_writes_nothing(run: RunCommand, vault: Path) -> None:
    run("baseline")
    before = (vault / BASELINE_FILE).stat()
    assert "Nothing to prune: the baseline keeps 2 findings." in run("baseline", "--prune").err
    assert (vault / BASELINE_FILE).stat().st_mtime_ns == before.st_mtime_ns


def test_line_ends_stay_as_git_checked_them_out(run: RunCommand, vault: Path) -> None:
    run("baseline")
    before = (vault / BASELINE_FILE).read_bytes().replace(b"\n", b"\r\n")
    (vault / BASELINE_FILE).write_bytes(before)
    for words in ((), ("--prune",)):
        assert run("baseline", "--diff", *words).code == 0
        run("baseline", *words)
        assert (vault / BASELINE_FILE).read_bytes() == before


def test_prune_needs_a_baseline(run: RunCommand, vault: Path) -> None:
    done = run("baseline", "--prune")
    assert done.code == 2
    assert "there is no baseline to prune" in done.err


def test_diff_writes_nothing(run: RunCommand, vault: Path) -> None:
    done = run("baseline", "--diff")
    assert done.code == 1
    assert not (vault / BASELINE_FILE).exists()
    run("baseline")
    assert (run("baseline", "--diff").code, run("baseline", "--prune", "--dry-run").code) == (0, 0)
    update_files(vault, {"a.md": "# A\n"})
    done = run("baseline", "--prune", "--diff")
    assert done.code == 1
    assert [line for line in done.lines if line[:2] == "- "] != []
    assert "gone" in (vault / BASELINE_FILE).read_text(encoding="utf-8")


def test_vault_option_selects_the_vault(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vault.parent)
    assert run("baseline", vault).lines == [str(vault / BASELINE_FILE)]
    assert run("check", vault).code == 0


# -- settings -------------------------------------------------------------------------------------------------------------

OTHERS: dict[str, tuple[str, str]] = {
    "topics that may be missing": (
        'allow-dangling = ["20*"]\n',
        'allow-dangling was `[]` and is `["20*"]`',
    ),
    "other notes": ('exclude = ["b.md"]\n', 'exclude was `[]` and is `["b.md"]`'),
    "a file's own": (
        '[per-file-ignores]\n"b.md" = ["VL1"]\n',
        'per-file-ignores.b.md was not set and is `["VL1"]`',
    ),
    "an option": (
        "[rules.unportable-name]\nmax-path = 100\n",
        "rules.unportable-name.max-path was 240 and is 100",
    ),
    "sections": ('[backlinks]\nmode = "off"\n', "backlinks.mode was “repair” and is “off”"),
}


@each(("config", "why"), OTHERS.values(), ids=OTHERS)
@each("command", [("check",), ("fix",), ("baseline", "--prune")], ids=" ".join)
def test_baseline_made_under_other_settings_is_refused(
    run: RunCommand, vault: Path, command: tuple[str, ...], config: str, why: str
) -> None:
    run("baseline")
    update_files(vault, {"vaultlink.toml": config})
    before = read_files(vault)
    done = run(*command)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
    assert "created with other settings" in done.err
    assert read_files(vault) == before
    assert run("check", "--no-baseline").code == 1
    assert run("baseline").code == 0
    assert run("check").code == 0


@each(
    "config",
    [
        '[severity]\nmissing-heading = "error"\n',
        'fixable = ["VL1"]\n',
        "[rules.orphan-note]\nignore = []\n",
        'ignore = ["missing-heading"]\n[rules.missing-heading]\n',
        'select = ["VL102"]\n',
        "",
    ],
)
def test_settings_without_effect_on_findings_are_compatible(
    run: RunCommand, vault: Path, config: str
) -> None:
    run("baseline")
    update_files(vault, {"vaultlink.toml": config})
    assert run("check").code == 0


OTHER_SETTINGS = (
    *('exclude = ["x"]', "[rules.unportable-name]"),
    *("max-path = 9", "max-bytes = 9", 'allow = ["?"]'),
)


@each(("lines", "count"), [(1, 1), (4, 3), (5, 4)])
def test_first_differences_of_the_settings_are_named(
    run: RunCommand, vault: Path, lines: int, count: int
) -> None:
    update_files(vault, {"vaultlink.toml": "\n".join(OTHER_SETTINGS[:lines])})
    run("baseline")
    (vault / "vaultlink.toml").unlink()
    done = run("check")
    assert done.code == 2
    assert len(re.findall(r"\w was (?!created)", done.err)) == min(count, 3)
    assert ("; and 1 more." in done.err) == (count == 4)


@each(("length", "shown"), [(60, "e" * 60), (61, "e" * 59 + "…")])
def test_long_value_of_a_setting_is_shortened(
    run: RunCommand, vault: Path, length: int, shown: str
) -> None:
    run("baseline")
    update_files(vault, {"vaultlink.toml": f'[backlinks]\nheading = "{"e" * length}"'})
    done = run("check")
    assert done.code == 2
    assert f"“{shown}”" in done.err


def test_files_excluded_by_obsidian_count_as_settings(run: RunCommand, vault: Path) -> None:
    run("baseline")
    update_files(vault, {".obsidian/app.json": '{"userIgnoreFilters": ["b.md"]}'})
    done = run("check")
    assert done.code == 2
    assert "Obsidian's excluded files was `[]` and is" in done.err


# -- the rules that run -----------------------------------------------------------------------------------------------------

ENTRY = "**Add backlinks using these topics:**\n\nIced – [[Iced]]\n"
BEE = "---\naliases: [Bee, Iced]\n---\n# C\n\n[[a]]\n"
MIXED: Mapping[str, str] = {
    "a.md": "# A\n\n[[gone]] ![[lost]]\n",  # dangling-link, dangling-embed
    "b.md": "# B\n\n[[a#Naught]] [[Bee]]\n",  # missing-heading, alias-link
    "c.md": BEE,
    "d.md": f"# D\n\n[[a]]\n\n{ENTRY}",  # broken-section-entry
}


class Selection(NamedTuple):
    """Options or settings of a check, the new findings, and the numbers of known and resolved ones."""

    words: str
    left: int
    gone: int = 0
    after: Files | None = None
    new: tuple[str, ...] = ()
    config: str = ""


SELECTIONS: dict[str, Selection] = {
    "all": Selection("", 5),
    "one rule": Selection("--select missing-heading", 1),
    "others": Selection("--ignore missing-heading", 4),
    "a prefix": Selection("--select VL102,VL406", 2),
    "a rule more": Selection(
        "--extend-select orphan-note", 5, new=("b.md VL401", "c.md VL401", "d.md VL401")
    ),
    "only a rule more": Selection(
        "--select orphan-note", 0, new=("b.md VL401", "c.md VL401", "d.md VL401")
    ),
    "a rule less in the settings": Selection("", 4, config='ignore = ["missing-heading"]\n'),
    "a rule that reports what others did": Selection("--select dangling-link", 4),
    "without precedence": Selection("--ignore VL4,dangling-embed,alias-link", 5),
    "one with the same code": Selection("--select alias-link", 2),
    "paths": Selection("--select VL1 a.md b.md", 4),
    "one mended": Selection("--select VL1", 4, 1, {"a.md": "# A\n\n![[lost]]\n"}),
    "one mended of a rule that does not run": Selection(
        "--select missing-heading", 1, 0, {"a.md": "# A\n"}
    ),
    "one that may be mended": Selection("--select alias-link", 2, 0, {"a.md": "# A\n"}),
    "new ones": Selection(
        "--select VL101",
        4,
        0,
        {"e.md": "[[gone]]\n", "d.md": f"{MIXED['d.md']}\nMore – [[else]]\n"},
        ("d.md VL125", "e.md VL125"),
    ),
    "another in the note of an entry": Selection(
        "--select VL101",
        4,
        0,
        {"d.md": MIXED["d.md"].replace("[[a]]", "[[a]] [[Iced]]")},
        ("d.md VL101",),
    ),
    "entry mended": Selection("--select VL101", 3, 0, {"d.md": "[[a]]\n"}),
}


@each("case", SELECTIONS.values(), ids=SELECTIONS)
def test_selection_filters_what_the_baseline_knows(
    run: RunCommand, vault: Path, case: Selection
) -> None:
    update_files(vault, MIXED)
    run("baseline")
    update_files(vault, {**(case.after or {}), "vaultlink.toml": case.config})
    done = run("check", *case.words.split(), "--output-format", "json")
    data = json.loads(done.out)
    assert [f"{row['path']} {row['code']}" for row in data["findings"]] == list(case.new)
    assert [(row["left"], row["gone"]) for row in data["known"]] == [(case.left, case.gone)]


FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
ALL_RULES = frozenset(rule.name for rule in RULES)


@cache
def read_fixture(name: str) -> Mapping[str, str]:
    """Return the notes of a sample vault, and its attachments without content."""
    files = read_files(FIXTURES / name).items()
    return {
        path: data.decode("utf-8", "replace") if path.endswith(".md") else ""
        for path, data in files
        if path[:1] != "."
    }


@pytest.mark.thorough
@settings(max_examples=40, deadline=None)
@given(
    some.sampled_from(sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())),
    some.one_of(
        some.sampled_from(sorted(ALL_RULES)).map(lambda name: frozenset({name})),
        some.sampled_from(sorted(ALL_RULES)).map(lambda name: ALL_RULES - {name}),
        some.frozensets(some.sampled_from(sorted(ALL_RULES)), min_size=1),
    ),
)
def test_no_selection_makes_known_findings_new_or_resolved(
    fixture: str, enabled: frozenset[str]
) -> None:
    texts = read_fixture(fixture)
    before, now = (
        build_state(
            texts,
            LinterSettings.build(
                RULES, merge_layers([Layer("", {"select": sorted(selected)})], RULES)
            ),
        ).diagnostics
        for selected in (ALL_RULES, enabled)
    )
    keys = {path: finding_keys(items, texts.__getitem__) for path, items in before.items()}
    known = KnownFindings(
        "baseline",
        "",
        frozenset(keys),
        keys.__getitem__,
        rules=relate_rules(RULES, ALL_RULES, enabled),
    )
    split = split_known(now, [known], texts.__getitem__, lambda _path: True)
    new = [item for item in split.new if "suppression of all rules" not in item.message]
    assert (new, split.known_counts[0].gone) == ([], 0)


def test_fix_with_a_selection_fixes_known_findings(run: RunCommand, vault: Path) -> None:
    update_files(vault, {**MIXED, "d.md": "[[c]] [[Bee]] [[a#Naught]]\n"})
    run("baseline")
    done = run("fix", "--select", "alias-link")
    assert (done.code, done.out) == (0, "")
    assert (vault / "d.md").read_text(encoding="utf-8") == "[[c]] [[c|Bee]] [[a#Naught]]\n"


@each(
    ("words", "kept", "said"),
    [
        ("--prune", {"VL102"}, "Removed 4 findings that are no longer found; the baseline keeps 1"),
        ("--prune --select VL102", {"VL101", "VL102", "VL406"}, "Nothing to prune: the baseline keeps 5 findings. 4 of them are of rules that do not run."),
        ("--prune --select VL101", {"VL102", "VL406"}, "Removed 3 findings that are no longer found; the baseline keeps 2 findings. 2 of them are of rules that do not run."),
        ("--prune --ignore VL102", {"VL102"}, "Removed 4 findings that are no longer found; the baseline keeps 1 finding. 1 of them is of rules that do not run."),
        ("--select VL204", {"VL101", "VL102", "VL406"}, "The baseline contains 5 findings: added 0, removed 0 no longer found. 5 of them are of rules that do not run."),
        ("--select orphan-note", {"VL101", "VL102", "VL401", "VL406"}, "The baseline contains 6 findings: added 1, removed 0 no longer found. 5 of them are of rules that do not run."),
        ("--select dangling-link", {"VL102", "VL406"}, "The baseline contains 2 findings: added 0, removed 3 no longer found. 2 of them"),
        ("", {"VL102"}, "The baseline contains 1 finding of 1 rule in 1 file."),
    ],
)  # fmt: skip
def test_other_rules_stay_in_a_baseline(
    run: RunCommand, vault: Path, words: str, kept: set[str], said: str
) -> None:
    update_files(vault, MIXED)
    run("baseline")
    update_files(
        vault, {"a.md": "# A\n", "b.md": "[[a#Naught]] [[a]] [[c]] [[d]]\n", "d.md": "[[a]]\n"}
    )
    assert said in run("baseline", *words.split()).err
    written = (vault / BASELINE_FILE).read_bytes()
    assert {row["code"] for row in json.loads(written)["findings"]} == kept
    run("baseline", *words.split())
    assert (vault / BASELINE_FILE).read_bytes() == written
    assert run("check").code == 0


def rewrite(vault: Path, **changes: object) -> None:
    """Change settings of the baseline as another version would have recorded them; None removes one."""
    data = json.loads((vault / BASELINE_FILE).read_bytes())
    settings = {
        **data["settings"],
        **{key.replace("__", "."): value for key, value in changes.items()},
    }
    data["settings"] = {key: value for key, value in settings.items() if value is not None}
    (vault / BASELINE_FILE).write_text(json.dumps(data), encoding="utf-8")


def test_rule_of_a_new_version_does_not_invalidate_a_baseline(run: RunCommand, vault: Path) -> None:
    run("baseline")
    recorded = json.loads((vault / BASELINE_FILE).read_bytes())["settings"]["rules"]
    rewrite(vault, rules=[name for name in recorded if name != "missing-block"])
    update_files(vault, {"c.md": "[[a#^none]]\n"})
    assert [line.split()[1] for line in run("check").lines] == ["VL103"]
    run("baseline", "--select", "missing-block")
    assert run("check").code == 0


def test_rule_that_takes_over_links_of_another_is_known(run: RunCommand, vault: Path) -> None:
    update_files(vault, MIXED)
    run("baseline", "--select", "dangling-link")
    assert [line.split()[1] for line in run("check").lines] == ["VL102"]


def test_rule_that_no_longer_exists_is_resolved(run: RunCommand, vault: Path) -> None:
    run("baseline")
    rewrite(vault, rules=["dangling-link", "missing-heading", "once-a-rule"])
    data = (vault / BASELINE_FILE).read_text(encoding="utf-8")
    row = '{"path": "a.md", "code": "VL199", "about": "x", "line": ""}, '
    (vault / BASELINE_FILE).write_text(
        data.replace('"findings": [', f'"findings": [{row}'), encoding="utf-8"
    )
    done = run("check")
    assert (done.code, done.out) == (0, "")
    assert "Not shown: 2 findings in the baseline; 1 other is no longer found." in done.err
    run("baseline", "--prune")
    data = (vault / BASELINE_FILE).read_text(encoding="utf-8")
    assert "once-a-rule" not in data
    assert "VL199" not in data


@each(
    "changes",
    [
        {"rules": None},
        {"rules": 7},
        {"rules": [1, None, "dangling-link", []]},
        {"rules__unportable-name__max-path": None},
        {"rules__unportable-name__gone": 3},
        {"rules__once-a-rule__x": 3},
        {"backlinks__once": "x"},
        {"quiet": ["templates", "daily-notes"]},
        {"quiet": None},
    ],
)
def test_settings_of_another_version_are_compatible(
    run: RunCommand, vault: Path, changes: Mapping[str, object]
) -> None:
    run("baseline")
    rewrite(vault, **changes)
    assert run("check").code == 0
    assert run("baseline", "--prune").code == 0


@each(
    ("changes", "config"),
    [
        ({"quiet": ["templates", "once"]}, ""),
        ({"quiet": []}, 'quiet = ["templates"]\n'),
        ({"rules__unportable-name__max-path": None}, "[rules.unportable-name]\nmax-path = 9\n"),
        ({"exclude": ["b.md"]}, ""),
        ({"per-file-ignores__b.md": ["VL1"]}, ""),
    ],
)
def test_other_settings_of_another_version_are_refused(
    run: RunCommand, vault: Path, changes: Mapping[str, object], config: str
) -> None:
    run("baseline")
    rewrite(vault, **changes)
    update_files(vault, {"vaultlink.toml": config})
    assert run("check").code == 2


BROKEN: dict[str, tuple[bytes, str]] = {
    "no JSON": (b'{\n "schema": 1,\n oops\n', ":3: not valid JSON"),
    "a conflict": (b'{\n "schema": 1,\n<<<<<<< HEAD\n', "merge conflicts"),
    "another thing": (b"[1, 2]", "not a baseline file"),
    "a later schema": (
        b'{"schema": 99, "version": "9.0.0", "settings": {}, "findings": []}',
        "vaultlink 9.0.0",
    ),
    "no text": (b"\xff\xfe\x00", ": not "),
    "empty": (b"", ":1: not valid JSON"),
    "too deep": (b"[" * 100_000, ": not "),
}


@each(("data", "why"), BROKEN.values(), ids=BROKEN)
def test_invalid_baseline_file_is_an_error_with_its_place(
    run: RunCommand, vault: Path, data: bytes, why: str
) -> None:
    (vault / BASELINE_FILE).write_bytes(data)
    done = run("check")
    assert (done.code, done.out) == (2, "")
    assert why in done.err
    assert f"error: {vault / BASELINE_FILE}:" in done.err
    assert run("baseline").code == 0
    assert run("check").code == 0


# -- with git -------------------------------------------------------------------------------------------------------------

LONG = "".join(f"Line {number} says something of its own.\n" for number in range(20))


@each("committed", [True, False])
def test_findings_follow_a_renamed_note(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    root = create_repository(
        tmp_path / "v", {"vaultlink.toml": "", "a.md": f"{LONG}[[gone]]\n", "b.md": "x\n"}
    )
    monkeypatch.chdir(root)
    run("baseline")
    commit(root)
    update_files(root, {"a.md": None, "sub/c.md": f"{LONG}[[gone]]\n"})
    if committed:
        commit(root)
    assert run("check").code == 0
    run("baseline", "--prune")
    assert '"path": "sub/c.md"' in (root / BASELINE_FILE).read_text(encoding="utf-8")


def test_findings_follow_renamed_similar_notes(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("a.md", "b.md", "Chapter 3.md")
    root = create_repository(
        tmp_path / "v",
        {"vaultlink.toml": "", **{f"x/{name}": f"{LONG}[[gone]]\n" for name in names}},
    )
    monkeypatch.chdir(root)
    run("baseline")
    update_files(root, {f"x/{name}": None for name in names})
    update_files(root, {f"y/{name.replace('3', '4')}": f"{LONG}[[gone]]\n" for name in names})
    assert run("check").code == 0
    commit(root)
    assert run("check").code == 0


def test_baselines_pruned_on_two_branches_merge(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = {f"n{number}.md": f"[[gone {number}]]\n" for number in range(9)}
    root = create_repository(tmp_path / "v", {"vaultlink.toml": "", **notes})
    monkeypatch.chdir(root)
    run("baseline")
    commit(root)
    for branch, note in (("one", "n1.md"), ("two", "n7.md")):
        git(root, "switch", "--quiet", "--create", branch, "main")
        update_files(root, {note: "mended\n"})
        run("baseline", "--prune")
        commit(root)
    git(root, "merge", "--quiet", "--no-edit", "one")
    data = json.loads(run("check", "--output-format", "json").out)
    assert [(debt["left"], debt["gone"]) for debt in data["known"]] == [(7, 0)]


def test_finding_known_to_baseline_or_revision_is_not_new(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_repository(tmp_path / "v", {"vaultlink.toml": "", "a.md": "[[gone]]\n"})
    monkeypatch.chdir(root)
    update_files(root, {"a.md": "[[gone]] [[taken on]]\n"})
    run("baseline")
    update_files(root, {"a.md": "[[gone]] [[taken on]] [[lost]]\n"})
    done = run("check", "--changed-since", "HEAD")
    assert [line.split("“")[1] for line in done.lines] == [
        "lost” is not written yet: no file in the vault has this name."
    ]
    assert "Not shown: 2 findings in the baseline.\n" in done.err
    assert "findings since HEAD" not in done.err, "known to the baseline too"
    assert done.err.count("Not shown") == 1
    update_files(root, {"a.md": "[[taken on]]\n"})
    done = run("check", "--changed-since", "HEAD")
    assert "Not shown: 1 finding in the baseline; 1 other is no longer found." in done.err
    assert "since HEAD" not in done.err


def test_each_known_finding_counts_once(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`a` is known to both, `b` to the baseline, `c` and `d` to the revision; `e` is new."""
    notes = {"a.md": "[[x]] [[gone]]\n", "c.md": "[[x]] [[also gone]]\n", "d.md": "[[x]] [[y]]\n"}
    root = create_repository(
        tmp_path / "v", {"vaultlink.toml": "", **notes, "d.md": "[[x]] [[y]] [[z]]\n"}
    )
    monkeypatch.chdir(root)
    update_files(root, {"b.md": "[[x]]\n", "c.md": "", "d.md": "[[y]]\n"})
    run("baseline")
    update_files(
        root,
        {"a.md": "[[x]]\n", "c.md": "[[x]]\n", "d.md": "[[x]] [[y]] [[z]]\n", "e.md": "[[x]]\n"},
    )
    for words in ((), ("--select", "VL101"), ("--ignore", "VL2")):
        done = run("check", "--changed-since", "HEAD", *words, "--output-format", "json")
        data = json.loads(done.out)
        assert [row["path"] for row in data["findings"]] == ["e.md"]
        assert [(row["left"], row["gone"]) for row in data["known"]] == [(3, 1), (3, 1)]


# -- fixing ---------------------------------------------------------------------------------------------------------------


def test_fix_applies_to_known_findings_and_reports_new_ones(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"c.md": "---\naliases: [Bee]\n---\n", "d.md": "[[Bee]] [[gone]]\n"})
    run("baseline")
    update_files(vault, {"a.md": "[[lost]]\n"})
    done = run("fix")
    assert (vault / "d.md").read_bytes() == b"[[c|Bee]] [[gone]]\n"
    assert done.lines == [
        "a.md:1:1: VL125 planned-note “lost” is not written yet: no file in the vault has this name."
    ]
    assert done.code == 1


# -- which is which -------------------------------------------------------------------------------------------------------

LINES = some.lists(
    some.sampled_from(
        [
            "[[x]]",
            "[[y]]",
            "[[x]] and [[y]]",
            "words",
            "",
            "![[x]]",
            "[[x|shown]]",
            "twice [[x]] [[x]]",
        ]
    ),
    max_size=8,
)


def found(lines: list[str]) -> tuple[tuple[Diagnostic, ...], str]:
    text = "\n".join(lines)
    return tuple(build_state({"a.md": text}).diagnostics.get("a.md", ())), text


def test_lines_have_the_digests_of_stored_baselines() -> None:
    """Other digests would make findings new that are known to baselines of former versions."""
    findings, text = found(["First [[lost]]", "  See [[lost]] now.\r", "", "Last [[lost]]"])
    digests = {item.line: digest_line(text, item) for item in findings}
    assert list(digests.values()) == ["f316a8ab", "be8df2d1", "2a54ab57"]


@given(LINES, LINES)
def test_every_finding_is_new_or_known_and_every_known_one_current_or_resolved(
    before: list[str], after: list[str]
) -> None:
    old, old_text = found(before)
    now, text = found(after)
    known = KnownFindings(
        "baseline",
        "",
        frozenset({"a.md"} if old else ()),
        lambda _path: finding_keys(old, lambda _path: old_text),
    )
    split = split_known(
        {"a.md": now} if now else {}, [known], lambda _path: text, lambda _path: True
    )
    [count] = split.known_counts
    assert len(split.new) + len(split.known) == len(now)
    assert count.left == len(split.known)
    assert count.left + count.gone == len(old)
    counts = [Counter(item.target for item in items) for items in (now, old, split.new)]
    assert counts[2] == counts[0] - counts[1]


@given(
    LINES, some.lists(some.sampled_from(["words", "", "# More"]), max_size=4), some.integers(0, 8)
)
def test_inserted_lines_cause_no_new_findings(
    lines: list[str], more: list[str], place: int
) -> None:
    old, old_text = found(lines)
    now, text = found(lines[:place] + more + lines[place:])
    known = KnownFindings(
        "baseline",
        "",
        frozenset({"a.md"} if old else ()),
        lambda _path: finding_keys(old, lambda _path: old_text),
    )
    split = split_known(
        {"a.md": now} if now else {}, [known], lambda _path: text, lambda _path: True
    )
    assert [item for item in split.new if item.code in ("VL101", "VL125")] == []
