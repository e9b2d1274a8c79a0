"""A plugin of pytest that collects all tests once, and runs some in a fork for each mutant.

Collecting takes longer than the tests of most mutants. A request is a line of JSON on the first
file descriptor of VAULTLINK_MUTANTS, the answer one on the second.
"""

import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count, zip_longest
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NoReturn

import pytest

CHANNELS = "VAULTLINK_MUTANTS"
PASSED, FAILED, BROKEN = 0, 1, 3
LAST = "last-test"
MEMORY = 4 << 30
"""Bytes of address space of each process, for mutants that never stop collecting something."""

_stamps = count(1_000_000_000)
"""Times of changed files: Python compiles a file again only if its second or its size differs."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Serve requests instead of running the tests."""
    requests, answers = (int(number) for number in os.environ.pop(CHANNELS).split(","))
    items = {item.nodeid: item for item in session.items}
    reliable: dict[str, bool] = {}
    gc.freeze()
    with open(requests, encoding="utf-8") as lines, open(answers, "w", encoding="utf-8") as out:  # noqa: PTH123
        for line in lines:
            out.write(json.dumps(_judge(session, items, json.loads(line), reliable)) + "\n")
            out.flush()
    return True


def _judge(
    session: pytest.Session,
    items: Mapping[str, pytest.Item],
    request: Mapping[str, Any],
    reliable: dict[str, bool],
) -> dict[str, object]:
    """Run the tests of a mutant until one fails that passes without the mutant."""
    file, old, new = Path(request["file"]), request["old"], request["new"]
    names = [name for name in request["tests"] if name in items and reliable.get(name, True)]
    chosen = [items[name] for name in names]
    started = time.monotonic()
    while True:
        _write(file, new)
        try:
            code, name = _run(session, chosen, (str(file), old, new), request["seconds"])
        finally:
            _write(file, old)
        if code == FAILED and name not in reliable:
            reliable[name] = _run(session, [items[name]], None, 60)[0] == PASSED
        if code != FAILED or reliable[name]:
            seconds = time.monotonic() - started
            return {"code": code, "test": name, "seconds": seconds, "tests": len(chosen)}
        chosen = [item for item in chosen if item.nodeid != name]


def _write(file: Path, text: str) -> None:
    stamp = next(_stamps)
    file.write_text(text, "utf-8")
    os.utime(file, (stamp, stamp))


def _run(
    session: pytest.Session,
    items: Sequence[pytest.Item],
    edit: tuple[str, str, str] | None,
    seconds: float,
) -> tuple[int, str]:
    """Run tests in a new process; return its exit code and the test that it ran last.

    The code is negative for a signal. The process is killed after `seconds` of processor
    time, or four times as many of waiting.
    """
    folder = tempfile.mkdtemp(prefix="mutant-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    child = os.fork()
    if child == 0:
        _run_in_child(session, items, edit, seconds, folder)
    status = _wait(child, time.monotonic() + 4 * seconds)
    last = Path(folder, LAST)
    name = last.read_text("utf-8") if last.exists() else ""
    shutil.rmtree(folder, ignore_errors=True)
    return status, name


def _wait(child: int, until: float) -> int:
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            break
        time.sleep(0.005)
    else:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what the tests started and left
    return os.waitstatus_to_exitcode(status)


def _run_in_child(
    session: pytest.Session,
    items: Sequence[pytest.Item],
    edit: tuple[str, str, str] | None,
    seconds: float,
    folder: str,
) -> NoReturn:
    code = BROKEN
    try:
        os.setsid()
        os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = folder
        for limit, value in (
            (resource.RLIMIT_CPU, int(seconds)),
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(limit, (value, value))
        if edit:
            _replace_functions(*edit)
        code = _run_tests(session, items, Path(folder, LAST))
    finally:
        os._exit(code)


def _run_tests(session: pytest.Session, items: Sequence[pytest.Item], last: Path) -> int:
    _shrink_no_examples()
    for item, following in zip_longest(items, items[1:]):
        last.write_text(item.nodeid, "utf-8")
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return FAILED
    return PASSED


def _shrink_no_examples() -> None:
    """Let Hypothesis report the first example that fails."""
    engine: Any = sys.modules.get("hypothesis.internal.conjecture.engine")
    if engine:
        engine.MAX_SHRINKS = 0
        engine.MAX_SHRINKING_SECONDS = 0


def _replace_functions(file: str, old: str, new: str) -> None:
    """Give the imported functions of a file the code of its mutant.

    A module that is imported later, or by another process, is read from the changed file.
    """
    changed = pair_code(file, old.encode(), new.encode()) or {}
    gc.unfreeze()
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__ in changed:
            function.__code__ = changed[function.__code__]


def pair_code(file: str, old: bytes, new: bytes) -> dict[CodeType, CodeType] | None:
    """Return the changed code of functions before and after an edit.

    None if functions were added or removed, or use other variables of the functions around them.
    Raises SyntaxError.
    """
    before = list(_walk(compile(old, file, "exec", dont_inherit=True)))
    after = list(_walk(compile(new, file, "exec", dont_inherit=True)))
    shapes = [[(code.co_qualname, code.co_freevars) for code in group] for group in (before, after)]
    if shapes[0] != shapes[1]:
        return None
    return {one: other for one, other in zip(before, after, strict=True) if one != other}


def _walk(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _walk(constant)
