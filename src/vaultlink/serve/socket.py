"""The server of `vaultlink serve`: a Unix socket for questions about a vault.

The event loop reads requests and sends answers. One thread works on the vault.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from vaultlink.errors import DamagedCacheError, UsageError
from vaultlink.programs import find_own_process
from vaultlink.serve.answers import describe_error
from vaultlink.serve.changes import Call
from vaultlink.serve.client import ALIVE, MAX_INPUT, socket_path
from vaultlink.serve.tools import answer_call, list_tools
from vaultlink.serve.worker import Worker
from vaultlink.serve.workspace import Workspace
from vaultlink.write.journal_files import (
    is_lock_file_held,
    make_journal_error,
    make_journal_folder,
    try_hold_lock_file,
)
from vaultlink.write.own_files import listening_at

_MAX_REQUEST = 6 * MAX_INPUT + 4_000_000
"""Bytes of the longest request: a text as JSON, and an environment."""

_CLIENT_SECONDS = 30.0
"""Seconds that a client may take for its request, or to read the answer. It does both at once."""

_BUSY_SECONDS = 1.0
"""Seconds that a command waits for others to be answered. It does the work itself then."""

_ENDING_SECONDS = 1.0
"""Seconds that a server takes to end, when it has removed its socket."""

DECLINED: Mapping[str, object] = {"declined": True}
"""The answer that leaves a request to the client."""


class DeclinedError(BaseException):
    """The server can't do what was asked as the client would.

    It is no error that a command may handle.
    """


class Question(NamedTuple):
    """A request: any JSON object that a client sent, and what answers it.

    `worker` runs what writes. `is_cancelled` returns True if the client is gone.
    """

    workspace: Workspace
    request: Mapping[str, Any]
    worker: Worker
    is_cancelled: Callable[[], bool]


Answerer = Callable[[Question], Mapping[str, object]]
"""Answers a request, in the thread that works on the vault."""


# -- the socket of a vault -------------------------------------------------------------------------


@contextmanager
def claim_socket(root: Path) -> Iterator[Path]:
    """Yield the path of the socket for a vault, which no other server has.

    Raises UsageError if a server runs for this vault already, or the system has no such sockets,
    and JournalError if the folder of the socket can't be used.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError(
            "serve requires Unix sockets, which Python does not have on this system. "
            "Commands work without a server."
        )
    make_journal_folder(root)
    path = Path(socket_path(root))
    handle = _hold_lock(_lock_file(root))
    if handle is None:
        raise UsageError(f"a server runs for {root} already. `vaultlink serve --stop` ends it.")
    try:
        yield path
    finally:
        os.close(handle)


def is_claimed(root: Path) -> bool:
    """Return True if a server runs for a vault, which may be starting or stopped."""
    return is_lock_file_held(_lock_file(root), keep=True)


def _lock_file(root: Path) -> Path:
    return Path(socket_path(root)).with_suffix(".lock")


def _hold_lock(file: Path) -> int | None:
    """Lock a file; None if another server has it, and is not ending."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while True:
        try:
            handle = try_hold_lock_file(file)
        except OSError as error:
            raise make_journal_error(file, error) from None
        if handle is not None or time.monotonic() > deadline:
            return handle
        time.sleep(0.02)


# -- requests --------------------------------------------------------------------------------------


def serve(
    path: Path, open_workspace: Callable[[], Workspace], answer: Answerer, *, idle_seconds: float
) -> None:
    """Answer requests until nobody asks for some time, or the server is ended.

    The socket exists when the vault is open; errors of opening it are raised. A request for which
    `answer` raises an error is declined.
    """
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)  # it logs to stderr
    worker = Worker(open_workspace)
    try:
        asyncio.run(_Server(worker, answer, idle_seconds).run(path))
    finally:
        worker.stop()


class _Server:
    def __init__(self, worker: Worker, answer: Answerer, idle_seconds: float):
        self._worker, self._answer = worker, answer
        self._idle_seconds = idle_seconds
        self._last, self._busy = 0.0, 0
        self._end = asyncio.Event()

    async def run(self, path: Path) -> None:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(name, self._end.set)
        opening = asyncio.wrap_future(self._worker.submit(Workspace.refresh))
        ending: asyncio.Future[Any] = asyncio.ensure_future(self._end.wait())
        await _wait_for_first(opening, ending)
        if not opening.done():
            return
        opening.result()
        with listening_at(path) as listener:
            server = await asyncio.start_unix_server(
                self._handle, sock=listener, limit=_MAX_REQUEST
            )
            await self._wait(ending)
            server.close()  # whoever is connected yet is not waited for

    async def _wait(self, ending: "asyncio.Future[Any]") -> None:
        """Wait until the server must end."""
        self._last = time.monotonic()
        while not ending.done():
            left = self._last + self._idle_seconds - time.monotonic()
            if left <= 0 and not self._busy:
                return
            await asyncio.wait({ending}, timeout=max(left, 0.1))

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._busy += 1
        try:
            with suppress(OSError, ValueError, TimeoutError, RecursionError):
                line = await asyncio.wait_for(reader.readline(), _CLIENT_SECONDS)
                request = json.loads(line)
                writer.write(ALIVE)
                result = await self._find_answer(request, reader)
                writer.write(json.dumps(result).encode() + b"\n")
                await asyncio.wait_for(writer.drain(), _CLIENT_SECONDS)
                writer.close()
        finally:
            self._busy -= 1
            self._last = time.monotonic()
            if not writer.is_closing():
                writer.transport.abort()

    async def _find_answer(
        self, request: object, reader: asyncio.StreamReader
    ) -> Mapping[str, object]:
        if not isinstance(request, dict):
            return DECLINED
        if "end" in request:
            self._end.set()
        if "end" in request or "process" in request:
            return {"process": find_own_process()}
        cancelled = threading.Event()
        future = self._worker.submit(
            lambda workspace: self._try_answer(
                Question(workspace, request, self._worker, cancelled.is_set)
            )
        )
        job, gone = asyncio.wrap_future(future), asyncio.ensure_future(reader.read(1))
        seconds = _BUSY_SECONDS if "line" in request else None
        await _wait_for_first(job, gone, seconds=seconds)
        if seconds is None or not future.cancel():  # else it has not begun
            await _wait_for_first(job, gone)
        gone.cancel()
        if not job.done():
            cancelled.set()
            job.cancel()
            return DECLINED
        return DECLINED if job.exception() else job.result()

    def _try_answer(self, question: Question) -> Mapping[str, object]:
        try:
            return self._answer(question)
        except DeclinedError:
            return DECLINED
        except DamagedCacheError:
            raise
        except Exception:
            return DECLINED


async def _wait_for_first(*futures: "asyncio.Future[Any]", seconds: float | None = None) -> None:
    await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


# -- calls of tools, for `vaultlink mcp` -----------------------------------------------------------


def answer_tool(question: Question) -> dict[str, object]:
    """Return the text of a tool, or the sentence of an error, and the runs left."""
    request, runs = question.request, list(map(str, question.request["runs"]))
    call = Call(question.workspace, question.worker.write, question.is_cancelled, runs)
    name = str(request["tool"])
    tool = list_tools(allow_writes=True)[name]
    try:
        answer = {"text": answer_call(call, tool, name, request["arguments"])}
    except DamagedCacheError:  # the vault is opened again
        raise
    except Exception as error:  # the client must not do it again: it may be written
        answer = {"error": describe_error(error)}
    return {**answer, "runs": runs}
