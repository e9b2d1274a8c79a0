"""Reads and examines many notes with all processors: a share for this process, the others for forks of it.

Paths enter, what was found in them leaves. Where a process can't fork, everything is done here.
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
"""What the first process takes beyond an equal share, in shares."""

_pack = msgspec.msgpack.Encoder().encode
_unpack_notes = msgspec.msgpack.Decoder(list[AnalysedNote]).decode
_unpack_suggestions = msgspec.msgpack.Decoder(list[tuple[Suggestion, ...]]).decode

DoneCallback = Callable[[int], None]


def analyse_files(
    settings: LinterSettings,
    root: str,
    paths: Sequence[str],
    size: int,
    jobs: int | None,
    progress: DoneCallback = lambda _done: None,
) -> Iterator[AnalysedNote]:
    """What examining the notes at paths below a root gives, in their order. `size` is their bytes altogether."""
    processes = min(jobs or _count_processors(), len(paths)) if size > _FORK_THRESHOLD_BYTES else 1
    enabled = gc.isenabled()
    gc.disable()  # everything made here is kept, so looking for rubbish among it is in vain
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
    """What examining texts, by the path each is to stand at, gives, in their order."""
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
    one: Callable[[str], AnalysedNote], paths: Sequence[str], progress: DoneCallback
) -> list[AnalysedNote]:
    results = []
    for done, path in enumerate(paths):
        results.append(one(path))
        if done % 500 == 0:
            progress(done)
    return results


def analyse_file(settings: LinterSettings, root: str, path: str) -> AnalysedNote:
    """Read and examine one note."""
    text = read_text(f"{root}/{path}")
    if isinstance(text, UnreadableFile):
        return analyse_unreadable(settings, path, text.kind, text.detail)
    return analyse(settings, path, text)


def _analyse_in_parallel(
    one: Callable[[str], AnalysedNote], paths: Sequence[str], processes: int, progress: DoneCallback
) -> Iterator[AnalysedNote]:
    if processes < 2 or sys.platform == "win32":
        yield from _analyse_each(one, paths, progress)
        return

    def work(begin: int, end: int) -> bytes:
        return _pack(_analyse_each(one, paths[begin:end], lambda _done: None))

    first, *rest = _split_work(len(paths), processes)
    with _run_forks(work, rest) as answers:
        yield from _analyse_each(one, paths[: first[1]], lambda done: progress(done * processes))
        for (begin, end), answer in zip(rest, answers, strict=True):
            said = answer()
            yield from (
                _unpack_notes(said)
                if said is not None
                else _analyse_each(one, paths[begin:end], progress)
            )


def suggest_all(
    suggest: Callable[[str], tuple[Suggestion, ...]], topics: Sequence[str], jobs: int | None
) -> dict[str, tuple[Suggestion, ...]]:
    """Suggestions for many topics."""
    processes = jobs or _count_processors()
    if len(topics) < _FORK_THRESHOLD_TOPICS or processes < 2 or sys.platform == "win32":
        return {topic: suggest(topic) for topic in topics}
    for topic in topics[:1]:
        suggest(topic)  # prepares the names, once for all processes

    def work(begin: int, end: int) -> bytes:
        return _pack([suggest(topic) for topic in topics[begin:end]])

    first, *rest = _split_work(len(topics), processes)
    with _run_forks(work, rest) as answers:
        found = [suggest(topic) for topic in topics[: first[1]]]
        for (begin, end), answer in zip(rest, answers, strict=True):
            said = answer()
            found += (
                _unpack_suggestions(said)
                if said is not None
                else [suggest(topic) for topic in topics[begin:end]]
            )
    return dict(zip(topics, found, strict=True))


def _split_work(size: int, processes: int) -> list[tuple[int, int]]:
    """Begin and end of each process's share; the first, this process's own, is a little larger: it need not pack."""
    share = int(size / (processes + _HEAD_START)) or 1
    cuts = [size - share * number for number in range(processes - 1, -1, -1)]
    return list(zip([0, *cuts[:-1]], cuts, strict=True))


@contextmanager
def _run_forks(
    work: Callable[[int, int], bytes], shares: Sequence[tuple[int, int]]
) -> Iterator[list[Callable[[], bytes | None]]]:
    """Have forks of this process do its other shares. What one says is waited for by calling its answer: None if it was killed.
    If this process is told to stop meanwhile, so are they."""
    context = multiprocessing.get_context("fork")
    workers: list[BaseProcess] = []
    ends: list[Connection] = []
    try:
        for begin, end in shares:
            here, there = context.Pipe(duplex=False)
            ends.append(here)
            worker = context.Process(
                target=_send_result, args=(there, ends, work, begin, end), daemon=True
            )
            _start_worker(worker)
            workers.append(worker)
            there.close()
        yield [
            partial(_receive_result, here, worker)
            for here, worker in zip(ends, workers, strict=True)
        ]
    finally:
        for left in workers:
            if left.is_alive():
                left.kill()


_TERMINATION_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def _start_worker(worker: BaseProcess) -> None:
    """Start a fork; signals that this process handles in its own way wait until the fork has let go of that way."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINATION_SIGNALS)
    try:
        worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive_result(here: Connection, worker: BaseProcess) -> bytes | None:
    said = None
    with suppress(EOFError):
        said = here.recv_bytes()
    worker.join()
    return said


def _send_result(
    answer: Connection,
    ends: Sequence[Connection],
    work: Callable[[int, int], bytes],
    begin: int,
    end: int,
) -> None:
    for number in _TERMINATION_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # the first process says that it was stopped
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINATION_SIGNALS)
    for other in ends:
        other.close()  # so that nobody goes on for a process that is gone
    with suppress(BrokenPipeError):
        answer.send_bytes(work(begin, end))
    answer.close()
