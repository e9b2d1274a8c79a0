"""Tests of interrupted runs: the next command that writes reverts them whole, and says so."""

import os
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from errno import EACCES, EDQUOT, EFBIG, EIO, ENOSPC, EPERM, EROFS
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from documents import blocks
from failing import fail_calls
from forge import ROOT
from killed_moves import Killer, identify_files, run_hooked
from running import RunCommand, create_vault, read_files, write_files
from tables import each
from vaultlink import FixRequest, RenameRequest, open_vault
from vaultlink.__main__ import main
from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.watch.environment import AutoFixer
from vaultlink.watch.events import Debounce
from vaultlink.write import journal_files, own_files, recovery
from vaultlink.write.journal import record_and_write, record_run
from vaultlink.write.journal_files import journal_folder, list_runs, write_moving
from vaultlink.write.own_files import write_atomically
from vaultlink.write.undo import revert_interrupted, undo_run
from vaultlink.write.write_notes import WriteResult, write_notes

RECORDS = Path(__file__).with_name("records")
"""Records that vaultlink 0.5.0 wrote: of `FIX`, and then of `RENAME`."""

FIX, RENAME = "20261128-075607-e567", "20261128-075607-9e6e"

VAULT: Mapping[str, bytes] = {
    "Long Pier.md": b"# Pier\n\nLong enough.\n",
    "Home.md": b"[[Long Pier]]\n",
    **{
        f"a/Note {n}.md": b"Note %d: [[long-pier]], and a text that is the same.\r\n" % n
        for n in (1, 2, 3)
    },
}
FIXED: Mapping[str, bytes] = {
    path: text.replace(b"[[long-pier]]", b"[[Long Pier|long-pier]]") for path, text in VAULT.items()
}
RENAMED: Mapping[str, bytes] = {
    path.replace("Long Pier", "Quay"): text.replace(b"[[Long Pier", b"[[Quay")
    for path, text in FIXED.items()
}
WRITES = [PendingWrite(path, VAULT[path], FIXED[path]) for path in VAULT if "/" in path]
REVERTED = "Reverted an interrupted run (vaultlink fix -q).\n"

no_windows = pytest.mark.skipif(sys.platform == "win32", reason="Windows can't fork")


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def interrupt(vault: Path, written: Collection[str]) -> str:
    """Leave a run as if it had been killed after it wrote these notes."""
    run = record_run(vault, "vaultlink fix -q", "Fixed.", WRITES)
    write_files(vault, {path: FIXED[path] for path in written})
    return run.id


# -- reverted whole ---------------------------------------------------------------------------------------------------

COMMANDS = (
    ("fix",),
    ("baseline",),
    ("sections", "write"),
    ("rename", "Home", "Start"),
    ("rename", "Long Pier#Pier", "Wharf"),
    ("extract", "Long Pier#Pier"),
    ("mentions", "--write"),
)


@each("line", COMMANDS, ids=" ".join)
def test_next_command_that_writes_reverts_a_killed_fix(
    run: RunCommand, vault: Path, line: Sequence[str]
) -> None:
    """Its result is that of the same command in a vault where the killed run never was."""
    expected = run(*line)
    after = read_files(vault)
    run("undo")
    assert read_files(vault) == VAULT
    name = interrupt(vault, ["a/Note 1.md", "a/Note 3.md"])
    done = run(*line)
    assert (done.code, done.err) == (expected.code, REVERTED + expected.err)
    assert read_files(vault) == after
    assert [item.undone for item in list_runs(vault) if item.id == name] == [True]


@no_windows
def test_fix_killed_at_any_change_is_reverted_whole_or_kept_whole(vault: Path) -> None:
    def fix() -> None:
        main(["fix", "-q"])

    number, states, is_done = 0, set[bool](), False
    while not is_done:
        number += 1
        write_files(vault, VAULT)
        is_done = run_hooked(fix, Killer(number))
        reverted = revert_interrupted(vault)
        found = read_files(vault)
        assert found in (VAULT, FIXED)
        assert all(result.written and not result.skipped for _, result in reverted)
        states.add(bool(reverted))
        if found == FIXED:
            [last, *_] = list_runs(vault)
            assert undo_run(vault, last).skipped == ()
            assert read_files(vault) == VAULT
    assert (number > 15, states) == (True, {True, False})


def test_interrupted_runs_are_reverted_the_latest_first(run: RunCommand, vault: Path) -> None:
    interrupt(vault, ["a/Note 1.md"])
    again = [
        PendingWrite("a/Note 1.md", FIXED["a/Note 1.md"], b"later"),
        PendingWrite("Home.md", VAULT["Home.md"], b"later"),
    ]
    record_run(vault, "vaultlink fix later", "", again)
    write_files(vault, {"a/Note 1.md": b"later"})
    done = run("baseline")
    assert done.err.startswith(f"Reverted an interrupted run (vaultlink fix later).\n{REVERTED}")
    assert (vault / "a/Note 1.md").read_bytes() == VAULT["a/Note 1.md"]


def test_run_killed_before_its_first_change_leaves_no_trace(run: RunCommand, vault: Path) -> None:
    interrupt(vault, [])
    done = run("baseline")
    assert done.err.startswith("The baseline contains 3 findings")
    assert len(list_runs(vault)) == 1


def test_note_edited_between_kill_and_recovery_is_kept_and_named(
    run: RunCommand, vault: Path
) -> None:
    first = record_and_write(
        vault, "first", "", [PendingWrite("Home.md", VAULT["Home.md"], b"[[Long Pier]] 2\n")]
    )
    interrupt(vault, ["a/Note 1.md", "a/Note 2.md"])
    write_files(vault, {"a/Note 2.md": b"typed"})
    done = run("baseline")
    assert done.err.startswith(f"a/Note 2.md: skipped: it was edited since.\n{REVERTED}")
    found = read_files(vault)
    assert (found["a/Note 1.md"], found["a/Note 2.md"]) == (VAULT["a/Note 1.md"], b"typed")
    assert run("fix").err.startswith("Fixed 2 findings")  # and no message again
    for _ in range(3):
        assert run("undo").code == 0
    assert list_runs(vault)[-1].id == first.run_id
    assert list_runs(vault)[-1].undone
    assert read_files(vault) == {**VAULT, "a/Note 2.md": b"typed"}


def test_full_disk_at_the_recovery_stops_the_command(run: RunCommand, vault: Path) -> None:
    """The run stays interrupted, and a later command reverts it."""
    name = interrupt(vault, ["a/Note 1.md"])
    before = read_files(vault)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", fail_to_write)
        done = run("baseline")
    assert (done.code, done.err) == (
        2,
        f"error: can't revert the interrupted run {name} (vaultlink fix -q): a/Note 1.md: no space "
        "is left on the device. Nothing else was written. The next run that writes tries it again.\n",
    )
    assert read_files(vault) == before
    assert run("baseline").err.startswith(REVERTED)


def test_unreadable_record_at_the_recovery_stops_the_command(run: RunCommand, vault: Path) -> None:
    name = interrupt(vault, ["a/Note 1.md"])
    with patch("vaultlink.write.recovery.load_old_bytes", side_effect=OSError(EIO, "")):
        assert run("baseline").err.startswith(f"error: can't revert the interrupted run {name} ")
    assert run("baseline").err.startswith(REVERTED)


def fail_to_write(_handle: int, _data: bytes) -> int:
    """Fail as on a full disk."""
    raise OSError(ENOSPC, "")


# -- a note that can't be written ------------------------------------------------------------------------------------

STUCK: Mapping[str, tuple[Callable[[Path], object], Callable[[Path], object], str]] = {
    "read-only": (
        lambda file: file.chmod(0o444),
        lambda file: file.chmod(0o644),
        "it is read-only",
    ),
    "linked twice": (
        lambda file: (file.parent.parent / "second").hardlink_to(file),
        lambda file: (file.parent.parent / "second").unlink(),
        "it has a second hard link, which would keep the old text",
    ),
    "symbolic link": (
        lambda file: file.symlink_to(file.rename(file.parent / "x.txt").name),
        lambda file: (file.parent / "x.txt").replace(file),
        "it is a symbolic link",
    ),
    "conflicting copy": (
        lambda file: file.with_suffix(".sync-conflict-20261128-101010.md").touch(),
        lambda file: file.with_suffix(".sync-conflict-20261128-101010.md").unlink(),
        "a sync service created a conflicting copy of it",
    ),
}
"""What happens to a file, how it ends, and the reason why nothing is written."""


@each("name", STUCK)
def test_run_of_which_a_note_can_not_be_written_stays_interrupted(
    run: RunCommand, vault: Path, name: str
) -> None:
    """Nothing of it is reverted; when the note can be written, the next command reverts all."""
    block, heal, reason = STUCK[name]
    interrupted = interrupt(vault, ["a/Note 1.md", "a/Note 2.md"])
    block(vault / "a/Note 1.md")
    before = read_files(vault)
    for _ in range(2):
        done = run("baseline", "-q")
        assert (done.code, done.err) == (
            1,
            "warning: An interrupted run (vaultlink fix -q) can't be reverted yet: "
            f"a/Note 1.md: {reason}. The next run that writes tries it again. Until then, "
            f"commands that change its notes are refused. `vaultlink undo {interrupted} "
            "--skip-unwritable` reverts the rest.\n",
        )
        (vault / ".vaultlink-baseline.json").unlink()
        assert read_files(vault) == before
        assert list_runs(vault)[-1].is_interrupted
    heal(vault / "a/Note 1.md")
    assert run("baseline").err.startswith(REVERTED)
    (vault / ".vaultlink-baseline.json").unlink()
    assert read_files(vault) == VAULT


@pytest.fixture
def stuck(vault: Path) -> str:
    """Leave an interrupted run of which a note is read-only, and return its name."""
    name = interrupt(vault, ["a/Note 1.md", "a/Note 2.md"])
    (vault / "a/Note 1.md").chmod(0o444)
    write_files(vault, {"b/Other.md": b"[[long-pier]]\n", "b/Deep/Log.md": b"log\n"})
    return name


MEETING: Mapping[str, Sequence[str]] = {
    "a note of it": ("fix",),
    "a note of it that it did not write yet": ("fix", "a/Note 3.md"),
    "its folder": ("rename", "a/", "z"),
    "a link in a note of it": ("rename", "Long Pier", "Quay", "--skip-unwritable"),
    "into its note": ("merge", "b/Other", "a/Note 2"),
    "its note into another": ("merge", "a/Note 2", "b/Other"),
    "its note": ("delete", "a/Note 3", "--leave"),
}


@each("line", MEETING.values(), ids=MEETING)
def test_command_that_would_change_a_note_of_it_is_refused(
    run: RunCommand, vault: Path, stuck: str, line: Sequence[str]
) -> None:
    before = read_files(vault)
    done = run(*line)
    assert (done.code, read_files(vault)) == (2, before)
    assert done.err.splitlines()[-1] == (
        "error: this would change notes of an interrupted run (vaultlink fix -q), which can't be "
        "reverted yet: a/Note 1.md: it is read-only. Nothing was written. "
        f"`vaultlink undo {stuck} --skip-unwritable` reverts the rest."
    )
    assert [item.id for item in list_runs(vault)] == [stuck]


def test_text_stays_if_its_note_gets_a_rival_during_the_reversal(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The merged note can't be created again then, so the other one keeps what it got."""
    files = {"Long.md": b"# Long\n", "Tide.md": b"# T\nPRECIOUS\n", "Home.md": b"[[Tide]]\n"}
    vault = create_vault(tmp_path / "merged", files)
    assert run("merge", "Tide", "Long", "--vault", vault).code == 0
    [merged] = list_runs(vault)
    (journal_folder(vault) / f"{merged.id}.ended").unlink()
    write_files(vault, {"Home.md": files["Home.md"]})

    def write_beside_another(*arguments: Any) -> WriteResult:
        write_files(vault, {"Tide.md": b"RIVAL\n"})
        return write_notes(*arguments)

    monkeypatch.setattr(recovery, "write_notes", write_beside_another)
    run("baseline", "--vault", vault)
    texts = b"".join(file.read_bytes() for file in vault.glob("*.md"))
    assert b"PRECIOUS" in texts
    assert b"RIVAL" in texts


APART: Mapping[str, Sequence[str]] = {
    "another note": ("fix", "b"),
    "another folder": ("rename", "b/Deep/", "b/Far"),
    "another name": ("rename", "Log", "Logbook"),
    "a file": ("baseline",),
}


@each("line", APART.values(), ids=APART)
def test_other_commands_go_on_and_are_undone(
    run: RunCommand, vault: Path, stuck: str, line: Sequence[str]
) -> None:
    before = read_files(vault)
    done = run(*line)
    assert (done.code, "can't be reverted yet" in done.err) == (1, True)
    assert read_files(vault) != before
    [last, _] = list_runs(vault)
    assert run("undo", last.id).code == 0
    assert read_files(vault) == before
    assert run("undo", "--list", "--output-format", "json").data["last"] == stuck  # type: ignore[index]


def test_undo_names_the_note_and_reverts_the_rest_on_demand(
    run: RunCommand, vault: Path, stuck: str
) -> None:
    before = read_files(vault)
    planned = run("undo", "--diff")
    for words in ((), (stuck,), (stuck, "--skip-edited")):
        done = run("undo", *words)
        assert (done.code, read_files(vault)) == (1, before)
        flags = " ".join(["", *words[1:], "--skip-unwritable"])
        assert done.err == (
            "a/Note 1.md: skipped: it is read-only.\n"
            "Nothing was restored. An interrupted run is reverted whole or not at all. Remove the "
            f"cause and try again; `vaultlink undo {stuck}{flags}` leaves out what can't be "
            "restored.\n"
        )
        assert flags != " --skip-unwritable" or planned.err == done.err.replace("was", "would be")
    verified = run("undo", "--verify")
    assert (verified.code, verified.lines[1].split("\t")[2:4]) == (1, ["interrupted", "0"])
    done = run("undo", stuck, "--skip-unwritable")
    assert done.code == 1
    assert done.err.startswith("a/Note 1.md: skipped: it is read-only.\nRestored 1 note ")
    assert done.err.endswith(f"`vaultlink undo {stuck}` tries the rest again.\n")
    assert read_files(vault) == {**before, "a/Note 2.md": VAULT["a/Note 2.md"]}
    (vault / "a/Note 1.md").chmod(0o644)
    assert run("undo", stuck).code == 0
    assert read_files(vault) == {**before, **VAULT}


def test_earlier_run_with_its_notes_is_not_undone_before_it(run: RunCommand, vault: Path) -> None:
    text = b"earlier\n"
    write_files(vault, {"a/Note 3.md": text})
    item = PendingWrite("a/Note 3.md", text, VAULT["a/Note 3.md"])
    earlier = record_and_write(vault, "earlier", "", [item]).run_id or ""
    interrupted = interrupt(vault, ["a/Note 1.md"])
    (vault / "a/Note 1.md").chmod(0o444)
    before = read_files(vault)
    done = run("undo", earlier)
    assert (done.code, read_files(vault)) == (1, before)
    assert f"Undo this run first: `vaultlink undo {interrupted}`.\n" in done.err
    assert run("undo", earlier, "--verify").lines[1].split("\t")[2:5] == ["later", "0", "1"]
    (vault / "a/Note 1.md").chmod(0o644)
    assert run("undo", earlier).code == 0
    assert read_files(vault) == {**VAULT, "a/Note 3.md": text}


def test_text_of_a_killed_extraction_is_not_lost(run: RunCommand, vault: Path) -> None:
    """Its source can't be written, so that the new note has the only copy."""
    write_files(vault, {"Home.md": b"[[Long Pier#Pier]]\n"})
    before = read_files(vault)
    run("extract", "Long Pier#Pier", "Copy")
    [extracted] = list_runs(vault)
    assert b"enough" in (vault / "Copy.md").read_bytes()
    assert b"enough" not in (vault / "Long Pier.md").read_bytes()
    write_files(vault, {"Home.md": before["Home.md"]})  # it was killed before this note
    (journal_folder(vault) / f"{extracted.id}.ended").unlink()
    (vault / "Long Pier.md").chmod(0o444)
    killed = read_files(vault)
    run("fix", "--select", "dead-end")
    assert run("undo").code == 1
    assert read_files(vault) == killed
    assert run("undo", extracted.id, "--skip-unwritable").code == 1
    assert read_files(vault) == killed  # the new note stays, though the rest is reverted
    (vault / "Long Pier.md").chmod(0o644)
    assert run("undo", extracted.id).code == 0
    assert read_files(vault) == before


def test_watcher_and_programs_meet_it(vault: Path, stuck: str) -> None:
    """They say it once, refuse what would change its notes, and make other changes."""
    before = read_files(vault)
    fixer = AutoFixer(Debounce(), "vaultlink watch --fix", writing=True)
    first, *later = [fixer.attempt_fix(open_vault(vault), 1e9) for _ in range(3)]
    [notice] = first.reverted
    assert notice.startswith("An interrupted run (vaultlink fix -q) can't be reverted yet: ")
    assert [(item.reverted, item.is_outdated) for item in later] == [((), False)] * 2
    assert all("a/Note 1.md: it is read-only. Nothing was written." in it.error for it in later)
    opened = open_vault(vault)
    with pytest.raises(JournalError, match="Nothing was written"):
        opened.apply(opened.plan(FixRequest()))
    assert read_files(vault) == before
    result = opened.apply(opened.plan(RenameRequest("Log", "Logbook")))
    assert opened.undo(result.run_id).skipped == ()
    assert opened.undo().skipped == (SkippedNote("a/Note 1.md", "it is read-only"),)
    assert opened.undo(stuck).skipped == (SkippedNote("a/Note 1.md", "it is read-only"),)
    assert read_files(vault) == before


def test_clean_keeps_all_records_of_a_vault_with_it(
    run: RunCommand, vault: Path, stuck: str
) -> None:
    run("baseline")
    before = [item.id for item in list_runs(vault)]
    assert run("clean", "--records", "--yes").code == 1
    assert [item.id for item in list_runs(vault)] == before
    (vault / "a/Note 1.md").chmod(0o644)
    assert run("clean", "--records", "--yes").code == 0
    assert list_runs(vault) == []


# -- errors of the disk ---------------------------------------------------------------------------------------------


@each("code", [ENOSPC, EDQUOT, EIO, EROFS])
def test_fix_that_meets_an_error_of_the_disk_is_reverted_at_once(
    run: RunCommand, vault: Path, code: int
) -> None:
    with fail_calls("replace", code, {2}):
        done = run("fix", "-q")
    [line] = done.err.splitlines()
    assert line.startswith("a/Note 2.md: skipped: ")
    assert (read_files(vault), list_runs(vault)) == (VAULT, [])
    assert done.code == 1


def test_fix_that_can_not_be_reverted_at_once_is_reverted_by_the_next_run(
    run: RunCommand, vault: Path
) -> None:
    with fail_calls("replace", ENOSPC, range(2, 1_000)):
        result = record_and_write(vault, "vaultlink fix -q", "", WRITES)
        full = "no space is left on the device"
        assert result.skipped == (
            SkippedNote("a/Note 1.md", full),
            SkippedNote("a/Note 2.md", full),
        )
        assert (vault / "a/Note 1.md").read_bytes() == FIXED["a/Note 1.md"]
        assert "can't revert the interrupted run" in run("fix").err
    [record] = list_runs(vault)
    assert (record.id, record.is_interrupted) == (result.run_id, True)
    assert run("baseline").err.startswith(REVERTED)
    assert {path: (vault / path).read_bytes() for path in VAULT} == VAULT


@each("code", [EACCES, EPERM, EFBIG])
def test_error_of_one_note_skips_that_note(run: RunCommand, vault: Path, code: int) -> None:
    with fail_calls("replace", code, {2}):
        assert run("fix").code == 1
    assert read_files(vault) == {**FIXED, "a/Note 2.md": VAULT["a/Note 2.md"]}
    assert run("undo").code == 0
    assert read_files(vault) == VAULT


def test_undo_skips_a_note_for_an_error_of_the_disk_and_can_be_repeated(
    run: RunCommand, vault: Path
) -> None:
    run("fix")
    with fail_calls("replace", EIO, {1}):
        assert run("undo").code == 1
    assert read_files(vault) == {**VAULT, "a/Note 1.md": FIXED["a/Note 1.md"]}
    assert run("undo").code == 0
    assert read_files(vault) == VAULT


# -- complete ---------------------------------------------------------------------------------------------------------


@each("line", [("baseline",), ("fix",)], ids=" ".join)
def test_complete_run_without_its_end_mark_is_kept(
    run: RunCommand, vault: Path, line: Sequence[str]
) -> None:
    name = interrupt(vault, [item.path for item in WRITES])
    done = run(*line)
    assert "interrupted" not in done.err
    assert {item.id: item.ended for item in list_runs(vault)}[name]
    if line == ("baseline",):
        run("undo")
    assert run("undo").err.endswith("reverts this.\n")
    assert read_files(vault) == VAULT


def test_undo_of_a_complete_run_without_its_end_mark(run: RunCommand, vault: Path) -> None:
    interrupt(vault, [item.path for item in WRITES])
    done = run("undo")
    assert (done.code, read_files(vault)) == (0, VAULT)
    assert done.err.startswith("Restored 3 notes ")
    run("undo", list_runs(vault)[0].id)
    assert read_files(vault) == FIXED


def test_end_mark_is_synced_to_disk(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[set[str]] = []
    monkeypatch.setattr(
        own_files,
        "sync_folder",
        lambda folder: synced.append({file.suffix for file in folder.iterdir()}),
    )
    record_and_write(vault, "vaultlink fix -q", "", WRITES)
    assert ".ended" in synced[-1]


def test_run_whose_undo_was_undone_stays_ended(run: RunCommand, vault: Path) -> None:
    """On a full disk, the mark of an undone run is the end mark by another name."""
    run("rename", "Long Pier", "Quay")
    after, [renamed] = read_files(vault), list_runs(vault)
    with patch.object(journal_files, "write_atomically", fail_to_mark_undone):
        run("undo")
    assert (journal_folder(vault) / f"{renamed.id}.undone").exists()
    assert run("undo", list_runs(vault)[0].id).code == 0
    assert "interrupted" not in run("fix", "--select", "dead-end").err
    assert read_files(vault) == after


def fail_to_mark_undone(file: Path, parts: Sequence[bytes], *, durable: bool) -> None:
    """Write a file of the journal, except the mark of an undone run."""
    if file.suffix == ".undone":
        raise OSError(ENOSPC, "")
    write_atomically(file, parts, durable=durable)


# -- undo -------------------------------------------------------------------------------------------------------------


@each("is_named", [False, True])
def test_undo_reverts_an_interrupted_run_and_no_other(
    run: RunCommand, vault: Path, is_named: bool
) -> None:
    record_and_write(vault, "first", "", [PendingWrite("New.md", None, b"new\n")])
    name = interrupt(vault, ["a/Note 1.md"])
    done = run("undo", *([name] if is_named else []))
    assert done.code == 0
    assert done.err.startswith("Restored 1 note to the state before the run of ")
    assert done.err.endswith("(vaultlink fix -q). That run had been interrupted.\n")
    assert read_files(vault) == {**VAULT, "New.md": b"new\n"}
    run("undo")
    assert read_files(vault) == VAULT


def test_undo_of_a_run_that_changed_nothing_undoes_no_other(run: RunCommand, vault: Path) -> None:
    record_and_write(vault, "first", "", [PendingWrite("New.md", None, b"new\n")])
    interrupt(vault, [])
    assert run("undo").err.startswith("Nothing to restore: every note is as it was before the run")
    assert read_files(vault) == {**VAULT, "New.md": b"new\n"}


@pytest.mark.thorough
@no_windows
def test_killed_undo_is_completed_by_the_next_undo(run: RunCommand, vault: Path) -> None:
    def undo() -> None:
        main(["undo", "-q"])

    messages, number, is_done = set[str](), 0, False
    while not is_done:
        number += 1
        write_files(vault, VAULT)
        run("fix")
        assert read_files(vault) == FIXED
        is_done = run_hooked(undo, Killer(number))
        if not is_done:
            messages.add(run("undo").err.split("(")[0])
        assert read_files(vault) == VAULT
    assert number > 15
    assert "Reverted an interrupted run " in messages


@no_windows
def test_killed_undo_is_reverted_by_other_commands(run: RunCommand, vault: Path) -> None:
    for number in range(12, 22):
        write_files(vault, VAULT)
        run("fix")
        run_hooked(lambda: main(["undo", "-q"]), Killer(number))
        run("baseline")
        (vault / ".vaultlink-baseline.json").unlink()
        assert read_files(vault) in (VAULT, FIXED)


def test_list_counts_what_an_interrupted_run_wrote(run: RunCommand, vault: Path) -> None:
    name = interrupt(vault, ["a/Note 1.md", "a/Note 2.md"])
    [_, row] = run("undo", "--list", "--output-format", "table").lines
    assert re.split(" {2,}", row)[1:] == [
        name,
        "interrupted, 2 notes to restore: Fixed.",
        "vaultlink fix -q",
    ]
    run("baseline")
    rows = run("undo", "--list", "--output-format", "table").lines
    assert re.split(" {2,}", rows[-1])[1:] == [name, "undone: Fixed.", "vaultlink fix -q"]


def blur(text: str) -> str:
    """Return a text with a letter for each run, time and number, and single spaces."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}", "R", text)
    text = re.sub(r"\d+ \w{3}(?: \d{4},?)? \d\d:\d\d", "T", text)
    text = re.sub(r"Fixed\.|Fixed [\d,]+ findings in [\d,]+ notes: \S+ [\d,]+\.", "S", text)
    return re.sub(r"\s+", " ", re.sub(r"[\d,]*\d", "N", text)).strip()


def test_page_about_crash_safety_shows_these_messages(run: RunCommand, vault: Path) -> None:
    fixing, undoing = blocks(ROOT / "docs" / "crash-safety.md", "text")[:2]
    interrupt(vault, ["a/Note 1.md", "a/Note 2.md"])
    listed = run("undo", "--list", "--output-format", "table").out
    undone = run("undo").err
    assert blur(undoing) == blur(f"$ vaultlink undo --list\n{listed}$ vaultlink undo\n{undone}")
    interrupt(vault, ["a/Note 1.md", "a/Note 2.md"])
    assert blur(run("fix").err).startswith(blur(fixing.removeprefix("$ vaultlink fix\n")))


# -- records of 0.5.0 -------------------------------------------------------------------------------------------------


def place_records(vault: Path, *names: str) -> None:
    """Copy files of the journal of 0.5.0 into that of a vault."""
    write_files(journal_folder(vault), {name: (RECORDS / name).read_bytes() for name in names})


@pytest.fixture
def old_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep records of any age."""
    write_files(tmp_path, {"settings.toml": 'keep-runs = "1000 years"\n'})
    monkeypatch.setenv("VAULTLINK_CONFIG", str(tmp_path / "settings.toml"))


@pytest.mark.usefixtures("old_records")
def test_runs_of_0_5_0_are_listed_and_undone(run: RunCommand, vault: Path) -> None:
    for path in VAULT:
        (vault / path).unlink()
    write_files(vault, RENAMED)
    place_records(vault, f"{FIX}.run", f"{FIX}.ended", f"{RENAME}.run", f"{RENAME}.ended")
    rows = [line.split("\t") for line in run("undo", "--list").lines[1:]]
    assert [(row[2], row[4], row[6]) for row in rows] == [
        ("vaultlink rename 'Long Pier' Quay --vault v", "4", "1"),
        ("vaultlink fix --vault v", "3", "0"),
    ]
    table = run("undo", "--list", "--output-format", "table").lines
    assert [re.split(" {2,}", line)[2] for line in table[1:]] == [row[3] for row in rows]
    assert rows[0][3].startswith("Renamed Long Pier.md to Quay.md; 4 links in ")
    states = [line.split("\t")[2:5] for line in run("undo", "--verify").lines[1:]]
    assert states == [["exact", "5", "0"], ["later", "0", "3"]]
    assert run("undo").code == 0
    assert read_files(vault) == FIXED
    assert run("undo").code == 0
    assert read_files(vault) == VAULT


@pytest.mark.usefixtures("old_records")
def test_runs_of_0_5_0_are_not_undone_before_later_ones(run: RunCommand, vault: Path) -> None:
    for path in VAULT:
        (vault / path).unlink()
    write_files(vault, RENAMED)
    place_records(vault, f"{FIX}.run", f"{FIX}.ended", f"{RENAME}.run", f"{RENAME}.ended")
    done = run("undo", FIX)
    assert (done.code, read_files(vault)) == (1, RENAMED)
    assert done.err.splitlines() == [
        *(
            f"a/Note {n}.md: skipped: a later run changed it too: {RENAME} "
            "(vaultlink rename 'Long Pier' Quay --vault v); undo that first."
            for n in (1, 2, 3)
        ),
        "Nothing was restored.",
        f"Undo this run first: `vaultlink undo {RENAME}`.",
    ]
    write_files(vault, {"a/Note 1.md": b"typed"})
    assert "a/Note 1.md: skipped: it was edited since.\n" in run("undo", FIX).err


@pytest.mark.usefixtures("old_records")
def test_rename_of_0_5_0_is_whole(run: RunCommand, vault: Path) -> None:
    for path in VAULT:
        (vault / path).unlink()
    write_files(vault, RENAMED)
    place_records(vault, f"{FIX}.run", f"{FIX}.ended", f"{RENAME}.run", f"{RENAME}.ended")
    write = PendingWrite("a/Note 2.md", RENAMED["a/Note 2.md"], b"fixed\n")
    later = record_and_write(vault, "vaultlink fix", "Fixed.", [write]).run_id
    before = read_files(vault)
    done = run("undo", RENAME)
    assert (done.code, read_files(vault)) == (2, before)
    assert done.err.endswith(f"Undo this run first: `vaultlink undo {later}`.\n")
    for _ in range(3):
        assert run("undo").code == 0
    assert read_files(vault) == VAULT


@pytest.mark.usefixtures("old_records")
@pytest.mark.parametrize("line", [("baseline",), ("undo",)], ids=" ".join)
def test_fix_that_0_5_0_left_half_done_is_reverted(
    run: RunCommand, vault: Path, line: Sequence[str]
) -> None:
    write_files(vault, {"a/Note 2.md": FIXED["a/Note 2.md"]})
    place_records(vault, f"{FIX}.run")
    done = run(*line)
    assert done.code == 0
    assert "interrupted" in done.err
    assert {path: (vault / path).read_bytes() for path in VAULT} == VAULT


@pytest.mark.usefixtures("old_records")
@pytest.mark.parametrize("is_moved", [False, True])
def test_rename_that_0_5_0_left_half_done_is_reverted(
    run: RunCommand, vault: Path, is_moved: bool
) -> None:
    place_records(vault, f"{FIX}.run", f"{FIX}.ended", f"{RENAME}.run")
    texts = {path: RENAMED.get(path, FIXED[path]) for path in VAULT}
    write_files(vault, texts)
    if is_moved:
        [record, _] = list_runs(vault)
        write_moving(journal_folder(vault), record, identify_files(vault, ["Long Pier.md"]))
        (vault / "Long Pier.md").rename(vault / "Quay.md")
    done = run("fix")
    assert done.err.startswith(
        "Reverted an interrupted run (vaultlink rename 'Long Pier' Quay --vault v).\n"
    )
    assert read_files(vault) == FIXED
    run("undo")
    assert read_files(vault) == VAULT
