"""Tests of writing notes: completely or not at all, never over unread bytes, without leftover files.

Real files throughout; where somebody else must come in between, the two halves of writing are called one by one.
"""

import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tables import each
from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite, SkippedNote
from vaultlink.write.journal_files import LockTimeout, journal_folder, lock_vault
from vaultlink.write.open_folders import (
    CannotWrite,
    close_folders,
    find_missing_folders,
    open_folder,
    prepare_folders,
    remove_empty_folders,
)
from vaultlink.write.system_calls import sync_filesystem
from vaultlink.write.write_notes import (
    ReplaceJob,
    WriteResult,
    commit_replacement,
    discard_replacement,
    prepare_replacement,
    remove_leftovers,
    write_notes,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")

BYTES: Mapping[str, tuple[bytes, bytes]] = {
    "plain": (b"[[Peir]]\n", b"[[Pier]]\n"),
    "mark": (b"\xef\xbb\xbf[[Peir]]\n", b"\xef\xbb\xbf[[Pier]]\n"),
    "windows": (b"[[Peir]]\r\n\r\n", b"[[Pier]]\r\n\r\n"),
    "mixed": (b"a\r\nb\nc\r", b"A\r\nb\nc\r"),
    "unended": (b"[[Peir]]", b"[[Pier]]"),
    "blanks": (b"[[Peir]]  \t \n\n\n", b"[[Pier]]  \t \n\n\n"),
    "no-text": (b"\xff\xfe\x00\x80[[Peir]]", b"\xff\xfe\x00\x80[[Pier]]"),
    "empty": (b"", b"x"),
    "to-empty": (b"x", b""),
    "large": (b"line\n" * 300_000, b"line\n" * 150_000 + b"other\n" + b"line\n" * 150_000),
}


def tree(root: Path) -> dict[str, bytes | None]:
    """Return the bytes of all files below a folder; None for folders and special files."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def written(root: Path, files: Mapping[str, bytes]) -> Path:
    """A vault on disk."""
    root.mkdir(exist_ok=True)
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a vault of two notes."""
    return written(tmp_path / "vault", {"Quay.md": b"old", "a/Pier.md": b"old"})


def refused(path: str, why: str) -> WriteResult:
    """Return the outcome of a refused write."""
    return WriteResult((), (SkippedNote(path, why),))


# -- what is written --------------------------------------------------------------------------------------------------


@each("name", BYTES)
def test_bytes_are_written_as_they_are(vault: Path, name: str) -> None:
    old, new = BYTES[name]
    written(vault, {"Note.md": old})
    before = tree(vault)
    assert write_notes(vault, [PendingWrite("Note.md", old, new)]) == WriteResult(("Note.md",), ())
    assert tree(vault) == {**before, "Note.md": new}


def test_many_notes_in_many_folders(tmp_path: Path) -> None:
    old = {f"f{number % 300}/n{number}.md": f"old {number}".encode() for number in range(600)}
    vault = written(tmp_path / "vault", old)
    result = write_notes(
        vault, [PendingWrite(path, text, text.upper()) for path, text in old.items()]
    )
    assert result == WriteResult(tuple(sorted(old)), ())
    assert {path: text for path, text in tree(vault).items() if text is not None} == {
        path: text.upper() for path, text in old.items()
    }


def test_nothing_to_write() -> None:
    assert write_notes(Path("/nowhere/at/all"), []) == WriteResult((), ())


@posix
@each("mode", [0o600, 0o644, 0o664, 0o640, 0o755, 0o200])
def test_permissions_are_preserved(vault: Path, mode: int) -> None:
    (vault / "Quay.md").chmod(mode)
    assert (
        write_notes(vault, [PendingWrite("Quay.md", b"old", b"new")]).written == ("Quay.md",)
        or mode == 0o200
    )
    assert stat.S_IMODE((vault / "Quay.md").stat().st_mode) == mode


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)
def test_owner_is_preserved(vault: Path) -> None:
    os.chown(vault / "Quay.md", 12345, 23456)
    assert write_notes(vault, [PendingWrite("Quay.md", b"old", b"new")]).written == ("Quay.md",)
    status = (vault / "Quay.md").stat()
    assert (status.st_uid, status.st_gid) == (12345, 23456)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Python knows no attributes")
def test_extended_attributes_are_preserved(vault: Path) -> None:
    assert sys.platform == "linux"
    try:
        os.setxattr(vault / "Quay.md", "user.colour", b"green")
    except OSError:
        pytest.skip("no attributes here")
    assert write_notes(vault, [PendingWrite("Quay.md", b"old", b"new")]).written == ("Quay.md",)
    assert os.getxattr(vault / "Quay.md", "user.colour") == b"green"


def test_new_note_is_made_with_its_folders(vault: Path) -> None:
    before = tree(vault)
    assert find_missing_folders(vault, ["b/c/New.md", "a/New.md", "b/Other.md", "New.md"]) == [
        "b",
        "b/c",
    ]
    assert write_notes(vault, [PendingWrite("b/c/New.md", None, b"new")]) == WriteResult(
        ("b/c/New.md",), ()
    )
    assert tree(vault) == {**before, "b": None, "b/c": None, "b/c/New.md": b"new"}


@posix
def test_new_note_has_usual_permissions(vault: Path) -> None:
    write_notes(
        vault,
        [PendingWrite("New.md", None, b"new"), PendingWrite("Other.md", None, b"new", mode=0o640)],
    )
    (vault / "Usual.md").write_bytes(b"")
    assert (vault / "New.md").stat().st_mode == (vault / "Usual.md").stat().st_mode
    assert stat.S_IMODE((vault / "Other.md").stat().st_mode) == 0o640


def test_note_is_deleted(vault: Path) -> None:
    assert write_notes(vault, [PendingWrite("a/Pier.md", b"old", None)]) == WriteResult(
        ("a/Pier.md",), ()
    )
    assert tree(vault) == {"Quay.md": b"old", "a": None}


# -- what is refused --------------------------------------------------------------------------------------------------


CHANGED = "it changed since it was read"
TAKEN = "a file with this name already exists"


@each(
    ("item", "why"),
    [
        (PendingWrite("Quay.md", b"other", b"new"), CHANGED),
        (PendingWrite("Quay.md", b"ol", b"new"), CHANGED),
        (PendingWrite("Quay.md", b"", b"new"), CHANGED),
        (PendingWrite("Quay.md", b"other", None), CHANGED),
        (PendingWrite("Gone.md", b"old", b"new"), "it no longer exists"),
        (PendingWrite("Gone.md", b"old", None), "it no longer exists"),
        (PendingWrite("gone/Gone.md", b"old", b"new"), "its folder no longer exists"),
        (PendingWrite("Quay.md", None, b"new"), TAKEN),
        (PendingWrite("a", None, b"new"), TAKEN),
        (PendingWrite("a", b"old", b"new"), "it is a folder"),
        (PendingWrite("Quay.md/New.md", None, b"new"), "a file has the name of its folder"),
        (PendingWrite("Quay.md/New.md", b"old", b"new"), "a file has the name of its folder"),
        (PendingWrite("../Quay.md", b"old", b"new"), "its path is not valid in a vault"),
        (PendingWrite("a/../Quay.md", b"old", b"new"), "its path is not valid in a vault"),
        (PendingWrite("/etc/Quay.md", None, b"new"), "its path is not valid in a vault"),
        (PendingWrite("", None, b"new"), "its path is not valid in a vault"),
        (PendingWrite("a\0b.md", None, b"new"), "its path is not valid in a vault"),
        (PendingWrite("n" * 300 + ".md", None, b"new"), "the system reports: file name too long"),
    ],
)
def test_refusal(vault: Path, item: PendingWrite, why: str) -> None:
    before = tree(vault.parent)
    assert write_notes(vault, [item]) == refused(item.path, why)
    assert tree(vault.parent) == before


@posix
def test_read_only_note(vault: Path) -> None:
    (vault / "Quay.md").chmod(0o444)
    for new in (b"new", None):
        assert write_notes(vault, [PendingWrite("Quay.md", b"old", new)]) == refused(
            "Quay.md", "it is read-only"
        )
    assert (vault / "Quay.md").read_bytes() == b"old"


@posix
def test_symbolic_link(vault: Path) -> None:
    (vault / "Link.md").symlink_to("Quay.md")
    (vault / "Nowhere.md").symlink_to("nowhere.md")
    (vault / "Loop.md").symlink_to("Loop.md")
    for name in ("Link.md", "Nowhere.md", "Loop.md"):
        assert write_notes(vault, [PendingWrite(name, b"old", b"new")]) == refused(
            name, "it is a symbolic link"
        )
        assert write_notes(vault, [PendingWrite(name, b"old", None)]) == refused(
            name, "it is a symbolic link"
        )
        assert write_notes(vault, [PendingWrite(name, None, b"new")]) == refused(name, TAKEN)
    assert tree(vault) == {
        "Quay.md": b"old",
        "Link.md": b"old",
        "Nowhere.md": None,
        "Loop.md": None,
        "a": None,
        "a/Pier.md": b"old",
    }


@posix
def test_folder_outside_behind_a_symbolic_link(vault: Path, tmp_path: Path) -> None:
    outside = written(tmp_path / "vault-too", {"Note.md": b"old", "b/Note.md": b"old"})
    (vault / "out").symlink_to(outside)
    before = tree(outside)
    why = "it is outside the vault, behind a symbolic link"
    for path in ("out/Note.md", "out/b/Note.md"):
        assert write_notes(vault, [PendingWrite(path, b"old", b"new")]) == refused(path, why)
        assert write_notes(vault, [PendingWrite(path, b"old", None)]) == refused(path, why)
    assert write_notes(vault, [PendingWrite("out/c/New.md", None, b"new")]) == refused(
        "out/c/New.md", why
    )
    assert tree(outside) == before


@posix
def test_folder_inside_behind_a_symbolic_link(vault: Path) -> None:
    (vault / "in").symlink_to("a")
    assert write_notes(vault, [PendingWrite("in/Pier.md", b"old", b"new")]).written == (
        "in/Pier.md",
    )
    assert (vault / "in").is_symlink()
    assert (vault / "a/Pier.md").read_bytes() == b"new"


@posix
def test_vault_behind_a_symbolic_link(vault: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(vault)
    assert write_notes(tmp_path / "way", [PendingWrite("a/Pier.md", b"old", b"new")]).written == (
        "a/Pier.md",
    )


@posix
def test_hard_link(vault: Path) -> None:
    (vault / "Second.md").hardlink_to(vault / "Quay.md")
    why = "it has a second hard link, which would keep the old text"
    assert write_notes(vault, [PendingWrite("Quay.md", b"old", b"new")]) == refused("Quay.md", why)
    assert tree(vault) == {"Quay.md": b"old", "Second.md": b"old", "a": None, "a/Pier.md": b"old"}


@posix
def test_pipe(vault: Path) -> None:
    assert sys.platform != "win32"
    os.mkfifo(vault / "Pipe.md")
    assert write_notes(vault, [PendingWrite("Pipe.md", b"", b"new")]) == refused(
        "Pipe.md", "it is not a regular file"
    )


def test_refused_note_does_not_stop_others(vault: Path) -> None:
    items = [
        PendingWrite("Quay.md", b"other", b"new"),
        PendingWrite("Gone.md", b"old", b"new"),
        PendingWrite("a/Pier.md", b"old", b"new"),
        PendingWrite("b/New.md", None, b"new"),
    ]
    result = write_notes(vault, items)
    assert result == WriteResult(
        ("a/Pier.md", "b/New.md"),
        (SkippedNote("Gone.md", "it no longer exists"), SkippedNote("Quay.md", CHANGED)),
    )
    assert tree(vault) == {
        "Quay.md": b"old",
        "a": None,
        "a/Pier.md": b"new",
        "b": None,
        "b/New.md": b"new",
    }


def test_note_is_written_once(vault: Path) -> None:
    result = write_notes(
        vault,
        [PendingWrite("Quay.md", b"old", b"first"), PendingWrite("Quay.md", b"old", b"second")],
    )
    assert result == WriteResult(("Quay.md",), (SkippedNote("Quay.md", CHANGED),))
    assert tree(vault) == {"Quay.md": b"first", "a": None, "a/Pier.md": b"old"}


def test_missing_vault(tmp_path: Path) -> None:
    assert write_notes(tmp_path / "gone", [PendingWrite("Quay.md", b"old", b"new")]).skipped == (
        SkippedNote("Quay.md", "its folder no longer exists"),
    )
    assert tree(tmp_path) == {}


# -- in between -------------------------------------------------------------------------------------------------------


def job(vault: Path, item: PendingWrite) -> ReplaceJob:
    """Prepare a note whose new bytes are in a temporary file beside it."""
    ready = ReplaceJob(
        item.old, item.new, None, open_folder(prepare_folders(vault), ""), item.path, ".ready.tmp"
    )
    prepare_replacement(ready)
    return ready


def test_new_bytes_are_prepared_before_the_replacement(vault: Path) -> None:
    ready = job(vault, PendingWrite("Quay.md", b"old", b"new"))
    assert tree(vault) == {"Quay.md": b"old", ".ready.tmp": b"new", "a": None, "a/Pier.md": b"old"}
    commit_replacement(ready)
    assert tree(vault) == {"Quay.md": b"new", "a": None, "a/Pier.md": b"old"}


def _edit(note: Path) -> None:
    note.write_bytes(b"typed")


def _edit_same_size(note: Path) -> None:
    note.write_bytes(b"own")


def _save_anew(note: Path) -> None:
    note.with_name("x").write_bytes(b"old")
    note.with_name("x").replace(note)


def _protect(note: Path) -> None:
    note.chmod(0o444)


def _remove(note: Path) -> None:
    note.unlink()


def _link(note: Path) -> None:
    note.rename(note.with_name("x"))
    note.symlink_to("x")


def _second(note: Path) -> None:
    note.with_name("x").hardlink_to(note)


@posix
@each("meddle", [_edit, _edit_same_size, _save_anew, _protect, _remove, _link, _second])
@each("new", [b"new", None])
def test_note_changed_before_the_replacement_is_skipped(
    vault: Path, meddle: Callable[[Path], None], new: bytes | None
) -> None:
    ready = job(vault, PendingWrite("Quay.md", b"old", new))
    meddle(vault / "Quay.md")
    after = tree(vault)
    with pytest.raises((CannotWrite, OSError)):
        commit_replacement(ready)
    assert tree(vault) == after
    discard_replacement(ready)
    assert tree(vault) == {path: text for path, text in after.items() if path != ".ready.tmp"}


def test_note_created_before_the_replacement_is_not_overwritten(vault: Path) -> None:
    ready = job(vault, PendingWrite("New.md", None, b"new"))
    (vault / "New.md").write_bytes(b"typed")
    with pytest.raises(CannotWrite, match=TAKEN):
        commit_replacement(ready)
    discard_replacement(ready)
    assert tree(vault) == {"Quay.md": b"old", "New.md": b"typed", "a": None, "a/Pier.md": b"old"}


@posix
def test_folder_replaced_by_a_symlink_is_not_followed(vault: Path, tmp_path: Path) -> None:
    outside = written(tmp_path / "outside", {"Pier.md": b"old"})
    ready = ReplaceJob(
        b"old", b"new", None, open_folder(prepare_folders(vault), "a"), "Pier.md", ".ready.tmp"
    )
    prepare_replacement(ready)
    (vault / "a").rename(vault / "b")
    (vault / "a").symlink_to(outside)
    commit_replacement(ready)
    assert tree(outside) == {"Pier.md": b"old"}
    assert tree(vault / "b") == {"Pier.md": b"new"}


# -- limits and leftovers ---------------------------------------------------------------------------------------------


LIMITED = """
import resource, sys
from pathlib import Path
from vaultlink.write.journal import record_and_write
from vaultlink.errors import JournalError
from vaultlink.model import PendingWrite
from vaultlink.write.write_notes import write_notes
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
root = Path(sys.argv[1])
large = PendingWrite("Large.md", b"old", bytes(5000))
print(write_notes(root, [large, PendingWrite("Quay.md", b"old", b"new"), PendingWrite("b/New.md", None, bytes(5000))]))
try:
    record_and_write(root, "test", "test", [PendingWrite(f"n{number}.md", None, b"x") for number in range(1000)])
except JournalError as error:
    print(error)
"""


@posix
def test_full_disk(vault: Path) -> None:
    written(vault, {"Large.md": b"old"})
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(vault)], capture_output=True, text=True, check=True
    )
    outcome, complaint = done.stdout.splitlines()
    why = "it exceeds the file size limit of the system"
    assert outcome == str(
        WriteResult(("Quay.md",), (SkippedNote("Large.md", why), SkippedNote("b/New.md", why)))
    )
    assert complaint.startswith(
        f"can't write the journal in {journal_folder(vault)}: {why}. Nothing was written"
    )
    assert tree(vault) == {"Quay.md": b"new", "Large.md": b"old", "a": None, "a/Pier.md": b"old"}
    assert sorted(path.name for path in journal_folder(vault).iterdir()) == []


def test_cleanup_removes_only_files_of_the_run(vault: Path) -> None:
    left = {".vaultlink-run-0.tmp": b"", "a/.vaultlink-run-1.tmp": b"half"}
    kept = {
        ".vaultlink-run-1.tmp": b"",
        ".vaultlink-other-0.tmp": b"",
        "a/.vaultlink-run-7.tmp": b"",
    }
    before = tree(written(vault, kept))
    written(vault, left)
    remove_leftovers(vault, ["Quay.md", "a/Pier.md", "gone/Gone.md"], "run")
    assert tree(vault) == before


def test_only_empty_folders_are_removed(vault: Path) -> None:
    (vault / "b" / "c").mkdir(parents=True)
    remove_empty_folders(vault, ["b", "b/c", "a", "gone", "Quay.md"])
    assert tree(vault) == {"Quay.md": b"old", "a": None, "a/Pier.md": b"old"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere files are synced one by one")
def test_filesystem_sync_returns_true_on_success(vault: Path) -> None:
    known = prepare_folders(vault)
    handle = open_folder(known, "").handle
    assert handle is not None
    assert sync_filesystem(handle) in (True, False)
    close_folders(known)
    assert sync_filesystem(10_000) is False


# -- one run at a time ------------------------------------------------------------------------------------------------


HOLDER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from vaultlink.write.journal_files import lock_vault
    with lock_vault(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
""")


@each("end", ["done", "killed"])
def test_second_run_waits_for_the_first(vault: Path, end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(vault)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == b"held\n"
        calls: list[str] = []
        with (
            pytest.raises(LockTimeout, match=r"another vaultlink run .* Try again"),
            lock_vault(vault, lambda: calls.append("x"), 0.3),
        ):
            pass
        assert calls == ["x"]

        def leave() -> None:
            calls.append("y")
            assert holder.stdin
            if end == "killed":
                os.kill(holder.pid, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
            else:
                holder.stdin.close()

        with lock_vault(vault, leave):
            assert calls == ["x", "y"]
        holder.wait()


def test_write_locks_of_two_vaults_are_independent(vault: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other", {})
    with lock_vault(vault, timeout=0), lock_vault(other, timeout=0):
        pass
    with lock_vault(vault, timeout=0):
        pass


@posix
def test_vault_has_one_lock_for_all_paths(vault: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(vault)
    with (
        lock_vault(vault, timeout=0),
        pytest.raises(LockTimeout),
        lock_vault(tmp_path / "way", timeout=0),
    ):
        pass


def test_nothing_is_written_without_a_journal_folder(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(tmp_path / "file"))
    with (
        pytest.raises(
            JournalError,
            match=r"can't write the journal in .*file.*: a file has .* VAULTLINK_STATE_DIR",
        ),
        lock_vault(vault),
    ):
        pass


@posix
def test_journal_is_private(vault: Path) -> None:
    with lock_vault(vault):
        assert stat.S_IMODE(journal_folder(vault).stat().st_mode) == 0o700
