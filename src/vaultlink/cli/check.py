"""`vaultlink check`: findings on stdout, what they come to on stderr and in the exit code."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from vaultlink import __version__
from vaultlink.api import Survey, Vault
from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.opening import narrowed, read, suggestions, surveyed, warn, within
from vaultlink.cli.options import Choosing, option, words
from vaultlink.cli.terminal import Terminal
from vaultlink.model import Diagnostic, Severity
from vaultlink.report.documents import document, json_lines
from vaultlink.report.findings import by_rule, concise, statistics, summary
from vaultlink.report.frames import Frames
from vaultlink.report.listings import wording
from vaultlink.report.records import finding_rows
from vaultlink.resolve import is_note

FORMS = ("full", "concise", "json", "json-lines")


@dataclass(frozen=True, kw_only=True)
class Check(Choosing):
    """What `check` is told."""

    paths: Annotated[tuple[Path, ...], words(
        "PATHS", "Files and folders; only what is found in them is reported.")] = ()
    statistics: Annotated[bool, option("--statistics", help="Count findings by rule instead of listing them.")] = False
    fail_on: Annotated[str, option(
        "--fail-on", choices=("error", "warning", "info", "never"), help="The mildest finding that ends with 1.",
    )] = "warning"
    exit_zero: Annotated[bool, option("--exit-zero", help="End with 0 even if there are findings.")] = False


class Answer(msgspec.Struct, array_like=True):
    """What a check says: results, the sentence beside them, the exit code. It is kept for a run that asks the same."""

    results: bytes
    sentence: str
    code: int


def check(options: Check) -> int:
    """Check the vault's links and report what is wrong.

    The whole vault is always read, since links are a matter of the whole. Nothing is written. The exit code is 0 if
    all is well, 1 if there are findings, 2 if the command or a setting can't be followed.

    Forms: full (on a terminal), concise (elsewhere), json, json-lines.
    """
    begun = time.perf_counter()
    terminal = Terminal(options)
    form = terminal.form(FORMS, "full", "concise")
    seen = surveyed(options, options.paths[0] if options.paths else None)
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
    results = _results(options, terminal, form, vault, diagnostics)
    notes = sum(is_note(path) and wanted(path) for path in vault.index.files)
    return Answer(results if isinstance(results, bytes) else results.encode("utf-8", "surrogateescape"),
                  summary(diagnostics, notes), _code(options, diagnostics))


def _results(options: Check, terminal: Terminal, form: str, vault: Vault,
             diagnostics: Sequence[Diagnostic]) -> str | bytes:
    if form == "json":
        figures = {**vault.summary(), "findings": len(diagnostics), "fixable": 0, "unsafe_fixable": 0,
                   "by_rule": by_rule(diagnostics)}
        head = {"version": __version__, "vault": str(vault.root), "summary": figures}
        return document(head, "findings", finding_rows(diagnostics, vault.text, suggestions(vault, diagnostics)))
    if form == "json-lines":
        return json_lines(finding_rows(diagnostics, vault.text, suggestions(vault, diagnostics)))
    if options.statistics:
        return statistics(diagnostics, terminal.palette)
    if form == "concise":
        return concise(diagnostics, terminal.palette)
    frames = Frames(vault.text, suggestions(vault, diagnostics), wording(vault.index), terminal.room, terminal.palette)
    return frames.render(diagnostics)


def _code(options: Check, diagnostics: Sequence[Diagnostic]) -> int:
    if options.exit_zero or options.fail_on == "never":
        return CLEAN
    mildest = Severity(options.fail_on).rank
    failing = {severity for severity in Severity if severity.rank >= mildest}
    return FOUND if any(d.severity in failing for d in diagnostics) else CLEAN


def _details(seen: Survey, seconds: float) -> str:
    settings = ", ".join(layer.source for layer in seen.layers) or "defaults"
    return f"{seen.root}: settings from {settings}; {len(seen.listing.files):,} files, {seconds:.2f} s."
