"""Random runs, then other permissions, links or texts, then undo, redo and recovery: no text is lost, and none is done by half.

`VAULTLINK_UNDOS=3000` tries that many vaults, the same in every run. Folders without permissions are among them only if this user
can't write to them: `setpriv --bounding-set -dac_override --inh-caps -dac_override` takes that right from root.
"""

import json
import os
import random
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from killed_moves import Killer, run_hooked
from running import RunCommand, create_vault
from vaultlink import open_vault, read_request
from vaultlink.__main__ import main
from vaultlink.write.journal_files import RecordedRun, list_runs
from vaultlink.write.overlaps import is_whole
from vaultlink.write.recovery import is_complete_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")

COUNT = int(os.environ.get("VAULTLINK_UNDOS", "12"))

VAULT: Mapping[str, str] = {
    "Home.md": "[[long-tide]] [[Harbour wall]] [[Nowhere Two]]\n\nhome0 #sea\n",
    "long_tide.md": "# Tide\n\ntide0 [[home]] and [[Harbour walls]]\n\n## Low water\n\ntide1 #sea/low\n\ntide2\n",
    "a/Quay.md": "[[Long Tide]] ![[long-tide]] ![[chart.png]]\n\nquay0\n",
    "a/b/Pier.md": "| a |\n|---|\n| [[quay|q]] |\n\npier0 [[Nowhere Two]]\n",
    "Map.md": "---\nup: [[quay]]\n---\nmap0 #sea\n\nmap1\n",
    "Index.md": "[[long_tide#Low water]] ![[Map]] [[long_tide]] [[a/b/Pier]]\n\nindex0\n",
    "Log.md": "log0\n",
    "Lightship Anna.md": "# Lightship Anna\n\nanna0 seen from the Harbour Office.\n",
    "Harbour Office.md": "office0, it wrote to Lightship Anna.\n",
    "img/chart.png": "chart0",
    "Swap.txt": "long_tide\tMap\nMap\tlong_tide\n",
}
LIST = (
    '{"rename": "long_tide", "to": "b/Flood"}',
    '{"extract": "b/Flood#Low water", "to": "Ebb"}',
    '{"merge": "Ebb", "into": "Map"}',
    '{"delete": ["img/chart.png"], "unlink": true}',
    '{"rename": "a/", "to": "Harbour"}',
)
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("fix",),
    ("fix", "--unsafe-fixes", "--create", "new"),
    ("rename", "long_tide", "b/Flood"),
    ("rename", "a/", "Harbour/Old"),
    ("rename", "long_tide#Low water", "Ebb"),
    ("rename", "#sea", "#ocean"),
    ("rename", "img/chart.png", "img/new/map.png"),
    ("rename", "--from-file", "Swap.txt"),
    ("move", "Map", "img/chart.png", "a/b", "Sea/"),
    ("merge", "Map", "long_tide"),
    ("extract", "long_tide#Low water", "new/Ebb"),
    ("extract", "long_tide#Low water", "Ebb", "--embed"),
    ("delete", "Map", "--unlink"),
    ("delete", "a", "Map", "--leave"),
    ("delete", "Map", "--to", "Home"),
    ("mentions", "--write"),
    ("sections", "write"),
    ("baseline",),
    ("init", "--agents", "--yes"),
    LIST,
)
FIX_NOTHING = ("fix", "--select", "dead-end")
"""A command that may write and has nothing to write: no fix of this rule exists."""

WORD = re.compile(rb"\b(?:home|tide|quay|pier|map|index|log|anna|office|chart)\d\b")
"""The words by which a text is known; each stands in one place of the vault."""

Contents = dict[str, bytes]


class Change(NamedTuple):
    """What somebody did: the name of the file that it made; if texts changed; if it matters."""

    made: str = ""
    has_text: bool = False
    matters: bool = True


class Trial:
    """A vault, and what was done in it."""

    def __init__(self, folder: Path, seed: int, run: RunCommand):
        self.random, self.command = random.Random(seed), run
        self.outside = folder / "outside"
        self.outside.mkdir()
        option = self.random.choice(["none", "local", "system"])
        self.root = create_vault(
            folder / "vault",
            {**VAULT, ".obsidian/app.json": json.dumps({"trashOption": option})},
        )
        self.changes: list[Change] = []
        self.before: dict[str, Contents] = {}
        self.original = self.list_contents()

    def list_contents(self) -> Contents:
        """Return the bytes of all files, also behind links; without copies that somebody made."""
        made = {change.made for change in self.changes}
        files = {file.relative_to(self.root).as_posix(): file for file in self.root.rglob("*")}
        return {
            path: file.read_bytes()
            for path, file in files.items()
            if file.is_file() and file.name not in made and not is_temporary(file.name)
        }

    # -- runs ---------------------------------------------------------------------------------------------------------

    def run(self, *words: str) -> int:
        done = self.command(*words, "--vault", self.root)
        assert done.code <= 2, done
        assert "bug in vaultlink" not in done.err, done
        return done.code

    def _make(self, line: tuple[str, ...]) -> object:
        if line is not LIST:
            return main([*line, "--vault", str(self.root)])
        vault = open_vault(self.root)
        return vault.apply(vault.plan(*[read_request(json.loads(change)) for change in line]))

    def make_run(self, line: tuple[str, ...]) -> RecordedRun | None:
        """Run a command, and perhaps kill it; return the run."""
        before, known = self.list_contents(), {item.id for item in list_runs(self.root)}
        if self.random.random() < 0.4:
            run_hooked(lambda: self._make(line), Killer(self.random.randint(12, 70)))
        else:
            self._make(line)
        new = [item for item in list_runs(self.root) if item.id not in known]
        self.before |= {item.id: before for item in new}
        return new[0] if new else None

    def find(self, name: str) -> RecordedRun | None:
        return next((item for item in list_runs(self.root) if item.id == name), None)

    # -- what somebody else does --------------------------------------------------------------------------------------

    def meddle(self, run: RecordedRun) -> None:
        """Change one to three files, most of them files of the run."""
        before, now = self.before[run.id], self.list_contents()
        touched = [path for path in now if now[path] != before.get(path)]
        gone = [path for path in before if path not in now]
        for _ in range(self.random.choice([1, 1, 2, 3])):
            some = touched if touched and self.random.random() < 0.85 else list(now)
            path = self.random.choice(sorted(some))
            file = self.root / path
            if file.is_symlink() or not file.is_file():
                continue
            how = self.random.choice(MEDDLES)
            if how is take_name and not gone:
                continue
            path = self.random.choice(sorted(gone)) if how is take_name else path
            with suppress(PermissionError):  # an earlier change prevents this one
                self.changes.append(how(self, path))

    def heal(self) -> None:
        """Take away what is in the way; texts that changed stay."""
        names = {change.made for change in self.changes}
        for folder in [self.root, *self.root.rglob("*/")]:
            folder.chmod(0o755)
        for file in [*self.root.rglob("*")]:
            if file.is_symlink():
                text = file.read_bytes()
                file.unlink()
                file.write_bytes(text)
            if file.is_file():
                file.chmod(0o644)
                if file.name in names or file.read_bytes() == ANOTHER:
                    file.unlink()
                    with suppress(OSError):
                        os.removedirs(file.parent)
        for file in self.outside.iterdir():
            file.unlink()
        self.changes.clear()

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check_words(self, goal: Contents, now: Contents, what: str) -> None:
        """Check that no text was lost that was in the vault, and is part of what an undo leads to."""
        lost = (find_words(goal) & find_words(now)) - find_words(self.list_contents())
        assert not lost, (what, lost)

    def undo(self, run: RecordedRun) -> None:
        """Undo a run, and compare what `--verify` said."""
        goal, now = self.before[run.id], self.list_contents()
        flags = [
            flag for flag in ("--skip-edited", "--skip-unwritable") if self.random.random() < 0.3
        ]
        is_broken = run.is_interrupted and not is_complete_run(self.root, run)
        whole = is_broken or is_whole(run, list_runs(self.root))
        verified = self.command(
            "undo", run.id, "--verify", "--output-format", "json", "--vault", self.root
        )
        [row] = json.loads(verified.out)["runs"]
        assert self.list_contents() == now
        known = {item.id for item in list_runs(self.root)}
        done = self.command(
            *("undo", run.id, *flags, "--output-format", "json", "--vault", self.root)
        )
        what = (run.command, flags, row, done)
        assert done.code <= 1, what
        document = json.loads(done.out)
        reasons = {note["why"] for note in document["left"]}
        after = self.list_contents()
        self.before |= {item.id: now for item in list_runs(self.root) if item.id not in known}
        self.check_words(goal, now, str(what))
        restored = len(document["restored"]) + len(document["moved"])
        assert bool(reasons) == bool(done.code), what
        if not flags:
            assert (verified.code, row["exact"]) == (done.code, restored), what
            if whole and any(not ALLOWED.match(reason) for reason in reasons):
                assert (restored, after) == (0, now), what
        if not any(change.matters for change in self.changes):
            assert done.code == 0, what


ALLOWED = re.compile(
    "it was removed or renamed since|another file has its old name now|it may link to a file that was|"
    "a note that was not restored may|another note that was not restored may|it was edited since|a file with this name was created since"
)
"""Reasons for which a run, or one that was interrupted, is restored except for what depends on it."""


def is_temporary(name: str) -> bool:
    return name.startswith(".vaultlink-2")


def find_words(contents: Contents) -> set[bytes]:
    return {word for content in contents.values() for word in WORD.findall(content)}


ANOTHER = b"another\n"


def make_read_only(trial: Trial, path: str) -> Change:
    (trial.root / path).chmod(0o444)
    return Change()


def make_folder_read_only(trial: Trial, path: str) -> Change:
    (trial.root / path).parent.chmod(0o555)
    return Change()


def link_twice(trial: Trial, path: str) -> Change:
    (trial.outside / f"{len(trial.changes)}").hardlink_to(trial.root / path)
    return Change()


def link_twice_inside(trial: Trial, path: str) -> Change:
    file = trial.root / path
    made = file.with_name(f"{file.name}.{len(trial.changes)}.bak")
    made.hardlink_to(file)
    return Change(made.name)


def replace_by_link(trial: Trial, path: str) -> Change:
    file, other = trial.root / path, trial.outside / f"{len(trial.changes)}"
    other.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(other)
    return Change()


def make_conflict(trial: Trial, path: str) -> Change:
    file = trial.root / path
    made = file.with_name(f"{file.stem}.sync-conflict-20261128-101010-ABCDEFG{file.suffix}")
    made.write_bytes(ANOTHER)
    return Change(made.name)


def take_name(trial: Trial, path: str) -> Change:
    file = trial.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_bytes(ANOTHER)
    return Change()


def replace_by_same(trial: Trial, path: str) -> Change:
    file, new = trial.root / path, trial.outside / "new"
    new.write_bytes(file.read_bytes())
    new.replace(file)
    return Change(matters=False)


def touch(trial: Trial, path: str) -> Change:
    os.utime(trial.root / path, (1_700_000_000, 1_700_000_000))
    return Change(matters=False)


def edit(trial: Trial, path: str) -> Change:
    file = trial.root / path
    file.write_bytes(file.read_bytes() + b"typed\n")
    return Change(has_text=True)


def add_markers(trial: Trial, path: str) -> Change:
    file = trial.root / path
    file.write_bytes(b"<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n" + file.read_bytes())
    return Change(has_text=True)


def remove(trial: Trial, path: str) -> Change:
    (trial.root / path).unlink()
    return Change(has_text=True)


def can_be_locked_out(folder: Path) -> bool:
    """Return True if this user can't write to a folder without permissions."""
    folder.chmod(0o555)
    is_locked = not os.access(folder, os.W_OK)
    folder.chmod(0o755)
    return is_locked


MEDDLES: list[Callable[[Trial, str], Change]] = [
    *(make_read_only, make_read_only, link_twice, link_twice_inside, replace_by_link),
    *(make_conflict, take_name, replace_by_same, touch, edit, add_markers, remove),
]


@pytest.fixture(autouse=True)
def trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the trash of the system into the folder of the test; lock folders if that is possible."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if can_be_locked_out(tmp_path):
        monkeypatch.setattr(
            sys.modules[__name__],
            "MEDDLES",
            [*MEDDLES, make_folder_read_only, make_folder_read_only],
        )


@pytest.mark.parametrize("seed", range(COUNT))
def test_no_text_is_lost_whatever_happened_to_the_files(
    run: RunCommand, tmp_path: Path, seed: int
) -> None:
    trial = Trial(tmp_path, seed, run)
    if trial.random.random() < 0.5:
        trial.run("fix")
    made = trial.make_run(trial.random.choice(COMMANDS))
    run()  # drops the output
    if made is None:
        return
    trial.meddle(made)
    has_text = any(change.has_text for change in trial.changes)
    for _ in range(trial.random.randint(1, 4)):
        last = list_runs(trial.root)[:1]
        step = trial.random.choice(["undo", "undo", "redo", "next", "other"])
        if step == "undo" and (found := trial.find(made.id)) and not found.undone:
            trial.undo(found)
        elif step == "redo" and last and last[0].undoes and not last[0].undone:
            trial.undo(last[0])
        elif step == "next":
            check_next_command(trial, made)
        elif step == "other":
            check_other_run(trial, made)
    trial.heal()
    check_end(trial, made, is_exact=not has_text)


def check_next_command(trial: Trial, made: RecordedRun) -> None:
    """The next command that writes reverts an interrupted run, or says that it can't."""
    now, found = trial.list_contents(), trial.find(made.id)
    done = trial.command(*FIX_NOTHING, "--vault", trial.root)
    after = trial.find(made.id)
    if found and found.is_interrupted:
        trial.check_words(trial.before[made.id], now, done.err)
    if after and after.is_interrupted:
        assert "can't be reverted yet: " in done.err
    if not (found and found.is_interrupted) or (after and after.is_interrupted):
        assert trial.list_contents() == now


def check_other_run(trial: Trial, made: RecordedRun) -> None:
    """A run is made and undone whatever is interrupted, unless it would change the same notes."""
    trial.run(*FIX_NOTHING)
    now, stuck = trial.list_contents(), trial.find(made.id)
    known = {item.id for item in list_runs(trial.root)}
    done = trial.command("rename", "Log", "Logbook", "--vault", trial.root)
    new = [item for item in list_runs(trial.root) if item.id not in known]
    if not new:
        assert trial.list_contents() == now, done
        return
    is_stuck = bool(stuck and stuck.is_interrupted)
    assert done.code == int(is_stuck), done
    assert trial.command("undo", new[0].id, "--vault", trial.root).code == 0
    assert trial.list_contents() == now
    trial.before[new[0].id] = trial.before[list_runs(trial.root)[0].id] = now
    assert bool(is_stuck) == bool((left := trial.find(made.id)) and left.is_interrupted)


def check_end(trial: Trial, made: RecordedRun, *, is_exact: bool) -> None:
    """When what was in the way is gone, all can be undone."""
    now = trial.list_contents()
    trial.run(*FIX_NOTHING)
    assert not any(item.is_interrupted for item in list_runs(trial.root))
    trial.check_words(trial.before[made.id], now, "recovery")
    for _ in range(9):
        done = trial.command("undo", "--skip-edited", "--skip-unwritable", "--vault", trial.root)
        if "nothing to undo" in done.err or (done.code and not is_exact):
            break
    if is_exact:
        assert trial.list_contents() == trial.original, done
    assert not [path for path in trial.root.rglob("*") if is_temporary(path.name)]
