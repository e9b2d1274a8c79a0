"""Run a watcher on a vault on disk in a thread, and wait for its updates."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Condition, Thread

from msgspec.structs import replace

from vaultlink.disk.scan import Settings
from vaultlink.watch.events import Debounce
from vaultlink.watch.loop import Watch, WatchSettings
from vaultlink.watch.messages import Batch, BatchCause, Notice, Proposal, WatchUpdate
from vaultlink.watch.session import Session

QUICK_DEBOUNCE = Debounce(
    batch_quiet=0.1, batch_max_delay=1.5, fix_quiet=0.5, fix_max_delay=3.0, heartbeat=0.2
)
"""Short debounce times for tests."""

NAMES = ("a", "b", "B", "c d", "é", "2024-01-01")
PLACES = ("", "x/", "x/y/", "z/")
TEXTS = (
    "[[a]]\n",
    "[[b|shown]] [[c d#One]]\n",
    "# One\n\n[[x/a]]\n",
    "---\naliases: [Nick]\n---\n[[Nick]]\n",
    "![[p.png]] ^k\n",
    "[[é]] [[missing]]\n",
    "%%vaultlink-disable VL1%% [[no]]\n",
    "[[a^k]] [t](b.md)\n",
    "",
)
"""Names, folders and texts of notes in random changes."""

_sentinels = count(1)

TIMEOUT_SECONDS = 15.0
"""The time limit of a wait in seconds."""


class WatchRecorder:
    """The updates of a watcher so far."""

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
        """The session of the watcher."""
        return self.watch.session

    @property
    def batches(self) -> list[Batch]:
        """The batches after the initial state, without sentinel notes."""
        batches = [
            remove_sentinels(item) for item in self.news if isinstance(item, Batch) and item.number
        ]
        return [
            batch for batch in batches if batch.cause != BatchCause() or batch.new or batch.resolved
        ]

    @property
    def notices(self) -> list[str]:
        """The messages of all notices."""
        return [item.message for item in self.news if isinstance(item, Notice)]

    @property
    def proposals(self) -> list[Proposal]:
        """The proposed fixes."""
        return [item for item in self.news if isinstance(item, Proposal)]

    def wait_for(
        self, condition: Callable[["WatchRecorder"], object], seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Wait until `condition` returns True for the updates."""
        end = time.monotonic() + seconds
        with self._arrived:
            while not condition(self):
                assert self.failure is None, repr(self.failure)
                assert self._arrived.wait(end - time.monotonic()) or condition(self), (
                    f"not reported: {self.describe_news()}"
                )

    def wait_for_batches(self, count: int) -> list[Batch]:
        """Wait for this number of batches."""
        self.wait_for(lambda watched: len(watched.batches) >= count)
        return self.batches

    def settle(self) -> "WatchRecorder":
        """Wait until all changes to the vault so far are reported."""
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
        """Return all batches as text, for a failed test."""
        return [
            f"{item.cause}: +{[str(new.diagnostic.rule) for new in item.new]} -{len(item.resolved)}"
            if isinstance(item, Batch)
            else str(item)
            for item in self.news
        ]

    def list_changes(self) -> list[str]:
        """Return the new (+) and resolved (-) findings of all batches."""
        return [line for batch in self.batches for line in format_changes(batch)]


def remove_sentinels(batch: Batch) -> Batch:
    """Return a batch without sentinel notes."""
    cause = batch.cause
    saved, created, deleted = (
        tuple(path for path in paths if not path.startswith("sentinel "))
        for paths in (cause.saved, cause.created, cause.deleted)
    )
    new, resolved = (
        tuple(item for item in found if not item.diagnostic.path.startswith("sentinel "))
        for found in (batch.new, batch.resolved)
    )
    return replace(
        batch,
        cause=replace(cause, saved=saved, created=created, deleted=deleted),
        new=new,
        resolved=resolved,
    )


def format_changes(batch: Batch) -> list[str]:
    """Return the new (+) and resolved (-) findings of a batch: rule and path."""
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
    """Run a watcher that receives events. Assert that it stops on request and without an error."""
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
