"""Tests of the comparison with the last release that `make gate` makes."""

import json
import re

import pytest

from forge import ROOT
from gate import RELEASE, find_limits, find_regressions
from standard_runs import METHODS, STANDARD_RUNS

RELEASED = {"cold check": 4.0, "unchanged check": 1.25, "one note changed": 1.5}
RECORD = json.loads(RELEASE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RELEASED)
def test_run_that_costs_11_percent_more_is_named(name: str) -> None:
    current = {**RELEASED, name: RELEASED[name] * 1.11}
    assert find_regressions(RELEASED, current, 0.1) == [f"{name}: +11.0%, more than 10%"]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.09])
def test_run_that_costs_9_percent_more_or_less_passes(factor: float) -> None:
    current = {name: value * factor for name, value in RELEASED.items()}
    assert find_regressions(RELEASED, current, 0.1) == []


def test_gain_does_not_make_up_for_a_loss() -> None:
    current = {name: value * 0.5 for name, value in RELEASED.items()} | {"unchanged check": 2.0}
    assert find_regressions(RELEASED, current, 0.1) == ["unchanged check: +60.0%, more than 10%"]


def test_run_without_a_figure_does_not_pass() -> None:
    rest = {name: value for name, value in RELEASED.items() if name != "cold check"}
    assert find_regressions(RELEASED, rest, 0.1) == ["cold check: not measured"]
    [missing] = find_regressions(rest, RELEASED, 0.1)
    assert missing.startswith("cold check: no figure of the release")
    assert len(find_regressions({}, RELEASED, 0.1)) == len(RELEASED)


def test_release_has_a_figure_of_each_run() -> None:
    assert RECORD["figures"].keys() == {method.name for method in METHODS}
    for figures in RECORD["figures"].values():
        assert list(figures) == list(STANDARD_RUNS)
        assert all(value > 0 for value in figures.values())


def test_recorded_release_is_this_one_or_the_one_before() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)
    assert RECORD["release"] in releases[:2]


def test_ci_runs_the_gate() -> None:
    assert "make gate" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_accepted_costs_raise_the_limit_of_their_run() -> None:
    accepted = {"cold": {"factor": 1.2, "reason": "a feature"}}
    assert find_limits({"cold": 10.0, "warm": 2.0}, accepted) == {"cold": 12.0, "warm": 2.0}
    assert find_limits({"warm": 2.0}, {}) == {"warm": 2.0}
