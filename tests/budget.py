"""A budget of processor time that all tests together must keep: `--budget NUMBER`, in multiples of a calibration.

The calibration runs now and then between the tests, in each process that runs some: what else the machine does, and how fast its
processor is just then, slows it down as it slows them.
"""

import multiprocessing
import resource
import time
from collections.abc import Iterator
from typing import Any

import pytest

from calibration import work

COST = pytest.StashKey[str]()
LINES = 10_000
"""Lines of one run of the calibration, as benchmarks/calibration.py does it."""
PART = 100
"""One of so many parts of the calibration runs at once, in about half a millisecond."""

_spent: Any = multiprocessing.get_context(
    "fork" if "fork" in multiprocessing.get_all_start_methods() else None
).Array("d", [0.0, 0.0])
"""The processor time of the parts that ran, in seconds, and their number. Forked processes share it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--budget",
        type=int,
        default=0,
        help="fail if all tests take more processor time than this many calibrations",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a part of the calibration before each test."""
    if item.config.getoption("budget"):
        start = time.process_time()
        work(LINES // PART)
        seconds = time.process_time() - start
        with _spent.get_lock():
            _spent[0] += seconds
            _spent[1] += 1
    return (yield)


def read_processor_seconds() -> float:
    """Return the processor time of this process and of all that have ended below it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail if it took more than its budget."""
    budget = session.config.getoption("budget")
    if not budget or not _spent[1]:
        return
    seconds, unit = read_processor_seconds(), PART * _spent[0] / _spent[1]
    cost = seconds / unit
    session.config.stash[COST] = (
        f"{seconds:.0f} s of processor time, {cost:,.0f} times the calibration of "
        f"{unit * 1000:.0f} ms; the budget is {budget:,}"
    )
    if cost > budget and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the run took."""
    if cost := terminalreporter.config.stash.get(COST, ""):
        terminalreporter.write_line(cost)
