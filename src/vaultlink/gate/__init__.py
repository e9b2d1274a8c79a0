"""What a change is held to: which findings are new, and which were known before, from a baseline or an earlier revision."""

from vaultlink.gate.known import FindingKey, KnownFindings, finding_keys
from vaultlink.gate.sifting import KnownSplit, split_known

__all__ = ["FindingKey", "KnownFindings", "KnownSplit", "finding_keys", "split_known"]
