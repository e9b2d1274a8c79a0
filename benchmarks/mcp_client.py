"""Call the tools of `vaultlink mcp` from synchronous code, by the client of the official SDK."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

MAX_BYTES = 4096
"""Bytes of the longest answer."""

ReportProgress = Callable[[float, float | None, str | None], Any]


class Reply(NamedTuple):
    """The answer of a call: its text, the JSON of it, and True for an error."""

    text: str
    data: Any
    is_error: bool


class McpClient(AbstractContextManager["McpClient"]):
    """A client and its server, which is a process of its own. Calls may come from any thread.

    Args:
        vault: The vault to serve.
        options: Other options of `vaultlink mcp`.
        mode: `legacy` for the protocol with `initialize`, `auto` for the newest one.
        errors: The file that gets the server's stderr; None for that of this process.
        state: A folder for the server's cache and records of runs; None for those of the user.
    """

    def __init__(
        self,
        vault: Path,
        *options: str,
        mode: str = "auto",
        errors: IO[str] | None = None,
        state: Path | None = None,
    ):
        folders = ("VAULTLINK_CACHE_DIR", "VAULTLINK_STATE_DIR")
        own = {name: str(state / name) for name in folders} if state else {}
        self._server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "vaultlink", "mcp", "--vault", str(vault), *options],
            env={**os.environ, **own},
        )
        self._mode, self._errors = mode, errors or sys.stderr
        self._ready, self._failure = threading.Event(), list[BaseException]()
        self.largest = 0
        """Bytes of the longest answer so far."""
        self.pid = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        before = _list_children()
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure[0]
        self.pid = max(_list_children() - before, default=0)
        return self

    def __exit__(self, *_details: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._connect())
        except BaseException as error:  # the calling thread raises it
            self._failure.append(error)
            self._ready.set()

    async def _connect(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        transport = stdio_client(self._server, self._errors)  # type: ignore[arg-type]
        async with Client(transport, mode=self._mode) as self.client:
            self._ready.set()
            await self._end.wait()

    def ask(self, make: Callable[[Client], Any]) -> Any:
        """Return the result of an asynchronous method of the client."""
        return asyncio.run_coroutine_threadsafe(make(self.client), self._loop).result(300)

    def call(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        on_progress: ReportProgress | None = None,
    ) -> Reply:
        """Call a tool. Raises AssertionError for an answer that breaks the contract."""

        async def report(progress: float, total: float | None, message: str | None) -> None:
            if on_progress is not None:
                on_progress(progress, total, message)

        result = self.ask(
            lambda client: client.call_tool(tool, dict(arguments or {}), progress_callback=report)
        )
        [content] = result.content
        size = len(content.text.encode())
        self.largest = max(self.largest, size)
        assert size <= MAX_BYTES, f"{tool} {arguments}: {size} bytes"
        assert result.structured_content is None
        if result.is_error:
            return Reply(content.text, None, True)
        data = json.loads(content.text)
        assert not data or next(iter(data)) == "counts", content.text
        return Reply(content.text, data, False)

    def read_memory(self) -> int:
        """Return the megabytes that the server has in memory (on Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) >> 10


def _list_children() -> set[int]:
    """Return the processes that this one started (on Linux)."""
    files = Path("/proc/self/task").glob("*/children")
    return {int(number) for file in files for number in file.read_text().split()}
