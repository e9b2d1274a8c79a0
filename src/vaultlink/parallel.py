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

from vaultlink.engine import Examined, Setting, examine, unreadable
from vaultlink.files import Unreadable, read_text
from vaultlink.model import Suggestion

_WORTH_FORKING = 4_000_000
"""Bytes of text below which another process costs more than it saves."""

_WORTH_SHARING = 2_000
"""Topics below which another process costs more than it saves."""

_HEAD_START = 0.08
"""What the first process takes beyond an equal share, in shares."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Examined]).decode
_unpack_suggestions = msgspec.msgpack.Decoder(list[tuple[Suggestion, ...]]).decode

Progress = Callable[[int], None]


def examine_files(
    setting: Setting,
    root: str,
    paths: Sequence[str],
    size: int,
    jobs: int | None,
    progress: Progress = lambda _done: None,
) -> Iterator[Examined]:
    """What examining the notes at paths below a root gives, in their order. `size` is their bytes altogether."""
    processes = min(jobs or _processors(), len(paths)) if size > _WORTH_FORKING else 1
    enabled = gc.isenabled()
    gc.disable()  # everything made here is kept, so looking for rubbish among it is in vain
    try:
        yield from _shared(
            lambda path: examine_file(setting, root, path), paths, processes, progress
        )
    finally:
        if enabled:
            gc.enable()


def examine_texts(
    setting: Setting, texts: Mapping[str, str], jobs: int | None = None
) -> list[Examined]:
    """What examining texts, by the path each is to stand at, gives, in their order."""
    paths = list(texts)
    large = sum(map(len, texts.values())) > _WORTH_FORKING
    processes = min(jobs or _processors(), len(paths)) if large else 1
    return list(
        _shared(
            lambda path: examine(setting, path, texts[path]), paths, processes, lambda _done: None
        )
    )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _examined(
    one: Callable[[str], Examined], paths: Sequence[str], progress: Progress
) -> list[Examined]:
    results = []
    for done, path in enumerate(paths):
        results.append(one(path))
        if done % 500 == 0:
            progress(done)
    return results


def examine_file(setting: Setting, root: str, path: str) -> Examined:
    """Read and examine one note."""
    text = read_text(f"{root}/{path}")
    if isinstance(text, Unreadable):
        return unreadable(setting, path, text.kind, text.detail)
    return examine(setting, path, text)


def _shared(
    one: Callable[[str], Examined], paths: Sequence[str], processes: int, progress: Progress
) -> Iterator[Examined]:
    if processes < 2 or sys.platform == "win32":
        yield from _examined(one, paths, progress)
        return

    def work(begin: int, end: int) -> bytes:
        return _pack(_examined(one, paths[begin:end], lambda _done: None))

    first, *rest = _shares(len(paths), processes)
    with _forks(work, rest) as answers:
        yield from _examined(one, paths[: first[1]], lambda done: progress(done * processes))
        for (begin, end), answer in zip(rest, answers, strict=True):
            said = answer()
            yield from (
                _unpack(said) if said is not None else _examined(one, paths[begin:end], progress)
            )


def suggest_all(
    suggest: Callable[[str], tuple[Suggestion, ...]], topics: Sequence[str], jobs: int | None
) -> dict[str, tuple[Suggestion, ...]]:
    """Suggestions for many topics."""
    processes = jobs or _processors()
    if len(topics) < _WORTH_SHARING or processes < 2 or sys.platform == "win32":
        return {topic: suggest(topic) for topic in topics}
    for topic in topics[:1]:
        suggest(topic)  # prepares the names, once for all processes

    def work(begin: int, end: int) -> bytes:
        return _pack([suggest(topic) for topic in topics[begin:end]])

    first, *rest = _shares(len(topics), processes)
    with _forks(work, rest) as answers:
        found = [suggest(topic) for topic in topics[: first[1]]]
        for (begin, end), answer in zip(rest, answers, strict=True):
            said = answer()
            found += (
                _unpack_suggestions(said)
                if said is not None
                else [suggest(topic) for topic in topics[begin:end]]
            )
    return dict(zip(topics, found, strict=True))


def _shares(size: int, processes: int) -> list[tuple[int, int]]:
    """Begin and end of each process's share; the first, this process's own, is a little larger: it need not pack."""
    share = int(size / (processes + _HEAD_START)) or 1
    cuts = [size - share * number for number in range(processes - 1, -1, -1)]
    return list(zip([0, *cuts[:-1]], cuts, strict=True))


@contextmanager
def _forks(
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
            worker = context.Process(target=_say, args=(there, ends, work, begin, end), daemon=True)
            _start(worker)
            workers.append(worker)
            there.close()
        yield [partial(_answer, here, worker) for here, worker in zip(ends, workers, strict=True)]
    finally:
        for left in workers:
            if left.is_alive():
                left.kill()


_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def _start(worker: BaseProcess) -> None:
    """Start a fork; signals that this process handles in its own way wait until the fork has let go of that way."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _answer(here: Connection, worker: BaseProcess) -> bytes | None:
    said = None
    with suppress(EOFError):
        said = here.recv_bytes()
    worker.join()
    return said


def _say(
    answer: Connection,
    ends: Sequence[Connection],
    work: Callable[[int, int], bytes],
    begin: int,
    end: int,
) -> None:
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # the first process says that it was stopped
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    for other in ends:
        other.close()  # so that nobody goes on for a process that is gone
    with suppress(BrokenPipeError):
        answer.send_bytes(work(begin, end))
    answer.close()
