"""What is around a watched vault: whether it is there, what its settings say, what git knows, who else watches it.

A live vault enters; news leave, and the vault is read anew where that is called for.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from vaultlink.api import Vault, open_vault, replace_state
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import ConfigError, JournalError, VaultError
from vaultlink.git import find_git_dir, is_git_busy
from vaultlink.history.git_renames import git_moves
from vaultlink.watch.autofix import AutoFixer
from vaultlink.watch.backend import EventSource
from vaultlink.watch.events import EventQueue
from vaultlink.watch.messages import BatchCause, Notice, WatchUpdate
from vaultlink.watch.peers import Peers
from vaultlink.watch.rescan import folder_identity
from vaultlink.watch.session import Session
from vaultlink.watch.settings_files import SettingsSnapshot, reopen_if_changed


class NoticeFilter:
    """What was said already, so that it is said once, until something else is to be said of the matter."""

    def __init__(self) -> None:
        self._last_messages: dict[str, str] = {}

    def notify_once(
        self, about: str, sentence: str, *, wrong: bool = False
    ) -> Iterator[WatchUpdate]:
        """A sentence on a matter, if it is one and was not the last one on it."""
        if sentence and self._last_messages.get(about) != sentence:
            self._last_messages[about] = sentence
            yield Notice(sentence, wrong)

    def forget(self, about: str) -> None:
        """The matter is settled: if it comes up again it is said again."""
        self._last_messages.pop(about, None)


class Environment:
    """The surroundings of a vault. `is_away` says that it is gone for now, `notices` what was said already. The settings are as they
    were when the vault was opened with them."""

    def __init__(
        self,
        session: Session,
        settings: SettingsSnapshot,
        events: EventQueue,
        event_source: EventSource,
        fixer: AutoFixer,
        *,
        fix: bool,
    ):
        self._session, self._settings, self._fixer = session, settings, fixer
        self._events, self._event_source = events, event_source
        self.root, self.is_away = session.vault.root, False
        self.notices = NoticeFilter()
        self._root_identity = folder_identity(self.root)
        self._peers = _join_peers(self.root, fix=fix)

    def is_git_busy(self) -> bool:
        """Whether git is changing files of the vault."""
        return is_git_busy(find_git_dir(self.root))

    def is_in_place(self) -> bool:
        """Whether the vault is where it was, and the same."""
        return folder_identity(self.root) == self._root_identity

    def check(self) -> Iterator[WatchUpdate]:
        """See to that of which no word comes."""
        if self.is_away or not self.is_in_place():
            yield from self.recover_vault()
        elif self._settings.has_changed(self._session.scan) or self._settings.has_git_changed(
            self._session.scan
        ):
            yield from self.reload_settings()
        yield from self.report_peers()

    def has_new_settings(self, scan: VaultScan) -> bool:
        """Whether settings are others than they were, or git was told to ignore something else."""
        return (
            self._settings.has_changed(scan)
            or scan.listing.gitignores != self._session.scan.listing.gitignores
        )

    def close(self) -> None:
        """Watch no more."""
        if self._peers:
            self._peers.close()

    def recover_vault(self) -> Iterator[WatchUpdate]:
        """The vault is not where it was: wait for it, or take up what has come in its place."""
        home = folder_identity(self.root)
        vault = None
        if home is not None:
            try:
                vault = use_single_process(open_vault(self.root, self._session.scan.settings))
            except VaultError:
                vault = None
            except ConfigError as error:
                yield from self.notices.notify_once("settings", str(error), wrong=True)
        if vault is None:
            if not self.is_away:
                self.is_away = True
                yield Notice(
                    f"{self.root} is gone, or holds no note any more. Waiting for it to come back.",
                    is_error=True,
                )
            return
        self._root_identity = home
        if self.is_away:
            self.is_away = False
            yield Notice(f"{self.root} is back.")
        batch = self._session.replace_vault(vault, BatchCause(description="the vault came back"))
        self._event_source.start(self._session.scan.listing.folders, time.monotonic())
        self._fixer.record_changes((), time.monotonic())
        yield batch

    def reload_settings(self) -> Iterator[WatchUpdate]:
        """Settings, or what git knows, may have changed: go by them, or say what is wrong with them and keep the old."""
        committed = self._settings.has_git_changed(self._session.scan)
        self._settings.refresh(self._session.scan)
        try:
            vault = reopen_if_changed(self._session.vault)
        except (ConfigError, VaultError) as error:
            yield from self.notices.notify_once(
                "settings", f"{error} The settings before are kept.", wrong=True
            )
            return
        self.notices.forget("settings")
        batch = None
        if vault:
            batch = self._session.replace_vault(
                use_single_process(vault), BatchCause(description="new settings")
            )
        elif committed and self._session.count_totals().links.dangling:
            batch = self._session.learn_moves(
                git_moves(self.root, self._session.scan.listing.files), "git tells where files went"
            )
        if batch:
            self._fixer.schedule(time.monotonic())
            self._events.request_full_rescan()
            yield batch

    def report_peers(self) -> Iterator[WatchUpdate]:
        """Tell of other watchers that came or went."""
        for sentence in self._peers.describe_changes() if self._peers else ():
            self._fixer.schedule(time.monotonic())
            yield Notice(sentence)

    def report_unreadable(self, scan: VaultScan) -> Iterator[WatchUpdate]:
        """Tell of folders that can't be looked into: what lies in them seems not to be there."""
        for folder, why in scan.listing.unreadable_folders:
            yield from self.notices.notify_once(
                f"folder {folder}", f"the folder {folder} can't be read: {why}.", wrong=True
            )

    def is_fixer(self) -> bool:
        """Whether it is this watcher that mends notes."""
        return self._peers is None or self._peers.is_fixer()


def _join_peers(root: Path, *, fix: bool) -> Peers | None:
    """The place among other watchers; one that only tells does without if there is none."""
    try:
        return Peers(root, fixing=fix)
    except JournalError:
        if fix:
            raise
        return None


def use_single_process(vault: Vault) -> Vault:
    """The vault, from now on read by one process: forks and a listener's thread don't go together."""
    scan = replace(vault.scan, settings=replace(vault.scan.settings, jobs=1))
    return replace_state(vault, vault.state, scan)
