"""Looking at a vault before a note of it is read: its files, and everything that bears on what is found in them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaultlink.cache import Cache, cache_folder, digest_parts
from vaultlink.config.checks import COMMAND_LINE, Layer
from vaultlink.errors import VaultError
from vaultlink.files import FileListing, list_files, load_config, load_obsidian_settings
from vaultlink.obsidian import ObsidianSettings
from vaultlink.repository import load_ignore_filter, read_git_state

RACY_WINDOW_NS = 50_000_000
"""Nanoseconds within which a second change of a file might leave its times as they are."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to open a vault. `overrides` holds settings as they would stand in TOML, and wins over files."""

    config_file: Path | None = None
    isolated: bool = False
    cache: bool = True
    cache_dir: Path | None = None
    jobs: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VaultScan:
    """What is known of a vault before a note is read: its files, and everything that bears on what is found in them."""

    root: Path
    settings: Settings
    listing: FileListing
    layers: tuple[Layer, ...]
    obsidian: ObsidianSettings
    is_git_ignored: Callable[[str], bool] | None
    started: int

    def open_cache(self) -> Cache | None:
        """The vault's cache, unless it is not wanted."""
        return (
            Cache(cache_folder(self.settings.cache_dir), self.root) if self.settings.cache else None
        )

    def cache_key(self, *asked: str) -> bytes | None:
        """A sign of everything an answer depends on: the files as they are, the settings, what is asked. None if a file
        changed so lately that its times might not tell a further change."""
        files = self.listing.files
        if any(stamp.changed > self.started - RACY_WINDOW_NS for stamp in files.values()):
            return None
        listed = "\\n".join([f"{path}\\t{stamp}" for path, stamp in sorted(files.items())])
        ignored = (
            [path for path in files if self.is_git_ignored(path)] if self.is_git_ignored else []
        )
        told = (
            asked,
            [(layer.source, layer.values) for layer in self.layers],
            repr(self.obsidian),
            ignored,
            self.listing.unreadable_folders,
            read_git_state(self.root),
        )
        return digest_parts(
            (listed.encode("utf-8", "surrogatepass"), repr(told).encode("utf-8", "surrogatepass"))
        )


def scan_vault(root: Path, settings: Settings | None = None) -> VaultScan:
    """Look at a vault without reading its notes. Raises VaultError or ConfigError."""
    settings = settings or Settings()
    started = time.time_ns()
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise VaultError(f"{root}: this vault {what}.")
    root = root.resolve()
    files = [] if settings.isolated else load_config(root, settings.config_file)
    layers = [Layer(source, values) for source, values in files]
    layers += [Layer(COMMAND_LINE, settings.overrides)] if settings.overrides else []
    return VaultScan(
        root,
        settings,
        list_files(root),
        tuple(layers),
        load_obsidian_settings(root),
        load_ignore_filter(root),
        started,
    )
