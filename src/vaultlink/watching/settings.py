"""Whether the settings that a watched vault was opened with are still those that files hold, and a vault opened anew if not."""

import os
from collections.abc import Iterator
from pathlib import Path

from vaultlink.api import Vault, open_vault
from vaultlink.files import config_files
from vaultlink.repository import git_folder, git_mark
from vaultlink.survey import Survey, survey

Sign = tuple[tuple[int, int, int] | None, ...]
"""Sizes and times of files, None for one that is not there."""


class SettingsFiles:
    """The files that hold a vault's settings, and what git knows of it, as they were when last looked at."""

    def __init__(self, seen: Survey):
        self._sign, self._mark = _sign(seen), git_mark(seen.root)

    def changed(self, seen: Survey) -> bool:
        """Whether a settings file is another."""
        return _sign(seen) != self._sign

    def committed(self, seen: Survey) -> bool:
        """Whether git knows of something else than it did."""
        return git_mark(seen.root) != self._mark

    def look(self, seen: Survey) -> None:
        """From now on, what is there now is nothing new."""
        self._sign, self._mark = _sign(seen), git_mark(seen.root)


def _sign(seen: Survey) -> Sign:
    return tuple(map(_stamp, _files(seen)))


def _files(seen: Survey) -> Iterator[Path]:
    if not seen.settings.isolated:
        yield from config_files(seen.root, seen.settings.config_file)
    yield from (seen.root / ".obsidian" / "app.json", seen.root / ".obsidian" / "types.json")
    folder = git_folder(seen.root)
    if folder:
        yield folder / "info" / "exclude"
        for above in seen.root.parents if not (seen.root / ".git").exists() else ():
            yield above / ".gitignore"
            if (above / ".git").exists():
                break


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - asked all day
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def reopened(vault: Vault) -> Vault | None:
    """The vault under the settings as they are now; None if they come to the same. Raises ConfigError or VaultError."""
    before = vault.seen
    now = survey(before.root, before.settings)
    files = now.listing.files
    alike = (
        now.layers == before.layers
        and now.obsidian == before.obsidian
        and not any(_ignores(now, path) != _ignores(before, path) for path in files)
    )
    return None if alike else open_vault(now.root, now.settings, None, now)


def _ignores(seen: Survey, path: str) -> bool:
    return bool(seen.ignored and seen.ignored(path))
