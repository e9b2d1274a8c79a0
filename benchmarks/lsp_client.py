"""A client of language servers that measures them, one request after the other."""

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "fileOperations": {"willRename": True, "didRename": True},
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create", "rename", "delete"],
            "changeAnnotationSupport": {},
        },
    },
    "textDocument": {
        "synchronization": {"didSave": True},
        "publishDiagnostics": {"versionSupport": True},
        "completion": {"completionItem": {"snippetSupport": True}},
        "hover": {"contentFormat": ["markdown"]},
        "rename": {"prepareSupport": True},
    },
}


class LanguageClient:
    """A language server as a process, with one folder open.

    Args:
        command: The command line of the server.
        root: The folder.
        environment: The environment of the process.
    """

    def __init__(self, command: Sequence[str], root: Path, environment: Mapping[str, str]):
        self.root, self._number = root, 0
        self._versions: dict[str, int] = {}
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self.published: queue.SimpleQueue[tuple[float, dict[str, Any]]] = queue.SimpleQueue()
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            cwd=root,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.capabilities = self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri(),
                "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
                "capabilities": CAPABILITIES,
            },
        )["capabilities"]
        self.initialize_seconds = time.perf_counter() - self.started
        self.notify("initialized", {})

    def uri(self, path: str) -> str:
        """Return the address of a note."""
        return (self.root / path).as_uri()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stdin = cast("Any", self._process.stdin)
        stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        stdin.flush()

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self.send({"method": method, "params": params})

    def request(self, method: str, params: object, seconds: float = 120.0) -> Any:
        """Send a request and return its result. Raises RuntimeError for an error."""
        self._number += 1
        number, answer = self._number, queue.SimpleQueue[dict[str, Any]]()
        self._answers[number] = answer
        given = {} if params is None else {"params": params}
        self.send({"id": number, "method": method, **given})
        message = answer.get(timeout=seconds)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error'].get('message')}")
        return message.get("result")

    def open(self, path: str, text: str) -> None:
        """Open a note."""
        self._versions[path] = 1
        item = {"uri": self.uri(path), "languageId": "markdown", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def type(self, path: str, line: int, column: int, text: str, length: int = 0) -> None:
        """Type a text in a note, in the place of some characters."""
        self._versions[path] += 1
        start, end = (
            {"line": line, "character": column},
            {"line": line, "character": column + length},
        )
        self.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": self.uri(path), "version": self._versions[path]},
                "contentChanges": [{"range": {"start": start, "end": end}, "text": text}],
            },
        )

    def place(self, path: str, line: int, column: int) -> dict[str, Any]:
        """Return the parameters of a request about a position."""
        return {
            "textDocument": {"uri": self.uri(path)},
            "position": {"line": line, "character": column},
        }

    def wait_published(self, path: str, seconds: float = 120.0) -> float:
        """Return when the diagnostics of a note came."""
        while True:
            at, params = self.published.get(timeout=seconds)
            if params["uri"] == self.uri(path):
                return at

    def read_memory_megabytes(self) -> float:
        """Return the resident memory of the server and its children."""
        pids = [self._process.pid]
        for pid in pids:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            pids += (
                [int(child) for child in children.read_text().split()] if children.exists() else []
            )
        kilobytes = 0
        for pid in pids:
            for row in Path(f"/proc/{pid}/status").read_text().splitlines():
                kilobytes += int(row.split()[1]) if row.startswith("VmRSS") else 0
        return kilobytes / 1024

    def stop(self) -> None:
        """End the server."""
        self.request("shutdown", None)
        self.send({"method": "exit"})
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:  # a server that waits for the end of its input
            self._process.kill()
            self._process.wait()
        self._reader.join(2)
        for stream in (self._process.stdin, self._process.stdout):
            cast("Any", stream).close()

    def _read(self) -> None:
        stdout = cast("Any", self._process.stdout)
        while True:
            length = 0
            while (line := stdout.readline()) not in (b"", b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                return
            message = json.loads(stdout.read(length))
            if "method" not in message:
                self._answers.pop(message["id"]).put(message)
            elif "id" in message:
                items = (message.get("params") or {}).get("items", [])
                is_settings = message["method"] == "workspace/configuration"
                self.send(
                    {"id": message["id"], "result": [None for _ in items] if is_settings else None}
                )
            elif message["method"] == "textDocument/publishDiagnostics":
                self.published.put((time.perf_counter(), message["params"]))
