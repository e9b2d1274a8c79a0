"""Tests of runs that must be made whole: if one note can't be written, nothing is changed."""

import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from errno import EACCES, EIO
from pathlib import Path

import pytest

from failing import fail_calls
from killed_moves import Killer, read_tree, run_hooked
from running import RunCommand, create_vault, write_files
from tables import each
from vaultlink import ExtractRequest, MergeRequest, open_vault
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.journal import record_and_write
from vaultlink.write.journal_files import journal_folder, list_runs
from vaultlink.write.undo import revert_interrupted, undo_run
from vaultlink.write.write_notes import WriteResult

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")

NOTES: Mapping[str, bytes] = {
    "a.md": b"[[b]]\n",
    "b.md": b"b\r\n",
    "c/d.md": b"[[b]] d\n",
    "gone.md": b"appended to b\n",
    "move.md": b"[[b]]\n",
}
TEXTS: Mapping[str, bytes | None] = {
    "a.md": b"[[B]]\n",
    "b.md": b"B\r\n",
    "c/d.md": b"[[B]] d\n",
    "gone.md": None,
    "new/New.md": b"new\n",
}
MOVES = {"move.md": "moved/move.md"}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create the sample vault."""
    return create_vault(tmp_path / "vault", NOTES)


def change(vault: Path) -> WriteResult:
    """Change notes, create one, move one and remove one, in one run."""
    writes = [PendingWrite(path, NOTES.get(path), new) for path, new in TEXTS.items()]
    return record_and_write(vault, "change", "", writes, moves=MOVES, all_or_nothing=True)


def test_run_and_its_undo_are_exact(vault: Path) -> None:
    before = read_tree(vault)
    result = change(vault)
    assert (result.written, result.skipped) == (tuple(sorted(TEXTS)), ())
    assert undo_run(vault, list_runs(vault)[0]).skipped == ()
    assert read_tree(vault) == before


def test_text_that_moved_to_a_new_note_is_not_lost(run: RunCommand, tmp_path: Path) -> None:
    """The note that it was in can't be restored: it was edited since."""
    vault = create_vault(tmp_path / "vault", {"a.md": b"# A\n\n## Tide\n\nlow and high\n"})
    assert run("extract", "a#Tide", "--vault", vault).code == 0
    with (vault / "a.md").open("ab") as stream:
        stream.write(b"typed\n")
    before = read_tree(vault)
    done = run("undo", "--vault", vault, "--skip-edited")
    assert done.code == 1
    assert done.err == (
        "Tide.md: skipped: another note that was not restored may need it.\n"
        "a.md: skipped: it was edited since.\n"
        "Nothing was restored.\n"
    )
    assert read_tree(vault) == before


WHOLE = {
    "rename": (("rename", "b", "Bay"), "a.md", "Bay.md"),
    "merge into the edited note": (("merge", "b", "c"), "c.md", None),
    "merge beside the edited note": (("merge", "b", "c"), "a.md", None),
    "extract to the edited note": (("extract", "c#Tide"), "Tide.md", None),
    "extract from the edited note": (("extract", "c#Tide"), "c.md", None),
    "delete": (("delete", "b", "--unlink"), "a.md", None),
    "move": (("move", "b", "Deep/"), "d.md", "Deep/b.md"),
}


@each("name", WHOLE)
def test_edited_note_prevents_the_undo_of_a_whole_run(
    run: RunCommand, tmp_path: Path, name: str
) -> None:
    words, edited, moved = WHOLE[name]
    texts = {
        "a.md": b"[[b]]\n",
        "b.md": b"low\n",
        "c.md": b"# C\n\n## Tide\n\nhigh\n",
        "d.md": b"[x](b.md)\n",
    }
    vault = create_vault(tmp_path / "vault", texts)
    assert run(*words, "--vault", vault).code == 0
    with (vault / edited).open("ab") as stream:
        stream.write(b"typed\n")
    before = read_tree(vault)
    for _ in range(2):
        done = run("undo", "--vault", vault)
        assert (done.code, read_tree(vault)) == (1, before)
        assert done.err.startswith(
            f"{edited}: skipped: it was edited since.\nNothing was restored."
        )
        assert "--skip-edited` leaves out what was edited." in done.err
    [tried] = list_runs(vault)
    assert not tried.undone
    back = re.search(r"`vaultlink (rename [^`]*)`", done.err)
    assert bool(back) == bool(moved)
    if back and moved:
        assert run(*shlex.split(back[1])).code == 0
        assert read_tree(vault) == {**texts, edited: texts[edited] + b"typed\n", **_folders(vault)}


def _folders(vault: Path) -> dict[str, None]:
    return {path.name: None for path in vault.iterdir() if path.is_dir()}


def test_no_rename_is_proposed_out_of_the_trash(run: RunCommand, tmp_path: Path) -> None:
    texts = {
        ".obsidian/app.json": b'{"trashOption": "local"}',
        "a.md": b"[[b]]\n",
        "b.md": b"low\n",
    }
    vault = create_vault(tmp_path / "vault", texts)
    assert run("delete", "b", "--unlink", "--vault", vault).code == 0
    assert (vault / ".trash/b.md").exists()
    write_files(vault, {"a.md": b"typed\n"})
    done = run("undo", "--vault", vault)
    assert (done.code, "rename .trash" in done.err) == (1, False), done.err
    assert "--skip-edited` leaves out what was edited." in done.err


@each(
    ("words", "typed", "removed", "back"),
    [
        (("rename", "d/", "e"), "a.md", "", "rename e/ d"),
        (("rename", "b", "./-b"), "a.md", "", "rename /-b.md b.md"),
        (("rename", "b", "c"), "a.md", "c.md", ""),
        (("rename", "b", "c"), "b.md", "", ""),
    ],
    ids=["folder beside a note", "name like an option", "the note is gone", "its name is taken"],
)
def test_way_back_is_proposed_where_there_is_one(
    run: RunCommand,
    tmp_path: Path,
    words: tuple[str, ...],
    typed: str,
    removed: str,
    back: str,
) -> None:
    texts = {"a.md": b"[[b]] [[d/f]]\n", "b.md": b"low\n", "d/f.md": b"F\n", "e.md": b"E\n"}
    vault = create_vault(tmp_path / "vault", texts)
    assert run(*words, "--vault", vault).code == 0
    write_files(vault, {"a.md": b"typed\n", typed: b"typed\n"})
    if removed:
        (vault / removed).unlink()
    done = run("undo", "--vault", vault)
    found = re.search(r"`vaultlink (rename [^`]*)`", done.err)
    assert done.code == 1
    assert (found[1].partition(" --vault")[0] if found else "") == back
    if found:
        assert run(*shlex.split(found[1])).code == 0
        assert read_tree(vault).keys() >= texts.keys()


@each("name", ["rename", "move", "delete"])
def test_rest_is_restored_on_demand(run: RunCommand, tmp_path: Path, name: str) -> None:
    words, edited, _ = WHOLE[name]
    texts = {"a.md": b"[[b]]\n", "b.md": b"low\n", "d.md": b"[x](b.md)\n", "e.md": b"![[b]]\n"}
    vault = create_vault(tmp_path / "vault", texts)
    assert run(*words, "--vault", vault).code == 0
    (vault / edited).write_bytes(b"typed\n")
    done = run("undo", "--vault", vault, "--skip-edited")
    assert done.code == 1
    assert f"{edited}: skipped: it was edited since.\n" in done.err
    assert {path: text for path, text in read_tree(vault).items() if text is not None} == {
        **texts,
        edited: b"typed\n",
    }


TEXTS_OF_UNDO: Mapping[str, bytes] = {
    "a.md": b"[[b]] #t\n",
    "b.md": b"low\n",
    "c.md": b"# C\n\n## Tide\n\nhigh\n",
    "d.md": b"[x](b.md) [[c#Tide]]\n",
}
PREVENTED: Mapping[str, tuple[Sequence[str], str]] = {
    "rename": (("rename", "b", "Bay"), "a.md"),
    "rename of a heading": (("rename", "c#Tide", "Ebb"), "d.md"),
    "rename of a tag": (("rename", "#t", "#u"), "a.md"),
    "merge into the note": (("merge", "b", "c"), "c.md"),
    "merge beside the note": (("merge", "b", "c"), "a.md"),
    "extract from the note": (("extract", "c#Tide", "New"), "c.md"),
    "extract to the note": (("extract", "c#Tide", "New"), "New.md"),
    "extract beside the note": (("extract", "c#Tide", "New"), "d.md"),
    "delete": (("delete", "b", "--unlink"), "a.md"),
}
"""Commands, and a note that they wrote."""


def _copy_in_conflict(file: Path) -> None:
    file.with_suffix(".sync-conflict-20261128-101010.md").write_bytes(b"x")


UNWRITABLE: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "read-only": (lambda file: file.chmod(0o444), "it is read-only"),
    "linked twice": (
        lambda file: (file.parent.parent / "second").hardlink_to(file),
        "it has a second hard link, which would keep the old text",
    ),
    "symbolic link": (
        lambda file: file.symlink_to(file.rename(file.parent.parent / "x.md")),
        "it is a symbolic link",
    ),
    "conflicting copy": (_copy_in_conflict, "a sync service created a conflicting copy of it"),
}
"""What happened to a note since, and the reason why it is not restored."""


@posix
@each(
    ("name", "how"),
    [
        (name, how)
        for name, (_, path) in PREVENTED.items()
        for how in UNWRITABLE
        if (path, how) != ("New.md", "conflicting copy")  # a note that is removed may have one
    ],
)
def test_note_that_can_not_be_written_prevents_the_undo_of_a_whole_run(
    run: RunCommand, tmp_path: Path, name: str, how: str
) -> None:
    words, path = PREVENTED[name]
    block, reason = UNWRITABLE[how]
    vault = create_vault(tmp_path / "vault", TEXTS_OF_UNDO)
    assert run(*words, "--vault", vault).code == 0
    block(vault / path)
    before, [made] = read_tree(vault), list_runs(vault)
    assert run("undo", "--verify", "--vault", vault).code == 1
    for _ in range(2):
        done = run("undo", "--vault", vault)
        assert (done.code, read_tree(vault)) == (1, before)
        assert done.err == (
            f"{path}: skipped: {reason}.\n"
            "Nothing was restored. A rename, merge, extraction or deletion is undone whole or not at "
            f"all. Remove the cause and try again; `vaultlink undo {made.id} --vault {vault} "
            "--skip-unwritable` leaves out what can't be restored.\n"
        )
    assert [(item.id, item.undone) for item in list_runs(vault)] == [(made.id, False)]


@posix
@each("name", PREVENTED)
def test_rest_without_the_note_that_can_not_be_written_is_restored_on_demand(
    run: RunCommand, tmp_path: Path, name: str
) -> None:
    """No text is lost meanwhile, and what is left is restored later."""
    words, path = PREVENTED[name]
    vault = create_vault(tmp_path / "vault", TEXTS_OF_UNDO)
    assert run(*words, "--vault", vault).code == 0
    (vault / path).chmod(0o444)
    before, [made] = (vault / path).read_bytes(), list_runs(vault)
    done = run("undo", "--skip-unwritable", "--vault", vault)
    assert (done.code, (vault / path).read_bytes()) == (1, before)
    assert f"{path}: skipped: it is read-only.\n" in done.err
    texts = b"".join(text for text in read_tree(vault).values() if text)
    assert all(word in texts for word in (b"low", b"high"))
    (vault / path).chmod(0o644)
    assert run("undo", made.id, "--vault", vault).code == 0
    assert _without_folders(vault) == TEXTS_OF_UNDO


def _without_folders(vault: Path) -> dict[str, bytes]:
    found = read_tree(vault)
    return {path: text for path, text in found.items() if text is not None and path[0] != "."}


HARMLESS: Mapping[str, Callable[[Path], object]] = {
    "nothing": lambda _file: None,
    "another file with the same bytes": lambda file: (
        file.with_suffix(".new").write_bytes(file.read_bytes()),
        file.with_suffix(".new").replace(file),
    ),
    "touched": lambda file: os.utime(file, (0, 0)),
    "executable": lambda file: file.chmod(0o755),
}


@posix
@each("how", HARMLESS)
@each("name", PREVENTED)
def test_change_that_does_not_prevent_writing_does_not_prevent_undo(
    run: RunCommand, tmp_path: Path, name: str, how: str
) -> None:
    words, path = PREVENTED[name]
    vault = create_vault(tmp_path / "vault", TEXTS_OF_UNDO)
    assert run(*words, "--vault", vault).code == 0
    HARMLESS[how](vault / path)
    assert run("undo", "--verify", "--vault", vault).code == 0
    assert run("undo", "--vault", vault).code == 0
    assert _without_folders(vault) == TEXTS_OF_UNDO


@posix
@each(
    ("words", "path"),
    [
        (("merge", "b", "c"), "c.md"),
        (("extract", "c#Tide", "New"), "c.md"),
        (("rename", "b", "Bay"), "a.md"),
    ],
)
def test_redo_asks_the_same(
    run: RunCommand, tmp_path: Path, words: Sequence[str], path: str
) -> None:
    texts = {**TEXTS_OF_UNDO, ".obsidian/app.json": b'{"trashOption": "none"}'}
    vault = create_vault(tmp_path / "vault", texts)
    assert run(*words, "--vault", vault).code == 0
    after = read_tree(vault)
    assert run("undo", "--vault", vault).code == 0
    (vault / path).chmod(0o444)
    before, [undo, _] = read_tree(vault), list_runs(vault)
    assert run("undo", undo.id, "--verify", "--vault", vault).code == 1
    assert run("undo", undo.id, "--vault", vault).code == 1
    assert read_tree(vault) == before
    (vault / path).chmod(0o644)
    assert run("undo", undo.id, "--vault", vault).code == 0
    assert read_tree(vault) == after


@posix
def test_undo_and_its_preview_restore_protected_notes(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", TEXTS_OF_UNDO)
    assert run("rename", "b", "Bay", "--vault", vault).code == 0
    write_files(vault, {"vaultlink.toml": b'protect = ["a.md"]\nwrite-paths = ["z/"]\n'})
    assert run("undo", "--verify", "--vault", vault).code == 0
    assert run("undo", "--vault", vault).code == 0
    (vault / "vaultlink.toml").unlink()
    assert _without_folders(vault) == TEXTS_OF_UNDO


@posix
def test_edited_and_read_only_notes_need_both_options(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", TEXTS_OF_UNDO)
    assert run("rename", "b", "Bay", "--vault", vault).code == 0
    write_files(vault, {"a.md": b"typed\n"})
    (vault / "d.md").chmod(0o444)
    before, both = read_tree(vault), "--skip-edited --skip-unwritable` leaves out what "
    for words in ((), ("--skip-edited",), ("--skip-unwritable",)):
        done = run("undo", *words, "--vault", vault)
        assert (done.code, read_tree(vault)) == (1, before)
        assert both in done.err
        assert ("what was edited" in done.err) == (words != ("--skip-edited",))
        assert ("what can't be restored" in done.err) == (words != ("--skip-unwritable",))
    assert run("undo", "--skip-edited", "--skip-unwritable", "--vault", vault).code == 1
    assert (vault / "b.md").exists()


@posix
def test_text_that_moved_between_two_notes_is_not_lost(run: RunCommand, tmp_path: Path) -> None:
    """The note in between was made and removed by the same run; the source is read-only now."""
    vault = create_vault(tmp_path / "vault", TEXTS_OF_UNDO)
    opened = open_vault(vault)
    result = opened.apply(opened.plan(ExtractRequest("c#Tide", "New"), MergeRequest("New", "a")))
    assert result.skipped == ()
    assert b"high" in (vault / "a.md").read_bytes()
    (vault / "c.md").chmod(0o444)
    assert run("undo", "--skip-unwritable", "--vault", vault).code == 1
    assert b"high" in (vault / "a.md").read_bytes()
    (vault / "c.md").chmod(0o644)
    assert run("undo", "--vault", vault).code == 0
    assert _without_folders(vault) == TEXTS_OF_UNDO


@posix
def test_note_that_can_not_be_created_again_keeps_its_text(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = create_vault(tmp_path / "vault", {"x/b.md": b"low\n", "c.md": b"# C\n"})
    assert run("merge", "x/b", "c", "--vault", vault).code == 0
    (vault / "x").mkdir(exist_ok=True)
    before, can_access = read_tree(vault), os.access
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **more: Path(path).name != "x" and can_access(path, mode, **more),
    )
    for words in ((), ("--skip-unwritable",)):
        done = run("undo", *words, "--vault", vault)
        assert (done.code, read_tree(vault)) == (1, before)
        assert "x/b.md: skipped: its folder is not writable.\n" in done.err


@posix
@each("name", ["rename of a heading", "merge into the note"])
def test_undo_that_fails_in_the_middle_restores_nothing(
    run: RunCommand, tmp_path: Path, name: str
) -> None:
    """The system refuses what no question before can find out."""
    words, _ = PREVENTED[name]
    vault = create_vault(tmp_path / "vault", TEXTS_OF_UNDO)
    assert run(*words, "--vault", vault).code == 0
    before = read_tree(vault)
    with fail_calls("replace", EACCES, {2}):
        done = run("undo", "--vault", vault)
    assert (done.code, read_tree(vault)) == (1, before)
    assert run("undo", "--vault", vault).code == 0
    assert _without_folders(vault) == TEXTS_OF_UNDO


UNDONE = {
    "rename": (("rename", "b", "Bay"), "[[Bay]]", "1 link in the skipped notes names a new name."),
    "folder": (("rename", "c/", "Sea"), "[[Sea/f]]", "1 link in the skipped notes names"),
    "delete": (("delete", "b", "--unlink"), "low", "`vaultlink check"),
}


@each("name", UNDONE)
def test_links_of_skipped_notes_to_new_names_are_found(
    run: RunCommand, tmp_path: Path, name: str
) -> None:
    words, link, said = UNDONE[name]
    texts = {"a.md": b"[[b]] [[c/f]]\n", "b.md": b"low\n", "c/f.md": b"F\n", "e/f.md": b"E\n"}
    vault = create_vault(tmp_path / "vault", texts)
    assert run(*words, "--vault", vault).code == 0
    with (vault / "a.md").open("ab") as stream:
        stream.write(b"typed\n")
    done = run("undo", "--vault", vault, "--skip-edited")
    assert said in done.err
    checked = run("check", vault)
    assert ("VL114" in checked.out, "VL125" in checked.out) == (link != "low", False)
    assert run("fix", vault).code == 0
    assert run("check", vault).code == 0


@each(
    ("undos", "link", "found"),
    [
        (0, "Bay", ""),
        (1, "b", ""),
        (1, "Bay", "VL114 moved-link [*] “Bay” was moved to b."),
        (1, "Boy", "VL125"),
        (2, "Bay", ""),
        (2, "b", "VL114 moved-link [*] “b” was moved to Bay."),
        (3, "b", ""),
        (3, "Bay", "VL114 moved-link [*] “Bay” was moved to b."),
    ],
)
@each("is_checked", [True, False], ids=["checked in between", "not checked"])
def test_check_knows_where_an_undo_moved_files(
    run: RunCommand, tmp_path: Path, undos: int, link: str, found: str, is_checked: bool
) -> None:
    """Nothing is found if no link is left, also after the undo of an undo."""
    vault = create_vault(tmp_path / "vault", {"a.md": b"[[b]]\n", "b.md": b"low\n"})
    assert run("rename", "b", "Bay", "--vault", vault).code == 0
    for _ in range(undos):
        if is_checked:
            assert run("check", vault).code == 0
        assert run("undo", list_runs(vault)[0].id, "--vault", vault).code == 0
    write_files(vault, {"new.md": f"[[{link}]]\n".encode()})
    done = run("check", vault)
    assert found in done.out
    assert bool(done.out) == bool(found)


def test_name_that_is_taken_again_is_not_moved(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": b"[[b]]\n", "b.md": b"low\n"})
    assert run("rename", "b", "Bay", "--vault", vault).code == 0
    assert run("undo", "--vault", vault).code == 0
    assert run("rename", "b", "Cove", "--vault", vault).code == 0
    write_files(vault, {"new.md": b"[[Bay]]\n"})
    assert "“Bay” was moved to Cove." in run("check", vault).out
    write_files(vault, {"Bay.md": b"another\n"})
    assert run("check", vault).code == 0


def test_note_that_can_not_be_created_again_leaves_the_others(
    run: RunCommand, tmp_path: Path
) -> None:
    """They contain its text, and links to its name would lead to the other file."""
    texts = {"a.md": b"[[b]]\n", "b.md": b"low tide\n", "c.md": b"# C\n"}
    vault = create_vault(tmp_path / "vault", texts)
    assert run("merge", "b", "c", "--vault", vault).code == 0
    write_files(vault, {"b.md": b"another\n"})
    before = read_tree(vault)
    done = run("undo", "--vault", vault)
    assert done.code == 1
    assert "b.md: skipped: a file with this name was created since.\n" in done.err
    assert read_tree(vault) == before
    (vault / "b.md").unlink()
    assert run("undo", "--vault", vault).code == 0
    assert {path: text for path, text in read_tree(vault).items() if path in texts} == texts


# -- before the first byte --------------------------------------------------------------------------------------------


def _edit(vault: Path) -> None:
    write_files(vault, {"b.md": b"typed"})


def _remove(vault: Path) -> None:
    (vault / "b.md").unlink()


def _edit_note_to_remove(vault: Path) -> None:
    write_files(vault, {"gone.md": b"typed"})


def _take_name(vault: Path) -> None:
    write_files(vault, {"new/New.md": b"typed"})


def _take_folder(vault: Path) -> None:
    write_files(vault, {"new": b"typed"})


def _remove_folder(vault: Path) -> None:
    (vault / "c/d.md").unlink()
    (vault / "c").rmdir()


def _protect(vault: Path) -> None:
    (vault / "c/d.md").chmod(0o444)


def _link(vault: Path) -> None:
    (vault / "b.md").rename(vault / "x.md")
    (vault / "b.md").symlink_to("x.md")


def _link_twice(vault: Path) -> None:
    (vault / "second.md").hardlink_to(vault / "b.md")


def _link_folder_outside(vault: Path) -> None:
    (vault / "c").rename(vault.parent / "c")
    (vault / "c").symlink_to(vault.parent / "c")


CHANGED = "it changed since it was read"
GONE = "it no longer exists"
BARRIERS: Mapping[Callable[[Path], None], tuple[str, str]] = {
    _edit: ("b.md", CHANGED),
    _remove: ("b.md", GONE),
    _edit_note_to_remove: ("gone.md", CHANGED),
    _take_name: ("new/New.md", "a file with this name already exists"),
    _take_folder: ("new/New.md", "a file has the name of its folder"),
    _remove_folder: ("c/d.md", "its folder no longer exists"),
    _protect: ("c/d.md", "it is read-only"),
    _link: ("b.md", "it is a symbolic link"),
    _link_twice: ("b.md", "it has a second hard link, which would keep the old text"),
    _link_folder_outside: ("c/d.md", "it is outside the vault, behind a symbolic link"),
}


@posix
@each("meddle", BARRIERS, ids=lambda function: function.__name__.strip("_"))
def test_barrier_is_found_before_anything_is_written(
    vault: Path, meddle: Callable[[Path], None]
) -> None:
    meddle(vault)
    before = read_tree(vault)
    assert change(vault) == WriteResult((), (SkippedNote(*BARRIERS[meddle]),))
    assert run_hooked(lambda: change(vault), Killer(1)), "something was written"
    assert read_tree(vault) == before
    assert not journal_folder(vault).exists()


@posix
def test_all_barriers_are_named(vault: Path) -> None:
    for meddle in (_edit, _take_name, _protect):
        meddle(vault)
    write_files(vault, {"moved/move.md": b"typed"})
    assert [note.path for note in change(vault).skipped] == [
        *("b.md", "c/d.md", "move.md", "new/New.md")
    ]


@posix
def test_folder_that_is_not_writable_is_a_barrier(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_access = os.access
    monkeypatch.setattr(
        os,
        "access",
        lambda path, mode, **more: Path(path).name != "c" and can_access(path, mode, **more),
    )
    assert change(vault).skipped == (SkippedNote("c/d.md", "its folder is not writable"),)


@posix
def test_note_of_another_user_is_a_barrier(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    why = "it belongs to another user or group, which can't be preserved"
    # a note can be removed without its owner
    assert change(vault).skipped == tuple(
        SkippedNote(path, why) for path in ("a.md", "b.md", "c/d.md")
    )


# -- after the first byte ---------------------------------------------------------------------------------------------


@posix
@each("code", [EACCES, EIO])
@each(
    ("name", "number", "path"),
    [("replace", 1, "a.md"), ("replace", 3, "c/d.md"), ("unlink", 1, "gone.md")],
)
def test_run_that_fails_later_is_reverted_at_once(
    vault: Path, name: str, number: int, path: str, code: int
) -> None:
    before = read_tree(vault)
    with fail_calls(name, code, {number}):
        result = change(vault)
    assert (result.written, result.run_id) == ((), None)
    assert [note.path for note in result.skipped] == [path]
    assert read_tree(vault) == before
    assert list_runs(vault) == []


@posix
def test_note_edited_meanwhile_is_the_only_one_named(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is edited after the run was recorded."""
    monkeypatch.setattr("vaultlink.write.journal.find_write_barriers", lambda *_: [])
    _edit(vault)
    before = read_tree(vault)
    assert change(vault) == WriteResult((), (SkippedNote("b.md", CHANGED),))
    assert (read_tree(vault), list_runs(vault)) == (before, [])


@posix
def test_run_that_can_not_be_reverted_stays_interrupted(vault: Path) -> None:
    before = read_tree(vault)
    with fail_calls("replace", EACCES, range(3, 1_000)):
        result = change(vault)
    assert result.written == ()
    assert [note.path for note in result.skipped] == ["a.md", "b.md", "c/d.md"]
    [record] = list_runs(vault)
    assert (record.id, record.is_interrupted) == (result.run_id, True)
    [(reverted, again)] = revert_interrupted(vault)
    assert (reverted.id, again.skipped) == (result.run_id, ())
    assert read_tree(vault) == before
