"""What the commands that write to a vault have in common: one at a time, a record, and words for what was left alone."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from vaultlink.cli import FAULT
from vaultlink.cli.terminal import Terminal, mark, tell
from vaultlink.journal import perform
from vaultlink.locking import lock
from vaultlink.report.layout import clean
from vaultlink.writing import Outcome, Refusal, Write

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.fixing.promise import Breach
    from vaultlink.fixing.repair import Repair


def alone(terminal: Terminal, root: Path) -> AbstractContextManager[None]:
    """Keep other runs from writing in a vault; if one is writing, say so and wait for it."""
    return lock(root, lambda: terminal.say("Another run is writing in this vault; waiting for it."))


def write_repair(terminal: Terminal, vault: "Vault", repair: "Repair", summary: str) -> Outcome:
    """Write what a repair comes to, with a record of this run's words and what they do."""
    try:
        return vault.write(repair, _command(), summary)
    except KeyboardInterrupt:
        terminal.say("Some notes may be written already; `vaultlink undo` puts them back.")
        raise


def performed(root: Path, writes: Sequence[Write], summary: str) -> Outcome:
    """Write files of a vault's folder that are no notes, with a record of this run's words and what they do."""
    return perform(root, _command(), summary, writes)


def _command() -> str:
    return shlex.join(["vaultlink", *sys.argv[1:]])


def left_alone(terminal: Terminal, refused: Iterable[Refusal]) -> None:
    """Name the notes that were not written. There may be many; they are told in full, since each is somebody's work."""
    for refusal in refused:
        terminal.say(f"{clean(refusal.path)}: left alone: {refusal.why}.")


def refused(breach: "Breach") -> int:
    """Say why nothing was written at all."""
    rules = " or ".join(breach.rules) or "a rule"
    tell(
        f"{mark('error:')} nothing was written: in {clean(breach.path)} {clean(breach.what)}.\n"
        f"A fix of {rules} is to blame. This is a fault in vaultlink; please report it. "
        f"`--unfixable {','.join(breach.rules)}` goes around it."
    )
    return FAULT
