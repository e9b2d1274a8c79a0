"""`vaultlink fix`: repairs on disk, what was done on stdout and stderr, what remains in the exit code."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from vaultlink.api import Vault
from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.opening import narrowed, read, surveyed, vault_root, warn, within
from vaultlink.cli.options import Repairing, UsageError, option
from vaultlink.cli.results import FORMS, code, results
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.writing import alone, left_alone, refused, write_repair
from vaultlink.fixing.choice import Repaired, allowed
from vaultlink.fixing.repair import Repair
from vaultlink.fixing.sources import Answers
from vaultlink.mending import remaining
from vaultlink.report.diffs import unified
from vaultlink.report.findings import summary
from vaultlink.report.repairs import counted, examples, fixed_row, fixed_sentence, left_rows, withheld_sentence
from vaultlink.resolve import is_note
from vaultlink.writing import Outcome


@dataclass(frozen=True, kw_only=True)
class Fix(Repairing):
    """What `fix` is told."""

    interactive: Annotated[bool, option(
        "-i", "--interactive", help="Go through the findings one by one and choose what is done.")] = False


def fix(options: Fix) -> int:
    """Fix what can be fixed safely, backlinks sections included.

    A safe fix changes where no link leads but those it is about, and no word that a link shows. Every run can be undone
    with `vaultlink undo`. A note that changes meanwhile, is read-only or in a sync conflict is left alone and named. What
    remains is reported as by `vaultlink check`. The exit code is 0 if nothing remains, 1 if there are findings or notes
    left alone (with --diff: if anything would change), 2 if the command or a setting can't be followed.

    Forms: full (on a terminal: what was done), concise (elsewhere: what remains), json, json-lines.
    """
    return run(options)


def run(options: Repairing) -> int:
    """Fix the vault, or print what fixing would change. Only one run writes in a vault at a time; somebody who takes time
    to choose, or to read what was done, is waited for by nobody."""
    terminal = Terminal(options)
    form = terminal.form(FORMS, "full", "concise")
    asking = isinstance(options, Fix) and options.interactive
    if options.diff or asking:
        vault, repair, outcome = _fixed(options, terminal, asking)
    else:
        root = vault_root(options, options.paths[0] if options.paths else None)
        with alone(terminal, root):
            vault, repair, outcome = _fixed(options, terminal, asking)
    if repair.breach:
        return refused(repair.breach)
    return _told(options, terminal, form, vault, (repair, outcome)) if outcome else differences(terminal, vault, repair)


def _fixed(options: Repairing, terminal: Terminal, asking: bool) -> tuple[Vault, Repair, Outcome | None]:
    """The vault, its repair, and what became of that on disk: nothing where it is only looked at, or was refused."""
    seen = surveyed(options, options.paths[0] if options.paths else None)
    terminal.ready(seen.root)
    warn(seen, terminal)
    vault = read(seen, terminal)
    wanted = within(narrowed(seen.root, options.paths))
    answers = answers_of(options, seen.root)
    if asking:
        from vaultlink.cli.interactive import choose  # noqa: PLC0415 - only where somebody answers

        repair = vault.mend(choose(options, terminal, vault, answers or Answers()))
    else:
        repair = vault.repair(allowed(vault.rules, vault.config, unsafe=options.unsafe_fixes, wanted=wanted), answers)
    if repair.breach or options.diff:
        return vault, repair, None
    with alone(terminal, seen.root) if asking else nullcontext():
        return vault, repair, write_repair(terminal, vault, repair, fixed_sentence(counted(repair.made), len(repair.texts)))


def _told(options: Repairing, terminal: Terminal, form: str, vault: Vault, done: tuple[Repair, Outcome]) -> int:
    """Tell what was done, what was left alone and what remains."""
    repair, outcome = done
    wanted = within(narrowed(vault.root, options.paths))
    after = vault.after(remaining(repair, outcome.refused))
    left = [item for item in after.diagnostics() if wanted(item.path)]
    early, late = (_reached(made, outcome) for made in (repair.made[:repair.first], repair.made[repair.first:]))
    made = early + late
    row = fixed_row(made, outcome.written, outcome.run, left_rows(outcome.refused))
    shown = form == "full" and not options.statistics
    if shown:
        terminal.show(examples(made, len(early), repair.texts, terminal.room, terminal.palette))
    else:
        terminal.show(results(options, terminal, form, after, left, {"fixed": row}))
    left_alone(terminal, outcome.refused)
    fixed = fixed_sentence(row.by_rule, row.notes, told=shown) + (" `vaultlink undo` takes it back." if row.run else "")
    for sentence in (fixed, withheld_sentence(left, options.unsafe_fixes), summary(left, sum(map(is_note, after.index.files)))):
        if sentence:
            terminal.say(sentence)
    return max(code(options, left), FOUND if outcome.refused else CLEAN)


def _reached(made: Sequence[Repaired], outcome: Outcome) -> list[Repaired]:
    """The fixes that reached the disk."""
    paths = frozenset(outcome.written)
    return [(item, fix) for item, fix in made if any(edit.path in paths for edit in fix.edits)]


def answers_of(options: Repairing, root: Path) -> Answers | None:
    """What to do about dangling topics; None if nothing."""
    if not options.unsafe_fixes:
        for name, given in (("--unlink", options.unlink), ("--create", options.create), ("--template", options.template)):
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
        raise UsageError(f"--create: Obsidian sees nothing in {path}, since its name begins with a dot.")
    return "" if path == "." else f"{path}/"


def differences(terminal: Terminal, vault: Vault, repair: Repair) -> int:
    """Print what would be written."""
    terminal.show(unified([(path, *texts) for path, texts in sorted(repair.texts.items())], terminal.palette))
    left_alone(terminal, vault.spared(repair))
    terminal.say(fixed_sentence(counted(repair.made), len(repair.texts), would=True))
    return FOUND if repair.texts else CLEAN
