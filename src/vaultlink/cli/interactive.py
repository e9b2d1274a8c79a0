"""`vaultlink fix --interactive`: ask for each finding which fix to apply.

The chosen fixes are applied together at the end, with the same checks as in any other run.
"""

import sys
from collections.abc import Iterator, Sequence
from enum import Enum

from vaultlink.api import Vault
from vaultlink.cli.terminal import Terminal, print_stderr
from vaultlink.cli.vault import make_suggester
from vaultlink.errors import UsageError
from vaultlink.fix.sources import FixAnswers
from vaultlink.model import Diagnostic, Fix
from vaultlink.report.full import FullRenderer
from vaultlink.report.layout import Palette, escape_controls
from vaultlink.report.listings import make_target_formatter

_REPLY_HELP = (
    "number: apply that fix; Enter: skip; r: skip this rule; n: skip this note; "
    "q: write the chosen fixes and quit; x: quit without writing."
)


class Reply(Enum):
    """Replies other than a number."""

    SKIP = ""
    SKIP_RULE = "r"
    SKIP_NOTE = "n"
    FINISH = "q"
    ABORT = "x"
    HELP = "?"


def choose_fixes(
    findings: Sequence[Diagnostic], terminal: Terminal, vault: Vault, answers: FixAnswers
) -> list[tuple[Diagnostic, Fix]]:
    """Ask for each finding; return the chosen fixes."""
    if not sys.stdin.isatty():
        raise UsageError("--interactive requires a terminal.")
    offered = [(item, fixes) for item in findings if (fixes := vault.fixer.choices(item, answers))]
    renderer = FullRenderer(
        vault.text,
        make_suggester(vault, []),
        make_target_formatter(vault.index),
        terminal.width,
        terminal.palette,
    )
    chosen: list[tuple[Diagnostic, Fix]] = []
    skipped: set[str] = set()
    for number, (item, fixes) in enumerate(offered, 1):
        if item.rule in skipped or item.path in skipped:
            continue
        terminal.print_results(
            f"\n{terminal.palette.dim}{number} of {len(offered)}{terminal.palette.reset}\n"
            f"{renderer.render([item])}"
        )
        terminal.print_results("".join(_render_choices(fixes, terminal.palette)))
        reply = _read_reply(len(fixes))
        if isinstance(reply, int):
            chosen.append((item, fixes[reply - 1]))
        elif reply is Reply.SKIP_RULE:
            skipped.add(item.rule)
        elif reply is Reply.SKIP_NOTE:
            skipped.add(item.path)
        elif reply is Reply.FINISH:
            break
        elif reply is Reply.ABORT:
            return []
    return chosen


def _render_choices(fixes: Sequence[Fix], p: Palette) -> Iterator[str]:
    for number, fix in enumerate(fixes, 1):
        yield f"  {p.bold}{number}{p.reset}  {escape_controls(fix.title)}\n"


def _read_reply(count: int) -> int | Reply:
    """Ask until the reply is valid."""
    while True:
        sys.stderr.write(f"1{f'-{count}' if count > 1 else ''}, Enter, r, n, q, x or ?: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        reply = line.strip().lower()
        if not line:
            return Reply.ABORT
        if reply.isdecimal() and 1 <= int(reply) <= count:
            return int(reply)
        if reply in [known.value for known in Reply] and reply != Reply.HELP.value:
            return Reply(reply)
        print_stderr(_REPLY_HELP)
