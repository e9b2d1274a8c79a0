"""The vaults of an editor: which one a document belongs to, and the jobs on each."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from vaultlink.api import Vault
from vaultlink.config.settings import merge_layers
from vaultlink.disk.processes import no_garbage_collection
from vaultlink.disk.read import load_rules
from vaultlink.disk.scan import FileListing, Settings, VaultScan, is_source_file, is_vault_path
from vaultlink.disk.vault_search import find_marked_folder, list_vaults, require_vault_folder
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import State
from vaultlink.errors import UsageError
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.obsidian import ObsidianSettings
from vaultlink.rules.registry import build_catalog
from vaultlink.serve.lsp.edits import follow_changes
from vaultlink.serve.lsp.views import (
    Client,
    EditorSettings,
    OpenDocument,
    View,
    find_path,
    read_address,
)
from vaultlink.serve.worker import Rest, Worker
from vaultlink.serve.workspace import Workspace

_T = TypeVar("_T")

_RETRY_SECONDS = 2.0
"""Seconds after which a vault that could not be opened is tried again."""

_OPENING_SECONDS = 0.15
"""Seconds that a request waits for a vault that is being opened. Then it gets no answer."""

_OPENING = Lock()
"""Held while a vault is opened, as a process that reads notes must not begin during an import."""

_REST = Rest(idle=1.0, jobs=300)
"""Memory is freed in pauses of typing, as an editor asks much in little time."""

_HEARTBEAT_SECONDS = 2.0
"""Seconds after which is looked for changes that cause no event."""


class TextChange:
    """A new text of a document until it is taken over; None if closed or declined."""

    def __init__(self, path: str, document: OpenDocument | None, *, is_declined: bool):
        self.path, self.document, self.is_declined = path, document, is_declined


class News(NamedTuple):
    """The changes that a step made, and the vault after it.

    `paths` are those whose findings differ, or whose text the editor changed; `edited` is the
    latter, "" if none. `is_first` is True if the vault was opened just now.
    """

    view: View
    paths: frozenset[str]
    edited: str = ""
    is_first: bool = False


class OpenVault:
    """A vault with its open documents, and the thread that works on it.

    All methods are called by the event loop; jobs run in the thread, in the order of the calls.
    `root` is the vault as the editor writes its path. `has_failed` is True if the vault could not
    be opened, until that is handled. `is_prepared` is True if what first answers would wait for is
    computed, or will be.
    """

    def __init__(self, root: str, open_workspace: Callable[[], Workspace], client: Client):
        self.root, self.client = root, client
        self.settings = EditorSettings()
        self.is_edited = self.is_prepared = self.has_failed = False
        self.real_root = str(Path(root).resolve())
        self._open = open_workspace
        self._error: tuple[float, Exception] | None = None
        self._documents: dict[str, OpenDocument] = {}
        self._declined = set[str]()
        self._kept: dict[object, object] = {}
        self._last: TextChange | None = None
        self._lock = Lock()
        self._shown: Vault | None = None
        self._next_look = 0.0
        self._workspace: Workspace | None = None
        self._worker = Worker(self._open_once, rest=_REST)

    @property
    def is_open(self) -> bool:
        """True if the vault has been read."""
        return self._worker.has_opened

    def _open_once(self) -> Workspace:
        """Open the vault, but not again and again if that fails."""
        if self._error and not self._may_retry():
            raise self._error[1]
        try:
            with _OPENING, no_garbage_collection():  # it would take half as long again
                self._workspace = self._open()
        except Exception as error:
            self._error, self.has_failed = (time.monotonic(), error), True
            raise
        self._error = None
        return self._workspace

    def _may_retry(self) -> bool:
        """Return True if the vault could not be opened, some time ago."""
        return bool(self._error and time.monotonic() - self._error[0] >= _RETRY_SECONDS)

    # -- jobs --------------------------------------------------------------------------------------

    def change(
        self, path: str, document: OpenDocument | None, *, is_declined: bool = False
    ) -> "Future[News | None]":
        """Take over the text of a document; the one on disk if closed or declined.

        A text that waits for its turn is replaced, if no request came since.
        """
        self.is_edited = self.is_edited or path in self._documents
        with self._lock:
            last = self._last
            if last and document and last.document and last.path == path:
                last.document = document
                done: Future[News | None] = Future()
                done.set_result(None)
                return done
            self._last = change = TextChange(path, document, is_declined=is_declined)
        return self._worker.submit(lambda workspace: self._take_over(workspace, change))

    def _take_over(self, workspace: Workspace, change: TextChange) -> News:
        with self._lock:
            if self._last is change:
                self._last = None
        path, document = change.path, change.document
        (self._declined.add if change.is_declined else self._declined.discard)(path)
        if document is None:
            self._documents.pop(path, None)
            workspace.release(path)
        else:
            self._documents[path] = document
            workspace.hold(path, document.text.encode("utf-8", "surrogatepass"))
        return self._collect(workspace, path)

    def look(self, *, at_once: bool = False) -> "Future[News | None] | None":
        """Take over what changed on disk; None if nothing can have changed."""
        workspace, now = self._workspace, time.monotonic()
        if workspace is None:
            return self._submit(self._refresh) if self._may_retry() else None
        if not (at_once or workspace.events or now >= self._next_look):
            return None
        self._next_look = now + _HEARTBEAT_SECONDS
        return self._submit(self._refresh)

    def _refresh(self, workspace: Workspace) -> News | None:
        before = workspace.vault
        if workspace.refresh() is before and self._shown is not None:
            return None
        return self._collect(workspace)

    def ask(self, answer: Callable[[View], _T]) -> "Future[_T]":
        """Have a question answered by the vault as it is after all changes before."""
        return self._submit(lambda workspace: answer(self.view(workspace.vault)))

    async def run(self, answer: Callable[[View], Any]) -> Any:
        """Return an answer, or None if the vault is still being opened.

        A generator is run a part at a time: other requests come between, and an end.
        """
        end = time.monotonic() + _OPENING_SECONDS
        while not self.is_open:
            error = self._error
            if error and not self._may_retry():
                raise error[1]
            if time.monotonic() >= end:
                return None
            await asyncio.sleep(0.01)
        result = await asyncio.wrap_future(self.ask(answer))
        if not isinstance(result, Iterator):
            return result
        part = Part()
        while not part.is_last:
            part = await asyncio.wrap_future(self._submit(lambda _: continue_answer(result)))
        return part.value

    def _submit(self, work: Callable[[Workspace], _T]) -> "Future[_T]":
        with self._lock:
            self._last = None
        return self._worker.submit(work)

    def close(self) -> None:
        """Stop to look for changes, and end the thread."""
        self._worker.stop()

    # -- what jobs see -----------------------------------------------------------------------------

    def view(self, vault: Vault) -> View:
        """Return the vault as a request sees it."""
        documents, declined = dict(self._documents), frozenset(self._declined)
        return View(
            *(vault, self.client, self.root, documents, self.settings),
            declined=declined,
            kept=self._kept,
        )

    def _collect(self, workspace: Workspace, edited: str = "") -> News:
        """Return the paths whose findings differ from those last collected.

        A changed file is among them, as its findings may have other columns.
        """
        vault, before = workspace.vault, self._shown
        self._shown = vault
        found = vault.state.diagnostics
        if before is None:
            differing = list(self._documents)
        else:
            differing = list_differing_keys(before.state.diagnostics, found)
            files, known = vault.scan.listing.files, before.scan.listing.files
            if files is not known:
                differing += [path for path in files if files[path] != known.get(path)]
        paths = frozenset({*differing, edited} if edited else differing)
        view = self.view(vault)
        follow_changes(view, paths)
        return News(view, paths, edited, before is None)

    def path(self, uri: str) -> str | None:
        """Return the path of a note that may be open; None if the vault can have no such."""
        path = find_path(self.root, self.real_root, uri)
        is_note = path and is_vault_path(path) and is_source_file(path)
        return path if is_note else None


class Part(NamedTuple):
    """A part of a long answer; the value is that of the last one."""

    value: Any = None
    is_last: bool = False


def continue_answer(parts: Iterator[Any]) -> Part:
    """Run a long answer to the end of its next part."""
    try:
        return Part(next(parts))
    except StopIteration as end:
        return Part(end.value, is_last=True)


# -- documents outside a vault ---------------------------------------------------------------------


@cache
def _make_blank_settings() -> LinterSettings:
    """Return the default settings, for a document that is in no vault."""
    rules = build_catalog(load_rules(examples=False))
    return LinterSettings.build(rules, merge_layers((), rules))


def view_alone(client: Client, settings: EditorSettings, document: OpenDocument) -> View:
    """Return a document without a vault: its links to other files mean nothing."""
    scan = VaultScan(
        Path("/"), Settings(cache=False), FileListing({}, ()), (), ObsidianSettings(), None, 0
    )
    vault = Vault(scan, State(_make_blank_settings()))
    name = Path(read_address(document.uri) or "").name.lstrip(".")
    path = name if name.endswith(".md") else f"{name or 'Untitled'}.md"
    text = document.text.encode("utf-8", "surrogatepass")
    return View(vault.holding(path, text), client, "", {path: document}, settings, is_whole=False)


# -- which vault a document belongs to -------------------------------------------------------------


class Folders:
    """The vaults of the folders that an editor has open. `adopt` gets each new one."""

    def __init__(
        self,
        client: Client,
        open_workspace: Callable[[str], Workspace],
        adopt: Callable[["OpenVault"], None],
    ):
        self._client, self._open_workspace, self._adopt = client, open_workspace, adopt
        self._folders: list[str] = []
        self._are_vaults: dict[str, bool] = {}
        self._roots: dict[str, str | None] = {}
        self.vaults: dict[str, OpenVault] = {}

    def set_folders(self, folders: list[str]) -> None:
        """Open the vaults of these folders, and close others."""
        self._folders = folders
        self._roots.clear()
        self._are_vaults.clear()
        for root in filter(None, map(self._find_root, folders)):
            self._open(root)
        wanted = [root for root in self.vaults if self._is_related(root)]
        for root in [root for root in self.vaults if root not in wanted]:
            self.vaults.pop(root).close()

    def find(self, uri: str) -> OpenVault | None:
        """Return the vault of a document, opened if need be; None if it is in none."""
        file = read_address(uri)
        if file is None:
            return None
        folder = str(Path(file).parent)
        if folder not in self._roots:
            self._roots[folder] = self._find_root(folder)
        root = self._roots[folder]
        vault = self._open(root) if root else None
        return vault if vault and find_path(root or "", vault.real_root, uri) is not None else None

    def _open(self, root: str) -> OpenVault:
        if root not in self.vaults:
            vault = OpenVault(root, lambda: self._open_workspace(root), self._client)
            self.vaults[root] = vault
            self._adopt(vault)
        return self.vaults[root]

    def _find_root(self, folder: str) -> str | None:
        """Return the vault of a folder, as the editor writes its path.

        It is the nearest one upward that is marked as one. Else it is the folder that is open,
        unless that contains vaults, or is too wide to be one.
        """
        marked = find_marked_folder(Path(folder))
        if marked is not None and self._is_related(str(marked)):
            return str(marked)
        around = [item for item in self._folders if _contains(item, folder)]
        if not around:
            return None
        root = max(around, key=len)
        if root not in self._are_vaults:
            self._are_vaults[root] = _may_be_vault(Path(root))
        return root if self._are_vaults[root] else None

    def _is_related(self, root: str) -> bool:
        """Return True for a vault that contains an open folder, or is in one."""
        return not self._folders or any(
            _contains(item, root) or _contains(root, item) for item in self._folders
        )


def _may_be_vault(folder: Path) -> bool:
    """Return True unless a folder is too wide for a vault, or contains vaults."""
    try:
        require_vault_folder(folder)
    except UsageError:
        return False
    return not list_vaults(folder)


def _contains(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
