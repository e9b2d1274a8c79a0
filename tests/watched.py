"""A watcher at work on a vault on disk, in a thread of its own, and ways to wait for what it tells."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Condition, Thread

from vaultlink.disk.scan import Settings
from vaultlink.watch.debounce import Debounce
from vaultlink.watch.loop import Watch, WatchSettings
from vaultlink.watch.messages import Batch, BatchCause, Notice, Proposal, WatchUpdate
from vaultlink.watch.session import Session

QUICK_DEBOUNCE = Debounce(
    batch_quiet=0.1, batch_max_delay=1.5, fix_quiet=0.5, fix_max_delay=3.0, heartbeat=0.2
)
"""The pauses of a watcher whose writer does not take long."""

_sentinels = count(1)

TIMEOUT_SECONDS = 15.0
"""Seconds that a test waits for something that has to come."""


class WatchRecorder:
    """What a watcher has told so far."""

    def __init__(self, watch: Watch):
        self.watch, self.news, self._arrived = watch, list[WatchUpdate](), Condition()
        self.failure: BaseException | None = None
        self.thread = Thread(target=self._record, daemon=True)
        self.thread.start()

    def _record(self) -> None:
        try:
            for item in self.watch.updates():
                with self._arrived:
                    self.news.append(item)
                    self._arrived.notify_all()
        except BaseException as error:
            self.failure = error
        with self._arrived:
            self._arrived.notify_all()

    @property
    def session(self) -> Session:
        """The vault kept alive."""
        return self.watch.session

    @property
    def batches(self) -> list[Batch]:
        """The batches after the vault was found, without sentinels and what consists of them."""
        batches = [
            remove_sentinels(item) for item in self.news if isinstance(item, Batch) and item.number
        ]
        return [
            batch for batch in batches if batch.cause != BatchCause() or batch.new or batch.resolved
        ]

    @property
    def notices(self) -> list[str]:
        """What the watcher said of itself."""
        return [item.message for item in self.news if isinstance(item, Notice)]

    @property
    def proposals(self) -> list[Proposal]:
        """What it would have written."""
        return [item for item in self.news if isinstance(item, Proposal)]

    def wait_for(
        self, there: Callable[["WatchRecorder"], object], seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Wait for something to be told."""
        end = time.monotonic() + seconds
        with self._arrived:
            while not there(self):
                assert self.failure is None, repr(self.failure)
                assert self._arrived.wait(end - time.monotonic()) or there(self), (
                    f"not told of: {self.describe_news()}"
                )

    def wait_for_batches(self, count: int) -> list[Batch]:
        """Wait for so many batches."""
        self.wait_for(lambda watched: len(watched.batches) >= count)
        return self.batches

    def settle(self) -> "WatchRecorder":
        """Wait until all that was done to the vault so far has been told of."""
        name = f"sentinel {next(_sentinels)}.md"
        (self.watch.root / name).write_text("")
        self.wait_for(
            lambda watched: any(
                isinstance(item, Batch) and name in item.cause.created for item in watched.news
            )
        )
        time.sleep(0.06)  # files that changed but now are not compared
        return self

    def describe_news(self) -> list[str]:
        """All batches as signs and places, for a failed test."""
        return [
            f"{item.cause}: +{[str(new.diagnostic.rule) for new in item.new]} -{len(item.resolved)}"
            if isinstance(item, Batch)
            else str(item)
            for item in self.news
        ]

    def list_changes(self) -> list[str]:
        """What was new (+) or healed (-), batch after batch."""
        return [line for batch in self.batches for line in format_changes(batch)]


def remove_sentinels(batch: Batch) -> Batch:
    """A batch without the notes by which tests know that all is told."""
    cause = batch.cause
    saved, created, deleted = (
        tuple(path for path in paths if not path.startswith("sentinel "))
        for paths in (cause.saved, cause.created, cause.deleted)
    )
    new, healed = (
        tuple(item for item in found if not item.diagnostic.path.startswith("sentinel "))
        for found in (batch.new, batch.resolved)
    )
    return replace(
        batch,
        cause=replace(cause, saved=saved, created=created, deleted=deleted),
        new=new,
        resolved=healed,
    )


def format_changes(batch: Batch) -> list[str]:
    """What was new (+) or healed (-): rule and path."""
    return [
        *(f"+ {item.rule} {item.path}" for item, _ in batch.new),
        *(f"- {item.rule} {item.path}" for item, _ in batch.resolved),
    ]


@contextmanager
def run_watcher(
    vault: Path,
    wishes: WatchSettings = WatchSettings(),  # noqa: B008 - frozen
    settings: Settings | None = None,
    debounce: Debounce = QUICK_DEBOUNCE,
) -> Iterator[WatchRecorder]:
    """A watcher that has begun to listen; it must end when it is told to, and without a fault."""
    watch = Watch(vault, settings or Settings(cache=False), replace(wishes, debounce=debounce))
    watched = WatchRecorder(watch)
    try:
        watched.wait_for(lambda _: watched.news)
        watched.settle()
        yield watched
    finally:
        watch.stop()
        watched.thread.join(TIMEOUT_SECONDS)
    assert not watched.thread.is_alive()
    assert watched.failure is None, repr(watched.failure)
    assert watch.verify_failures == 0, watched.notices
