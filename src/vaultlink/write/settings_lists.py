"""Add decisions of the user to lists in the configuration file of a vault."""

import os
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.config.layers import COMMAND_LINE
from vaultlink.config.list_items import allow_topics
from vaultlink.config.mention_settings import ignore_mentions
from vaultlink.disk.read import MAX_CONFIG_BYTES
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.files import read_regular
from vaultlink.model import PendingWrite
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.write.journal_files import is_journal_path

_NEW_FILE = ".vaultlink.toml"
"""The file that is created if the vault has no configuration: a note app does not show it."""

SETTINGS_TABLES = {"pyproject.toml": ("tool", "vaultlink")}
"""The table of the settings in a file that has others too."""

InsertItems = Callable[[str, Sequence[str], tuple[str, ...]], str | None]
"""Returns a text with more items in a list of the settings, which are in a table of this path."""


class SettingsChange(NamedTuple):
    """A change of a configuration file, and a sentence about it."""

    write: PendingWrite
    sentence: str

    @property
    def path(self) -> str:
        return self.write.path


class SettingsList(NamedTuple):
    """A list in the configuration file of a vault, to which an interactive run adds.

    `data` are the bytes of the file; None if it does not exist. `barrier` is a sentence on why
    nothing can be added, `name` the list, as in a sentence. `insert` adds items to a text, or
    returns None if it has no safe place for them; `describe` returns what was added, as the
    beginning of a sentence, given the number of items.
    """

    path: str
    data: bytes | None
    barrier: str
    name: str
    insert: InsertItems
    describe: Callable[[int], str]

    def add(self, items: Sequence[str]) -> SettingsChange | None:
        """Add items; return None if there are none, or no safe place for them."""
        data = self.data or b""
        mark = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
        table = SETTINGS_TABLES.get(self.path.rpartition("/")[2], ())
        text = self.insert(data[len(mark) :].decode(), items, table) if items else None
        if text is None:
            return None
        write = PendingWrite(self.path, self.data, mark + text.encode())
        added = self.describe(len(items))
        return SettingsChange(write, f"{added} in {escape_controls(self.path)}.")

    def find_barrier(self, items: Sequence[str]) -> str:
        """Return why items can't be added, as a sentence; "" if they can be."""
        if not items:
            return "A name with these characters can't be added to the settings."
        if self.add(items):
            return ""
        return f"{self.path} has no place for it; add it to {self.name} yourself."


def find_topic_list(scan: VaultScan) -> SettingsList:
    name = "allow-dangling"
    return SettingsList(
        *find_settings_file(scan, name),
        name,
        allow_topics,
        lambda count: f"Allowed {format_count(count, 'topic')}",
    )


def find_ignore_list(scan: VaultScan) -> SettingsList:
    name = "`ignore` of [mentions]"
    return SettingsList(
        *find_settings_file(scan, name),
        name,
        ignore_mentions,
        lambda count: f"Added {format_count(count, 'entry', 'entries')} to ignore of [mentions]",
    )


def find_settings_file(scan: VaultScan, name: str) -> tuple[str, bytes | None, str]:
    """Return path, bytes and barrier of the settings file, or of the one to create."""
    if scan.settings.isolated:
        return "", None, "--isolated ignores configuration files."
    sources = [layer.source for layer in scan.layers if layer.source != COMMAND_LINE]
    if not sources:
        return _NEW_FILE, None, ""
    file = Path(os.path.abspath(sources[0]))  # noqa: PTH100 - links are not followed
    if not file.is_relative_to(scan.root):
        return "", None, f"{sources[0]} is outside the vault: add it to {name} there."
    path = file.relative_to(scan.root).as_posix()
    if not is_journal_path(path):
        return "", None, f"{sources[0]} is hidden: add it to {name} there."
    try:
        data = read_regular(file, MAX_CONFIG_BYTES)
        data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{sources[0]} can't be read: {error}.") from None
    return path, data, ""
