"""`vaultlink baseline`: records what is found today, so that `check` reports only what is new."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from vaultlink.api import Vault
from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.opening import read, surveyed, vault_root, warn
from vaultlink.cli.options import Choosing, option, words
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.writing import alone, performed
from vaultlink.errors import UsageError, VaultError
from vaultlink.gate.baseline import Baseline, known_by, read_baseline, recorded, written
from vaultlink.gate.known import BASELINE, Mark, marks
from vaultlink.gate.sifting import Sifted, sift
from vaultlink.model import Diagnostic
from vaultlink.report.diffs import unified
from vaultlink.report.layout import number
from vaultlink.writing import Write


@dataclass(frozen=True, kw_only=True)
class Record(Choosing):
    """What `baseline` is told."""

    folder: Annotated[Path | None, words("VAULT", "The vault, or a folder in it.")] = None
    prune: Annotated[
        bool, option("--prune", help="Take out what is gone by now, and add nothing.")
    ] = False
    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what would be written as a unified diff, and write nothing.",
        ),
    ] = False


def baseline(options: Record) -> int:
    """Record today's findings, so that `check` reports only new ones.

    They are kept in the vault's folder, in .vaultlink-baseline.json: put it under version control. A finding stays known when
    lines move, other things are edited, or git sees its note renamed. Once findings are gone, --prune takes them out, so that
    they can't come back unseen. A baseline holds under the settings it was made with; under others `check` ends with 2 and says
    what differs.

    Forms: none; the file's path is printed, or with --diff what would change in it.
    """
    terminal = Terminal(options)
    if options.diff:
        return _record(options, terminal)
    with alone(terminal, vault_root(options, options.folder)):
        return _record(options, terminal)


def _record(options: Record, terminal: Terminal) -> int:
    seen = surveyed(options, options.folder)
    terminal.ready(seen.root)
    warn(seen, terminal)
    before = read_baseline(seen.root)
    if options.prune and before is None:
        raise UsageError(
            f"{seen.root / BASELINE}: there is no baseline to prune. `vaultlink baseline` makes one."
        )
    vault = read(seen, terminal)
    made, sentence = (
        _pruned(vault, before) if options.prune and before is not None else _made(vault)
    )
    text = written(made)
    if b"\r\n" in (before or b""):  # as git checks it out on Windows
        text = text.replace("\n", "\r\n")
    if options.diff:
        old = None if before is None else before.decode("utf-8", "replace")
        terminal.show(unified([(BASELINE, old, text)], terminal.palette))
        terminal.say(sentence)
        return CLEAN if old == text else FOUND
    if before != text.encode():
        _write(vault, before, text, sentence)
    terminal.show(f"{seen.root / BASELINE}\n")
    terminal.say(sentence)
    return CLEAN


def _made(vault: Vault) -> tuple[Baseline, str]:
    """The baseline of all that is found."""
    found = {path: marks(items, vault.text) for path, items in vault.state.diagnostics.items()}
    rules = Counter(item.rule for item in vault.diagnostics())
    total = number(rules.total(), "finding")
    where = f" of {number(len(rules), 'rule')} in {number(len(found), 'file')}" if rules else ""
    return recorded(vault.state.setting, found), f"The baseline holds {total}{where}."


def _pruned(vault: Vault, before: bytes) -> tuple[Baseline, str]:
    """The baseline without what is gone, and with the others as they are now."""
    sifted = sift(
        vault.state.diagnostics, [known_by(vault, before)], vault.text, lambda _path: True
    )
    [debt] = sifted.debts
    fresh = (
        f" {number(len(sifted.new), 'new finding is', 'new findings are')} not in it."
        if sifted.new
        else ""
    )
    gone = (
        number(debt.gone, "finding that is gone", "findings that are gone")
        if debt.gone
        else "no findings"
    )
    sentence = f"Took out {gone}; {debt.left:,} left.{fresh}"
    return recorded(vault.state.setting, _marked(vault, sifted)), sentence


def _marked(vault: Vault, sifted: Sifted) -> Mapping[str, Sequence[Mark]]:
    kept: dict[str, list[Diagnostic]] = {}
    for item in sifted.old:
        kept.setdefault(item.path, []).append(item)
    return {path: marks(items, vault.text) for path, items in kept.items()}


def _write(vault: Vault, before: bytes | None, text: str, sentence: str) -> None:
    """Write the file, with a record that `vaultlink undo` goes by."""
    outcome = performed(vault.root, [Write(BASELINE, before, text.encode())], sentence)
    for refusal in outcome.refused:
        raise VaultError(f"{vault.root / BASELINE}: it was not written: {refusal.why}.")
