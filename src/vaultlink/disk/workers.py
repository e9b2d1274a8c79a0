"""Analyse many notes in parallel, in this process and in forks of it.

Where a process can't fork, this process does everything.
"""

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import msgspec

from vaultlink.disk.read import UnreadableFile, read_text
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import AnalysedNote, analyse, analyse_unreadable
from vaultlink.model import Suggestion

_FORK_THRESHOLD_BYTES = 4_000_000
"""Bytes of text below which another process costs more than it saves."""

_FORK_THRESHOLD_TOPICS = 2_000
"""Topics below which another process costs more than it saves."""

_HEAD_START = 0.08
"""Extra work of the first process, as a fraction of an equal share."""

_pack = msgspec.msgpack.Encoder().encode
_unpack_notes = msgspec.msgpack.Decoder(list[AnalysedNote]).decode
_unpack_suggestions = msgspec.msgpack.Decoder(list[tuple[Suggestion, ...] | None]).decode

DoneCallback = Callable[[int], None]


def analyse_files(
    settings: LinterSettings,
    root: str,
    paths: Sequence[str],
    size: int,
    jobs: int | None,
    progress: DoneCallback = lambda _done: None,
) -> Iterator[AnalysedNote]:
    """Yield the results of analysing the notes at these paths, in order.

    `size` is their total size in bytes.
    """
    processes = min(jobs or _count_processors(), len(paths)) if size > _FORK_THRESHOLD_BYTES else 1
    enabled = gc.isenabled()
    gc.disable()  # all objects created here are kept, so collecting is wasted time
    try:
        yield from _analyse_in_parallel(
            lambda path: analyse_file(settings, root, path), paths, processes, progress
        )
    finally:
        if enabled:
            gc.enable()


def analyse_texts(
    settings: LinterSettings, texts: Mapping[str, str], jobs: int | None = None
) -> list[AnalysedNote]:
    """Return the results of analysing texts, by the path of each, in order."""
    paths = list(texts)
    large = sum(map(len, texts.values())) > _FORK_THRESHOLD_BYTES
    processes = min(jobs or _count_processors(), len(paths)) if large else 1
    return list(
        _analyse_in_parallel(
            lambda path: analyse(settings, path, texts[path]), paths, processes, lambda _done: None
        )
    )


def _count_processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _analyse_each(
    analyse_one: Callable[[str], AnalysedNote], paths: Sequence[str], progress: DoneCallback
) -> list[AnalysedNote]:
    results = []
    for done, path in enumerate(paths):
        results.append(analyse_one(path))
        if done % 500 == 0:
            progress(done)
    return results


def analyse_file(settings: LinterSettings, root: str, path: str) -> AnalysedNote:
    """Read and analyse one note."""
    text = read_text(f"{root}/{path}")
    if isinstance(text, UnreadableFile):
        return analyse_unreadable(settings, path, text.kind, text.detail)
    return analyse(settings, path, text)


def _analyse_in_parallel(
    analyse_one: Callable[[str], AnalysedNote],
    paths: Sequence[str],
    processes: int,
    progress: DoneCallback,
) -> Iterator[AnalysedNote]:
    if processes < 2 or sys.platform == "win32":
        yield from _analyse_each(analyse_one, paths, progress)
        return

    def work(begin: int, end: int) -> bytes:
        return _pack(_analyse_each(analyse_one, paths[begin:end], lambda _done: None))

    first, *rest = _split_work(len(paths), processes)
    with _run_forks(work, rest) as receivers:
        yield from _analyse_each(
            analyse_one, paths[: first[1]], lambda done: progress(done * processes)
        )
        for (begin, end), receive in zip(rest, receivers, strict=True):
            data = receive()
            yield from (
                _unpack_notes(data)
                if data is not None
                else _analyse_each(analyse_one, paths[begin:end], progress)
            )


def suggest_all(
    suggest: Callable[[str], tuple[Suggestion, ...] | None], topics: Sequence[str], jobs: int | None
) -> dict[str, tuple[Suggestion, ...] | None]:
    """Return suggestions for many topics, in parallel if there are many."""
    processes = jobs or _count_processors()
    if len(topics) < _FORK_THRESHOLD_TOPICS or processes < 2 or sys.platform == "win32":
        return {topic: suggest(topic) for topic in topics}
    for topic in topics[:1]:
        suggest(topic)  # prepares the names once, for all processes

    def work(begin: int, end: int) -> bytes:
        return _pack([suggest(topic) for topic in topics[begin:end]])

    first, *rest = _split_work(len(topics), processes)
    with _run_forks(work, rest) as receivers:
        suggestions = [suggest(topic) for topic in topics[: first[1]]]
        for (begin, end), receive in zip(rest, receivers, strict=True):
            data = receive()
            suggestions += (
                _unpack_suggestions(data)
                if data is not None
                else [suggest(topic) for topic in topics[begin:end]]
            )
    return dict(zip(topics, suggestions, strict=True))


def _split_work(size: int, processes: int) -> list[tuple[int, int]]:
    """Return begin and end of each process's share.

    The first share, that of this process, is a little larger, as it need not be packed.
    """
    share = int(size / (processes + _HEAD_START)) or 1
    cuts = [size - share * number for number in range(processes - 1, -1, -1)]
    return list(zip([0, *cuts[:-1]], cuts, strict=True))


@contextmanager
def _run_forks(
    work: Callable[[int, int], bytes], shares: Sequence[tuple[int, int]]
) -> Iterator[list[Callable[[], bytes | None]]]:
    """Run the shares in forks of this process, and yield a function for each.

    The function waits for the fork's result; it returns None if the fork was killed. If this
    process is interrupted, the forks are killed.
    """
    context = multiprocessing.get_context("fork")
    workers: list[BaseProcess] = []
    connections: list[Connection] = []
    try:
        for begin, end in shares:
            receiver, sender = context.Pipe(duplex=False)
            connections.append(receiver)
            worker = context.Process(
                target=_send_result, args=(sender, connections, work, begin, end), daemon=True
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


def _start_worker(worker: BaseProcess) -> None:
    """Start a fork.

    Signals that this process handles itself are blocked until the fork has reset their handlers.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINATION_SIGNALS)
    try:
        worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive_result(receiver: Connection, worker: BaseProcess) -> bytes | None:
    data = None
    with suppress(EOFError):
        data = receiver.recv_bytes()
    worker.join()
    return data


def _send_result(
    sender: Connection,
    connections: Sequence[Connection],
    work: Callable[[int, int], bytes],
    begin: int,
    end: int,
) -> None:
    for number in _TERMINATION_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # the parent process reports the interruption
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINATION_SIGNALS)
    for connection in connections:
        connection.close()  # so that no fork keeps running when the parent has died
    with suppress(BrokenPipeError):
        sender.send_bytes(work(begin, end))
    sender.close()
