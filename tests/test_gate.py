"""Tests of the comparison with the last release that `make gate` makes."""

import json
import re
from pathlib import Path

import pytest

import standard_runs
from forge import ROOT
from gate import RELEASE, find_regressions, lower_limits
from generate import generate_articles
from standard_runs import COMMANDS, FIXED_LIMITS, RELATIVE, RUNS, StandardVault
from vaultlink.cli.command_table import COMMANDS as ALL_COMMANDS

pytestmark = pytest.mark.project

LIMITS = {"cold check": 4.0, "unchanged check": 1.25, "workspace": 1.5}
RECORD = json.loads(RELEASE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", LIMITS)
def test_figure_above_its_limit_is_named(name: str) -> None:
    current = {**LIMITS, name: LIMITS[name] * 1.01}
    assert find_regressions(LIMITS, current) == [f"{name}: +1.0% above the limit"]


@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_figure_at_its_limit_or_below_passes(factor: float) -> None:
    current = {name: value * factor for name, value in LIMITS.items()}
    assert find_regressions(LIMITS, current) == []


def test_gain_does_not_make_up_for_a_loss() -> None:
    current = {name: value * 0.5 for name, value in LIMITS.items()} | {"unchanged check": 2.0}
    assert find_regressions(LIMITS, current) == ["unchanged check: +60.0% above the limit"]


def test_limit_without_a_figure_does_not_pass() -> None:
    rest = {name: value for name, value in LIMITS.items() if name != "cold check"}
    assert find_regressions(LIMITS, rest) == ["cold check: not measured"]
    [missing] = find_regressions(rest, LIMITS)
    assert missing.startswith("cold check: no limit")
    assert len(find_regressions({}, LIMITS)) == len(LIMITS)


def test_limits_follow_a_release_that_costs_less() -> None:
    costly = dict.fromkeys(RELATIVE, 9.0)
    assert lower_limits(costly, dict.fromkeys(RELATIVE, 5.0)) == {
        name: round(5 * factor, 4) for name, factor in RELATIVE.items()
    }


def test_no_record_raises_a_limit() -> None:
    before = dict.fromkeys(RELATIVE, 1.0)
    assert lower_limits(before, dict.fromkeys(RELATIVE, 9.0)) == before


def test_recorded_limits_are_those_of_the_figures_or_lower() -> None:
    assert list(RECORD["limits"]) == list(RECORD["figures"]) == list(RELATIVE)
    assert lower_limits(RECORD["limits"], RECORD["figures"]) == RECORD["limits"]


def test_recorded_release_is_this_one_or_the_one_before() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)
    assert RECORD["release"] in releases[:2]


def test_ci_runs_the_gate() -> None:
    assert "make gate" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_measured_commands_are_commands() -> None:
    assert {command.words[0] for command in COMMANDS.values()} <= ALL_COMMANDS.keys()


def test_every_figure_is_measured_and_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standard_runs, "RUNS", dict.fromkeys(RUNS, lambda _vault: 2.0))
    monkeypatch.setattr(StandardVault, "create", lambda *_: None)
    figures = standard_runs.measure_figures(tmp_path)
    assert list(figures) == [*RELATIVE, *FIXED_LIMITS]


# -- the notes --------------------------------------------------------------------------------------


def test_articles_are_like_real_notes(tmp_path: Path) -> None:
    generate_articles(tmp_path, 600)
    paths = [path for path in tmp_path.rglob("*.md") if not path.stem.startswith("talks")]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert len(texts) == 598
    mean = sum(map(len, texts)) / len(texts)
    assert 8_000 <= mean <= 10_000
    assert 0.15 <= sum(not text.isascii() for text in texts) / len(texts) <= 0.35
    assert sum(text.count("\n## ") + text.count("\n### ") for text in texts) == 8 * len(texts)


def test_articles_are_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        generate_articles(tmp_path / name, 20)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.md")}
        for name in ("one", "two")
    )
    assert first == second
    assert len(first) == 20
