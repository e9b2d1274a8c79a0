"""Sources of known findings: the baseline, and the revision of `--changed-since`.

Both are read, and errors in them reported, before any note is read.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vaultlink.cli.options import ReportOptions
from vaultlink.disk.scan import BASELINE_FILE, VaultScan
from vaultlink.text import blake2b

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.baseline.match import KnownFindings
    from vaultlink.disk.past_state import Revision
    from vaultlink.engine.step import State
    from vaultlink.fix.loop import FindingSelector
    from vaultlink.fix.sources import FixSources
    from vaultlink.model import Diagnostic


class KnownSources(msgspec.Struct, frozen=True):
    """A baseline's bytes and a revision, if given. Without both every finding is new."""

    baseline: bytes | None = None
    revision: "Revision | None" = None

    @property
    def cache_key(self) -> str:
        """Identifies these sources in the cache of results."""
        return repr((self.baseline and blake2b(self.baseline).hexdigest(), self.revision))

    def load_known(self, vault: "Vault") -> "tuple[Vault, list[KnownFindings]]":
        """Return the known findings of a vault, per source.

        Also return the vault with the history since the revision, if there is one.
        """
        return self.start_loading(vault.root)(vault)

    def start_loading(self, root: Path) -> "Callable[[Vault], tuple[Vault, list[KnownFindings]]]":
        """Return a function that does the same for the vault at `root`.

        Git starts at once, so that it runs while the vault is loaded.
        """
        load_revision = self._start_revision(root)

        def load(vault: "Vault") -> "tuple[Vault, list[KnownFindings]]":
            baseline = list(self._load_baseline(vault))
            vault, revision = load_revision(vault)
            return vault, [*baseline, *revision]

        return load

    def _load_baseline(self, vault: "Vault") -> "Iterator[KnownFindings]":
        if self.baseline is not None:
            from vaultlink.baseline.file import findings_in_baseline  # noqa: PLC0415 - only where there is one

            yield findings_in_baseline(vault, self.baseline)

    def _start_revision(self, root: Path) -> "Callable[[Vault], tuple[Vault, list[KnownFindings]]]":
        if self.revision is None:
            return lambda vault: (vault, [])
        from vaultlink.baseline.revision import findings_at_revision, with_history_since  # noqa: PLC0415 - only where one is named
        from vaultlink.disk.past_state import Comparison, read_past_contents  # noqa: PLC0415

        comparison = Comparison(root, self.revision)

        def load(vault: "Vault") -> "tuple[Vault, list[KnownFindings]]":
            contents = read_past_contents(vault.scan, vault.overlays, comparison)
            known = findings_at_revision(vault, comparison, contents)
            return with_history_since(vault, comparison, contents), [known]

        return load


def find_known_sources(options: ReportOptions, scan: VaultScan) -> KnownSources:
    """Return the sources that the options select. Raises VaultError or ConfigError."""
    baseline, revision = None, None
    if not options.no_baseline and (scan.root / BASELINE_FILE).exists():
        from vaultlink.baseline.file import read_baseline_file  # noqa: PLC0415

        baseline = read_baseline_file(scan.root)
    if options.changed_since is not None:
        from vaultlink.baseline.revision import find_merge_base  # noqa: PLC0415

        revision = find_merge_base(scan.root, options.changed_since)
    return KnownSources(baseline, revision)


def select_revision_known(known: "Sequence[KnownFindings]") -> "list[KnownFindings]":
    """Return the findings known from a revision.

    `fix` does not fix these, but it fixes known findings of the baseline.
    """
    return [source for source in known if source.kind == "revision"]


def make_new_finding_selector(
    known: "Sequence[KnownFindings]", vault: "Vault", wanted: Callable[[str], bool]
) -> "FindingSelector | None":
    """Return a selector of the findings since a revision; None to select all."""
    since = select_revision_known(known)
    if not since:
        return None
    from vaultlink.baseline.match import split_known  # noqa: PLC0415

    def select_new(state: "State", sources: "FixSources") -> "list[Diagnostic]":
        return split_known(
            state.diagnostics, since, lambda path: sources.text(path) or vault.text(path), wanted
        ).new

    return select_new
