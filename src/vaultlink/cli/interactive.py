"""`vaultlink fix --interactive`: one finding after the other, and what may be done about each.

Somebody answers at a terminal. What they chose is fixed in one go at the end, under the same promises as any other run.
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

_REPLY_HELP = "A number does that; Enter goes on; r leaves out this rule, n this note; q writes what was chosen; x writes nothing."


class Reply(Enum):
    """What may be said instead of a number."""

    SKIP = ""
    SKIP_RULE = "r"
    SKIP_NOTE = "n"
    FINISH = "q"
    ABORT = "x"
    HELP = "?"


def choose_fixes(
    asked: Sequence[Diagnostic], terminal: Terminal, vault: Vault, answers: FixAnswers
) -> list[tuple[Diagnostic, Fix]]:
    """What somebody wants done, finding by finding."""
    if not sys.stdin.isatty():
        raise UsageError(
            "--interactive asks questions, and nobody is there to answer: the input is no terminal."
        )
    offered = [(item, fixes) for item in asked if (fixes := vault.fixer.choices(item, answers))]
    frames = FullRenderer(
        vault.text,
        make_suggester(vault, []),
        make_target_formatter(vault.index),
        terminal.width,
        terminal.palette,
    )
    chosen: list[tuple[Diagnostic, Fix]] = []
    left_out: set[str] = set()
    for place, (item, fixes) in enumerate(offered):
        if item.rule in left_out or item.path in left_out:
            continue
        terminal.print_results(
            f"\n{terminal.palette.dim}{place + 1} of {len(offered)}{terminal.palette.reset}\n{frames.render([item])}"
        )
        terminal.print_results("".join(_render_choices(fixes, terminal.palette)))
        said = _read_reply(len(fixes))
        if isinstance(said, int):
            chosen.append((item, fixes[said - 1]))
        elif said is Reply.SKIP_RULE:
            left_out.add(item.rule)
        elif said is Reply.SKIP_NOTE:
            left_out.add(item.path)
        elif said is Reply.FINISH:
            break
        elif said is Reply.ABORT:
            return []
    return chosen


def _render_choices(fixes: Sequence[Fix], p: Palette) -> Iterator[str]:
    for place, fix in enumerate(fixes):
        yield f"  {p.bold}{place + 1}{p.reset}  {escape_controls(fix.title)}\n"


def _read_reply(count: int) -> int | Reply:
    """What was said, asked again until it means something."""
    while True:
        sys.stderr.write(f"1{f'-{count}' if count > 1 else ''}, Enter, r, n, q, x or ?: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        said = line.strip().lower()
        if not line:
            return Reply.ABORT
        if said.isdecimal() and 1 <= int(said) <= count:
            return int(said)
        if said in [word.value for word in Reply] and said != Reply.HELP.value:
            return Reply(said)
        print_stderr(_REPLY_HELP)
