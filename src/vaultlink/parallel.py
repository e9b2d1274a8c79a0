"""Reads and examines many notes with all processors: a share for this process, the others for forks of it.

Paths enter, what was found in them leaves. Where a process can't fork, everything is done here.
"""

import gc
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection

import msgspec

from vaultlink.engine import Examined, Setting, examine, unreadable
from vaultlink.files import Unreadable, read_text

WORTH_FORKING = 4_000_000
"""Bytes of text below which another process costs more than it saves."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Examined]).decode

Progress = Callable[[int], None]


def examine_files(setting: Setting, root: str, paths: Sequence[str], size: int, jobs: int | None,
                  progress: Progress = lambda _done: None) -> Iterator[Examined]:
    """What examining the notes at paths below a root gives, in their order. `size` is their bytes altogether."""
    processes = min(jobs or _processors(), len(paths)) if size > WORTH_FORKING else 1
    enabled = gc.isenabled()
    gc.disable()  # everything made here is kept, so looking for rubbish among it is in vain
    try:
        if processes < 2 or sys.platform == "win32":
            yield from _examined(setting, root, paths, progress)
        else:
            yield from _shared(setting, root, paths, processes, progress)
    finally:
        if enabled:
            gc.enable()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _examined(setting: Setting, root: str, paths: Sequence[str], progress: Progress) -> list[Examined]:
    results = []
    for done, path in enumerate(paths):
        results.append(examine_file(setting, root, path))
        if done % 500 == 0:
            progress(done)
    return results


def examine_file(setting: Setting, root: str, path: str) -> Examined:
    """Read and examine one note."""
    text = read_text(f"{root}/{path}")
    if isinstance(text, Unreadable):
        return unreadable(setting, path, text.kind, text.detail)
    return examine(setting, path, text)


def _shared(setting: Setting, root: str, paths: Sequence[str], processes: int, progress: Progress) -> Iterator[Examined]:
    context = multiprocessing.get_context("fork")
    share = -(-len(paths) // processes)
    workers = []
    for begin in range(share, len(paths), share):
        here, there = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(there, setting, root, paths[begin:begin + share]), daemon=True)
        worker.start()
        there.close()
        workers.append((worker, here, begin))
    yield from _examined(setting, root, paths[:share], lambda done: progress(done * processes))
    for worker, here, begin in workers:
        try:
            results = _unpack(here.recv_bytes())
        except EOFError:  # the fork was killed: what it did not say is found out here
            results = _examined(setting, root, paths[begin:begin + share], progress)
        worker.join()
        yield from results


def _work(answer: Connection, setting: Setting, root: str, paths: Sequence[str]) -> None:
    answer.send_bytes(_pack(_examined(setting, root, paths, lambda _done: None)))
    answer.close()
