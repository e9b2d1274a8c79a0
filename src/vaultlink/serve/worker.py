"""The thread of a server that works on its vault, one job after the other."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar, cast

from vaultlink.errors import DamagedCacheError, UsageError
from vaultlink.serve.workspace import Workspace
from vaultlink.watch.garbage import exempt_present_objects, free_unused_objects
from vaultlink.write.cache import forget_cache_file

_T = TypeVar("_T")

_FOLD_SECONDS = 10.0
"""Seconds without a job after which the vault is packed, which takes a moment."""


class Rest(NamedTuple):
    """The times at which a worker frees memory, which takes some milliseconds.

    It does after `idle` seconds without a job, which delays no answer, and in any case after a
    number of `jobs`: what a draft leaves takes megabytes.
    """

    idle: float = 0.05
    jobs: int = 10


class _Job(NamedTuple):
    work: Callable[[Workspace], object]
    future: "Future[object]"


_END = _Job(lambda _workspace: None, Future())
"""The last job, which frees the vault and ends the thread."""


class Worker:
    """A thread that opens a vault and then runs jobs, one after the other.

    If `open_workspace` raises an error, each job raises it. `runs` are the ids of the runs that
    jobs wrote and did not undo, the last one at the end.
    """

    def __init__(
        self,
        open_workspace: Callable[[], Workspace],
        *,
        rest: Rest = Rest(),  # noqa: B008 - immutable
    ):
        self._rest = rest
        self._open, self._jobs = open_workspace, SimpleQueue[_Job]()
        self._workspace: Workspace | None = None
        self._busy, self._is_stopping = threading.Lock(), False
        self.runs: list[str] = []
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def has_opened(self) -> bool:
        """True if the vault is open here."""
        return self._workspace is not None

    def submit(self, work: Callable[[Workspace], _T]) -> "Future[_T]":
        """Have a job done, and return its result to come."""
        job = _Job(work, Future())
        self._jobs.put(job)
        return cast("Future[_T]", job.future)

    def write(self, action: Callable[[], Any]) -> Any:
        """Run an action that `stop` waits for."""
        with self._busy:
            if self._is_stopping:
                raise UsageError("the server is ending. Nothing was written.")
            return action()

    def finish_writing(self) -> None:
        """Begin no other write, and wait for one that has begun."""
        self._is_stopping = True
        self._busy.acquire()

    def stop(self) -> None:
        """Finish writing, and close the vault."""
        self.finish_writing()
        if self._workspace is not None:
            with suppress(Exception):
                self._workspace.close()
        self._jobs.put(_END)

    def _run(self) -> None:
        with suppress(Exception):  # each job reports it
            self._get_workspace()
        left, has_worked = 0, False
        while True:
            job = self._take(self._rest.idle if left else _FOLD_SECONDS if has_worked else None)
            if job is _END:
                self._workspace = None
                free_unused_objects()
                return
            if left and (job is None or left >= self._rest.jobs):
                self._free(Workspace.tidy)
                left = 0
            elif job is None:
                has_worked = False
                self._free(Workspace.fold)
            if job is not None and job.future.set_running_or_notify_cancel():
                left, has_worked = left + 1, True
                try:
                    job.future.set_result(self._work(job))
                except BaseException as error:
                    job.future.set_exception(error)

    def _take(self, seconds: float | None) -> _Job | None:
        """Return the next job; None if there is none within some seconds."""
        try:
            return self._jobs.get(timeout=seconds)
        except Empty:
            return None

    def _free(self, free: Callable[[Workspace], None]) -> None:
        """Give memory back between two jobs."""
        if self._workspace is not None:
            with suppress(Exception):  # the next job reports it
                free(self._workspace)

    def _work(self, job: _Job) -> object:
        try:
            return job.work(self._get_workspace())
        except DamagedCacheError as error:  # raised before anything is written
            if self._workspace is not None:
                self._workspace.recover(error)
            elif not forget_cache_file(error.file):
                raise
            return job.work(self._get_workspace())

    def _get_workspace(self) -> Workspace:
        if self._workspace is None:
            self._workspace = self._open()
            exempt_present_objects()
        return self._workspace
