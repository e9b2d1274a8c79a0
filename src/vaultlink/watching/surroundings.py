"""What is around a watched vault: whether it is there, what its settings say, what git knows, who else watches it.

A live vault enters; news leave, and the vault is read anew where that is called for.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vaultlink.api import Vault, open_vault
from vaultlink.errors import ConfigError, JournalError, VaultError
from vaultlink.moves import git_moves
from vaultlink.repository import at_work, git_folder
from vaultlink.survey import Survey
from vaultlink.watching.batch import Cause, News, Notice
from vaultlink.watching.inbox import Inbox
from vaultlink.watching.listening import Listening
from vaultlink.watching.live import Live
from vaultlink.watching.looking import whereabouts
from vaultlink.watching.neighbours import Neighbours
from vaultlink.watching.repairing import Repairing
from vaultlink.watching.settings import SettingsFiles, reopened


class Said:
    """What was said already, so that it is said once, until something else is to be said of the matter."""

    def __init__(self) -> None:
        self._sentences: dict[str, str] = {}

    def once(self, about: str, sentence: str, *, wrong: bool = False) -> Iterator[News]:
        """A sentence on a matter, if it is one and was not the last one on it."""
        if sentence and self._sentences.get(about) != sentence:
            self._sentences[about] = sentence
            yield Notice(sentence, wrong)

    def forget(self, about: str) -> None:
        """The matter is settled: if it comes up again it is said again."""
        self._sentences.pop(about, None)


class Surroundings:
    """The surroundings of a vault. `away` says that it is gone for now, `said` what was said already. The settings are as they
    were when the vault was opened with them."""

    def __init__(
        self,
        live: Live,
        settings: SettingsFiles,
        inbox: Inbox,
        listening: Listening,
        repairing: Repairing,
        *,
        fix: bool,
    ):
        self._live, self._settings, self._repairing = live, settings, repairing
        self._inbox, self._listening = inbox, listening
        self.root, self.away = live.vault.root, False
        self.said = Said()
        self._home = whereabouts(self.root)
        self._neighbours = _neighbours(self.root, fix=fix)

    def at_work(self) -> bool:
        """Whether git is changing files of the vault."""
        return at_work(git_folder(self.root))

    def here(self) -> bool:
        """Whether the vault is where it was, and the same."""
        return whereabouts(self.root) == self._home

    def beat(self) -> Iterator[News]:
        """See to that of which no word comes."""
        if self.away or not self.here():
            yield from self.search()
        elif self._settings.changed(self._live.seen) or self._settings.committed(self._live.seen):
            yield from self.resettle()
        yield from self.look_around()

    def unsettled(self, seen: Survey) -> bool:
        """Whether settings are others than they were, or git was told to ignore something else."""
        return (
            self._settings.changed(seen) or seen.listing.ignores != self._live.seen.listing.ignores
        )

    def leave(self) -> None:
        """Watch no more."""
        if self._neighbours:
            self._neighbours.leave()

    def search(self) -> Iterator[News]:
        """The vault is not where it was: wait for it, or take up what has come in its place."""
        home = whereabouts(self.root)
        vault = None
        if home is not None:
            try:
                vault = alone(open_vault(self.root, self._live.seen.settings))
            except VaultError:
                vault = None
            except ConfigError as error:
                yield from self.said.once("settings", str(error), wrong=True)
        if vault is None:
            if not self.away:
                self.away = True
                yield Notice(
                    f"{self.root} is gone, or holds no note any more. Waiting for it to come back.",
                    wrong=True,
                )
            return
        self._home = home
        if self.away:
            self.away = False
            yield Notice(f"{self.root} is back.")
        batch = self._live.replaced(vault, Cause(words="the vault came back"))
        self._listening.begin(self._live.seen.listing.folders, time.monotonic())
        self._repairing.changed((), time.monotonic())
        yield batch

    def resettle(self) -> Iterator[News]:
        """Settings, or what git knows, may have changed: go by them, or say what is wrong with them and keep the old."""
        committed = self._settings.committed(self._live.seen)
        self._settings.look(self._live.seen)
        try:
            vault = reopened(self._live.vault)
        except (ConfigError, VaultError) as error:
            yield from self.said.once(
                "settings", f"{error} The settings before are kept.", wrong=True
            )
            return
        self.said.forget("settings")
        batch = None
        if vault:
            batch = self._live.replaced(alone(vault), Cause(words="new settings"))
        elif committed and self._live.totals().links.dangling:
            batch = self._live.learn(
                git_moves(self.root, self._live.seen.listing.files), "git tells where files went"
            )
        if batch:
            self._repairing.want(time.monotonic())
            self._inbox.hint_everything()
            yield batch

    def look_around(self) -> Iterator[News]:
        """Tell of other watchers that came or went."""
        for sentence in self._neighbours.news() if self._neighbours else ():
            self._repairing.want(time.monotonic())
            yield Notice(sentence)

    def unreadable(self, seen: Survey) -> Iterator[News]:
        """Tell of folders that can't be looked into: what lies in them seems not to be there."""
        for folder, why in seen.listing.unreadable:
            yield from self.said.once(
                f"folder {folder}", f"the folder {folder} can't be read: {why}.", wrong=True
            )

    def repairs(self) -> bool:
        """Whether it is this watcher that mends notes."""
        return self._neighbours is None or self._neighbours.repairs()


def _neighbours(root: Path, *, fix: bool) -> Neighbours | None:
    """The place among other watchers; one that only tells does without if there is none."""
    try:
        return Neighbours(root, fixing=fix)
    except JournalError:
        if fix:
            raise
        return None


def alone(vault: Vault) -> Vault:
    """The vault, from now on read by one process: forks and a listener's thread don't go together."""
    seen = replace(vault.seen, settings=replace(vault.seen.settings, jobs=1))
    return vault.renewed(seen, vault.state)
