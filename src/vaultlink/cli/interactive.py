"""`vaultlink fix --interactive`: one finding after the other, and what may be done about each.

Somebody answers at a terminal. What they chose is fixed in one go at the end, under the same promises as any other run.
"""

import sys
from collections.abc import Iterator, Sequence
from enum import Enum

from vaultlink.api import Vault
from vaultlink.cli.opening import suggestions
from vaultlink.cli.terminal import Terminal, tell
from vaultlink.errors import UsageError
from vaultlink.fixing.sources import Answers
from vaultlink.model import Diagnostic, Fix
from vaultlink.report.frames import Frames
from vaultlink.report.layout import Palette, clean
from vaultlink.report.listings import wording

_HELP = "A number does that; Enter goes on; r leaves out this rule, n this note; q writes what was chosen; x writes nothing."


class Word(Enum):
    """What may be said instead of a number."""

    SKIP = ""
    RULE = "r"
    NOTE = "n"
    QUIT = "q"
    STOP = "x"
    HELP = "?"


def choose(
    asked: Sequence[Diagnostic], terminal: Terminal, vault: Vault, answers: Answers
) -> list[tuple[Diagnostic, Fix]]:
    """What somebody wants done, finding by finding."""
    if not sys.stdin.isatty():
        raise UsageError(
            "--interactive asks questions, and nobody is there to answer: the input is no terminal."
        )
    offered = [(item, fixes) for item in asked if (fixes := vault.choices(item, answers))]
    frames = Frames(
        vault.text, suggestions(vault, []), wording(vault.index), terminal.room, terminal.palette
    )
    chosen: list[tuple[Diagnostic, Fix]] = []
    left_out: set[str] = set()
    for place, (item, fixes) in enumerate(offered):
        if item.rule in left_out or item.path in left_out:
            continue
        terminal.show(
            f"\n{terminal.palette.dim}{place + 1} of {len(offered)}{terminal.palette.off}\n{frames.render([item])}"
        )
        terminal.show("".join(_offers(fixes, terminal.palette)))
        said = _answer(len(fixes))
        if isinstance(said, int):
            chosen.append((item, fixes[said - 1]))
        elif said is Word.RULE:
            left_out.add(item.rule)
        elif said is Word.NOTE:
            left_out.add(item.path)
        elif said is Word.QUIT:
            break
        elif said is Word.STOP:
            return []
    return chosen


def _offers(fixes: Sequence[Fix], p: Palette) -> Iterator[str]:
    for place, fix in enumerate(fixes):
        yield f"  {p.bold}{place + 1}{p.off}  {clean(fix.title)}\n"


def _answer(count: int) -> int | Word:
    """What was said, asked again until it means something."""
    while True:
        sys.stderr.write(f"1{f'-{count}' if count > 1 else ''}, Enter, r, n, q, x or ?: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        said = line.strip().lower()
        if not line:
            return Word.STOP
        if said.isdecimal() and 1 <= int(said) <= count:
            return int(said)
        if said in [word.value for word in Word] and said != Word.HELP.value:
            return Word(said)
        tell(_HELP)
