"""Whether the settings that a watched vault was opened with are still those that files hold, and a vault opened anew if not."""

import os
from collections.abc import Iterator
from pathlib import Path

from vaultlink.api import Vault, open_vault
from vaultlink.disk.read import config_candidates
from vaultlink.disk.scan import VaultScan, scan_vault
from vaultlink.git import find_git_dir, read_git_state

SettingsStamps = tuple[tuple[int, int, int] | None, ...]
"""Sizes and times of files, None for one that is not there."""


class SettingsSnapshot:
    """The files that hold a vault's settings, and what git knows of it, as they were when last looked at."""

    def __init__(self, scan: VaultScan):
        self._stamps, self._git_state = _read_stamps(scan), read_git_state(scan.root)

    def has_changed(self, scan: VaultScan) -> bool:
        """Whether a settings file is another."""
        return _read_stamps(scan) != self._stamps

    def has_git_changed(self, scan: VaultScan) -> bool:
        """Whether git knows of something else than it did."""
        return read_git_state(scan.root) != self._git_state

    def refresh(self, scan: VaultScan) -> None:
        """From now on, what is there now is nothing new."""
        self._stamps, self._git_state = _read_stamps(scan), read_git_state(scan.root)


def _read_stamps(scan: VaultScan) -> SettingsStamps:
    return tuple(map(_stat_settings_file, _list_settings_files(scan)))


def _list_settings_files(scan: VaultScan) -> Iterator[Path]:
    if not scan.settings.isolated:
        yield from config_candidates(scan.root, scan.settings.config_file)
    yield from (scan.root / ".obsidian" / "app.json", scan.root / ".obsidian" / "types.json")
    folder = find_git_dir(scan.root)
    if folder:
        yield folder / "info" / "exclude"
        for above in scan.root.parents if not (scan.root / ".git").exists() else ():
            yield above / ".gitignore"
            if (above / ".git").exists():
                break


def _stat_settings_file(file: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - asked all day
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def reopen_if_changed(vault: Vault) -> Vault | None:
    """The vault under the settings as they are now; None if they come to the same. Raises ConfigError or VaultError."""
    before = vault.scan
    now = scan_vault(before.root, before.settings)
    files = now.listing.files
    alike = (
        now.layers == before.layers
        and now.obsidian == before.obsidian
        and not any(_is_ignored(now, path) != _is_ignored(before, path) for path in files)
    )
    return None if alike else open_vault(now.root, now.settings, None, now)


def _is_ignored(scan: VaultScan, path: str) -> bool:
    return bool(scan.is_git_ignored and scan.is_git_ignored(path))
