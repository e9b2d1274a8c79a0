"""The language server: JSON-RPC on standard input and output, by pygls.

The event loop reads and writes messages. Each vault has a thread that works on it: changes of
documents and requests are its jobs, in the order in which they came. Nothing is written here: all
edits are made by the editor.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import redirect_stdout, suppress
from functools import partial
from typing import Any, BinaryIO, cast
from urllib.parse import unquote

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcInvalidRequest
from pygls.lsp.server import LanguageServer
from pygls.protocol import (
    JsonRPCNotification,
    LanguageServerProtocol,
    default_converter,
    lsp_method,
)
from pygls.workspace import TextDocument

from vaultlink import __version__
from vaultlink.disk.changes import Progress
from vaultlink.serve.answers import describe_error, make_sentence
from vaultlink.serve.lsp import actions, completion, diagnostics, navigation, outline, renames
from vaultlink.serve.lsp.diagnostics import list_published
from vaultlink.serve.lsp.documents import LIMIT, Documents, read_document
from vaultlink.serve.lsp.folders import Folders, News, OpenVault, Part, continue_answer, view_alone
from vaultlink.serve.lsp.views import EditorSettings, OpenDocument, View, read_address, read_client
from vaultlink.serve.workspace import Workspace
from vaultlink.text import lazy_pattern

Answer = Callable[[View, Any], Any]

_MODULES = (completion, navigation, outline, renames, actions)
"""The modules with the answers. Each has `REQUESTS`, and what it needs of these:

`OPTIONS`, `COMMANDS`, and `PREPARATIONS`, which compute what first answers would wait for.
"""

_TICK_SECONDS = 0.1
"""Seconds between looks at the events of the file systems."""

_PARENT_SECONDS = 2.0
"""Seconds between looks whether the editor still runs."""

_LOOKING = frozenset(
    (
        types.TEXT_DOCUMENT_RENAME,
        types.WORKSPACE_WILL_RENAME_FILES,
        types.WORKSPACE_DID_RENAME_FILES,
        types.CODE_ACTION_RESOLVE,
    )
)
"""The messages before which the disk is looked at: their answers are edits of texts there, or they
tell that the editor has changed files.
"""

OpenWorkspace = Callable[[str, Progress], Workspace]
"""Opens the vault of a folder, and reports its progress."""


def serve(open_workspace: OpenWorkspace, root: str | None = None) -> None:
    """Serve an editor until it ends.

    `root` is the only vault; None for those of the folders that the editor has open.
    """
    for name in ("asyncio", "pygls"):  # they log to stderr
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    names = ("SIGTERM", "SIGHUP", "SIGINT")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]  # on Windows
    before = [signal.signal(number, lambda *_: os._exit(0)) for number in numbers]
    server = Server(open_workspace, root)
    try:
        # Nothing but the protocol may be printed. An error says that nobody reads it any more.
        with redirect_stdout(sys.stderr), suppress(OSError, ValueError):
            server.start_io(cast("BinaryIO", _Input(stdin)), stdout)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


_LENGTH = lazy_pattern(r"(?i)content-length: *(\d{1,9})[ \r\n]*$")


class _Input:
    """Standard input for pygls, which is out of step for ever after one wrong length.

    What follows a wrong length is skipped up to the next line that ends with a length.
    """

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self.read = stream.read

    def readline(self) -> bytes:
        line = self._stream.readline()
        match = _LENGTH.search(line.decode("ascii", "replace"))
        if match:
            return b"Content-Length: %d\r\n" % int(match[1])
        return b"Skipped: 1\r\n" if line.strip() else line


class _Protocol(LanguageServerProtocol):
    """The protocol, which answers requests that are malformed or out of turn, too."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        try:
            return super().structure_message({"params": None, **data} if "method" in data else data)
        except JsonRpcException as error:
            method, params = data.get("method"), data.get("params")
            given = params if isinstance(params, dict) else {}
            if method == types.INITIALIZE and given.get("capabilities"):
                # They have values of a later protocol, without which the editor is served, too.
                known = {**given, "capabilities": {}, "trace": "off"}
                return self.structure_message({**data, "params": known})
            if "method" in data and isinstance(data.get("id"), str | int):
                invalid = JsonRpcInvalidParams(f"invalid request: {error.message}")
                self._send_response(data["id"], error=invalid.to_response_error())
            return JsonRPCNotification(method="$/invalid", jsonrpc="2.0", params=None)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        """Offer pulls of findings only to editors that can be asked to pull again.

        Others would keep findings of notes that an edit of another note changes.
        """
        result = yield from super().lsp_initialize(params)
        if not cast("Server", self._server).client.pulls_again:
            result.capabilities.diagnostic_provider = None
        return result

    def _send_response(
        self, msg_id: str | int, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        """Send an answer; an error without the traceback that pygls adds."""
        if error and isinstance(error.data, dict) and "traceback" in error.data:
            error = types.ResponseError(error.code, error.message)
        super()._send_response(msg_id, result, error)

    def handle_message(self, message: Any) -> None:
        method, number = getattr(message, "method", None), getattr(message, "id", None)
        error = self._find_fault(method)
        if error is None:
            super().handle_message(message)
        elif number is not None:
            self._send_response(number, error=error.to_response_error())

    def _find_fault(self, method: str | None) -> JsonRpcException | None:
        """Return why a message comes at the wrong time."""
        if method in (None, types.EXIT):
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest("the server has shut down.")
        if (method == types.INITIALIZE) == (self._workspace is None):
            return None
        if method == types.INITIALIZE:
            return JsonRpcInvalidRequest("the server was initialized before.")
        code = types.ErrorCodes.ServerNotInitialized
        return JsonRpcException("the server is not initialized.", code.value)


class Server(LanguageServer):
    """A language server for the vaults of an editor."""

    protocol: _Protocol

    def __init__(self, open_workspace: OpenWorkspace, root: str | None):
        super().__init__(
            "vaultlink", __version__, protocol_cls=_Protocol, converter_factory=default_converter
        )
        self._open_workspace, self._root = open_workspace, root
        self._settings = EditorSettings()
        self._alone = ThreadPoolExecutor(1)
        self._published = set[str]()
        self._pulls = False
        self._said = set[str]()
        self._begun = set[str]()
        self._tasks = set[asyncio.Task[None]]()
        self.has_shut_down = False
        self._register()

    def report_server_error(self, _error: Exception, _source: Any) -> None:
        """Say nothing: answers say what is wrong, and notifications have none."""

    # -- the life of the server --------------------------------------------------------------------

    def _register(self) -> None:
        handlers: dict[str, Callable[..., Any]] = {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._begin,
            types.SHUTDOWN: self._shut_down,
            # pygls would wait for the thread that reads standard input.
            types.EXIT: lambda _: os._exit(0 if self.has_shut_down else 1),
            types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: lambda _: self._set_folders(),
            types.WORKSPACE_DID_CHANGE_CONFIGURATION: self._change_settings,
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES: lambda _: self._look(at_once=True),
            types.TEXT_DOCUMENT_DID_SAVE: lambda _: self._look(at_once=True),
            types.TEXT_DOCUMENT_DID_OPEN: self._take_document,
            types.TEXT_DOCUMENT_DID_CHANGE: self._take_document,
            types.TEXT_DOCUMENT_DID_CLOSE: self._close_document,
            types.TEXT_DOCUMENT_DIAGNOSTIC: self._pull_note,
            types.WORKSPACE_DIAGNOSTIC: self._pull_vaults,
        }
        options: dict[str, Any] = {
            types.TEXT_DOCUMENT_DIAGNOSTIC: types.DiagnosticOptions(
                inter_file_dependencies=True, workspace_diagnostics=True, identifier="vaultlink"
            ),
        }
        for module in _MODULES:
            options |= getattr(module, "OPTIONS", {})
            for name, answer in module.REQUESTS.items():
                handlers.setdefault(name, self._make_handler(name, answer))
            for name, command in getattr(module, "COMMANDS", {}).items():
                self.command(name)(self._make_command(command))
        for name, handler in handlers.items():
            self.feature(name, options.get(name))(partial(handler))  # pygls sets attributes of it

    def _initialize(self, params: types.InitializeParams) -> None:
        workspace = self.protocol.workspace
        # pygls has no other way to set the class of documents.
        self.protocol._workspace = self._documents = Documents(
            workspace.root_uri,
            types.TextDocumentSyncKind.Incremental,
            params.workspace_folders or [],
            workspace.position_encoding,
        )
        self.client = read_client(params.capabilities, self.workspace.position_codec)
        self._loop = asyncio.get_running_loop()
        self._folders = Folders(self.client, self._open, self._adopt)
        self._apply_settings(params.initialization_options)

    def _begin(self, _params: object) -> None:
        self._set_folders()
        for work in (self._follow_settings(), self._follow_files(), self._end_with_editor()):
            self._spawn(work)

    def _shut_down(self, _params: object) -> None:
        self.has_shut_down = True
        for task in self._tasks:
            task.cancel()
        for vault in self._folders.vaults.values():
            vault.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_with_editor(self) -> None:
        """End when the editor has ended without saying so."""
        while self.process_id:
            await asyncio.sleep(_PARENT_SECONDS)
            try:
                os.kill(self.process_id, 0)
            except ProcessLookupError:
                os._exit(1)
            except OSError:
                return  # it runs for another user

    # -- folders and settings ----------------------------------------------------------------------

    def _set_folders(self) -> None:
        folders = [item.uri for item in self.workspace.folders.values()]
        around = self.workspace.root_uri
        paths = map(read_address, folders or ([around] if around else []))
        found = [self._root] if self._root else [path for path in paths if path]
        self._folders.set_folders(found)
        for uri in [uri for uri in self._published if not self._folders.find(uri)]:
            self._publish(types.PublishDiagnosticsParams(uri, []))
        for document in self.workspace.text_documents.values():
            if not self._folders.find(document.uri):
                self._take(document)

    def _adopt(self, vault: OpenVault) -> None:
        """Give a new vault the settings, and the documents that are open in it."""
        vault.settings = self._settings
        for document in list(self.workspace.text_documents.values()):
            if self._folders.find(document.uri) is vault:
                self._take(document)

    def _open(self, root: str) -> Workspace:
        """Open the vault of a folder, in its thread."""
        token = f"vaultlink-{os.urandom(4).hex()}"
        shown = -1

        def report(done: int, total: int) -> None:
            nonlocal shown
            percent = 100 * done // max(total, 1)
            if percent > shown:
                shown = percent
                self._loop.call_soon_threadsafe(self._show_progress, token, percent)

        try:
            return self._open_workspace(root, report)
        finally:
            self._loop.call_soon_threadsafe(self._show_progress, token, None)

    def _show_progress(self, token: str, percent: int | None) -> None:
        """Show how much of a vault is read; None ends it."""
        progress = self.work_done_progress
        if token in progress.tokens and percent is not None:
            progress.report(token, types.WorkDoneProgressReport(percentage=percent))
        elif token in progress.tokens:
            progress.end(token, types.WorkDoneProgressEnd())
            self._begun.discard(token)
        elif percent is None:
            self._begun.discard(token)
        elif token not in self._begun and self.client.has_progress:
            self._begun.add(token)
            self._spawn(self._begin_progress(token))

    async def _begin_progress(self, token: str) -> None:
        with suppress(JsonRpcException):
            await self.work_done_progress.create_async(token)
            begin = types.WorkDoneProgressBegin("vaultlink reads the vault", percentage=0)
            self.work_done_progress.begin(token, begin)
            if token not in self._begun:
                self.work_done_progress.end(token, types.WorkDoneProgressEnd())

    def _change_settings(self, params: types.DidChangeConfigurationParams) -> None:
        if self.client.reads_settings:
            self._spawn(self._read_settings())
        elif isinstance(params.settings, dict):
            self._apply_settings(params.settings.get("vaultlink", params.settings))

    async def _follow_settings(self) -> None:
        await self._read_settings()
        if self.client.registers_settings:
            method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
            options = types.DidChangeConfigurationRegistrationOptions(section="vaultlink")
            registration = types.Registration("vaultlink-settings", method, options)
            with suppress(JsonRpcException):
                params = types.RegistrationParams([registration])
                await self.client_register_capability_async(params)

    async def _read_settings(self) -> None:
        if not self.client.reads_settings:
            return
        items = [types.ConfigurationItem(section="vaultlink")]
        with suppress(JsonRpcException):
            params = types.ConfigurationParams(items)
            found = await self.workspace_configuration_async(params)
            self._apply_settings(found[0] if found else None)

    def _apply_settings(self, values: object) -> None:
        """Take the known settings of an editor; wrong ones are told, and have no effect."""
        if values is None:
            return
        try:
            self._settings = msgspec.convert(values, EditorSettings)
        except msgspec.ValidationError as error:
            self._say(f"the settings of vaultlink in the editor have no effect: {error}.")
        for vault in self._folders.vaults.values():
            vault.settings = self._settings

    def _say(self, text: str) -> None:
        """Show a warning, once."""
        if text not in self._said:
            self._said.add(text)
            sentence = make_sentence(text)
            self.window_show_message(
                types.ShowMessageParams(types.MessageType.Warning, f"vaultlink: {sentence}")
            )

    # -- documents ---------------------------------------------------------------------------------

    def _take_document(
        self, params: types.DidOpenTextDocumentParams | types.DidChangeTextDocumentParams
    ) -> None:
        self._take(self.workspace.get_text_document(params.text_document.uri))

    def _take(self, found: TextDocument) -> None:
        """Have a document checked, unless it is too long."""
        vault = self._folders.find(found.uri)
        path = vault.path(found.uri) if vault else None
        if self._documents.is_too_long(found.uri):
            name = path or found.uri
            self._say(f"{name} is not checked while it is open: it has more than {LIMIT}.")
            self._publish(types.PublishDiagnosticsParams(found.uri, []))
            if vault and path:
                self._await_news(vault.change(path, None, is_declined=True))
            return
        document = read_document(found)
        if vault and path:
            self._await_news(vault.change(path, document))
        elif not vault and _is_markdown(found):
            self._await_news(self._alone.submit(self._check_alone, document))

    def _close_document(self, params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        vault = self._folders.find(uri)
        path = vault.path(uri) if vault else None
        self._publish(types.PublishDiagnosticsParams(uri, []))
        if vault and path:
            self._await_news(vault.change(path, None))

    def _check_alone(self, document: OpenDocument) -> News:
        view = view_alone(self.client, self._settings, document)
        return News(view, frozenset(view.documents))

    async def _follow_files(self) -> None:
        """Look for changes on disk, time and again."""
        while True:
            self._look()
            await asyncio.sleep(_TICK_SECONDS)

    async def _prepare(self, vault: OpenVault) -> None:
        """Compute what first answers would wait for, in parts between other requests."""
        for module in _MODULES:
            for part in getattr(module, "PREPARATIONS", ()):
                with suppress(JsonRpcException):
                    await self._ask(vault, lambda view, part: part(view), part)

    def _look(self, *, at_once: bool = False) -> None:
        for vault in self._folders.vaults.values():
            if vault.is_edited and not vault.is_prepared:
                vault.is_prepared = True
                self._spawn(self._prepare(vault))
            if vault.has_failed and vault.is_open:
                vault.has_failed = False
                self._adopt(vault)  # what was opened meanwhile
            future = vault.look(at_once=at_once)
            if future:
                self._await_news(future)

    # -- diagnostics -------------------------------------------------------------------------------

    def _await_news(self, future: "Future[News | None]") -> None:
        """Publish what a change of a document, or on disk, changes, when it is known."""

        def take(done: "Future[News | None]") -> None:
            try:
                news = done.result()
                is_asked = self._pulls and self.client.pulls_again
                shown = tuple(self._published)
                found = list_published(*news[:2], shown) if news and not is_asked else []
            except CancelledError:
                return
            except Exception as error:
                self._loop.call_soon_threadsafe(self._say, describe_error(error))
                return
            if news:
                self._loop.call_soon_threadsafe(self._announce, news, found)

        future.add_done_callback(take)

    def _announce(self, news: News, found: list[types.PublishDiagnosticsParams]) -> None:
        """Send findings to an editor that does not pull them, or could not know when to."""
        others = news.paths - {news.edited}
        if self._pulls and self.client.pulls_again:
            if others or news.is_first:
                self._spawn(self._ask_to_pull())
            return
        pulled = news.view.uri(news.edited) if self._pulls else None
        for params in found:
            if params.uri != pulled:
                self._publish(params)

    def _publish(self, params: types.PublishDiagnosticsParams) -> None:
        (self._published.add if params.diagnostics else self._published.discard)(params.uri)
        self.text_document_publish_diagnostics(params)

    async def _ask_to_pull(self) -> None:
        with suppress(JsonRpcException):
            await self.workspace_diagnostic_refresh_async(None)

    def _stop_pushing(self, uri: str = "") -> None:
        """Take back what was pushed: an editor that pulls would show it twice."""
        for known in list(self._published):
            if not self._pulls or known == uri:
                self._publish(types.PublishDiagnosticsParams(known, []))
        self._pulls = True

    async def _pull_note(self, params: types.DocumentDiagnosticParams) -> Any:
        self._stop_pushing(params.text_document.uri)
        found = await self._answer(diagnostics.pull_note, params)
        vault = self._folders.find(params.text_document.uri)
        if found is None and vault and not vault.is_open:
            code = types.LSPErrorCodes.ServerCancelled.value
            raise JsonRpcException("the vault is being read.", code, {"retriggerRequest": True})
        return found or types.RelatedFullDocumentDiagnosticReport([])

    async def _pull_vaults(
        self, params: types.WorkspaceDiagnosticParams
    ) -> types.WorkspaceDiagnosticReport:
        if self.client.pulls_again:
            self._stop_pushing()
        return types.WorkspaceDiagnosticReport(await self._ask_all(diagnostics.pull_vault, params))

    # -- requests ----------------------------------------------------------------------------------

    def _make_handler(self, method: str, answer: Answer) -> Callable[[Any], Any]:
        async def handle(params: Any) -> Any:
            if method in _LOOKING:
                self._look(at_once=True)
            if method == types.WORKSPACE_SYMBOL:
                return await self._ask_all(answer, params)
            return await self._answer(answer, params)

        return handle

    def _make_command(self, command: Answer) -> Callable[..., Any]:
        async def handle(*arguments: Any) -> None:
            vault = self._folders.find(str(arguments[0])) if arguments else None
            self._look(at_once=True)
            edit = await self._ask(vault, command, arguments) if vault else None
            if edit is not None:
                await self.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit))

        return handle

    async def _answer(self, answer: Answer, params: Any) -> Any:
        """Answer a request on a document by its vault, or by the document alone."""
        uri = _find_uri(params)
        vault = self._folders.find(uri)
        if not hasattr(params, "files") and self._documents.is_too_long(uri):
            return None
        if vault:
            return await self._ask(vault, answer, params)
        found = self.workspace.text_documents.get(unquote(uri))
        if not found or not _is_markdown(found):
            return None
        work = partial(self._answer_alone, answer, read_document(found), params)
        return await _tell_errors(asyncio.wrap_future(self._alone.submit(work)))

    def _answer_alone(self, answer: Answer, document: OpenDocument, params: Any) -> Any:
        result = answer(view_alone(self.client, self._settings, document), params)
        part = Part(result, is_last=not isinstance(result, Iterator))
        while not part.is_last:
            part = continue_answer(result)
        return part.value

    async def _ask_all(self, answer: Answer, params: Any) -> list[Any]:
        """Return the answers of all vaults that have one, as one list."""
        found: list[Any] = []
        for vault in list(self._folders.vaults.values()):
            try:
                found += await self._ask(vault, answer, params) or ()
            except JsonRpcException as error:
                self._say(error.message)
        return found

    async def _ask(self, vault: OpenVault, answer: Answer, params: Any) -> Any:
        return await _tell_errors(vault.run(lambda view: answer(view, params)))


async def _tell_errors(work: Awaitable[Any]) -> Any:
    """Return the result of a work; its errors are those of the protocol."""
    try:
        return await work
    except (asyncio.CancelledError, JsonRpcException):
        raise
    except Exception as error:
        code = types.LSPErrorCodes.RequestFailed.value
        raise JsonRpcException(describe_error(error), code) from None


def _find_uri(params: Any) -> str:
    """Return the address of the file that a request is about."""
    place = getattr(params, "text_document", None) or getattr(params, "item", None)
    if place:
        return str(place.uri)
    files = getattr(params, "files", None)
    data = getattr(params, "data", None)
    found = files[0].old_uri if files else data.get("uri") if isinstance(data, dict) else ""
    return str(found)


def _is_markdown(document: TextDocument) -> bool:
    return document.language_id == "markdown" or document.uri.endswith(".md")
