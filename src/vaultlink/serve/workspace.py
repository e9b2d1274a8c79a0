"""One vault kept warm, for many readers and one writer."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from vaultlink.api import Vault, open_vault
from vaultlink.disk.changes import Progress
from vaultlink.disk.history_sources import find_git_history
from vaultlink.disk.obsidian_files import OBSIDIAN_FILES
from vaultlink.disk.read import config_candidates
from vaultlink.disk.scan import VaultScan, is_source_file, is_vault_path, scan_vault
from vaultlink.errors import VaultError
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import read_git_state
from vaultlink.model import FileStamp
from vaultlink.serve.stepper import Rescan, Stepper, folder_identity, has_no_notes, rescan
from vaultlink.text import quote_name
from vaultlink.watch.backend import BackendFactory, EventFeed, open_system_backend
from vaultlink.watch.events import ChangeHints, EventQueue
from vaultlink.watch.garbage import free_unused_objects

# -- changes of the files that hold a vault's settings ---------------------------------------------


class SettingsSnapshot:
    """Stamps of the settings files, and the git state, when last checked."""

    def __init__(self, scan: VaultScan):
        self._root = scan.root
        self._stamps, self._git_state = _read_stamps(scan), read_git_state(scan.root)

    def has_changed(self, scan: VaultScan) -> bool:
        return _read_stamps(scan) != self._stamps

    def has_git_changed(self) -> bool:
        return read_git_state(self._root) != self._git_state


def _read_stamps(scan: VaultScan) -> list[FileStamp | None]:
    return [_read_stamp(file) for file in _list_settings_files(scan)]


def _list_settings_files(scan: VaultScan) -> Iterator[Path]:
    if not scan.settings.isolated:
        yield from config_candidates(scan.root, scan.settings.config_file)
    yield from (scan.root / path for path in OBSIDIAN_FILES)
    git_dir = find_git_dir(scan.root)
    if git_dir:
        yield git_dir / "info" / "exclude"
        for parent in scan.root.parents if not (scan.root / ".git").exists() else ():
            yield parent / ".gitignore"
            if (parent / ".git").exists():
                break


def _read_stamp(file: Path) -> FileStamp | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - faster, runs at every heartbeat
    except OSError:
        return None
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def reopen_if_changed(vault: Vault) -> Vault | None:
    """Return the vault opened with the current settings; None if nothing differs."""
    previous = vault.scan
    current = scan_vault(previous.root, previous.settings)
    files = current.listing.files
    is_same = (
        current.layers == previous.layers
        and current.obsidian == previous.obsidian
        and not any(_is_ignored(current, path) != _is_ignored(previous, path) for path in files)
    )
    return None if is_same else open_vault(current.root, current.settings, None, current)


def _is_ignored(scan: VaultScan, path: str) -> bool:
    return bool(scan.is_git_ignored and scan.is_git_ignored(path))


def use_single_process(vault: Vault) -> Vault:
    """Return the vault, set to read notes in one process: it can't fork with threads."""
    scan = replace(vault.scan, settings=replace(vault.scan.settings, jobs=1))
    return Vault(scan, vault.state, vault.overlays)


# -- one vault kept warm ---------------------------------------------------------------------------


class Workspace:
    """A vault that is kept up to date, for many readers and one writer.

    Readers take `vault`, which is immutable. All other calls must come from one thread at a time.
    Raises VaultError or ConfigError if the vault can't be opened.

    Args:
        scan: A finished scan of the vault.
        progress: As of `open_vault`.
        poll_seconds: Seconds between full rescans; None to use the events of `backend_factory`.
        backend_factory: Opens the source of change events.
    """

    def __init__(
        self,
        scan: VaultScan,
        progress: Progress | None = None,
        *,
        poll_seconds: float | None = None,
        rescan_interval: float = 60.0,
        backend_factory: BackendFactory = open_system_backend,
    ):
        self.root = scan.root
        self._settings = SettingsSnapshot(scan)
        self._identity = folder_identity(scan.root)
        vault = open_vault(scan.root, scan.settings, progress, scan)
        self._stepper = Stepper(use_single_process(vault))
        self._events = EventQueue()
        self._feed = EventFeed(self._events, poll_seconds, rescan_interval, backend_factory)
        self._feed.start(self._folders, time.monotonic())

    @property
    def vault(self) -> Vault:
        """The newest state of the vault, with the held texts."""
        return self._stepper.vault

    @property
    def _folders(self) -> "dict[str, str]":
        return dict(self.vault.scan.listing.folders)

    def refresh(self) -> Vault:
        """Take over what changed on disk, and return the vault.

        Raises VaultError while the folder does not exist or has no notes, and ConfigError if new
        settings are invalid. The vault stays as it was then.
        """
        if folder_identity(self.root) != self._identity:
            self._reopen()
        elif self._settings.has_changed(self.vault.scan) or self._settings.has_git_changed():
            self._reload_settings()
        self._feed.check(self._folders, time.monotonic())
        self._events.take()
        result = self._rescan(ChangeHints(full_rescan=True))
        if self._has_new_settings(result.scan) and self._reload_settings():
            result = self._rescan(ChangeHints(full_rescan=True))
        if result.paths or result.scan.listing != self.vault.scan.listing:
            self._stepper.commit(self._stepper.prepare(result))
        return self.vault

    def hold(self, path: str, text: str) -> Vault:
        """Hold an unsaved text of a note, which wins over the disk, and return the vault.

        Raises VaultError if no note of a vault can have this path.
        """
        if not is_vault_path(path) or "\0" in path or not is_source_file(path):
            raise VaultError(
                f"{quote_name(path)} is not the path of a note, canvas or base in a vault."
            )
        self._stepper.hold(path, text)
        return self.vault

    def release(self, path: str) -> Vault:
        """Take the text on disk in place of a held one, and return the vault."""
        if path in self.vault.overlays:
            result = self._rescan(ChangeHints(frozenset({path})))
            self._stepper.commit(self._stepper.prepare(result, path))
        return self.vault

    def fold(self) -> None:
        """Give back the memory that is not needed, when nothing is asked for a while."""
        free_unused_objects()

    def close(self) -> None:
        """Stop to look for changes."""
        self._feed.stop()

    # -- looking at the disk -----------------------------------------------------------------------

    def _rescan(self, hints: ChangeHints) -> Rescan:
        result = rescan(self.vault.scan, hints, self._feed.watch_folders)
        if has_no_notes(result.scan):
            raise VaultError(f"{self.root}: there is no note in this vault any more.")
        return result

    def _has_new_settings(self, scan: VaultScan) -> bool:
        known = self.vault.scan
        return (
            self._settings.has_changed(scan)
            or scan.listing.gitignores != known.listing.gitignores
            or scan.listing.vaults != known.listing.vaults
            or scan.obsidian.programs != known.obsidian.programs
        )

    def _reopen(self) -> None:
        """Open the vault again, whose folder was replaced."""
        identity = folder_identity(self.root)
        self._stepper.replace_vault(self._open_again())
        self._identity = identity
        self._feed.start(self._folders, time.monotonic())

    def _open_again(self) -> Vault:
        scan = scan_vault(self.root, self.vault.scan.settings)
        self._settings = SettingsSnapshot(scan)
        return use_single_process(open_vault(self.root, scan.settings, None, scan))

    def _reload_settings(self) -> bool:
        """Apply changed settings or git state; return True if the vault is another one."""
        snapshot = SettingsSnapshot(self.vault.scan)
        vault = reopen_if_changed(self.vault)
        if vault:
            self._stepper.replace_vault(use_single_process(vault))
        elif self._settings.has_git_changed() and self.vault.scan.settings.history:
            self._stepper.learn_history(find_git_history(self.vault.scan, self.vault.state))
        self._settings = snapshot  # not before: wrong settings are an error until they are right
        return vault is not None
