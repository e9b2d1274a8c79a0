"""Tests of undo: exact to the byte, also after a killed run, and never over later edits."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from errno import EIO
from pathlib import Path
from unittest.mock import patch

import pytest

from failing import fail_calls
from running import PROGRAM, RunCommand, create_vault, write_files
from tables import each
from vaultlink.api import open_vault
from vaultlink.config.checks import RunLimits
from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.watch.environment import AutoFixer
from vaultlink.watch.events import Debounce
from vaultlink.write.journal import record_and_write, record_run
from vaultlink.write.journal_files import journal_folder, list_runs, lock_vault
from vaultlink.write.write_notes import WriteResult

VAULT: Mapping[str, bytes] = {
    "Home.md": b"\xef\xbb\xbf# Home\r\n\r\n[[Peir]] \r\n",
    "a/Quay.md": b"[[Home]] and [[Peir]], no final newline",
    "a/No text.md": b"\xff\xfe\x80 [[Peir]]\n\x00",
    "a/b/Gone.md": "Été, 港, 🚢\n".encode(),
    "Long.md": b"".join(b"line %d [[Peir]]\n" % number for number in range(500)),
    "map.png": bytes(range(256)),
}
FIXED: Mapping[str, bytes | None] = {
    "Home.md": b"\xef\xbb\xbf# Home\r\n\r\n[[Pier]] \r\n",
    "a/Quay.md": b"[[Home]] and [[Pier]], no final newline",
    "a/No text.md": b"\xff\xfe\x80 [[Pier]]\n\x00",
    "a/b/Gone.md": None,
    "Long.md": VAULT["Long.md"].replace(b"Peir", b"Pier"),
    "c/d/New.md": b"# New\n",
    "Empty.md": b"",
}
WRITES = [PendingWrite(path, VAULT.get(path), new) for path, new in FIXED.items()]
PATHS = tuple(sorted(FIXED))


def tree(root: Path) -> dict[str, bytes | None]:
    """Return the bytes of all files below a folder; None for folders."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def fix(
    vault: Path, writes: Sequence[PendingWrite] = WRITES, limits: RunLimits | None = None
) -> str:
    """Record and write a run, and return its name."""
    summary = "Fixed 7 findings in 7 notes."
    result = record_and_write(vault, "vaultlink fix", summary, writes, limits=limits)
    assert result.run_id is not None
    return result.run_id


# -- back and forth ---------------------------------------------------------------------------------------------------


def test_every_byte_is_restored(run: RunCommand, vault: Path) -> None:
    before = tree(vault)
    name = fix(vault)
    assert tree(vault) == {
        **{path: text for path, text in before.items() if path != "a/b/Gone.md"},
        **{path: text for path, text in FIXED.items() if text is not None},
        "c": None,
        "c/d": None,
    }
    done = run("undo")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("Restored 7 notes to the state before the run of ")
    assert tree(vault) == before
    assert [item.undone for item in list_runs(vault) if item.id == name] == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_permissions_are_restored(run: RunCommand, vault: Path) -> None:
    for path in ("a/b/Gone.md", "Home.md"):
        (vault / path).chmod(0o640)
    fix(vault)
    assert run("undo").code == 0
    assert [(vault / path).stat().st_mode & 0o7777 for path in ("a/b/Gone.md", "Home.md")] == [
        0o640,
        0o640,
    ]


def test_undo_can_be_undone_by_name(run: RunCommand, vault: Path) -> None:
    before = tree(vault)
    first = fix(vault)
    after = tree(vault)
    run("undo")
    second = list_runs(vault)[0]
    assert second.undoes == first
    assert run("undo", second.id).code == 0
    assert tree(vault) == after
    third = list_runs(vault)[0]
    assert {item.id: item.undone for item in list_runs(vault)} == {
        first: False,
        second.id: True,
        third.id: False,
    }
    assert run("undo", third.id).code == 0
    assert tree(vault) == before
    assert {item.id: item.undone for item in list_runs(vault)}[first] is True
    assert run("undo").err.startswith(f"There is nothing to undo in {vault}.")
    assert tree(vault) == before


def test_redone_run_is_the_last_run(run: RunCommand, vault: Path) -> None:
    before = tree(vault)
    fix(vault)
    run("undo")
    run("undo", list_runs(vault)[0].id)
    assert run("undo").code == 0
    assert tree(vault) == before


def test_runs_are_undone_one_after_the_other(run: RunCommand, vault: Path) -> None:
    states = [tree(vault)]
    for old, new in ((b"Peir", b"Pier"), (b"Pier", b"Pear"), (b"Pear", b"Bear")):
        text = (vault / "Home.md").read_bytes()
        fix(vault, [PendingWrite("Home.md", text, text.replace(old, new))])
        states.append(tree(vault))
    for state in states[-2::-1]:
        assert run("undo").code == 0
        assert tree(vault) == state
    assert run("undo") == (
        0,
        "",
        f"There is nothing to undo in {vault}. `vaultlink undo --list` lists the undone runs.\n",
    )


def test_earlier_run_cannot_be_undone_before_a_later_one(run: RunCommand, vault: Path) -> None:
    first = fix(vault, WRITES[:2])
    second = fix(vault, [PendingWrite("Home.md", FIXED["Home.md"], b"later")])
    done = run("undo", first)
    assert done.code == 1
    skipped, restored, proposal = done.err.splitlines()
    assert skipped == (
        f"Home.md: skipped: a later run changed it too: {second} (vaultlink fix); undo that first."
    )
    assert restored.startswith("Restored 1 note to the state before the run of ")
    assert proposal == f"Undo this run first: `vaultlink undo {second}`."
    assert (vault / "Home.md").read_bytes() == b"later"
    assert (vault / "a/Quay.md").read_bytes() == VAULT["a/Quay.md"]
    assert run("undo", second).code == 0
    assert run("undo").code == 0
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"]
    assert run("undo").err.startswith("There is nothing to undo")


def test_run_is_named_by_a_prefix(run: RunCommand, vault: Path) -> None:
    name = fix(vault)
    assert run("undo", name[:-2]).code == 0
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"]


def test_undo_works_in_an_invalid_vault(run: RunCommand, vault: Path) -> None:
    fix(vault)
    write_files(
        vault,
        {"vaultlink.toml": b"= nonsense", "Bad.md": b"---\n: [\n\xff", ".obsidian/app.json": b"{"},
    )
    assert run("undo").code == 0
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"]


def test_undo_from_another_folder(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix(vault)
    monkeypatch.chdir(tmp_path)
    assert "contains the vault vault." in run("undo").err
    assert run("undo", "--vault", "vault").code == 0
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"]


# -- what somebody did since ------------------------------------------------------------------------------------------


def test_notes_edited_since_are_named_and_skipped(run: RunCommand, vault: Path) -> None:
    before = tree(vault)
    fix(vault)
    write_files(
        vault,
        {
            "Home.md": b"typed",
            "c/d/New.md": b"typed",
            "c/Own.md": b"typed",
        },
    )
    (vault / "a/Quay.md").unlink()
    done = run("undo", "--skip-edited")
    assert done.code == 1
    assert done.err.splitlines()[:3] == [
        "Home.md: skipped: it was edited since.",
        "a/Quay.md: skipped: it was removed or renamed since.",
        "c/d/New.md: skipped: it was edited since.",
    ]
    assert done.err.splitlines()[3].startswith("Restored 4 notes ")
    expected = {
        **before,
        "c": None,
        "c/d": None,
        "Home.md": b"typed",
        "c/d/New.md": b"typed",
        "c/Own.md": b"typed",
    }
    del expected["a/Quay.md"]
    assert tree(vault) == expected


def test_folders_with_other_files_remain(run: RunCommand, vault: Path) -> None:
    fix(vault)
    write_files(vault, {"c/Own.md": b"typed"})
    assert run("undo").code == 0
    assert tree(vault / "c") == {"Own.md": b"typed"}


def test_notes_skipped_by_the_run_are_not_restored(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Home.md": b"typed"})
    assert record_and_write(vault, "fix", "", WRITES).skipped == (
        SkippedNote("Home.md", "it changed since it was read"),
    )
    done = run("undo")
    assert done.code == 0
    assert "Home.md" not in done.err
    assert (vault / "Home.md").read_bytes() == b"typed"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_unwritable_note_can_be_restored_later(run: RunCommand, vault: Path) -> None:
    """A note that the run created stays until then: it may have text of the other one."""
    before = tree(vault)
    fix(vault, [item for item in WRITES if item.new is not None])
    (vault / "Home.md").chmod(0o444)
    done = run("undo")
    assert done.code == 1
    assert done.err.startswith(
        "Home.md: skipped: it is read-only.\n"
        "c/d/New.md: skipped: another note that was not restored may need it.\n"
        "Restored 4 notes "
    )
    assert (vault / "c/d/New.md").read_bytes() == FIXED["c/d/New.md"]
    (vault / "Home.md").chmod(0o644)
    assert run("undo").code == 0
    assert tree(vault) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_created_note_stays_if_another_one_can_not_be_written_after_all(
    run: RunCommand, vault: Path
) -> None:
    """The disk fails in the middle of the undo, which no question before can find out."""
    before = tree(vault)
    fix(vault, [item for item in WRITES if item.new is not None])
    with fail_calls("replace", EIO, {1}):
        done = run("undo")
    assert done.code == 1
    assert "c/d/New.md: skipped: another note that was not restored may need it.\n" in done.err
    assert (vault / "c/d/New.md").read_bytes() == FIXED["c/d/New.md"]
    assert run("undo").code == 0
    assert tree(vault) == before


def test_manually_restored_note_needs_no_undo(run: RunCommand, vault: Path) -> None:
    name = fix(vault, WRITES[:2])
    write_files(vault, {path: VAULT[path] for path in ("Home.md", "a/Quay.md")})
    assert run("undo", name).err.startswith(
        "Nothing to restore: every note is as it was before the run of "
    )
    assert run("undo").err.startswith("There is nothing to undo")


# -- showing ----------------------------------------------------------------------------------------------------------


def test_list_reads_like_a_log(run: RunCommand, vault: Path) -> None:
    assert run("undo", "--list", "--output-format", "table") == (0, "", "No runs found.\n")
    first = fix(vault, WRITES[:2])
    run("undo")
    second = list_runs(vault)[0].id
    done = run("undo", "--list", "--output-format", "table")
    changes = "Fixed 7 findings in 7 notes."
    assert [re.split(" {2,}", line)[1:] for line in done.lines] == [
        ["run", "changed", "command"],
        [second, f"Undid: {changes}", f"vaultlink undo {first}"],
        [first, f"undone: {changes}", "vaultlink fix"],
    ]
    assert done.err == "2 runs; `vaultlink undo RUN --diff` shows what undoing one would change.\n"
    assert done.code == 0
    data = run("undo", "--list", "--output-format", "json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "last", "runs"]
    assert data["last"] is None  # the second run is an undo, and the first is undone
    assert [list(row) for row in data["runs"]] == [
        [
            "id",
            "time",
            "command",
            "summary",
            "notes",
            "undone",
            "moves",
            "interrupted",
            "undoes",
        ]
    ] * 2
    assert [
        (row["id"], row["command"], row["summary"], row["notes"], row["undone"])
        for row in data["runs"]
    ] == [
        (second, f"vaultlink undo {first}", f"Undid: {changes}", 2, False),
        (first, "vaultlink fix", changes, 2, True),
    ]
    assert [(row["interrupted"], row["undoes"]) for row in data["runs"]] == [
        (False, first),
        (False, None),
    ]
    assert [line.split("\t")[0] for line in run("undo", "--list").lines] == ["run", second, first]


def test_diff_is_shown_and_nothing_written(run: RunCommand, vault: Path) -> None:
    fix(vault, [WRITES[0], WRITES[3], WRITES[5]])
    before, kept = tree(vault), tree(journal_folder(vault))
    for word in ("--diff", "--dry-run"):
        done = run("undo", word)
        assert done.code == 1
        assert done.out.encode() == (
            b"--- a/Home.md\n+++ b/Home.md\n@@ -1,3 +1,3 @@\n \xef\xbb\xbf# Home\r\n \r\n-[[Pier]] \r\n+[[Peir]] \r\n"
            b"--- /dev/null\n+++ b/a/b/Gone.md\n@@ -0,0 +1 @@\n"
            + "+Été, 港, 🚢\n".encode()
            + b"--- a/c/d/New.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-# New\n"
        )
        assert done.err.startswith("Would restore 3 notes to the state before ")
    assert (tree(vault), tree(journal_folder(vault))) == (before, kept)
    run("undo")
    assert run("undo", "--diff").code == 0


def test_diff_shows_undecodable_bytes(vault: Path) -> None:
    fix(vault, [WRITES[2]])
    done = subprocess.run([*PROGRAM, "undo", "--diff"], capture_output=True, check=False)
    assert b"\n-\xff\xfe\x80 [[Pier]]\n+\xff\xfe\x80 [[Peir]]\n" in done.stdout


def test_json_lists_restored_notes(run: RunCommand, vault: Path) -> None:
    name = fix(vault, WRITES[:2])
    write_files(vault, {"Home.md": b"typed"})
    done = run("undo", "--output-format", "json")
    assert done.data == {
        "schema": 1,
        "run": name,
        "undone_by": list_runs(vault)[0].id,
        "restored": ["a/Quay.md"],
        "moved": [],
        "undo_first": [],
        "left": [{"path": "Home.md", "why": "it was edited since"}],
    }
    assert done.code == 1


@each(
    ("words", "answer"),
    [
        (
            ("nonsense",),
            "no run of this vault matches “nonsense”. `vaultlink undo --list` lists the runs.",
        ),
        (("",), "the argument RUN is empty."),
        (("--vault", "nowhere"), "nowhere: no such folder."),
        (("--diff", "nonsense"), "no run of this vault matches “nonsense”."),
    ],
)
def test_undo_usage_errors(run: RunCommand, vault: Path, words: Sequence[str], answer: str) -> None:
    fix(vault)
    before = tree(vault)
    done = run("undo", *words)
    assert (done.code, done.out) == (2, "")
    assert answer in done.err
    assert tree(vault) == before


def test_unknown_run_error_suggests_a_run(run: RunCommand, vault: Path) -> None:
    first, second = fix(vault, WRITES[:1]), fix(vault, WRITES[1:2])
    assert f"Did you mean {first}" in run("undo", first[:-1] + "x").err
    done = run("undo", first[:8])
    assert f"several runs match “{first[:8]}”. Did you mean {second} or {first}?" in done.err
    assert done.code == 2


def test_waits_for_the_write_lock(vault: Path) -> None:
    fix(vault)
    with lock_vault(vault):
        waiting = subprocess.Popen([*PROGRAM, "undo"], stderr=subprocess.PIPE)
        assert waiting.stderr
        assert (
            waiting.stderr.readline() == b"Another run is writing to this vault; waiting for it.\n"
        )
        assert (vault / "Home.md").read_bytes() == FIXED["Home.md"]
    assert waiting.wait() == 0
    waiting.stderr.close()
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"]


# -- the journal ------------------------------------------------------------------------------------------------------


def test_run_that_wrote_nothing_is_not_recorded(vault: Path) -> None:
    assert record_and_write(vault, "fix", "", []) == WriteResult((), ())
    change = PendingWrite("Home.md", b"other", b"new")
    removal = PendingWrite("c/d/e/Home.md", b"other", None)
    changed = SkippedNote("Home.md", "it changed since it was read")
    missing = SkippedNote("c/d/e/Home.md", "its folder no longer exists")
    # no note is removed after another one was skipped: links may lead to it
    for writes, skipped in (([change, removal], changed), ([removal], missing)):
        result = record_and_write(vault, "fix", "", writes)
        assert result == WriteResult((), (skipped,))
    assert list_runs(vault) == []
    assert list(journal_folder(vault).glob("*")) == []


def test_record_size_depends_on_the_changes(vault: Path) -> None:
    text = os.urandom(200_000)
    write_files(vault, {"Large.md": text})
    fix(vault, [PendingWrite("Large.md", text, text[:100_000] + b"new" + text[100_010:])])
    assert sum(len(content or b"") for content in tree(journal_folder(vault)).values()) < 1_000


@each(
    ("old", "new"),
    [
        (b"aaaa", b"aa"),
        (b"aa", b"aaaa"),
        (b"abab", b"ab"),
        (b"", b"x"),
        (b"x", b""),
        (b"abc", b"xyz"),
        (b"aXa", b"aa"),
        (b"\n" * 1_000, b"\n" * 999),
        (bytes(5_000), bytes(5_001)),
        (b"abc" * 1_000, b"cba" * 1_000),
    ],
)
def test_unrecorded_bytes_are_reconstructed(
    run: RunCommand, vault: Path, old: bytes, new: bytes
) -> None:
    write_files(vault, {"Note.md": old})
    fix(vault, [PendingWrite("Note.md", old, new)])
    assert (vault / "Note.md").read_bytes() == new
    assert run("undo").code == 0
    assert (vault / "Note.md").read_bytes() == old


def test_truncated_records_are_reported_and_skipped(run: RunCommand, vault: Path) -> None:
    whole, torn = fix(vault, WRITES[:1]), fix(vault, WRITES[1:2])
    file = journal_folder(vault) / f"{torn}.run"
    content = file.read_bytes()
    for bad in (
        b"",
        content[:10],
        content[:60],
        content[:-1],
        content + b"x",
        b"\0" * len(content),
        content[::-1],
        content.replace(b"Quay", b"Quax"),
    ):
        file.write_bytes(bad)
        done = run("undo", "--list")
        assert [line.split("\t")[0] for line in done.lines] == ["run", whole]
        assert (
            done.err
            == f"warning: can't read the record {file}: it is damaged, of another version, or of another user. Delete it if you do not need it.\n"
        )
        assert done.code == 0
    assert run("undo").code == 1  # another run than the last
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"]
    assert (vault / "a/Quay.md").read_bytes() == FIXED["a/Quay.md"]
    done = run("undo")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: nothing can be undone: can't read the record {file}: ")


def test_an_unreadable_record_of_an_earlier_run_does_not_matter(
    run: RunCommand, vault: Path
) -> None:
    name = fix(vault, WRITES[:1])
    folder = journal_folder(vault)
    (folder / f"{name}.run").rename(folder / "20200101-000000-abcd.run")
    fix(vault, WRITES[1:2])
    assert run("undo").code == 0


HIDDEN: Mapping[str, tuple[Sequence[PendingWrite], Mapping[str, str]]] = {
    "a moved folder": ((), {".obsidian": ".trash/.obsidian"}),
    "a target": ((), {"a": ".hidden/a"}),
    "the vault itself": ((), {"": ".trash/vault"}),
    "a note": ([PendingWrite(".hidden/a.md", None, b"")], {}),
}


@each(("writes", "moves"), HIDDEN.values(), ids=HIDDEN)
def test_no_run_is_made_whose_record_could_not_be_read(
    vault: Path, writes: Sequence[PendingWrite], moves: Mapping[str, str]
) -> None:
    before = tree(vault)
    with pytest.raises(JournalError, match=r"can't be recorded.*Nothing was written"):
        record_and_write(vault, "vaultlink delete", "", writes, moves=moves)
    assert tree(vault) == before
    assert not list(journal_folder(vault).glob("*.run"))


@each("path", ["Home.md", "Long.md"])
def test_damaged_record_restores_nothing(run: RunCommand, vault: Path, path: str) -> None:
    name = fix(vault, [PendingWrite(path, VAULT[path], FIXED[path])])
    file = journal_folder(vault) / f"{name}.run"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = run("undo")
    assert done.code == 1
    assert done.err == (
        f"{path}: skipped: its old text in the journal is damaged.\nNothing was restored.\n"
    )
    assert (vault / path).read_bytes() == FIXED[path]


def test_missing_record(run: RunCommand, vault: Path) -> None:
    name = fix(vault)
    (journal_folder(vault) / f"{name}.run").unlink()
    assert run("undo").err.startswith("There is nothing to undo in ")


def test_old_runs_are_deleted(vault: Path) -> None:
    fix(vault, WRITES[:1])
    fix(vault, WRITES[1:2])
    last = fix(vault, WRITES[2:3], RunLimits(0, 10**9))
    assert [item.id for item in list_runs(vault)] == [last]
    assert {path.name for path in journal_folder(vault).iterdir()} == {
        f"{last}.run",
        f"{last}.ended",
    }


def test_interrupted_run_is_kept_until_it_is_reverted(vault: Path) -> None:
    """Its record may have the only copy of a text."""
    interrupted = record_run(vault, "fix", "", WRITES[:1]).id
    last = fix(vault, WRITES[1:2], RunLimits(0, 0))
    assert [item.id for item in list_runs(vault)] == [last, interrupted]


def test_large_journals_lose_their_oldest_runs(vault: Path) -> None:
    names = [fix(vault, [item]) for item in WRITES[:3]]
    sizes = [(journal_folder(vault) / f"{name}.run").stat().st_size for name in names]
    names.append(fix(vault, [WRITES[4]], RunLimits(90, sizes[1] + sizes[2])))
    assert [item.id for item in list_runs(vault)] == names[:0:-1]
    names.append(fix(vault, [WRITES[5]], RunLimits(90, 0)))
    assert [item.id for item in list_runs(vault)] == names[:-2:-1]


def test_runs_of_one_second_keep_their_order(vault: Path) -> None:
    names = [fix(vault, [PendingWrite(f"n{number}.md", None, b"")]) for number in range(5)]
    assert [item.id for item in list_runs(vault)] == names[::-1]


def test_runs_of_one_second_have_different_names(vault: Path) -> None:
    """Otherwise the record of one would replace that of another."""
    numbers = iter([b"\0\1", b"\0\1", b"\0\2", b"\0\2", b"\0\1", b"\0\3"])
    with (
        patch("time.localtime", lambda _seconds: (2026, 1, 1, 12, 0, 0, 3, 1, 0)),
        patch("os.urandom", lambda size: next(numbers) if size == 2 else bytes(size)),
    ):
        names = [fix(vault, [PendingWrite(f"n{n}.md", None, b"")]) for n in range(3)]
    assert [name[-4:] for name in names] == ["0001", "0002", "0003"]
    assert [item.id for item in list_runs(vault)] == names[::-1]


# -- killed -----------------------------------------------------------------------------------------------------------


def test_next_run_removes_files_of_a_killed_run(vault: Path) -> None:
    name = record_run(vault, "fix", "", WRITES).id
    before = tree(vault)
    write_files(vault, {f".vaultlink-{name}-0.tmp": b"half", f"a/.vaultlink-{name}-1.tmp": b""})
    write_files(journal_folder(vault), {"half.tmp": b""})
    fix(vault, [PendingWrite("map.png", VAULT["map.png"], b"")])
    assert tree(vault) == {**before, "map.png": b""}
    assert not list(journal_folder(vault).glob("*.tmp"))


@each(
    "line",
    [
        ("fix",),
        ("undo",),
        ("sections", "write"),
        ("baseline",),
        ("init",),
        ("watch", "--fix"),
    ],
    ids=" ".join,
)
def test_every_run_that_may_write_removes_leftovers(
    run: RunCommand, vault: Path, line: Sequence[str]
) -> None:
    """Those of its own journal at once, others after an hour; other files never."""
    name = record_run(vault, "fix", "", WRITES).id
    removed = [
        f".vaultlink-{name}-0.tmp",
        f"a/b/.vaultlink-{name}-99.tmp",
        "a/.vaultlink-20200101-000000-abcd-3.tmp",
        ".vaultlink-4711-a1b2c3-0.tmp",
    ]
    remaining = [
        ".vaultlink-20200101-000000-abcd-4.tmp",
        ".vaultlink-notes.tmp",
        "a/.vaultlink-1-b.tmp.md",
        ".git/.vaultlink-20200101-000000-abcd-3.tmp",
    ]
    write_files(vault, dict.fromkeys([*removed, *remaining], b"half"))
    for path in (*removed[2:], *remaining[1:]):
        os.utime(vault / path, (1_600_000_000, 1_600_000_000))
    if line[0] == "watch":
        AutoFixer(Debounce(), "", writing=True).attempt_fix(open_vault(vault), 0.0)
    else:
        run(*line)
    assert [path for path in removed if (vault / path).exists()] == []
    assert [path for path in remaining if not (vault / path).exists()] == []


def test_check_mentions_leftovers_unless_a_run_is_writing(run: RunCommand, vault: Path) -> None:
    leftover = "a/.vaultlink-20200101-000000-abcd-3.tmp"
    write_files(vault, {leftover: b"half"})
    for _ in range(2):  # the second answer comes from the cache
        message = run("check").err.splitlines()[0]
        assert message == (
            f"warning: an interrupted run left temporary files: {leftover}. No note needs them. "
            "The next run that writes, such as `vaultlink fix`, removes them."
        )
    with lock_vault(vault):
        assert "interrupted" not in run("check").err
    assert "interrupted" not in run("check", "--quiet").err
    assert (vault / leftover).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="notes are created in another way")
def test_temporary_name_of_a_created_note_is_no_hard_link(run: RunCommand, vault: Path) -> None:
    """The name remains if the system can't remove it."""
    before = tree(vault)
    name = fix(vault)
    new = vault / "c/d/New.md"
    (new.parent / f".vaultlink-{name}-5.tmp").hardlink_to(new)
    (new.parent / ".vaultlink-20990101-000000-abcd-5.tmp").hardlink_to(new)
    done = run("undo")
    assert (done.code, "skipped" in done.err) == (0, False)
    (new.parent / ".vaultlink-20990101-000000-abcd-5.tmp").unlink()
    assert {path for path in tree(vault) if path not in before} == {"c", "c/d"}


@each("number", range(1, 3))
def test_temporary_file_is_removed_though_the_system_refuses_once(vault: Path, number: int) -> None:
    """Those of a note that is written, and of one that is skipped."""
    write_files(vault, {"Long.md": b"typed"})
    unlink, numbers = os.unlink, iter(range(1, 1_000))

    def fail(path: str, **more: int) -> None:
        if str(path).startswith(".vaultlink-") and next(numbers) == number:
            raise OSError(EIO, os.strerror(EIO))
        unlink(path, **more)

    with patch.object(os, "unlink", fail):
        fix(vault, [item for item in WRITES if item.new is not None])
    assert not [path for path in tree(vault) if ".vaultlink-" in path]


FULL_JOURNAL = """
import resource, sys
from vaultlink.__main__ import main
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
sys.exit(main(["undo", "--vault", sys.argv[1]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_full_disk_of_the_journal_does_not_prevent_undo(tmp_path: Path) -> None:
    vault = write_files(tmp_path / "vault", {f"note {n}.md": b"old" for n in range(200)})
    before = tree(vault)
    writes = [PendingWrite(path, b"old", b"new") for path in before]
    record_and_write(vault, "vaultlink fix", "", writes)
    first, second = (
        subprocess.run(
            [sys.executable, "-c", FULL_JOURNAL, str(vault), how],
            capture_output=True,
            text=True,
            check=False,
        )
        for how in ("full", "")
    )
    assert (first.returncode, tree(vault)) == (0, before)
    assert first.stderr.startswith("Restored 200 notes to the state before the run of ")
    assert first.stderr.endswith("This can't be reverted, because the journal can't be written.\n")
    assert second.stderr.startswith("There is nothing to undo")


def test_interrupted_run_that_created_notes_is_reverted_first(
    run: RunCommand, tmp_path: Path
) -> None:
    """Otherwise a link could be guessed to mean a note that the interrupted run created."""
    vault = write_files(
        tmp_path / "vault", {"Home.md": b"[[Harbour wall]]\n", "b.md": b"[[Harbour walls]]\n"}
    )
    created = [PendingWrite(path, None, b"new") for path in ("Harbour wall.md", "Other.md")]
    record_run(vault, "fix", "", created)
    write_files(vault, {"Harbour wall.md": b"new"})
    done = run("fix", "--unsafe-fixes", "--create", ".", "--vault", vault)
    assert done.err.startswith("Reverted an interrupted run (fix).\n")
    assert sorted(tree(vault)) == ["Harbour wall.md", "Harbour walls.md", "Home.md", "b.md"]
    assert run("undo", "--vault", vault).code == 0
    assert tree(vault) == {"Home.md": b"[[Harbour wall]]\n", "b.md": b"[[Harbour walls]]\n"}


def test_record_is_written_before_the_first_note(run: RunCommand, vault: Path) -> None:
    before = tree(vault)
    record_run(vault, "vaultlink fix", "", WRITES)
    assert tree(vault) == before
    document = json.loads(run("undo", "--list", "--output-format", "json").out)
    [listed] = document["runs"]
    assert document["last"] == listed["id"]
    assert listed["notes"] == 0
    assert run("undo").err.startswith("Nothing to restore: ")
    assert (tree(vault), list_runs(vault)) == (before, [])
