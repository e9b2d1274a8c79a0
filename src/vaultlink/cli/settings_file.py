"""The configuration file to which an interactive run adds what the user decided."""

import os
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.config.layers import COMMAND_LINE
from vaultlink.disk.read import MAX_CONFIG_BYTES
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.files import read_regular
from vaultlink.write.write import PendingWrite

_NEW_FILE = ".vaultlink.toml"
"""The file that is created if the vault has no configuration: a note app does not show it."""

_TABLES = {"pyproject.toml": ("tool", "vaultlink")}
"""The table of the settings in a file that has others too."""

InsertItems = Callable[[str, Sequence[str], tuple[str, ...]], str | None]
"""Returns a text with more items in a list of the settings, which are in a table of this path."""


class SettingsFile(NamedTuple):
    """The configuration file of a vault: its vault path and its bytes.

    There are no bytes if it does not exist. `barrier` is a sentence on why nothing can be added to
    it; "" if that is possible.
    """

    path: str
    data: bytes | None
    barrier: str = ""

    def add(self, items: Sequence[str], insert: InsertItems) -> PendingWrite | None:
        """Add items to a list; return None if the file has no safe place for them."""
        data = self.data or b""
        mark = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
        table = _TABLES.get(self.path.rpartition("/")[2], ())
        text = insert(data[len(mark) :].decode(), items, table)
        return None if text is None else PendingWrite(self.path, self.data, mark + text.encode())


def find_settings_file(scan: VaultScan, advice: str) -> SettingsFile:
    """Return the configuration file that applies to a vault, or the one to create.

    `advice` says in the imperative what the user can do if the file is outside the vault.
    """
    if scan.settings.isolated:
        return SettingsFile("", None, "--isolated ignores configuration files.")
    sources = [layer.source for layer in scan.layers if layer.source != COMMAND_LINE]
    if not sources:
        return SettingsFile(_NEW_FILE, None)
    file = Path(os.path.abspath(sources[0]))  # noqa: PTH100 - links are not followed
    if not file.is_relative_to(scan.root):
        return SettingsFile("", None, f"{sources[0]} is outside the vault: {advice}.")
    try:
        data = read_regular(file, MAX_CONFIG_BYTES)
        data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{sources[0]} can't be read: {error}.") from None
    return SettingsFile(file.relative_to(scan.root).as_posix(), data)
