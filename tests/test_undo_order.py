"""Tests of undoing runs out of order: exact where notes do not overlap, and nothing where they do."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from exploring import choose_seeds
from running import RunCommand, create_vault, read_files
from vaultlink.model import PendingWrite
from vaultlink.write.journal import record_and_write
from vaultlink.write.journal_files import (
    RecordedChange,
    RecordedRun,
    delete_run,
    journal_folder,
    list_runs,
)
from vaultlink.write.moves import map_path
from vaultlink.write.undo import plan_undo, undo_run

VAULT: Mapping[str, bytes] = {
    "a.md": b"a0",
    "b.md": b"b0",
    "c.md": b"c0",
    "d/x.md": b"x0",
    "d/y.md": b"y0",
}


class Step(NamedTuple):
    """A run: the new texts of notes (None removes one), and moves. `whole`: all or nothing."""

    texts: Mapping[str, bytes | None] = {}
    moves: Mapping[str, str] = {}
    whole: bool = False


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def make(vault: Path, step: Step) -> str:
    """Make a run, and return its id."""
    writes = []
    for path, new in step.texts.items():
        file = vault / path
        writes.append(PendingWrite(path, file.read_bytes() if file.exists() else None, new))
    command = "vaultlink rename" if step.moves or step.whole else "vaultlink fix"
    result = record_and_write(
        vault, command, "Made.", writes, moves=step.moves, all_or_nothing=step.whole
    )
    assert result.run_id is not None, result
    assert result.skipped == ()
    return result.run_id


def find(vault: Path, name: str) -> RecordedRun:
    """Return a recorded run."""
    return next(run for run in list_runs(vault) if run.id == name)


def fix(**texts: bytes) -> Step:
    """Return a run that changes notes at the top of the vault."""
    return Step({f"{name}.md": text for name, text in texts.items()})


def move(old: str, new: str, texts: Mapping[str, bytes | None] | None = None) -> Step:
    """Return a run that moves a file, and changes texts before."""
    return Step(texts or {}, {old: new})


# -- a table of runs and undos ----------------------------------------------------------------------------------------

EXACT: Mapping[str, tuple[Sequence[Step], int, Mapping[str, bytes | None]]] = {
    "another note": ([fix(a=b"a1"), fix(b=b"b1"), fix(a=b"a2")], 1, {"a.md": b"a2"}),
    "first of two notes": ([fix(a=b"a1"), fix(b=b"b1")], 0, {"b.md": b"b1"}),
    "renamed later": ([fix(a=b"a1"), move("a.md", "n.md")], 0, {"a.md": None, "n.md": b"a0"}),
    "folder renamed later": (
        [Step({"d/x.md": b"x1"}), move("d", "e")],
        0,
        {"d/x.md": None, "d/y.md": None, "e/x.md": b"x0", "e/y.md": b"y0"},
    ),
    "renamed twice": (
        [fix(a=b"a1"), move("a.md", "n.md"), move("n.md", "d/m.md")],
        0,
        {"a.md": None, "d/m.md": b"a0"},
    ),
    "rename of a note that was fixed later": (
        [move("a.md", "n.md", {"b.md": b"b1"}), Step({"n.md": b"a1"})],
        0,
        {"a.md": b"a1"},
    ),
    "rename of a folder with a note fixed later": (
        [move("d", "e"), Step({"e/x.md": b"x1"})],
        0,
        {"d/x.md": b"x1"},
    ),
    "names that exchange": (
        [fix(a=b"a1"), Step({}, {"a.md": "b.md", "b.md": "a.md"})],
        0,
        {"a.md": b"b0", "b.md": b"a0"},
    ),
    "removed, and its folder renamed": (
        [Step({"d/x.md": None}), move("d", "e")],
        0,
        {"d/x.md": None, "d/y.md": None, "e/x.md": b"x0", "e/y.md": b"y0"},
    ),
    "created, and its folder renamed": (
        [Step({"d/n.md": b"n1"}), move("d", "e")],
        0,
        {"d/x.md": None, "d/y.md": None, "e/x.md": b"x0", "e/y.md": b"y0"},
    ),
}
"""Runs, the number of the one that is undone, and what differs from the vault at the start."""


@pytest.mark.parametrize("name", EXACT)
def test_run_without_overlap_is_undone_exactly(vault: Path, name: str) -> None:
    steps, number, differences = EXACT[name]
    before = read_files(vault)
    names = [make(vault, step) for step in steps]
    result = undo_run(vault, find(vault, names[number]))
    assert result.skipped == ()
    expected = {path: text for path, text in {**before, **differences}.items() if text is not None}
    assert read_files(vault) == expected
    assert find(vault, names[number]).undone
    undo_all(vault)
    assert read_files(vault) == before


def undo_all(vault: Path) -> None:
    """Undo all runs, the latest first, as `vaultlink undo` does."""
    while runs := [run for run in list_runs(vault) if not run.undone and run.undoes is None]:
        assert undo_run(vault, runs[0]).skipped == ()


OVERLAPPING: Mapping[
    str, tuple[Sequence[Step | str], Mapping[str, Sequence[int]], Sequence[str] | None]
] = {
    "one of two notes": ([fix(a=b"a1", b=b"b1"), fix(a=b"a2")], {"a.md": [1]}, ["b.md"]),
    "two later runs": ([fix(a=b"a1"), fix(a=b"a2"), fix(a=b"a3")], {"a.md": [2, 1]}, []),
    "back to the text before": ([fix(a=b"a1"), fix(a=b"a0")], {"a.md": [1]}, []),
    "removed later": ([fix(a=b"a1", b=b"b1"), Step({"a.md": None})], {"a.md": [1]}, ["b.md"]),
    "changed, then renamed": (
        [fix(a=b"a1"), move("a.md", "n.md", {"a.md": b"a2"})],
        {"n.md": [1]},
        [],
    ),
    "renamed, then changed": (
        [fix(a=b"a1"), move("a.md", "n.md"), Step({"n.md": b"a2"})],
        {"n.md": [2]},
        [],
    ),
    "changed and undone, then changed": (
        [fix(a=b"a1"), fix(a=b"a2"), "undo 1", fix(a=b"a3")],
        {"a.md": [3]},
        [],
    ),
    "undone, then undone again": ([fix(a=b"a1"), "undo 0", fix(a=b"a2")], {}, []),
    "created, then renamed": (
        [Step({"n.md": b"n1", "a.md": b"a1"}), move("n.md", "m.md")],
        {"m.md": [1]},
        ["a.md"],
    ),
    "removed, then another got the name": (
        [Step({"a.md": None}), move("b.md", "a.md")],
        {"a.md": [1]},
        None,
    ),
    "rename, then a heading of the same note": (
        [move("a.md", "n.md", {"b.md": b"b1"}), Step({"b.md": b"b2"}, whole=True)],
        {"b.md": [1]},
        None,
    ),
    "heading of two notes, then a fix": (
        [Step({"a.md": b"a1", "b.md": b"b1"}, whole=True), fix(b=b"b2")],
        {"b.md": [1]},
        None,
    ),
    "merge, then a fix": (
        [Step({"a.md": b"a1", "b.md": None}), fix(a=b"a2")],
        {"a.md": [1]},
        None,
    ),
    "renamed on": ([move("a.md", "n.md"), move("n.md", "m.md")], {"m.md": [1]}, None),
    "renamed back": ([move("a.md", "n.md"), move("n.md", "a.md")], {"a.md": [1]}, None),
    "swapped twice": (
        [Step({}, {"a.md": "b.md", "b.md": "a.md"})] * 2,
        {"a.md": [1], "b.md": [1]},
        None,
    ),
    "renamed, then another got the old name": (
        [move("a.md", "n.md"), move("b.md", "a.md")],
        {"n.md": [1]},
        None,
    ),
    "renamed, then a new note got the old name": (
        [move("a.md", "n.md"), Step({"a.md": b"new"})],
        {"n.md": [1]},
        None,
    ),
    "folder renamed, then notes in a new one of this name": (
        [move("d", "e"), Step({"d/f/n.md": b"new"}), fix(a=b"a1")],
        {"e": [1]},
        None,
    ),
    "moved out of a folder that is renamed": (
        [move("d/x.md", "x.md"), move("d", "e")],
        {"x.md": [1]},
        None,
    ),
    "folder that got another file": ([move("d", "e"), move("a.md", "e/a.md")], {"e": [1]}, None),
    "folder with a renamed file": ([move("d", "e"), move("e/x.md", "e/z.md")], {"e": [1]}, None),
    "renamed, then removed": ([move("a.md", "n.md"), Step({"n.md": None})], {"n.md": [1]}, None),
}
"""Runs (or undos of earlier ones), of which the first is undone; the notes that overlap with the
numbers of the later runs, the latest first; and the notes that are restored all the same. None: the
undo is refused."""


@pytest.mark.parametrize("name", OVERLAPPING)
def test_overlap_is_named_and_left_as_it_is(vault: Path, name: str) -> None:
    steps, overlaps, restored = OVERLAPPING[name]
    before = read_files(vault)
    names = [make_or_undo(vault, step, number) for number, step in enumerate(steps)]
    after = read_files(vault)
    first = find(vault, names[0])
    plan = plan_undo(vault, first)
    assert {item.path: [run.id for run in item.runs] for item in plan.overlaps} == {
        path: [names[number] for number in numbers] for path, numbers in overlaps.items()
    }
    assert plan.is_refused == (restored is None)
    result = undo_run(vault, first)
    assert sorted(result.written) == [*(restored or ())]
    assert result.moved == ()
    found = read_files(vault)
    changed = {path for path in {*found, *after} if found.get(path) != after.get(path)}
    assert changed <= {*(restored or ()), "n.md"}
    assert find(vault, names[0]).undone == (not overlaps)
    undo_all(vault)
    assert read_files(vault) == before


def test_folder_that_a_later_run_kept_is_removed_with_its_last_file(vault: Path) -> None:
    """Otherwise it would be in the way of a folder that gets its old path back."""
    names = [make(vault, step) for step in (Step({"g/h/n.md": b"n"}), move("a.md", "g/h/a.md"))]
    for name in names:
        assert (vault / "g" / "h").exists()
        assert undo_run(vault, find(vault, name)).skipped == ()
    assert not (vault / "g").exists()


def test_folder_that_an_undo_created_again_is_removed(vault: Path) -> None:
    steps = (Step({"g/n.md": b"n"}), move("a.md", "g/a.md"), move("g/a.md", "a2.md"))
    first, second, third = (make(vault, step) for step in steps)
    for name, exists in ((first, False), (third, True), (second, False)):
        assert undo_run(vault, find(vault, name)).skipped == ()
        assert (vault / "g").exists() == exists


def test_folder_that_was_renamed_is_no_reason_to_keep_another_one(vault: Path) -> None:
    before = read_files(vault)
    steps = (Step({"g/x.md": b"x"}), move("g", "h"), Step({"g/n.md": b"n"}), move("a.md", "g/a.md"))
    names = [make(vault, step) for step in steps]
    for number in (2, 3, 1, 0):
        assert undo_run(vault, find(vault, names[number])).skipped == ()
    assert read_files(vault) == before
    assert not (vault / "g").exists()


def test_empty_folder_of_a_run_in_effect_stays(vault: Path) -> None:
    first = make(vault, Step({"g/n.md": b"n"}))
    assert undo_run(vault, find(vault, first)).skipped == ()
    make(vault, Step({"g/m.md": b"m"}))
    (vault / "g" / "m.md").unlink()
    assert undo_run(vault, find(vault, make(vault, fix(a=b"a1")))).skipped == ()
    assert (vault / "g").exists()


def test_later_run_whose_undo_was_not_recorded_does_not_overlap(vault: Path) -> None:
    before = read_files(vault)
    first, second = (make(vault, step) for step in (move("d", "e"), move("e/x.md", "e/z.md")))
    undo = undo_run(vault, find(vault, second)).run_id
    assert undo
    delete_run(journal_folder(vault), undo)
    assert undo_run(vault, find(vault, first)).skipped == ()
    assert read_files(vault) == before


def test_note_that_another_program_moved_back_is_restored(vault: Path) -> None:
    first = make(vault, fix(a=b"a1"))
    make(vault, move("a.md", "n.md"))
    (vault / "n.md").rename(vault / "a.md")
    assert undo_run(vault, find(vault, first)).written == ("a.md",)
    assert read_files(vault) == VAULT


def test_note_that_was_deleted_since_is_restored_in_the_trash(vault: Path) -> None:
    first = make(vault, move("a.md", "n.md", {"b.md": b"b1", "c.md": b"c1"}))
    deletion = make(vault, move("b.md", ".trash/b.md"))
    for b, c in ((b"b0", b"c0"), (b"b1", b"c1"), (b"b0", b"c0")):  # an undo, its undo, and so on
        result = undo_run(vault, find(vault, first))
        assert result.skipped == ()
        assert result.run_id
        assert (vault / ".trash" / "b.md").read_bytes() == b
        assert (vault / "c.md").read_bytes() == c
        first = result.run_id
    assert undo_run(vault, find(vault, deletion)).skipped == ()
    assert read_files(vault) == VAULT


def test_undo_of_an_earlier_run_overlaps(run: RunCommand, vault: Path) -> None:
    for text in (b"a1", b"a2"):
        make(vault, fix(a=text))
    later, earlier = (undo_run(vault, item).run_id for item in list_runs(vault))
    assert later
    done = run("undo", later)
    assert done.code == 1
    assert f"a.md: skipped: a later run changed it too: {earlier} (vaultlink undo " in done.err
    for name in (earlier, later):
        assert run("undo", name).code == 0
    assert (vault / "a.md").read_bytes() == b"a2"


def test_undo_of_a_whole_run_is_not_undone_in_part(vault: Path) -> None:
    make(vault, Step({"a.md": b"a1", "b.md": b"b1"}, whole=True))
    undo = undo_run(vault, list_runs(vault)[0]).run_id
    assert undo
    later = make(vault, fix(b=b"b2"))
    before = read_files(vault)
    assert plan_undo(vault, find(vault, undo)).is_refused
    assert undo_run(vault, find(vault, undo)).written == ()
    assert read_files(vault) == before
    for name in (later, undo):
        assert undo_run(vault, find(vault, name)).skipped == ()
    assert (vault / "b.md").read_bytes() == b"b1"


def test_run_that_was_undone_in_part_does_not_count_as_undone(vault: Path) -> None:
    before = read_files(vault)
    first, second = make(vault, fix(a=b"a1", b=b"b1")), make(vault, fix(a=b"a2"))
    run = find(vault, first)
    for _ in range(3):  # an undo, its undo, and the undo of that
        name = undo_run(vault, run).run_id
        assert name
        assert not find(vault, first).undone
        run = find(vault, name)
    assert read_files(vault) == {**before, "a.md": b"a2"}
    for name in (second, first):
        assert undo_run(vault, find(vault, name)).skipped == ()
    assert find(vault, first).undone
    assert read_files(vault) == before


def make_or_undo(vault: Path, step: Step | str, number: int) -> str:
    """Make a run, or undo an earlier one, and return the id of the run."""
    if isinstance(step, Step):
        return make(vault, step)
    earlier = list_runs(vault)[::-1][int(step.removeprefix("undo "))]
    result = undo_run(vault, earlier)
    assert result.run_id
    return result.run_id


# -- random runs, undone in random order ------------------------------------------------------------------------------

FOLDERS = ("", "d/", "e/", "d/f/")


class Author:
    """Makes random runs in a vault, each with texts that no other run has."""

    def __init__(self, vault: Path, chance: random.Random):
        self._vault, self._chance, self._texts = vault, chance, 0
        self.old_texts: dict[str, set[bytes | None]] = {}

    def make_run(self) -> None:
        paths = sorted(path for path in read_files(self._vault) if path.endswith(".md"))
        texts: dict[str, bytes | None] = {
            path: self._make_text()
            for path in self._chance.sample(paths, min(len(paths), self._chance.randint(0, 3)))
        }
        if self._chance.random() < 0.2:
            texts[self._find_free_path()] = self._make_text()
        if texts and len(paths) > 3 and self._chance.random() < 0.2:
            texts[self._chance.choice([path for path in texts if path in paths] or paths)] = None
        moves = self._choose_moves([path for path in paths if texts.get(path, b"") is not None])
        moves = {} if set(moves.values()) & texts.keys() else moves
        if texts or moves:
            old = {self._read(path) for path in texts}
            step = Step(texts, moves, self._chance.random() < 0.3)
            self.old_texts[make(self._vault, step)] = old

    def _choose_moves(self, paths: Sequence[str]) -> dict[str, str]:
        kind = self._chance.random()
        if not paths or kind < 0.5:
            return {}
        if kind < 0.8:
            return {self._chance.choice(paths): self._find_free_path()}
        if kind < 0.9 and len(paths) > 1:
            one, other = self._chance.sample(paths, 2)
            return {one: other, other: one}
        folders = [path.rpartition("/")[0] for path in paths if "/" in path]
        name = f"{self._chance.choice(['', 'e/'])}g{self._chance.randint(0, 9)}"
        if not folders or (self._vault / name).exists():
            return {}
        folder = self._chance.choice(folders)
        return {} if f"{name}/".startswith(f"{folder}/") else {folder: name}

    def _find_free_path(self) -> str:
        while True:
            path = f"{self._chance.choice(FOLDERS)}n{self._chance.randint(0, 30)}.md"
            if not (self._vault / path).exists():
                return path

    def _make_text(self) -> bytes:
        self._texts += 1
        return b"text %d" % self._texts

    def _read(self, path: str) -> bytes | None:
        file = self._vault / path
        return file.read_bytes() if file.exists() else None


def undo_some(vault: Path, name: str, old_texts: Mapping[str, set[bytes | None]]) -> None:
    """Undo a run, and assert that it is exact or changes nothing of what overlaps."""
    before, run = read_files(vault), find(vault, name)
    plan = plan_undo(vault, run)
    result = undo_run(vault, run)
    after = read_files(vault)
    for overlap in plan.overlaps:
        assert overlap.runs
        if overlap.path in before:
            assert after[overlap.path] == before[overlap.path]
    if plan.is_refused:
        assert after == before
    moved = dict(result.moved)
    if name in old_texts:
        for path in result.written:
            assert after.get(map_path(path, moved)) in old_texts[name]
    if not plan.overlaps:
        assert result.skipped == ()
        assert find(vault, name).undone


@pytest.mark.thorough
@pytest.mark.parametrize("seed", choose_seeds(40))
def test_random_runs_are_undone_in_any_order(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    vault = create_vault(tmp_path / "vault", VAULT)
    before = read_files(vault)
    author = Author(vault, chance)
    for _ in range(chance.randint(2, 8)):
        author.make_run()
    for number in range(100):
        names = [run.id for run in list_runs(vault) if not run.undone and run.undoes is None]
        if not names:
            break
        latest_undo = next(
            (run.id for run in list_runs(vault) if run.undoes and not run.undone), ""
        )
        is_redo = latest_undo and number < 30 and chance.random() < 0.1
        name = names[0] if number > 50 else chance.choice(names)
        undo_some(vault, latest_undo if is_redo else name, author.old_texts)
    assert names == []
    assert read_files(vault) == before


# -- the commands -----------------------------------------------------------------------------------------------------


def test_refused_undo_names_notes_and_runs_in_order(run: RunCommand, vault: Path) -> None:
    steps = (move("a.md", "n.md", {"b.md": b"b1"}), fix(b=b"b2", c=b"c1"), fix(c=b"c2"))
    names = [make(vault, step) for step in (*steps[:2], Step({"c.md": b"c2"}, whole=True))]
    before, records = read_files(vault), list_runs(vault)
    for words in ((), ("--diff",), ("--json",)):
        done = run("undo", names[0], *words)
        assert (done.code, done.out) == (2, "")
        skipped, error = done.err.splitlines()
        assert skipped == (
            f"b.md: skipped: a later run changed it too: {names[1]} (vaultlink fix); "
            "undo that first."
        )
        assert error.startswith("error: can't undo the run of ")
        assert error.endswith(
            "(vaultlink rename) in part, and later runs changed the same notes. Nothing was "
            f"written. Undo these runs first: `vaultlink undo {names[2]}`, "
            f"`vaultlink undo {names[1]}`."
        )
        assert (read_files(vault), list_runs(vault)) == (before, records)
    for name in names[::-1]:
        assert run("undo", name).code == 0
    assert {path: text for path, text in read_files(vault).items() if path in VAULT} == VAULT


def test_undo_in_part_names_the_runs_in_json(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make(vault, fix(a=b"a1", b=b"b1")), make(vault, fix(a=b"a2"))
    shown = run("undo", first, "--diff", "--json").data
    assert isinstance(shown, dict)
    reason = f"a later run changed it too: {second} (vaultlink fix); undo that first"
    assert [note["path"] for note in shown["edits"]] == ["b.md"]
    assert shown["skipped"] == [{"path": "a.md", "why": reason}]
    monkeypatch.chdir(vault.parent)
    done = run("undo", first, "--json", "--vault", "vault")
    assert isinstance(done.data, dict)
    assert done.code == 1
    assert done.data["restored"] == ["b.md"]
    assert done.data["left"] == [{"path": "a.md", "why": reason}]
    assert done.data["undo_first"] == [second]
    assert done.err.endswith(f"Undo this run first: `vaultlink undo {second} --vault vault`.\n")


def test_undo_of_an_undone_run_does_not_overlap(run: RunCommand, vault: Path) -> None:
    """Later runs may do with a restored note what they want."""
    first = make(vault, fix(a=b"a1"))
    run("undo")
    make(vault, fix(a=b"a2"))
    done = run("undo", first)
    assert (done.code, done.err.startswith("Nothing to restore: ")) == (0, True)


def test_record_is_read_by_versions_that_do_not_know_whole_runs(vault: Path) -> None:
    """They ignore what they do not know at the end of a header."""
    name = make(vault, Step({"a.md": b"a1"}, whole=True))
    data = (journal_folder(vault) / f"{name}.run").read_bytes()
    assert data.startswith(b"vaultlink run 1\n")
    size = int.from_bytes(data[16:20], "big")
    header = msgspec.msgpack.decode(data[40 : 40 + size], type=OldRun)
    assert (header.id, header.command, header.unmoved) == (name, "vaultlink rename", ())
    assert msgspec.msgpack.decode(data[40 : 40 + size])[-1] is True


class OldRun(msgspec.Struct, frozen=True, array_like=True):
    """A record as vaultlink 0.5.0 reads it."""

    id: str
    time_ns: int
    command: str
    summary: str
    vault: bytes
    undoes: str | None
    folders: tuple[str, ...]
    changes: tuple[RecordedChange, ...]
    skipped: tuple[str, ...]
    ended: bool
    undone: bool
    moves: tuple[tuple[str, str], ...]
    unmoved: tuple[str, ...]


# -- undo --verify ----------------------------------------------------------------------------------------------------

Change = Callable[[Path, Sequence[str]], object]


def damage(vault: Path, names: Sequence[str]) -> None:
    """Change a byte of the stored text of the first run."""
    file = journal_folder(vault) / f"{names[0]}.run"
    file.write_bytes(file.read_bytes()[:-1] + b"?")


VERIFIED: Mapping[str, tuple[Sequence[Step], Change | None, Sequence[str], int]] = {
    "no runs": ([], None, [], 0),
    "untouched": ([fix(a=b"a1", b=b"b1"), fix(c=b"c1")], None, ["exact 2", "exact 1"], 0),
    "with moves": ([move("a.md", "n.md", {"b.md": b"b1"})], None, ["exact 2"], 0),
    "changed later": ([fix(a=b"a1", b=b"b1"), fix(a=b"a2")], None, ["later 1 1", "exact 1"], 0),
    "refused": ([move("a.md", "n.md"), move("n.md", "m.md")], None, ["later 0 1", "exact 1"], 0),
    "refused in part": (
        [move("a.md", "n.md", {"b.md": b"b1", "c.md": b"c1"}), fix(b=b"b2")],
        None,
        ["later 0 1", "exact 1"],
        0,
    ),
    "whole run edited": (
        [move("a.md", "n.md", {"b.md": b"b1", "c.md": b"c1"})],
        lambda vault, _: (vault / "b.md").write_bytes(b"typed"),
        ["refused 0 0 1"],
        1,
    ),
    "older run edited": (
        [fix(a=b"a1", b=b"b1"), fix(c=b"c1")],
        lambda vault, _: (vault / "a.md").write_bytes(b"typed"),
        ["part 1 0 1", "exact 1"],
        0,
    ),
    "last run edited": (
        [fix(a=b"a1"), fix(b=b"b1", c=b"c1")],
        lambda vault, _: (vault / "b.md").write_bytes(b"typed"),
        ["exact 1", "part 1 0 1"],
        1,
    ),
    "last run gone": (
        [fix(a=b"a1"), fix(b=b"b1")],
        lambda vault, _: (vault / "b.md").unlink(),
        ["exact 1", "part 0 0 0 1"],
        1,
    ),
    "restored by hand": (
        [fix(a=b"a1")],
        lambda vault, _: (vault / "a.md").write_bytes(b"a0"),
        ["nothing 0"],
        0,
    ),
    "older record damaged": (
        [fix(a=b"a1"), fix(b=b"b1")],
        damage,
        ["damaged 0 0 0 0 1", "exact 1"],
        1,
    ),
    "old name taken": (
        [move("a.md", "n.md")],
        lambda vault, _: (vault / "a.md").write_bytes(b"typed"),
        ["part 0 0 0 0 0 1"],
        1,
    ),
    "whole run with a read-only note": (
        [move("a.md", "n.md", {"b.md": b"b1", "c.md": b"c1"})],
        lambda vault, _: (vault / "b.md").chmod(0o444),
        ["refused 0 0 0 0 0 1"],
        1,
    ),
    "whole run with a read-only file that it only moved": (
        [move("a.md", "n.md", {"b.md": b"b1"})],
        lambda vault, _: (vault / "n.md").chmod(0o444),
        ["exact 2"],
        0,
    ),
    "read-only note": (
        [fix(a=b"a1", b=b"b1")],
        lambda vault, _: (vault / "b.md").chmod(0o444),
        ["part 1 0 0 0 0 1"],
        1,
    ),
    "read-only note of an older run": (
        [fix(a=b"a1", b=b"b1"), fix(c=b"c1")],
        lambda vault, _: (vault / "b.md").chmod(0o444),
        ["part 1 0 0 0 0 1", "exact 1"],
        0,
    ),
    "linked twice": (
        [fix(a=b"a1", b=b"b1")],
        lambda vault, _: (vault / "second.md").hardlink_to(vault / "a.md"),
        ["part 1 0 0 0 0 1"],
        1,
    ),
    "conflicting copy": (
        [fix(a=b"a1", b=b"b1")],
        lambda vault, _: (vault / "a.sync-conflict-20261128-101010.md").write_bytes(b"x"),
        ["part 1 0 0 0 0 1"],
        1,
    ),
    "merge conflict": (
        [fix(a=b"<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n", b=b"b1")],
        None,
        ["part 1 0 0 0 0 1"],
        1,
    ),
    "undone": (
        [fix(a=b"a1"), fix(b=b"b1")],
        lambda vault, names: undo_run(vault, find(vault, names[1])),
        ["exact 1", "undone 0", "exact 1"],
        0,
    ),
    "interrupted": (
        [fix(a=b"a1"), fix(b=b"b1")],
        lambda vault, names: (journal_folder(vault) / f"{names[1]}.ended").unlink(),
        ["exact 1", "interrupted 1"],
        0,
    ),
}
"""Runs, what happens then, the state and numbers of each run (without zeros at the end), and the
exit code."""


@pytest.mark.parametrize("name", VERIFIED)
def test_verify_says_what_an_undo_would_restore(run: RunCommand, vault: Path, name: str) -> None:
    steps, change, expected, code = VERIFIED[name]
    names = [make(vault, step) for step in steps]
    if change:
        change(vault, names)
    before, records = read_files(vault), read_files(journal_folder(vault))
    done = run("undo", "--verify")
    assert done.code == code
    rows = [line.split("\t") for line in done.lines]
    assert rows[0] == [
        *("run", "command", "state", "exact", "later", "edited", "gone", "damaged", "blocked")
    ]
    found = [re.sub("( 0)+$", "", " ".join(row[3:])) for row in rows[:0:-1]]
    states = [row[2] for row in rows[:0:-1]]
    assert [f"{state} {text}" for state, text in zip(states, found, strict=True)] == expected
    assert (read_files(vault), read_files(journal_folder(vault))) == (before, records)
    table = run("undo", "--verify", "--output-format", "table")
    assert table.code == code
    is_exact = "would restore everything." in table.err
    assert is_exact or code == 1 or not names


@pytest.mark.parametrize("is_typed", [True, False])
def test_verify_and_diff_say_what_undo_does(run: RunCommand, vault: Path, is_typed: bool) -> None:
    make(vault, move("a.md", "n.md", {"b.md": b"b1", "c.md": b"c1"}))
    if is_typed:
        (vault / "b.md").write_bytes(b"typed")
    before = read_files(vault)
    table = run("undo", "--verify", "--output-format", "table")
    planned = run("undo", "--diff")
    assert read_files(vault) == before
    done = run("undo")
    assert (done.code, read_files(vault) == before) == (is_typed, is_typed)
    assert ("not while a note prevents it" in table.out) == is_typed
    assert ("would restore nothing: `vaultlink undo" in table.err) == is_typed
    assert ("--skip-edited` leaves out what was edited." in planned.err) == is_typed
    if is_typed:
        assert "Nothing was restored. " in done.err
        assert planned.err == done.err.replace("was restored", "would be restored")


@pytest.mark.parametrize(
    ("words", "is_refused"),
    [
        ("--verify --list", True),
        ("--verify --diff", True),
        ("--list --diff", True),
        ("--list --skip-edited", True),
        ("--verify --skip-edited", True),
        ("--verify --list --diff", True),
        ("--list --skip-unwritable", True),
        ("--verify --skip-unwritable", True),
        ("--diff --skip-edited", False),
        ("--diff --skip-edited --skip-unwritable", False),
        ("--skip-edited --skip-unwritable", False),
    ],
)
def test_contradictory_options_are_refused(
    run: RunCommand, vault: Path, words: str, is_refused: bool
) -> None:
    make(vault, fix(a=b"a1"))
    done = run("undo", *words.split())
    assert (done.code == 2, "can't be used together." in done.err) == (is_refused, is_refused)


def test_verify_reports_unreadable_records(run: RunCommand, vault: Path) -> None:
    make(vault, fix(a=b"a1"))
    (journal_folder(vault) / "20200101-120000-abcd.run").write_bytes(b"vaultlink run 9\n")
    done = run("undo", "--verify")
    assert done.code == 1
    assert "warning: can't read the record " in done.err
    assert [line.split("\t")[2] for line in done.lines[1:]] == ["exact"]


def test_verify_of_one_run(run: RunCommand, vault: Path) -> None:
    first, _ = make(vault, fix(a=b"a1")), make(vault, fix(a=b"a2"))
    done = run("undo", first, "--verify", "--output-format", "table")
    assert (done.code, len(done.lines)) == (1, 2)
    assert re.split(" {2,}", done.lines[1].strip())[:2] == [first, "undo later runs first"]
    assert f"`vaultlink undo {first} --diff` says why." in done.err
    assert run("undo", "nonsense", "--verify").code == 2
