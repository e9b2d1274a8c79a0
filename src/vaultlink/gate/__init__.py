"""What a change is held to: which findings are new, and which were known before, from a baseline or an earlier revision."""

from vaultlink.gate.known import Known, Mark, marks
from vaultlink.gate.sifting import Sifted, sift

__all__ = ["Known", "Mark", "Sifted", "marks", "sift"]
