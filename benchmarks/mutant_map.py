"""A plugin of pytest that records which test runs which line."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage

CONTEXT, TIMES = "VAULTLINK_TEST", "VAULTLINK_TIMES"
SETTINGS = f"""\
[run]
source = {{tree}}/src/vaultlink
data_file = {{folder}}/data
parallel = true
sigterm = true
patch = fork, _exit
context = ${{{{{CONTEXT}-}}}}
core = ctrace
[paths]
source =
    {{root}}/src/vaultlink
    {{tree}}/src/vaultlink
"""
"""A process that a test starts takes its name as context; coverage.py starts in it by itself."""

_results: dict[str, tuple[float, bool]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Name all that runs during a test after it, also in the processes that it starts."""
    os.environ[CONTEXT] = item.nodeid
    measuring = Coverage.current()
    if measuring:
        measuring.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        os.environ.pop(CONTEXT, None)
        if measuring:
            measuring.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the time of a step of a test.

    A test that fails only while it is measured can find mutants; a skipped one can't.
    """
    seconds, was_run = _results.get(report.nodeid, (0.0, True))
    _results[report.nodeid] = (seconds + report.duration, was_run and not report.skipped)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was measured: a worker of pytest-xdist can end before coverage.py does."""
    measuring = Coverage.current()
    if measuring:
        measuring.stop()
        measuring.save()
    if not hasattr(session.config, "workerinput"):
        times = {name: seconds for name, (seconds, was_run) in _results.items() if was_run}
        Path(os.environ[TIMES]).write_text(json.dumps(times), "utf-8")
