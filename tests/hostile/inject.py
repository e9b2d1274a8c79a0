"""Inject faults into a command at each call that changes files, and check what is left.

Usage: inject.py SCENARIO MODE FIRST STEP FOLDER [NOTES]

Prints JSON: the number of calls and of faults, and a line for each violation. After each fault:
every file is as before or as after a complete run; after the next command that writes, the whole
vault is; the command run again gives what one run would have given, without temporary files; and
undoing all runs restores every byte.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from faults import NO_FAULT, Fault, run_faulty

from vaultlink.__main__ import main
from vaultlink.api import open_vault
from vaultlink.cli.command_table import COMMANDS
from vaultlink.disk.scan import parse_stray_name
from vaultlink.watch.environment import AutoFixer
from vaultlink.watch.events import Debounce

VAULT: Mapping[str, bytes] = {
    ".obsidian/app.json": b"{}",
    "Home.md": b"[[long-tide]] [[sub/missing]] [[Harbour wall]] [[Nowhere Two]] [[quay]\r\n" * 40,
    "long_tide.md": b"# Tide\n\n[[home]] and [[Harbour walls]]\n",
    "a/Quay.md": b"\xef\xbb\xbf[[Long Tide]] ![[long-tide]]\n",
    "a/b/Pier.md": b"| a |\n|---|\n| [[quay|q]] |\n\n[[Nowhere Two]]\n",
    "a/b/Mole.md": b"[[long-tide]]" * 3,
    "Map.md": b"---\nup: [[quay]]\n---\nmap #sea\n",
    "Index.md": b"[[long_tide#Tide]] ![[Map]] #sea/low [[long_tide]]\n",
}
MANY = b"[[long-tide]] and [[home]] and [[Number 7]]\n"


class Scenario(NamedTuple):
    """A command line, and those that are run before it without faults."""

    line: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()


CREATE = ("fix", "--unsafe-fixes", "--create", "new")
FIX_NOTHING = ("fix", "--select", "dead-end")
"""A command that may write and has nothing to write: no fix of this rule exists."""

SCENARIOS: Mapping[str, Scenario] = {
    "fix": Scenario(("fix",)),
    "fix-create": Scenario(CREATE),
    "undo": Scenario(("undo",), (("fix",),)),
    "undo-create": Scenario(("undo",), (CREATE,)),
    "backlinks": Scenario(("backlinks", "--write")),
    "backlinks-remove": Scenario(("backlinks", "--remove"), (("backlinks", "--write"),)),
    "baseline": Scenario(("baseline",)),
    "init": Scenario(("init",)),
    "init-ci": Scenario(("init", "--ci", "github")),
    "cached-fix": Scenario(("fix",), (("check",),)),
    "watch": Scenario(("watch", "--fix")),
    "rename": Scenario(("rename", "long_tide", "b/Flood"), (("fix",),)),
    "rename-heading": Scenario(("rename", "long_tide#Tide", "Flood"), (("fix",),)),
    "rename-tag": Scenario(("rename", "#sea", "#ocean"), (("fix",),)),
    "merge": Scenario(("merge", "Map", "long_tide"), (("fix",),)),
    "extract": Scenario(("extract", "long_tide#Tide", "new/Tides"), (("fix",),)),
}
"""Commands by name; of `watch`, which does not end, the first fix."""


def list_contents(root: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a vault, hidden ones included."""
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and ".git/" not in file.as_posix()
    }


def is_stray(path: str) -> bool:
    """Return True for a temporary file of vaultlink."""
    return parse_stray_name(path.rpartition("/")[2]) is not None


class Bench:
    """A vault that is set up again for each fault."""

    def __init__(self, folder: Path, scenario: Scenario, notes: int):
        self.folder, self.root, self.state = folder, folder / "vault", folder / "state"
        self.scenario = scenario
        os.environ["VAULTLINK_STATE_DIR"] = str(self.state)
        os.environ["VAULTLINK_CACHE_DIR"] = str(folder / "cache")
        files = {f"many/{number % 40}/Number {number}.md": MANY for number in range(notes)}
        for path, content in {**VAULT, **files}.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(content)
        (self.root / ".git").mkdir()
        self.original = list_contents(self.root)
        for line in scenario.before:
            self.run(line)
        shutil.copytree(folder, folder.with_name("pristine"))
        self.before = list_contents(self.root)

    def reset(self) -> None:
        """Bring back the vault, journal and cache as they were before the command."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_name("pristine"), self.folder)

    def run(self, line: Sequence[str], fault: Fault = NO_FAULT) -> tuple[int, int]:
        """Run a command on the vault; return its exit code and the number of calls."""
        command = self._watch_once if line[0] == "watch" else self._make_command(line)
        return run_faulty(command, fault)

    def _make_command(self, line: Sequence[str]) -> Callable[[], int]:
        return lambda: main([*line, "--vault", str(self.root)])

    def _watch_once(self) -> int:
        """Fix once as the watcher does in its first pause."""
        fixer = AutoFixer(Debounce(), "vaultlink watch --fix", writing=True)
        for _ in range(3):
            attempt = fixer.attempt_fix(open_vault(self.root), time.monotonic())
            if not attempt.is_outdated:  # else it reverted an interrupted run
                break
        return 2 if attempt.error else 0

    def undo_all(self) -> None:
        """Undo runs until none is left; that of an interrupted run may change nothing."""
        unchanged = 0
        while unchanged < 2:
            state = list_contents(self.root)
            self.run(("undo",))
            unchanged = unchanged + 1 if list_contents(self.root) == state else 0


def check_fault(bench: Bench, fault: Fault, after: Mapping[str, bytes]) -> list[str]:
    """Return the violations after a fault."""
    bench.reset()
    code, _ = bench.run(bench.scenario.line, fault)
    found = []
    state = list_contents(bench.root)
    if code > 2:
        found.append("internal error")
    found += [
        f"torn: {path}"
        for path, content in state.items()
        if not is_stray(path) and content not in _list_whole_contents(path, bench.before, after)
    ]
    found += [f"lost: {path}" for path in bench.before if path in after and path not in state]
    is_undo = bench.scenario.line[0] == "undo"
    if bench.scenario.line[0] == "init":  # it keeps no journal of its runs
        for path in filter(is_stray, state):
            os.utime(bench.root / path, (1_600_000_000, 1_600_000_000))
    elif not is_undo:  # it skips what it can't restore
        bench.run(FIX_NOTHING)
        state = list_contents(bench.root)
        found += [] if state in (bench.before, after) else ["half done after the next command"]
    if state != after or is_undo:
        bench.run(bench.scenario.line)
    again = list_contents(bench.root)
    wanted = bench.original if is_undo else after
    if again != wanted:
        differing = {p for p in {*again, *wanted} if again.get(p) != wanted.get(p)}
        found.append(f"run again: {sorted(differing)}")
    if not bench.scenario.line[0].startswith("init"):
        bench.undo_all()
        restored = list_contents(bench.root)
        if restored != bench.original:
            differing = {
                p for p in {*restored, *bench.original} if restored.get(p) != bench.original.get(p)
            }
            found.append(f"undo: {sorted(differing)}")
    return [f"{fault.mode} at {fault.number} (exit code {code}): {text}" for text in found]


def _list_whole_contents(
    path: str, before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> list[bytes | None]:
    """Return what a file may contain; one that is moved, also the text of its new path."""
    moved = [] if path in after else after.values()
    return [before.get(path), after.get(path), *moved]


def import_all() -> None:
    """Import all modules that commands use, so that forked processes start fast."""
    for command in COMMANDS.values():
        command.load()
    for name in (
        "cli.check_output",
        "fix.sections",
        "watch.environment",
        "disk.load",
        "write.fixer",
        "write.system_calls",
    ):
        import_module(f"vaultlink.{name}")


def inject(
    name: str, mode: str, first: int, step: int, folder: Path, notes: int
) -> dict[str, object]:
    """Inject every `step`-th fault of a mode into a scenario, from the call `first` on."""
    import_all()
    bench = Bench(folder, SCENARIOS[name], notes)
    _, count = bench.run(bench.scenario.line)
    after = list_contents(bench.root)
    numbers = range(first, count + 1, step)
    problems = [
        text for number in numbers for text in check_fault(bench, Fault(mode, number), after)
    ]
    changed = sum(after.get(path) != bench.before.get(path) for path in {*after, *bench.before})
    return {"calls": count, "changed": changed, "faults": len(numbers), "problems": problems}


if __name__ == "__main__":
    scenario_name, mode_name, first_number, step_size, where, *size = sys.argv[1:]
    result = inject(
        scenario_name,
        mode_name,
        int(first_number),
        int(step_size),
        Path(where),
        int(size[0]) if size else 0,
    )
    sys.stdout.write(json.dumps(result))
