"""`vaultlink fix`: repairs on disk, what was done on stdout and stderr, what remains in the exit code."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from vaultlink.api import Vault
from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.gating import changed, gate_of, picked
from vaultlink.cli.opening import read, surveyed, vault_root, warn, within
from vaultlink.cli.options import Repairing, option
from vaultlink.cli.results import FORMS, code, results
from vaultlink.cli.standing import chosen_of, stands_in, start_of, with_standing
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.writing import alone, left_alone, refused, write_repair
from vaultlink.errors import UsageError
from vaultlink.fixing.choice import Repaired, allowed
from vaultlink.fixing.repair import Repair
from vaultlink.fixing.sources import Answers
from vaultlink.gate import Known, Sifted, sift
from vaultlink.mending import remaining
from vaultlink.report.debts import debt_sentence
from vaultlink.report.diffs import unified
from vaultlink.report.findings import summary
from vaultlink.report.repairs import (
    counted,
    examples,
    fixed_row,
    fixed_sentence,
    left_rows,
    withheld_sentence,
)
from vaultlink.resolve import is_note
from vaultlink.writing import Outcome


@dataclass(frozen=True, kw_only=True)
class Fix(Repairing):
    """What `fix` is told."""

    interactive: Annotated[
        bool,
        option(
            "-i",
            "--interactive",
            help="Go through the findings one by one and choose what is done.",
        ),
    ] = False


def fix(options: Fix) -> int:
    """Fix what can be fixed safely, backlinks sections included.

    A safe fix changes where no link leads but those it is about, and no word that a link shows. Every run can be undone
    with `vaultlink undo`. A note that changes meanwhile, is read-only or in a sync conflict is left alone and named. What
    remains is reported as by `vaultlink check`. The exit code is 0 if nothing remains, 1 if there are findings or notes
    left alone (with --diff: if anything would change), 2 if the command or a setting can't be followed.

    With --changed-since only what the changes since that revision brought about is fixed. A text on standard input is printed as
    fixing leaves it, and nothing is written.

    Forms: full (on a terminal: what was done), concise (elsewhere: what remains), json, json-lines, github, gitlab, sarif, junit,
    markdown.
    """
    return run(options)


def run(options: Repairing) -> int:
    """Fix the vault, or print what fixing would change. Only one run writes in a vault at a time; somebody who takes time
    to choose, or to read what was done, is waited for by nobody."""
    terminal = Terminal(options)
    form = terminal.form(FORMS, "full", "concise")
    asking, standing = isinstance(options, Fix) and options.interactive, stands_in(options)
    if asking and standing:
        raise UsageError(
            "--interactive asks on standard input, --stdin-filename reads a note from it: choose one."
        )
    if options.diff or asking or standing:
        done = _fixed(options, terminal, asking)
    else:
        with alone(terminal, vault_root(options, start_of(options))):
            done = _fixed(options, terminal, asking)
    if done.repair.breach:
        return refused(done.repair.breach)
    if done.outcome:
        return _told(options, terminal, form, done)
    return (
        differences(terminal, done.vault, done.repair)
        if options.diff
        else _stood_in(options, terminal, done)
    )


class _Done(NamedTuple):
    """A vault, what is known of its findings, its repair, and what became of that on disk: nothing where it is only looked at,
    or was refused."""

    vault: Vault
    known: Sequence[Known]
    repair: Repair
    outcome: Outcome | None


def _fixed(options: Repairing, terminal: Terminal, asking: bool) -> _Done:
    """Work a repair out and, unless it is only to be looked at, write it."""
    seen = surveyed(options, start_of(options))
    terminal.ready(seen.root)
    warn(seen, terminal)
    gate = gate_of(options, seen)
    vault = with_standing(options, read(seen, terminal))
    known, wanted, answers = (
        gate.known(vault),
        within(chosen_of(options, seen.root)),
        answers_of(options, seen.root),
    )
    if asking:
        from vaultlink.cli.interactive import choose  # noqa: PLC0415 - only where somebody answers

        asked = sift(vault.state.diagnostics, changed(known), vault.text, wanted).new
        repair = vault.mend(choose(asked, terminal, vault, answers or Answers()))
    else:
        repair = vault.repair(
            allowed(vault.rules, vault.config, unsafe=options.unsafe_fixes, wanted=wanted),
            answers,
            picked(known, vault, wanted),
        )
    if repair.breach or options.diff or stands_in(options):
        return _Done(vault, known, repair, None)
    with alone(terminal, seen.root) if asking else nullcontext():
        outcome = write_repair(
            terminal, vault, repair, fixed_sentence(counted(repair.made), len(repair.texts))
        )
    return _Done(vault, known, repair, outcome)


def _told(options: Repairing, terminal: Terminal, form: str, done: _Done) -> int:
    """Tell what was done, what was left alone and what remains."""
    repair, outcome = done.repair, done.outcome
    assert outcome
    after = done.vault.after(remaining(repair, outcome.refused))
    left = _left(options, done, after)
    early, late = (
        _reached(made, outcome)
        for made in (repair.made[: repair.first], repair.made[repair.first :])
    )
    made = early + late
    row = fixed_row(made, outcome.written, outcome.run, left_rows(outcome.refused))
    shown = form == "full" and not options.statistics
    if shown:
        terminal.show(examples(made, len(early), repair.texts, terminal.room, terminal.palette))
    else:
        terminal.show(results(options, terminal, form, after, left, {"fixed": row}))
    left_alone(terminal, outcome.refused)
    fixed = fixed_sentence(row.by_rule, row.notes, told=shown) + (
        " `vaultlink undo` takes it back." if row.run else ""
    )
    for sentence in (
        fixed,
        withheld_sentence(left.new, options.unsafe_fixes),
        *_summed_up(after, left),
    ):
        if sentence:
            terminal.say(sentence)
    return max(code(options, left.new), FOUND if outcome.refused else CLEAN)


def _left(options: Repairing, done: _Done, after: Vault) -> Sifted:
    """What is still found, in the paths that the command is about."""
    return sift(
        after.state.diagnostics, done.known, after.text, within(chosen_of(options, after.root))
    )


def _summed_up(after: Vault, left: Sifted) -> list[str]:
    return [
        summary(left.new, sum(map(is_note, after.index.files)), left.debts),
        *map(debt_sentence, left.debts),
    ]


def _stood_in(options: Repairing, terminal: Terminal, done: _Done) -> int:
    """Print the text that stood in for a note as fixing would leave it; tell what remains."""
    [(path, data)] = done.vault.held.items()
    fixed = (
        done.vault.stored(path, done.repair.texts[path][1]) if path in done.repair.texts else data
    )
    after = done.vault.after(done.repair.after)
    after.held = {path: fixed}
    left = _left(options, done, after)
    terminal.show(fixed)
    left_alone(terminal, done.vault.spared(done.repair))
    for sentence in (
        fixed_sentence(counted(done.repair.made), len(done.repair.texts)),
        *_summed_up(after, left),
    ):
        if sentence:
            terminal.say(sentence)
    return code(options, left.new)


def _reached(made: Sequence[Repaired], outcome: Outcome) -> list[Repaired]:
    """The fixes that reached the disk."""
    paths = frozenset(outcome.written)
    return [(item, fix) for item, fix in made if any(edit.path in paths for edit in fix.edits)]


def answers_of(options: Repairing, root: Path) -> Answers | None:
    """What to do about dangling topics; None if nothing."""
    if not options.unsafe_fixes:
        for name, given in (
            ("--unlink", options.unlink),
            ("--create", options.create),
            ("--template", options.template),
        ):
            if given:
                raise UsageError(f"{name} is an unsafe fix: it needs --unsafe-fixes too.")
        return None
    template = Answers().template
    if options.template:
        try:
            template = options.template.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--template: {options.template} can't be read: {error}.") from None
    folder = _folder(options.create, root) if options.create else None
    return Answers(options.unlink, folder, template)


def _folder(given: Path, root: Path) -> str:
    """A folder in the vault, that need not be there yet, as a vault path with a slash behind it ("" for the root)."""
    place = (given if given.is_absolute() else root / given).resolve()
    if not place.is_relative_to(root):
        raise UsageError(f"--create: {given} lies outside the vault {root}.")
    path = place.relative_to(root).as_posix()
    if any(part.startswith(".") for part in place.relative_to(root).parts):
        raise UsageError(
            f"--create: Obsidian sees nothing in {path}, since its name begins with a dot."
        )
    return "" if path == "." else f"{path}/"


def differences(terminal: Terminal, vault: Vault, repair: Repair) -> int:
    """Print what would be written."""
    terminal.show(
        unified([(path, *texts) for path, texts in sorted(repair.texts.items())], terminal.palette)
    )
    left_alone(terminal, vault.spared(repair))
    terminal.say(fixed_sentence(counted(repair.made), len(repair.texts), would=True))
    return FOUND if repair.texts else CLEAN
