"""Scan a vault: list its files, and load what else findings depend on."""

import os
import stat as modes
import sys
import time
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from vaultlink.config.layers import COMMAND_LINE, Layer
from vaultlink.disk.cache import Cache, cache_folder, digest_parts
from vaultlink.disk.obsidian_files import load_obsidian_settings
from vaultlink.disk.read import load_config
from vaultlink.errors import VaultError, explain_word
from vaultlink.files import LEFTOVER_PREFIX, is_folder, path_exists
from vaultlink.git.location import MAX_GIT_FILE_BYTES, find_blocking_file, find_git_dir
from vaultlink.git.repository import load_ignore_filter, read_git_state, read_ignore_patterns
from vaultlink.model import FileStamp
from vaultlink.obsidian import ObsidianSettings, find_programs
from vaultlink.text import lazy_pattern

if TYPE_CHECKING:
    from vaultlink.config.expressions import Expression

BASELINE_FILE = ".vaultlink-baseline.json"
"""Name of the baseline file in the vault's root; the dot hides it in Obsidian."""

RACY_WINDOW_NS = 50_000_000
"""Nanoseconds within which two changes of a file can have the same times."""


_LEFTOVER_NAME = lazy_pattern(r"\.vaultlink-(\d[0-9a-f]*(?:-[0-9a-f]+)+)-\d+\.tmp")
"""Names of the temporary files that are written beside notes."""


class Settings(msgspec.Struct, frozen=True):
    """Options for opening a vault.

    Attributes:
        config_file: The settings file to read; None to search for it.
        isolated: True to ignore all settings files.
        cache: True to read and write the cache.
        cache_dir: The folder of the cache; None for the default folder.
        jobs: The maximum number of processes; None for the number of processors.
        overrides: Settings with the structure of TOML; they take precedence over files.
        history: False to look up nothing in git or in earlier states of the vault.
        compare: False if texts will not be compared: then a vault without cache and git is read
            faster, and `related`, `twins` and mentions find less.
    """

    config_file: str | os.PathLike[str] | None = None
    isolated: bool = False
    cache: bool = True
    cache_dir: str | os.PathLike[str] | None = None
    jobs: int | None = None
    overrides: Mapping[str, Any] = msgspec.field(default_factory=dict)
    history: bool = True
    compare: bool = True


class FileListing(msgspec.Struct, frozen=True):
    """The files and folders of a vault.

    `files` are the files by vault path. `unreadable_folders` are pairs of folder and reason.
    `folders` maps the vault path of each folder ("" for the vault itself) to its path on disk.
    `gitignores` are the `.gitignore` files in them, `leftovers` the temporary files of interrupted
    runs, `vaults` the folders that are vaults of their own, because they have `.obsidian`, and
    `evicted` the files that iCloud has removed from the disk.
    """

    files: Mapping[str, FileStamp]
    unreadable_folders: tuple[tuple[str, str], ...]
    folders: Mapping[str, str] = msgspec.field(default_factory=dict)
    gitignores: Mapping[str, FileStamp] = msgspec.field(default_factory=dict)
    leftovers: tuple[str, ...] = ()
    vaults: tuple[str, ...] = ()
    evicted: tuple[str, ...] = ()


def list_files(vault: Path) -> FileListing:
    """List the files of a vault.

    Names with a leading dot (5.16) and temporary files of other programs are left out. Symbolic
    links to folders outside the vault are followed, as Obsidian does (5.20); links to files and to
    folders that contain or are in the vault are not. The backups of Logseq are left out.
    """
    files: dict[str, FileStamp] = {}
    folders: dict[str, str] = {}
    gitignores: dict[str, FileStamp] = {}
    unreadable: list[tuple[str, str]] = []
    leftovers: list[str] = []
    vaults: list[str] = []
    evicted: list[str] = []
    known_folders = {vault.resolve()}
    pending = [("", os.fspath(vault))]
    while pending:
        prefix, folder = pending.pop()
        if prefix in _LOGSEQ_BACKUPS and path_exists(vault / "logseq/config.edn"):
            continue
        folders[prefix[:-1]] = folder
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] != "." and (name[-3:] == ".md" or not is_temporary_name(name)):
                        path = prefix + name
                        if not path.isascii() and not is_valid_unicode(path):
                            continue
                        if not entry.is_file(follow_symlinks=False):
                            _list_folder(entry, path, pending, known_folders)
                        elif stamp := _stat_entry(entry):
                            files[path] = stamp
                    elif name[0] == ".":
                        _note_hidden(entry, prefix + name, gitignores, (leftovers, vaults, evicted))
        except OSError as error:
            unreadable += _leave_out_folder(prefix[:-1], error, folders)
    return FileListing(
        files,
        tuple(sorted(unreadable)),
        folders,
        gitignores,
        tuple(sorted(leftovers)),
        tuple(sorted(vaults)),
        tuple(sorted(path for path in evicted if path not in files)),
    )


_LOGSEQ_BACKUPS = ("logseq/bak/", "logseq/version-files/")


def _note_hidden(
    entry: "os.DirEntry[str]",
    path: str,
    gitignores: dict[str, FileStamp],
    noted: tuple[list[str], list[str], list[str]],
) -> None:
    leftovers, vaults, evicted = noted
    name = entry.name
    if name == ".gitignore":
        gitignores |= _stat_ignore_file(entry, path[: -len(name)])
    elif name == ".obsidian":
        if path != name and entry.is_dir():
            vaults.append(path[: -len("/.obsidian")])
    elif name.startswith(LEFTOVER_PREFIX) and parse_leftover_name(name):
        leftovers.append(path)
    elif name.endswith(_PLACEHOLDER) and len(name) > len(_PLACEHOLDER) + 1:
        evicted.append(path[: -len(name)] + name[1 : -len(_PLACEHOLDER)])


def is_noted_name(name: str) -> bool:
    """Return True if a listing notes a hidden file or folder of this name."""
    return (
        name in (".gitignore", ".obsidian")
        or name.endswith(_PLACEHOLDER)
        or parse_leftover_name(name) is not None
    )


_PLACEHOLDER = ".icloud"
"""Ends the name of the hidden file that iCloud leaves in place of one that is not on the disk."""


def parse_leftover_name(name: str) -> str | None:
    """Return the run whose temporary file has this name; None for any other file."""
    match = _LEFTOVER_NAME.fullmatch(name)
    return match[1] if match else None


def is_valid_unicode(path: str) -> bool:
    """Return False for a name that can't be linked to or printed."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _make_stamp(status: os.stat_result) -> FileStamp | None:
    """Return the stamp of a regular file; None for anything else."""
    if not modes.S_ISREG(status.st_mode):
        return None
    # made by `tuple`, which takes half the time
    return tuple.__new__(FileStamp, (status.st_size, status.st_mtime_ns, status.st_ctime_ns))


def _leave_out_folder(path: str, error: OSError, folders: dict[str, str]) -> list[tuple[str, str]]:
    """Return an unreadable folder with the reason; nothing if it was removed."""
    if path and isinstance(error, FileNotFoundError):
        del folders[path]
        return []
    return [(path, error.strerror or str(error))]


def _stat_entry(entry: "os.DirEntry[str]") -> FileStamp | None:
    """Return the stamp of a listed file; None if it was removed since."""
    try:
        return _make_stamp(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None


def _stat_ignore_file(entry: "os.DirEntry[str]", prefix: str) -> dict[str, FileStamp]:
    """Return the stamp by path of a `.gitignore`; nothing for a broken link."""
    try:
        stamp = _make_stamp(entry.stat())
    except OSError:
        return {}
    return {prefix + entry.name: stamp} if stamp else {}


def read_stamp(vault: str, path: str) -> FileStamp | None:
    """Return the stamp of one file of a vault, as `list_files` does.

    Return None for files that it leaves out. Does not check whether the folder is part of the
    vault.
    """
    name = path[path.rfind("/") + 1 :]
    if not name or name[0] == "." or is_temporary_name(name):
        return None
    try:
        return _make_stamp(os.lstat(f"{vault}/{path}")) if is_valid_unicode(path) else None
    except (OSError, ValueError):
        return None


_TEMPORARY_NAME = lazy_pattern(
    r"~syncthing~.*\.tmp|~\$.*|#.*#|.*~|.*\.sb-[0-9a-f]{8}-[A-Za-z0-9]{6}"
)
"""Temporary and backup files of Syncthing, office programs, Emacs, Vim and macOS."""


def is_temporary_name(name: str) -> bool:
    """Return True if a file name is that of a temporary or backup file.

    Names that end in `.md` never are.
    """
    may_match = name[0] in "~#" or name[-1] == "~" or ".sb-" in name
    return may_match and name[-3:].lower() != ".md" and _TEMPORARY_NAME.fullmatch(name) is not None


def is_vault_path(path: str) -> bool:
    """Return True if the names in a path allow it to be part of a vault."""
    *folders, name = path.split("/")
    return (
        bool(name)
        and name[0] != "."
        and not is_temporary_name(name)
        and all(folder[:1] not in ("", ".") for folder in folders)
    )


def _list_folder(
    entry: "os.DirEntry[str]", path: str, pending: list[tuple[str, str]], known_folders: set[Path]
) -> None:
    """List a folder next; a linked one only if it overlaps with none listed."""
    if entry.is_dir(follow_symlinks=False):
        pending.append((path + "/", entry.path))
        return
    try:
        if not entry.is_dir():
            return
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return
    if all(
        target not in (known, *known.parents) and known not in target.parents
        for known in known_folders
    ):
        known_folders.add(target)
        pending.append((path + "/", entry.path))


def is_source_file(path: str) -> bool:
    """Return True if a file's text is read.

    Notes and canvases are read for their links, bases for the files they name.
    """
    return (
        path[-3:].lower() == ".md" or path[-7:].lower() == ".canvas" or path[-5:].lower() == ".base"
    )


class VaultScan(msgspec.Struct, frozen=True):
    """Everything that is known of a vault before its notes are read.

    `started` is the time of the scan, in nanoseconds since the epoch. `choice` is the reason for
    which this folder was taken as the vault, "" if that was certain. `unused_filters` are clauses
    about the filters among Obsidian's excluded files that exclude nothing.
    """

    root: Path
    settings: Settings
    listing: FileListing
    layers: tuple[Layer, ...]
    obsidian: ObsidianSettings
    is_git_ignored: Callable[[str], bool] | None
    started: int
    unused_filters: tuple[str, ...] = ()
    choice: str = ""

    def with_stamp(self, path: str) -> "VaultScan":
        """Return this scan with one file as it is on disk now."""
        stamp = read_stamp(os.fspath(self.root), path)
        files = {name: known for name, known in self.listing.files.items() if name != path}
        if stamp is not None:
            files[path] = stamp
        return replace(self, listing=replace(self.listing, files=files))

    def may_compare_texts(self) -> bool:
        """Return True if texts may be compared: with each other, or with earlier or later ones."""
        settings = self.settings
        is_in_git = settings.history and find_git_dir(self.root) is not None
        return settings.compare or settings.cache or is_in_git

    def open_cache(self) -> Cache | None:
        """Return the vault's cache, or None if caching is switched off."""
        return (
            Cache(cache_folder(self.settings.cache_dir), self.root) if self.settings.cache else None
        )

    def cache_key(self, *query: str, left_out: str = "") -> bytes | None:
        """Return a digest of everything that a query's result depends on.

        It covers the files but the one that is left out, the settings and the query. None if a file
        changed so recently that a further change might leave its times the same.
        """
        files = self.listing.files
        if left_out in files:
            files = {path: stamp for path, stamp in files.items() if path != left_out}
        if any(stamp.changed > self.started - RACY_WINDOW_NS for stamp in files.values()):
            return None
        ignored = (
            [path for path in files if self.is_git_ignored(path)] if self.is_git_ignored else []
        )
        inputs = (
            query,
            [(layer.source, layer.values) for layer in self.layers],
            repr(self.obsidian),
            ignored,
            self.listing.unreadable_folders,
            read_git_state(self.root),
            self.settings.history,
        )
        return digest_parts(
            (
                msgspec.msgpack.encode(sorted(files.items())),
                repr(inputs).encode("utf-8", "surrogatepass"),
            )
        )


def scan_vault(root: Path, settings: Settings | None = None) -> VaultScan:
    """Scan a vault without reading its notes.

    Raises:
        VaultError: The folder does not exist, or this process can't read its names.
        ConfigError: The configuration file can't be used, or requires another version.
    """
    settings = settings or Settings()
    started = time.time_ns()
    if not is_folder(root):
        problem = "is a file, not a folder" if path_exists(root) else "does not exist"
        raise VaultError(f"{root}: this vault {problem}. {explain_word(str(root))}".rstrip())
    if (encoding := sys.getfilesystemencoding()) != "utf-8":
        raise VaultError(
            f"file names are read as {encoding}, but those of a vault are UTF-8. "
            "Set PYTHONUTF8=1 in the environment."
        )
    root = root.resolve()
    if blocking := find_blocking_file(root):
        raise VaultError(
            f"{blocking}: it is a named pipe or a device, or larger than "
            f"{MAX_GIT_FILE_BYTES // 1_000_000} MB, and git would wait for it. Remove it."
        )
    layers = read_layers(root, settings)
    if any("required-version" in layer.values for layer in layers):
        from vaultlink.config.versions import require_version  # noqa: PLC0415 - rarely set

        running = import_module("vaultlink").__version__  # imported plainly, it would be a cycle
        for layer in layers:
            require_version(layer, running)
    listing = list_files(root)
    programs, linking = find_programs(listing.files, has_settings=is_folder(root / ".obsidian"))
    is_ignored = load_ignore_filter(root)
    obsidian = load_obsidian_settings(root)
    obsidian = replace(
        obsidian,
        vaults=listing.vaults,
        programs=programs,
        linking_program=linking,
        git_ignores=_find_absences(root, listing, is_ignored),
        read_properties=_find_read_properties(root, listing.files, obsidian.templates),
    )
    obsidian, unused = _drop_slow_filters(obsidian, listing.files)
    return VaultScan(root, settings, listing, layers, obsidian, is_ignored, started, unused)


def _find_absences(
    root: Path, listing: FileListing, is_ignored: Callable[[str], bool] | None
) -> tuple[str, ...]:
    """Return the patterns of `.gitignore` by which files of the vault are absent on this disk.

    Those that leave out an attachment which is here are not among them: then this disk has the
    files, as that of their author does.
    """
    patterns = read_ignore_patterns(root, listing.gitignores)
    if not (patterns and is_ignored):
        return tuple(patterns)
    from vaultlink.config.patterns import compile_globs  # noqa: PLC0415 - few vaults need it

    present = {
        (path.rpartition("/")[0], path.rpartition(".")[2]): path  # one of each folder and kind
        for path in listing.files
        if path[-3:] != ".md" and is_ignored(path)
    }.values()
    return tuple(
        pattern
        for pattern in patterns
        if pattern[0] == "!" or not any(map(compile_globs([pattern]), present))
    )


_READ_PROPERTY = lazy_pattern(
    r"(?:(?<=[\w)\]])\??\.|(?<=['\"`]))(alias|tag|cssclass)(?:\b(?![\w(])|(?=['\"`]))"
)
"""A former name of a property behind a dot or in quotes."""

_MAX_READERS = 200
_MAX_READER_BYTES = 200_000
"""Templates and scripts that are read, and bytes of the largest."""


def _find_read_properties(
    root: Path, files: Mapping[str, FileStamp], templates: Collection[str]
) -> frozenset[str]:
    """Return the former names of properties that the templates and scripts of a vault read.

    Where there are too many to read, or one is too large, it may read all of them.
    """
    starts, singles = tuple(f"{path}/" for path in templates), frozenset(templates)
    readers = [
        path
        for path in files
        if (path[-3:] == ".js" and "node_modules/" not in path)
        or path.startswith(starts)
        or path.removesuffix(".md") in singles
        or path in singles
    ]
    is_large = any(files[path].size > _MAX_READER_BYTES for path in readers)
    if is_large or len(readers) > _MAX_READERS:
        return frozenset(("alias", "tag", "cssclass"))
    found: set[str] = set()
    for path in readers:
        try:
            text = (root / path).read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        found.update(_READ_PROPERTY.findall(text))
    return frozenset(found)


def read_layers(root: Path, settings: Settings) -> tuple[Layer, ...]:
    """Return the layers of settings of a vault, lowest first. Raises ConfigError."""
    files = [] if settings.isolated else load_config(root, settings.config_file)
    layers = [Layer(source, values) for source, values in files]
    layers += [Layer(COMMAND_LINE, settings.overrides)] if settings.overrides else []
    return tuple(layers)


def ignores_case(root: Path) -> bool:
    """Return True if the disk of a vault takes names that differ in case for the same.

    A name in the vault's folder shows it. Without one that has letters, the answer is False.
    """
    try:
        names = frozenset(os.listdir(root))  # noqa: PTH208 - as text
    except OSError:
        return False
    respelt = (name.swapcase() for name in sorted(names))
    other = next((name for name in respelt if name not in names), None)
    return other is not None and os.path.lexists(os.path.join(root, other))  # noqa: PTH118 - as text


_NOTHING = "/[]/"
"""A filter that excludes nothing. It counts as a regular expression, as the one it replaces."""

_MAX_SECONDS, _SECONDS_PER_FILE = 0.2, 20e-6
"""Processor time of a regular expression for all files together; most take 4 µs for each file."""


def _drop_slow_filters(
    obsidian: ObsidianSettings, paths: Collection[str]
) -> tuple[ObsidianSettings, tuple[str, ...]]:
    """Replace regular expressions that take too long, and explain unused filters.

    This decides for the whole run, before any filter is used: whatever a slow filter matched first
    is not excluded either, in no process and in no kept result.
    """
    filters = obsidian.ignore_filters
    if not filters:
        return obsidian, ()
    from vaultlink.config.patterns import find_expressions, list_unused_filters  # noqa: PLC0415 - few vaults need it

    slow = [
        item
        for item, expression in find_expressions(filters).items()
        if not isinstance(expression, str) and _is_slow(expression, paths)
    ]
    unused = list_unused_filters(filters)
    unused += [f"{item}: it takes too long for the files of this vault" for item in slow]
    if slow:
        used = tuple(_NOTHING if item in slow else item for item in filters)
        obsidian = replace(obsidian, ignore_filters=used)
    return obsidian, tuple(unused)


def _is_slow(expression: "Expression", paths: Collection[str]) -> bool:
    remaining = _MAX_SECONDS + _SECONDS_PER_FILE * len(paths)
    for path in paths:
        started = time.process_time()
        try:
            expression.search_within(path, remaining)
        except TimeoutError:
            return True
        remaining -= time.process_time() - started
        if remaining <= 0:
            return True
    return False
