"""What a check came to: the values that forms for other programs are made of.

The findings that are reported, those that were known before and are not, and what sums them up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vaultlink.catalog import Rule
from vaultlink.fingerprints import Debt
from vaultlink.model import Diagnostic, Fix, Severity, TextByPath


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of a vault. `prints` and `fixes` give those of the `findings`, in their order; that takes time, and not every form
    asks. `old` are the findings that were known before, `debts` what is known of them. `place` is what stands before vault paths
    in the vault's repository ("" or "notes/"), `figures` are the vault's own, `text` gives a note's text by its vault path,
    `version` is that of the program ("" if it is not to be told), `failing` are the severities that the check fails for."""

    place: str
    findings: Sequence[Diagnostic]
    prints: Callable[[], Sequence[str]]
    fixes: Callable[[], Sequence[Fix | None]]
    rules: Sequence[Rule]
    figures: Mapping[str, int]
    text: TextByPath
    old: Sequence[Diagnostic] = ()
    debts: Sequence[Debt] = ()
    version: str = ""
    failing: frozenset[Severity] = frozenset((Severity.ERROR, Severity.WARNING))
