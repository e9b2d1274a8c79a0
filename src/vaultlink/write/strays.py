"""Remove the temporary files that interrupted runs left in a vault.

A file of a run in this user's journal is removed at once: no such run is writing, as the caller
holds the write lock. Any other may belong to another computer, so it is removed only after a while.
"""

import os
import stat as modes
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from vaultlink.disk.scan import parse_stray_name
from vaultlink.write.journal import clean_up_journal
from vaultlink.write.journal_files import list_runs
from vaultlink.write.lock import is_lock_file_held, journal_folder
from vaultlink.write.open_folders import (
    CannotWrite,
    OpenFolder,
    close_folders,
    open_parent,
    prepare_folders,
    split_path,
)

_MIN_AGE_SECONDS = 3600.0
"""Age after which a temporary file of an unknown run is removed; no run writes for this long."""


def sweep_strays(root: Path, paths: Iterable[str]) -> None:
    """Remove the temporary files at these vault paths that no run needs."""
    ordered = sorted(paths, key=split_path)
    if not ordered:
        return
    clean_up_journal(root)
    runs = {run.id for run in list_runs(root)}
    folders = prepare_folders(root)
    try:
        for path in ordered:
            with suppress(OSError, CannotWrite):
                folder, name = open_parent(folders, path)
                run = parse_stray_name(name)
                if run and (run in runs or _is_abandoned(folder, name)):
                    os.unlink(folder.path_of(name), dir_fd=folder.handle)
            close_folders(folders, keep=split_path(path)[0])
    finally:
        close_folders(folders)


def _is_abandoned(folder: OpenFolder, name: str) -> bool:
    status = os.stat(folder.path_of(name), dir_fd=folder.handle, follow_symlinks=False)
    is_own = sys.platform == "win32" or status.st_uid == os.geteuid()
    is_old = status.st_mtime < time.time() - _MIN_AGE_SECONDS
    return is_own and is_old and modes.S_ISREG(status.st_mode)


def is_being_written(root: Path) -> bool:
    return is_lock_file_held(journal_folder(root) / "lock", keep=True)
