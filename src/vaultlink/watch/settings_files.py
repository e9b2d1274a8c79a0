"""Changes of the files that hold a vault's settings."""

import os
from collections.abc import Iterator
from pathlib import Path

from vaultlink.api import Vault, open_vault
from vaultlink.disk.obsidian_files import OBSIDIAN_FILES
from vaultlink.disk.read import config_candidates
from vaultlink.disk.scan import VaultScan, scan_vault
from vaultlink.git.location import find_git_dir
from vaultlink.git.repository import read_git_state
from vaultlink.model import FileStamp


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
