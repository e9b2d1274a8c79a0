"""Run the command line of a client on the vault that a server keeps.

Only commands that read are run. A line that needs something else, or fails, is declined: the client
runs it then, and prints the error.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaultlink.api import hold_texts, replace_state
from vaultlink.cli import opening
from vaultlink.cli.commands.backlinks import backlinks
from vaultlink.cli.commands.check import check
from vaultlink.cli.commands.guard import guard
from vaultlink.cli.commands.lists import links, unresolved
from vaultlink.cli.parser import parse_options
from vaultlink.disk.scan import Settings, VaultScan
from vaultlink.programs import find_program
from vaultlink.serve.client import describe_settings, list_compared
from vaultlink.serve.socket import DeclinedError, Question, answer_tool
from vaultlink.serve.workspace import Workspace

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.disk.changes import Progress
    from vaultlink.index.index import Index


class KeptVault(opening.VaultSource):
    """The vault of a server, for commands with the same settings."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace

    def scan(self, root: Path, settings: Settings) -> VaultScan:
        """Return the scan of the vault as it is now."""
        kept = self._workspace
        own = describe_settings(kept.vault.scan.settings)
        if root.resolve() != kept.root or describe_settings(settings) != own:
            raise DeclinedError
        vault = kept.refresh_as_new()
        _make_tables(vault)
        return vault.scan

    def load(self, scan: VaultScan, _progress: "Progress | None", /) -> "Vault":
        """Return the vault of that scan."""
        vault = self._workspace.vault
        if scan is vault.scan:
            return vault
        if scan.listing is not vault.scan.listing:
            raise DeclinedError
        return replace_state(vault, vault.state, scan)  # it was found in another way


def open_workspace(scan: VaultScan) -> Workspace:
    """Open the vault of a server, and make what the first draft would wait for."""
    workspace = Workspace(scan)
    _make_tables(workspace.refresh())
    return workspace


_TABLES = set[Callable[["Index"], Any]]()
"""What drafts derive from an index, which takes a second where steps do not take it over."""


def _make_tables(vault: "Vault") -> None:
    """Derive from the index of a vault what drafts need, if it was opened anew."""
    if not _TABLES:
        paths = ["vaultlink draft.md", *islice(vault.index.notes, 1)]
        held, _ = hold_texts(vault, dict.fromkeys(paths, "# A heading\n\n[[No such note]]\n"))
        _TABLES.update(held.index.memos)
    for compute in _TABLES - vault.index.memos.keys():
        vault.index.derive(compute)


def answer(question: Question) -> dict[str, object]:
    """Answer a request to a server. Raises DeclinedError, or any error of the request."""
    request, workspace = question.request, question.workspace
    if list_compared(request["environment"]) != list_compared(os.environ):
        raise DeclinedError
    if "line" in request:
        return _answer_line(workspace, request)
    if request["settings"] != describe_settings(workspace.vault.scan.settings):
        raise DeclinedError
    return answer_tool(question)


def _answer_line(workspace: Workspace, request: Mapping[str, Any]) -> dict[str, object]:
    """Run a command line; return its exit code and what it printed, in order."""
    data = (request["input"] or "").encode("utf-8", "surrogateescape")
    folder, environment = request["folder"], request["environment"]
    git, its_git = (
        find_program("git", names.get("PATH", "")) for names in (os.environ, environment)
    )
    if (git is None) != (its_git is None):
        raise DeclinedError
    with _stand_in(folder, environment, data) as output, _keep_vault(workspace):
        code = _run(request["line"])
    return {"code": code, "output": output}


def _run(line: Sequence[str]) -> int:
    name = line[0]
    if name not in _READING:
        raise DeclinedError
    function, is_reading = _READING[name]
    options = parse_options(name, function, line[1:])
    if isinstance(options, int) or options.output_file is not None or not is_reading(options):
        raise DeclinedError
    return function(options)


_READING: Mapping[str, tuple[Callable[[Any], int], Callable[[Any], bool]]] = {
    "backlinks": (backlinks, lambda _options: True),
    "check": (
        check,
        lambda o: o.paths == (Path("-"),) and not (o.fix or o.diff or o.changed_since),
    ),
    "guard": (guard, lambda o: not o.staged),
    "links": (links, lambda _options: True),
    "topics": (unresolved, lambda _options: True),
    "unresolved": (unresolved, lambda _options: True),
}
"""The commands that are run for clients, each with a test whether its options only read."""


@contextmanager
def _keep_vault(workspace: Workspace) -> Iterator[None]:
    before = opening.SOURCES[:]
    opening.SOURCES[:] = [KeptVault(workspace)]
    try:
        yield
    finally:
        opening.SOURCES[:] = before
        opening.OPENED.clear()


@contextmanager
def _stand_in(
    folder: str, environment: Mapping[str, str], data: bytes
) -> Iterator[list[tuple[int, str]]]:
    """Take the folder, variables and streams of a client. Yield what is printed."""
    output: list[tuple[int, str]] = []
    own_folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)  # it may have been removed since
    variables, streams = dict(os.environ), (sys.stdin, sys.stdout, sys.stderr)
    try:
        os.chdir(folder)
        _replace_environment(environment)
        sys.stdin = io.TextIOWrapper(io.BytesIO(data))
        sys.stdout, sys.stderr = (_open_capture(output, number) for number in (1, 2))
        yield output
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        _replace_environment(variables)
        os.fchdir(own_folder)
        os.close(own_folder)


def _replace_environment(variables: Mapping[str, str]) -> None:
    if os.environ != variables:
        os.environ.clear()
        os.environ.update(variables)


def _open_capture(output: list[tuple[int, str]], number: int) -> io.TextIOWrapper:
    buffer: Any = _Capture(output, number)
    return io.TextIOWrapper(buffer, "utf-8", write_through=True)


class _Capture(io.RawIOBase):
    """A binary stream whose bytes are kept with its number."""

    def __init__(self, output: list[tuple[int, str]], number: int):
        self._output, self._number = output, number

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        text = bytes(data).decode("utf-8", "surrogateescape")
        self._output.append((self._number, text))
        return len(data)
