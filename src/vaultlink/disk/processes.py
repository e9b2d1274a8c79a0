"""Run work in this process and in forks of it.

Where a process can't fork, this process does everything.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EIO
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import msgspec

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

_PARTS_PER_PROCESS = 8
"""Parts of the work for each process. More parts end at more equal times, but cost more."""

DoneCallback = Callable[[int], None]
"""Called now and then with the number of items that are done."""

T = TypeVar("T")

_MAX_PARTS = 4_000
"""Parts of the work at most: their numbers must fit into a pipe."""

_pack = msgspec.msgpack.Encoder().encode
_decode_parts = msgspec.msgpack.Decoder(list[tuple[int, memoryview]]).decode


def count_processes(jobs: int | None, items: int) -> int:
    """Return the number of processes to use for a number of items.

    A process with several threads can't be forked safely.
    """
    if threading.active_count() > 1 or sys.platform == "win32":
        return 1
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(jobs or processors, items)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Do not collect garbage: all objects created here are kept, so it is wasted time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def run_parts(
    work: Callable[[Sequence[str], DoneCallback], T],
    items: Sequence[str],
    processes: int,
    kind: Any,
    progress: DoneCallback = lambda _done: None,
    meanwhile: Callable[[], object] | None = None,
) -> Iterator[T]:
    """Yield the result of `work` for each part of the items, in order.

    This process and its forks take one part after the other, so that all end at the same time.
    `kind` is the type of a result. This process does the parts of a fork that was killed.
    `meanwhile` is called in this process when its forks have begun, `progress` with the number of
    items that are done, at most all.
    """
    if processes < 2:
        yield work(items, progress)
        return
    size = -(-len(items) // min(processes * _PARTS_PER_PROCESS, _MAX_PARTS))
    parts = [items[begin : begin + size] for begin in range(0, len(items), size)]
    queue = _open_queue(len(parts))

    def work_on_part(number: int) -> bytes:
        return _pack(work(parts[number], lambda _done: None))  # takes less memory than the objects

    def work_on_parts() -> bytes:
        return _pack([(number, work_on_part(number)) for number in queue()])

    results: dict[int, bytes | memoryview] = {}
    with _run_forks(work_on_parts, processes - 1) as receivers:
        if meanwhile:
            meanwhile()
        for number in queue():
            results[number] = work_on_part(number)
            progress(min((number + 1) * size, len(items)))  # about as many as all have done
        for receive in receivers:
            results.update(_decode_parts(receive() or _pack([])))
    decode = msgspec.msgpack.Decoder(kind).decode
    for number in range(len(parts)):
        yield decode(results.pop(number, b"") or work_on_part(number))


def _open_queue(size: int) -> Callable[[], Iterator[int]]:
    """Return a function that shares out numbers below `size` among forks."""
    reader, writer = os.pipe()
    for number in range(size):
        os.write(writer, number.to_bytes(4, "big"))
    os.close(writer)

    def take() -> Iterator[int]:
        while number := os.read(reader, 4):
            yield int.from_bytes(number, "big")
        os.close(reader)

    return take


@contextmanager
def _run_forks(
    work: Callable[[], bytes], number: int
) -> Iterator[list[Callable[[], bytes | None]]]:
    """Run `work` in a number of forks of this process, and yield a function for each.

    The function waits for the fork's result; it returns None if the fork was killed. If this
    process is interrupted, the forks are killed.
    """
    import multiprocessing  # noqa: PLC0415 - slow to import

    context = multiprocessing.get_context("fork")
    workers: list[BaseProcess] = []
    connections: list[Connection] = []
    try:
        for _ in range(number):
            receiver, sender = context.Pipe(duplex=False)
            connections.append(receiver)
            worker = context.Process(
                target=_send_result, args=(sender, connections, work), daemon=True
            )
            _start_worker(worker)
            workers.append(worker)
            sender.close()
        yield [
            partial(_receive_result, receiver, worker)
            for receiver, worker in zip(connections, workers, strict=True)
        ]
    finally:
        for started in workers:
            if started.is_alive():
                started.kill()


_TERMINATION_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def _start_worker(worker: "BaseProcess") -> None:
    """Start a fork; handled signals are blocked until it has reset their handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINATION_SIGNALS)
    try:
        worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive_result(receiver: "Connection", worker: "BaseProcess") -> bytes | None:
    data = None
    with suppress(EOFError):
        data = receiver.recv_bytes()
    worker.join()
    return data


def _send_result(
    sender: "Connection", connections: "Sequence[Connection]", work: Callable[[], bytes]
) -> None:
    for number in _TERMINATION_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # the parent process reports the interruption
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINATION_SIGNALS)
    for connection in connections:
        connection.close()  # so that no fork keeps running when the parent has died
    with suppress(BrokenPipeError):
        sender.send_bytes(work())
    sender.close()


class SpareProcess:
    """A fork of a process before that has threads, for work that needs forks later.

    It holds no file of this process open. Each job is done by a fork of it, which leaves no memory.

    Args:
        work: Does a job, given its name, and reports its progress.
    """

    def __init__(self, work: Callable[[str, Callable[[int, int], None]], object]):
        self._pid = 0
        if sys.platform == "win32" or threading.active_count() > 1:
            return
        requests, answers = os.pipe(), os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(requests[1])
                os.close(answers[0])
                _leave_files_of_parent()
                _serve_spare(requests[0], answers[1], work)
            finally:
                os._exit(0)
        os.close(requests[0])
        os.close(answers[1])
        self._requests, self._answers = requests[1], os.fdopen(answers[0], "rb")

    def run(self, job: str, progress: Callable[[int, int], None]) -> None:
        """Have a job done. If it fails, or there is no such process, nothing is done."""
        if not self._pid:
            return
        with suppress(OSError, ValueError):
            os.write(self._requests, job.encode("utf-8", "surrogateescape") + b"\n")
            while (line := self._answers.readline().split()) and len(line) == _COUNTS:
                progress(int(line[0]), int(line[1]))

    def close(self) -> None:
        """End the process."""
        if self._pid:
            pid, self._pid = self._pid, 0
            os.close(self._requests)
            self._answers.close()
            with suppress(OSError):
                os.waitpid(pid, 0)


_COUNTS = 2
"""Numbers in a line of progress: what is done, and all."""


def _leave_files_of_parent() -> None:
    """Take nothing for standard input and output, and end on signals."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    for number in _TERMINATION_SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _serve_spare(
    requests: int, answers: int, work: Callable[[str, Callable[[int, int], None]], object]
) -> None:
    """Do jobs until the other end is closed. An empty line says that one has ended."""

    def report(done: int, total: int) -> None:
        os.write(answers, b"%d %d\n" % (done, total))

    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            pid = os.fork()
            if pid == 0:
                try:
                    work(line[:-1].decode("utf-8", "surrogateescape"), report)
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)
            os.write(answers, b"\n")


# -- values in a file without a name ---------------------------------------------------------------
# It takes the values of a large vault off memory, and is gone when the process ends, however it
# does.


_MIN_NOTES = 5_000
"""Notes below which their values stay in memory."""

OpenScratchFile = Callable[[Path], BinaryIO | None]
"""Opens a file without a name in a folder; returns None if that is impossible."""


def open_no_file(_folder: Path) -> None:
    """Open no scratch file: everything stays in memory."""


class FileSpool:
    """A spool in a file, which this process shares with its later forks.

    Args:
        folder: The folder of the file; None to keep everything in memory.
        open_file: Opens the file.
    """

    def __init__(self, folder: Path | None, open_file: OpenScratchFile) -> None:
        self._folder, self._open = folder, open_file
        self._file: BinaryIO | None = None

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def begin(self, notes: int) -> None:
        """Open the file, if the values of so many notes take much memory."""
        if self._file is None and self._folder is not None and notes >= _MIN_NOTES:
            self._file = self._open(self._folder)

    def write(self, data: bytes | bytearray) -> int | None:
        """Return the place of the bytes; None if they can't be written."""
        if self._file is None:
            return None
        import fcntl  # noqa: PLC0415 - not on Windows, where no such file is opened

        handle, left = self._file.fileno(), memoryview(data)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX)
            try:
                place = os.lseek(handle, 0, os.SEEK_END)
                while left:
                    left = left[os.write(handle, left) :]
            finally:
                fcntl.lockf(handle, fcntl.LOCK_UN)
        except OSError:  # such as a full disk
            return None
        return place

    def read(self, size: int, place: int) -> bytes:
        """Return bytes that were written. Raises OSError if the file can't be read."""
        assert self._file is not None
        handle = self._file.fileno()
        data = os.pread(handle, size, place)
        while len(data) < size:
            more = os.pread(handle, size - len(data), place + len(data))
            if not more:
                raise OSError(EIO, os.strerror(EIO))
            data += more
        return data
