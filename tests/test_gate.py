"""Tests of the comparison with the last release that `make gate` makes."""

import json
import re

import pytest

from forge import ROOT
from gate import RELEASE, find_limits, find_regressions, lower_limits
from standard_runs import METHODS, STANDARD_RUNS

pytestmark = pytest.mark.project

LIMITS = {"cold check": 4.0, "unchanged check": 1.25, "one note changed": 1.5}
RECORD = json.loads(RELEASE.read_text(encoding="utf-8"))
EXACT, ROUGH = METHODS


@pytest.mark.parametrize("name", LIMITS)
def test_run_above_its_limit_is_named(name: str) -> None:
    current = {**LIMITS, name: LIMITS[name] * 1.01}
    assert find_regressions(LIMITS, current) == [f"{name}: +1.0% above the limit"]


@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_run_at_its_limit_or_below_passes(factor: float) -> None:
    current = {name: value * factor for name, value in LIMITS.items()}
    assert find_regressions(LIMITS, current) == []


def test_gain_does_not_make_up_for_a_loss() -> None:
    current = {name: value * 0.5 for name, value in LIMITS.items()} | {"unchanged check": 2.0}
    assert find_regressions(LIMITS, current) == ["unchanged check: +60.0% above the limit"]


def test_run_without_a_figure_does_not_pass() -> None:
    rest = {name: value for name, value in LIMITS.items() if name != "cold check"}
    assert find_regressions(LIMITS, rest) == ["cold check: not measured"]
    [missing] = find_regressions(rest, LIMITS)
    assert missing.startswith("cold check: no limit")
    assert len(find_regressions({}, LIMITS)) == len(LIMITS)


def test_limits_follow_a_release_that_costs_less() -> None:
    lowered = lower_limits({"cold check": 6.0}, {"cold check": 5.0}, EXACT)
    assert lowered == {"cold check": 5.5}
    assert lower_limits({"cold check": 9.0}, {"cold check": 5.0}, ROUGH) == {"cold check": 7.5}


def test_no_record_raises_a_limit() -> None:
    before = dict.fromkeys(STANDARD_RUNS, 1.0)
    costly = dict.fromkeys(STANDARD_RUNS, 9.0)
    assert lower_limits(before, costly, EXACT) == before
    assert lower_limits(before, {}, EXACT) == before, "a release that can't do these runs"


def test_run_of_a_new_command_gets_a_limit() -> None:
    assert lower_limits({}, {"mentions": 3.0}, EXACT) == {"mentions": 3.15}


@pytest.mark.parametrize(
    "name", ["one note changed", "check --stdin-filename", "unresolved", "mentions", "fix --diff"]
)
def test_run_may_cost_as_much_as_two_builds_of_python_differ(name: str) -> None:
    assert STANDARD_RUNS[name].find_share(EXACT) == 1.05


def test_every_run_has_a_limit() -> None:
    names = {method.name for method in METHODS}
    assert RECORD["figures"].keys() == RECORD["limits"].keys() == names
    for limits in RECORD["limits"].values():
        assert list(limits) == list(STANDARD_RUNS)
        assert all(value > 0 for value in limits.values())


def test_recorded_limits_are_those_of_the_figures_or_lower() -> None:
    for method in METHODS:
        limits, figures = (RECORD[kind][method.name] for kind in ("limits", "figures"))
        assert lower_limits(limits, figures, method) == limits


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
