"""The topics that `fix --interactive` allows in the configuration file."""

from collections.abc import Sequence
from typing import NamedTuple

from vaultlink.cli.settings_file import SettingsFile, find_settings_file
from vaultlink.config.allow_dangling import allow_topics
from vaultlink.disk.scan import VaultScan
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.write.write import PendingWrite


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


def add_allowed_topics(file: SettingsFile, patterns: Sequence[str]) -> AllowedTopics | None:
    """Add patterns to a file; return None if it has no safe place for them."""
    write = file.add(patterns, allow_topics)
    return AllowedTopics(tuple(patterns), write) if write else None


def find_allowed_topics_file(scan: VaultScan) -> SettingsFile:
    """Return the file to which topics that may stay unresolved are added."""
    return find_settings_file(scan, "add the topic to allow-dangling there")
