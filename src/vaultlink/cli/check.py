"""`vaultlink check`: findings on stdout, what they come to on stderr and in the exit code."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from vaultlink.api import Survey
from vaultlink.cli.opening import narrowed, read, surveyed, warn, within
from vaultlink.cli.options import Repairing, option
from vaultlink.cli.results import FORMS, code, results
from vaultlink.cli.terminal import Terminal
from vaultlink.report.findings import summary, waiting_sentence
from vaultlink.resolve import is_note


@dataclass(frozen=True, kw_only=True)
class Check(Repairing):
    """What `check` is told."""

    fix: Annotated[bool, option("--fix", help="Fix what can be fixed safely, as `vaultlink fix` does.")] = False


class Answer(msgspec.Struct, array_like=True):
    """What a check says: results, the sentence beside them, the exit code. It is kept for a run that asks the same."""

    results: bytes
    sentence: str
    code: int


def check(options: Check) -> int:
    """Check the vault's links and report what is wrong.

    The whole vault is always read, since links are a matter of the whole. Nothing is written without --fix. The exit
    code is 0 if all is well, 1 if there are findings, 2 if the command or a setting can't be followed.

    Forms: full (on a terminal), concise (elsewhere), json, json-lines.
    """
    if options.fix or options.diff:
        from vaultlink.cli.fix import run  # noqa: PLC0415 - only where something is fixed

        return run(options)
    begun = time.perf_counter()
    terminal = Terminal(options)
    form = terminal.form(FORMS, "full", "concise")
    seen = surveyed(options, options.paths[0] if options.paths else None)
    terminal.ready(seen.root)
    warn(seen, terminal)
    chosen = narrowed(seen.root, options.paths)
    cache = seen.cache()
    asked = repr((form, terminal.palette, terminal.room, chosen, options.statistics, options.fail_on,
                  options.exit_zero))
    question = seen.question("check", asked) if cache else None
    answer = _kept(cache.answer(question)) if cache and question else None
    if answer is None:
        answer = _answer(options, terminal, form, seen, chosen)
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


def _answer(options: Check, terminal: Terminal, form: str, seen: Survey, chosen: Sequence[str]) -> Answer:
    vault, wanted = read(seen, terminal), within(chosen)
    diagnostics = [d for d in vault.diagnostics() if wanted(d.path)]
    found = results(options, terminal, form, vault, diagnostics)
    notes = sum(is_note(path) and wanted(path) for path in vault.index.files)
    sentences = [summary(diagnostics, notes), waiting_sentence(diagnostics)]
    return Answer(found if isinstance(found, bytes) else found.encode("utf-8", "surrogateescape"),
                  "\n".join(filter(None, sentences)), code(options, diagnostics))


def _details(seen: Survey, seconds: float) -> str:
    settings = ", ".join(layer.source for layer in seen.layers) or "defaults"
    return f"{seen.root}: settings from {settings}; {len(seen.listing.files):,} files, {seconds:.2f} s."
