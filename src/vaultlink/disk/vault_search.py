"""Find the vault of a command: upward from its paths, else in the git work tree.

Nothing here runs a program, except git where several vaults of a work tree are found.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vaultlink.config.layers import CONFIG_NAMES
from vaultlink.disk.read import MAX_CONFIG_BYTES
from vaultlink.errors import UsageError
from vaultlink.files import is_file, is_folder, read_regular
from vaultlink.git.location import find_work_tree
from vaultlink.index.resolve import is_note
from vaultlink.text import list_first

_MAX_FOLDERS = 50_000
"""Folders that are searched for vaults. More take seconds, and are no collection of notes."""

_MANY_NOTES = 20
"""Notes in a folder from which it may be a vault without `.obsidian`."""

_MAX_NAMED = 5
"""Vaults that a message names."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
"""Folders of packages and compiled programs, which hold many folders and no vault."""

ONLY_VAULT = "the only folder of the git work tree that has .obsidian"
WORK_TREE = "the root of the git work tree; no .obsidian here or above"
CURRENT_FOLDER = "the current folder; no .obsidian here or above"
NAMED_FOLDER = "the named folder; no .obsidian here or above"
FILE_FOLDER = "the folder of the named file; no .obsidian here or above"
COMMON_FOLDER = "the common folder of the paths; no .obsidian here or above"


class VaultChoice(NamedTuple):
    """The folder that is taken as the vault, and the reason.

    The reason is "" if the folder, or one below it, was found upward from where the search began,
    by `.obsidian` or a configuration.
    """

    root: Path
    reason: str = ""

    @property
    def is_marked(self) -> bool:
        """True if the folder has `.obsidian` or a configuration."""
        return self.reason in ("", ONLY_VAULT)


def find_vault(paths: Sequence[Path] = ()) -> VaultChoice:
    """Return the vault that contains paths on disk, by default the current folder.

    The search starts at the common folder of the paths.

    Raises:
        UsageError: The paths are in several vaults, several folders could be meant, or none that
            vaultlink may take unasked.
    """
    current = Path.cwd()
    found = _find_marked_root(paths) if paths else find_marked_folder(current)
    if found is not None:
        return VaultChoice(require_vault_folder(found))
    choice = _choose_for_paths(paths, current) if paths else _choose_without_paths(current)
    return choice._replace(root=require_vault_folder(choice.root))


def _find_marked_root(paths: Sequence[Path]) -> Path | None:
    """Return the marked folder that contains the paths; None if there is none.

    Raises UsageError if several contain some of them, or one does not contain them all.
    """
    together = _find_above(paths)
    if together is not None or len(paths) == 1:
        return together
    found = {path: _find_above((path,)) for path in paths}
    roots = sorted({os.fspath(root) for root in found.values() if root is not None})
    if len(roots) > 1:
        raise UsageError(
            f"the paths are in {len(roots):,} vaults: {list_first(roots, _MAX_NAMED)}. "
            "Name paths of one vault only."
        )
    outside = [path for path, root in found.items() if root is None]
    if roots and outside:
        raise UsageError(
            f"{outside[0]} is outside the vault {roots[0]}. Name another vault with --vault."
        )
    return Path(roots[0]) if roots else None


def _find_above(paths: Sequence[Path]) -> Path | None:
    """Return the marked folder upward from the common folder of the paths.

    A symbolic link in a vault belongs to that vault, wherever it leads.
    """
    for folder in (_find_common_folder(paths, is_lexical=True), _find_common_folder(paths)):
        found = find_marked_folder(folder) if folder else None
        if found is not None:
            return found.resolve()
    return None


def _find_common_folder(paths: Sequence[Path], *, is_lexical: bool = False) -> Path | None:
    """Return the folder that contains all paths; None for those on several drives.

    Symbolic links are followed unless `is_lexical`.
    """
    find = _find_lexical_folder if is_lexical else _find_folder
    try:
        return Path(os.path.commonpath([find(path) for path in paths]))
    except ValueError:
        return None


def _find_folder(path: Path) -> Path:
    """Return the folder that a path is, or is in, without symbolic links."""
    return (path if is_folder(path) else path.parent).resolve()


def _find_lexical_folder(path: Path) -> Path:
    """Return the folder that a path is, or is in, with its symbolic links."""
    lexical = Path(os.path.abspath(path))  # noqa: PTH100 - keeps symbolic links
    if lexical.resolve() != path.resolve():  # `..` behind a symbolic link
        return _find_folder(path)
    return lexical if is_folder(path) else lexical.parent


def find_marked_folder(start: Path) -> Path | None:
    """Return the nearest folder upward with `.obsidian` or a configuration.

    A configuration in the root of the file system or in the home folder makes no vault of it.
    """
    return next(
        (
            folder
            for folder in (start, *start.parents)
            if is_folder(folder / ".obsidian") or (_has_config(folder) and not _is_wide(folder))
        ),
        None,
    )


def describe_unread_configs(folder: Path) -> list[str]:
    """Return sentences on settings files in the folder of a vault that are not read."""
    names = [name for name in CONFIG_NAMES if _is_config_file(folder / name)]
    folders = [name for name in CONFIG_NAMES if is_folder(folder / name)]
    return [
        *(f"{name} is a folder, so it has no settings" for name in folders),
        *(f"{name} is not read, because {names[0]} is beside it" for name in names[1:]),
    ]


def _has_config(folder: Path) -> bool:
    return any(_is_config_file(folder / name) for name in CONFIG_NAMES)


def _is_config_file(file: Path) -> bool:
    if file.name != "pyproject.toml":
        return is_file(file)
    try:
        return b"[tool.vaultlink" in read_regular(file, MAX_CONFIG_BYTES)
    except OSError:
        return False


def _is_wide(folder: Path) -> bool:
    """Return True for the root of the file system and for the home folder."""
    home = Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 - no error without a home
    return folder == folder.parent or folder.resolve() == home


def require_vault_folder(folder: Path) -> Path:
    """Return the folder; raise UsageError if it is too wide to be taken as a vault."""
    if _is_wide(folder) and not is_folder(folder / ".obsidian"):
        kind = "the root of the file system" if folder == folder.parent else "the home folder"
        raise UsageError(
            f"{folder} is {kind} and has no .obsidian. Run vaultlink in the folder of a vault, "
            "or name the vault with --vault."
        )
    return folder


# -- without a marked folder ----------------------------------------------------------------------


def _choose_without_paths(current: Path) -> VaultChoice:
    """Return the vault of a folder that is in none. Raises UsageError."""
    work_tree = _find_narrow_work_tree(current)
    if work_tree is None:
        _refuse_vaults(current, list_vaults(require_vault_folder(current)))
        return VaultChoice(current, CURRENT_FOLDER)
    vaults = _list_own_vaults(work_tree)
    if len(vaults) > 1:
        raise UsageError(
            f"the git work tree {work_tree} contains {_name_vaults(vaults)}. "
            "Run vaultlink in one of them, or name it with --vault."
        )
    if vaults:
        return VaultChoice(work_tree / vaults[0], ONLY_VAULT)
    return VaultChoice(work_tree, WORK_TREE)


def _choose_for_paths(paths: Sequence[Path], current: Path) -> VaultChoice:
    """Return the vault of paths that are in none. Raises UsageError."""
    named = _find_common_folder(paths)
    if named is None:
        raise UsageError("the paths are on several drives. Name paths of one vault only.")
    work_tree = _find_narrow_work_tree(named)
    if work_tree is not None:
        vaults = _list_own_vaults(named)
        _refuse_vaults(named, vaults if len(vaults) > 1 else ())
        return VaultChoice(work_tree, WORK_TREE)
    if named.is_relative_to(current) and not _is_wide(current) and _holds_note(current):
        choice = VaultChoice(current, CURRENT_FOLDER)
    elif len(paths) > 1:
        choice = VaultChoice(named, COMMON_FOLDER)
    else:
        choice = VaultChoice(named, NAMED_FOLDER if is_folder(paths[0]) else FILE_FOLDER)
    _refuse_vaults(choice.root, list_vaults(require_vault_folder(choice.root)))
    return choice


def _find_narrow_work_tree(folder: Path) -> Path | None:
    """Return the git work tree of a folder; None if it is all of the home folder.

    People keep settings of programs in such a repository, which says nothing about notes.
    """
    work_tree = find_work_tree(folder)
    return None if work_tree is None or _is_wide(work_tree) else work_tree


def _holds_note(folder: Path) -> bool:
    """Return True if a note lies directly in a folder."""
    try:
        with os.scandir(folder) as entries:
            return any(is_note(entry.name) and entry.is_file() for entry in entries)
    except OSError:
        return False


def _refuse_vaults(folder: Path, vaults: Sequence[str]) -> None:
    """Raise UsageError for vaults in a folder that is not one itself."""
    if vaults:
        raise UsageError(
            f"{folder} has no .obsidian, but contains {_name_vaults(vaults)}. "
            f"{_describe_note_folders(folder, vaults)}"
            "Run vaultlink in the vault, or name it with --vault."
        )


def _describe_note_folders(folder: Path, vaults: Sequence[str]) -> str:
    """Return a sentence on folders that may be vaults without `.obsidian`; else ""."""
    try:
        names = sorted(item.name for item in folder.iterdir() if item.is_dir())
    except OSError:
        return ""
    tops = {vault.partition("/")[0] for vault in vaults if "/" not in vault}
    found = [
        name
        for name in names
        if name[0] != "." and name not in tops | _SKIPPED_FOLDERS and _has_many_notes(folder / name)
    ]
    if not found:
        return ""
    verb = "has" if len(found) == 1 else "have"
    return f"{list_first(found, _MAX_NAMED)} {verb} many notes, too. "


def _has_many_notes(folder: Path) -> bool:
    """Return True for many notes in a folder and those below it, except vaults."""
    count = searched = 0
    pending = [os.fspath(folder)]
    while pending and searched < _MAX_FOLDERS and count < _MANY_NOTES:
        place = pending.pop()
        searched += 1
        is_vault, below = _look_into(place, "")
        if not is_vault:
            pending += [path for _, path in below]
            with suppress(OSError), os.scandir(place) as entries:
                count += sum(is_note(entry.name) for entry in entries)
    return count >= _MANY_NOTES


def list_vaults(root: Path) -> list[str]:
    """Return the folders below `root` that have `.obsidian`, as sorted relative paths.

    Hidden folders and those of packages are not searched, nor are folders in a vault, nor links.
    """
    found: list[str] = []
    pending = [("", os.fspath(root))]
    searched = 0
    while pending and searched < _MAX_FOLDERS:
        prefix, folder = pending.pop()
        searched += 1
        is_vault, below = _look_into(folder, prefix)
        if is_vault and prefix:
            found.append(prefix[:-1])
        else:
            pending += below
    return sorted(found)


def _look_into(folder: str, prefix: str) -> tuple[bool, list[tuple[str, str]]]:
    """Return True if a folder has `.obsidian`, and the folders in it to search."""
    below: list[tuple[str, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    if name == ".obsidian" and entry.is_dir():
                        return True, []
                elif entry.is_dir(follow_symlinks=False) and name not in _SKIPPED_FOLDERS:
                    below.append((f"{prefix}{name}/", entry.path))
    except OSError:
        return False, []  # an unreadable folder holds no vault that could be checked
    return False, below


def _list_own_vaults(folder: Path) -> list[str]:
    """Return the vaults below a folder of a git work tree.

    Those in folders that git ignores, such as a build, are left out unless all are.
    """
    vaults = list_vaults(folder)
    if len(vaults) < 2:
        return vaults
    from vaultlink.git.repository import filter_ignored  # noqa: PLC0415 - hardly ever needed

    ignored = filter_ignored(folder, vaults)
    return [name for name in vaults if name not in ignored] or vaults


def _name_vaults(vaults: Sequence[str]) -> str:
    """Return how many vaults there are, and the names of the first ones."""
    if len(vaults) == 1:
        return f"the vault {vaults[0]}"
    return f"{len(vaults):,} vaults: {list_first(vaults, _MAX_NAMED)}"
