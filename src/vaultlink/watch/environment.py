"""Environment of a watched vault: folder, settings, git and other watchers."""

import time
from collections.abc import Iterator

from msgspec.structs import replace

from vaultlink.api import Vault, open_vault, replace_state
from vaultlink.disk.remembered import find_git_history
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import ConfigError, JournalError, VaultError
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import is_git_busy
from vaultlink.watch.autofix import AutoFixer
from vaultlink.watch.backend import EventSource
from vaultlink.watch.events import EventQueue
from vaultlink.watch.messages import BatchCause, Notice, WatchUpdate
from vaultlink.watch.peers import Peers
from vaultlink.watch.rescan import folder_identity
from vaultlink.watch.session import Session
from vaultlink.watch.settings_files import SettingsSnapshot, reopen_if_changed


class Environment:
    """Reports a changed environment, and reopens the vault where necessary.

    `is_away` is True while the vault does not exist. `settings` is a snapshot of the settings files
    with which the vault was opened.
    """

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
        self._last_messages: dict[str, str] = {}
        self._root_identity = folder_identity(self.root)
        self._peers: Peers | None = None
        try:
            self._peers = Peers(self.root, fixing=fix)
        except JournalError:  # there is no place to register
            if fix:
                raise

    def notify_once(
        self, topic: str, message: str, *, is_error: bool = False
    ) -> Iterator[WatchUpdate]:
        """Yield a notice, unless it is empty or repeats the last one on its topic."""
        if message and self._last_messages.get(topic) != message:
            self._last_messages[topic] = message
            yield Notice(message, is_error)

    def is_git_busy(self) -> bool:
        return is_git_busy(find_git_dir(self.root))

    def is_in_place(self) -> bool:
        return folder_identity(self.root) == self._root_identity

    def check(self) -> Iterator[WatchUpdate]:
        """Check what causes no event: the vault's folder, settings, git and peers."""
        if self.is_away or not self.is_in_place():
            yield from self.recover_vault()
        elif self._settings.has_changed(self._session.scan) or self._settings.has_git_changed():
            yield from self.reload_settings()
        yield from self.report_peers()

    def has_new_settings(self, scan: VaultScan) -> bool:
        return (
            self._settings.has_changed(scan)
            or scan.listing.gitignores != self._session.scan.listing.gitignores
        )

    def close(self) -> None:
        if self._peers:
            self._peers.close()

    def recover_vault(self) -> Iterator[WatchUpdate]:
        """Reopen the vault if its folder was replaced; else wait for it to come back."""
        identity = folder_identity(self.root)
        vault = None
        if identity is not None:
            try:
                vault = use_single_process(open_vault(self.root, self._session.scan.settings))
            except VaultError:
                pass
            except ConfigError as error:
                yield from self.notify_once("settings", str(error), is_error=True)
        if vault is None:
            if not self.is_away:
                self.is_away = True
                yield Notice(
                    f"{self.root} does not exist or contains no notes. "
                    "Waiting for it to come back.",
                    is_error=True,
                )
            return
        self._root_identity = identity
        if self.is_away:
            self.is_away = False
            yield Notice(f"{self.root} is back.")
        batch = self._session.replace_vault(vault, BatchCause(description="the vault came back"))
        self._event_source.start(self._session.scan.listing.folders, time.monotonic())
        self._fixer.record_changes((), time.monotonic())
        yield batch

    def reload_settings(self) -> Iterator[WatchUpdate]:
        """Apply changed settings or a changed git state.

        If the new settings are invalid, report that and keep the previous ones.
        """
        session = self._session
        has_git_changed = self._settings.has_git_changed()
        self._settings = SettingsSnapshot(session.scan)
        try:
            vault = reopen_if_changed(session.vault)
        except (ConfigError, VaultError) as error:
            yield from self.notify_once(
                "settings", f"{error} The previous settings stay in force.", is_error=True
            )
            return
        self._last_messages.pop("settings", None)
        batch = None
        if vault:
            cause = BatchCause(description="new settings")
            batch = session.replace_vault(use_single_process(vault), cause)
        elif (
            has_git_changed
            and session.scan.settings.history
            and session.count_totals().links.dangling
        ):
            history = find_git_history(session.scan, session.vault.state)
            batch = session.learn_history(history, "moves from git history")
        if batch:
            self._fixer.schedule(time.monotonic())
            self._events.request_full_rescan()
            yield batch

    def report_peers(self) -> Iterator[WatchUpdate]:
        for sentence in self._peers.describe_changes() if self._peers else ():
            self._fixer.schedule(time.monotonic())
            yield Notice(sentence)

    def report_unreadable(self, scan: VaultScan) -> Iterator[WatchUpdate]:
        """Report folders that can't be read: their files seem not to exist."""
        for folder, reason in scan.listing.unreadable_folders:
            yield from self.notify_once(
                f"folder {folder}",
                f"the folder {folder or scan.root} can't be read: {reason}.",
                is_error=True,
            )

    def is_fixer(self) -> bool:
        return self._peers is None or self._peers.is_fixer()


def use_single_process(vault: Vault) -> Vault:
    """Return the vault, set to read notes in one process: it can't fork with threads."""
    scan = replace(vault.scan, settings=replace(vault.scan.settings, jobs=1))
    return replace_state(vault, vault.state, scan)
