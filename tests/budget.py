"""A budget of processor time that all tests together must keep: `--budget NUMBER`, in multiples of a calibration."""

import resource
import time

import pytest

from calibration import work

COST = pytest.StashKey[str]()
CALIBRATIONS = 20
"""Runs of the calibration, of which the mean counts."""
LINES = 10_000
"""Lines of one run of the calibration, as benchmarks/calibration.py does it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--budget",
        type=int,
        default=0,
        help="fail if all tests take more processor time than this many calibrations",
    )


def read_processor_seconds() -> float:
    """Return the processor time of this process and of all that have ended below it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure_calibration() -> float:
    """Return the seconds of processor time that the calibration takes here and now."""
    start = time.process_time()
    for _ in range(CALIBRATIONS):
        work(LINES)
    return (time.process_time() - start) / CALIBRATIONS


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail if it took more than its budget."""
    budget = session.config.getoption("budget")
    if not budget:
        return
    seconds, unit = read_processor_seconds(), measure_calibration()
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
