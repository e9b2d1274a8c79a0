"""The watcher: waits for word of changes, looks, tells what came of it, and mends if that is asked for.

A vault's place and settings enter; batches and notices leave, one by one, for as long as somebody asks for the next. Nothing
is printed here.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from vaultlink.api import open_vault
from vaultlink.loading import Progress
from vaultlink.survey import Settings, Survey, survey
from vaultlink.watching.batch import News, Notice, Proposal
from vaultlink.watching.inbox import Hints, Inbox
from vaultlink.watching.listening import Listening, Means, system_listener
from vaultlink.watching.live import Live, Prepared
from vaultlink.watching.looking import empty, look
from vaultlink.watching.pauses import Pauses
from vaultlink.watching.repairing import Repairing
from vaultlink.watching.settings import SettingsFiles
from vaultlink.watching.surroundings import Surroundings, alone
from vaultlink.watching.verifying import Changing, difference

_FEW = 50
"""Notes that are read before it is sure that their writer has ended."""

_AT_WORK = 0.05
"""Seconds until it is asked again whether git is still at work."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a watcher is to do besides telling. `fix` mends, `propose` says what mending would write. `poll` is how many
    seconds pass between looks at everything, None where the system brings word by its `means`. `verify` compares with a fresh
    start after every batch. `command` is what the journal calls a run."""

    fix: bool = False
    propose: bool = False
    poll: float | None = None
    verify: bool = False
    command: str = "vaultlink watch"
    means: Means = system_listener
    pauses: Pauses = field(default_factory=Pauses)


class Watch:
    """A watcher on a vault; `live` is the vault as it was last seen, `faults` how often that was not what a fresh start makes
    of it. Raises VaultError or ConfigError if the vault can't be opened, JournalError if it is to mend and could not keep a
    record."""

    def __init__(
        self,
        root: Path,
        settings: Settings | None = None,
        wishes: Wishes = Wishes(),
        progress: Progress | None = None,
        surveyed: Survey | None = None,
    ):
        seen = surveyed or survey(root, settings)
        self.root, self._wishes, self._pauses = seen.root, wishes, wishes.pauses
        self.faults = 0
        self._inbox = Inbox()
        settings_files = SettingsFiles(seen)
        self.live = Live(open_vault(self.root, seen.settings, progress, seen))
        self._repairing = Repairing(self._pauses, wishes.command, writing=wishes.fix)
        self._listening = Listening(self._inbox, wishes.poll, self._pauses.relist, wishes.means)
        self._around = Surroundings(
            self.live, settings_files, self._inbox, self._listening, self._repairing, fix=wishes.fix
        )
        self._early: tuple[Prepared | None, int] | None = None
        self._beat = time.monotonic()

    def stop(self) -> None:
        """End once what is in hand is done. May be called by a signal's handler, or from another thread."""
        self._inbox.stop()

    def news(self) -> Iterator[News]:
        """What there is to tell: the vault as it was found, then whatever happens, until `stop` is called."""
        try:
            yield self.live.opened()
            self.live.vault = alone(self.live.vault)
            self._listening.begin(self._folders, time.monotonic())
            yield from self._around.look_around()
            if self._wishes.fix or self._wishes.propose:
                self._repairing.want(time.monotonic())
            while not self._inbox.stopped:
                self._inbox.wait(self._pause())
                if not self._inbox.stopped:
                    yield from self._turn()
        finally:
            self._listening.end()
            self._around.leave()

    # -- time -----------------------------------------------------------------------------------------------------

    def _pause(self) -> float:
        """Seconds until there is something to do even if nothing happens."""
        now = time.monotonic()
        beat = self._beat + self._pauses.heartbeat - now
        if self._around.away:
            return beat
        if not self._inbox:
            repair = self._repairing.wait(now)
            return min(
                beat,
                self._listening.wait(now),
                _AT_WORK if repair <= 0 and self._around.at_work() else repair,
            )
        batch = self._pauses.until_batch(self._inbox.first, self._inbox.last, now)
        if self._early is None or self._early[1] != self._inbox.count:
            batch = min(batch, max(self._inbox.last + self._pauses.early - now, 0.001))
        return min(beat, _AT_WORK if batch <= 0 and self._around.at_work() else batch)

    def _turn(self) -> Iterator[News]:
        """Do whatever it is time for."""
        now = time.monotonic()
        if now >= self._beat + self._pauses.heartbeat:
            self._beat = now
            yield from self._around.beat()
        if self._around.away:
            self._inbox.take()
            return
        self._listening.beat(self._folders, now)
        yield from self._around.said.once("no watch", self._listening.complaint, wrong=True)
        now = time.monotonic()
        if not self._inbox:
            if self._repairing.wait(now) <= 0 and not self._around.at_work():
                yield from self._mend()
        elif self._pauses.until_batch(self._inbox.first, self._inbox.last, now) > 0:
            self._prepare(now)
        elif not self._around.at_work():
            yield from self._batch()

    @property
    def _folders(self) -> Mapping[str, str]:
        return self.live.seen.listing.folders

    # -- looking --------------------------------------------------------------------------------------------------

    def _prepare(self, now: float) -> None:
        """Work out what a batch will have to tell while it is waited for whether more comes."""
        hints = self._inbox.peek()
        few = not hints.everything and len(hints.paths) <= _FEW
        if few and now >= self._inbox.last + self._pauses.early and self._around.here():
            self._early = (
                self.live.prepare(look(self.live.seen, hints, self._listening.follow)),
                hints.count,
            )
        elif not few:
            self._early = None, hints.count

    def _batch(self) -> Iterator[News]:
        """Look where something may have changed, and tell what came of it."""
        early, known = self._early or (None, 0)
        hints, self._early = self._inbox.take(), None
        if not self._around.here():
            yield from self._around.search()
            return
        seen = look(self.live.seen, hints, self._listening.follow)
        if not self._around.here() or empty(seen.seen):
            yield from self._around.search()
            return
        if self._around.unsettled(seen.seen):
            before = self.live.vault
            yield from self._around.resettle()
            if self.live.vault is not before:
                return  # what was seen was seen of another state; everything is looked at again
        yield from self._around.unreadable(seen.seen)
        if early is None or known != hints.count or not self.live.holds(early, seen):
            early = self.live.prepare(seen)
        batch = self.live.commit(early)
        if batch:
            self._repairing.changed(seen.paths, time.monotonic())
            yield batch
            self.live.catch_up()
            yield from self._verify()

    def _mend(self) -> Iterator[News]:
        """Mend what can be mended now, and tell it."""
        now = time.monotonic()
        if not (self._wishes.propose or (self._wishes.fix and self._around.repairs())):
            self._repairing.postpone()
            return
        attempt = self._repairing.attempt(self.live.vault, now)
        if attempt.breach:
            rules = " or ".join(attempt.breach.rules)
            yield from self._around.said.once(
                "breach",
                f"nothing was mended: in {attempt.breach.path} {attempt.breach.what}. A "
                f"fix of {rules} is to blame; please report it.",
                wrong=True,
            )
        yield from self._around.said.once("trouble", attempt.trouble, wrong=True)
        if attempt.proposed:
            yield Proposal(attempt.proposed)
        if attempt.fixed:
            for refusal in attempt.fixed.refused:
                yield from self._around.said.once(
                    f"left {refusal.path}", f"{refusal.path}: left alone: {refusal.why}."
                )
            if attempt.fixed.written:
                seen = look(
                    self.live.seen, Hints(frozenset(attempt.fixed.written)), self._listening.follow
                )
                batch = self.live.take(seen, attempt.fixed)
                if batch:
                    yield batch
                    yield from self._verify()

    def _verify(self) -> Iterator[News]:
        """Compare with a fresh start, if that is asked for and nothing waits."""
        told = None
        if self._wishes.verify and not self._inbox:
            with suppress(Changing):  # then the next batch tells
                told = difference(self.live)
        if told:
            self.faults += 1
            yield Notice(
                f"--verify: what is kept differs from a fresh start. {told}. This is a fault in vaultlink; please "
                "report it.",
                wrong=True,
            )
