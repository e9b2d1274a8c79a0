"""Run tests in processes that are forked from the one that collected them: `--forks NUMBER`, on Linux.

A process of pytest-xdist imports and collects all tests itself, which takes as long as running many of them. Results reach the
first process as reports, as they do with pytest-xdist. Tests with the same mark `xdist_group` run in one process, which starts
what they share once, and run before all others, since they take longest.
"""

import os
import sys
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

import pytest

CHUNK = 16
"""Tests that a process gets at once, at most. They are neighbours, so that they share the fixtures of their module."""

WORKER = "VAULTLINK_TEST_PROCESS"
"""A variable that only a process with tests has: its name."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--forks", type=int, default=0, help="number of processes, forked from this")


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of groups, which is that of pytest-xdist."""
    config.addinivalue_line("markers", "xdist_group(name): tests that run in one process")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move groups of tests to the start."""
    items.sort(key=lambda item: not name_group(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run all tests in forked processes, if the option asks for that."""
    number, option = session.config.getoption("forks"), session.config.option
    if not number or option.collectonly or session.testsfailed:
        return None
    places, workers = deque(range(len(session.items))), list[Worker]()
    try:
        while places or workers:
            while places and len(workers) < number:
                workers.append(Worker(session))
                workers[-1].feed(places, session.items, number)
            for connection in wait([worker.connection for worker in workers]):
                [worker] = (one for one in workers if one.connection is connection)
                if not worker.receive(session):
                    workers.remove(worker)
                    places.extendleft(reversed(worker.end(session)))
                else:
                    worker.feed(places, session.items, number)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
    finally:
        for worker in workers:
            worker.kill()
    return True


def name_group(item: pytest.Item) -> str:
    """Return the group of a test, "" if it has none."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


def take(places: deque[int], items: Sequence[pytest.Item], number: int) -> list[int]:
    """Remove and return the next tests for one of `number` processes: a group, or fewer towards the end, so that all end together."""
    size = max(1, min(CHUNK, len(places) // (4 * number)))
    taken = list[int]()
    group = name_group(items[places[0]]) if places else ""
    while places and name_group(items[places[0]]) == group and (group or len(taken) < size):
        taken.append(places.popleft())
    return taken


class Worker:
    """A forked process that runs tests, as the first process sees it.

    - connection: takes lists of places of tests, of which an empty one is the last; returns the place of each test with its reports.
    - waiting: the places of the tests that it still has to run. The first is running.
    - is_told_all: whether it got the empty list.
    """

    _number = 0

    def __init__(self, session: pytest.Session) -> None:
        Worker._number += 1
        self.connection, other = Pipe()
        self.waiting = deque[int]()
        self.is_told_all = False
        sys.stdout.flush()
        self.process = os.fork()
        if not self.process:
            self.connection.close()
            run_tests(session, other, f"process-{Worker._number}")
        other.close()

    def feed(self, places: deque[int], items: Sequence[pytest.Item], number: int) -> None:
        """Let one of `number` processes run further tests before it has run all that it has: it must know the next of each."""
        while len(self.waiting) < 2 and not self.is_told_all:
            given = take(places, items, number)
            self.is_told_all = not given
            self.waiting.extend(given)
            self.connection.send(given)

    def receive(self, session: pytest.Session) -> bool:
        """Take what the process sent; return False if it has ended."""
        try:
            sent = self.connection.recv()
        except (EOFError, ConnectionError):
            return False
        config = session.config
        place, reports = sent
        assert self.waiting.popleft() == place
        for data in reports:
            report = config.hook.pytest_report_from_serializable(config=config, data=data)
            config.hook.pytest_runtest_logreport(report=report)
        return True

    def end(self, session: pytest.Session) -> list[int]:
        """Return the tests that an ended process did not begin; the one that it was running has failed."""
        self.connection.close()
        code = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        if not self.waiting and code == 0:
            return []
        running = session.items[self.waiting.popleft()] if self.waiting else session.items[-1]
        text = f"the process of this test ended with {code}"
        report = pytest.TestReport(
            running.nodeid, running.location, {}, "failed", text, "call", sections=[]
        )
        running.ihook.pytest_runtest_logreport(report=report)
        return list(self.waiting)

    def kill(self) -> None:
        """End the process."""
        os.kill(self.process, 9)
        os.waitpid(self.process, 0)


def run_tests(session: pytest.Session, connection: Connection, name: str) -> None:
    """Run the tests that the first process names, in a forked process, and end it."""
    code = 1
    try:
        reports = prepare_process(session.config, name)
        places = receive_places(connection)
        place = next(places, None)
        while place is not None:
            following = next(places, None)
            after = None if following is None else session.items[following]
            item = session.items[place]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            connection.send((place, reports))
            reports.clear()
            place = following
        code = 0
    except BaseException:  # nothing may return to the code that forked
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def receive_places(connection: Connection) -> Iterator[int]:
    """Yield the places of the tests that the first process names, as it names them."""
    while places := connection.recv():
        yield from places


def prepare_process(config: pytest.Config, name: str) -> list[object]:
    """Give a forked process folders and captured output of its own; return the list to which its reports are added.

    Cases that pass are not reported: they are many, and nothing is printed of them.
    """
    plugins = config.pluginmanager
    plugins.unregister(name="terminalreporter")
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    folders = vars(config)["_tmp_path_factory"]
    folders._basetemp = folders.getbasetemp() / name
    folders._basetemp.mkdir()
    os.environ[WORKER] = name

    reports = list[object]()

    class Collector:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if not (isinstance(report, pytest.SubtestReport) and report.passed):
                hook = config.hook
                reports.append(hook.pytest_report_to_serializable(config=config, report=report))

    plugins.register(Collector())
    return reports
