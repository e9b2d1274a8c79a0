"""A watcher at work on a vault on disk, in a thread of its own, and ways to wait for what it tells."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Condition, Thread

from vaultlink.survey import Settings
from vaultlink.watching.batch import Batch, Cause, News, Notice, Proposal
from vaultlink.watching.live import Live
from vaultlink.watching.pauses import Pauses
from vaultlink.watching.watch import Watch, Wishes

QUICK = Pauses(quiet=0.1, longest=1.5, calm=0.5, patience=3.0, heartbeat=0.2)
"""The pauses of a watcher whose writer does not take long."""

_sentinels = count(1)

PATIENT = 15.0
"""Seconds that a test waits for something that has to come."""


class Watched:
    """What a watcher has told so far."""

    def __init__(self, watch: Watch):
        self.watch, self.news, self._came = watch, list[News](), Condition()
        self.failure: BaseException | None = None
        self.thread = Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        try:
            for item in self.watch.news():
                with self._came:
                    self.news.append(item)
                    self._came.notify_all()
        except BaseException as error:
            self.failure = error
        with self._came:
            self._came.notify_all()

    @property
    def live(self) -> Live:
        """The vault kept alive."""
        return self.watch.live

    @property
    def batches(self) -> list[Batch]:
        """The batches after the vault was found, without sentinels and what consists of them."""
        batches = [
            without_sentinels(item) for item in self.news if isinstance(item, Batch) and item.number
        ]
        return [batch for batch in batches if batch.cause != Cause() or batch.new or batch.healed]

    @property
    def notices(self) -> list[str]:
        """What the watcher said of itself."""
        return [item.sentence for item in self.news if isinstance(item, Notice)]

    @property
    def proposals(self) -> list[Proposal]:
        """What it would have written."""
        return [item for item in self.news if isinstance(item, Proposal)]

    def until(self, there: Callable[["Watched"], object], seconds: float = PATIENT) -> None:
        """Wait for something to be told."""
        end = time.monotonic() + seconds
        with self._came:
            while not there(self):
                assert self.failure is None, repr(self.failure)
                assert self._came.wait(end - time.monotonic()) or there(self), (
                    f"not told of: {self.told()}"
                )

    def until_batches(self, count: int) -> list[Batch]:
        """Wait for so many batches."""
        self.until(lambda watched: len(watched.batches) >= count)
        return self.batches

    def settled(self) -> "Watched":
        """Wait until all that was done to the vault so far has been told of."""
        name = f"sentinel {next(_sentinels)}.md"
        (self.watch.root / name).write_text("")
        self.until(
            lambda watched: any(
                isinstance(item, Batch) and name in item.cause.created for item in watched.news
            )
        )
        time.sleep(0.06)  # files that changed but now are not compared
        return self

    def told(self) -> list[str]:
        """All batches as signs and places, for a failed test."""
        return [
            f"{item.cause}: +{[str(new.diagnostic.rule) for new in item.new]} -{len(item.healed)}"
            if isinstance(item, Batch)
            else str(item)
            for item in self.news
        ]

    def changes(self) -> list[str]:
        """What was new (+) or healed (-), batch after batch."""
        return [line for batch in self.batches for line in signs(batch)]


def without_sentinels(batch: Batch) -> Batch:
    """A batch without the notes by which tests know that all is told."""
    cause = batch.cause
    saved, created, deleted = (
        tuple(path for path in paths if not path.startswith("sentinel "))
        for paths in (cause.saved, cause.created, cause.deleted)
    )
    new, healed = (
        tuple(item for item in found if not item.diagnostic.path.startswith("sentinel "))
        for found in (batch.new, batch.healed)
    )
    return replace(
        batch,
        cause=replace(cause, saved=saved, created=created, deleted=deleted),
        new=new,
        healed=healed,
    )


def signs(batch: Batch) -> list[str]:
    """What was new (+) or healed (-): rule and path."""
    return [
        *(f"+ {item.rule} {item.path}" for item, _ in batch.new),
        *(f"- {item.rule} {item.path}" for item, _ in batch.healed),
    ]


@contextmanager
def watching(
    vault: Path,
    wishes: Wishes = Wishes(),  # noqa: B008 - frozen
    settings: Settings | None = None,
    pauses: Pauses = QUICK,
) -> Iterator[Watched]:
    """A watcher that has begun to listen; it must end when it is told to, and without a fault."""
    watch = Watch(vault, settings or Settings(cache=False), replace(wishes, pauses=pauses))
    watched = Watched(watch)
    try:
        watched.until(lambda _: watched.news)
        watched.settled()
        yield watched
    finally:
        watch.stop()
        watched.thread.join(PATIENT)
    assert not watched.thread.is_alive()
    assert watched.failure is None, repr(watched.failure)
    assert watch.faults == 0, watched.notices
