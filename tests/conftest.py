"""Fixtures of all tests: an isolated environment, separate folders, and commands run in this process."""

import gc
import importlib
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import chdir, suppress
from functools import cache
from itertools import count, pairwise
from pathlib import Path

import pytest
from hypothesis import settings

import vaultlink
from exploring import TIMES, count_examples
from repositories import GIT_ENVIRONMENT
from running import GIVEN_PROGRAM, PROGRAM, CommandResult, RunCommand
from vaultlink.__main__ import main
from vaultlink.disk import read
from vaultlink.watch import garbage

pytest_plugins = ["forking", "budget", "browsing"] if sys.platform != "win32" else ["forking"]

# The same examples in every run, so that a failure is caused by a change. `make explore` tries different ones in each run,
# without a time limit.
settings.register_profile(
    "steady", derandomize=True, deadline=None, max_examples=count_examples(100)
)
settings.register_profile("exploring", deadline=None, max_examples=count_examples(100))
settings.load_profile("exploring" if TIMES else "steady")

# With this variable, every process that a test starts would compile the program, which takes longer than most runs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Every test has a cache of its own, so that each would read the YAML of all rules again. Processes that tests start do.
setattr(read, "load_rules", cache(read.load_rules))  # noqa: B010 - mypy accepts no assignment

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 << 30
"""What temporary folders of tests may take; all tests together take less than 2 GB."""


_MANY_FILES = 200
"""Open files of this process from which on those that nothing uses are closed after a test."""

POSIX_ONLY = re.compile(
    r"^(?:from|import) (fcntl|grp|pexpect|pty|pwd|pyte|resource|termios|tty)\b", re.MULTILINE
)


def list_posix_only() -> list[str]:
    """Return the files with tests that can't be imported on Windows, because of what they or their helpers import."""
    texts = {path.stem: path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py")}
    found = {name for name, text in texts.items() if POSIX_ONLY.search(text)} - {"conftest"}
    while True:
        users = re.compile(rf"^(?:from|import) ({'|'.join(sorted(found))})\b", re.MULTILINE)
        more = {name for name, text in texts.items() if users.search(text)} - found
        if not more:
            return sorted(f"{name}.py" for name in found if name.startswith("test_"))
        found |= more


if sys.platform == "win32":
    collect_ignore = [*list_posix_only(), "browser", "editors", "hostile"]


def pytest_configure() -> None:
    """Prepare the temporary folders and the signals of this process."""
    use_memory_for_folders()
    reset_signals()


def use_memory_for_folders() -> None:
    """Create temporary folders in memory if it has room, so that no test waits for a disk.

    vaultlink waits with `fsync` until the disk has written each note. That takes more time than the rest of many tests. TMPDIR
    and pytest's own variable name another place.
    """
    is_given = {"TMPDIR", "PYTEST_DEBUG_TEMPROOT"} & os.environ.keys()
    if not is_given and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


def reset_signals() -> None:
    """Make tests independent of the signals that the caller ignores or blocks, for example with `nohup`.

    Processes inherit ignored signals, and a watcher that ignores SIGTERM would never end. This is called in the main process
    and in each worker of pytest-xdist. Processes that tests start inherit the result: a signal with a handler has its default
    action again in a new program.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform != "win32":
        # A handler that does nothing, so that `nohup` still protects pytest itself.
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


MANY_TESTS = 200
"""Tests from which on it pays to import what commands import late, once for all processes."""

LAZY = ("prompt_toolkit", "jinja2", "ahocorasick_rs", "rapidfuzz", "regex", "tomlkit")
"""Libraries that vaultlink imports when it needs them."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exempt the collected tests from garbage collection: each full one takes half a second otherwise.

    If many run in forked processes, import what commands import late, so that not each process does.
    """
    if len(session.items) > MANY_TESTS and session.config.getoption("forks", 0):
        names = [module.name for module in pkgutil.walk_packages(vaultlink.__path__, "vaultlink.")]
        for name in [*names, *LAZY]:
            with suppress(ImportError):  # of a library that is not there, or of another system
                importlib.import_module(name)
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `product` all tests that are marked neither as `project` nor as `thorough`, before `-m` selects tests.

    The time limit is removed if more examples than usual are tried.
    """
    for item in items:
        if item.get_closest_marker("product"):
            raise pytest.UsageError(f"{item.nodeid}: a test is marked as `product` here only")
        if item.get_closest_marker("project"):
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(900))  # it may wait for installations
        elif not item.get_closest_marker("thorough"):
            item.add_marker(pytest.mark.product)
        if TIMES:
            item.add_marker(pytest.mark.timeout(0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the time of each test file with the option `--durations`."""
    if terminalreporter.config.getoption("durations") is None:
        return
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    terminalreporter.write_sep("=", "seconds of each test file")
    for file, total in sorted(seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{total:8.2f}s {file}")


_unused_names = count(1)


@pytest.fixture
def own_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of a test; for a test that needs none, a path where nothing exists.

    Creating and deleting a folder takes longer than most tests without one.
    """
    if "tmp_path" in request.fixturenames:
        folder: Path = request.getfixturevalue("tmp_path")
        return folder
    return tmp_path_factory.getbasetemp() / f"none-{next(_unused_names)}"


@pytest.fixture(autouse=True, scope="session")
def _isolate_shared_vaults(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the vaults that tests share out of the cache and the records of whoever runs the tests."""
    for name in ("cache", "state"):
        os.environ[f"XDG_{name.upper()}_HOME"] = str(tmp_path_factory.getbasetemp() / name)


@pytest.fixture(autouse=True)
def _isolate_environment(monkeypatch: pytest.MonkeyPatch, own_folder: Path) -> None:
    for name in (
        "NO_COLOR",
        "FORCE_COLOR",
        "VAULTLINK_OUTPUT_FORMAT",
        "VAULTLINK_CONFIG",
        "VAULTLINK_DEBUG",
        *("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION", "JENKINS_URL"),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORCE_HYPERLINK", "0")  # the terminal of the developer may have hyperlinks
    monkeypatch.setenv("VAULTLINK_CACHE_DIR", str(own_folder / "cache"))
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(own_folder / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_folder / "caches"))  # the cache of `open_vault`
    monkeypatch.setenv("XDG_DATA_HOME", str(own_folder / "data"))  # with the trash of the system


@pytest.fixture(autouse=True)
def _collect_after_commands() -> Iterator[None]:
    """Switch the garbage collector on again after a test: commands switch it off. Close files that nothing uses if they are many."""
    yield
    gc.enable()
    handle = os.open(os.devnull, os.O_RDONLY)
    os.close(handle)
    if handle > _MANY_FILES:
        gc.collect()


class SmallCollector:
    """The garbage collector as watchers in this process see it: what the collected tests take stays exempt."""

    collect, enable, get_freeze_count = gc.collect, gc.enable, gc.get_freeze_count

    @staticmethod
    def freeze() -> None:
        """Do nothing: what a watcher keeps would stay exempt in later tests."""

    unfreeze = freeze

    @staticmethod
    def set_threshold(*_thresholds: int) -> None:
        """Do nothing: the settings of the collector would last for later tests."""


@pytest.fixture(autouse=True)
def small_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep watchers in this process from looking at each object of all collected tests, which takes a second."""
    monkeypatch.setattr(garbage, "gc", SmallCollector)
    monkeypatch.setattr(garbage, "_return_free_memory", lambda: None)


@pytest.fixture
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Isolate every git process from the git settings of the machine."""
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def find_folder(words: Sequence[str | Path]) -> Path:
    """Return the vault that an option names if it exists, else the current folder."""
    for option, value in pairwise(words):
        if option == "--vault" and Path(value).is_absolute() and Path(value).is_dir():
            return Path(value)
    return Path.cwd()


@pytest.fixture
def run(run_anywhere: RunCommand) -> RunCommand:
    """Return a function that runs a command. A module may have its own, for example in its vault."""
    return run_anywhere


@pytest.fixture
def run_anywhere(capfdbinary: pytest.CaptureFixture[bytes]) -> RunCommand:
    """Return a function that runs a command in the current folder, or in the vault if it has one.

    Paths in results are relative to the current folder. A program that VAULTLINK_PROGRAM names runs in a process of its own.
    """

    def command(*words: str | Path) -> CommandResult:
        with chdir(find_folder(words)):
            line = [str(word) for word in words]
            code = subprocess.call([*PROGRAM, *line]) if GIVEN_PROGRAM else main(line)
        done = capfdbinary.readouterr()
        return CommandResult(code, done.out.decode(), done.err.decode())

    return command


@pytest.fixture
def folding_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder of a disk that ignores case: the temporary one, or an exFAT image."""
    (tmp_path / "Probe").mkdir()
    if (tmp_path / "pROBE").exists():
        yield tmp_path
        return
    image, place = tmp_path / "image", tmp_path / "mounted"
    place.mkdir()
    with image.open("wb") as stream:
        stream.truncate(32_000_000)
    device = None
    try:
        subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
        device = subprocess.run(
            ["losetup", "-f", "--show", image], check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(["mount.exfat-fuse", device, place], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        if device:
            subprocess.run(["losetup", "-d", device], check=False)
        pytest.skip("no disk that ignores case, and no exFAT image can be mounted")
    yield place
    subprocess.run(["umount", place], check=True)
    subprocess.run(["losetup", "-d", device], check=False)
