"""Kill runs that move files before each of their changes to the disk, or make these changes fail.

The changes are counted by an audit hook in a child process, so that no code of vaultlink is
replaced. Run as a script: `killed_moves.py KIND SCENARIO FOLDER`; an assertion fails if a file was
not restored exactly.
"""

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from errno import EACCES, ENOSPC, EXDEV
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from running import write_files
from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite
from vaultlink.write.journal import record_and_write
from vaultlink.write.journal_files import journal_folder, list_runs, lock_vault
from vaultlink.write.moves import FileIdentity, make_identifier
from vaultlink.write.undo import find_last_run, revert_interrupted, undo_run
from vaultlink.write.write_notes import WriteResult

FILES: Mapping[str, bytes] = {
    "1.md": b"one [[2]]\r\n",
    "2.md": b"\xef\xbb\xbftwo [[3]]",
    "3.md": b"three\n",
    "a.md": b"[[b]] [[1]]\n",
    "b.md": b"[[a]]\n",
    "Case.md": "Été [[a]]\n".encode(),
    "Folder/x.md": b"[[y]]\n",
    "Folder/y.md": b"[[x]]\n",
    "Folder/other.bin": b"other",
    "Folder/deep/.hidden": b"hidden",
    "Folder/deep/er/z.txt": b"",
    "Other/w.md": b"w\n",
    "map.png": bytes(range(256)) * 400,
    "Index.md": b"[[1]] [[2]] [[a]] [[b]] [[x]] ![[map.png]]\n",
    "Merged.md": b"merged\n",
    "Empty/": b"",
}


class Scenario(NamedTuple):
    """A run: the texts that change, None for no file; the moves; the notes to write first."""

    texts: Mapping[str, bytes | None]
    moves: Mapping[str, str]
    first: frozenset[str] = frozenset()
    obsolete: tuple[str, ...] = ()

    @property
    def writes(self) -> list[PendingWrite]:
        """The texts as writes."""
        return [PendingWrite(path, FILES.get(path), new) for path, new in self.texts.items()]


INDEX = {"Index.md": b"changed\n", "a.md": b"A\n"}
SCENARIOS: Mapping[str, Scenario] = {
    "note": Scenario({**INDEX, "1.md": b"ONE\r\n"}, {"1.md": "new.md"}),
    "chain": Scenario(
        {**INDEX, "1.md": b"ONE", "2.md": b"TWO"}, {"1.md": "2.md", "2.md": "3.md", "3.md": "4.md"}
    ),
    "swap": Scenario({**INDEX, "b.md": b"B\n"}, {"a.md": "b.md", "b.md": "a.md"}),
    "cycle over folders": Scenario(
        {"Other/w.md": b"W"},
        {"a.md": "Other/w.md", "Other/w.md": "Folder/x.md", "Folder/x.md": "a.md"},
    ),
    "folder": Scenario({**INDEX, "Folder/x.md": b"X\n"}, {"Folder": "New/Place/Folder 2"}),
    "swapped folders": Scenario(
        {**INDEX, "Folder/x.md": b"X\n", "Other/w.md": b"W\n"},
        {"Folder": "Other", "Other": "Folder"},
    ),
    "into moved folder": Scenario(
        INDEX,
        {
            "Folder": "Moved",
            "1.md": "Moved/new/1.md",
            "2.md": "Folder/2.md",
            "Empty": "Empty 2",
            "3.md": "Empty/3.md",
        },
    ),
    "case": Scenario({"Case.md": b"case\n"}, {"Case.md": "CASE.md", "Folder": "folder"}),
    "attachment": Scenario(INDEX, {"map.png": "img/map 1.png"}),
    "emptied folders": Scenario(
        {**INDEX, "Folder/x.md": b"X\n"},
        {
            "Folder/x.md": "New/x.md",
            "Folder/y.md": "New/y.md",
            "Folder/other.bin": "New/other.bin",
            "Folder/deep": "New/deep",
            "Other/w.md": "Folder/w.md",
        },
        obsolete=("Folder", "Other"),
    ),
    "extract and merge": Scenario(
        {**INDEX, "New.md": b"new\n", "Folder/New.md": b"new 2\n", "Merged.md": None},
        {"Folder": "Moved"},
        frozenset({"New.md", "a.md"}),
    ),
}

CHANGES = frozenset(
    f"os.{name}"
    for name in (
        "rename",
        "link",
        "remove",
        "mkdir",
        "rmdir",
        "chmod",
        "chown",
        "setxattr",
        "utime",
    )
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
Tree = dict[str, bytes | None]


def is_change(event: str, args: tuple[Any, ...]) -> bool:
    """Return True for an audit event before the disk is changed."""
    if event == "open":
        return isinstance(args[2], int) and bool(args[2] & _WRITING)
    return event in CHANGES


def read_tree(root: Path) -> Tree:
    """Return the bytes of all files below a folder; None for folders."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def identify_files(root: Path, paths: Iterable[str]) -> list[FileIdentity | None]:
    """Return the identities of files at their old paths."""
    identify = make_identifier(root, {})
    return [identify(path, path) for path in paths]


class Bench:
    """A vault that is made anew for each trial."""

    def __init__(self, scenario: Scenario, folder: Path):
        self.scenario, self.root = scenario, folder / "vault"
        self.reset()
        self.before = read_tree(self.root)
        self.run()
        self.after = read_tree(self.root)

    def reset(self) -> None:
        """Restore the vault and forget all runs."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.rmtree(journal_folder(self.root), ignore_errors=True)
        write_files(self.root, {path: text for path, text in FILES.items() if path[-1] != "/"})
        (self.root / "Empty").mkdir()

    def run(self) -> WriteResult:
        """Make the run."""
        with lock_vault(self.root):
            return record_and_write(
                self.root,
                "rename",
                "",
                self.scenario.writes,
                moves=self.scenario.moves,
                first=self.scenario.first,
                obsolete=self.scenario.obsolete,
            )

    def revert(self) -> None:
        """Do as each command that writes does first."""
        with lock_vault(self.root):
            revert_interrupted(self.root)

    def undo(self) -> WriteResult | None:
        """Undo the last run, if there is one."""
        with lock_vault(self.root):
            revert_interrupted(self.root)
            run = find_last_run(list_runs(self.root))
            return undo_run(self.root, run) if run else None

    def check(self, *expected: Tree) -> None:
        """Assert that the vault is in one of these states, and that no temporary file is left."""
        found = read_tree(self.root)
        names = {path: len(text or b"") for path, text in found.items()}
        assert found in expected, (names, list_runs(self.root))
        assert not any(run.is_interrupted for run in list_runs(self.root))


def run_hooked(action: Callable[[], object], hook: Callable[[str, tuple[Any, ...]], None]) -> bool:
    """Run an action in a child process with an audit hook; return True if it was not killed."""
    child = os.fork()
    if child == 0:
        try:
            sys.addaudithook(hook)
            action()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, "the child failed"
    return not os.WIFSIGNALED(status)


class Killer:
    """An audit hook that kills its process before the change with this number, from 1."""

    def __init__(self, number: int):
        self._number = number

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Count a change."""
        if is_change(event, args):
            self._number -= 1
            if self._number == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class RenameFault:
    """An audit hook that makes the rename with this number fail, and all later ones if lasting.

    `is_reached` tells if there was such a rename.
    """

    def __init__(self, code: int, number: int, *, is_lasting: bool):
        self._code, self._number, self._is_lasting = code, number, is_lasting
        self.is_reached = False

    def __call__(self, event: str, _args: tuple[Any, ...]) -> None:
        """Count a rename."""
        if event in ("os.rename", "os.link"):
            self._number -= 1
            if self._number == 0 or (self._is_lasting and self._number < 0):
                self.is_reached = True
                raise OSError(self._code, os.strerror(self._code))


def count_rounds(trial: Callable[[int], bool]) -> int:
    """Make trials with the numbers from 1 on until one returns True; return how many there were."""
    number = 1
    while not trial(number):
        number += 1
    return number


def kill_run(bench: Bench) -> int:
    """Kill the run before each change; then revert it, or undo it if it had ended."""

    def trial(number: int) -> bool:
        bench.reset()
        is_done = run_hooked(bench.run, Killer(number))
        bench.revert()
        bench.check(bench.before, bench.after)
        bench.undo()
        bench.check(bench.before)
        bench.undo()  # there is nothing to undo
        bench.check(bench.before)
        return is_done

    return count_rounds(trial)


def kill_and_copy(bench: Bench) -> int:
    """Kill the run before each change, and replace the vault by a copy, as a backup does; then revert it."""
    copy = bench.root.with_name("copy")

    def trial(number: int) -> bool:
        bench.reset()
        is_done = run_hooked(bench.run, Killer(number))
        shutil.copytree(bench.root, copy)
        shutil.rmtree(bench.root)
        shutil.copytree(copy, bench.root)
        shutil.rmtree(copy)
        bench.revert()
        bench.check(bench.before, bench.after)
        bench.undo()
        bench.check(bench.before)
        return is_done

    return count_rounds(trial)


def kill_revert(bench: Bench) -> int:
    """Kill the run, kill the command that reverts it some times, and let a last one revert it."""
    chance = random.Random(17)

    def trial(number: int) -> bool:
        bench.reset()
        is_done = run_hooked(bench.run, Killer(number))
        for _ in range(3):
            run_hooked(bench.revert, Killer(chance.randrange(1, 25)))
        bench.revert()
        bench.check(bench.before, bench.after)
        bench.undo()
        bench.check(bench.before)
        return is_done

    return count_rounds(trial)


def kill_undo(bench: Bench) -> int:
    """Kill an undo before each change; then revert it, undo again, and redo."""

    def trial(number: int) -> bool:
        bench.reset()
        bench.run()
        is_done = run_hooked(bench.undo, Killer(number))
        bench.revert()
        bench.check(bench.before, bench.after)
        bench.undo()
        bench.check(bench.before)
        latest = list_runs(bench.root)[0]
        with lock_vault(bench.root):
            undo_run(bench.root, latest)
        bench.check(bench.after)
        return is_done

    return count_rounds(trial)


def run_failing(bench: Bench, action: Callable[[], object], fault: RenameFault) -> bool:
    """Run an action with a fault in a child process; return True if the fault did not happen."""
    marker = bench.root.parent / "reached"
    marker.unlink(missing_ok=True)

    def run() -> None:
        action()
        if fault.is_reached:
            marker.touch()

    run_hooked(run, fault)
    return not marker.exists()


FAULTS = ((ENOSPC, False), (EACCES, True), (EXDEV, False))
"""Errors of renames, and if all later ones have them, too."""


def fail_run(bench: Bench) -> int:
    """Make each rename of the run fail; either nothing changes, or undo restores everything."""

    def try_fault(code: int, is_lasting: bool, number: int) -> bool:
        bench.reset()

        def run() -> None:
            try:
                result = bench.run()
            except JournalError:
                if not is_lasting:
                    bench.check(bench.before)
            else:
                if result.run_id is None and not is_lasting:
                    assert result.skipped
                    bench.check(bench.before)

        is_done = run_failing(bench, run, RenameFault(code, number, is_lasting=is_lasting))
        bench.undo()
        bench.check(bench.before)
        return is_done

    return sum(count_rounds(partial(try_fault, *fault)) for fault in FAULTS)


def fail_undo(bench: Bench) -> int:
    """Make each rename of an undo fail; undoing again restores the rest."""

    def try_fault(code: int, is_lasting: bool, number: int) -> bool:
        bench.reset()
        bench.run()
        fault = RenameFault(code, number, is_lasting=is_lasting)

        def undo() -> None:
            with suppress(JournalError):  # the next undo does it
                bench.undo()

        is_done = run_failing(bench, undo, fault)
        bench.undo()
        bench.check(bench.before)
        return is_done

    return sum(count_rounds(partial(try_fault, *fault)) for fault in FAULTS)


KINDS = {
    function.__name__.replace("_", " "): function
    for function in (kill_run, kill_and_copy, kill_revert, kill_undo, fail_run, fail_undo)
}

if __name__ == "__main__":
    _, kind, name, place = sys.argv
    os.environ["VAULTLINK_STATE_DIR"] = f"{place}/state"
    rounds = KINDS[kind](Bench(SCENARIOS[name], Path(place)))
    sys.stdout.write(f"{rounds}\n")
