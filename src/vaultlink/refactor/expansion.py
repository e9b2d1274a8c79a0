"""Expand renames to the files that they move."""

from collections.abc import Iterable, Iterator, Mapping

from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.index.index import Index
from vaultlink.refactor.old_names import FILE_KINDS, list_outer_folders


def expand(renames: Iterable[Rename], index: Index) -> tuple[dict[str, str], dict[str, str]]:
    """Return the renames on disk, and the new path of every file whose path changes.

    A folder is renamed as a whole unless another rename concerns something in it: then its files
    are renamed one by one. Of several renames of a file or of its folders, the innermost counts.

    Returns:
        Old to new path of each file and folder to rename on disk, and of each file.
    """
    paths = {item.old: item.new for item in renames if item.kind in FILE_KINDS}
    folders = {item.old for item in renames if item.kind is RenameKind.FOLDER}
    whole = {folder for folder in folders if not _is_touched(folder, paths)}
    files: dict[str, str] = {}
    moves = {old: paths[old] for old in paths if old in whole or old not in folders}
    for path in sorted(_list_files(index, paths, folders)):
        old = next(outer for outer in (path, *list_outer_folders(path)) if outer in paths)
        new = paths[old] + path[len(old) :]
        if new != path:
            files[path] = new
        if old not in whole and new != path:
            moves[path] = new
    return {old: new for old, new in sorted(moves.items()) if old != new}, files


def _is_touched(folder: str, paths: Mapping[str, str]) -> bool:
    """Return True if another rename concerns something in a folder, before or after."""
    places = (f"{folder}/", f"{paths[folder]}/")
    return any(
        old != folder and f"{path}/".startswith(places)
        for old, new in paths.items()
        for path in (old, new)
        if path not in (folder, paths[folder])
    )


def _list_files(index: Index, paths: Mapping[str, str], folders: Iterable[str]) -> Iterator[str]:
    inside = tuple([f"{folder}/" for folder in folders])
    yield from (path for path in index.files if path in paths or path.startswith(inside))


def list_emptied_folders(renames: Iterable[Rename], moves: Mapping[str, str]) -> list[str]:
    """Return the folders that are moved file by file, and the folders in them."""
    folders = [
        item.old for item in renames if item.kind is RenameKind.FOLDER and item.old not in moves
    ]
    inside = tuple([f"{folder}/" for folder in folders])
    return sorted(
        {
            outer
            for path in moves
            if path.startswith(inside)
            for outer in list_outer_folders(path)
            if f"{outer}/".startswith(inside)
        }
    )
