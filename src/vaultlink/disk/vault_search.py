"""Find the vault that a command is about: upward, else in the git work tree.

Nothing here runs a program, except git where several vaults of a work tree are found.
"""

import os
from pathlib import Path
from typing import NamedTuple

from vaultlink.disk.read import CONFIG_NAMES, MAX_CONFIG_BYTES
from vaultlink.errors import UsageError
from vaultlink.files import read_regular
from vaultlink.git.location import find_work_tree
from vaultlink.text import list_first

_MAX_FOLDERS = 50_000
"""Folders that are searched for vaults. More take seconds, and are no collection of notes."""

_MAX_NAMED = 5
"""Vaults that a message names."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
"""Folders of packages and compiled programs, which hold many folders and no vault."""

ONLY_VAULT = "the only folder of the git work tree that has .obsidian"
WORK_TREE = "the root of the git work tree, because no folder of it has .obsidian"
CURRENT_FOLDER = "the current folder, because neither it nor a folder above has .obsidian"
NAMED_FOLDER = "the named folder, because neither it nor a folder above has .obsidian"


class VaultChoice(NamedTuple):
    """The folder that is taken as the vault, and the reason.

    The reason is "" if the folder, or one below it, was found upward from where the search began,
    by `.obsidian` or a configuration.
    """

    root: Path
    reason: str = ""


def find_vault(start: Path | None = None) -> VaultChoice:
    """Return the vault that contains a path on disk, by default the current folder.

    A path in the current folder makes the vault no smaller: the search starts at the current
    folder, and at the path only if no folder above that is a vault.

    Raises:
        UsageError: Several folders could be meant, or none that vaultlink may take unasked.
    """
    current = Path.cwd()
    named = _find_folder(start) if start is not None else current
    is_inside = start is not None and not start.is_absolute() and _is_below(start, named, current)
    for folder in dict.fromkeys((current, named) if is_inside else (named,)):
        found = find_marked_folder(folder)
        if found is not None:
            return VaultChoice(_require_vault_folder(found))
    choice = _choose_unmarked(named, current)
    return choice._replace(root=_require_vault_folder(choice.root))


def _is_below(path: Path, folder: Path, current: Path) -> bool:
    """Return True for a path in the current folder, also through a symbolic link."""
    lexical = Path(os.path.abspath(path))  # noqa: PTH100 - keeps symbolic links
    return lexical.is_relative_to(current) or folder.is_relative_to(current)


def _find_folder(path: Path) -> Path:
    """Return the folder that a path is, or is in, without symbolic links."""
    return (path if path.is_dir() else path.parent).resolve()


def find_marked_folder(start: Path) -> Path | None:
    """Return the nearest folder upward with `.obsidian` or a configuration.

    A configuration in the root of the file system or in the home folder makes no vault of it.
    """
    return next(
        (
            folder
            for folder in (start, *start.parents)
            if (folder / ".obsidian").is_dir() or (_has_config(folder) and not _is_wide(folder))
        ),
        None,
    )


def _has_config(folder: Path) -> bool:
    return any(_is_config_file(folder / name) for name in CONFIG_NAMES)


def _is_config_file(file: Path) -> bool:
    if file.name != "pyproject.toml":
        return file.is_file()
    try:
        return b"[tool.vaultlink" in read_regular(file, MAX_CONFIG_BYTES)
    except OSError:
        return False


def _is_wide(folder: Path) -> bool:
    """Return True for the root of the file system and for the home folder."""
    return folder == folder.parent or folder == Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 - no error without a home


def _require_vault_folder(folder: Path) -> Path:
    """Return the folder; raise UsageError if it is too wide to be taken as a vault."""
    if _is_wide(folder) and not (folder / ".obsidian").is_dir():
        kind = "the root of the file system" if folder == folder.parent else "the home folder"
        raise UsageError(
            f"{folder} is {kind} and has no .obsidian. Run vaultlink in the folder of a vault, "
            "or name the vault with --vault."
        )
    return folder


# -- without a marked folder ----------------------------------------------------------------------


def _choose_unmarked(named: Path, current: Path) -> VaultChoice:
    """Return the vault where no folder upward is marked as one. Raises UsageError."""
    work_tree = find_work_tree(named)
    if work_tree is not None:
        return _choose_in_work_tree(work_tree)
    choice = (
        VaultChoice(current, CURRENT_FOLDER)
        if named.is_relative_to(current)
        else VaultChoice(named, NAMED_FOLDER)
    )
    vaults = list_vaults(_require_vault_folder(choice.root))
    if vaults:
        raise UsageError(
            f"{choice.root} has no .obsidian, but contains {_name_vaults(vaults)}. "
            "Run vaultlink in the vault, or name it with --vault."
        )
    return choice


def _choose_in_work_tree(work_tree: Path) -> VaultChoice:
    vaults = list_vaults(_require_vault_folder(work_tree))
    if len(vaults) > 1:
        vaults = _drop_ignored(work_tree, vaults)
    if len(vaults) > 1:
        raise UsageError(
            f"the git work tree {work_tree} contains {_name_vaults(vaults)}. "
            "Run vaultlink in one of them, or name it with --vault."
        )
    if vaults:
        return VaultChoice(work_tree / vaults[0], ONLY_VAULT)
    return VaultChoice(work_tree, WORK_TREE)


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


def _drop_ignored(work_tree: Path, vaults: list[str]) -> list[str]:
    """Return the vaults whose folder git does not ignore, such as a build; else all."""
    from vaultlink.git.repository import filter_ignored  # noqa: PLC0415 - hardly ever needed

    ignored = filter_ignored(work_tree, vaults)
    return [folder for folder in vaults if folder not in ignored] or vaults


def _name_vaults(vaults: list[str]) -> str:
    """Return how many vaults there are, and the names of the first ones."""
    if len(vaults) == 1:
        return f"the vault {vaults[0]}"
    return f"{len(vaults):,} vaults: {list_first(vaults, _MAX_NAMED)}"
