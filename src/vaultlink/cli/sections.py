"""`vaultlink backlinks` with --write, --check, --diff, --adopt or --remove: the sections of a vault are kept, on disk."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.listing import form, print_document, print_lines, print_rows
from vaultlink.cli.opening import found, read, surveyed, vault_root, warn
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.writing import alone, left_alone, refused, write_repair
from vaultlink.errors import UsageError
from vaultlink.fixing.repair import Repair
from vaultlink.fixing.sections_runs import RULES, Keeping, Once, adopting, removing
from vaultlink.report.diffs import unified
from vaultlink.report.layout import number
from vaultlink.resolve import is_note
from vaultlink.writing import Refusal

if TYPE_CHECKING:
    from vaultlink.cli.backlinks_options import Backlinks


class Kept(msgspec.Struct, frozen=True):
    """A note that is or would be changed, and what is done to its section."""

    path: str
    change: str


_ADOPTED, _REMOVED = "adopted", "taken out"


def keep(options: "Backlinks") -> int:
    """Write, adopt or take out sections, or say what that would change."""
    _refuse_clashes(options)
    terminal = Terminal(options)
    shape = form(terminal)
    root = None if options.check or options.diff else vault_root(options)
    with alone(terminal, root) if root else nullcontext():
        repair, rows, left = _kept(options, terminal)
    if repair.breach:
        return refused(repair.breach)
    return _told(options, terminal, shape, (repair, rows, left))


def _refuse_clashes(options: "Backlinks") -> None:
    given = [
        name
        for name, on in (
            ("--write", options.write),
            ("--adopt", options.adopt),
            ("--remove", options.remove),
        )
        if on
    ]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} can't be followed at once: choose one.")


def _overrides(options: "Backlinks") -> Mapping[str, Any]:
    """The settings of this run: only what is about sections is checked, and notes without one are to have one."""
    given = {
        "style": options.style,
        "heading": options.heading,
        "entries": options.entries,
        "order": options.order,
    }
    return {
        "select": list(RULES),
        "backlinks": {"mode": "write", **{key: value for key, value in given.items() if value}},
    }


def _kept(
    options: "Backlinks", terminal: Terminal
) -> tuple[Repair, list[Kept], tuple[Refusal, ...]]:
    """What sections come to, the notes that are or would be changed, and those left alone, each with why."""
    seen = surveyed(options, overrides=_overrides(options))
    terminal.ready(seen.root)
    warn(seen, terminal)
    vault = read(seen, terminal)
    note = found(vault, options.note) if options.note is not None else None
    if note is not None and not is_note(note):
        raise UsageError(f"{note} is no note, so it can't hold a section.")
    repair = vault.tend(_asked(options, lambda path: note in (None, path)))
    rows = [Kept(path, change) for path, change in sorted(_changes(options, repair).items())]
    if repair.breach or options.check or options.diff:
        return repair, rows, vault.spared(repair)
    outcome = write_repair(terminal, vault, repair, _sentence(options, rows, "were"))
    return repair, [row for row in rows if row.path in outcome.written], outcome.refused


def _told(
    options: "Backlinks",
    terminal: Terminal,
    shape: str,
    done: tuple[Repair, list[Kept], tuple[Refusal, ...]],
) -> int:
    """Tell what was done, or would be, and what was left alone."""
    repair, rows, left = done
    if options.diff:
        terminal.show(
            unified(
                [(path, *texts) for path, texts in sorted(repair.texts.items())], terminal.palette
            )
        )
    else:
        _show(terminal, shape, rows)
    left_alone(terminal, left)
    written = bool(rows) and not (options.check or options.diff)
    if rows or not left:
        terminal.say(
            _sentence(options, rows, "were" if written else "would be")
            + (" `vaultlink undo` takes it back." if written else "")
        )
    would = bool(rows) and not written
    return FOUND if left or would else CLEAN


def _asked(options: "Backlinks", chosen: Callable[[str], bool]) -> Keeping | Once:
    if options.remove:
        return removing(chosen)
    return adopting(chosen) if options.adopt else Keeping(chosen)


def _changes(options: "Backlinks", repair: Repair) -> dict[str, str]:
    """What becomes of the section of each note that changes."""
    changes = {}
    for path in repair.texts:
        before, after = (
            repair.before.index.notes[path].sections,
            repair.after.index.notes[path].sections,
        )
        if options.adopt:
            changes[path] = _ADOPTED
        elif options.remove or len(after) < len(before):
            changes[path] = _REMOVED
        else:
            changes[path] = "written" if len(after) > len(before) else "brought in step"
    return changes


def _show(terminal: Terminal, shape: str, rows: list[Kept]) -> None:
    if shape == "json":
        print_document(terminal, {}, "sections", rows)
    elif shape == "tsv":
        print_lines(terminal, [(row.path, row.change) for row in rows])
    elif rows:
        print_rows(terminal, ("note", "section"), [(row.path, row.change) for row in rows], "")


def _sentence(options: "Backlinks", rows: list[Kept], were: str) -> str:
    """What was done, or would be, in a sentence."""
    kinds = ("written", "brought in step", _REMOVED, _ADOPTED)
    counts = [(kind, sum(row.change == kind for row in rows)) for kind in kinds]
    if not any(count for _, count in counts):
        what = (
            "to be adopted"
            if options.adopt
            else "to be taken out"
            if options.remove
            else "to be written or changed"
        )
        return f"No section is there {what}."
    (kind, count), *others = [(kind, count) for kind, count in counts if count]
    verb = "was" if were == "were" and count == 1 else were
    return (
        ", ".join(
            [
                f"{number(count, 'section')} {verb} {kind}",
                *(f"{count:,} {kind}" for kind, count in others),
            ]
        )
        + "."
    )
