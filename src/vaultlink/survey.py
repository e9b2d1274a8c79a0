"""Looking at a vault before a note of it is read: its files, and everything that bears on what is found in them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaultlink.cache import Cache, cache_folder, digest
from vaultlink.config import COMMAND_LINE, Layer
from vaultlink.errors import VaultError
from vaultlink.files import Listing, list_files, load_config, load_obsidian
from vaultlink.obsidian import Obsidian
from vaultlink.repository import git_ignored, git_mark

RECENT = 50_000_000
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
class Survey:
    """What is known of a vault before a note is read: its files, and everything that bears on what is found in them."""

    root: Path
    settings: Settings
    listing: Listing
    layers: tuple[Layer, ...]
    obsidian: Obsidian
    ignored: Callable[[str], bool] | None
    started: int

    def cache(self) -> Cache | None:
        """The vault's cache, unless it is not wanted."""
        return (
            Cache(cache_folder(self.settings.cache_dir), self.root) if self.settings.cache else None
        )

    def question(self, *asked: str) -> bytes | None:
        """A sign of everything an answer depends on: the files as they are, the settings, what is asked. None if a file
        changed so lately that its times might not tell a further change."""
        files = self.listing.files
        if any(stamp.changed > self.started - RECENT for stamp in files.values()):
            return None
        listed = "\\n".join([f"{path}\\t{stamp}" for path, stamp in sorted(files.items())])
        ignored = [path for path in files if self.ignored(path)] if self.ignored else []
        told = (
            asked,
            [(layer.source, layer.values) for layer in self.layers],
            repr(self.obsidian),
            ignored,
            self.listing.unreadable,
            git_mark(self.root),
        )
        return digest(
            (listed.encode("utf-8", "surrogatepass"), repr(told).encode("utf-8", "surrogatepass"))
        )


def survey(root: Path, settings: Settings | None = None) -> Survey:
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
    return Survey(
        root,
        settings,
        list_files(root),
        tuple(layers),
        load_obsidian(root),
        git_ignored(root),
        started,
    )
