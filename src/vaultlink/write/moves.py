"""Rename files and folders of a vault. No other module does.

Nothing is overwritten, and no symbolic link is renamed. At any time, a file is at its old path, at
its new one, or at a hidden one beside the old one.
"""

import os
import stat as modes
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vaultlink.write.move_order import Move, MoveStep, fold_path, order_moves
from vaultlink.write.open_folders import (
    CannotWrite,
    OpenFolder,
    OpenFolders,
    close_folders,
    open_parent,
    prepare_folders,
    remove_empty_folders,
    split_path,
)
from vaultlink.write.replace import IS_SYMLINK, NAME_TAKEN, describe_os_error

_MAX_OPEN_FOLDERS = 64
"""Number of open folders above which they are closed, to stay below the limits of systems."""


class MovePlan(NamedTuple):
    """The moves of a run, with a free hidden path for each of them."""

    moves: Sequence[Move]
    temporary_paths: Sequence[str]


def make_moves(
    root: Path, plan: MovePlan, obsolete: Collection[str] = (), *, stop: bool = False
) -> dict[int, str]:
    """Rename files and folders; return, by number, why moves were not made.

    Folders are created for the new paths. `obsolete` are folders that are removed as soon as a move
    leaves them empty; all others stay. With `stop`, no move is made after one that fails.
    """
    folders = prepare_folders(root)
    reasons: dict[int, str] = {}
    try:
        for step in order_moves(plan.moves, plan.temporary_paths):
            if step.number in reasons:
                continue
            reason = _attempt_step(folders, plan, step)
            if reason:
                reasons[step.number] = reason
                if stop:
                    break
            else:
                _remove_emptied(root, folders, step.source, obsolete)
    finally:
        close_folders(folders)
        remove_empty_folders(root, folders.created)
    return reasons


def _attempt_step(folders: OpenFolders, plan: MovePlan, step: MoveStep) -> str | None:
    """Make a step; return why it failed. A file at its temporary path goes back then."""
    old, temporary = plan.moves[step.number][0], plan.temporary_paths[step.number]
    try:
        _rename(folders, step.source, step.target, temporary)
    except (OSError, CannotWrite) as error:
        reason = describe_os_error(error)
        if step.source != temporary or step.source == old:
            return reason
        try:
            _rename(folders, temporary, old, temporary)
        except (OSError, CannotWrite):
            return f"{reason}, so it is kept as {temporary}"
        return reason
    return None


def _rename(folders: OpenFolders, source: str, target: str, temporary: str) -> None:
    """Rename a file or folder to a free path."""
    if len(folders.by_path) > _MAX_OPEN_FOLDERS:
        close_folders(folders)
    source_folder, source_name = open_parent(folders, source)
    status = os.stat(
        source_folder.path_of(source_name), dir_fd=source_folder.handle, follow_symlinks=False
    )
    if modes.S_ISLNK(status.st_mode):
        raise CannotWrite(IS_SYMLINK)
    target_folder, target_name = open_parent(folders, target, create=True)
    from vaultlink.write.exclusive_rename import rename_to_free_name  # noqa: PLC0415 - has ctypes

    try:
        rename_to_free_name(source_folder, source_name, target_folder, target_name)
    except FileExistsError:
        if not _is_same_file(source, target, target_folder):
            raise CannotWrite(NAME_TAKEN) from None
        _change_spelling(folders, source, target, temporary)
    if modes.S_ISDIR(status.st_mode):
        close_folders(folders)  # paths may lead to other folders now


def _list_names(folder: OpenFolder) -> list[str]:
    return os.listdir(folder.path if folder.handle is None else folder.handle)


def _is_same_file(source: str, target: str, folder: OpenFolder) -> bool:
    """Return True if the disk takes two paths for one file.

    Such a disk ignores case or Unicode form; not all of them show it by the inodes. `folder` is
    that of the target.
    """
    if fold_path(source) != fold_path(target):
        return False
    folded = fold_path(split_path(target)[1])
    return [fold_path(name) for name in _list_names(folder)].count(folded) == 1


def _change_spelling(folders: OpenFolders, source: str, target: str, temporary: str) -> None:
    """Rename a file to another spelling, in two steps where one has no effect."""
    from vaultlink.write.exclusive_rename import rename_to_free_name  # noqa: PLC0415 - has ctypes

    source_folder, source_name = open_parent(folders, source)
    target_folder, target_name = open_parent(folders, target)
    if target_name in _list_names(target_folder):
        return
    with suppress(OSError):
        os.rename(
            source_folder.path_of(source_name),
            target_folder.path_of(target_name),
            src_dir_fd=source_folder.handle,
            dst_dir_fd=target_folder.handle,
        )
    if target_name in _list_names(target_folder):
        return
    hidden_folder, hidden_name = open_parent(folders, temporary)
    rename_to_free_name(source_folder, source_name, hidden_folder, hidden_name)
    try:
        rename_to_free_name(hidden_folder, hidden_name, target_folder, target_name)
    except OSError:
        rename_to_free_name(hidden_folder, hidden_name, source_folder, source_name)
        raise


def _remove_emptied(
    root: Path, folders: OpenFolders, source: str, obsolete: Collection[str]
) -> None:
    path = split_path(source)[0]
    while path and path in obsolete:
        with suppress(OSError), os.scandir(root / path) as entries:
            if next(entries, None):
                return
        close_folders(folders)
        remove_empty_folders(root, [path])
        path = split_path(path)[0]
