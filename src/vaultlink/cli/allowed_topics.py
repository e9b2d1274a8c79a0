"""The file to which `fix --interactive` adds topics that may stay unresolved."""

import os
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.config.allow_dangling import allow_topics
from vaultlink.config.layers import COMMAND_LINE
from vaultlink.disk.read import MAX_CONFIG_BYTES
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UsageError
from vaultlink.files import read_regular
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.write.write import PendingWrite

_NEW_FILE = ".vaultlink.toml"
"""The file that is created if the vault has no configuration: a note app does not show it."""

_TABLES = {"pyproject.toml": ("tool", "vaultlink")}
"""The table of the settings in a file that has others too."""


class AllowedTopics(NamedTuple):
    """Patterns of allowed topics, and the change of the configuration file."""

    patterns: tuple[str, ...]
    write: PendingWrite

    def describe(self) -> str:
        """Return a sentence on what is allowed, and where."""
        topics = format_count(len(self.patterns), "topic")
        return f"Allowed {topics} in {escape_controls(self.write.path)}."

    def text_change(self) -> tuple[str, str | None, str]:
        """Return the path of the file with its texts before and after, as for a diff."""
        old, new = self.write.old, self.write.new or b""
        return self.write.path, None if old is None else old.decode(), new.decode()


class AllowedTopicsFile(NamedTuple):
    """The configuration file of a vault: its vault path and its bytes.

    There are no bytes if it does not exist. `barrier` is a sentence on why topics can't be added to
    it; "" if they can.
    """

    path: str
    data: bytes | None
    barrier: str = ""

    def add(self, patterns: Sequence[str]) -> AllowedTopics | None:
        """Add patterns; return None if the file has no safe place for them."""
        data = self.data or b""
        mark = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
        table = _TABLES.get(self.path.rpartition("/")[2], ())
        text = allow_topics(data[len(mark) :].decode(), patterns, table)
        if text is None:
            return None
        write = PendingWrite(self.path, self.data, mark + text.encode())
        return AllowedTopics(tuple(patterns), write)


def find_allowed_topics_file(scan: VaultScan) -> AllowedTopicsFile:
    """Return the configuration file that applies to a vault, or the one to create."""
    if scan.settings.isolated:
        return AllowedTopicsFile("", None, "--isolated ignores configuration files.")
    sources = [layer.source for layer in scan.layers if layer.source != COMMAND_LINE]
    if not sources:
        return AllowedTopicsFile(_NEW_FILE, None)
    file = Path(os.path.abspath(sources[0]))  # noqa: PTH100 - links are not followed
    if not file.is_relative_to(scan.root):
        return AllowedTopicsFile(
            "", None, f"{sources[0]} is outside the vault: add the topic to allow-dangling there."
        )
    try:
        data = read_regular(file, MAX_CONFIG_BYTES)
        data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{sources[0]} can't be read: {error}.") from None
    return AllowedTopicsFile(file.relative_to(scan.root).as_posix(), data)
