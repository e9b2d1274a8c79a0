"""What findings are held against: the vault's baseline, and the revision that `--changed-since` names.

Options and a surveyed vault enter; which findings are new leaves. Both are read, and found fault with, before a note is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from vaultlink.api import Survey, Vault
from vaultlink.cli.options import Reporting
from vaultlink.engine import State
from vaultlink.gate.known import BASELINE, Known
from vaultlink.gate.sifting import sift

if TYPE_CHECKING:
    from vaultlink.fixing.repair import Picked
    from vaultlink.fixing.sources import Sources
    from vaultlink.gate.since import Revision
    from vaultlink.model import Diagnostic


@dataclass(frozen=True, slots=True)
class Gate:
    """A baseline's bytes and a revision, as far as there are any. Neither: every finding is new."""

    baseline: bytes | None = None
    revision: "Revision | None" = None

    @property
    def sign(self) -> str:
        """Tells one gate from another."""
        return repr((self.baseline and blake2b(self.baseline).hexdigest(), self.revision))

    def known(self, vault: Vault) -> list[Known]:
        """The findings that are known of a vault."""
        return [*self._recorded(vault), *self._since(vault)]

    def _recorded(self, vault: Vault) -> Iterator[Known]:
        if self.baseline is not None:
            from vaultlink.gate.baseline import known_by  # noqa: PLC0415 - only where there is one

            yield known_by(vault, self.baseline)

    def _since(self, vault: Vault) -> Iterator[Known]:
        if self.revision is not None:
            from vaultlink.gate.since import known_since  # noqa: PLC0415 - only where one is named

            yield known_since(vault, self.revision)


def gate_of(options: Reporting, seen: Survey) -> Gate:
    """The gate that a command's findings are held to. Raises VaultError or ConfigError if it can't be had."""
    baseline, revision = None, None
    if not options.no_baseline and (seen.root / BASELINE).exists():
        from vaultlink.gate.baseline import read_baseline  # noqa: PLC0415

        baseline = read_baseline(seen.root)
    if options.changed_since is not None:
        from vaultlink.gate.since import revision_of  # noqa: PLC0415

        revision = revision_of(seen.root, options.changed_since)
    return Gate(baseline, revision)


def changed(known: Sequence[Known]) -> list[Known]:
    """What was known at a revision. What only the baseline knows is fixed gladly."""
    return [source for source in known if source.kind == "revision"]


def picked(known: Sequence[Known], vault: Vault, wanted: Callable[[str], bool]) -> "Picked | None":
    """What is to be fixed where only findings since a revision are wanted; None means everything."""
    since = changed(known)
    if not since:
        return None

    def new(state: State, sources: "Sources") -> "list[Diagnostic]":
        return sift(
            state.diagnostics, since, lambda path: sources.text(path) or vault.text(path), wanted
        ).new

    return new
