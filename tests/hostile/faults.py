"""Inject faults into the system calls of a command, at any call that changes files.

`run_faulty` runs a function in a forked process in which the functions of `os` and `open` are
wrapped. Renames that vaultlink makes with the C library are audit events. vaultlink itself is
unchanged. The process must have imported what it measures, and have no threads.
"""

import builtins
import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

MODES = ("kill", "torn", "ENOSPC", "EIO", "short", "full")
"""What happens at a call: the process is killed before it, or in the middle of a write; the call
fails; it writes half; or, from this call on, nothing can be created or written."""

FUNCTIONS = (
    "write",
    "pwrite",
    "replace",
    "rename",
    "link",
    "symlink",
    "unlink",
    "remove",
    "mkdir",
    "rmdir",
    "fsync",
    "fdatasync",
    "ftruncate",
    "truncate",
    "chmod",
    "fchmod",
    "fchown",
    "utime",
    "setxattr",
    "removexattr",
)
_NEED_SPACE = frozenset({"open", "write", "pwrite", "mkdir", "link", "symlink"})
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Fault(NamedTuple):
    """A fault at the call with this number, counted from 1; 0 for no fault."""

    mode: str
    number: int


NO_FAULT = Fault("", 0)


class FaultyCalls:
    """Counts the calls that change files, and makes one of them fail."""

    def __init__(self, fault: Fault):
        self.fault, self.count = fault, 0
        self._is_in_call = False

    def check(self, name: str, write_half: Callable[[], int] | None = None) -> int | None:
        """Count a call; die, fail, or return the number of bytes that were written instead."""
        self.count += 1
        mode, number = self.fault
        if mode == "full":
            if 0 < number <= self.count and name in _NEED_SPACE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return None
        if self.count != number:
            return None
        if mode in ("kill", "torn"):
            if mode == "torn" and write_half:
                write_half()
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "short":
            return write_half() if write_half else None
        raise OSError(getattr(errno, mode), os.strerror(getattr(errno, mode)))

    def install(self) -> None:
        """Wrap the functions in this process."""
        for name in FUNCTIONS:
            if hasattr(os, name):
                setattr(os, name, self._wrap(name, getattr(os, name)))
        sys.addaudithook(self._check_event)
        os.open = self._wrap_open(os.open)
        builtins.open = io.open = self._make_open(io.open)

    def _check_event(self, event: str, _args: object) -> None:
        """Count a rename that no function of `os` makes."""
        if event == "os.rename" and not self._is_in_call:
            self.check("rename")

    def _wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            def write_half() -> int:
                data = bytes(args[1])
                return int(function(args[0], data[: max(len(data) // 2, 1)], *args[2:]))

            is_write = name in ("write", "pwrite")
            instead = self.check(name, write_half if is_write else None)
            self._is_in_call = True
            try:
                return function(*args, **more) if instead is None else instead
            finally:
                self._is_in_call = False

        return call

    def _wrap_open(self, function: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *args: Any, **more: Any) -> int:
            if flags & _WRITE_FLAGS and path != os.devnull:
                self.check("open")
            return function(path, flags, *args, **more)

        return call

    def _make_open(self, function: Callable[..., Any]) -> Callable[..., Any]:
        calls = self

        class FaultyFile(io.FileIO):
            def write(self, data: Any, /) -> int:
                def write_half() -> int:
                    half = bytes(data)
                    return io.FileIO.write(self, half[: max(len(half) // 2, 1)]) or 0

                instead = calls.check("write", write_half)
                return super().write(data) if instead is None else instead

        def call(file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
            if not set(mode) & set("wxa+") or file == os.devnull:
                return function(file, mode, *args, **more)
            if not isinstance(file, int):
                calls.check("open")
            stream = io.BufferedWriter(FaultyFile(file, mode.replace("b", "").replace("t", "")))
            if "b" in mode:
                return stream
            return io.TextIOWrapper(stream, more.get("encoding"), newline=more.get("newline"))

        return call


def run_faulty(function: Callable[[], int], fault: Fault) -> tuple[int, int]:
    """Run a function with a fault in a forked process, without output.

    Returns:
        The exit code, negative for a signal, and the number of calls that change files. The number
        is 0 if the process was killed.
    """
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        send, leave = os.write, os._exit
        calls = FaultyCalls(fault)
        calls.install()
        code = 70
        try:
            code = function()
        finally:
            send(sender, str(calls.count).encode())
            leave(code)
    os.close(sender)
    with os.fdopen(receiver, "rb") as answer:
        count = int(answer.read() or 0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), count
