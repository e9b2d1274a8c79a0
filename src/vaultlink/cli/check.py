"""`vaultlink check`: findings on stdout, what they come to on stderr and in the exit code."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from vaultlink.api import Survey
from vaultlink.cli.gating import Gate, gate_of
from vaultlink.cli.opening import read, surveyed, warn, within
from vaultlink.cli.options import Repairing, option
from vaultlink.cli.results import FORMS, code, results
from vaultlink.cli.standing import chosen_of, stands_in, start_of, with_standing
from vaultlink.cli.terminal import Terminal
from vaultlink.gate.sifting import sift
from vaultlink.report.debts import debt_sentence
from vaultlink.report.findings import summary, waiting_sentence
from vaultlink.resolve import is_note


@dataclass(frozen=True, kw_only=True)
class Check(Repairing):
    """What `check` is told."""

    fix: Annotated[
        bool, option("--fix", help="Fix what can be fixed safely, as `vaultlink fix` does.")
    ] = False


class Answer(msgspec.Struct, array_like=True):
    """What a check says: results, the sentence beside them, the exit code. It is kept for a run that asks the same."""

    results: bytes
    sentence: str
    code: int


def check(options: Check) -> int:
    """Check the vault's links and report what is wrong.

    The whole vault is always read, since links are a matter of the whole. Nothing is written without --fix. The exit
    code is 0 if all is well, 1 if there are findings, 2 if the command or a setting can't be followed. Findings that the
    vault's baseline knows (`vaultlink baseline`) are counted only.

    Forms: full (on a terminal), concise (elsewhere), json, json-lines, and for other programs github, gitlab, sarif, junit,
    markdown.
    """
    if options.fix or options.diff:
        from vaultlink.cli.fix import run  # noqa: PLC0415 - only where something is fixed

        return run(options)
    begun = time.perf_counter()
    terminal = Terminal(options)
    form = terminal.form(FORMS, "full", "concise")
    seen = surveyed(options, start_of(options))
    terminal.ready(seen.root)
    warn(seen, terminal)
    chosen, gate = chosen_of(options, seen.root), gate_of(options, seen)
    cache = None if stands_in(options) else seen.cache()
    asked_for = repr(
        (
            form,
            terminal.palette,
            terminal.room,
            chosen,
            options.statistics,
            options.fail_on,
            options.exit_zero,
            gate.sign,
        )
    )
    question = seen.question("check", asked_for) if cache else None
    answer = _kept(cache.answer(question)) if cache and question else None
    if answer is None:
        answer = _answer(options, terminal, form, seen, (chosen, gate))
        if cache and question:
            cache.keep_answer(question, msgspec.msgpack.encode(answer))
    terminal.show(answer.results)
    terminal.say(answer.sentence)
    terminal.detail(_details(seen, time.perf_counter() - begun))
    return answer.code


def _kept(data: bytes | None) -> Answer | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=Answer)
    except (msgspec.MsgspecError, ValueError):
        return None


def _answer(
    options: Check, terminal: Terminal, form: str, seen: Survey, asked: tuple[Sequence[str], Gate]
) -> Answer:
    wanted, gate = within(asked[0]), asked[1]
    vault = with_standing(options, read(seen, terminal))
    found = sift(vault.state.diagnostics, gate.known(vault), vault.text, wanted)
    shown = results(options, terminal, form, vault, found)
    notes = sum(is_note(path) and wanted(path) for path in vault.index.files)
    sentences = [
        summary(found.new, notes, found.debts),
        *map(debt_sentence, found.debts),
        waiting_sentence(found.new),
    ]
    return Answer(
        shown if isinstance(shown, bytes) else shown.encode("utf-8", "surrogateescape"),
        "\n".join(filter(None, sentences)),
        code(options, found.new),
    )


def _details(seen: Survey, seconds: float) -> str:
    settings = ", ".join(layer.source for layer in seen.layers) or "defaults"
    return f"{seen.root}: settings from {settings}; {len(seen.listing.files):,} files, {seconds:.2f} s."
