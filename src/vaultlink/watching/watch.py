"""The watcher: waits for word of changes, looks, tells what came of it, and mends if that is asked for.

A vault's place and settings enter; batches and notices leave, one by one, for as long as somebody asks for the next. Nothing
is printed here.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from vaultlink.api import Vault, VaultError, open_vault
from vaultlink.config import ConfigError
from vaultlink.loading import Progress
from vaultlink.locking import JournalError
from vaultlink.moves import git_moves
from vaultlink.repository import at_work, git_folder
from vaultlink.survey import Settings, Survey, survey
from vaultlink.watching.batch import Cause, News, Notice, Proposal
from vaultlink.watching.inbox import Hints, Inbox
from vaultlink.watching.listening import Listening, Means, system_listener
from vaultlink.watching.live import Live, Prepared
from vaultlink.watching.looking import empty, look, whereabouts
from vaultlink.watching.neighbours import Neighbours
from vaultlink.watching.pauses import Pauses
from vaultlink.watching.repairing import Repairing
from vaultlink.watching.settings import SettingsFiles, reopened
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

    def __init__(self, root: Path, settings: Settings | None = None, wishes: Wishes = Wishes(),
                 progress: Progress | None = None, surveyed: Survey | None = None):
        seen = surveyed or survey(root, settings)
        self.root, self._wishes, self._pauses = seen.root, wishes, wishes.pauses
        self.faults = 0
        self._inbox = Inbox()
        self._settings, self._git = SettingsFiles(seen), git_folder(self.root)
        self._home = whereabouts(self.root)
        self.live = Live(open_vault(self.root, seen.settings, progress, seen))
        self._neighbours = _neighbours(self.root, fix=wishes.fix)
        self._repairing = Repairing(self._pauses, wishes.command, writing=wishes.fix)
        self._listening = Listening(self._inbox, wishes.poll, self._pauses.relist, wishes.means)
        self._early: tuple[Prepared | None, int] | None = None
        self._away = False
        self._said: dict[str, str] = {}
        self._beat = time.monotonic()

    def stop(self) -> None:
        """End once what is in hand is done. May be called by a signal's handler, or from another thread."""
        self._inbox.stop()

    def news(self) -> Iterator[News]:
        """What there is to tell: the vault as it was found, then whatever happens, until `stop` is called."""
        try:
            yield self.live.opened()
            self.live.vault = _alone(self.live.vault)
            self._listening.begin(self._folders, time.monotonic())
            yield from self._look_around()
            if self._wishes.fix or self._wishes.propose:
                self._repairing.want(time.monotonic())
            while not self._inbox.stopped:
                self._inbox.wait(self._pause())
                if not self._inbox.stopped:
                    yield from self._turn()
        finally:
            self._listening.end()
            if self._neighbours:
                self._neighbours.leave()

    # -- time -----------------------------------------------------------------------------------------------------

    def _pause(self) -> float:
        """Seconds until there is something to do even if nothing happens."""
        now = time.monotonic()
        beat = self._beat + self._pauses.heartbeat - now
        if self._away:
            return beat
        if not self._inbox:
            repair = self._repairing.wait(now)
            return min(beat, self._listening.wait(now), _AT_WORK if repair <= 0 and at_work(self._git) else repair)
        batch = self._pauses.until_batch(self._inbox.first, self._inbox.last, now)
        if self._early is None or self._early[1] != self._inbox.count:
            batch = min(batch, max(self._inbox.last + self._pauses.early - now, 0.001))
        return min(beat, _AT_WORK if batch <= 0 and at_work(self._git) else batch)

    def _turn(self) -> Iterator[News]:
        """Do whatever it is time for."""
        now = time.monotonic()
        if now >= self._beat + self._pauses.heartbeat:
            self._beat = now
            yield from self._heartbeat()
        if self._away:
            self._inbox.take()
            return
        self._listening.beat(self._folders, now)
        yield from self._once("no watch", self._listening.complaint, wrong=True)
        now = time.monotonic()
        if not self._inbox:
            if self._repairing.wait(now) <= 0 and not at_work(self._git):
                yield from self._mend()
        elif self._pauses.until_batch(self._inbox.first, self._inbox.last, now) > 0:
            self._prepare(now)
        elif not at_work(self._git):
            yield from self._batch()

    def _heartbeat(self) -> Iterator[News]:
        """See to that of which no word comes."""
        if whereabouts(self.root) != self._home or self._away:
            yield from self._search()
        elif self._settings.changed(self.live.seen) or self._settings.committed(self.live.seen):
            yield from self._resettle()
        yield from self._look_around()

    @property
    def _folders(self) -> Mapping[str, str]:
        return self.live.seen.listing.folders

    # -- looking --------------------------------------------------------------------------------------------------

    def _prepare(self, now: float) -> None:
        """Work out what a batch will have to tell while it is waited for whether more comes."""
        hints = self._inbox.peek()
        few = not hints.everything and len(hints.paths) <= _FEW
        if few and now >= self._inbox.last + self._pauses.early and whereabouts(self.root) == self._home:
            self._early = self.live.prepare(look(self.live.seen, hints, self._listening.follow)), hints.count
        elif not few:
            self._early = None, hints.count

    def _batch(self) -> Iterator[News]:
        """Look where something may have changed, and tell what came of it."""
        early, known = self._early or (None, 0)
        hints, self._early = self._inbox.take(), None
        if whereabouts(self.root) != self._home:
            yield from self._search()
            return
        if self._settings.changed(self.live.seen) or any(path.endswith(".gitignore") for path in hints.paths):
            early = None
            yield from self._resettle()
        seen = look(self.live.seen, hints, self._listening.follow)
        if whereabouts(self.root) != self._home or empty(seen.seen):
            yield from self._search()
            return
        yield from self._unreadable(seen.seen)
        if early is None or known != hints.count or not seen.alike(early.look):
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
        if not (self._wishes.propose or (self._wishes.fix and self._repairs())):
            self._repairing.postpone()
            return
        attempt = self._repairing.attempt(self.live.vault, now)
        if attempt.breach:
            yield from self._once("breach", f"nothing was mended: in {attempt.breach.path} {attempt.breach.what}. A fix of "
                                  f"{' or '.join(attempt.breach.rules)} is to blame; please report it.", wrong=True)
        yield from self._once("trouble", attempt.trouble, wrong=True)
        if attempt.proposed:
            yield Proposal(attempt.proposed)
        if attempt.fixed:
            for refusal in attempt.fixed.refused:
                yield from self._once(f"left {refusal.path}", f"{refusal.path}: left alone: {refusal.why}.")
            if attempt.fixed.written:
                seen = look(self.live.seen, Hints(frozenset(attempt.fixed.written)), self._listening.follow)
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
            yield Notice(f"--verify: what is kept differs from a fresh start. {told}. This is a fault in vaultlink; please "
                         "report it.", wrong=True)

    # -- the world around the vault -------------------------------------------------------------------------------

    def _search(self) -> Iterator[News]:
        """The vault is not where it was: wait for it, or take up what has come in its place."""
        home = whereabouts(self.root)
        vault = None
        if home is not None:
            try:
                vault = _alone(open_vault(self.root, self.live.seen.settings))
            except VaultError:
                vault = None
            except ConfigError as error:
                yield from self._once("settings", str(error), wrong=True)
        if vault is None:
            if not self._away:
                self._away = True
                yield Notice(f"{self.root} is gone, or holds no note any more. Waiting for it to come back.", wrong=True)
            return
        self._home = home
        if self._away:
            self._away = False
            yield Notice(f"{self.root} is back.")
        batch = self.live.replaced(vault, Cause(words="the vault came back"))
        self._listening.begin(self._folders, time.monotonic())
        self._repairing.changed((), time.monotonic())
        yield batch

    def _resettle(self) -> Iterator[News]:
        """Settings, or what git knows, may have changed: go by them, or say what is wrong with them and keep the old."""
        committed = self._settings.committed(self.live.seen)
        self._settings.look(self.live.seen)
        try:
            vault = reopened(self.live.vault)
        except (ConfigError, VaultError) as error:
            yield from self._once("settings", f"{error} The settings before are kept.", wrong=True)
            return
        self._said.pop("settings", None)
        batch = None
        if vault:
            self._inbox.hint_everything()
            batch = self.live.replaced(_alone(vault), Cause(words="new settings"))
        elif committed and self.live.totals().links.dangling:
            batch = self.live.learn(git_moves(self.root, self.live.seen.listing.files), "git tells where files went")
        if batch:
            self._repairing.want(time.monotonic())
            yield batch

    def _look_around(self) -> Iterator[News]:
        """Tell of other watchers that came or went."""
        for sentence in self._neighbours.news() if self._neighbours else ():
            self._repairing.want(time.monotonic())
            yield Notice(sentence)

    def _unreadable(self, seen: Survey) -> Iterator[News]:
        """Tell of folders that can't be looked into: what lies in them seems not to be there."""
        for folder, why in seen.listing.unreadable:
            yield from self._once(f"folder {folder}", f"the folder {folder} can't be read: {why}.", wrong=True)

    def _repairs(self) -> bool:
        return self._neighbours is None or self._neighbours.repairs()

    def _once(self, about: str, sentence: str, *, wrong: bool = False) -> Iterator[News]:
        """Say something once, until something else is to be said of the matter."""
        if sentence and self._said.get(about) != sentence:
            self._said[about] = sentence
            yield Notice(sentence, wrong)


def _neighbours(root: Path, *, fix: bool) -> Neighbours | None:
    """The place among other watchers; one that only tells does without if there is none."""
    try:
        return Neighbours(root, fixing=fix)
    except JournalError:
        if fix:
            raise
        return None


def _alone(vault: Vault) -> Vault:
    """The vault, from now on read by one process: forks and a listener's thread don't go together."""
    seen = replace(vault.seen, settings=replace(vault.seen.settings, jobs=1))
    return vault.renewed(seen, vault.state)
