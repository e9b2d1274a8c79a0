"""Editors for tests of the language server: the client of pytest-lsp, and what an editor keeps."""

import asyncio
import json
import os
import queue
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import unquote

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

from running import PROGRAM, fork_command

WAIT = 120.0
"""Seconds until something that must happen has happened, on a slow machine."""

COMMAND = (*PROGRAM, "lsp")

# -- places, found plainly ------------------------------------------------------------------------

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
"""Encoding of the protocol to that of Python, and the bytes of a unit."""


class Line(NamedTuple):
    """Where a line starts and where it ends, without its line end."""

    start: int
    end: int


def split_lines(text: str) -> Iterator[Line]:
    """Yield the lines as the protocol has them: only `\\n`, `\\r\\n` and `\\r` end one."""
    start = index = 0
    while index < len(text):
        if text[index] in "\r\n":
            yield Line(start, index)
            index += text.startswith("\r\n", index)
            start = index + 1
        index += 1
    yield Line(start, len(text))


def count_units(text: str, encoding: str) -> int:
    """Return the length of a text in units of an encoding."""
    codec, size = CODECS[encoding]
    return len(text.encode(codec, "surrogatepass")) // size


def find_position(text: str, offset: int, encoding: str) -> types.Position:
    """Return the position of an offset."""
    lines = list(split_lines(text))
    row = max(row for row, line in enumerate(lines) if line.start <= offset)
    start, end = lines[row]
    return types.Position(row, count_units(text[start : min(offset, end)], encoding))


def find_offset(text: str, place: types.Position, encoding: str) -> int:
    """Return the offset of a position, as an editor finds it which holds units."""
    lines = list(split_lines(text))
    if place.line >= len(lines):
        return len(text)
    start, end = lines[place.line]
    wanted, units = place.character, 0
    for at in range(start, end):
        if units >= wanted:
            return at
        units += count_units(text[at], encoding)
    return end


# -- what editors can do --------------------------------------------------------------------------


def _make_code() -> types.ClientCapabilities:
    found = client_capabilities("visual_studio_code")
    assert found.text_document
    assert found.workspace
    found.text_document.diagnostic = types.DiagnosticClientCapabilities(dynamic_registration=True)
    found.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    return found


def _make_helix() -> types.ClientCapabilities:
    edit = types.WorkspaceEditClientCapabilities(
        document_changes=True,
        resource_operations=[types.ResourceOperationKind(kind) for kind in ("create", "rename")],
    )
    return types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(
            configuration=True, apply_edit=True, workspace_edit=edit, workspace_folders=True
        ),
        text_document=types.TextDocumentClientCapabilities(
            rename=types.RenameClientCapabilities(prepare_support=True),
            completion=types.CompletionClientCapabilities(
                completion_item=types.ClientCompletionItemOptions(insert_replace_support=True)
            ),
            publish_diagnostics=types.PublishDiagnosticsClientCapabilities(version_support=True),
        ),
        window=types.WindowClientCapabilities(work_done_progress=True),
        general=types.GeneralClientCapabilities(
            position_encodings=[types.PositionEncodingKind.Utf8, types.PositionEncodingKind.Utf32]
        ),
    )


EDITORS: Mapping[str, Callable[[], types.ClientCapabilities]] = {
    "code": _make_code,
    "neovim": lambda: client_capabilities("neovim"),
    "helix": _make_helix,
    "emacs": lambda: client_capabilities("emacs"),
    "minimal": types.ClientCapabilities,
}
"""What editors say that they can do."""


def choose_editors(*names: str) -> Sequence[Any]:
    """Return editors, all if none is named: `make test` runs the tests of the most and of the least able, `make test-all` the others."""
    return [
        name if name in ("code", "minimal") else pytest.param(name, marks=pytest.mark.thorough)
        for name in names or EDITORS
    ]


class Client(LanguageClient):
    """A client that keeps what the server prints to stderr, and partial results."""

    def __init__(self) -> None:
        super().__init__(converter_factory=default_converter)
        register_lsp_features(self, {**DEFAULT_CLIENT_FEATURES, **_FEATURES})
        self.edits: list[types.WorkspaceEdit] = []
        self.errors = b""

    async def start_io(self, cmd: str, *args: str, **kwargs: Any) -> None:
        """Start the server."""
        await super(LanguageClient, self).start_io(cmd, *args, **kwargs)
        self._async_tasks.append(asyncio.create_task(self._keep_errors()))

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The server."""
        assert self._server
        return self._server

    @property
    def is_running(self) -> bool:
        """True until the server ends."""
        return self.process.returncode is None

    async def end(self) -> None:
        """Wait for the end of the server."""
        await self.process.wait()
        self._stop_event.set()
        await asyncio.gather(*self._async_tasks)

    async def _keep_errors(self) -> None:
        assert self.process.stderr
        self.errors = await self.process.stderr.read()


def _take_edit(
    client: Client, params: types.ApplyWorkspaceEditParams
) -> types.ApplyWorkspaceEditResult:
    client.edits.append(params.edit)
    return types.ApplyWorkspaceEditResult(applied=True)


_FEATURES = {
    types.WORKSPACE_APPLY_EDIT: _take_edit,
    types.CLIENT_REGISTER_CAPABILITY: lambda _params: None,
}


class Editor:
    """An editor with open documents.

    Attributes:
        client: Sends its messages.
        encoding: That of its columns, as negotiated.
        can_pull: True if the server offers to pull findings.
        texts: The texts of open documents, by address.
        versions: Their versions.
    """

    def __init__(self, client: Client, found: types.ServerCapabilities):
        self.client, self.encoding = client, str(found.position_encoding or "utf-16")
        self.can_pull = found.diagnostic_provider is not None
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}

    def change_folders(self, added: Sequence[Path] = (), removed: Sequence[Path] = ()) -> None:
        """Open and close folders."""
        lists = (
            [types.WorkspaceFolder(path.as_uri(), path.name) for path in paths]
            for paths in (added, removed)
        )
        params = types.DidChangeWorkspaceFoldersParams(types.WorkspaceFoldersChangeEvent(*lists))
        self.client.workspace_did_change_workspace_folders(params)

    def open(self, uri: str, text: str) -> None:
        """Open a document with a text."""
        self.texts[uri], self.versions[uri] = text, 1
        item = types.TextDocumentItem(uri, "markdown", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change(self, uri: str, *edits: tuple[int, int, str]) -> None:
        """Change a document: each edit has a start and an end in the text that the last one left."""
        changes: list[types.TextDocumentContentChangeEvent] = []
        for start, end, new in edits:
            text = self.texts[uri]
            places = [find_position(text, offset, self.encoding) for offset in (start, end)]
            changes.append(types.TextDocumentContentChangePartial(types.Range(*places), new))
            # there is no position in a line end
            first, last = (find_offset(text, place, self.encoding) for place in places)
            self.texts[uri] = text[:first] + new + text[last:]
        self.versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(version=self.versions[uri], uri=uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))

    def save(self, uri: str) -> None:
        """Tell that a document was saved; the caller writes it."""
        document = types.TextDocumentIdentifier(uri)
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(document))

    def close(self, uri: str) -> None:
        """Close a document."""
        del self.texts[uri], self.versions[uri]
        document = types.TextDocumentIdentifier(uri)
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    def read(self, uri: str) -> str:
        """Return the text of a document as the editor shows it, open or not."""
        if uri in self.texts:
            return self.texts[uri]
        file = read_path(uri)
        return file.read_bytes().decode().removeprefix("\ufeff") if file.exists() else ""

    def cut(self, uri: str, extent: types.Range) -> str:
        """Return the text of a range."""
        text = self.read(uri)
        start, end = (find_offset(text, at, self.encoding) for at in (extent.start, extent.end))
        assert (extent.start, extent.end) == (
            find_position(text, start, self.encoding),
            find_position(text, end, self.encoding),
        ), f"{extent} is no range of {uri}, {uri in self.texts}: {text!r}"
        return text[start:end]

    async def pull(self, uri: str, *, again: bool = True) -> Sequence[types.Diagnostic]:
        """Return the findings of a note; ask again while the vault is being read."""
        document = types.TextDocumentIdentifier(uri)
        params = types.DocumentDiagnosticParams(document)
        try:
            report = await self.client.text_document_diagnostic_async(params)
        except JsonRpcException as error:
            if again and error.code == types.LSPErrorCodes.ServerCancelled.value:
                return await self.pull(uri)
            raise
        assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
        return report.items

    async def pull_all(self) -> dict[str, Sequence[types.Diagnostic]]:
        """Return the findings of all notes that have some, by address."""
        params = types.WorkspaceDiagnosticParams([])
        report = await self.client.workspace_diagnostic_async(params)
        found: dict[str, Sequence[types.Diagnostic]] = {}
        for item in report.items:
            assert isinstance(item, types.WorkspaceFullDocumentDiagnosticReport)
            assert item.uri not in found
            found[item.uri] = item.items
        return {uri: items for uri, items in found.items() if items}


def read_path(uri: str) -> Path:
    """Return the path of the address of a file."""
    return Path(unquote(uri.removeprefix("file://")))


async def wait_until(condition: Callable[[], object], seconds: float = WAIT) -> None:
    """Wait for something that messages of the server bring."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def start(
    *folders: Path,
    can: types.ClientCapabilities | None = None,
    options: Sequence[str] = (),
    wait: bool = True,
) -> AsyncIterator[Editor]:
    """Run an editor and its server; nothing may be printed to stderr.

    Args:
        folders: The folders that are open.
        can: What the editor can do; all that VS Code can if None.
        options: Options of the command.
        wait: True to wait until the vaults are read.
    """
    client = Client()
    run = fork_command(["lsp", *options], os.environ)
    await client.start_io(*COMMAND, *options, preexec_fn=run)
    try:
        found = [types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders]
        result = await client.initialize_session(
            types.InitializeParams(
                can or EDITORS["code"](),
                workspace_folders=found or None,
                root_uri=folders[0].as_uri() if folders else None,
            )
        )
        editor = Editor(client, result.capabilities)
        yield editor
        assert client.is_running, "the server ended"
        async with asyncio.timeout(WAIT):
            await client.shutdown_session()
        assert client.process.returncode == 0
    finally:
        if client.is_running:
            client.process.kill()
        await client.end()
    assert client.errors == b"", client.errors.decode()
    assert client.error is None


# -- plain messages, also wrong ones --------------------------------------------------------------


class Wire:
    """A server and its messages as they are. Only those of the protocol may come from it."""

    def __init__(self, *options: str, is_forked: bool = True):
        run = fork_command(["lsp", *options], os.environ) if is_forked else None
        self.process = subprocess.Popen(
            [*COMMAND, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=run,  # noqa: PLW1509 - no lock is held
        )
        self._arrived = queue.SimpleQueue[Any]()
        threading.Thread(target=self._read, daemon=True).start()
        self._number = 1000
        self.others: list[dict[str, Any]] = []
        """What came beside answers that were waited for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            with suppress(OSError):
                stream.close()

    def _read(self) -> None:
        out = self.process.stdout
        assert out
        while line := out.readline():
            assert line.startswith(b"Content-Length: "), line
            while out.readline() != b"\r\n":
                pass
            self._arrived.put(json.loads(out.read(int(line[16:]))))
        self._arrived.put(None)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, body: bytes | dict[str, Any]) -> None:
        """Send a body with its length."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))

    def notify(self, method: str, params: object = None) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object = None, number: object = None) -> Any:
        """Send a request, and return the answer: a result or an error."""
        self._number += 1
        wanted = number or self._number
        self.send({"jsonrpc": "2.0", "id": wanted, "method": method, "params": params})
        return self.wait(wanted)

    def wait(self, number: object) -> Any:
        """Return the answer with a number; None if the server ended."""
        while True:
            message = self._arrived.get(timeout=WAIT)
            if message is None or (message.get("id") == number and "method" not in message):
                return message
            self.others.append(message)
            if "id" in message and "method" in message:
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": None})

    def initialize(self, folder: Path | None = None, **capabilities: Any) -> Any:
        """Begin, with a folder or without."""
        root = folder.as_uri() if folder else None
        params = {"processId": os.getpid(), "rootUri": root, "capabilities": capabilities}
        answer = self.ask("initialize", params)
        self.notify("initialized", {})
        return answer

    def change_folders(self, added: Sequence[Path] = (), removed: Sequence[Path] = ()) -> None:
        """Open and close folders."""
        event = {
            name: [{"uri": path.as_uri(), "name": path.name} for path in paths]
            for name, paths in (("added", added), ("removed", removed))
        }
        self.notify("workspace/didChangeWorkspaceFolders", {"event": event})

    def is_alive(self) -> bool:
        """Return True if a request is answered with a result."""
        return "result" in self.ask("workspace/diagnostic", {"previousResultIds": []})

    def end(self) -> int:
        """Wait for the end, at which nothing may be on stderr, and return the exit code."""
        code = self.process.wait(WAIT)
        assert self.process.stderr
        assert self.process.stderr.read() == b""
        return code
