"""What a check came to: the values that forms for other programs are made of.

The findings that are reported, those that were known before and are not, and what sums them up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vaultlink.engine.fingerprints import KnownCount
from vaultlink.model import Diagnostic, Fix, Severity, TextByPath
from vaultlink.rules.registry import Rule


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check of a vault. `fingerprints` and `fixes` give those of the `findings`, in their order; that takes time, and not every form
    asks. `known` are the findings that were known before, `known_counts` what is known of them. `path_prefix` is what stands before vault paths
    in the vault's repository ("" or "notes/"), `summary` are the vault's own, `text` gives a note's text by its vault path,
    `version` is that of the program ("" if it is not to be told), `failing_severities` are the severities that the check fails for."""

    path_prefix: str
    findings: Sequence[Diagnostic]
    fingerprints: Callable[[], Sequence[str]]
    fixes: Callable[[], Sequence[Fix | None]]
    rules: Sequence[Rule]
    summary: Mapping[str, int]
    text: TextByPath
    known: Sequence[Diagnostic] = ()
    known_counts: Sequence[KnownCount] = ()
    version: str = ""
    failing_severities: frozenset[Severity] = frozenset((Severity.ERROR, Severity.WARNING))
