"""Looking at a vault before a note of it is read: its files, and everything that bears on what is found in them."""

import os
import re
import stat as modes
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaultlink.config.checks import COMMAND_LINE, Layer
from vaultlink.disk.cache import Cache, cache_folder, digest_parts
from vaultlink.disk.read import CONFIG_NAMES, load_config, load_obsidian_settings
from vaultlink.errors import VaultError
from vaultlink.git import load_ignore_filter, read_git_state
from vaultlink.model import FileStamp
from vaultlink.obsidian import ObsidianSettings

RACY_WINDOW_NS = 50_000_000
"""Nanoseconds within which a second change of a file might leave its times as they are."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to open a vault. `overrides` holds settings as they would stand in TOML, and wins over files."""

    config_file: str | os.PathLike[str] | None = None
    isolated: bool = False
    cache: bool = True
    cache_dir: str | os.PathLike[str] | None = None
    jobs: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileListing:
    """The files of a vault by vault path, the folders that could not be read, each with why, and all folders by vault path
    ("" for the vault itself), each with where it is on disk. `gitignores` are the `.gitignore` files in them."""

    files: Mapping[str, FileStamp]
    unreadable_folders: tuple[tuple[str, str], ...]
    folders: Mapping[str, str] = field(default_factory=dict)
    gitignores: Mapping[str, FileStamp] = field(default_factory=dict)


def find_vault(start: Path) -> Path:
    """The vault a path lies in: upward to a folder with a configuration file or `.obsidian`, else the folder itself."""
    here = start if start.is_dir() else start.parent
    here = here.resolve()
    for folder in (here, *here.parents):
        if is_vault_folder(folder):
            return folder
        if (folder / ".git").exists():
            break
    return here


def is_vault_folder(folder: Path) -> bool:
    """Whether something in a folder says that it is a vault."""
    return (folder / ".obsidian").is_dir() or any(
        _is_config_file(folder / name) for name in CONFIG_NAMES
    )


def _is_config_file(file: Path) -> bool:
    if file.name != "pyproject.toml":
        return file.is_file()
    try:
        return file.is_file() and b"[tool.vaultlink" in file.read_bytes()
    except OSError:
        return False


def list_files(vault: Path) -> FileListing:
    """Every file below a vault but what lies under a name with a leading dot (5.16), and what programs put beside a file
    while they write it.

    Symbolic links to folders outside the vault are followed, as Obsidian does (5.20); links to files and to folders
    that hold or lie in the vault are not.
    """
    files: dict[str, FileStamp] = {}
    folders: dict[str, str] = {}
    ignores: dict[str, FileStamp] = {}
    unreadable: list[tuple[str, str]] = []
    seen = {vault.resolve()}
    pending = [("", os.fspath(vault))]
    while pending:
        prefix, folder = pending.pop()
        folders[prefix[:-1]] = folder
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name[0] != "." and not is_temporary_name(entry.name):
                        _list_entry(entry, prefix + entry.name, files, pending, seen)
                    elif entry.name == ".gitignore" and (stamp := _make_stamp(entry.stat())):
                        ignores[prefix + entry.name] = stamp
        except OSError as error:
            unreadable.append((prefix.rstrip("/"), error.strerror or str(error)))
    return FileListing(files, tuple(sorted(unreadable)), folders, ignores)


def _list_entry(
    entry: "os.DirEntry[str]",
    path: str,
    files: dict[str, FileStamp],
    pending: list[tuple[str, str]],
    seen: set[Path],
) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return  # a name that is no text can't be linked to, printed or told apart
    if entry.is_symlink():
        _list_symlink(entry, path, pending, seen)
    elif entry.is_dir(follow_symlinks=False):
        pending.append((path + "/", entry.path))
    else:
        stamp = _make_stamp(entry.stat(follow_symlinks=False))
        if stamp:
            files[path] = stamp


def _make_stamp(status: os.stat_result) -> FileStamp | None:
    """What tells a state of an ordinary file; None of anything else."""
    regular = modes.S_ISREG(status.st_mode)
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns) if regular else None


def read_stamp(vault: str, path: str) -> FileStamp | None:
    """What tells the state of one file of a vault, as `list_files` has it; None if it is none of a vault's files. Whether its
    folder is one of the vault's is not asked."""
    name = path[path.rfind("/") + 1 :]
    if not name or name[0] == "." or is_temporary_name(name):
        return None
    try:
        path.encode()
        return _make_stamp(os.lstat(f"{vault}/{path}"))
    except (OSError, ValueError):
        return None


_TEMPORARY_NAME = re.compile(r"~syncthing~.*\.tmp|~\$.*|#.*#|.*~|.*\.sb-[0-9a-f]{8}-[A-Za-z0-9]{6}")
"""Names under which Syncthing, office programs, Emacs, Vim and macOS keep a file that they are writing, or its last version."""


def is_temporary_name(name: str) -> bool:
    """Whether a file's name says that some program is about to put it in another's place, or to take it away."""
    odd = name[0] in "~#" or name[-1] == "~" or ".sb-" in name
    return odd and name[-3:].lower() != ".md" and _TEMPORARY_NAME.fullmatch(name) is not None


def is_vault_path(path: str) -> bool:
    """Whether a path below a vault's folder may be one of the vault's, by the names in it."""
    *folders, name = path.split("/")
    return (
        bool(name)
        and name[0] != "."
        and not is_temporary_name(name)
        and all(folder[:1] not in ("", ".") for folder in folders)
    )


def _list_symlink(
    entry: "os.DirEntry[str]", path: str, pending: list[tuple[str, str]], seen: set[Path]
) -> None:
    """Follow a link to a folder that overlaps with none that is listed already."""
    try:
        if not entry.is_dir():
            return
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return
    if all(target not in (known, *known.parents) and known not in target.parents for known in seen):
        seen.add(target)
        pending.append((path + "/", entry.path))


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
