"""Tests of runs that move files: exact, undone exactly, and whole wherever they are interrupted."""

import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from errno import EIO, ENOSPC
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as some

from exploring import spread
from killed_moves import FILES, SCENARIOS, Scenario, identify_files, read_tree
from running import RunCommand, create_vault, new_folder, write_files
from tables import each
from vaultlink.disk.scan import list_files
from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write import system_calls as move_module
from vaultlink.write.journal import clean_up_journal, record_and_write, record_run
from vaultlink.write.journal_files import journal_folder, list_runs, write_moving
from vaultlink.write.moves import list_temporary_paths, map_path, order_moves
from vaultlink.write.undo import plan_undo, revert_interrupted, undo_run
from vaultlink.write.write_notes import WriteResult

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
NOTES = {path: text for path, text in FILES.items() if path[-1] != "/"}
TAKEN = "a file with this name already exists"
OLD_NAME_TAKEN = "another file has its old name now"
DISK_ERROR = "the disk reports an input/output error"


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", NOTES)
    monkeypatch.chdir(folder)
    return folder


def move(
    vault: Path,
    moves: Mapping[str, str],
    texts: Mapping[str, bytes | None] | None = None,
    first: Collection[str] = (),
    obsolete: Collection[str] = (),
) -> WriteResult:
    """Write texts and move files in a run."""
    writes = [PendingWrite(path, NOTES.get(path), new) for path, new in (texts or {}).items()]
    return record_and_write(
        vault,
        "vaultlink rename",
        "Renamed.",
        writes,
        moves=moves,
        first=frozenset(first),
        obsolete=obsolete,
    )


def undo(vault: Path) -> WriteResult:
    """Undo the latest run."""
    return undo_run(vault, list_runs(vault)[0])


# -- order -----------------------------------------------------------------------------------------------------------

NAMES = some.sampled_from(["a", "b", "c", "d", "e"])
PATHS = some.lists(NAMES, min_size=1, max_size=3).map("/".join)


@some.composite
def plans(draw: some.DrawFn) -> tuple[dict[str, str], dict[str, str]]:
    """Return the files of a vault by path, each with its path as text, and moves that fit."""
    files = draw(some.sets(PATHS, min_size=1, max_size=8))
    files = {path for path in files if not any(other.startswith(f"{path}/") for other in files)}
    olds = draw(some.lists(some.sampled_from(sorted(files)), unique=True))
    news = draw(some.lists(PATHS, unique=True, min_size=len(olds), max_size=len(olds)))
    moves = {old: new for old, new in zip(olds, news, strict=True) if old != new}
    after = [moves.get(path, path) for path in files]
    folders = {path[:end] for path in files for end, char in enumerate(path) if char == "/"}
    if (
        len(set(after)) < len(after)
        or any(one.startswith(f"{other}/") for one in after for other in after)
        or folders.intersection(news)  # emptied folders stay
    ):
        moves = {}
    return {path: path for path in files}, moves


@given(plans())
def test_each_new_name_is_free_when_it_is_needed(
    plan: tuple[dict[str, str], dict[str, str]],
) -> None:
    files, moves = plan
    expected = {moves.get(path, path): text for path, text in files.items()}
    pairs = list(moves.items())
    for step in order_moves(pairs, list_temporary_paths(pairs, "x")):
        assert step.target not in files
        assert not any(step.target.startswith(f"{path}/") for path in files if path != step.source)
        files[step.target] = files.pop(step.source)
    assert files == expected


@each(
    ("moves", "steps"),
    [
        ({"a": "b"}, ["a > b"]),
        ({"1": "2", "2": "3", "3": "4"}, ["3 > 4", "2 > 3", "1 > 2"]),
        (
            {"f/a": "f/b", "f/b": "f/a"},
            ["f/b > f/.moving-vaultlink-x-1", "f/a > f/b", "f/.moving-vaultlink-x-1 > f/a"],
        ),
        ({"A": "B", "n": "B/n"}, ["A > B", "n > B/n"]),
        ({"A": "B", "n": "A/n"}, ["A > B", "n > A/n"]),
        ({"A/n": "n", "A": "B"}, ["A/n > n", "A > B"]),
        ({"a": "A"}, ["a > A"]),
        ({"B": "a", "a": "b"}, ["a > .moving-vaultlink-x-1", "B > a", ".moving-vaultlink-x-1 > b"]),
    ],
)
def test_order_of_steps(moves: Mapping[str, str], steps: Sequence[str]) -> None:
    pairs = list(moves.items())
    ordered = order_moves(pairs, list_temporary_paths(pairs, "x"))
    assert [f"{step.source} > {step.target}" for step in ordered] == steps


def test_temporary_names_are_hidden_and_no_leftovers(vault: Path) -> None:
    [path] = list_temporary_paths([("Folder/x.md", "y.md")], "20260101-000000-abcd")
    write_files(vault, {path: b"x"})
    listing = list_files(vault)
    assert path not in listing.files
    assert listing.leftovers == ()


def test_order_of_many_moves_takes_no_time() -> None:
    moves = [(f"f{n % 50}/{n}", f"f{n % 50}/{n + 50}") for n in range(20_000)]
    steps = order_moves(moves, list_temporary_paths(moves, "x"))
    assert len(steps) == 20_000


@each(
    ("path", "expected"),
    [
        ("a.md", "b.md"),
        ("F/x", "G/H/x"),
        ("F", "G/H"),
        ("F.md", "F.md"),
        ("FF/x", "FF/x"),
        ("", ""),
    ],
)
def test_path_after_moves(path: str, expected: str) -> None:
    assert map_path(path, {"a.md": "b.md", "F": "G/H"}) == expected


# -- a run and its undo ----------------------------------------------------------------------------------------------


@each("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_run_and_undo_and_redo_are_exact(vault: Path, scenario: Scenario) -> None:
    texts, moves = scenario.texts, scenario.moves
    (vault / "Empty").mkdir()
    before = read_tree(vault)
    result = move(vault, moves, texts, scenario.first, scenario.obsolete)
    assert (result.written, result.skipped) == (tuple(sorted(texts)), ())
    assert dict(result.moved) == moves
    after = read_tree(vault)
    for path, old_text in NOTES.items():
        text = texts.get(path, old_text)
        if text is not None:
            assert after[map_path(path, moves)] == text
    assert undo(vault).skipped == ()
    assert read_tree(vault) == before
    assert undo(vault).skipped == ()
    assert read_tree(vault) == after
    assert undo(vault).skipped == ()
    assert read_tree(vault) == before


def test_folder_is_moved_with_hidden_and_other_files(vault: Path) -> None:
    write_files(vault, {"Folder/.git/config": b"x", "Folder/~$draft.docx": b"y"})
    move(vault, {"Folder": "a/b/c"})
    assert read_tree(vault / "a/b/c").keys() == {
        *(".git", ".git/config", "deep", "deep/.hidden", "deep/er", "deep/er/z.txt"),
        *("other.bin", "x.md", "y.md", "~$draft.docx"),
    }


def test_path_of_a_moved_folder_is_free_for_another_one(vault: Path) -> None:
    """The folder was open when it was moved; what follows must not land in it."""
    move(vault, {"Folder/x.md": "x.md", "Folder": "Moved", "1.md": "Folder/1.md"})
    assert (vault / "Folder/1.md").read_bytes() == NOTES["1.md"]
    assert not (vault / "Moved/1.md").exists()


def test_run_is_undone_though_what_identifies_its_files_is_damaged(vault: Path) -> None:
    before = read_tree(vault)
    move(vault, {"1.md": "one.md"})
    run = list_runs(vault)[0]
    (journal_folder(vault) / f"{run.id}.moving").write_bytes(b"")
    clean_up_journal(vault)
    assert not undo(vault).skipped
    assert read_tree(vault) == before


def test_emptied_folder_stays(vault: Path) -> None:
    move(vault, {"Other/w.md": "w.md"})
    assert (vault / "Other").is_dir()


def test_run_without_moves_has_a_record_that_older_versions_read(vault: Path) -> None:
    move(vault, {}, {"a.md": b"A\n"})
    move(vault, {"b.md": "c.md"})
    magic = {file.read_bytes()[:16] for file in journal_folder(vault).glob("*.run")}
    assert magic == {b"vaultlink run 1\n", b"vaultlink run 2\n"}


# -- what must not be moved ------------------------------------------------------------------------------------------


@each(
    ("moves", "reason"),
    [
        ({"1.md": "2.md"}, TAKEN),
        ({"1.md": "Folder"}, TAKEN),
        ({"Folder": "Other"}, TAKEN),
        ({"gone.md": "x.md"}, "it no longer exists"),
        ({"1.md": "2.md/x.md"}, "a file has the name of its folder"),
        ({"1.md": "link/x.md"}, "it is outside the vault, behind a symbolic link"),
        ({"link": "link 2"}, "it is a symbolic link"),
        ({"link.md": "x.md"}, "it is a symbolic link"),
        ({"link": "link 2", "link.md": "x.md"}, "it is a symbolic link"),
    ],
)
@posix
def test_refused_move_changes_nothing(
    vault: Path, tmp_path: Path, moves: Mapping[str, str], reason: str
) -> None:
    (tmp_path / "outside").mkdir()
    (vault / "link").symlink_to(tmp_path / "outside")
    (vault / "link.md").symlink_to(vault / "1.md")
    before = read_tree(vault)
    result = move(vault, {**moves, "3.md": "other.md"}, {"a.md": b"A\n"})
    assert result == WriteResult((), tuple(SkippedNote(old, reason) for old in moves))
    assert read_tree(vault) == before
    assert list_runs(vault) == []


def test_case_variant_that_exists_is_not_overwritten(vault: Path) -> None:
    write_files(vault, {"CASE.md": b"another"})
    before = read_tree(vault)
    if "Case.md" not in before:
        pytest.skip("the disk ignores case")
    result = move(vault, {"Case.md": "CASE.md"})
    assert result.skipped == (SkippedNote("Case.md", TAKEN),)
    assert read_tree(vault) == before


def test_nothing_is_written_if_one_of_the_first_notes_is_skipped(vault: Path) -> None:
    write_files(vault, {"b.md": b"typed"})
    before = read_tree(vault)
    texts = {"a.md": b"A\n", "New/new.md": b"new", "b.md": b"B\n", "Index.md": b"I"}
    result = move(vault, {"1.md": "one.md"}, texts, ["b.md", "New/new.md"])
    assert result == WriteResult((), (SkippedNote("b.md", "it changed since it was read"),))
    assert read_tree(vault) == before
    assert list_runs(vault) == []


def test_note_saved_meanwhile_is_skipped_and_the_rest_is_done(vault: Path) -> None:
    write_files(vault, {"b.md": b"typed"})
    result = move(vault, {"1.md": "one.md", "b.md": "B.md"}, {"a.md": b"A\n", "b.md": b"B\n"})
    assert result.skipped == (SkippedNote("b.md", "it changed since it was read"),)
    assert result.written == ("a.md",)
    assert dict(result.moved) == {"1.md": "one.md", "b.md": "B.md"}
    assert undo(vault).skipped == ()
    assert read_tree(vault)["b.md"] == b"typed"


def test_run_is_given_up_though_the_note_to_remove_was_edited(vault: Path) -> None:
    write_files(vault, {"b.md": b"typed", "Merged.md": b"typed too"})
    before = read_tree(vault)
    result = move(vault, {}, {"a.md": b"A\n", "b.md": b"B\n", "Merged.md": None}, ["a.md"])
    assert result == WriteResult((), (SkippedNote("b.md", "it changed since it was read"),))
    assert read_tree(vault) == before
    assert list_runs(vault) == []


def test_run_whose_journal_fails_before_the_moves_leaves_nothing(vault: Path) -> None:
    write_files(vault, {"b.md": b"typed"})
    before = read_tree(vault)
    with (
        patch("vaultlink.write.journal.write_moving", side_effect=OSError(ENOSPC, "")),
        pytest.raises(JournalError, match="no space is left on the device"),
    ):
        move(vault, {"1.md": "one.md"}, {"a.md": b"A\n", "b.md": b"B\n"})
    assert (read_tree(vault), list_runs(vault)) == (before, [])


# -- undo after other changes ----------------------------------------------------------------------------------------


def test_edited_note_is_named_and_moved_back_on_demand(vault: Path) -> None:
    move(vault, {"1.md": "one.md"}, {"1.md": b"ONE", "a.md": b"A\n"})
    write_files(vault, {"one.md": b"typed"})
    before = read_tree(vault)
    assert undo(vault).skipped == (SkippedNote("one.md", "it was edited since"),)
    assert read_tree(vault) == before
    result = undo_run(vault, list_runs(vault)[0], skips_edited=True)
    assert result.skipped == (SkippedNote("one.md", "it was edited since"),)
    assert result.moved == (("one.md", "1.md"),)
    assert read_tree(vault)["1.md"] == b"typed"
    assert read_tree(vault)["a.md"] == NOTES["a.md"]


def test_file_whose_old_path_is_taken_is_named(vault: Path) -> None:
    move(vault, {"1.md": "one.md", "3.md": "three.md"}, {"1.md": b"ONE"})
    write_files(vault, {"1.md": b"another"})
    run = list_runs(vault)[0]
    assert plan_undo(vault, run).moves == {"three.md": "3.md"}
    result = undo(vault)
    assert result.skipped == (SkippedNote("one.md", OLD_NAME_TAKEN),)
    found = read_tree(vault)
    assert (found["1.md"], found["one.md"], found["3.md"]) == (b"another", b"ONE", NOTES["3.md"])
    assert not list_runs(vault)[1].undone
    (vault / "1.md").unlink()
    assert undo_run(vault, run).skipped == ()
    assert {path: text for path, text in read_tree(vault).items() if text is not None} == NOTES


LINKED: Mapping[str, bytes] = {
    "Home.md": b"[[Tide]] and [[Wall]]\n",
    "Path.md": b"- x\n- [a](<sub/Low%20Water.md>)\n",
    "Only.md": b"[[Wall]]\n",
    "Pier.md": b"[[Gate]]\n",
    "Tide.md": b"# Tide\n",
    "Wall.md": b"# Wall\n",
    "Gate.md": b"# Gate\n",
    "sub/Low Water.md": b"[o](../Only.md)\n",
}
RENAMES = "Tide\tFlood\nWall\tQuay\nGate\tDoor\nsub/Low Water\tsub/deep/Ebb\n"


@each(
    ("taken", "stays"),
    [
        ("Tide.md", {"Home.md", "Only.md"}),  # Home links to both files, so both stay renamed
        ("Wall.md", {"Home.md", "Only.md"}),
        ("Gate.md", {"Pier.md"}),
        ("sub/Low Water.md", {"Path.md", "sub/deep/Ebb.md"}),  # which has a link, too
        ("Other.md", set()),
    ],
)
@each("is_killed", [False, True], ids=["undone", "killed"])
def test_links_stay_with_a_file_that_can_not_be_moved_back(
    run: RunCommand, vault: Path, taken: str, stays: Collection[str], *, is_killed: bool
) -> None:
    """Otherwise they would lead to the other file that has its old name now."""
    root = create_vault(vault.parent / "linked", LINKED)
    write_files(root.parent, {"plan.tsv": RENAMES.encode()})
    run("rename", "--from-file", root.parent / "plan.tsv", "--vault", root)
    renamed = read_tree(root)
    if is_killed:
        [ended] = journal_folder(root).glob("*.ended")
        ended.unlink()
        moving = identify_files(root, ["Flood.md", "Quay.md", "Door.md", "sub/deep/Ebb.md"])
        write_moving(journal_folder(root), list_runs(root)[0], moving)
    write_files(root, {taken: b"another\n"})
    done = run(
        *(("fix", "--select", "malformed-link") if is_killed else ("undo",)), "--vault", root
    )
    assert done.code == bool(stays)
    if stays:
        assert "another file has its old name now.\n" in done.err
        assert "`vaultlink undo 2" in done.err
        assert done.err.endswith(" tries the rest again.\n") != is_killed
    found = read_tree(root)
    texts = {path: text for path, text in found.items() if path in LINKED and path != taken}
    assert {path for path, text in texts.items() if text != LINKED[path]} == stays & LINKED.keys()
    assert all(renamed[path] == found[path] for path in stays)
    (root / taken).unlink()
    assert run("undo", "--vault", root).code == 0
    assert {path: text for path, text in read_tree(root).items() if path in LINKED} == LINKED


def test_file_that_is_gone_is_named(vault: Path) -> None:
    move(vault, {"1.md": "one.md", "2.md": "two.md"})
    (vault / "one.md").unlink()
    result = undo(vault)
    assert result.skipped == (SkippedNote("one.md", "it was removed or renamed since"),)
    assert result.moved == (("two.md", "2.md"),)


def test_undo_leaves_a_file_that_a_later_run_gave_the_name(vault: Path) -> None:
    before = read_tree(vault)
    for old, new in (("1.md", "one.md"), ("one.md", "first.md"), ("2.md", "one.md")):
        move(vault, {old: new})
    after, runs = read_tree(vault), list_runs(vault)
    result = undo_run(vault, runs[2])
    [skipped] = result.skipped
    assert skipped.path == "first.md"
    assert skipped.reason.startswith(f"a later run changed it too: {runs[1].id} (")
    assert read_tree(vault) == after
    assert all(not undo_run(vault, run).skipped for run in runs)
    assert read_tree(vault) == before


def test_undo_leaves_a_note_that_was_written_under_the_name(vault: Path) -> None:
    move(vault, {"1.md": "one.md"})
    move(vault, {"one.md": "first.md"})
    (vault / "one.md").write_bytes(b"another note\n")
    before = read_tree(vault)
    [skipped] = undo_run(vault, list_runs(vault)[1]).skipped
    assert skipped.path == "first.md"
    assert skipped.reason.startswith("a later run changed it too: ")
    assert read_tree(vault) == before


def test_undo_does_not_swap_names_that_a_later_run_swapped(vault: Path) -> None:
    for _ in range(2):
        move(vault, {"1.md": "2.md", "2.md": "1.md"})
    after, runs = read_tree(vault), list_runs(vault)
    assert not undo_run(vault, runs[1]).moved
    assert read_tree(vault) == after


def test_undo_finds_a_file_that_another_program_moved_back(vault: Path) -> None:
    before = read_tree(vault)
    move(vault, {"1.md": "one.md"})
    move(vault, {"one.md": "first.md"})
    (vault / "first.md").rename(vault / "one.md")
    assert undo_run(vault, list_runs(vault)[1]).moved == (("one.md", "1.md"),)
    assert read_tree(vault) == before


def test_undo_leaves_a_file_that_is_at_its_old_path_already(vault: Path) -> None:
    before = read_tree(vault)
    move(vault, {"1.md": "one.md", "2.md": "two.md"})
    (vault / "one.md").rename(vault / "1.md")
    result = undo(vault)
    assert (result.moved, result.skipped) == ((("two.md", "2.md"),), ())
    assert read_tree(vault) == before


def test_redo_leaves_the_file_for_which_another_one_was_not_moved_back(vault: Path) -> None:
    move(vault, {"1.md": "one.md", "2.md": "two.md"})
    (vault / "1.md").write_bytes(b"another note\n")
    assert [note.path for note in undo(vault).skipped] == ["one.md"]
    (vault / "one.md").unlink()
    assert undo(vault).moved == (("2.md", "two.md"),)
    assert (vault / "1.md").read_bytes() == b"another note\n"
    assert not (vault / "one.md").exists()


def test_hidden_file_of_an_undo_is_named_and_found_again(vault: Path) -> None:
    """The disk fails in the middle of an exchange. Then another program takes the hidden file away for a while."""
    move(vault, {"1.md": "2.md", "2.md": "1.md"})
    run = list_runs(vault)[0]
    rename, numbers = move_module.rename_to_free_name, iter(range(1, 1_000))

    def fail(*args: object) -> None:
        if next(numbers) > 2:
            raise OSError(EIO, "")
        rename(*args)  # type: ignore[arg-type]

    with patch.object(move_module, "rename_to_free_name", fail):
        other, hidden = undo_run(vault, run).skipped
    [place] = vault.glob(".moving-vaultlink-*")
    assert other == SkippedNote("1.md", DISK_ERROR)
    assert hidden == SkippedNote("2.md", f"{DISK_ERROR}, so it is kept as {place.name}")
    content = place.read_bytes()
    place.unlink()
    [(_, reverted)] = revert_interrupted(vault)
    assert reverted.skipped == (SkippedNote("2.md", "it was removed or renamed since"),)
    assert read_tree(vault)["2.md"] == NOTES["1.md"]
    place.write_bytes(content)
    assert undo_run(vault, list_runs(vault)[1]).skipped == ()
    assert {path: text for path, text in read_tree(vault).items() if text is not None} == NOTES
    problems: list[str] = []
    list_runs(vault, problems.append)
    assert problems == []  # the record of this undo can be read


def test_folder_that_was_emptied_and_removed_is_created_again(vault: Path) -> None:
    before = read_tree(vault)
    move(vault, {"Other/w.md": "w.md"})
    (vault / "Other").rmdir()
    assert undo(vault).skipped == ()
    assert read_tree(vault) == before


def test_undo_commands_show_moves(run: RunCommand, vault: Path) -> None:
    name = move(vault, {"1.md": "one.md", "Folder": "F 2"}, {"1.md": b"ONE\n"}).run_id
    listed = run("undo", "--list", "--output-format", "json").data
    assert isinstance(listed, dict)
    assert (listed["runs"][0]["notes"], listed["runs"][0]["moves"]) == (1, 2)
    shown = run("undo", "--diff")
    assert shown.code == 1
    assert "rename from one.md\nrename to 1.md\n--- a/one.md\n+++ b/1.md\n" in shown.out
    assert "rename from F 2/deep/er/z.txt\nrename to Folder/deep/er/z.txt\n" in shown.out
    assert "Would restore 1 note and 2 paths to the state before" in shown.err
    done = run("undo", "--output-format", "json")
    assert done.code == 0
    data = json.loads(done.out)
    assert data["run"] == name
    assert data["moved"] == [{"from": "one.md", "to": "1.md"}, {"from": "F 2", "to": "Folder"}]
    assert "Restored 1 note and 2 paths to the state before" in done.err


# -- interrupted -----------------------------------------------------------------------------------------------------

KILLED: Mapping[str, Iterable[str]] = {
    "kill run": SCENARIOS,
    "kill revert": ("swap", "into moved folder"),
    "kill undo": ("swap", "into moved folder"),
    "fail run": SCENARIOS,
    "kill and copy": ("chain", "swap", "swapped folders"),
    "fail undo": ("chain", "swap", "cycle over folders", "swapped folders"),
}


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't fork")
@pytest.mark.parametrize("kind", spread(KILLED, 3))
def test_interrupted_run_is_reverted_or_undone_exactly(
    tmp_path: Path, subtests: pytest.Subtests, kind: str
) -> None:
    script = Path(__file__).with_name("killed_moves.py")
    for scenario in KILLED[kind]:
        with subtests.test(scenario):
            done = subprocess.run(
                [sys.executable, script, kind, scenario, new_folder(tmp_path)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-3_000:]
            assert int(done.stdout) > 15


def interrupt(vault: Path, moves: Mapping[str, str], texts: Mapping[str, bytes]) -> str:
    """Leave a run as if it had been killed after its moves."""
    writes = [PendingWrite(path, NOTES[path], new) for path, new in texts.items()]
    run = record_run(vault, "vaultlink rename 1 one", "", writes, moves=moves)
    write_files(vault, texts)
    write_moving(journal_folder(vault), run, identify_files(vault, list(moves)))
    for old, new in moves.items():
        (vault / old).rename(vault / new)
    return run.id


@each("line", [("fix",), ("sections", "write"), ("baseline",)], ids=" ".join)
def test_every_command_that_writes_reverts_an_interrupted_run(
    run: RunCommand, vault: Path, line: Sequence[str]
) -> None:
    interrupt(vault, {"1.md": "one.md"}, {"1.md": b"ONE\n"})
    done = run(*line)
    assert "Reverted an interrupted run (vaultlink rename 1 one)." in done.err
    assert (vault / "1.md").read_bytes().startswith(NOTES["1.md"].strip())
    assert not (vault / "one.md").exists()


def test_undo_reverts_an_interrupted_run_and_no_other(run: RunCommand, vault: Path) -> None:
    move(vault, {}, {"a.md": b"A\n"})
    before = read_tree(vault)
    interrupt(vault, {"1.md": "one.md"}, {"1.md": b"ONE\n"})
    done = run("undo")
    assert done.code == 0
    assert done.err.endswith("(vaultlink rename 1 one). That run had been interrupted.\n")
    assert read_tree(vault) == before


def test_other_path_taken_after_the_interruption(vault: Path) -> None:
    name = interrupt(vault, {"1.md": "one.md", "2.md": "two.md"}, {"b.md": b"B\n", "3.md": b"3"})
    write_files(vault, {"1.md": b"another"})
    [(run, result)] = revert_interrupted(vault)
    assert (run.id, result.skipped) == (name, (SkippedNote("one.md", OLD_NAME_TAKEN),))
    assert result.moved == (("two.md", "2.md"),)
    found = read_tree(vault)
    assert (found["b.md"], found["2.md"], found["1.md"]) == (
        NOTES["b.md"],
        NOTES["2.md"],
        b"another",
    )
    assert revert_interrupted(vault) == ()
    (vault / "1.md").unlink()
    assert undo_run(vault, list_runs(vault)[0]).skipped == ()
    assert read_tree(vault)["1.md"] == NOTES["1.md"]


def test_file_saved_anew_after_the_interruption_is_moved_back(vault: Path) -> None:
    """An editor that saves to a new file gives it another inode."""
    interrupt(vault, {"1.md": "one.md"}, {"a.md": b"A\n"})
    (vault / "one.md").unlink()
    write_files(vault, {"one.md": b"typed"})
    revert_interrupted(vault)
    assert read_tree(vault)["1.md"] == b"typed"


# -- disks that ignore case ------------------------------------------------------------------------------------------


CASE_FILES = {"Case.md": b"c", "Folder/x.md": b"x", "B.md": b"b", "a.md": b"a", "Été.md": b"e"}


def test_only_case_changes_on_a_disk_that_ignores_case(folding_disk: Path) -> None:
    vault = create_vault(folding_disk / "vault", CASE_FILES)
    before = read_tree(vault)
    for moves in (
        {"Case.md": "CASE.md"},
        {"Folder": "FOLDER"},
        {"B.md": "a.md", "a.md": "b.md"},
        {"Case.md": "A.md", "a.md": "c.md"},
        {"Été.md": "éTÉ.md"},
        {"Folder/x.md": "Folder/X.md", "B.md": "Folder/x.MD.md"},
    ):
        expected = {map_path(path, moves): text for path, text in before.items()}
        assert record_and_write(vault, "rename", "", [], moves=moves).skipped == ()
        assert read_tree(vault) == expected
        assert undo(vault).skipped == ()
        assert read_tree(vault) == before
    for moves in ({"Case.md": "A.MD"}, {"Case.md": "fOLDER"}):
        assert record_and_write(vault, "rename", "", [], moves=moves).moved == ()
        assert read_tree(vault) == before


@pytest.mark.timeout(200)
@each("scenario", ["case", "swap"])
def test_interrupted_run_on_a_disk_that_ignores_case(folding_disk: Path, scenario: str) -> None:
    script = Path(__file__).with_name("killed_moves.py")
    bench = folding_disk / "bench"
    bench.mkdir()
    command = [sys.executable, str(script), "kill run", scenario, str(bench)]
    assert subprocess.run(command, check=False).returncode == 0
