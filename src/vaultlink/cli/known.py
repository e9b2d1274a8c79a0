"""What findings are held against: the vault's baseline, and the revision that `--changed-since` names.

Options and a surveyed vault enter; which findings are new leaves. Both are read, and found fault with, before a note is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from vaultlink.api import Vault
from vaultlink.baseline.match import BASELINE_FILE, KnownFindings, split_known
from vaultlink.cli.options import ReportOptions
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.step import State

if TYPE_CHECKING:
    from vaultlink.baseline.revision import Revision
    from vaultlink.fix.loop import FindingSelector
    from vaultlink.fix.sources import FixSources
    from vaultlink.model import Diagnostic


@dataclass(frozen=True, slots=True)
class KnownSources:
    """A baseline's bytes and a revision, as far as there are any. Neither: every finding is new."""

    baseline: bytes | None = None
    revision: "Revision | None" = None

    @property
    def cache_key(self) -> str:
        """Tells one gate from another."""
        return repr((self.baseline and blake2b(self.baseline).hexdigest(), self.revision))

    def load_known(self, vault: Vault) -> list[KnownFindings]:
        """The findings that are known of a vault."""
        return [*self._load_baseline(vault), *self._load_revision(vault)]

    def _load_baseline(self, vault: Vault) -> Iterator[KnownFindings]:
        if self.baseline is not None:
            from vaultlink.baseline.file import findings_in_baseline  # noqa: PLC0415 - only where there is one

            yield findings_in_baseline(vault, self.baseline)

    def _load_revision(self, vault: Vault) -> Iterator[KnownFindings]:
        if self.revision is not None:
            from vaultlink.baseline.revision import findings_at_revision  # noqa: PLC0415 - only where one is named

            yield findings_at_revision(vault, self.revision)


def find_known_sources(options: ReportOptions, scan: VaultScan) -> KnownSources:
    """The gate that a command's findings are held to. Raises VaultError or ConfigError if it can't be had."""
    baseline, revision = None, None
    if not options.no_baseline and (scan.root / BASELINE_FILE).exists():
        from vaultlink.baseline.file import read_baseline_file  # noqa: PLC0415

        baseline = read_baseline_file(scan.root)
    if options.changed_since is not None:
        from vaultlink.baseline.revision import find_merge_base  # noqa: PLC0415

        revision = find_merge_base(scan.root, options.changed_since)
    return KnownSources(baseline, revision)


def select_revision_known(known: Sequence[KnownFindings]) -> list[KnownFindings]:
    """What was known at a revision. What only the baseline knows is fixed gladly."""
    return [source for source in known if source.kind == "revision"]


def make_new_finding_selector(
    known: Sequence[KnownFindings], vault: Vault, wanted: Callable[[str], bool]
) -> "FindingSelector | None":
    """What is to be fixed where only findings since a revision are wanted; None means everything."""
    since = select_revision_known(known)
    if not since:
        return None

    def new(state: State, sources: "FixSources") -> "list[Diagnostic]":
        return split_known(
            state.diagnostics, since, lambda path: sources.text(path) or vault.text(path), wanted
        ).new

    return new
