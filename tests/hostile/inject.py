"""Break a command at each call that changes files, and check what is left.

Prints JSON: the number of calls and of faults, and a line for each violation. `all_faults.py`
starts this, with the library that makes the faults. What must hold after each fault, whichever it is:

- every file has the bytes from before or those from after a complete run, and none is lost;
- exit code 0 means that all was done; no error is an internal one, and no lock is left;
- after the next command that writes, the whole vault is as before or as after a complete run,
  without temporary files;
- the command run again then gives what one run would have given;
- `undo` in place of that command reverts this run, and not the one before it;
- undoing all runs restores every byte;
- if the files of a run can't be written any more, `undo` and the next command that writes lose no
  word, and the latter does nothing by half; afterwards, all can be undone;
- `clean` has removed nothing but caches and, only if that is asked for, the records of the oldest
  runs; the next check finds what one without a cache finds.

An undo that meets an error, unlike a killed one, skips what it can't restore. It can be repeated.
Faults after which an empty folder is left are counted, and are no violation.
"""

import argparse
import fcntl
import gc
import io
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from fault_scenarios import (
    CHANGES,
    CHECK,
    FIX_NOTHING,
    LINKS,
    MANY,
    SCENARIOS,
    UNDO,
    VAULT,
    Line,
    Scenario,
)
from faults import (
    BLOCKING_MODES,
    KILLS,
    MODES,
    NO_FAULT,
    USER_MODES,
    WRITE_MODES,
    Fault,
    FaultyRun,
    run_forked,
    run_program,
)

from running import write_files
from vaultlink import UsageError, open_vault, read_request
from vaultlink.__main__ import main
from vaultlink.cli.command_table import COMMANDS
from vaultlink.disk.scan import parse_leftover_name
from vaultlink.errors import JournalError
from vaultlink.watch.environment import AutoFixer
from vaultlink.watch.events import Debounce

Contents = dict[str, bytes]
HIDDEN_NAME = ".moving-vaultlink-"
"""Begins the names of files that exchange names, for a moment."""


def list_contents(root: Path) -> Contents:
    """Return the bytes of every file of a vault, hidden ones included; folders end with a slash."""
    return {
        file.relative_to(root).as_posix() + "/" * file.is_dir(): b""
        if file.is_dir()
        else file.read_bytes()
        for file in sorted(root.rglob("*"))
        if ".git/" not in file.as_posix()
    }


def is_leftover(path: str) -> bool:
    """Return True for a temporary file of vaultlink."""
    return parse_leftover_name(path.rpartition("/")[2]) is not None


def without_folders(contents: Contents) -> Contents:
    """Return only the files."""
    return {path: content for path, content in contents.items() if path[-1] != "/"}


EMPTY = "an empty folder is left"
"""Begins what is no violation: an error that lasts can prevent that a folder is removed."""


def compare(what: str, found: Contents, *allowed: Contents) -> list[str]:
    """Return a line if the contents differ from all that are allowed, with the paths."""
    if found in allowed:
        return []
    wanted = allowed[-1]
    paths = ", ".join(sorted(p for p in {*found, *wanted} if found.get(p) != wanted.get(p)))
    is_whole = without_folders(found) in map(without_folders, allowed)
    return [f"{EMPTY}, {what}: {paths}" if is_whole else f"{what}: {paths}"]


class Expected(NamedTuple):
    """The contents of a vault: before a command, after it, and after an undo at either time."""

    before: Contents
    after: Contents
    undone_before: Contents
    undone_after: Contents


class Bench:
    """A vault that is set up again for each fault.

    With `is_program`, the program is started for each fault; see faults.py.
    """

    def __init__(self, folder: Path, scenario: Scenario, notes: int = 0, *, is_program: bool):
        self.folder, self.root = folder / "work", folder / "work" / "vault"
        self.scenario, self.is_program = scenario, is_program
        os.environ["VAULTLINK_STATE_DIR"] = str(self.folder / "state")
        os.environ["VAULTLINK_CACHE_DIR"] = str(self.folder / "cache")
        os.environ["XDG_DATA_HOME"] = str(self.folder / "data")  # has the trash of the system
        files = {f"many/{number % 40}/Number {number}.md": MANY for number in range(notes)}
        write_files(self.root, {**VAULT, **files, **scenario.files})
        if "github" in scenario.line:  # the workflow belongs to a repository
            (self.root / ".git").mkdir()
        self.original = list_contents(self.root)
        for line in scenario.before:
            self.run(line)
        self.records = self.list_records()
        self._save()
        self._kill = self._choose_kill() if scenario.killed else NO_FAULT
        self.calls, self.expected = self._measure()

    def _choose_kill(self) -> Fault:
        """Choose the middle one of the changes that a command makes to the vault."""
        calls = self.run(self.scenario.killed or ()).calls
        first = {call: number for number, call in reversed([*enumerate(calls, 1)])}
        changes = sorted(
            number
            for call, number in first.items()
            if call.startswith(("rename", "link", "unlink")) and " vault/" in call
        )
        return Fault("kill", changes[len(changes) // 2])

    def _measure(self) -> tuple[tuple[str, ...], Expected]:
        self.reset()
        before = list_contents(self.root)
        calls, after = self.run(self.scenario.line).calls, list_contents(self.root)
        undone = []
        for lines in ((UNDO,), (self.scenario.line, UNDO)):
            self.reset()
            for line in lines:
                self.run(line)
            undone.append(list_contents(self.root))
        return calls, Expected(before, after, *undone)

    def _save(self) -> None:
        shutil.copytree(self.folder, self.folder.with_name("pristine"))

    def reset(self) -> None:
        """Bring back the vault, journal and cache as they were before the command.

        What a kill left is not copied but made again: a copy has other inodes.
        """
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_name("pristine"), self.folder)
        if self.scenario.killed:
            self.run(self.scenario.killed, self._kill)

    def run(self, line: Line, fault: Fault = NO_FAULT) -> FaultyRun:
        """Run a command in the vault."""
        if line[0] == "watch":
            return run_forked(self._watch_once, fault, self.folder)
        if line[0] == CHANGES:
            return run_forked(lambda: self._make_changes(line[1:]), fault, self.folder)
        words = [*line, "--vault", str(self.root)]
        if self.is_program and fault != NO_FAULT:
            return run_program(words, fault, self.folder, self.root)
        return run_forked(lambda: self._run_here(words), fault, self.folder)

    def _run_here(self, words: Sequence[str]) -> int:
        os.chdir(self.root)
        return main(words)

    def _watch_once(self) -> int:
        """Fix once as the watcher does in its first pause."""
        fixer = AutoFixer(Debounce(), "vaultlink watch --fix", writing=True)
        for _ in range(3):
            attempt = fixer.attempt_fix(open_vault(self.root), time.monotonic())
            if not attempt.is_outdated:  # else it reverted an interrupted run
                break
        return 2 if attempt.error else 0

    def _make_changes(self, changes: Sequence[str]) -> int:
        """Plan changes and apply them as one plan, as a program does."""
        requests = [read_request(json.loads(change)) for change in changes]
        for _ in range(3):
            vault = open_vault(self.root)
            try:
                result = vault.apply(vault.plan(*requests))
            except (JournalError, UsageError) as error:
                sys.stdout.write(f"{error}\n")
                return 2
            if not result.is_outdated:  # else it reverted an interrupted run
                break
        sys.stdout.write(f"{result}\n")
        return 0 if result.run_id and not result.skipped else 2

    def undo_all(self) -> Contents:
        """Undo runs until none is left, and return the contents."""
        for _ in range(20):
            if "nothing to undo" in self.run(UNDO).output:
                break
        return list_contents(self.root)

    def list_records(self) -> list[str]:
        """Return the names of the recorded runs, the oldest first."""
        return sorted(file.name for file in self.folder.glob("state/*/*.run"))

    def is_locked(self) -> bool:
        """Return True if a process holds the write lock."""
        for file in self.folder.glob("state/*/lock"):
            with file.open("rb") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
        return False


# -- what must hold after a fault -------------------------------------------------------------------------------------


def check_fault(bench: Bench, fault: Fault) -> list[str]:
    """Return the violations after a fault."""
    bench.reset()
    run = bench.run(bench.scenario.line, fault)
    state = list_contents(bench.root)
    call = f"{fault.mode} at {fault.number}, {bench.calls[fault.number - 1]} (exit code {run.code})"
    if fault.mode == "taken":
        return [f"{call}: {text}" for text in check_taken_names(bench, state)]
    if fault.mode in BLOCKING_MODES:
        return [f"{call}: {text}" for text in check_blocked_files(bench, state, fault)]
    if fault.mode == "copied":
        copy_vault(bench.root)
    found = check_broken(bench, run, state)
    if bench.scenario.cleans:
        found += check_cleaned(bench, run)
    found += check_next_command(bench, fault)
    if bench.scenario.has_journal:
        found += check_undo(bench, fault)
    return [f"{call}: {text}" for text in found]


def check_broken(bench: Bench, run: FaultyRun, state: Contents) -> list[str]:
    """Check the vault directly after the fault."""
    before, after = bench.expected.before, bench.expected.after
    found = []
    if run.code > 2 or "bug in vaultlink" in run.output or "Traceback" in run.output:
        found.append(f"internal error: {run.output}")
    kept = {path: content for path, content in state.items() if not is_leftover(path)}
    if run.code == 0 and bench.scenario.line[0] != "watch":
        found += compare("exit code 0, but not done", kept, after)
    if bench.is_locked():
        found.append("the lock is left")
    whole = {*before.values(), *after.values(), *bench.original.values()}
    found += [f"torn: {path}" for path, content in kept.items() if content not in whole]
    if not any(HIDDEN_NAME in path for path in state):
        both = {*before} & {*after}
        missing = [path for path in both if path not in state and path[-1] != "/"]
        kept_texts = {*kept.values()}  # of files that give their names to others, too
        found += [
            f"lost: {path}"
            for path in missing
            if kept_texts.isdisjoint((before[path], after[path]))
        ]
    return found


def check_cleaned(bench: Bench, run: FaultyRun) -> list[str]:
    """Check what `clean` removed outside of the vault, and what the next check finds."""
    found, left, records = [], bench.list_records(), bench.records
    takes_records = bench.scenario.removes_records
    if left != (records[len(records) - len(left) :] if takes_records else records):
        found.append(f"other records than the oldest are removed: {left} are left")
    if run.code == 0 and (any(bench.folder.glob("cache/*/*")) or (takes_records and left)):
        found.append("exit code 0, but not all is removed")
    cached, anew = bench.run(CHECK), bench.run((*CHECK, "--no-cache"))
    if cached.code > 1 or (cached.code, cached.output) != (anew.code, anew.output):
        found.append(f"the next check ends with {cached.code}: {cached.output}")
    return found


def check_next_command(bench: Bench, fault: Fault) -> list[str]:
    """Check the vault after the next command that writes, after another try, and after undo."""
    before, after = bench.expected.before, bench.expected.after
    line, found = bench.scenario.line, []
    bench.run(FIX_NOTHING)
    state = list_contents(bench.root)
    whole = (after,) if bench.scenario.killed else (before, after)
    if line != UNDO or fault.mode in KILLS:
        found += compare("half done after the next command", state, *whole)
    if without_folders(state) != without_folders(after):
        bench.run(line)
        found += compare("run again", list_contents(bench.root), after)
    if bench.scenario.has_journal:
        found += compare("undo of all", bench.undo_all(), bench.original)
    return found


def copy_vault(root: Path) -> None:
    """Replace a vault by a copy, whose files have other inodes."""
    copy = root.with_name("copy")
    shutil.copytree(root, copy)
    shutil.rmtree(root)
    copy.rename(root)


def check_undo(bench: Bench, fault: Fault) -> list[str]:
    """Check that `undo`, directly after the fault, reverts the interrupted run and no other."""
    bench.reset()
    bench.run(bench.scenario.line, fault)
    if fault.mode == "copied":
        copy_vault(bench.root)
    state = list_contents(bench.root)
    before, after, undone_before, undone_after = bench.expected
    allowed = [undone_before if bench.scenario.is_recovery else undone_after]
    files = without_folders(state)
    if bench.scenario.is_recovery and files == without_folders(after):
        allowed = [undone_after, after, *allowed]  # it was complete
    elif files == without_folders(before):
        allowed = [undone_before, *allowed]  # it said that nothing was written, or did not start
    bench.run(UNDO)
    found = compare("undo at once", list_contents(bench.root), *allowed)
    return [*found, *compare("undo at once, of all", bench.undo_all(), bench.original)]


NEW_NOTE = b"# A new note\n"


def list_links_to(bench: Bench, paths: Sequence[str]) -> set[str]:
    """Return the links of other files that lead to some files."""
    return {
        f"{link['raw']} in {link['path']} leads to the new file {link['resolved']}"
        for link in json.loads(bench.run(LINKS).output)["links"]
        if link["resolved"] in paths and link["path"] not in paths
    }


def check_taken_names(bench: Bench, state: Contents) -> list[str]:
    """Check that no link is changed to lead to files that the user makes at old paths.

    The user makes them after the kill. When they are removed again, all can be undone.
    """
    taken = [path for path in bench.expected.before if path not in state and path[-1] != "/"]
    write_files(bench.root, dict.fromkeys(taken, NEW_NOTE))
    by_name = list_links_to(bench, taken)  # two files have this name now
    bench.run(FIX_NOTHING)
    found = sorted(list_links_to(bench, taken) - by_name)
    for path in taken:
        if (bench.root / path).read_bytes() != NEW_NOTE:
            found.append(f"the new file is lost: {path}")
        (bench.root / path).unlink()
        for folder in (bench.root / path).parents:
            if f"{folder.relative_to(bench.root).as_posix()}/" in state or any(folder.iterdir()):
                break
            folder.rmdir()
    found += compare("undo of all", bench.undo_all(), bench.original)
    return found


def check_blocked_files(bench: Bench, state: Contents, fault: Fault) -> list[str]:
    """Check that nothing is lost or half done while files can't be written, and all is after."""
    before = bench.expected.before
    places = [
        bench.root / path
        for path, content in state.items()
        if path[-1] != "/" and content != before.get(path) and not is_leftover(path)
    ]
    other = bench.folder / "other"
    other.mkdir()
    for number, file in enumerate(places):
        block_file(file, other / str(number), fault)
    kept = {path: content for path, content in state.items() if not is_leftover(path)}
    found, goal = [], find_words(bench.original)
    for line in (FIX_NOTHING, UNDO):
        words = find_words(list_contents(bench.root)) & goal
        bench.run(line)
        now = list_contents(bench.root)
        if line == FIX_NOTHING:
            words &= find_words(before) & find_words(bench.expected.after)
            found += compare("half done after the next command", now, kept, *bench.expected)
        lost = words - find_words(now)
        found += [f"lost after {line[0]}: {word!r}" for word in sorted(lost)]
    for file in sorted(bench.root.rglob("*")):
        unblock_file(file)
    shutil.rmtree(other)
    bench.run(FIX_NOTHING)
    return [*found, *compare("undo of all", bench.undo_all(), bench.original)]


def find_words(contents: Contents) -> set[bytes]:
    """Return the words of all notes."""
    texts = (text for path, text in contents.items() if path.endswith(".md"))
    return {word for text in texts for word in re.findall(rb"[A-Za-z]{4,}", text)}


def block_file(file: Path, other: Path, fault: Fault) -> None:
    """Make a file read-only, link to it, or replace it by a copy."""
    if fault.mode == "read-only":
        file.chmod(0o444)
    elif fault.mode == "replaced":
        shutil.copy(file, other)
        other.replace(file)
    elif fault.number % 2:
        other.hardlink_to(file)
    else:
        file.rename(other)
        file.symlink_to(other)


def unblock_file(file: Path) -> None:
    """Make a file as it was before `block_file`; the second link is elsewhere."""
    if file.is_symlink():
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    if file.is_file():
        file.chmod(0o644)


def warm_up(folder: Path) -> None:
    """Import all modules that commands use, and run some, so that forked processes start fast."""
    for command in COMMANDS.values():
        command.load()
    for name in (
        "cli.check_output",
        "fix.sections",
        "watch.environment",
        "disk.load",
        "mentions.planning",
        "write.requests",
        "write.fixer",
        "write.system_calls",
    ):
        import_module(f"vaultlink.{name}")
    os.environ["VAULTLINK_STATE_DIR"] = os.environ["VAULTLINK_CACHE_DIR"] = str(folder)
    root = write_files(folder / "vault", VAULT)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for line in (("fix",), UNDO):
            main([*line, "--vault", str(root)])
    gc.collect()
    gc.freeze()


def list_numbers(bench: Bench, mode: str) -> list[int]:
    """Return the numbers of the calls at which a mode is tried.

    Every command writes the same cache files in the same way, so that only some need faults there.
    """
    if mode in USER_MODES and not bench.scenario.frees_paths:
        return []
    if mode in BLOCKING_MODES and not bench.scenario.has_journal:
        return []
    return [0] * (mode in BLOCKING_MODES) + [
        number
        for number, call in enumerate(bench.calls, 1)
        if (mode not in WRITE_MODES or "write" in call.split(" ")[0])
        and (bench.scenario.has_cache_faults or " cache" not in call)
    ]


def inject(name: str, options: argparse.Namespace) -> dict[str, object]:
    """Inject the faults that the options name into a scenario."""
    place = options.folder.resolve() / name
    bench = Bench(place, SCENARIOS[name], options.notes, is_program=options.program)
    modes = options.modes.split(",") if options.modes else MODES
    faults = [Fault(mode, number) for mode in modes for number in list_numbers(bench, mode)]
    faults = faults[options.first - 1 :: options.step]
    if options.at:
        faults = [Fault(mode, options.at) for mode in modes if options.at <= len(bench.calls)]
    found = [text for fault in faults for text in check_fault(bench, fault)]
    problems = [text for text in found if EMPTY not in text]
    before, after = bench.expected.before, bench.expected.after
    changed = sum(after.get(path) != before.get(path) for path in {*after, *before})
    if bench.scenario.cleans:
        changed = sum(call.startswith("unlink") for call in bench.calls)
    shutil.rmtree(place)
    return {
        "name": name,
        "calls": len(bench.calls),
        "changed": changed,
        "faults": len(faults),
        "empty": len({text.partition(" (")[0] for text in found if EMPTY in text}),
        "problems": problems,
    }


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose faults."""
    parser.add_argument("--modes", default="", help="the modes, with commas between; default: all")
    parser.add_argument("--first", type=int, default=1, help="begin with this fault")
    parser.add_argument("--step", type=int, default=1, help="try every N-th fault")
    parser.add_argument("--at", type=int, default=0, help="only at the call with this number")
    parser.add_argument("--notes", type=int, default=0, help="add this number of notes")
    parser.add_argument(
        "--program", action="store_true", help="start the program for each fault; 10 times slower"
    )


def main_of_process() -> None:
    """Inject faults into some scenarios, and print the results of each as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenarios", nargs="+", choices=SCENARIOS)
    add_options(parser)
    options = parser.parse_args()
    warm_up(options.folder.resolve() / "own")
    for name in options.scenarios:
        sys.stdout.write(json.dumps(inject(name, options)) + "\n")


if __name__ == "__main__":
    main_of_process()
