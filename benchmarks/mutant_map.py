"""A plugin of pytest that records which test runs which line."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage

CONTEXT, START, KNOWN, TIMES = (
    *("VAULTLINK_TEST", "COVERAGE_PROCESS_START"),
    *("VAULTLINK_KNOWN", "VAULTLINK_TIMES"),
)
CORE = "sysmon" if sys.version_info >= (3, 12) else "ctrace"
"""sys.monitoring reports a line once in each test, which halves the time; Python 3.11 lacks it."""

SETTINGS = f"""\
[run]
source = {{tree}}/src/vaultlink
data_file = {{folder}}/data
parallel = true
sigterm = true
patch = fork, _exit
context = ${{{{{CONTEXT}-}}}}
core = {CORE}
disable_warnings = no-sysmon-context
[paths]
source =
    {{root}}/src/vaultlink
    {{tree}}/src/vaultlink
"""
"""A process that a test starts takes its name as context; coverage.py starts in it by itself."""

STARTING = 3
"""Tests of a function whose processes are measured: those of the next run the same lines."""

_seconds: dict[str, float | None] = {}
_begun: Counter[str] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose lines are known."""
    known = set(json.loads(Path(os.environ[KNOWN]).read_text("utf-8")))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in known])
    items[:] = [item for item in items if item.nodeid not in known]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Name all that runs during a test after it, also in the processes that it starts."""
    function = item.nodeid.partition("[")[0]
    _begun[function] += 1
    settings = os.environ[START]
    if _begun[function] > STARTING:
        del os.environ[START]
    os.environ[CONTEXT] = item.nodeid
    _begin(item.nodeid)
    try:
        return (yield)
    finally:
        os.environ.pop(CONTEXT, None)
        os.environ[START] = settings
        _begin("")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record what a process that the tests of a module share runs as lines of the module."""
    test = os.environ.get(CONTEXT)
    if test and request.scope == "module":
        os.environ[CONTEXT] = request.node.nodeid
    try:
        return (yield)
    finally:
        if test:
            os.environ[CONTEXT] = test


def _begin(context: str) -> None:
    """Record the lines that run from now on for a test."""
    if measuring := Coverage.current():
        measuring.switch_context(context)
        if sys.version_info >= (3, 12):
            sys.monitoring.restart_events()  # reports each line once more


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the time of a step of a test.

    A test that fails only while it is measured can find mutants; a skipped one can't. The time of
    a subtest is part of its test's.
    """
    if isinstance(report, pytest.SubtestReport):
        return
    seconds = _seconds.get(report.nodeid, 0.0)
    is_left_out = seconds is None or report.skipped
    _seconds[report.nodeid] = None if is_left_out else (seconds or 0.0) + report.duration


def pytest_sessionfinish() -> None:
    """Write the times, and what was run before the tests."""
    measuring = Coverage.current()
    if measuring:
        measuring.stop()
        measuring.save()
    Path(os.environ[TIMES]).write_text(json.dumps(_seconds), "utf-8")
