"""Ask the server of a vault, if `vaultlink serve` runs. It must take milliseconds.

So nothing is imported here that a client can do without. A request and its answer are one line of
JSON each. Bytes are texts with surrogates for what is not UTF-8. Whatever goes wrong, there is no
answer, and the caller does the work itself.
"""

import io
import json
import os
import stat as modes
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from vaultlink import __version__
from vaultlink.errors import UsageError
from vaultlink.files import short_address, vault_state_folder
from vaultlink.programs import discard_output, find_own_place
from vaultlink.text import blake2b

if TYPE_CHECKING:
    from vaultlink.disk.scan import Settings

PROTOCOL = 1
"""Number of the form of requests and answers."""

ALIVE = b"\n"
"""What a server sends at once when it has read a request."""

MAX_INPUT = 64_000_000
"""Bytes of standard input that are sent: more than any command reads."""

_ALIVE_SECONDS = 1.0
"""Seconds to wait for the first byte of a server, which it sends whatever it is doing."""

_CALL_ALIVE_SECONDS = 30.0
"""The same for the call of a tool: a server that is only slow must not write what others write."""

_ANSWER_SECONDS = 20.0
"""Seconds to wait for the answer. A command takes less without a server."""

_CALL_SECONDS = 3600.0
"""Seconds to wait for the answer of a tool, which may plan and write for minutes."""

_LOOK_SECONDS = 0.2
"""Seconds between two looks whether an answer is still wanted."""

# -- the sockets of servers ------------------------------------------------------------------------


def socket_path(root: str | os.PathLike[str]) -> str:
    """Return the path of the socket for a vault. Another version has another one.

    `root` is the folder of the vault without symbolic links.
    """
    program = repr((PROTOCOL, __version__, find_own_place()))
    name = blake2b(program.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
    return os.path.join(vault_state_folder(root), "servers", name)


def find_socket(places: Iterable[str]) -> str | None:
    """Return the socket of the nearest folder upward from one of some paths."""
    seen = set[str]()
    for place in places:
        folder = os.path.abspath(place)
        while (real := os.path.realpath(folder)) not in seen:
            seen.add(real)
            path = socket_path(real)
            if _is_own_socket(path):
                return path
            folder = os.path.dirname(folder)
    return None


def _is_own_socket(path: str) -> bool:
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return modes.S_ISSOCK(status.st_mode) and status.st_uid == os.geteuid()


# -- one question ----------------------------------------------------------------------------------


class NoAnswerError(Exception):
    """A server did not answer. It may have done what was asked if `is_late`."""

    def __init__(self, *, is_late: bool):
        super().__init__("the server did not answer")
        self.is_late = is_late


def ask(
    path: str,
    request: Mapping[str, object],
    seconds: float,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Send a request to a socket and return the answer.

    Raises NoAnswerError if there is none within `seconds`, or if the request is cancelled.
    """
    from _socket import AF_UNIX, socket  # noqa: PLC0415 - without selectors, a tenth of the time

    is_late = False
    try:
        connection = socket(AF_UNIX)
        try:
            connection.settimeout(_CALL_ALIVE_SECONDS if "tool" in request else _ALIVE_SECONDS)
            with short_address(path) as address:
                connection.connect(address)
            _refuse_other_user(connection)
            connection.sendall(json.dumps(request).encode() + b"\n")
            if connection.recv(1) == ALIVE:
                is_late = True
                answer = json.loads(_receive(connection, monotonic() + seconds, is_cancelled))
                if isinstance(answer, dict):
                    return answer
        finally:
            connection.close()
    except (OSError, ValueError):  # nobody listens, or it ended, or it is something else
        pass
    raise NoAnswerError(is_late=is_late)


def _refuse_other_user(connection: Any) -> None:
    """Raise PermissionError if another user listens, where the system tells who does."""
    if sys.platform == "linux":
        from _socket import SO_PEERCRED, SOL_SOCKET  # noqa: PLC0415 - only Linux has it

        credentials = connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)
        if int.from_bytes(credentials[4:8], sys.byteorder) != os.geteuid():
            raise PermissionError


def _receive(connection: Any, deadline: float, is_cancelled: Callable[[], bool]) -> bytes:
    """Return the line that a server sends. Raises OSError."""
    parts: list[bytes] = []
    connection.settimeout(_LOOK_SECONDS)
    while not (parts and parts[-1].endswith(b"\n")):
        if monotonic() > deadline or is_cancelled():
            raise TimeoutError
        with suppress(TimeoutError):
            parts.append(connection.recv(1 << 20))
            if not parts[-1]:
                raise ConnectionResetError
    return b"".join(parts)


def find_server(root: str | os.PathLike[str]) -> int | None:
    """Return the process that serves a vault; None if none of this version answers.

    `root` is the folder of the vault without symbolic links.
    """
    try:
        return ask(socket_path(root), {"process": True}, _CALL_SECONDS).get("process")
    except (NoAnswerError, RuntimeError):
        return None


# -- one command line ------------------------------------------------------------------------------


def answer_line(
    line: Sequence[str], data: bytes | None = None, places: Iterable[str] = ()
) -> int | None:
    """Have a server run a command line, print the same, and return the exit code.

    `data` is standard input, if it was read; else it is read if a word is `-`, and can be read
    again afterwards. `places` are paths that may be in the vault, besides those in the line and the
    current folder. Returns None if no server runs for the vault, or if it leaves the line to this
    process.
    """
    if not hasattr(os, "geteuid") or sys.getfilesystemencoding() != "utf-8":
        return None  # on Windows, and where no vault can be read
    try:
        return _ask_for_line(line, data, places)
    except (OSError, RuntimeError, ValueError):
        return None


def _ask_for_line(line: Sequence[str], data: bytes | None, places: Iterable[str]) -> int | None:
    folder = os.getcwd()
    path = find_socket([folder, *places, *_list_paths(line)])
    if path is None:
        return None
    if data is None and "-" in line and any(word.startswith("--stdin") for word in line):
        data = _read_input()
    request = {
        "line": list(line),
        "folder": folder,
        "environment": dict(os.environ),
        "input": None if data is None else data.decode("utf-8", "surrogateescape"),
    }
    try:
        answer = ask(path, request, _ANSWER_SECONDS)
        code, parts = answer["code"], [(number, text) for number, text in answer["output"]]
    except (NoAnswerError, KeyError, TypeError):  # another program, or it declines
        return None
    return _print_parts(parts) or code


def _list_paths(line: Sequence[str]) -> Iterator[str]:
    for word in line[1:]:
        path = word.partition("=")[2] if word.startswith("--") else word
        if path and os.path.lexists(path):
            yield path


def _read_input() -> bytes:
    """Return what standard input has, and have it read again by whoever asks next."""
    data = sys.stdin.buffer.read(MAX_INPUT + 1)
    sys.stdin = io.TextIOWrapper(io.BytesIO(data))
    return data


def _print_parts(parts: Iterable[tuple[int, str]]) -> int:
    """Print to stdout (1) and stderr (2); return an exit code of failure, or 0."""
    for number, text in parts:
        stream = sys.stdout if number == 1 else sys.stderr
        try:
            stream.flush()
            stream.buffer.write(text.encode("utf-8", "surrogateescape"))
            stream.flush()
        except BrokenPipeError:
            discard_output(stream)
        except OSError as error:
            discard_output(stream)
            if number == 1:
                _print_parts([(2, f"error: can't write results: {error.strerror}.\n")])
                return 2
    return 0


# -- one call of a tool ----------------------------------------------------------------------------

_COMPARED = (
    *("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "VAULTLINK_STATE_DIR"),
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
    *("GIT_CEILING_DIRECTORIES", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "SUDO_UID"),
)
"""Variables on which the state of a vault depends, so that a server must have the same.

So does each that begins with `GIT_CONFIG`.
"""


def list_compared(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a server and those who ask it must have in common."""
    return {
        name: value
        for name, value in environment.items()
        if name in _COMPARED or name.startswith("GIT_CONFIG")
    }


def describe_settings(settings: "Settings") -> str:
    """Return a text that is the same for settings with the same effect."""
    from msgspec.structs import replace  # noqa: PLC0415 - a command line is sent without it

    names = (settings.config_file, settings.cache_dir)
    config_file, cache_dir = (name and os.path.abspath(name) for name in names)
    return repr(replace(settings, config_file=config_file, cache_dir=cache_dir, jobs=None))


class ToolServer:
    """The server of a vault, if one runs, as `vaultlink mcp` asks it.

    `root` is the vault without symbolic links; `settings` are those that the server must have.
    """

    def __init__(self, root: str | os.PathLike[str], settings: "Settings"):
        self._path, self._settings = socket_path(root), describe_settings(settings)

    @property
    def is_running(self) -> bool:
        """True if there seems to be a server."""
        return _is_own_socket(self._path)

    def call(
        self,
        name: str,
        arguments: object,
        runs: list[str],
        is_cancelled: Callable[[], bool],
        *,
        writes: bool,
    ) -> str | None:
        """Return the answer of a tool; None if no server answers, and nothing was done.

        `runs` are the ids of earlier runs that were not undone; they are renewed. Raises UsageError
        with the sentence of the server, or if it ended while it may have written.
        """
        if not self.is_running:
            return None
        request = {
            "tool": name,
            "arguments": arguments,
            "runs": runs,
            "settings": self._settings,
            "environment": list_compared(os.environ),
        }
        try:
            answer = ask(self._path, request, _CALL_SECONDS, is_cancelled)
        except NoAnswerError as error:
            if writes and error.is_late:
                raise UsageError(
                    "the server of the vault ended before it answered. `vaultlink undo --list` "
                    "says whether it wrote something."
                ) from None
            return None
        if "text" in answer or "error" in answer:
            runs[:] = answer["runs"]
        if "error" in answer:
            raise UsageError(answer["error"])
        return answer.get("text")
