"""Tests of the numbers of fixes: those of every format equal each other and what `fix` then does."""

import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from exploring import count_examples
from running import RunCommand, create_vault, write_files
from tables import each
from test_fixing_random import VAULTS
from vaultlink.api import Vault, open_vault
from vaultlink.disk.scan import Settings
from vaultlink.fix.forecast import FixForecast
from vaultlink.fix.select import make_fix_filter
from vaultlink.fix.sources import FixAnswers

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
NAMES = sorted(file.name for file in FIXTURES.iterdir() if file.is_dir())

Numbers = tuple[int, int]
"""Numbers of findings that safe fixes resolve, and that unsafe ones resolve besides."""


def parse_summary(text: str) -> tuple[Numbers, bool]:
    """Return the numbers of a summary, and True if they are exact."""
    least = "at least" in text
    if not re.search("`vaultlink fix --unsafe-fixes", text) and (
        match := re.search(r"`vaultlink fix(?: [^`]*)?` can fix (?:at least )?([\d,]+) ", text)
    ):
        safe = int(match[1].replace(",", ""))
        more = re.search(r", and ([\d,]+) more with --unsafe-fixes", text)
        total = re.search(r", and at least ([\d,]+) with --unsafe-fixes", text)
        unsafe = int(more[1]) if more else int(total[1]) - safe if total else 0
        return (safe, unsafe), not least
    match = re.search(
        r"`vaultlink fix --unsafe-fixes(?: [^`]*)?` can fix (?:at least )?([\d,]+) ", text
    )
    return (0, int(match[1]) if match else 0), not least


def read_numbers(run: RunCommand, vault: Path, *words: str) -> Numbers:
    """Return the numbers of the JSON document, after comparing them with its rows."""
    data = run("check", vault, "--output-format", "json", *words).data
    assert isinstance(data, dict)
    summary = data["summary"]
    rows = Counter(item["fix"]["safety"] for item in data["findings"] if item["fix"])
    assert (rows["safe"], rows["unsafe"]) == (summary["fixable"], summary["unsafe_fixable"])
    return summary["fixable"], summary["unsafe_fixable"]


def count_fixed(run: RunCommand, vault: Path, *words: str) -> int:
    """Run `fix` on a copy, compare its numbers with each other, and return the number."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "vault"
        shutil.copytree(vault, copy)
        would = re.search(r"Would fix ([\d,]+)", run("fix", copy, "--diff", *words).err)
        done = run("fix", copy, "--output-format", "json", *words)
        told = re.search(r"Fixed ([\d,]+)", done.err)
        assert isinstance(done.data, dict)
        number = done.data["fixed"]["findings"]
        assert sum(done.data["fixed"]["by_rule"].values()) == number
        assert [int(match[1]) if match else 0 for match in (would, told)] == [number, number]
        assert re.search("Nothing to fix|Fixed nothing", run("fix", copy, *words).err)
        assert isinstance(number, int)
        return number


# -- random vaults -------------------------------------------------------------------------------------------------


@contextmanager
def opened(files: Mapping[str, str]) -> Iterator[Vault]:
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        overrides = {"select": ["VL0", "VL1", "VL2", "VL3", "VL4"]}
        yield open_vault(folder, Settings(cache=False, isolated=True, overrides=overrides))


@pytest.mark.thorough
@settings(
    max_examples=count_examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(files=VAULTS)
def test_numbers_of_random_vaults_equal_what_plans_resolve(files: dict[str, str]) -> None:
    with opened(files) as vault:
        findings = vault.check()
        counted = vault.fixer.forecaster()(findings)
        assert not counted.has_guesses
        safe, unsafe = counted.safe, counted.unsafe
        for is_unsafe, expected in ((False, safe), (True, safe + unsafe)):
            plan = vault.fixer.plan(
                make_fix_filter(vault.rules, vault.config, unsafe=is_unsafe),
                FixAnswers() if is_unsafe else None,
            )
            resolved = plan.fixed
            assert len(resolved) == expected
            before, after = (
                Counter(
                    (path, item.code, item.message)
                    for path, items in state.diagnostics.items()
                    for item in items
                )
                for state in (plan.before, plan.after)
            )
            gone = before - after
            keys = Counter((item.path, item.code, item.message) for item, _ in resolved)
            assert keys <= gone


# -- fixes that need no trial --------------------------------------------------------------------------------------


def count_with_trials(vault: Vault, *, tries_all: bool) -> FixForecast:
    forecast = vault.fixer.forecaster()
    if tries_all:
        vars(forecast)["_are_link_edits"] = lambda _path, _pairs: False
    return forecast(vault.check())


@pytest.mark.thorough
@settings(
    max_examples=count_examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(files=VAULTS)
def test_fixes_counted_without_a_trial_are_made(files: dict[str, str]) -> None:
    with opened(files) as vault:
        found = count_with_trials(vault, tries_all=False)
        assert found == count_with_trials(vault, tries_all=True)


@each(
    ("files", "untried"),
    [
        ({"a.md": "[[A title]] and [[a title|x]]\n\n> [[A title]]\n"}, 0),
        ({"a.md": "# On [[A title]]\n\n[[A title]]\n"}, 0),
        ({"a.md": "# On [[A title]]\n\n[[A title]]\n", "b.md": "[[a#^x]]\n"}, 2),
        ({"a.md": "[[A title]]\n", "b.md": '---\nup: "[[A title]]"\n---\n'}, 1),
        ({"a.md": "---\ntag: x\n---\n[[A title]]\n"}, 2),
        ({"a.md": "[[A title]]\n\n%%vaultlink-disable-next-line VL102%%\n[[b#x]]\n"}, 1),
        ({"a.md": "[[A title]]\n\n## Backlinks\n\n- [[A title]]\n"}, 2),
        ({"a.md": "[[A title]]\n", "A.md": "[[A title]]\n"}, 2),
    ],
    ids=["text", "heading", "linked heading", "property", "tag", "suppression", "section", "case"],
)
def test_only_links_in_text_need_no_trial(files: dict[str, str], untried: int) -> None:
    with opened({**files, "note.md": "---\ntitle: A title\n---\n"}) as vault:
        forecast = vault.fixer.forecaster()(vault.check(), tries=False)
        assert forecast.untried == untried
        found = count_with_trials(vault, tries_all=False)
        assert found == count_with_trials(vault, tries_all=True)


def test_rule_made_an_error_is_tried(tmp_path: Path) -> None:
    create_vault(tmp_path, {"a.md": "[[A title]]\n", "note.md": "---\ntitle: A title\n---\n"})
    for severity, untried in (("warning", 0), ("error", 1)):
        overrides = {"severity": {"orphan-note": severity}}
        vault = open_vault(tmp_path, Settings(cache=False, overrides=overrides))
        assert vault.fixer.forecaster()(vault.check(), tries=False).untried == untried


# -- single causes -------------------------------------------------------------------------------------------------

VAULT = {
    "Home.md": "---\ntag: a\n---\n[[Role of memory]] [[Paln]] ![[Paln]]\n",
    "mem.md": "---\ntitle: Role of memory\n---\n",
    "Plan.md": "",
    "Other.md": "[[Role of memory]]\n",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def test_text_formats_count_guesses(run: RunCommand, vault: Path) -> None:
    assert read_numbers(run, vault) == (3, 2)
    for form in ("full", "concise"):
        assert run("check", "--output-format", form).err.endswith(
            "`vaultlink fix` can fix 3 of them, and 2 more with --unsafe-fixes.\n"
        )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--unfixable", "title-link"), (1, 2)),
        (("--fixable", "title-link"), (2, 0)),
        (("--unfixable", "ALL"), (0, 0)),
        (("Other.md",), (1, 0)),
        (("--select", "VL1"), (2, 2)),
    ],
)
def test_numbers_count_only_what_fix_may_fix(
    run: RunCommand, vault: Path, words: tuple[str, ...], expected: Numbers
) -> None:
    paths, rest = ([*words], []) if not words[0].startswith("-") else ([], [*words])
    data = run("check", *paths, "--output-format", "json", *rest).data
    assert isinstance(data, dict)
    assert (data["summary"]["fixable"], data["summary"]["unsafe_fixable"]) == expected
    told = run("check", *paths, "--output-format", "full", *rest).err
    assert parse_summary(told) == (expected, True)
    fixed = run("fix", *paths, "--output-format", "json", *rest).data
    assert isinstance(fixed, dict)
    assert fixed["fixed"]["findings"] == expected[0]


def test_notes_that_fix_skips_are_not_counted(run: RunCommand, vault: Path) -> None:
    markers = "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"
    write_files(vault, {"Other.md": VAULT["Other.md"] + markers})
    assert read_numbers(run, vault) == (2, 2)
    assert count_fixed(run, vault) == 2


def test_write_protected_notes_are_counted(run: RunCommand, vault: Path) -> None:
    (vault / "Other.md").chmod(0o444)
    assert read_numbers(run, vault) == (3, 2)


def test_known_findings_that_fix_resolves_are_named(run: RunCommand, vault: Path) -> None:
    run("baseline")
    write_files(vault, {"New.md": "[[Role of memory]]\n"})
    assert read_numbers(run, vault) == (1, 0)
    assert run("check", "--output-format", "full").err.endswith(
        "`vaultlink fix` can fix 1 of them and 3 known findings, and 2 more with --unsafe-fixes.\n"
    )
    assert count_fixed(run, vault) == 4
    assert count_fixed(run, vault, "--unsafe-fixes") == 6


def test_too_many_unsafe_fixes_are_not_tried(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safe fixes are counted however many there are, and what was not counted is never 0."""
    monkeypatch.setattr("vaultlink.fix.forecaster.MAX_TRIED", 1)
    data = run("check", "--output-format", "json").data
    assert isinstance(data, dict)
    assert (data["summary"]["fixable"], data["summary"]["unsafe_fixable"]) == (3, None)
    assert run("check", "--output-format", "full").err.endswith(
        "`vaultlink fix` can fix 3 of them, and at least 3 with --unsafe-fixes.\n"
    )
    assert "| 3 | at least 0 |" in run("check", "--output-format", "markdown").out
    lines = run("check", "--statistics").lines
    assert [line.split()[:4] for line in lines if "dangling" in line] == [
        ["1", "0", "at", "least"],
        ["1", "0", "at", "least"],
    ]
    report = run("report", "--output-format", "json").data
    assert isinstance(report, dict)
    assert report["totals"]["fixes_safe"] == 3
    assert report["totals"]["fixes_unsafe"] is None


@pytest.mark.usefixtures("vault")
def test_without_counted_fixes_the_command_that_counts_them_is_named(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultlink.cli.check_output._MANY", 0)
    assert run("check", "--select", "dangling-link,dangling-embed").err.endswith(
        "`vaultlink check --statistics --select dangling-link,dangling-embed` counts the findings "
        "that `vaultlink fix --unsafe-fixes` can fix.\n"
    )


def test_finding_resolved_by_another_fix_counts_once(run: RunCommand, vault: Path) -> None:
    """The fix of a property and that of the link in it overlap, and a later round makes the second."""
    write_files(
        vault, {"Home.md": '---\ntag: a\nup: "[[Role of memory]] [[Role of memory]]"\n---\n'}
    )
    safe, unsafe = read_numbers(run, vault)
    assert count_fixed(run, vault) == safe
    assert count_fixed(run, vault, "--unsafe-fixes") == safe + unsafe


def test_fix_counts_the_unsafe_fixes_that_remain(run: RunCommand, vault: Path) -> None:
    assert run("fix", "--output-format", "full").err.endswith(
        "`vaultlink fix --interactive` asks about the rest; --unsafe-fixes fixes 2.\n"
    )
    assert json.loads(run("check", "--output-format", "json").out)["summary"]["unsafe_fixable"] == 2


# -- findings of one cause -----------------------------------------------------------------------------------------

ANCHORS = {
    "Long.md": "".join(f"[[Far#Part {number}]]\n" for number in range(1, 9)),
    "Short.md": "".join(f"[[Far#Part {number}]]\n" for number in range(1, 5)),
    "Far.md": "# Other\n",
}
MORE_LIKE_IT = "and 7 more like it in this note (lines 2, 3, 4, 5, 6, …)"


def test_many_findings_of_one_cause_are_one_in_text_formats(
    run: RunCommand, tmp_path: Path
) -> None:
    vault = create_vault(tmp_path / "vault", ANCHORS)
    concise = run("check", vault, "--output-format", "concise")
    lines = [line for line in concise.out.splitlines() if "missing-heading" in line]
    assert len(lines) == 5
    assert re.fullmatch(
        r"\S*Long\.md:1:1: VL102 missing-heading .*, " + re.escape(MORE_LIKE_IT) + r"\.", lines[0]
    )
    assert all("more like it" not in line for line in lines[1:])
    assert "12 " in concise.err
    full = run("check", vault, "--output-format", "full").out
    assert full.count(f"  = note: {MORE_LIKE_IT}\n") == 1
    assert full.count("missing-heading") == 5
    data = run("check", vault, "--output-format", "json").data
    assert isinstance(data, dict)
    assert len(data["findings"]) == data["summary"]["findings"] == 12
    page = run("check", vault, "--output-format", "markdown").out
    assert page.count("VL102 missing-heading:") == 5
    assert "Not listed" not in page


def test_findings_with_other_targets_are_listed_one_by_one(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(
        tmp_path / "vault",
        {
            "a.md": "".join(f"[[Nowhere {number}]]\n" for number in range(9)),
            "b.md": "[[x]]\n" * 5,
            "c.md": "[[x]] " * 5,
        },
    )
    lines = run("check", vault, "--output-format", "concise").out.splitlines()
    assert len(lines) == 11
    assert lines[-2].endswith(", and 4 more like it in this note (lines 2, 3, 4, 5).")
    assert lines[-1].endswith(", and 4 more like it in this note (line 1).")
